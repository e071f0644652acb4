"""What a person decides after sending: about uncertain outcomes, refusals and faults."""

from __future__ import annotations

from messaging.delivery import content
from messaging.delivery.moves import Moves
from messaging.delivery.wake import wake
from messaging.enums import Lane, Reason, Status
from messaging.models import Message, Reachability, User


def confirm_arrival(message: Message, person: User, note: str) -> bool:
    """An uncertain message was seen on the citizen's phone: final, nothing else leaves."""
    with Moves() as moves:
        return moves.move(message, Status.CONFIRMED, Reason.CONFIRMED, actor=person, note=note)


def send_again(message: Message, person: User, note: str) -> bool:
    """Queue an uncertain message once more, accepting that the first one may have arrived."""
    return _requeue(message, Reason.SENT_AGAIN, person, note)


def give_up(message: Message, person: User, note: str) -> bool:
    """Send an uncertain message no more; the citizen is to be told in another way."""
    with Moves() as moves:
        return moves.move(message, Status.ABANDONED, Reason.ABANDONED, actor=person, note=note)


def retry(message: Message, person: User, note: str = "") -> bool:
    """Queue again what IO refused, failed to deliver, or could not reach; who can be reached is asked anew."""
    Reachability.objects.filter(recipient=message.recipient, service=message.service).delete()
    return _requeue(message, Reason.CORRECTED, person, note)


def reopen(message: Message, person: User) -> bool:
    """Make a refused message a draft again, so that what is wrong can be corrected."""
    with Moves() as moves:
        return moves.move(
            message,
            Status.DRAFT,
            Reason.CORRECTED,
            actor=person,
            approval_digest="",
            approved_by=None,
            remote_configuration="",
        )


def _where_to_fetch(message: Message) -> str:
    """IO may have refused the one that the message had: it leaves with the one that the institution has now."""
    return content.configuration_id(message.service) if content.is_fetched(message) else ""


def _requeue(message: Message, reason: Reason, person: User, note: str) -> bool:
    with Moves() as moves:
        moved = moves.move(
            message,
            Status.QUEUED,
            reason,
            actor=person,
            note=note,
            next_attempt_at=moves.at,
            lane=Lane.PERSON,
            failures_in_a_row=0,
            io_id="",
            refusal_cause="",
            refusal_owner="",
            features=content.features(message),
            remote_configuration=_where_to_fetch(message),
        )
        if moved:
            wake(message.service)
    return moved
