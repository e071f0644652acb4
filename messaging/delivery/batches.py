"""The only writer of a batch's status: what a person, the checker and the engine bring about, each step on record."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import F, Q, QuerySet, Sum
from django.utils import timezone

from messaging.delivery import content, hours
from messaging.delivery.notices import tell, tell_supervisors
from messaging.delivery.wake import wake, wake_batch
from messaging.enums import MOVING, ApprovalRule, BatchStatus, Kind, NoticeKind, RowState
from messaging.models import Batch, BatchChange, BatchCount, BatchRow, Service, User

#: Every move there is; anything else is a mistake of ours.
ALLOWED: Mapping[BatchStatus, frozenset[BatchStatus]] = {
    BatchStatus.UPLOADED: frozenset({BatchStatus.CHECKING, BatchStatus.CANCELLED}),
    BatchStatus.CHECKING: frozenset({BatchStatus.NEEDS_ATTENTION, BatchStatus.READY, BatchStatus.CANCELLED}),
    BatchStatus.NEEDS_ATTENTION: frozenset({BatchStatus.CHECKING, BatchStatus.READY, BatchStatus.CANCELLED}),
    BatchStatus.READY: frozenset(
        {
            BatchStatus.CHECKING,
            BatchStatus.NEEDS_ATTENTION,
            BatchStatus.AWAITING_APPROVAL,
            BatchStatus.SCHEDULED,
            BatchStatus.SENDING,
            BatchStatus.CANCELLED,
        }
    ),
    BatchStatus.AWAITING_APPROVAL: frozenset({BatchStatus.READY, BatchStatus.SCHEDULED, BatchStatus.SENDING}),
    BatchStatus.SCHEDULED: frozenset({BatchStatus.READY, BatchStatus.SENDING, BatchStatus.CANCELLED}),
    BatchStatus.SENDING: frozenset(
        # Back to ready only before its first message: it was changed after its approval.
        {BatchStatus.PAUSED, BatchStatus.FINISHED, BatchStatus.CANCELLED, BatchStatus.READY}
    ),
    BatchStatus.PAUSED: frozenset({BatchStatus.SENDING, BatchStatus.CANCELLED}),
}
#: The clerk may still change its rows.
OPEN = (BatchStatus.NEEDS_ATTENTION, BatchStatus.READY)
#: So long a batch may be scheduled ahead.
FARTHEST = timedelta(days=90)


class CannotSend(Exception):
    """The batch cannot leave as it is; ``code`` is one of not_ready, not_declared, nothing_to_send, repeated,
    warnings, past (its hour is over), too_far."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def move(
    batch: Batch,
    to: BatchStatus,
    *,
    actor: User | None = None,
    note: str = "",
    where: Q | None = None,
    **columns: Any,
) -> bool:
    """Move a batch from the status it has in memory, if it still has it in the database; the object follows the row.

    Call it inside a transaction when other rows change with it.
    """
    origin = BatchStatus(batch.status)
    if to not in ALLOWED.get(origin, frozenset()):
        raise ValueError(f"a batch does not go from {origin} to {to}")
    now = timezone.now()
    columns = {"status": to, "changed_at": now, **columns}
    with transaction.atomic():
        if not Batch.objects.filter(where or Q(), pk=batch.pk, status=origin).update(**columns):
            return False
        BatchChange.objects.create(batch=batch, from_status=origin, to_status=to, actor=actor, note=note, at=now)
    for name, value in columns.items():
        setattr(batch, name, value)
    return True


def needs_approval(batch: Batch) -> bool:
    """Whether the service's rules ask for a second person: by kind of message or by number of recipients."""
    service = batch.service
    if service.approval == ApprovalRule.ALL or (
        service.approval == ApprovalRule.PAYMENTS and batch.kind == Kind.PAYMENT
    ):
        return True
    threshold = service.approval_recipients
    return threshold is not None and to_send(batch) >= threshold


def to_send(batch: Batch) -> int:
    """How many rows become messages that may leave: the good ones besides those known not to be reachable."""
    return batch.rows_good - batch.rows_not_on_io - batch.rows_opted_out


def submit(
    batch: Batch,
    person: User,
    *,
    declared: bool,
    starts_at: datetime | None = None,
    repeat_reason: str = "",
    warnings_confirmed: bool = False,
) -> bool:
    """Send a ready batch on its way: to a second person, to its hour, or at once.

    ``declared``: each recipient is a direct one of the service. With ``repeat_reason`` the rows that were sent in the
    last days go again, without it they stay where they are. Returns False when somebody else had moved the batch.
    Raises CannotSend.
    """
    if not declared:
        raise CannotSend("not_declared")
    if batch.status != BatchStatus.READY or batch.rows_wrong:
        raise CannotSend("not_ready")
    now = timezone.now()
    if starts_at is not None and starts_at > now + FARTHEST:
        raise CannotSend("too_far")
    if starts_at is not None and starts_at < now - timedelta(minutes=1):
        raise CannotSend("past")
    if batch.rows_warned and not warnings_confirmed:
        raise CannotSend("warnings")
    with transaction.atomic():
        if repeat_reason:
            _take_repeated_along(batch)
        if not to_send(batch):
            raise CannotSend("repeated" if batch.rows_repeated else "nothing_to_send")
        digest = approval_digest(batch)
        columns: dict[str, Any] = {
            "declared_at": now,
            "submitted_by": person,
            "submitted_at": now,
            "approved_by": None,
            "approval_digest": digest,
            "repeat_reason": repeat_reason,
            "warnings_confirmed": warnings_confirmed,
            "starts_at": starts_at,
        }
        unchanged = Q(changed_at=batch.changed_at)
        if needs_approval(batch):
            moved = move(batch, BatchStatus.AWAITING_APPROVAL, actor=person, where=unchanged, **columns)
            if moved:
                tell_supervisors(batch.service, NoticeKind.APPROVAL, besides=person)
            return moved
        return _set_off(batch, person, unchanged, **columns)


def approve(batch: Batch, person: User) -> bool:
    """Approve what was seen; a batch that is no longer that goes back to its author instead, and False is returned.

    Whether the person may is the caller's question (permissions.may_approve_batch); the database refuses an approval
    by whoever submitted it.
    """
    with transaction.atomic():
        if batch.approval_digest != approval_digest(batch):
            move(batch, BatchStatus.READY, actor=None, approval_digest="", declared_at=None)
            tell([batch.author], NoticeKind.SENT_BACK, batch.service)
            return False
        return _set_off(batch, person, None, approved_by=person)


def send_back(batch: Batch, person: User, note: str) -> bool:
    """Give a batch back to its author with a reason."""
    with transaction.atomic():
        moved = move(batch, BatchStatus.READY, actor=person, note=note, approval_digest="", declared_at=None)
        if moved:
            tell([batch.author], NoticeKind.SENT_BACK, batch.service)
    return moved


def withdraw(batch: Batch, person: User) -> bool:
    """Take a batch back from approval, or from its hour: it can be changed again."""
    return move(batch, BatchStatus.READY, actor=person, approval_digest="", approved_by=None, declared_at=None)


def pause(batch: Batch, person: User) -> bool:
    """Stop a batch: nothing of it leaves that is not on its way already."""
    return move(batch, BatchStatus.PAUSED, actor=person)


def resume(batch: Batch, person: User) -> bool:
    """Let a paused batch go on."""
    with transaction.atomic():
        moved = move(batch, BatchStatus.SENDING, actor=person)
        if moved:
            wake(batch.service)
            wake_batch(batch.pk)
    return moved


def cancel(batch: Batch, person: User, note: str = "") -> bool:
    """Stop a batch for good: what has left has left, the rest is cancelled row by row in the background."""
    with transaction.atomic():
        moved = move(batch, BatchStatus.CANCELLED, actor=person, note=note)
        if moved:
            BatchRow.objects.filter(batch=batch, ask_at__isnull=False).update(ask_at=None, leased_by="")
            wake_batch(batch.pk)
    return moved


def hold_back(person: User | None, note: str) -> None:
    """After a restore: what a copy of this database may have sent already waits until a person sets it going."""
    unmade = Batch.objects.filter(status=BatchStatus.SENDING, expanded_at__isnull=True)
    for batch in unmade:
        move(batch, BatchStatus.PAUSED, actor=person, note=note)
    for batch in Batch.objects.filter(status=BatchStatus.SCHEDULED, starts_at__lte=timezone.now()):
        move(batch, BatchStatus.READY, actor=person, note=note, approval_digest="", approved_by=None, declared_at=None)


def start_due() -> None:
    """Set off the scheduled batches whose hour has come."""
    due = Batch.objects.filter(status=BatchStatus.SCHEDULED, starts_at__lte=timezone.now())
    for batch in due.select_related("service__institution"):
        with transaction.atomic():
            if move(batch, BatchStatus.SENDING, started_at=timezone.now()):
                wake_batch(batch.pk)


def finish(batches: QuerySet[Batch] | None = None) -> None:
    """Close the batches of which every row has become a message and no message moves any more."""
    sending = (Batch.objects if batches is None else batches).filter(
        status=BatchStatus.SENDING, expanded_at__isnull=False
    )
    for batch in sending.select_related("service", "author"):
        if not is_moving(batch):
            with transaction.atomic():
                if move(batch, BatchStatus.FINISHED, finished_at=timezone.now()):
                    tell([batch.author], NoticeKind.BATCH_FINISHED, batch.service)


def is_moving(batch: Batch) -> bool:
    """Whether a message of the batch is queued, in flight or without IO's final word."""
    moving = BatchCount.objects.filter(batch=batch, status__in=[str(status) for status in MOVING])
    return bool(moving.aggregate(total=Sum("count"))["total"])


def counts(batch: Batch) -> dict[str, int]:
    """How many messages of the batch stand in each status; those without any are left out."""
    rows = BatchCount.objects.filter(batch=batch).exclude(count=0)
    return dict(rows.values_list("status", "count"))


def sending_batches(account_id: int) -> list[Batch]:
    """The batches of the account that may send at this moment, in the order in which they set off."""
    batches = Batch.objects.filter(status=BatchStatus.SENDING, service__institution__account_id=account_id)
    found = batches.select_related("service__institution").defer("body", "buttons", "header").order_by("started_at")
    return [batch for batch in found if hours.may_send_now(batch.service.institution)]


def approval_digest(batch: Batch) -> str:
    """A hash of all that an approver saw: text, options, service, and every row that is to become a message."""
    return content.batch_digest(batch)


def _set_off(batch: Batch, person: User, where: Q | None, **columns: Any) -> bool:
    starts_at = columns.get("starts_at", batch.starts_at)
    now = timezone.now()
    if starts_at is not None and starts_at > now:
        return move(batch, BatchStatus.SCHEDULED, actor=person, where=where, **columns)
    moved = move(batch, BatchStatus.SENDING, actor=person, where=where, started_at=now, **columns)
    if moved:
        wake_batch(batch.pk)
    return moved


def _take_repeated_along(batch: Batch) -> None:
    repeated = BatchRow.objects.filter(batch=batch, state=RowState.REPEATED)
    moved = repeated.update(state=RowState.GOOD, reachability="")
    Batch.objects.filter(pk=batch.pk).update(rows_good=F("rows_good") + moved, rows_repeated=F("rows_repeated") - moved)
    batch.refresh_from_db(fields=["rows_good", "rows_repeated"])


def has_sent(service: Service, file_digest: str) -> Batch | None:
    """The newest batch of the service that sent this very file, or is about to."""
    same = Batch.objects.filter(service=service, file_digest=file_digest).exclude(
        status__in=BatchStatus.before_sending()
    )
    return same.select_related("author").order_by("-id").first()
