"""Finding messages: a list page by page, and where an exact word leads. Every query stays bounded at a million rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from itertools import chain

from django.db.models import Q, QuerySet
from django.utils import timezone

from messaging.appio import fiscal_codes
from messaging.models import Message, Recipient, User
from messaging.permissions import services_of, visible_messages

PAGE = 50
#: Where no index leads to the rows, one page looks at so many of them at most.
WINDOW = 50_000
#: Somebody with fewer messages than this is looked up by their own index, whatever else is wanted.
FEW = 5_000
#: Rows are numbered in the order in which they were made, up to transactions that overlap for less than this.
OVERLAP = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a list shows: messages of these services, narrowed by whatever else is said."""

    services: tuple[int, ...]
    status: str = ""
    kind: str = ""
    author: int | None = None
    since: date | None = None
    until: date | None = None
    recipient: int | None = None
    notice: str = ""
    reference: str = ""
    cause: str = ""

    @property
    def in_one_query(self) -> bool:
        """Whether an index leads to the rows across services; otherwise each service has an index of its own."""
        return bool(self.recipient or self.notice or self.reference or (self.author and not self.status))

    @property
    def is_scanned(self) -> bool:
        """Whether rows must be looked at one by one."""
        exact = self.recipient or self.notice or self.reference
        return bool((self.kind or (self.cause and not self.status)) and not exact)


@dataclass(frozen=True, slots=True)
class Page:
    """Some messages, newest first, and the places where the newer and the older ones begin.

    With ``partial``, older rows have not been looked at: there may be none.
    """

    rows: list[Message]
    newer: int | None
    older: int | None
    partial: bool = False


def page(wanted: Wanted, *, before: int | None = None, after: int | None = None, size: int = PAGE) -> Page:
    """The newest messages, those older than ``before``, or those next newer than ``after``."""
    if wanted.is_scanned:
        return _scan(wanted, before, size)
    found = _ids(wanted, before=before, after=after, limit=size + 1)
    more, ids = len(found) > size, found[:size]
    if after is not None:
        if not more:
            return page(wanted, size=size)
        return Page(_rows(ids), newer=ids[-1], older=ids[0])
    newer = ids[0] if ids and before is not None and _ids(wanted, after=ids[0], limit=1) else None
    return Page(_rows(ids), newer=newer, older=ids[-1] if more else None)


def _scan(wanted: Wanted, before: int | None, size: int) -> Page:
    """A page of what no index leads to: it ends early, with the way further back, rather than look at every row."""
    end = _newest_id() + 1 if before is None else before
    floor = max(end - WINDOW, 0)
    found = _ids(wanted, before=end, after=floor - 1, descending=True, limit=size + 1)
    rows = _rows(found[:size])
    if len(found) > size:
        return Page(rows, newer=None, older=found[size - 1])
    return Page(rows, newer=None, older=floor or None, partial=floor > 0)


def _ids(
    wanted: Wanted, *, before: int | None = None, after: int | None = None, limit: int, descending: bool = False
) -> list[int]:
    """The ids in the order of reading: away from ``after`` unless ``descending``, else downwards."""
    matching = _matching(wanted)
    if before is not None:
        matching = matching.filter(pk__lt=before)
    if after is not None:
        matching = matching.filter(pk__gt=after)
    descending = descending or after is None
    queries: Sequence[QuerySet[Message]]
    if wanted.in_one_query or _writes_little(wanted.author):
        queries = [matching.filter(service__in=wanted.services)]
    else:
        # One look into each service's index: a list of services in one query would read and sort them whole.
        queries = [matching.filter(service=service) for service in wanted.services]
    found = chain.from_iterable(
        query.order_by("-pk" if descending else "pk").values_list("pk", flat=True)[:limit] for query in queries
    )
    return sorted(found, reverse=descending)[:limit]


def _writes_little(author: int | None) -> bool:
    return author is not None and Message.objects.filter(author=author).order_by()[:FEW].count() < FEW


def _matching(wanted: Wanted) -> QuerySet[Message]:
    exact = {
        "status": wanted.status,
        "kind": wanted.kind,
        "author": wanted.author,
        "recipient": wanted.recipient,
        "notice_number": wanted.notice,
        "reference": wanted.reference,
        "refusal_cause": wanted.cause,
    }
    condition = Q(**{name: value for name, value in exact.items() if value})
    if wanted.author and wanted.status and _writes_little(wanted.author):
        # Told apart by a limit, so that the database begins with the author.
        theirs = Message.objects.filter(author=wanted.author).order_by("-pk").values("pk")
        condition &= Q(pk__in=theirs[:FEW])
    if wanted.since:
        start = _midnight(wanted.since)
        condition &= Q(pk__gte=_first_id_since(start - OVERLAP), created_at__gte=start)
    if wanted.until:
        end = _midnight(wanted.until + timedelta(days=1))
        condition &= Q(pk__lt=_first_id_since(end + OVERLAP), created_at__lt=end)
    return Message.objects.filter(condition)


def _midnight(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day, time.min))


def _first_id_since(moment: datetime) -> int:
    """Where the rows made since then begin, by halving: their ids grow with time, so no index on time is needed."""
    low, high = 0, _newest_id() + 1
    while low < high:
        middle = (low + high) // 2
        row = Message.objects.filter(pk__gte=middle).order_by("pk").values_list("pk", "created_at").first()
        if row is None or row[1] >= moment:
            high = middle
        else:
            low = row[0] + 1
    return low


def _newest_id() -> int:
    return Message.objects.order_by("-pk").values_list("pk", flat=True).first() or 0


def _rows(ids: Sequence[int]) -> list[Message]:
    rows = Message.objects.filter(pk__in=ids).select_related("service", "author")
    return list(rows.defer("body", "buttons", "typed").order_by("-pk"))


@dataclass(frozen=True, slots=True)
class Found:
    """Where a search leads: to one message, or to a list narrowed by ``parameter``; to neither if all is empty."""

    message: Message | None = None
    parameter: str = ""
    value: str = ""


def search(user: User, text: str) -> Found:
    """What an exact fiscal code, notice number, code of IO or reference of the institution leads this person to.

    The parameter never holds a fiscal code: a person goes by their public id.
    """
    code = fiscal_codes.normalise(text)
    if fiscal_codes.matches_platform(code):
        return _search_person(user, code)
    compact = "".join(text.split())
    visible = visible_messages(user).only("public_id")
    for parameter, field, value in (
        ("notice", "notice_number", compact),
        ("io_id", "io_id", compact),
        ("reference", "reference", text.strip()),
    ):
        few = list(visible.filter(**{field: value}).order_by("-pk")[:2]) if value else []
        if len(few) == 1:
            return Found(message=few[0])
        if few:
            return Found(parameter=parameter, value=value)
    return Found()


def _search_person(user: User, code: str) -> Found:
    recipients = Recipient.objects.filter(
        fiscal_code=code, institution__in=services_of(user).order_by().values("institution")
    )
    newest = visible_messages(user).filter(recipient__in=recipients).order_by("-pk").select_related("recipient").first()
    if newest is None or newest.recipient is None:
        return Found()
    return Found(parameter="recipient", value=str(newest.recipient.public_id))
