"""The POST of a message: its intention committed before, its answer committed after (design, invariant 2)."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from structlog import get_logger

from messaging.appio.answers import (
    Accepted,
    AcceptedWithoutId,
    Cause,
    Forbidden,
    KeyRejected,
    NotSent,
    Refused,
    SubmitAnswer,
    Throttled,
    Unanswered,
)
from messaging.delivery import content, pauses, seal, statements
from messaging.delivery.moves import Moves
from messaging.delivery.notices import tell, tell_supervisors
from messaging.delivery.tracking import FIRST_LOOK
from messaging.enums import AttemptOutcome, Lane, NoticeKind, PauseReason, Reason, Status
from messaging.models import Attempt, Message, Recipient, ServiceKey

log = get_logger(__name__)

#: Reasons of NotSent that say something about us, not about IO.
LATE = "late"
LONGEST_BACKOFF = 300

#: What is needed of a message to make its payload and to follow it until its answer.
NEEDED = (
    *("public_id", "service", "recipient", "batch", "author", "lane", "status", "leased_by", "attempt_number"),
    *("failures_in_a_row", "features", "queued_at", "accepted_at", "delivery_speed", "approval_digest", "is_trial"),
    *("subject", "body", "buttons", "amount", "notice_number", "due_date", "invalid_after_due_date", "payee"),
    *("feature_level", "require_secure_channels", "io_id"),
    *("has_remote_content", "has_attachments", "precondition", "remote_configuration"),
)

_ON_THE_WAY = (Status.SENDING, Status.UNCERTAIN)


class Leaving(NamedTuple):
    """A message whose intention to be sent is committed, with the JSON object to post."""

    message: Message
    payload: dict[str, object]


class Taken(NamedTuple):
    """A message with IO's answer that it has taken it, and the HTTP status of the answer."""

    message: Message
    answer: Accepted
    http_status: int | None


def mark_sending(
    ids: Collection[int], *, holder: str, keys: Mapping[int, ServiceKey], deadline: datetime
) -> list[Leaving]:
    """Commit the intention to send these leased messages; returns those that may be posted now, exactly once each.

    Whatever no longer may be sent (cancelled, changed after its approval, held back by trial mode) is left out and,
    where need be, moved; a message of a batch that does not send at this moment is left as it is. ``keys`` are the
    keys in use by service id.
    """
    with Moves() as moves:
        fit = _fit(ids, holder, moves)
        numbers = [message.attempt_number + 1 for message, _ in fit]
        moved = moves.move_all(
            [message for message, _ in fit],
            Status.SENDING,
            Reason.SENT,
            match=("leased_by",),
            each={"attempt_number": numbers},
            sending_deadline=deadline,
            leased_by=holder,
        )
        written = _begin_attempts(moved, keys, moves.at)
    if written:
        seal.advance(max(written))
    sent = {message.pk for message in moved}
    return [leaving for leaving in fit if leaving.message.pk in sent]


def _fit(ids: Collection[int], holder: str, moves: Moves) -> list[Leaving]:
    """Those of the messages that may leave, locked; what can never leave is moved."""
    fit = []
    for message, live, fiscal_code in statements.lock_for_sending(list(ids), holder, NEEDED):
        message.recipient = Recipient(pk=message.recipient_id, fiscal_code=fiscal_code)
        if (payload := _payload(message, moves, live=live)) is not None:
            fit.append(Leaving(message, payload))
    return fit


def _begin_attempts(messages: Sequence[Message], keys: Mapping[int, ServiceKey], at: datetime) -> list[int]:
    """Attempts to submit, before their answers; returns their ids."""
    if not messages:
        return []
    nothing: dict[str, Any] = {"answered_at": None, "outcome": "", "http_status": None, "title": "", "io_id": ""}
    each = {
        "message": [message.pk for message in messages],
        "number": [message.attempt_number for message in messages],
        "key": [keys[message.service_id].pk for message in messages],
    }
    return statements.insert(Attempt, common={"started_at": at, **nothing}, each=each)


def settle_taken(moves: Moves, taken: Sequence[Taken]) -> list[Taken]:
    """What `settle` does for messages in sending that IO has taken under an id, in one go.

    Returns the ones that are in sending no more: each is to be settled by itself.
    """
    messages = [message for message, _, _ in taken]
    moved = moves.move_all(
        messages,
        Status.ACCEPTED,
        Reason.TAKEN,
        match=("attempt_number",),
        each={"io_id": [answer.message_id for _, answer, _ in taken]},
        **_taken(moves.at),
    )
    settled = {message.pk for message in moved}
    done = [one for one in taken if one.message.pk in settled]
    if done:
        statements.update(
            Attempt,
            match={
                "message": [message.pk for message, _, _ in done],
                "number": [message.attempt_number for message, _, _ in done],
            },
            where={},
            common={"answered_at": moves.at, "outcome": AttemptOutcome.ACCEPTED, "title": ""},
            each={
                "http_status": [status for _, _, status in done],
                "io_id": [answer.message_id for _, answer, _ in done],
            },
        )
    return [one for one in taken if one.message.pk not in settled]


def settle(moves: Moves, message: Message, answer: SubmitAnswer, http_status: int | None) -> None:
    """Commit what the answer to attempt ``message.attempt_number`` means, within ``moves``.

    A late answer settles too, from sending or uncertain; it is on record in the attempt in any case.
    """
    _record(moves, message, answer, http_status)
    match answer:
        case Accepted() | AcceptedWithoutId():
            _take(moves, message, answer)
        case Refused(cause=Cause.NOT_FOUND, title=title):
            # The address of the API is wrong, or its gateway astray: no fault of this message.
            _put_back(moves, message, Forbidden(title))
        case Refused():
            _refuse(moves, message, answer)
        case Unanswered(_, status):
            reason = Reason.SERVER_FAULT if status else Reason.NO_ANSWER
            if _move(moves, message, Status.UNCERTAIN, reason, origins=(Status.SENDING,)):
                tell_supervisors(message.service, NoticeKind.UNCERTAIN)
        case _:
            _put_back(moves, message, answer)


def give_up_waiting(messages: Iterable[Message]) -> int:
    """Messages left in sending: nobody knows what became of them. Returns how many; a late answer still settles."""
    moved = 0
    with Moves() as moves:
        for message in messages:
            where = {"attempt_number": message.attempt_number}
            if moves.move(message, Status.UNCERTAIN, Reason.DEADLINE, where=where):
                tell_supervisors(message.service, NoticeKind.UNCERTAIN)
                moved += 1
    return moved


def _payload(message: Message, moves: Moves, *, live: bool) -> dict[str, object] | None:
    """The JSON to post; None when the message may not leave, and then it is moved."""
    if not live and content.is_held_back_by_trial(message):
        moves.move(
            message, Status.REFUSED, Reason.TRIAL_MODE, refusal_cause="trial_mode", refusal_owner="administrator"
        )
        return None
    try:
        payload = content.payload(message)
    except Exception:
        # A row from which none can be made must not stop the others.
        log.exception("payload_impossible", message=str(message.public_id))
        columns: dict[str, Any] = {"refusal_cause": "invalid_content", "refusal_owner": "clerk"}
        moves.move(message, Status.REFUSED, Reason.REFUSED, **columns)
        return None
    if message.approval_digest and message.approval_digest != content.approval_digest(message, payload):
        moves.move(message, Status.DRAFT, Reason.CONTENT_CHANGED, approval_digest="", approved_by=None)
        tell([message.author], NoticeKind.SENT_BACK, message.service)
        return None
    return payload


def _take(moves: Moves, message: Message, answer: Accepted | AcceptedWithoutId) -> None:
    # Proof of arrival also settles a message that a person had just decided to repeat.
    origins = (*_ON_THE_WAY, Status.QUEUED)
    if isinstance(answer, AcceptedWithoutId):
        _move(moves, message, Status.CONFIRMED, Reason.TAKEN_WITHOUT_ID, origins=origins)
        return
    columns = {"io_id": answer.message_id, **_taken(moves.at)}
    _move(moves, message, Status.ACCEPTED, Reason.TAKEN, origins=origins, **columns)


def _taken(at: datetime) -> dict[str, Any]:
    return {
        "accepted_at": at,
        "next_attempt_at": at + FIRST_LOOK,
        "lane": Lane.POLL,
        "polls": 0,
        "failures_in_a_row": 0,
    }


def _refuse(moves: Moves, message: Message, answer: Refused) -> None:
    columns: dict[str, Any] = {"refusal_cause": answer.cause, "refusal_owner": answer.owner}
    _move(moves, message, Status.REFUSED, Reason.REFUSED, detail=answer.title, **columns)


def _put_back(moves: Moves, message: Message, answer: Throttled | NotSent | KeyRejected | Forbidden) -> None:
    """Nothing was created: the message waits for its next turn, or for a pause to end."""
    match answer:
        case Throttled(retry_after):
            _queue(moves, message, Reason.THROTTLED, timedelta(seconds=retry_after))
        case NotSent():
            failures = message.failures_in_a_row + 1
            wait = timedelta(seconds=min(2**failures, LONGEST_BACKOFF))
            _queue(moves, message, Reason.NOT_SENT, wait, failures_in_a_row=failures)
        case KeyRejected():
            # Unless an administrator has changed over to the other key meanwhile.
            if Attempt.objects.filter(message=message, number=message.attempt_number, key__in_use=True).exists():
                pauses.pause_service(message.service, PauseReason.KEY)
            _queue(moves, message, Reason.KEY_REJECTED)
        case Forbidden(title):
            pauses.hold_features(message.service, message.features, title)
            _queue(moves, message, Reason.FORBIDDEN, detail=title)


def _queue(moves: Moves, message: Message, reason: Reason, wait: timedelta = timedelta(0), **columns: Any) -> None:
    _move(moves, message, Status.QUEUED, reason, next_attempt_at=moves.at + wait, **columns)


def _move(
    moves: Moves,
    message: Message,
    to: Status,
    reason: Reason,
    *,
    origins: Iterable[Status] = _ON_THE_WAY,
    **columns: Any,
) -> bool:
    for origin in origins:
        message.status = origin
        if moves.move(message, to, reason, where={"attempt_number": message.attempt_number}, **columns):
            return True
    return False


def _record(moves: Moves, message: Message, answer: SubmitAnswer, http_status: int | None) -> None:
    Attempt.objects.filter(message=message, number=message.attempt_number).update(
        answered_at=moves.at,
        outcome=_OUTCOMES[type(answer)],
        http_status=http_status,
        title=getattr(answer, "title", getattr(answer, "reason", ""))[:200],
        io_id=answer.message_id if isinstance(answer, Accepted) else "",
    )


_OUTCOMES: Mapping[type, AttemptOutcome] = {
    Accepted: AttemptOutcome.ACCEPTED,
    AcceptedWithoutId: AttemptOutcome.ACCEPTED_WITHOUT_ID,
    Refused: AttemptOutcome.REFUSED,
    KeyRejected: AttemptOutcome.KEY_REJECTED,
    Forbidden: AttemptOutcome.FORBIDDEN,
    Throttled: AttemptOutcome.THROTTLED,
    NotSent: AttemptOutcome.NOT_SENT,
    Unanswered: AttemptOutcome.UNANSWERED,
}
