"""What is due in an account, and taking it as a lease: ``next_attempt_at`` moves on, the status stays as it is."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import timedelta

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from messaging.delivery import content, outage, questions, statements
from messaging.delivery.moves import Moves
from messaging.delivery.pauses import pause_service
from messaging.delivery.reachability import SERVES_FOR
from messaging.delivery.scope import Scope, rows_to_ask
from messaging.delivery.statements import Waiting
from messaging.delivery.work import Job, Lanes, Question, Stage, Work
from messaging.enums import Lane, PauseReason, ReachabilityAnswer, Reason, RowState, Status
from messaging.models import (
    Batch,
    BatchRow,
    DeliveryLoop,
    Message,
    Reachability,
    Recipient,
    Service,
    ServiceKey,
    ServicePause,
)

#: What a loop has leased is due again after this time, whatever happened to the loop.
LEASE = timedelta(seconds=60)
#: What a loop carries about of a message; its content is read when it is sent.
LIGHT = (
    "public_id",
    "service",
    "recipient",
    "batch",
    "row",
    "status",
    "lane",
    "leased_by",
    "attempt_number",
    "failures_in_a_row",
    "features",
    "feature_level",
    "has_remote_content",
    "amount",
    "polls",
    "io_id",
    "read_status",
    "payment_status",
    "queued_at",
    "accepted_at",
    "delivery_speed",
)


def is_anything_due(account_id: int) -> bool:
    """Whether a loop would find work at this moment."""
    scope = Scope.of(account_id)
    return scope.undecided or scope.is_anything_due() or outage.is_probe_due(account_id)


def accounts_with_work() -> Iterator[int]:
    """The accounts in which something is due."""
    for account_id in Service.objects.values_list("institution__account_id", flat=True).distinct():
        if is_anything_due(account_id):
            yield account_id


def undecided(account_id: int) -> QuerySet[ServicePause]:
    """The holds about which a harmless call is to decide."""
    return ServicePause.objects.filter(
        service__institution__account_id=account_id, undecided=True, lifted_at__isnull=True
    )


def claim(
    account_id: int,
    holder: str,
    lanes: Lanes,
    room: int,
    scope: Scope | None = None,
    of: Collection[Lane] = tuple(Lane),
) -> Iterator[Job]:
    """Lease what is due until each lane of the loop holds ``room``, and tell what call each needs.

    The lane of batches is shared: each batch that sends, or is asked about, gets an equal part of the room, and what
    one leaves goes to the others.
    """
    scope = scope or Scope.of(account_id)
    if scope.held:
        return
    for lane in (Lane.PERSON, Lane.POLL):
        wanted = room - lanes.waiting(lane)
        if wanted > 0 and lane in of:
            found: list[Job] = []
            _messages(scope, lane, None, holder, wanted, found)
            yield from found
    if Lane.BATCH in of:
        yield from _batches(scope, holder, lanes, room)
    if scope.undecided:
        yield from _doubts(account_id, holder)


def _batches(scope: Scope, holder: str, lanes: Lanes, room: int) -> Iterator[Job]:
    wanted = room - lanes.waiting(Lane.BATCH)
    turns = sorted([*scope.sending, *scope.asking], key=lanes.waiting_of)
    while wanted > 0 and turns:
        have_more = []
        for place, batch_id in enumerate(turns):
            part = -(-wanted // (len(turns) - place))
            if part <= 0:
                break
            batch = scope.asking.get(batch_id)
            found: list[Job] = []
            leased = (
                _questions(batch, holder, part, found)
                if batch
                else _messages(scope, Lane.BATCH, batch_id, holder, part, found)
            )
            yield from found
            wanted -= len(found)
            if leased == part:
                have_more.append(batch_id)
        turns = have_more


def one_message(account_id: int, holder: str) -> Work | None:
    """One queued message with the call it needs, to probe a paused account; rather one that can go at once."""
    scope = Scope.of(account_id)
    fresh = Reachability.objects.filter(
        recipient=OuterRef("recipient"),
        service=OuterRef("service"),
        asked_at__gt=timezone.now() - SERVES_FOR,
        answer=ReachabilityAnswer.REACHABLE,
    )
    for only in (Q(Exists(fresh)), Q()):
        for lane in (Lane.PERSON, Lane.BATCH):
            waiting = Waiting.of(scope.open(lane).filter(only, status=Status.QUEUED), "next_attempt_at")
            for message in _lease(scope, waiting, holder, 1):
                return Work(message, _stage(message, _fresh([message])), Lane.PERSON)
    return None


def own_message(account_id: int) -> Work | None:
    """A message of ours that IO has taken, to read as a harmless probe; else the next one to send, to ask about.

    Profiles are served by another backend than messages: reading a message tells more.
    """
    own = Message.objects.filter(service__institution__account_id=account_id).select_related(
        "service__institution", "recipient"
    )
    if message := own.exclude(io_id="").order_by("-id").first():
        return Work(message, Stage.PROBE, Lane.PERSON)
    message = own.filter(status=Status.QUEUED, leased_by="").order_by("id").first()
    return Work(message, Stage.DECIDE, Lane.PERSON) if message else None


def give_back(holder: str, besides: Collection[Job] = ()) -> None:
    """Make what this loop has leased and not begun due at once, besides what it is asking about."""
    asked = [work.row.pk for work in besides if isinstance(work, Question)]
    begun = [work.message.pk for work in besides if isinstance(work, Work)]
    Message.objects.filter(leased_by=holder).exclude(status=Status.SENDING).exclude(pk__in=begun).update(
        next_attempt_at=timezone.now(), leased_by=""
    )
    _return_rows(BatchRow.objects.filter(leased_by=holder).exclude(pk__in=asked))


def take_back(alive: QuerySet[DeliveryLoop, str]) -> None:
    """Make due at once what loops had leased that are no more."""
    orphaned = Message.objects.exclude(leased_by="").exclude(leased_by__in=alive).exclude(status=Status.SENDING)
    orphaned.filter(next_attempt_at__isnull=False).update(next_attempt_at=timezone.now(), leased_by="")
    _return_rows(BatchRow.objects.exclude(leased_by="").exclude(leased_by__in=alive))


def put_back(works: Collection[Job], holder: str) -> None:
    """Give back the leases of work that is not to be done now."""
    messages = [work.message.pk for work in works if isinstance(work, Work)]
    rows = [work.row.pk for work in works if isinstance(work, Question)]
    if messages:
        leased = Message.objects.filter(pk__in=messages, leased_by=holder, status=Status.QUEUED)
        leased.update(next_attempt_at=timezone.now(), leased_by="")
    if rows:
        _return_rows(BatchRow.objects.filter(pk__in=rows, leased_by=holder))


def let_go(work: Job, seconds: float = 0.0) -> None:
    """Give the lease of one piece of work back: due again after ``seconds``."""
    if isinstance(work, Question):
        questions.release(work.row, seconds)
    else:
        release(work.message, seconds)


def release(message: Message, seconds: float = 0.0) -> None:
    """Give one lease back: due again after ``seconds``. A message that was not leased keeps its time."""
    leased = Message.objects.filter(pk=message.pk, leased_by=message.leased_by).exclude(leased_by="")
    leased.filter(next_attempt_at__isnull=False).update(
        next_attempt_at=timezone.now() + timedelta(seconds=seconds), leased_by=""
    )


def has_key(work: Job, keys: dict[int, ServiceKey]) -> bool:
    """Whether the work's service has a key in use; if not, the service pauses and the lease goes back."""
    if work.service.pk in keys:
        return True
    pause_service(work.service, PauseReason.KEY)
    let_go(work)
    return False


def _messages(scope: Scope, lane: Lane, batch_id: int | None, holder: str, most: int, found: list[Job]) -> int:
    """Lease messages and add the calls that they need to ``found``; returns how many were leased."""
    leased = _lease(scope, scope.waiting(lane, batch_id), holder, most)
    fresh = _fresh([message for message in leased if message.status == Status.QUEUED])
    unreachable: dict[ReachabilityAnswer, list[Message]] = {}
    for message in leased:
        answer = fresh.get((message.recipient_id, message.service_id), ReachabilityAnswer.REACHABLE)
        if lane is Lane.BATCH and answer != ReachabilityAnswer.REACHABLE:
            # In the lane of persons a recent no is asked about again: somebody may have just repaired it.
            unreachable.setdefault(answer, []).append(message)
        else:
            found.append(Work(message, _stage(message, fresh), lane))
    if unreachable:
        with Moves() as moves:
            for answer in sorted(unreachable):
                moves.move_all(unreachable[answer], Status.UNREACHABLE, Reason(answer), match=("leased_by",))
    return len(leased)


def _lease(scope: Scope, waiting: Waiting | None, holder: str, most: int) -> list[Message]:
    if waiting is None:
        return []
    now = timezone.now()
    messages: list[Message] = statements.lease(waiting, now, now + LEASE, holder, most, LIGHT)
    recipients = _recipients(messages)
    for message in messages:
        message.service = scope.services[message.service_id]
        message.recipient = recipients.get(message.recipient_id or 0)
    return messages


def _recipients(rows: Sequence[Message | BatchRow]) -> dict[int, Recipient]:
    """Whom these are about, by id."""
    ids = {row.recipient_id for row in rows if row.recipient_id}
    found = Recipient.objects.filter(pk__in=ids).values_list("pk", "fiscal_code") if ids else ()
    return {pk: Recipient(pk=pk, fiscal_code=fiscal_code) for pk, fiscal_code in found}


def _stage(message: Message, fresh: Mapping[tuple[int | None, int], ReachabilityAnswer]) -> Stage:
    if message.status != Status.QUEUED:
        return Stage.POLL
    known = fresh.get((message.recipient_id, message.service_id))
    return Stage.SUBMIT if known == ReachabilityAnswer.REACHABLE else Stage.CHECK


def _fresh(asked: Collection[Message | BatchRow]) -> dict[tuple[int | None, int], ReachabilityAnswer]:
    """IO's answers that still serve, by recipient and service."""
    if not asked:
        return {}
    answers = Reachability.objects.filter(
        recipient__in={one.recipient_id for one in asked}, asked_at__gt=timezone.now() - SERVES_FOR
    )
    rows = answers.values_list("recipient_id", "service_id", "answer")
    return {(recipient, service): ReachabilityAnswer(answer) for recipient, service, answer in rows}


def _questions(batch: Batch, holder: str, most: int, found: list[Job]) -> int:
    """Lease rows and add those to ask about to ``found``; returns how many were leased.

    Of people about whom IO was asked lately the answer is noted without a call.
    """
    now = timezone.now()
    waiting = rows_to_ask(batch.pk)
    columns = ("batch", "recipient", "state", "reachability", "leased_by")
    rows: list[BatchRow] = statements.lease(waiting, now, now + LEASE, holder, most, columns) if waiting else []
    recipients = _recipients(rows)
    fresh = _fresh(rows)
    allowed = None if batch.service.live else content.allowed_codes(batch.service)
    known, out = [], []
    for row in rows:
        row.batch, row.recipient = batch, recipients.get(row.recipient_id or 0)
        if row.state != RowState.GOOD or row.reachability or not _may_be_asked_about(row, allowed):
            out.append(row)
        elif answer := fresh.get((row.recipient_id, batch.service_id)):
            known.append((row, answer))
        else:
            found.append(Question(row))
    questions.drop(out)
    questions.settle(known)
    return len(rows)


def _may_be_asked_about(row: BatchRow, allowed: set[str] | None) -> bool:
    return row.recipient is not None and (allowed is None or row.recipient.fiscal_code in allowed)


def _return_rows(leased: QuerySet[BatchRow]) -> None:
    leased.filter(ask_at__isnull=False).update(ask_at=timezone.now(), leased_by="")


def _doubts(account_id: int, holder: str) -> Iterator[Work]:
    """For each undecided hold one of its own messages, about whose recipient there is something to ask anyway."""
    for hold in undecided(account_id).select_related("service__institution"):
        held = Waiting.of(
            Message.objects.filter(service=hold.service, features=hold.features, status=Status.QUEUED),
            "next_attempt_at",
        )
        scope = Scope(account_id, False, {hold.service.pk: hold.service}, Q(), True, [])
        for message in _lease(scope, held, holder, 1):
            yield Work(message, Stage.DECIDE, Lane.PERSON)
