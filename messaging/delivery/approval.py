"""From a draft to the queue: what a person who presses Send, approves, sends back or cancels brings about."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone

from messaging.appio.rules import Problem
from messaging.delivery import content
from messaging.delivery.moves import Moves
from messaging.delivery.notices import tell, tell_supervisors
from messaging.delivery.wake import wake
from messaging.enums import NEVER_ARRIVED, Lane, NoticeKind, Reason, Status
from messaging.models import ContentFingerprint, Message, User

#: The same content to the same person within this time asks for a reason.
REPEAT_WINDOW = timedelta(days=7)


class NotReady(Exception):
    """The platform would refuse the message; ``problems`` says why."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__("the message has problems")
        self.problems = problems


class HeldBackByTrial(Exception):
    """The service is on trial and the recipient is not on its list."""


class AlreadySent(Exception):
    """The same content, or the same notice, went to the same person in the last seven days."""

    def __init__(self, earlier: Message) -> None:
        super().__init__("already sent")
        self.earlier = earlier


def send(message: Message, person: User, *, repeat_reason: str = "", warnings_confirmed: bool = False) -> bool:
    """Send a draft on its way: to the queue, or to a second person where the service's rule asks for one.

    Returns False when it was no longer a draft (a double click, a second tab). Raises NotReady, HeldBackByTrial, or
    AlreadySent unless ``repeat_reason`` says why it goes again.
    """
    problems = [problem for problem in content.problems(message) if not (problem.warning and warnings_confirmed)]
    if problems:
        raise NotReady(problems)
    if content.is_held_back_by_trial(message):
        raise HeldBackByTrial
    with Moves() as moves:
        columns: dict[str, Any] = {
            # What was checked is what goes: a change saved meanwhile in another tab is not.
            "where": {"changed_at": message.changed_at},
            "submitted_by": person,
            "repeat_reason": repeat_reason,
            "features": content.features(message),
            "remote_configuration": going.configuration_id if (going := content.third_party(message)) else "",
            "typed": {},
        }
        if content.needs_approval(message):
            digest = content.approval_digest(message)
            moved = moves.move(
                message,
                Status.AWAITING_APPROVAL,
                Reason.APPROVAL_ASKED,
                actor=person,
                approval_digest=digest,
                **columns,
            )
            if moved:
                tell_supervisors(message.service, NoticeKind.APPROVAL, besides=person)
        else:
            moved = _queue(moves, message, Reason.QUEUED, person, approval_digest="", approved_by=None, **columns)
        if moved and not message.is_trial:
            _remember(message, moves, allowed=bool(repeat_reason))
    return moved


def approve(message: Message, person: User) -> bool:
    """Approve what was seen: if the content is no longer that, the message goes back to its author instead.

    Returns whether it was queued. Whether the person may is the caller's question (permissions.may_approve); the
    database refuses an approval by whoever submitted it.
    """
    with Moves() as moves:
        if message.approval_digest != content.approval_digest(message):
            moves.move(message, Status.DRAFT, Reason.CONTENT_CHANGED, approval_digest="", approved_by=None)
            tell([message.author], NoticeKind.SENT_BACK, message.service)
            return False
        return _queue(moves, message, Reason.APPROVED, person, approved_by=person)


def send_back(message: Message, person: User, note: str) -> bool:
    """Give a message back to its author with a reason; it is a draft again."""
    with Moves() as moves:
        moved = moves.move(message, Status.DRAFT, Reason.SENT_BACK, actor=person, note=note, approval_digest="")
        if moved:
            tell([message.author], NoticeKind.SENT_BACK, message.service)
    return moved


def withdraw(message: Message, person: User) -> bool:
    """Take a message back from approval; it is a draft again."""
    with Moves() as moves:
        return moves.move(message, Status.DRAFT, Reason.WITHDRAWN, actor=person, approval_digest="")


def cancel(message: Message, person: User) -> bool:
    """Stop a message that waits for its turn. Returns False when it had already left."""
    with Moves() as moves:
        return moves.move(message, Status.CANCELLED, Reason.CANCELLED, actor=person)


def delete_draft(message: Message) -> bool:
    """Delete a message that never left the desk; one with a story beyond drafting is kept."""
    with transaction.atomic():
        deleted, _ = Message.objects.filter(
            pk=message.pk, status=Status.DRAFT, attempt_number=0, queued_at__isnull=True, batch__isnull=True
        ).delete()
    return bool(deleted)


def earlier_sending(message: Message) -> Message | None:
    """The message of the last seven days that had the same content or notice and may have arrived."""
    found = (
        ContentFingerprint.objects.filter(
            digest__in=content.fingerprints(message), seen_at__gt=timezone.now() - REPEAT_WINDOW
        )
        .exclude(message=message.pk)
        .exclude(message__status__in=[*NEVER_ARRIVED, Status.DRAFT])
        .select_related("message__author")
        .order_by("-seen_at")
        .first()
    )
    return found.message if found else None


def _queue(moves: Moves, message: Message, reason: Reason, person: User, **columns: Any) -> bool:
    moved = moves.move(
        message,
        Status.QUEUED,
        reason,
        actor=person,
        lane=Lane.PERSON,
        next_attempt_at=moves.at,
        queued_at=message.queued_at or moves.at,
        **columns,
    )
    if moved:
        wake(message.service)
    return moved


def _remember(message: Message, moves: Moves, *, allowed: bool) -> None:
    """Record the fingerprints; the unique digest makes two tabs that send the same content meet here."""
    for digest in content.fingerprints(message):
        known = ContentFingerprint.objects.select_for_update().select_related("message").filter(digest=digest).first()
        if known is None:
            try:
                with transaction.atomic():
                    ContentFingerprint.objects.create(digest=digest, message=message, seen_at=moves.at)
                continue
            except IntegrityError:
                known = ContentFingerprint.objects.select_related("message").get(digest=digest)
        fresh = known.seen_at > moves.at - REPEAT_WINDOW and known.message_id != message.pk
        if fresh and not allowed and known.message.status not in {*NEVER_ARRIVED, Status.DRAFT}:
            raise AlreadySent(known.message)
        ContentFingerprint.objects.filter(pk=known.pk).update(message=message, seen_at=moves.at)
