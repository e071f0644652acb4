"""A batch that was sent becomes messages, group by group: a crash between two groups loses and doubles nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.db.models import F
from django.utils import timezone
from structlog import get_logger

from messaging.appio.buttons import ButtonError
from messaging.batches import plans
from messaging.batches.cells import decode
from messaging.delivery import batches, births
from messaging.delivery.notices import tell
from messaging.delivery.reachability import SERVES_FOR
from messaging.delivery.wake import wake
from messaging.enums import BatchStatus, NoticeKind, ReachabilityAnswer, RowState
from messaging.models import Batch, BatchRow, Message, MessageAttachment, Reachability
from messaging.spreadsheets.rows import CheckedRow, CheckPlan, check_row

log = get_logger(__name__)

GROUP = 500
#: The delivery loops look for themselves while they work; they are called again after so many groups.
WAKE_EVERY = 20
#: Two clerks who send the same content at the same moment meet rarely, and never so often in a row.
TRIES = 5


def expand(batch: Batch, go_on: Callable[[], bool]) -> None:
    """Make the messages of a batch that is sending, paused or cancelled, until all are made or ``go_on`` says no.

    Verifies first that text and rows are those that were submitted, and approved; if not, the batch goes back.
    """
    if batch.expanded_at is not None:
        return
    if not batch.expanded_to and batch.approval_digest != batches.approval_digest(batch):
        _give_back(batch)
        return
    plan = plans.plan_of(batch)
    groups = 0
    while go_on() and _expand_group(batch, plan):
        if groups % WAKE_EVERY == 0:
            wake(batch.service)
        groups += 1
    wake(batch.service)


def _give_back(batch: Batch) -> None:
    log.warning("batch_changed_after_submission", batch=str(batch.public_id))
    with transaction.atomic():
        if batch.status == BatchStatus.SENDING and batches.move(
            batch, BatchStatus.READY, approval_digest="", approved_by=None, declared_at=None, started_at=None
        ):
            tell([batch.author], NoticeKind.SENT_BACK, batch.service)


def _expand_group(batch: Batch, plan: CheckPlan) -> bool:
    """One group in one transaction; whether there was any."""
    for _ in range(TRIES):
        try:
            with transaction.atomic():
                return _expand_next(batch, plan)
        except births.SentMeanwhile:
            continue
    raise births.SentMeanwhile


def _expand_next(batch: Batch, plan: CheckPlan) -> bool:
    locked = Batch.objects.select_for_update().only("status", "expanded_to", "expanded_at").get(pk=batch.pk)
    batch.status, batch.expanded_to, batch.expanded_at = locked.status, locked.expanded_to, locked.expanded_at
    if batch.expanded_at is not None:
        return False
    good = BatchRow.objects.filter(batch=batch, state=RowState.GOOD, number__gt=batch.expanded_to)
    rows = list(good.select_related("recipient").order_by("number")[:GROUP])
    columns: dict[str, Any] = {}
    if rows:
        messages, files = _messages(batch, rows, plan)
        repeated = births.create(batch, messages, _answers(batch, rows), files)
        if repeated:
            columns = _leave_out(batch, rows, {number: print_.message_id for number, print_ in repeated.items()})
        columns["expanded_to"] = rows[-1].number
    else:
        columns["expanded_at"] = timezone.now()
    Batch.objects.filter(pk=batch.pk).update(**columns)
    return bool(rows)


def _messages(batch: Batch, rows: Sequence[BatchRow], plan: CheckPlan) -> tuple[list[Message], list[MessageAttachment]]:
    """The messages of a group of rows, and their files; none of them saved."""
    cells = [decode(row.cells) for row in rows]
    plans.look_up_files(plan, cells)
    messages: list[Message] = []
    files: list[MessageAttachment] = []
    for row, values in zip(rows, cells, strict=True):
        found = check_row(row.number, values, plan)
        messages.append(_message(batch, row, found, plan))
        if batch.has_attachments:
            # As for a button, below: the digest covers the files too.
            assert found.files, f"row {row.number} has no file"
            files += plans.files_of(messages[-1], found)
    return messages, files


def _message(batch: Batch, row: BatchRow, found: CheckedRow, plan: CheckPlan) -> Message:
    """Whatever has changed at IO since the check (a lower maximum, a lost permission) IO itself will answer."""
    try:
        message = plans.message_of(batch, row, found, plan)
    except ButtonError as error:
        # The digest says that text and row are those of the check, which does not let such a row pass.
        raise AssertionError(f"row {row.number}: {error.code}") from error
    message.amount, message.notice_number, message.due_date = row.amount, row.notice_number, row.due_date
    message.recipient = row.recipient
    return message


def _answers(batch: Batch, rows: list[BatchRow]) -> dict[int, ReachabilityAnswer]:
    known = Reachability.objects.filter(
        service=batch.service_id,
        recipient__in=[row.recipient_id for row in rows],
        asked_at__gt=timezone.now() - SERVES_FOR + timedelta(minutes=1),
    )
    return {recipient: ReachabilityAnswer(answer) for recipient, answer in known.values_list("recipient_id", "answer")}


def _leave_out(batch: Batch, rows: list[BatchRow], earlier: dict[int, int]) -> dict[str, Any]:
    """Rows whose content somebody sent between check and sending stay rows: their outcome is that they were sent."""
    for row in rows:
        if row.number in earlier:
            BatchRow.objects.filter(pk=row.pk).update(state=RowState.REPEATED, repeats=earlier[row.number])
    return {"rows_good": F("rows_good") - len(earlier), "rows_repeated": F("rows_repeated") + len(earlier)}
