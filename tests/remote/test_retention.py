"""Protected texts and files are kept as long as the institution says, and only then taken away."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.utils import timezone

from messaging.enums import BatchStatus, Status
from messaging.models import (
    Attachment,
    BatchAttachment,
    Institution,
    Message,
    MessageAttachment,
    RemoteContent,
    RemoteContentVersion,
    Service,
)
from messaging.remote import contents, retention
from messaging.remote.contents import Texts
from tests import cast

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
TEXTS = Texts(
    subject="Il tuo certificato", body="Testo riservato " * 10, precondition_title="Prima", precondition_body="di"
)


@pytest.fixture
def service() -> Service:
    return cast.make_service(institution=cast.make_institution(remote_keep_months=12))


def old(service: Service, *, days: int = 800, status: Status = Status.PROCESSED, **kw: Any) -> Message:
    """A message with content that was queued so many days before NOW."""
    kw.setdefault("has_remote_content", True)
    message = cast.make_message(service=service, status=status, **kw)
    Message.objects.filter(pk=message.pk).update(queued_at=NOW - timedelta(days=days))
    contents.new(message, TEXTS, message.author_id).save()
    return message


def file_of(service: Service, *messages: Message) -> Attachment:
    """A stored file that these messages carry."""
    attachment = Attachment(
        service=service, name="atto.pdf", size=8, digest="d" * 64, pages=1, uploaded_by=cast.make_person()
    )
    attachment.file.save("atto.pdf", ContentFile(b"%PDF-1.7"), save=True)
    for message in messages:
        attach(message, attachment)
    return attachment


def attach(message: Message, attachment: Attachment) -> None:
    MessageAttachment.objects.create(
        message=message,
        attachment=attachment,
        position=1,
        name="atto.pdf",
        added_by=message.author,
        added_at=timezone.now(),
    )


def is_stored(attachment: Attachment) -> bool:
    """Whether the file is still in the storage under the name it had."""
    return bool(attachment.file.storage.exists(attachment.file.name))


def test_what_is_older_than_the_rule_is_emptied_and_says_when(service: Service) -> None:
    message = old(service)
    content = RemoteContent.objects.get(message=message)
    RemoteContentVersion.objects.create(
        content=content, number=1, subject="Prima", body="versione", written_by=message.author, written_at=NOW
    )
    assert retention.erase_expired(NOW) == 1
    content.refresh_from_db()
    assert contents.texts_of(message) == Texts()
    assert (content.digest, content.erased_at) == ("", NOW)
    version = content.versions.get()
    assert (version.subject, version.body) == ("", "")


def test_what_is_younger_stays(service: Service) -> None:
    message = old(service, days=360)
    assert retention.erase_expired(NOW) == 0
    assert contents.texts_of(message) == TEXTS


def test_without_a_rule_everything_stays(service: Service) -> None:
    Institution.objects.update(remote_keep_months=None)
    message = old(service, days=20_000)
    assert retention.erase_expired(NOW) == 0
    assert contents.texts_of(message) == TEXTS


def test_one_institutions_rule_is_not_anothers(service: Service) -> None:
    elsewhere = cast.make_service(institution=cast.make_institution(remote_keep_months=None))
    message = old(elsewhere)
    old(service)
    assert retention.erase_expired(NOW) == 1
    assert contents.texts_of(message) == TEXTS


@pytest.mark.parametrize(
    "status", [Status.QUEUED, Status.SENDING, Status.ACCEPTED, Status.UNCERTAIN, Status.REFUSED, Status.FAILED]
)
def test_what_may_still_leave_keeps_its_text(service: Service, status: Status) -> None:
    message = old(service, status=status)
    assert retention.erase_expired(NOW) == 0
    assert contents.texts_of(message) == TEXTS


def test_months_are_those_of_the_calendar(service: Service) -> None:
    Institution.objects.update(remote_keep_months=9)
    # Nine months before 30 November there is no 30 February.
    before = old(service, days=(NOW - datetime(2026, 2, 28, 11, tzinfo=UTC)).days)
    Message.objects.filter(pk=before.pk).update(queued_at=datetime(2026, 2, 28, 11, tzinfo=UTC))
    after = old(service)
    Message.objects.filter(pk=after.pk).update(queued_at=datetime(2026, 2, 28, 13, tzinfo=UTC))
    assert retention.erase_expired(NOW) == 1
    assert contents.texts_of(after) == TEXTS


def test_the_file_of_emptied_messages_is_removed_from_the_storage(service: Service) -> None:
    attachment = file_of(service, old(service), old(service, has_remote_content=False, has_attachments=True))
    retention.erase_expired(NOW)
    assert not is_stored(attachment)
    attachment.refresh_from_db()
    assert not attachment.file
    assert attachment.digest == ""


def test_a_file_that_a_younger_message_carries_stays(service: Service) -> None:
    attachment = file_of(service, old(service), old(service, days=10))
    retention.erase_expired(NOW)
    assert is_stored(attachment)


def test_a_file_that_a_sending_is_yet_to_hand_out_stays(service: Service) -> None:
    attachment = file_of(service, old(service))
    batch = cast.make_batch(service=service, status=BatchStatus.SENDING)
    BatchAttachment.objects.create(batch=batch, key="atto", name="atto.pdf", attachment=attachment)
    retention.erase_expired(NOW)
    assert is_stored(attachment)


def test_a_file_that_failed_to_go_goes_the_next_time(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    attachment = file_of(service, old(service))

    def fail(name: str) -> None:
        raise OSError("the storage is away")

    with monkeypatch.context() as patched:
        patched.setattr(attachment.file.storage, "delete", fail)
        with pytest.raises(OSError, match="away"):
            retention.erase_expired(NOW)
    assert is_stored(attachment)
    retention.erase_expired(NOW)
    assert not is_stored(attachment)


def test_many_are_emptied_in_groups(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "GROUP", 2)
    for _ in range(5):
        old(service)
    assert retention.erase_expired(NOW) == 5
    assert retention.erase_expired(NOW) == 0


def test_the_warning_counts_what_citizens_have_and_would_lose(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    for status in (Status.PROCESSED, Status.CONFIRMED, Status.NO_OUTCOME, Status.CANCELLED, Status.QUEUED):
        old(service, status=status)
    old(service, days=100)
    assert retention.would_be_erased(service.institution, 12, NOW) == 3
    assert retention.would_be_erased(service.institution, 2, NOW) == 4
    monkeypatch.setattr(retention, "COUNTED", 2)
    assert retention.would_be_erased(service.institution, 2, NOW) == 3
