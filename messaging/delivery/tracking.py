"""What became of accepted messages: asked ever less often, up to IO's final word; then read and paid."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from messaging.appio.answers import (
    Forbidden,
    KeyRejected,
    MessageAnswer,
    MessageState,
    MessageUnknown,
    Refused,
    Throttled,
    Unanswered,
)
from messaging.delivery import pauses
from messaging.delivery.moves import Moves
from messaging.delivery.tally import WATCHED
from messaging.enums import FeatureLevel, Lane, PauseReason, Reason, Status
from messaging.models import Message

#: From acceptance to the first look, then from look to look; after the last one daily (IO messages API notes, 3.4).
FIRST_LOOK = timedelta(seconds=10)
LOOKS = tuple(timedelta(seconds=seconds) for seconds in (30, 120, 600, 3600))
DAILY = timedelta(days=1)
#: IO gives its final word within this time or never.
PATIENCE = timedelta(days=7)
#: Read and payment status of a Premium message, from delivery on.
FOLLOW_UPS = tuple(timedelta(seconds=seconds) for seconds in (60, 600, 3600, 6 * 3600))
FOLLOW_UP_PATIENCE = timedelta(days=60)
#: What IO says of a Premium message that is never taken back here.
READ, PAID = "READ", "PAID"
#: After a question that got no usable answer.
ASK_AGAIN = timedelta(seconds=60)

_FINAL_WORDS = {
    "PROCESSED": (Status.PROCESSED, Reason.DELIVERED),
    "REJECTED": (Status.REJECTED, Reason.REJECTED),
    "FAILED": (Status.FAILED, Reason.FAILED),
}


def settle(moves: Moves, message: Message, answer: MessageAnswer) -> None:
    """Commit what the answer to a question about an accepted or delivered message means, within ``moves``."""
    match answer:
        case MessageState(status=word) if word in _FINAL_WORDS and message.status == Status.ACCEPTED:
            to, reason = _FINAL_WORDS[word]
            if moves.move(message, to, reason, polls=0, failures_in_a_row=0) and to is Status.PROCESSED:
                _follow_up(moves, message, answer)
        case MessageState() if message.status == Status.PROCESSED:
            _follow_up(moves, message, answer)
        case MessageState() | MessageUnknown():
            _look_again(moves, message)
        case Forbidden() | Refused() | Unanswered(status=500):
            # IO will not or cannot show this one message (IO messages API notes, 3.6 and 3.7).
            _look_again(moves, message, at_least=len(LOOKS))
        case Throttled(retry_after):
            _postpone(message, moves.at + timedelta(seconds=retry_after))
        case KeyRejected():
            pauses.pause_service(message.service, PauseReason.KEY)
            _postpone(message, moves.at)
        case _:
            _postpone(message, moves.at + ASK_AGAIN)


def settle_final(moves: Moves, found: Sequence[tuple[Message, MessageAnswer]]) -> list[Message]:
    """What `settle` does for accepted messages with IO's final word of which nothing more is to be asked, in one go.

    Returns the messages that it settled; one that has moved meanwhile is settled too, by leaving it alone.
    """
    settled = []
    for word, (to, reason) in _FINAL_WORDS.items():
        messages = [message for message, answer in found if _is_last_word(message, answer, word)]
        moves.move_all(messages, to, reason, polls=0, failures_in_a_row=0)
        settled += messages
    return settled


def _is_last_word(message: Message, answer: MessageAnswer, word: str) -> bool:
    return (
        isinstance(answer, MessageState)
        and answer.status == word
        and message.status == Status.ACCEPTED
        and message.feature_level != FeatureLevel.ADVANCED
    )


def _look_again(moves: Moves, message: Message, at_least: int = 0) -> None:
    """The next look, ever later; after seven days, and ``at_least`` so many looks, there is no outcome."""
    accepted_at = message.accepted_at or moves.at
    if message.status == Status.PROCESSED:
        _postpone(message, _next_follow_up(moves, message), polls=message.polls + 1)
        return
    if moves.at - accepted_at >= PATIENCE and message.polls >= at_least:
        moves.move(message, Status.NO_OUTCOME, Reason.NO_FINAL_WORD)
        return
    wait = LOOKS[message.polls] if message.polls < len(LOOKS) else DAILY
    last = max(accepted_at + PATIENCE, moves.at + LOOKS[0])
    _postpone(message, min(moves.at + wait, last), polls=message.polls + 1)


def _follow_up(moves: Moves, message: Message, state: MessageState) -> None:
    """Premium messages are asked on until read and, where there is something to pay, paid.

    What was known once stays known: IO leaves a field out, or answers that the person does not tell any more.
    """
    if message.feature_level != FeatureLevel.ADVANCED:
        return
    # Another loop, whose lease has run out, may be at it too, and openings arrive at any time.
    row = Message.objects.select_for_update(no_key=True).only(*WATCHED).get(pk=message.pk)
    moves.watch(row)
    read = row.read_status if row.read_status == READ else state.read_status or row.read_status
    columns: dict[str, Any] = {"read_status": read}
    if read == READ != row.read_status:
        moves.note(message, Reason.READ)
        columns["seen_at"] = row.seen_at or moves.at
    paid = row.payment_status
    if row.amount is not None and paid != PAID:
        columns["payment_status"] = paid = state.payment_status or paid
    if paid == PAID != row.payment_status:
        moves.note(message, Reason.PAID)
        columns["paid_at"] = moves.at
    done = read == READ and (row.amount is None or paid == PAID)
    _postpone(message, None if done else _next_follow_up(moves, message), polls=message.polls + 1, **columns)


def _next_follow_up(moves: Moves, message: Message) -> datetime | None:
    """When a delivered message is asked about again; None once it has been for long enough."""
    wait = FOLLOW_UPS[message.polls] if message.polls < len(FOLLOW_UPS) else DAILY
    following = moves.at + wait
    return None if following - (message.accepted_at or moves.at) > FOLLOW_UP_PATIENCE else following


def _postpone(message: Message, until: datetime | None, **columns: Any) -> None:
    Message.objects.filter(pk=message.pk, status=message.status).update(
        next_attempt_at=until, leased_by="", lane=Lane.POLL, **columns
    )
