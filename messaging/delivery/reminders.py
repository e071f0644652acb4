"""Where a sending would come on top of the reminders that IO itself sends for Premium messages.

IO reminds of an unread message every 3 days, at most 3 times; of an unpaid one every 3 days, at most 4 times, from 13
days before its due date on, and once more on the day before (IO messages API notes, 9). It does so for the senders that
PagoPA has put on its list, which nobody can ask for: so these are advice, and stop nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from messaging.enums import FeatureLevel, Kind, RowState, Status
from messaging.models import Batch, BatchRow, Message

#: Days between two reminders, and how many there are of an unread message.
EVERY, OF_UNREAD = timedelta(days=3), 3
#: For so long after its delivery IO may remind of an unread message.
UNREAD_FOR = EVERY * OF_UNREAD
#: So long before the due date the reminders of an unpaid one begin.
UNPAID_FROM = timedelta(days=13)
#: So many rows of a file are looked at, the first good ones.
LOOKED_AT = 1_000
#: No notice is looked for in messages that are older than this.
RECENT = timedelta(days=90)


@dataclass(frozen=True, slots=True)
class Overlap:
    """How many of the rows looked at concern a notice of which IO is reminding, or will be asked to.

    ``reminded`` are rows about a notice that the same person has got in a Premium message and not read or not paid;
    ``soon`` are rows of a Premium sending whose due date is so near that IO begins to remind at once; ``looked_at`` is
    how many rows were looked at, of ``rows`` good ones.
    """

    reminded: int
    soon: int
    looked_at: int
    rows: int

    @property
    def is_partial(self) -> bool:
        """Whether there are rows that were not looked at."""
        return self.looked_at < self.rows


def overlapping(batch: Batch) -> Overlap | None:
    """What of a payment's or due date's sending overlaps IO's own reminders; None when nothing is seen to.

    At most three queries over LOOKED_AT rows, whatever the size of the file.
    """
    if batch.kind not in {Kind.PAYMENT, Kind.DUE_DATE}:
        return None
    good = BatchRow.objects.filter(batch=batch, state=RowState.GOOD).order_by("number")[:LOOKED_AT]
    numbers = list(good.values_list("number", flat=True))
    rows = BatchRow.objects.filter(batch=batch, number__in=numbers)
    leaves = max(timezone.now(), batch.starts_at) if batch.starts_at else timezone.now()
    found = Overlap(
        reminded=_reminded(batch, rows, leaves),
        soon=_soon(batch, rows, timezone.localdate(leaves)),
        looked_at=len(numbers),
        rows=batch.rows_good,
    )
    return found if found.reminded or found.soon else None


def _reminded(batch: Batch, rows: QuerySet[BatchRow], leaves: datetime) -> int:
    """Rows whose person has the same notice, or one due on the same day, in a message that IO may be reminding of."""
    today = timezone.localdate(leaves)
    unread = ~Q(read_status="READ") & Q(accepted_at__gt=leaves - UNREAD_FOR)
    unpaid = ~Q(payment_status="PAID") & Q(amount__isnull=False, due_date__range=(today, today + UNPAID_FROM))
    theirs = Message.objects.filter(
        unread | unpaid,
        recipient=OuterRef("recipient"),
        service=batch.service_id,
        feature_level=FeatureLevel.ADVANCED,
        status__in=(Status.ACCEPTED, Status.PROCESSED, Status.CONFIRMED),
        accepted_at__gt=leaves - RECENT,
    ).order_by()
    if batch.kind == Kind.PAYMENT:
        return (
            rows.exclude(notice_number="")
            .filter(Exists(theirs.filter(notice_number=OuterRef("notice_number"))))
            .count()
        )
    return rows.filter(due_date__isnull=False).filter(Exists(theirs.filter(due_date=OuterRef("due_date")))).count()


def _soon(batch: Batch, rows: QuerySet[BatchRow], today: date) -> int:
    if batch.feature_level != FeatureLevel.ADVANCED or batch.kind != Kind.PAYMENT:
        return 0
    return rows.filter(due_date__range=(today, today + UNPAID_FROM)).count()
