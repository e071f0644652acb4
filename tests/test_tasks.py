"""What the workers do from time to time without anybody asking."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from django.core.files.base import ContentFile
from django.utils import timezone

from messaging.enums import EnvironmentKind, Status
from messaging.models import (
    Attachment,
    MessageAttachment,
    RemoteContent,
    RemoteEnvironment,
    RemoteSecret,
    Service,
    UsedSignature,
)
from messaging.remote import contents
from messaging.remote.contents import Texts
from messaging.tasks import forget
from tests import cast
from tests.remote.registering import environment, in_use, make_configuration

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("empty_storage")]


@pytest.fixture
def service() -> Service:
    """A service whose institution keeps contents for a year."""
    return cast.make_service(institution=cast.make_institution(remote_keep_months=12))


def an_attachment(service: Service, *, days: int) -> Attachment:
    """A stored file that came so many days ago."""
    made = Attachment(
        service=service, name="atto.pdf", size=8, digest="d" * 64, pages=1, uploaded_by=cast.make_person()
    )
    made.file.save("atto.pdf", ContentFile(b"%PDF-1.7"), save=True)
    Attachment.objects.filter(pk=made.pk).update(uploaded_at=timezone.now() - timedelta(days=days))
    return made


def a_content(service: Service, *, days: int) -> RemoteContent:
    """What IO fetches of a message that was queued so many days ago, with a file as old."""
    message = cast.make_message(service=service, status=Status.PROCESSED, has_remote_content=True, has_attachments=True)
    type(message).objects.filter(pk=message.pk).update(queued_at=timezone.now() - timedelta(days=days))
    file = an_attachment(service, days=days)
    MessageAttachment.objects.create(
        message=message,
        attachment=file,
        position=1,
        name=file.name,
        added_by_id=message.author_id,
        added_at=timezone.now(),
    )
    content = contents.new(message, Texts(subject="Il tuo certificato", body="riservato"), message.author_id, [file])
    content.save()
    return content


def files_in(folder: Path) -> int:
    """How many files the storage has."""
    return sum(path.is_file() for path in folder.rglob("*"))


def test_all_that_is_not_to_be_kept_goes_and_what_is_needed_stays(service: Service, empty_storage: Path) -> None:
    now = timezone.now()
    configuration = make_configuration(service.institution)
    place = environment(configuration, EnvironmentKind.PRODUCTION)
    for secret, until in {"old": now - timedelta(minutes=1), "served": now + timedelta(hours=1)}.items():
        RemoteSecret.objects.create(environment=place, secret=secret, in_use=False, accepted_until=until)
    UsedSignature.objects.create(digest="a" * 64, seen_at=now - timedelta(days=1))
    UsedSignature.objects.create(digest="b" * 64, seen_at=now)
    an_attachment(service, days=2)
    young = an_attachment(service, days=0)
    expired, kept = a_content(service, days=800), a_content(service, days=30)
    current = in_use(configuration).secret
    assert files_in(empty_storage) == 4

    forget()

    assert {one.secret for one in RemoteSecret.objects.all()} == {current, "served"}
    assert RemoteEnvironment.objects.get() == place
    assert [used.digest for used in UsedSignature.objects.all()] == ["b" * 64]
    emptied = RemoteContent.objects.get(pk=expired.pk)
    assert (emptied.subject, emptied.body) == ("", "")
    assert emptied.erased_at is not None
    assert RemoteContent.objects.get(pk=kept.pk).body == "riservato"
    # The row of an emptied message's file stays, without its content; the one that nobody used is gone altogether.
    of_kept = kept.message.attached.get().attachment
    with_file = Attachment.objects.exclude(file="")
    assert set(with_file) == {young, of_kept}
    assert Attachment.objects.count() == 3
    assert files_in(empty_storage) == 2


def test_a_second_run_finds_nothing_more(service: Service, empty_storage: Path) -> None:
    content = a_content(service, days=800)
    forget()
    content.refresh_from_db()
    erased_at = content.erased_at
    forget()
    content.refresh_from_db()
    assert erased_at is not None
    assert content.erased_at == erased_at
    assert files_in(empty_storage) == 0
