"""Committing what came back: a group of answers in one transaction, each by the rules of its kind of call."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from structlog import get_logger

from messaging.appio.answers import (
    Cause,
    Forbidden,
    KeyRejected,
    NoProfile,
    NotSent,
    Profile,
    Refused,
    Throttled,
    Unanswered,
)
from messaging.delivery import budget, claims, content, outage, pauses, reachability, submission, tracking
from messaging.delivery.moves import Moves
from messaging.delivery.senders import Done
from messaging.delivery.work import Stage, Work
from messaging.enums import PauseReason, ReachabilityAnswer, Reason, Status

if TYPE_CHECKING:
    from messaging.delivery.loop import DeliveryLoop

log = get_logger(__name__)

#: A check that got no usable answer is repeated after this time (seconds).
CHECK_AGAIN = 10.0


def settle(loop: DeliveryLoop, group: list[Done]) -> None:
    """Settle a group of answers; what a message needs next goes back to the loop's lanes."""
    if not group:
        return
    with Moves() as moves:
        for done in group:
            _settle_one(loop, moves, done)
    for done in group:
        loop.observe(done)
        _judge(loop.account_id, done)


def _settle_one(loop: DeliveryLoop, moves: Moves, done: Done) -> None:
    work, reply = done.call.work, done.reply
    match done.call.stage:
        case Stage.SUBMIT:
            submission.settle(moves, work.message, reply.answer, reply.status)
        case Stage.POLL:
            tracking.settle(moves, work.message, reply.answer)
        case Stage.CHECK:
            _settle_check(loop, moves, work, reply.answer)
        case Stage.DECIDE:
            _settle_question(work, reply.answer)
        case Stage.PROBE:
            pass


def _settle_check(loop: DeliveryLoop, moves: Moves, work: Work, answer: Any) -> None:
    message = work.message
    match answer:
        case Profile() | NoProfile():
            assert message.recipient is not None  # the database holds it for every status but draft
            said = reachability.record(message.recipient, message.service, answer).answer
            if said == ReachabilityAnswer.REACHABLE:
                work.stage = Stage.SUBMIT
                if work.alone:
                    claims.release(message)
                else:
                    loop.lanes.add_first(work)
            else:
                moves.move(message, Status.UNREACHABLE, Reason(said), where={"leased_by": loop.holder})
        case Throttled(retry_after):
            claims.release(message, retry_after)
        case KeyRejected():
            pauses.pause_service(message.service, PauseReason.KEY)
            claims.release(message)
        case Forbidden(title):
            pauses.pause_service(message.service, PauseReason.FORBIDDEN, title)
            claims.release(message)
        case Refused():
            moves.move(
                message, Status.REFUSED, Reason.REFUSED, where={"leased_by": loop.holder}, detail=answer.title,
                refusal_cause=answer.cause, refusal_owner=answer.owner,
            )
        case _:
            claims.release(message, CHECK_AGAIN)


def _settle_question(work: Work, answer: Any) -> None:
    """The same key from the same address asked elsewhere: what it is told decides an undecided hold."""
    message = work.message
    features = content.features(message)
    match answer:
        case Profile() | NoProfile() | Refused(cause=Cause.RECIPIENT_FORBIDDEN):
            pauses.decide(message.service, features, caller_is_welcome=True)
        case KeyRejected():
            pauses.decide(message.service, features, caller_is_welcome=False, reason=PauseReason.KEY)
        case Forbidden():
            pauses.decide(message.service, features, caller_is_welcome=False)
        case _:
            claims.release(message, CHECK_AGAIN)
            return
    claims.release(message)


def _judge(account_id: int, done: Done) -> None:
    """What an answer says of IO as a whole: pace, faults in a row, the probe of a paused account."""
    stage, alone, answer = done.call.stage, done.call.work.alone, done.reply.answer
    if isinstance(answer, Throttled):
        log.warning("throttled", account=account_id, retry_after=answer.retry_after, stage=stage)
        budget.block(account_id, answer.retry_after)
    fault = _is_fault(stage, done.reply)
    if alone and stage is Stage.SUBMIT:
        outage.probe_message(account_id, answered=not fault)
    elif alone:
        outage.probe_read(account_id, answered=not fault)
    if fault:
        outage.record_fault(account_id)
    elif not isinstance(answer, NotSent):
        outage.record_answer(account_id)


def _is_fault(stage: Stage, reply: Any) -> bool:
    answer = reply.answer
    if isinstance(answer, NotSent):
        return answer.reason != submission.LATE
    if not isinstance(answer, Unanswered):
        return False
    # One message's payment status can turn its own reading into a 500 (IO messages API notes, 3.6).
    own_trouble = stage in {Stage.POLL, Stage.PROBE} and answer.status == 500
    return not own_trouble
