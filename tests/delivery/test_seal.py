"""A restored or cloned database sends nothing until a person releases it; then it sends what that person let go."""

from __future__ import annotations

import json
import stat
import threading
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as site
from django.core import mail
from django.utils import timezone

from messaging.delivery import notices, seal
from messaging.enums import NoticeKind, Reason, Status
from messaging.models import Attempt, Installation, Message, StaffNotice
from messaging.tasks import sweep
from tests import cast
from tests.delivery.conftest import Desk, status_of, statuses
from tests.simulator_process import REGULAR

pytestmark = pytest.mark.django_db

Deliver = Callable[..., None]


def seal_file() -> Path:
    return Path(site.SECRETS_DIR) / "seal.json"


@pytest.fixture
def sent(desk: Desk, deliver: Deliver) -> Message:
    """One message has gone, so that the seal says so."""
    message = desk.message(REGULAR)
    deliver(desk.account)
    assert status_of(message) == Status.ACCEPTED
    assert not seal.is_held()
    return message


def go_back_in_time(message: Message) -> None:
    """The database as it was before the message left: what restoring an older copy brings about."""
    message.attempts.all().delete()
    message.changes.all().delete()
    Message.objects.filter(pk=message.pk).update(
        status=Status.QUEUED, attempt_number=0, io_id="", accepted_at=None, next_attempt_at=timezone.now()
    )


def assert_nothing_leaves(desk: Desk, deliver: Deliver) -> None:
    calls = desk.simulator.meter()["calls"]
    for _ in range(3):
        sweep()
        deliver(desk.account, 0.3)
    assert desk.simulator.meter()["calls"] == calls


def test_a_fresh_installation_makes_its_seal_and_sends(desk: Desk) -> None:
    assert not seal_file().exists()
    assert not seal.is_held()
    assert json.loads(seal_file().read_text()) == {
        "identity": str(Installation.objects.get().identity),
        "release": 0,
        "attempt": 0,
    }
    assert not stat.S_IMODE(seal_file().stat().st_mode) & 0o077


def test_the_seal_knows_of_an_attempt_before_it_is_posted(
    desk: Desk, deliver: Deliver, sent: Message, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert json.loads(seal_file().read_text())["attempt"] == sent.attempts.get().pk


def test_an_older_copy_sends_nothing_until_a_person_releases_it(desk: Desk, deliver: Deliver, sent: Message) -> None:
    go_back_in_time(sent)
    administrator = cast.make_administrator(desk.service.institution)
    assert_nothing_leaves(desk, deliver)
    assert seal.is_held()
    assert list(StaffNotice.objects.values_list("user", "kind")) == [(administrator.pk, NoticeKind.HELD)]
    seal.release(administrator, "la copia è di un minuto prima", queued_may_have_left=True)
    assert status_of(sent) == Status.UNCERTAIN
    assert sent.changes.get().reason == Reason.RESTORED
    assert not seal.is_held()
    deliver(desk.account)
    assert len(desk.simulator.ledger(REGULAR)) == 1


def test_a_person_may_say_that_what_is_queued_has_not_left(desk: Desk, deliver: Deliver, sent: Message) -> None:
    Attempt.objects.all().delete()
    waiting = desk.message()
    assert_nothing_leaves(desk, deliver)
    seal.release(desk.supervisor, "nulla era in coda", queued_may_have_left=False)
    deliver(desk.account)
    assert status_of(waiting) == Status.ACCEPTED
    installation = Installation.objects.get()
    assert (installation.released_by, installation.release_note) == (desk.supervisor, "nulla era in coda")


def test_an_older_copy_in_which_nothing_had_ever_been_sent_is_held_too(
    desk: Desk, deliver: Deliver, sent: Message
) -> None:
    go_back_in_time(sent)
    assert not Attempt.objects.exists()
    assert_nothing_leaves(desk, deliver)


def test_the_database_of_another_installation_is_held_and_can_be_released(
    desk: Desk, deliver: Deliver, sent: Message
) -> None:
    Installation.objects.update(identity=uuid.uuid4())
    waiting = desk.message()
    assert_nothing_leaves(desk, deliver)
    seal.release(desk.supervisor, "trasloco", queued_may_have_left=False)
    deliver(desk.account)
    assert status_of(waiting) == Status.ACCEPTED
    assert not seal.is_held()


def test_a_database_that_has_sent_without_its_seal_is_held_and_can_be_released(
    desk: Desk, deliver: Deliver, sent: Message
) -> None:
    seal_file().unlink()
    waiting = desk.message()
    assert_nothing_leaves(desk, deliver)
    seal.release(desk.supervisor, "trasloco", queued_may_have_left=False)
    deliver(desk.account)
    assert status_of(waiting) == Status.ACCEPTED
    assert not seal.is_held()


def test_a_copy_from_before_a_release_is_held_again(desk: Desk, deliver: Deliver, sent: Message) -> None:
    go_back_in_time(sent)
    assert seal.is_held()
    copy = Installation.objects.values().get()
    seal.release(desk.supervisor, "prima", queued_may_have_left=True)
    assert not seal.is_held()
    Installation.objects.update(**{**copy, "held_at": None})
    go_back_in_time(sent)
    assert_nothing_leaves(desk, deliver)


def test_the_copy_of_another_installation_that_was_released_more_often_is_held_all_the_same(
    desk: Desk, deliver: Deliver, sent: Message
) -> None:
    Installation.objects.update(identity=uuid.uuid4(), release=7)
    desk.message()
    assert_nothing_leaves(desk, deliver)


def test_an_unreadable_seal_holds(desk: Desk, deliver: Deliver, sent: Message) -> None:
    seal_file().write_text("{")
    desk.message()
    assert_nothing_leaves(desk, deliver)


def test_another_process_that_sends_between_our_two_looks_holds_nothing(
    desk: Desk, sent: Message, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its attempt is committed and sealed while we compare database and seal."""
    numbers = iter(range(10, 20))

    def meanwhile(look: Callable[[], Any]) -> Callable[[], Any]:
        def looked() -> Any:
            found = look()
            attempt = Attempt.objects.create(message=sent, number=next(numbers), started_at=timezone.now())
            seal.advance(attempt.pk)
            return found

        return looked

    with monkeypatch.context() as patch:
        patch.setattr(seal, "_newest_attempt", meanwhile(seal._newest_attempt))
        assert not seal.is_held()
    assert not seal.is_held()


def test_the_seal_never_falls_back_when_several_processes_advance_it(desk: Desk) -> None:
    assert not seal.is_held()
    turns = [[number for number in range(1, 121) if number % 4 == turn] for turn in range(4)]
    threads = [threading.Thread(target=lambda mine=mine: [seal.advance(number) for number in mine]) for mine in turns]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert json.loads(seal_file().read_text())["attempt"] == 120
    assert [path.name for path in seal_file().parent.glob(".seal.*")] == [".seal.lock"]


def test_what_is_held_stays_on_the_pages_and_drafts_can_be_written(desk: Desk, deliver: Deliver, sent: Message) -> None:
    go_back_in_time(sent)
    assert seal.is_held()
    draft = desk.message(status=Status.DRAFT)
    assert statuses() == {Status.QUEUED: 1, Status.DRAFT: 1}
    assert status_of(draft) == Status.DRAFT


def test_everybody_who_administers_is_told_once(desk: Desk, deliver: Deliver, sent: Message) -> None:
    administrator = cast.make_administrator(desk.service.institution)
    go_back_in_time(sent)
    for _ in range(3):
        assert seal.is_held()
    assert notices.send_waiting() == 1
    assert mail.outbox[0].to == [administrator.email]
    assert REGULAR not in mail.outbox[0].body
