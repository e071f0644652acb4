"""Committing what came back: a group of answers in one transaction, each by the rules of its kind of call."""

from __future__ import annotations

import time
from typing import Any

from django.db import InterfaceError, OperationalError, connection
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
from messaging.delivery import budget, claims, outage, pauses, reachability, submission, tracking
from messaging.delivery.moves import Moves
from messaging.delivery.senders import Done
from messaging.delivery.work import Stage, Work
from messaging.enums import PauseReason, ReachabilityAnswer, Reason, Status

log = get_logger(__name__)

#: A check that got no usable answer is repeated after this time (seconds).
CHECK_AGAIN = 10.0
#: How long answers wait in memory for a database that is away (seconds).
DATABASE_PATIENCE = 30.0
#: While all goes well, that is noted in the account at most so often (seconds).
GOOD_EVERY = 1.0


def settle(group: list[Done], holder: str) -> list[Work]:
    """Settle a group of answers; returns what may go on at once: checked messages that can be reached.

    A database that is away for a moment is waited for: the answers are in memory alone. Doing it again after a lost
    COMMIT changes nothing, since every move is conditional.
    """
    if not group:
        return []
    until = time.monotonic() + DATABASE_PATIENCE
    while True:
        try:
            return _settle_together(group, holder)
        except (OperationalError, InterfaceError):
            if time.monotonic() > until:
                raise
            log.warning("database_away", answers=len(group))
            connection.close()
            time.sleep(0.5)
        except Exception:
            if len(group) > 1:
                # One answer that cannot be settled takes no other one along.
                return [work for done in group for work in settle([done], holder)]
            # If it was posted, it stays in sending and becomes uncertain.
            log.exception("answer_not_settled", message=str(group[0].call.work.message.public_id))
            return []


def _settle_together(group: list[Done], holder: str) -> list[Work]:
    """One transaction; if it fails, the objects in memory are again as the rows are."""
    messages = [done.call.work.message for done in group]
    before = [dict(vars(message)) for message in messages]
    try:
        with Moves() as moves:
            return [work for done in group if (work := _settle_one(moves, done, holder))]
    except BaseException:
        for message, row in zip(messages, before, strict=True):
            vars(message).update(row)
        raise


def _settle_one(moves: Moves, done: Done, holder: str) -> Work | None:
    work, reply = done.call.work, done.reply
    match done.call.stage:
        case Stage.SUBMIT:
            submission.settle(moves, work.message, reply.answer, reply.status)
        case Stage.POLL:
            tracking.settle(moves, work.message, reply.answer)
        case Stage.CHECK:
            return _settle_check(moves, work, reply.answer, holder)
        case Stage.DECIDE:
            _settle_question(work, reply.answer)
        case Stage.PROBE:
            pass
    return None


def _settle_check(moves: Moves, work: Work, answer: Any, holder: str) -> Work | None:
    message = work.message
    match answer:
        case Profile() | NoProfile():
            return _settle_profile(moves, work, answer, holder)
        case Throttled(retry_after):
            claims.release(message, retry_after)
        case KeyRejected():
            pauses.pause_service(message.service, PauseReason.KEY)
            claims.release(message)
        case Forbidden(title):
            pauses.pause_service(message.service, PauseReason.FORBIDDEN, title)
            claims.release(message)
        case Refused():
            columns: dict[str, Any] = {"refusal_cause": answer.cause, "refusal_owner": answer.owner}
            where = {"leased_by": holder}
            moves.move(message, Status.REFUSED, Reason.REFUSED, where=where, detail=answer.title, **columns)
        case _:
            claims.release(message, CHECK_AGAIN)
    return None


def _settle_profile(moves: Moves, work: Work, answer: Profile | NoProfile, holder: str) -> Work | None:
    message = work.message
    assert message.recipient is not None  # the database holds it for every status but draft
    said = reachability.record(message.recipient, message.service, answer).answer
    if said != ReachabilityAnswer.REACHABLE:
        moves.move(message, Status.UNREACHABLE, Reason(said), where={"leased_by": holder})
        return None
    if work.alone:
        claims.release(message)
        return None
    return Work(message, Stage.SUBMIT, work.lane)


def _settle_question(work: Work, answer: Any) -> None:
    """The same key from the same address asked elsewhere: what it is told decides an undecided hold."""
    message = work.message
    features = message.features
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


class Judge:
    """What answers say of IO as a whole: pace, faults in a row, the probe of a paused account."""

    def __init__(self, account_id: int) -> None:
        self.account_id = account_id
        self._good_at = float("-inf")

    def hear(self, done: Done) -> None:
        """Take one answer into account."""
        stage, answer = done.call.stage, done.reply.answer
        if isinstance(answer, Throttled):
            log.warning("throttled", account=self.account_id, retry_after=answer.retry_after, stage=stage)
            budget.block(self.account_id, answer.retry_after)
        fault = _is_fault(stage, answer)
        if done.call.work.alone:
            probed = outage.probe_message if stage is Stage.SUBMIT else outage.probe_read
            probed(self.account_id, answered=not fault)
        if fault:
            outage.record_fault(self.account_id)
            self._good_at = float("-inf")
        elif not isinstance(answer, NotSent) and time.monotonic() - self._good_at > GOOD_EVERY:
            outage.record_answer(self.account_id)
            self._good_at = time.monotonic()


def _is_fault(stage: Stage, answer: Any) -> bool:
    if isinstance(answer, NotSent):
        return answer.reason != submission.LATE
    if not isinstance(answer, Unanswered):
        return False
    # One message's payment status can turn its own reading into a 500 (IO messages API notes, 3.6).
    own_trouble = stage in {Stage.POLL, Stage.PROBE} and answer.status == 500
    return not own_trouble
