"""A row of a batch as the message that its person will read, before any message is made."""

from __future__ import annotations

from dataclasses import dataclass

from messaging.appio.buttons import ButtonError
from messaging.batches import plans
from messaging.enums import RowState
from messaging.models import Batch, BatchRow, Message, MessageAttachment

_READABLE = (RowState.GOOD, RowState.REPEATED)


@dataclass(frozen=True, slots=True)
class Sample:
    """The message of a row with its files, none of them ever saved."""

    message: Message
    files: list[MessageAttachment]


def sample_of(batch: Batch, number: int) -> Sample | None:
    """What a row becomes; None when there is no such row, or when it cannot become a message."""
    readable = BatchRow.objects.filter(batch=batch, number=number, state__in=_READABLE)
    row = readable.select_related("recipient").first()
    if row is None:
        return None
    plan = plans.plan_of(batch)
    found = plans.checked(row, plan)
    if not found.is_good:
        # The rules have changed since the check.
        return None
    try:
        message = plans.message_of(batch, row, found, plan)
    except ButtonError:
        return None
    message.recipient = row.recipient
    return Sample(message, plans.files_of(message, found))


def neighbours(batch: Batch, number: int) -> tuple[int | None, int | None]:
    """The numbers of the rows before and after this one that can be shown; None at an end."""
    numbers = BatchRow.objects.filter(batch=batch, state__in=_READABLE).values_list("number", flat=True)
    before = numbers.filter(number__lt=number).order_by("-number").first()
    return before, numbers.filter(number__gt=number).order_by("number").first()
