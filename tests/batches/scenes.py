"""A sending under way: rows of the file in every state, messages in every status, counters that say so."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils import timezone

from messaging.enums import BatchStatus, RowState, Status
from messaging.models import Batch, BatchCount, Message
from tests import cast

#: A good row that is no message yet.
PENDING = "pending"

_COLUMNS = {
    RowState.WRONG: "rows_wrong",
    RowState.REPEATED: "rows_repeated",
    RowState.EXCLUDED: "rows_excluded",
    RowState.MOVED: "rows_moved",
}


def make_sending(fates: Mapping[Status | RowState | str, int], **kw: Any) -> Batch:
    """A batch whose rows, from number 2 on, have these fates in this order; pending ones come last in a file."""
    kw.setdefault("status", BatchStatus.SENDING)
    batch = cast.make_batch(**kw)
    number = 1
    for fate, count in fates.items():
        for _ in range(count):
            number += 1
            _make_row(batch, number, fate)
        if isinstance(fate, Status):
            BatchCount.objects.create(batch=batch, status=fate, count=count)
    expanded_to = max(batch.messages.values_list("row", flat=True), default=0)
    columns = {column: fates.get(state, 0) for state, column in _COLUMNS.items()}
    total = sum(fates.values())
    good = total - sum(columns.values())
    Batch.objects.filter(pk=batch.pk).update(
        rows_total=total,
        rows_good=good,
        expanded_to=expanded_to,
        expanded_at=None if fates.get(PENDING) else timezone.now(),
        **columns,
    )
    batch.refresh_from_db()
    return batch


def _make_row(batch: Batch, number: int, fate: Status | RowState | str) -> None:
    state = fate if isinstance(fate, RowState) else RowState.GOOD
    row = cast.make_batch_row(batch, number, state=state)
    if isinstance(fate, Status):
        make_message_of(batch, number, fate, recipient=row.recipient)


def make_message_of(batch: Batch, number: int, status: Status, **kw: Any) -> Message:
    """The message of a row; the counters are for the caller."""
    return cast.make_message(
        service=batch.service,
        author=batch.author,
        submitted_by=batch.submitted_by,
        batch=batch,
        row=number,
        status=status,
        **kw,
    )
