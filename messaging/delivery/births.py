"""Rows of a batch become messages: queued, or final from the start, with their story, counts and fingerprints."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from django.utils import timezone

from messaging.delivery import content
from messaging.delivery.approval import REPEAT_WINDOW
from messaging.delivery.tally import Tally
from messaging.enums import NEVER_ARRIVED, BatchStatus, Lane, ReachabilityAnswer, Reason, Status
from messaging.models import Batch, ContentFingerprint, Message, MessageAttachment, RemoteContent, StatusChange


class SentMeanwhile(Exception):
    """Another transaction sent some of the same content at this moment: roll back, and look again."""


def create(
    batch: Batch,
    messages: Sequence[Message],
    answers: Mapping[int, ReachabilityAnswer],
    files: Sequence[MessageAttachment] = (),
) -> dict[int, ContentFingerprint]:
    """Save a group of a batch's messages inside the caller's transaction, which must hold the batch's row.

    A message of which IO fetches a part has its unsaved ``remote_content``, and its ``files`` name it as theirs.
    ``answers`` are IO's fresh answers by recipient id: nobody who cannot be reached is written to. Returns, by row
    number, what must not become a message, with the fingerprint of what was sent in the last days. Raises
    SentMeanwhile.
    """
    now = timezone.now()
    prints: dict[str, Message] = {}
    for message in messages:
        payload = content.payload(message)
        if batch.approved_by_id:
            message.approval_digest = content.approval_digest(message, payload)
        message.features = content.features(message)
        _settle_status(message, batch, answers, now)
        said = content.said(message, payload)
        for digest in content.fingerprints_of(message.service_id, said, message.notice_number):
            prints.setdefault(digest, message)
    known = _known(prints)
    may_repeat = batch.repeat_reason or batch.corrects_id
    repeated = {} if may_repeat else _repeated(prints, known, now)
    born = [message for message in messages if message.row not in repeated]
    Message.objects.bulk_create(born)
    _save_what_is_fetched(born, files)
    StatusChange.objects.bulk_create(_first_step(message, batch, now) for message in born)
    _remember({digest: message for digest, message in prints.items() if message.pk}, known, now)
    tally = Tally()
    tally.born(born)
    tally.write()
    return repeated


def _settle_status(message: Message, batch: Batch, answers: Mapping[int, ReachabilityAnswer], now: datetime) -> None:
    message.queued_at = now
    answer = answers.get(message.recipient_id or 0, ReachabilityAnswer.REACHABLE)
    if batch.status == BatchStatus.CANCELLED:
        message.status = Status.CANCELLED
    elif answer != ReachabilityAnswer.REACHABLE:
        message.status = Status.UNREACHABLE
    else:
        message.status, message.lane, message.next_attempt_at = Status.QUEUED, Lane.BATCH, now


def _save_what_is_fetched(born: Sequence[Message], files: Sequence[MessageAttachment]) -> None:
    contents = [message.remote_content for message in born if content.is_fetched(message)]
    for one in contents:
        one.message = one.message  # takes over the id that the message has now
    RemoteContent.objects.bulk_create(contents)
    kept = [file for file in files if file.message.pk]
    for file in kept:
        file.message = file.message
    MessageAttachment.objects.bulk_create(kept)


def _first_step(message: Message, batch: Batch, now: datetime) -> StatusChange:
    reasons = {Status.CANCELLED: Reason.CANCELLED, Status.QUEUED: Reason.QUEUED}
    return StatusChange(
        message=message,
        from_status=Status.DRAFT,
        to_status=message.status,
        reason=reasons.get(Status(message.status), Reason.NOT_ON_IO),
        actor_id=batch.submitted_by_id,
        at=now,
    )


def _known(prints: Mapping[str, Message]) -> dict[str, ContentFingerprint]:
    rows = ContentFingerprint.objects.select_for_update(of=("self",)).select_related("message")
    found = rows.filter(digest__in=prints).only("digest", "seen_at", "message__status")
    return {row.digest: row for row in found.order_by("digest")}


def _repeated(
    prints: Mapping[str, Message], known: Mapping[str, ContentFingerprint], now: datetime
) -> dict[int, ContentFingerprint]:
    found = {}
    for digest, row in known.items():
        arrived = row.message.status not in {*NEVER_ARRIVED, Status.DRAFT}
        if arrived and row.seen_at > now - REPEAT_WINDOW:
            found[prints[digest].row or 0] = row
    return found


def _remember(prints: Mapping[str, Message], known: Mapping[str, ContentFingerprint], now: datetime) -> None:
    """The unique digest makes two batches that send the same content at once meet here."""
    rows = [ContentFingerprint(digest=digest, message=prints[digest], seen_at=now) for digest in sorted(prints)]
    ContentFingerprint.objects.bulk_create([row for row in rows if row.digest not in known], ignore_conflicts=True)
    ContentFingerprint.objects.bulk_create(
        [row for row in rows if row.digest in known],
        update_conflicts=True,
        unique_fields=["digest"],
        update_fields=["message", "seen_at"],
    )
    stored = ContentFingerprint.objects.filter(digest__in=prints).values_list("digest", "message_id")
    if any(prints[digest].pk != message_id for digest, message_id in stored):
        raise SentMeanwhile
