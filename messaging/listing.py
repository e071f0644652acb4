"""Finding messages: a list page by page, and where an exact word leads. Every query stays bounded at a million rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import cached_property
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import Min, Q, QuerySet, TextChoices
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from messaging.appio import fiscal_codes
from messaging.enums import Milestone, Status
from messaging.models import DailyCount, DailyMilestone, DailySpeed, Message, Recipient, User
from messaging.permissions import services_of, visible_messages
from messaging.querysets import apart

PAGE = 50
#: Where no index leads to the rows, one page looks at so many of them at most.
WINDOW = 50_000
#: Somebody with fewer messages than this is looked up by their own index, whatever else is wanted.
FEW = 5_000
#: Rows are numbered in the order in which they were made, up to transactions that overlap for less than this.
OVERLAP = timedelta(hours=1)
#: A moment is looked for among so many rows at a time, until it is known to within so many ids.
SAMPLE, NEAR = 400, 4_000
#: The column that says when a milestone was reached; an index of its own leads to the rows that have it.
_REACHED = {Milestone.SEEN: "seen_at", Milestone.PAID: "paid_at"}
#: A database takes so many looks into an index in one statement.
LOOKS = 100


class Outcome(TextChoices):
    """What a figure counts together: messages of some statuses, or delivered ones that have reached a milestone."""

    LEFT = "left", _("Inviati a IO")
    SENT = "sent", _("Presi in carico da IO")
    ARRIVED = "arrived", _("Consegnati nell’app")
    DELIVERED = "delivered", _("Consegnati")
    SEEN = "seen", _("Aperti o letti")
    PAID = "paid", _("Pagati")
    STOPPED = "stopped", _("Respinti o fermi")

    @property
    def statuses(self) -> tuple[Status, ...]:
        """The statuses of the group; what waits in the queue of a paused service stands still beside them."""
        return _GROUPS[self]

    @property
    def milestone(self) -> Milestone | None:
        """What the delivered messages of the group have reached, if the group is not all of them."""
        return {Outcome.SEEN: Milestone.SEEN, Outcome.PAID: Milestone.PAID}.get(self)


_GROUPS = {
    Outcome.LEFT: (
        *(Status.ACCEPTED, Status.PROCESSED, Status.REJECTED, Status.FAILED, Status.REFUSED, Status.UNCERTAIN),
        *(Status.CONFIRMED, Status.NO_OUTCOME, Status.ABANDONED),
    ),
    Outcome.SENT: (
        *(Status.ACCEPTED, Status.PROCESSED, Status.REJECTED, Status.FAILED, Status.CONFIRMED, Status.NO_OUTCOME),
    ),
    Outcome.ARRIVED: (Status.PROCESSED, Status.CONFIRMED),
    Outcome.DELIVERED: (Status.PROCESSED,),
    Outcome.SEEN: (Status.PROCESSED,),
    Outcome.PAID: (Status.PROCESSED,),
    Outcome.STOPPED: (Status.REJECTED, Status.REFUSED, Status.FAILED),
}


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a list shows: messages of these services, narrowed by whatever else is said.

    ``since`` and ``until`` are days of writing; ``sent_since`` and ``sent_until`` those on which a message was first
    put in the queue, as messaging.models.DailyCount counts them. ``held`` are the services whose queue stands still.
    """

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
    outcome: str = ""
    sent_since: date | None = None
    sent_until: date | None = None
    speed: int | None = None
    held: tuple[int, ...] = ()
    batch: tuple[int, int, int] | None = None

    @property
    def in_one_query(self) -> bool:
        """Whether an index leads to the rows across services; otherwise each service has an index of its own."""
        return bool(self.recipient or self.notice or self.reference or (self.author and not self._names_statuses))

    @property
    def is_scanned(self) -> bool:
        """Whether rows must be looked at one by one."""
        exact = self.recipient or self.notice or self.reference
        return bool((self.kind or (self.cause and not self._names_statuses)) and not exact)

    @property
    def is_by_sending(self) -> bool:
        """Whether the day of queueing narrows it."""
        return self.sent_since is not None or self.sent_until is not None

    @property
    def _names_statuses(self) -> bool:
        return bool(self.status or self.outcome)

    @property
    def milestone(self) -> Milestone | None:
        """What the messages must have reached."""
        return Outcome(self.outcome).milestone if self.outcome else None

    def statuses(self, service: int) -> list[str]:
        """The statuses wanted of this service; none means any. One that cannot be is the empty word."""
        if not self.outcome:
            return [self.status] if self.status else []
        group: list[str] = [*Outcome(self.outcome).statuses]
        if self.outcome == Outcome.STOPPED and service in self.held:
            group.append(Status.QUEUED)
        return [status for status in group if self.status in {"", status}] or [""]


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
    return _page(_Matching(wanted), before, after, size)


def _page(matching: _Matching, before: int | None, after: int | None, size: int) -> Page:
    if matching.wanted.is_scanned:
        return _scan(matching, before, size)
    found = matching.ids(before=before, after=after, limit=size + 1)
    more, ids = len(found) > size, found[:size]
    if after is not None:
        if not more:
            return _page(matching, None, None, size)
        return Page(_rows(ids), newer=ids[-1], older=ids[0])
    newer = ids[0] if ids and before is not None and matching.ids(after=ids[0], limit=1) else None
    return Page(_rows(ids), newer=newer, older=ids[-1] if more else None)


def _scan(matching: _Matching, before: int | None, size: int) -> Page:
    """A page of what no index leads to: it ends early, with the way further back, rather than look at every row."""
    end = matching.newest_id + 1 if before is None else before
    floor = max(end - WINDOW, 0)
    found = matching.ids(before=end, after=floor - 1, descending=True, limit=size + 1)
    rows = _rows(found[:size])
    if len(found) > size:
        return Page(rows, newer=None, older=found[size - 1])
    return Page(rows, newer=None, older=floor or None, partial=floor > 0)


# A moment is asked of each row apart, so that the indexes hold all else that a look needs: PostgreSQL would rather walk
# through the newest messages of all services, however few are of this one. The bounds on ids make it few rows. So is
# what would lead away from the index of a milestone, or of a service's newest.
_MOMENTS = apart("created_at", "queued_at", "status", "batch")


class _Matching:
    """The rows that are wanted, as the looks into indexes that find them; what those need is asked once."""

    def __init__(self, wanted: Wanted) -> None:
        self.wanted = wanted

    def ids(
        self, *, before: int | None = None, after: int | None = None, limit: int, descending: bool = False
    ) -> list[int]:
        """The ids in the order of reading: away from ``after`` unless ``descending``, else downwards."""
        descending = descending or after is None
        place = Q(**{name: value for name, value in (("pk__lt", before), ("pk__gt", after)) if value is not None})
        looks = [
            rows.filter(place).order_by("-pk" if descending else "pk").values_list("pk", flat=True)[:limit]
            for rows in self._looks
        ]
        return sorted((pk for (pk,) in together(looks)), reverse=descending)[:limit]

    @cached_property
    def newest_id(self) -> int:
        return Message.objects.order_by("-pk").values_list("pk", flat=True).first() or 0

    @cached_property
    def _looks(self) -> list[QuerySet[Message]]:
        wanted, rows = self.wanted, Message.objects.alias(**_MOMENTS).filter(self._condition)
        if wanted.in_one_query or self._author_writes_little:
            return [rows.filter(self._of_any_service)]
        # One look into each service's index: a list of services in one condition would read and sort them whole.
        looks = []
        for service in wanted.services:
            own, statuses = rows.filter(service=service), wanted.statuses(service)
            column = "own_status" if wanted.milestone else "status"
            looks += [own.filter(**{column: status}) for status in statuses] if statuses else [own]
        return looks

    @property
    def _of_any_service(self) -> Q:
        """Services that want the same statuses go together."""
        groups: dict[tuple[str, ...], list[int]] = {}
        for service in self.wanted.services:
            groups.setdefault(tuple(self.wanted.statuses(service)), []).append(service)
        condition = Q(pk__in=())
        for statuses, services in groups.items():
            condition |= Q(service__in=services) & (Q(status__in=statuses) if statuses else Q())
        return condition

    @cached_property
    def _author_writes_little(self) -> bool:
        author = self.wanted.author
        return author is not None and Message.objects.filter(author=author).order_by()[:FEW].count() < FEW

    @cached_property
    def _condition(self) -> Q:
        wanted = self.wanted
        exact: dict[str, Any] = {
            "kind": wanted.kind,
            "author": wanted.author,
            "recipient": wanted.recipient,
            "notice_number": wanted.notice,
            "reference": wanted.reference,
            "refusal_cause": wanted.cause,
        }
        condition = Q(**{name: value for name, value in exact.items() if value})
        if wanted.speed is not None:
            condition &= Q(delivery_speed=wanted.speed)
        if wanted.milestone is not None:
            condition &= Q(**{f"{_REACHED[wanted.milestone]}__isnull": False})
        if wanted.batch is not None:
            batch, lowest, highest = wanted.batch
            column = "own_batch" if wanted.milestone else "batch"
            condition &= Q(pk__range=(lowest, highest), **{column: batch})
        if wanted.author and not wanted.in_one_query and self._author_writes_little:
            # Told apart by a limit, so that the database begins with the author.
            theirs = Message.objects.filter(author=wanted.author).order_by("-pk").values("pk")
            condition &= Q(pk__in=theirs[:FEW])
        return condition & self._written & self._sent

    @property
    def _written(self) -> Q:
        condition = Q()
        if self.wanted.since:
            start = midnight(self.wanted.since)
            condition &= Q(pk__gte=self._ids_around(start - OVERLAP)[0], own_created_at__gte=start)
        if self.wanted.until:
            end = midnight(self.wanted.until + timedelta(days=1))
            condition &= Q(pk__lt=self._ids_around(end + OVERLAP)[1], own_created_at__lt=end)
        return condition

    @property
    def _sent(self) -> Q:
        """By the day of queueing: the counters know the lowest id of each, and nothing is queued before it is made."""
        wanted, condition = self.wanted, Q()
        if not wanted.is_by_sending:
            return condition
        lowest = self._lowest_sent
        condition &= Q(pk__in=()) if lowest is None else Q(pk__gte=lowest)
        start = midnight(wanted.sent_since) if wanted.sent_since else None
        condition &= Q(own_queued_at__gte=start) if start else Q(own_queued_at__isnull=False)
        if wanted.sent_until and wanted.sent_until < timezone.localdate():
            end = midnight(wanted.sent_until + timedelta(days=1))
            condition &= Q(pk__lt=self._ids_around(end + OVERLAP)[1], own_queued_at__lt=end)
        return condition

    @property
    def _lowest_sent(self) -> int | None:
        """No wanted message queued on the days has a lower id; None if there is none."""
        wanted = self.wanted
        days = Q(service__in=wanted.services, count__gt=0)
        if wanted.sent_since:
            days &= Q(day__gte=wanted.sent_since)
        if wanted.sent_until:
            days &= Q(day__lte=wanted.sent_until)
        if wanted.speed is not None:
            counts: QuerySet[Any] = DailySpeed.objects.filter(days, speed=wanted.speed)
        elif wanted.milestone is not None:
            counts = DailyMilestone.objects.filter(days, milestone=wanted.milestone)
        else:
            statuses = {status for service in wanted.services for status in wanted.statuses(service)}
            counts = DailyCount.objects.filter(days, **({"status__in": statuses} if statuses else {}))
        lowest: int | None = counts.aggregate(lowest=Min("lowest_message"))["lowest"]
        return lowest

    def _ids_around(self, moment: datetime) -> tuple[int, int]:
        """Between which ids the rows made since then begin: ids grow with time, so no index on time is needed."""
        low, high = 0, self.newest_id + 1
        while high - low > NEAR:
            width = high - low
            low, high = _narrowed(low, high, moment)
            if high - low > width // 2:  # a gap in the ids swallowed the sample
                low, high = _halved(low, high, moment)
        return low, high


def _narrowed(low: int, high: int, moment: datetime) -> tuple[int, int]:
    """The ids around a moment, nearer by a sample of the rows between them."""
    step = (high - low) // SAMPLE
    rows = Message.objects.filter(pk__in=range(low + step, high, step)).order_by("pk")
    for pk, made in rows.values_list("pk", "created_at"):
        if made >= moment:
            return low, pk
        low = pk + 1
    return low, high


def _halved(low: int, high: int, moment: datetime) -> tuple[int, int]:
    middle = (low + high) // 2
    row = Message.objects.filter(pk__gte=middle).order_by("pk").values_list("pk", "created_at").first()
    if row is None or row[0] >= high or row[1] >= moment:
        return low, middle
    return row[0] + 1, high


def together(looks: Sequence[QuerySet[Message, Any]]) -> list[tuple[Any, ...]]:
    """The rows that several queries of the same plain columns find, in one statement.

    Django itself writes no union of limited queries for SQLite.
    """
    found: list[tuple[Any, ...]] = []
    for start in range(0, len(looks), LOOKS):
        parts: list[str] = []
        values: list[Any] = []
        for look in looks[start : start + LOOKS]:
            try:
                statement, parameters = look.query.sql_with_params()
            except EmptyResultSet:
                continue
            parts.append(f"SELECT * FROM ({statement}) AS look")  # noqa: S608 - Django's own statement
            values += parameters
        if parts:
            with connection.cursor() as cursor:
                cursor.execute(" UNION ALL ".join(parts), values)
                found += cursor.fetchall()
    return found


def ids_of(batch: int) -> tuple[int, int]:
    """The lowest and the highest id of a sending's messages: they are made in the order of its rows."""
    rows = Message.objects.filter(batch=batch).values_list("pk", flat=True)
    first, last = rows.order_by("row").first(), rows.order_by("-row").first()
    return first or 0, last or 0


def midnight(day: date) -> datetime:
    """When a day begins in Rome."""
    return timezone.make_aware(datetime.combine(day, time.min))


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
