"""Who is told what: the right institution, for the right person, what is there now; anybody else the same nothing."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from messaging.enums import EnvironmentKind, OpenedPart, Precondition, Status
from messaging.hosting.application import Hosting
from messaging.hosting.contents import SERVED
from messaging.models import (
    Message,
    MessageAttachment,
    RemoteConfiguration,
    RemoteContent,
    RemoteEnvironment,
    RemoteSecret,
)
from messaging.remote import contents
from messaging.remote.contents import Texts
from tests import cast
from tests.hosting.scene import BODY, PDF, SUBJECT, Reply, Scene, code_of, make_scene

TEXTS = Texts(subject=SUBJECT, body=BODY, precondition_title="Prima di aprire", precondition_body="Apri da solo.")


@pytest.fixture
def message(scene: Scene) -> Message:
    """A message with all three parts."""
    return scene.message(PDF, texts=TEXTS, precondition=Precondition.ALWAYS)


def addresses(message: Message) -> list[str]:
    """All that there is of a message."""
    start = f"/messages/{message.public_id}"
    files = [f"{start}/attachments/{file.attachment_id}" for file in message.attached.all()]
    return [start, f"{start}/precondition", *files]


def replies(scene: Scene, message: Message, code: str | None = None, **kw: Any) -> list[Reply]:
    """What all parts of a message answer, to its recipient unless another code is said."""
    return [scene.ask(path, code or code_of(message), **kw) for path in addresses(message)]


def statuses(scene: Scene, message: Message, code: str | None = None, **kw: Any) -> set[int]:
    """The statuses of all parts."""
    return {reply.status for reply in replies(scene, message, code, **kw)}


def without_instance(reply: Reply) -> tuple[int, dict[str, Any], set[tuple[str, str]]]:
    """What a caller can tell two refusals by."""
    return reply.status, {**reply.json, "instance": ""}, set(reply.headers.items())


def test_the_recipient_gets_all_parts(scene: Scene, message: Message) -> None:
    assert statuses(scene, message) == {200}


# Secrets


@pytest.mark.parametrize("secret", [None, "wrong", "PRODUCTION-1-SECRET", "\xe8\xff", "a,b"])
def test_without_the_secret_there_is_no_answer(scene: Scene, message: Message, secret: str | None) -> None:
    for reply in replies(scene, message, secret=secret):
        assert (reply.status, reply.body) == (401, b"")
    assert scene.noted.fetches == []


def test_the_secret_in_another_header_is_none(scene: Scene, message: Message) -> None:
    assert statuses(scene, message, secret=None, HTTP_X_OTHER=scene.secret) == {401}


def test_half_a_secret_and_the_same_secret_twice_are_none(scene: Scene, message: Message) -> None:
    assert statuses(scene, message, secret=scene.secret[:-1]) == {401}
    assert statuses(scene, message, secret=f"{scene.secret},{scene.secret}") == {401}


def test_no_secret_means_no_answer_even_for_nothing(scene: Scene) -> None:
    assert scene.ask("/", secret=None).status == 401
    assert scene.ask("/messages/1", "AAAAAA00A00A000A", secret="wrong").status == 401


def test_the_header_is_found_in_any_case(scene: Scene, message: Message) -> None:
    RemoteEnvironment.objects.update(header_name="x-pOrTaL-kEy")
    assert statuses(scene, message) == {200}


@pytest.mark.parametrize(("minutes", "status"), [(None, 200), (1, 200), (-1, 401)])
def test_an_old_secret_serves_until_its_end(scene: Scene, message: Message, minutes: int | None, status: int) -> None:
    until = None if minutes is None else timezone.now() + timedelta(minutes=minutes)
    RemoteSecret.objects.filter(environment__kind=EnvironmentKind.PRODUCTION).update(in_use=False, accepted_until=until)
    environment = RemoteEnvironment.objects.get(kind=EnvironmentKind.PRODUCTION)
    RemoteSecret.objects.create(environment=environment, secret="the new one")
    assert statuses(scene, message) == {status}
    assert statuses(scene, message, secret="the new one") == {200}


def test_a_new_secret_serves_at_once(scene: Scene, message: Message, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("messaging.hosting.callers.KEPT_BEFORE_REFUSING", 0.0)
    assert statuses(scene, message) == {200}
    RemoteSecret.objects.update(in_use=False)
    environment = RemoteEnvironment.objects.get(kind=EnvironmentKind.PRODUCTION)
    RemoteSecret.objects.create(environment=environment, secret="the new one")
    assert statuses(scene, message, secret="the new one") == {200}


def test_a_secret_that_no_key_opens_locks_nobody_else_out(
    scene: Scene, message: Message, caplog: pytest.LogCaptureFixture
) -> None:
    other = make_scene()
    table = RemoteSecret.objects.filter(environment__configuration=other.configuration)
    table.update(last_four="????")
    with connection.cursor() as cursor:
        cursor.execute("UPDATE messaging_remotesecret SET secret = 'gAAAAbroken' WHERE last_four = '????'")
    assert statuses(scene, message) == {200}
    assert statuses(scene, message, secret=other.secret) == {401}
    assert "no key of ENCRYPTION_KEYS opens" in caplog.text


# Persons, ids, institutions


def test_wrong_id_wrong_person_and_wrong_institution_are_told_the_same(scene: Scene, message: Message) -> None:
    stranger = scene.message()
    other = make_scene()
    nothing = without_instance(scene.ask(f"/messages/{uuid.uuid4()}", code_of(message)))
    assert nothing[0] == 404
    for path in addresses(message):
        assert without_instance(scene.ask(path, code_of(stranger))) == nothing
        assert without_instance(scene.ask(path, cast.make_fiscal_code())) == nothing
        assert without_instance(scene.ask(path, code_of(message), secret=other.secret)) == nothing
    assert without_instance(scene.ask("/nowhere", code_of(message))) == nothing
    assert scene.noted.fetches == []


def test_the_same_person_of_two_institutions_is_kept_apart(scene: Scene, message: Message) -> None:
    other = make_scene()
    recipient = cast.make_recipient(other.service.institution, fiscal_code=code_of(message))
    theirs = other.message(PDF, texts=TEXTS, precondition=Precondition.ALWAYS, recipient=recipient)
    assert statuses(scene, theirs) == {404}
    assert statuses(scene, theirs, secret=other.secret) == {200}


def test_a_secret_that_two_institutions_share_serves_both(scene: Scene, message: Message) -> None:
    other = make_scene()
    production = RemoteEnvironment.objects.get(configuration=other.configuration, kind=EnvironmentKind.PRODUCTION)
    RemoteSecret.objects.filter(environment=production).delete()
    RemoteSecret.objects.create(environment=production, secret=scene.secret)
    theirs = other.message(PDF, texts=TEXTS, precondition=Precondition.ALWAYS)
    assert statuses(scene, message) == statuses(scene, theirs) == {200}


def test_a_file_of_another_message_is_not_of_this_one(scene: Scene, message: Message) -> None:
    theirs = scene.message(PDF, recipient=message.recipient)
    file = theirs.attached.get()
    assert scene.file(message, file.attachment_id).status == 404
    assert scene.file(theirs, file.attachment_id).status == 200


def test_a_file_that_was_taken_away_or_replaced_is_gone(scene: Scene, message: Message) -> None:
    old = message.attached.get()
    new = scene.attach(scene.message(PDF)).attachment
    contents.correct(message, 1, TEXTS, scene.clerk, "pagina sbagliata", [(old, new)])
    assert scene.file(message, old.attachment_id).status == 404
    assert scene.file(message, new.pk).status == 200
    assert [file["id"] for file in scene.detail(message).json["attachments"]] == [str(new.pk)]
    assert [fetch.status for fetch in scene.noted.fetches] == [404, 200, 200]


def test_a_file_that_came_back_is_served(scene: Scene, message: Message) -> None:
    file = message.attached.get()
    MessageAttachment.objects.filter(pk=file.pk).update(removed_at=timezone.now(), removed_by=scene.clerk)
    assert scene.file(message, file.attachment_id).status == 404
    MessageAttachment.objects.create(
        message=message,
        attachment=file.attachment,
        position=1,
        name="di nuovo.pdf",
        added_by=scene.clerk,
        added_at=timezone.now(),
    )
    assert scene.file(message, file.attachment_id).status == 200


def test_files_that_the_message_did_not_promise_are_not_served(scene: Scene) -> None:
    message = scene.message()
    assert scene.file(message, scene.attach(message).attachment_id).status == 404


# What IO may have


@pytest.mark.parametrize("status", Status)
def test_only_what_io_may_have_is_served(scene: Scene, status: Status) -> None:
    message = scene.message(PDF, texts=TEXTS, precondition=Precondition.ONCE, status=status)
    assert statuses(scene, message) == ({200} if status in SERVED else {404})


def test_a_message_queued_again_may_be_on_the_phone_already(scene: Scene) -> None:
    message = scene.message(PDF, texts=TEXTS, precondition=Precondition.ONCE, status=Status.QUEUED, attempt_number=1)
    assert statuses(scene, message) == {200}


def test_erased_content_is_gone(scene: Scene, message: Message) -> None:
    RemoteContent.objects.filter(message=message).update(erased_at=timezone.now())
    assert statuses(scene, message) == {404}


def test_a_message_that_travelled_whole_has_nothing_here(scene: Scene) -> None:
    message = scene.message(has_remote_content=False)
    assert scene.detail(message).status == 404


# Environments


def test_the_test_environment_is_for_test_users_where_there_is_another(scene: Scene, message: Message) -> None:
    assert statuses(scene, message, secret=scene.test_secret) == {404}
    RemoteEnvironment.objects.filter(kind=EnvironmentKind.TEST).update(test_users=[code_of(message)])
    # A process that starts now; one that runs sees it within seconds.
    scene.application = Hosting(scene.noted)
    assert statuses(scene, message, secret=scene.test_secret) == {200}
    assert {fetch.environment for fetch in scene.noted.fetches} == {EnvironmentKind.TEST}


def test_the_test_environment_alone_is_for_everybody(scene: Scene, message: Message) -> None:
    RemoteEnvironment.objects.filter(kind=EnvironmentKind.PRODUCTION).delete()
    assert statuses(scene, message, secret=scene.test_secret) == {200}
    assert statuses(scene, message) == {401}


def test_until_io_knows_of_production_everybody_comes_by_the_test_environment(db: None) -> None:
    scene = make_scene(confirmed=False)
    assert scene.detail(scene.message(), secret=scene.test_secret).status == 200


def test_test_users_may_come_by_production_too(scene: Scene, message: Message) -> None:
    RemoteEnvironment.objects.filter(kind=EnvironmentKind.TEST).update(test_users=[code_of(message)])
    assert statuses(scene, message) == {200}
    assert {fetch.environment for fetch in scene.noted.fetches} == {EnvironmentKind.PRODUCTION}


# The switch of LolliPoP


@pytest.mark.parametrize(("confirmed", "statuses_now"), [(True, {403}), (False, {200})])
def test_a_signature_is_demanded_once_io_has_confirmed_that_it_sends_one(
    db: None, confirmed: bool, statuses_now: set[int]
) -> None:
    scene = make_scene(confirmed=confirmed, is_lollipop_enabled=True)
    message = scene.message(PDF, texts=TEXTS, precondition=Precondition.ALWAYS)
    assert statuses(scene, message) == statuses_now


def test_the_confirmation_is_seen_by_processes_that_run(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("messaging.hosting.callers.KEPT", 0.0)
    message = scene.message()
    table = RemoteConfiguration.objects.filter(pk=scene.configuration.pk)
    table.update(is_lollipop_enabled=True, confirmed_at=None)
    assert scene.detail(message).status == 200
    table.update(confirmed_at=timezone.now())
    assert scene.detail(message).status == 403


# What is on record


def test_each_fetch_is_noted_with_part_and_outcome(scene: Scene, message: Message) -> None:
    file = message.attached.get()
    replies(scene, message)
    scene.file(message, uuid.uuid4())
    file.attachment.file.delete()
    scene.file(message, file.attachment_id)
    scene.detail(message, method="HEAD")
    assert [(fetch.part, fetch.attachment, fetch.status) for fetch in scene.noted.fetches] == [
        (OpenedPart.DETAIL, None, 200),
        (OpenedPart.PRECONDITION, None, 200),
        (OpenedPart.FILE, str(file.attachment_id), 200),
        (OpenedPart.FILE, None, 404),
        (OpenedPart.FILE, str(file.attachment_id), 503),
    ]
    assert {fetch.message for fetch in scene.noted.fetches} == {message.pk}
