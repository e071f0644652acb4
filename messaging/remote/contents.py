"""The protected text and files of a message: written while it is a draft, corrected after it has left.

The only writer of RemoteContent, RemoteContentVersion and MessageAttachment, besides the birth of a batch's messages.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.db import transaction
from django.utils import timezone

from messaging.enums import Status
from messaging.models import (
    Attachment,
    Message,
    MessageAttachment,
    RemoteContent,
    RemoteContentVersion,
    RemoteText,
    User,
)

#: A message that has left can be corrected as long as IO may ask for it.
CORRECTABLE = frozenset(
    {Status.SENDING, Status.ACCEPTED, Status.PROCESSED, Status.UNCERTAIN, Status.CONFIRMED, Status.NO_OUTCOME}
)


class CannotCorrect(Exception):
    """What was asked for cannot be done to this message: gone (somebody else corrected it, or it is a draft),
    attachments (the message left without any, or is to be left without one), erased."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True, slots=True, kw_only=True)
class Texts:
    """What a citizen reads of the part that IO fetches; markdown without the buttons."""

    subject: str = ""
    body: str = ""
    precondition_title: str = ""
    precondition_body: str = ""


def digest(texts: Texts, files: Iterable[str]) -> str:
    """A hash of texts and of the files' digests in their order: equal exactly where a citizen would see the same."""
    said = [texts.subject, texts.body, texts.precondition_title, texts.precondition_body, *files]
    return hashlib.sha256(json.dumps(said).encode()).hexdigest()


def new(message: Message, texts: Texts, person_id: int, files: Sequence[Attachment] = ()) -> RemoteContent:
    """The content of a new message, neither yet saved; the message knows it as its ``remote_content``."""
    return RemoteContent(
        message=message,
        **_columns(texts),
        digest=digest(texts, [file.digest for file in files]),
        written_by_id=person_id,
        written_at=timezone.now(),
    )


def save_draft(message: Message, texts: Texts, person: User) -> None:
    """Keep the texts of a draft beside what it has of files; to be called in the transaction that saves the draft."""
    written = {**_columns(texts), "written_by": person, "written_at": timezone.now()}
    written["digest"] = digest(texts, _file_digests(message))
    RemoteContent.objects.update_or_create(message=message, defaults=written)


def drop_draft(message: Message) -> None:
    """Forget the texts of a draft that says everything itself again; in the transaction that saves the draft."""
    RemoteContent.objects.filter(message=message, message__status=Status.DRAFT).delete()


def copy_to(message: Message, texts: Texts, source: Message, person: User) -> None:
    """Give a new draft its texts, and the files of the message that it was made from."""
    for file in files_of(source) if source.pk else []:
        _place(message, file.attachment, file.name, file.position, person)
    save_draft(message, texts, person)


def texts_of(message: Message) -> Texts:
    """What the message's content says now; empty texts where it has none."""
    content = RemoteContent.objects.filter(message=message).first()
    return _texts(content) if content else Texts()


def texts_in(written: RemoteText) -> Texts:
    """What a template or a batch says, its placeholders not yet filled."""
    return Texts(
        subject=written.protected_subject,
        body=written.protected_body,
        precondition_title=written.precondition_title,
        precondition_body=written.precondition_body,
    )


def files_of(message: Message) -> list[MessageAttachment]:
    """The files that a citizen can open now, in their order, each with its ``attachment``."""
    kept = MessageAttachment.objects.filter(message=message, removed_at__isnull=True)
    return list(kept.select_related("attachment").order_by("position"))


@transaction.atomic
def attach(message: Message, attachment: Attachment, name: str, person: User) -> MessageAttachment:
    """Add a file to a draft, after those it has; raises CannotCorrect (gone) when it is a draft no more."""
    _lock_draft(message)
    taken = [file.position for file in files_of(message)]
    position = max(taken, default=0) + 1
    made = _place(message, attachment, name, position, person)
    _write_draft_digest(message, person)
    return made


@transaction.atomic
def detach(message: Message, file: MessageAttachment, person: User) -> None:
    """Take a file off a draft; raises CannotCorrect (gone) when it is a draft no more."""
    _lock_draft(message)
    MessageAttachment.objects.filter(pk=file.pk, message=message, removed_at__isnull=True).delete()
    _write_draft_digest(message, person)


@transaction.atomic
def move_up(message: Message, file: MessageAttachment, person: User) -> None:
    """Let a file of a draft change places with the one before it; raises CannotCorrect (gone)."""
    _lock_draft(message)
    files = files_of(message)
    index = next((index for index, one in enumerate(files) if one.pk == file.pk), 0)
    if not index:
        return
    before, after = files[index - 1], files[index]
    places = MessageAttachment.objects.filter(message=message)
    # No two files may have the same place, not even for a moment: nobody has the one after the last.
    places.filter(pk=before.pk).update(position=files[-1].position + 1)
    places.filter(pk=after.pk).update(position=before.position)
    places.filter(pk=before.pk).update(position=after.position)
    _write_draft_digest(message, person)


@transaction.atomic
def correct(
    message: Message,
    seen_version: int,
    texts: Texts,
    person: User,
    note: str,
    replacements: Sequence[tuple[MessageAttachment, Attachment]] = (),
) -> RemoteContent:
    """Replace the texts of a message that has left, and files of it: the citizen's next opening shows these.

    ``seen_version`` is the version that the person corrected; each of the ``replacements`` takes the place and the
    name of the file it comes with, which is served no more. Raises CannotCorrect: gone, erased.
    """
    content = _lock_sent(message, seen_version)
    for file, attachment in replacements:
        _replace(message, file, attachment, person)
    _keep_version(content)
    _write(content, texts, _file_digests(message), person, note)
    return content


def _columns(texts: Texts) -> dict[str, str]:
    return {
        "subject": texts.subject,
        "body": texts.body,
        "precondition_title": texts.precondition_title,
        "precondition_body": texts.precondition_body,
    }


def _texts(content: RemoteContent) -> Texts:
    return Texts(
        subject=content.subject,
        body=content.body,
        precondition_title=content.precondition_title,
        precondition_body=content.precondition_body,
    )


def _file_digests(message: Message) -> list[str]:
    return [file.attachment.digest for file in files_of(message)]


def _lock_draft(message: Message) -> None:
    if not Message.objects.select_for_update().filter(pk=message.pk, status=Status.DRAFT).exists():
        raise CannotCorrect("gone")


def _write_draft_digest(message: Message, person: User) -> None:
    save_draft(message, texts_of(message), person)
    # Whoever has the draft open elsewhere, or on the check page, sees that it has changed.
    Message.objects.filter(pk=message.pk).update(changed_at=timezone.now())


def _place(message: Message, attachment: Attachment, name: str, position: int, person: User) -> MessageAttachment:
    return MessageAttachment.objects.create(
        message=message,
        attachment=attachment,
        position=position,
        name=name,
        added_by=person,
        added_at=timezone.now(),
    )


def _replace(message: Message, file: MessageAttachment, attachment: Attachment, person: User) -> None:
    replaced = MessageAttachment.objects.filter(pk=file.pk, message=message, removed_at__isnull=True)
    if not replaced.update(removed_at=timezone.now(), removed_by=person):
        raise CannotCorrect("gone")
    _place(message, attachment, file.name, file.position, person)


def _lock_sent(message: Message, seen_version: int) -> RemoteContent:
    found = RemoteContent.objects.select_for_update(of=("self",)).filter(
        message=message, version=seen_version, message__status__in=CORRECTABLE
    )
    content = found.first()
    if content is None:
        raise CannotCorrect("gone")
    if content.erased_at is not None:
        raise CannotCorrect("erased")
    return content


def _keep_version(content: RemoteContent) -> None:
    RemoteContentVersion.objects.create(
        content=content,
        number=content.version,
        **_columns(_texts(content)),
        written_by_id=content.written_by_id,
        written_at=content.written_at,
        note=content.note,
    )


def _write(content: RemoteContent, texts: Texts, files: Sequence[str], person: User, note: str) -> None:
    for name, value in _columns(texts).items():
        setattr(content, name, value)
    content.digest = digest(texts, files)
    content.version += 1
    content.written_by, content.written_at, content.note = person, timezone.now(), note
    content.save()
