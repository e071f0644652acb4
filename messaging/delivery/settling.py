"""Committing what came back: a group of answers in one transaction, each by the rules of its kind of call."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any, NamedTuple

from django.db import InterfaceError, OperationalError, connection
from django.utils import timezone
from structlog import get_logger

from messaging.appio.answers import (
    Accepted,
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
from messaging.delivery import budget, claims, outage, pauses, questions, reachability, submission, tracking
from messaging.delivery.moves import Moves
from messaging.delivery.senders import Done
from messaging.delivery.work import Job, Question, Stage, Work
from messaging.enums import PauseReason, ReachabilityAnswer, Reason, Status

log = get_logger(__name__)

#: A check that got no usable answer is repeated after this time (seconds).
CHECK_AGAIN = 10.0
#: How long answers wait in memory for a database that is away (seconds).
DATABASE_PATIENCE = 30.0
#: While all goes well, that is noted in the account at most so often (seconds).
GOOD_EVERY = 1.0


class Heard(NamedTuple):
    """A message with the answer to a call about it."""

    work: Work
    done: Done


def settle(group: Sequence[Done], holder: str) -> list[Work]:
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
            log.exception("answer_not_settled", stage=group[0].call.stage, work=group[0].call.work.name)
            return []


def _settle_together(group: Sequence[Done], holder: str) -> list[Work]:
    """One transaction for messages and one for rows; if one fails, the objects in memory are as the rows are."""
    _settle_questions([done for done in group if isinstance(done.call.work, Question)])
    heard = [Heard(done.call.work, done) for done in group if isinstance(done.call.work, Work)]
    if not heard:
        return []
    before = [dict(vars(work.message)) for work, _ in heard]
    try:
        with Moves() as moves:
            return _settle_messages(moves, heard, holder)
    except BaseException:
        for (work, _), row in zip(heard, before, strict=True):
            vars(work.message).update(row)
        raise


def _settle_messages(moves: Moves, heard: Sequence[Heard], holder: str) -> list[Work]:
    """The usual answers together, the rare ones one by one."""
    left = _settle_taken(moves, heard)
    left = _settle_final(moves, left)
    left, go_on = _settle_profiles(moves, left, holder)
    for work, done in left:
        reply = done.reply
        match done.call.stage:
            case Stage.SUBMIT:
                submission.settle(moves, work.message, reply.answer, reply.status)
            case Stage.POLL:
                tracking.settle(moves, work.message, reply.answer)
            case Stage.CHECK:
                _settle_check(moves, work, reply.answer, holder)
            case Stage.DECIDE:
                _settle_doubt(work, reply.answer)
    return go_on


def _settle_taken(moves: Moves, heard: Sequence[Heard]) -> list[Heard]:
    taken = {
        one.work.message.pk: one
        for one in heard
        if one.done.call.stage is Stage.SUBMIT
        and isinstance(one.done.reply.answer, Accepted)
        and one.work.message.status == Status.SENDING
    }
    rows = [submission.Taken(one.work.message, one.done.reply.answer, one.done.reply.status) for one in taken.values()]
    late = [taken[message.pk] for message, _, _ in submission.settle_taken(moves, rows)]
    return [one for one in heard if one.work.message.pk not in taken] + late


def _settle_final(moves: Moves, heard: Sequence[Heard]) -> list[Heard]:
    polled = [one for one in heard if one.done.call.stage is Stage.POLL]
    final = tracking.settle_final(moves, [(one.work.message, one.done.reply.answer) for one in polled])
    settled = {message.pk for message in final}
    return [one for one in heard if one.work.message.pk not in settled]


def _settle_profiles(moves: Moves, heard: Sequence[Heard], holder: str) -> tuple[list[Heard], list[Work]]:
    """Answers about people, kept for all messages of theirs; who cannot be reached is not written to."""
    asked = [one for one in heard if one.done.call.stage is Stage.CHECK and _is_profile(one.done.reply.answer)]
    said = reachability.record_all(
        [(one.work.message.recipient_id, one.work.message.service_id, one.done.reply.answer) for one in asked], moves.at
    )
    go_on = []
    for (work, _), answer in zip(asked, said, strict=True):
        if answer != ReachabilityAnswer.REACHABLE:
            moves.move(work.message, Status.UNREACHABLE, Reason(answer), where={"leased_by": holder})
        elif work.alone:
            claims.release(work.message)
        else:
            go_on.append(Work(work.message, Stage.SUBMIT, work.lane))
    settled = {id(one) for one in asked}
    return [one for one in heard if id(one) not in settled], go_on


def _is_profile(answer: Any) -> bool:
    return isinstance(answer, Profile | NoProfile)


def _settle_check(moves: Moves, work: Work, answer: Any, holder: str) -> None:
    if isinstance(answer, Refused):
        columns: dict[str, Any] = {"refusal_cause": answer.cause, "refusal_owner": answer.owner}
        where = {"leased_by": holder}
        moves.move(work.message, Status.REFUSED, Reason.REFUSED, where=where, detail=answer.title, **columns)
    else:
        _ask_again(work, answer)


def _ask_again(work: Job, answer: Any) -> None:
    """No answer about the person: the work waits for its next turn, or for a pause to end."""
    match answer:
        case Throttled(retry_after):
            claims.let_go(work, retry_after)
        case KeyRejected():
            pauses.pause_service(work.service, PauseReason.KEY)
            claims.let_go(work)
        case Forbidden(title):
            pauses.pause_service(work.service, PauseReason.FORBIDDEN, title)
            claims.let_go(work)
        case _:
            claims.let_go(work, CHECK_AGAIN)


def _settle_questions(group: Sequence[Done]) -> None:
    """Answers about the people of a batch that is not sent yet."""
    known = []
    for done in group:
        work, answer = done.call.work, done.reply.answer
        assert isinstance(work, Question)
        if _is_profile(answer):
            known.append((work.row, answer))
        elif isinstance(answer, Refused):
            # IO does not take this code: the message itself will be told why.
            questions.drop([work.row])
        else:
            _ask_again(work, answer)
    said = reachability.record_all(
        [(row.recipient_id, row.batch.service_id, answer) for row, answer in known], timezone.now()
    )
    questions.settle([(row, word) for (row, _), word in zip(known, said, strict=True)])


def _settle_doubt(work: Work, answer: Any) -> None:
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
