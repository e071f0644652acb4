"""What is verified at the last moment: trial mode, approval, cancellation, content from which nothing can be made."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.core import mail
from django.utils import timezone

from messaging.delivery import approval, claims, loop, notices, pauses, places
from messaging.delivery.loop import DeliveryLoop
from messaging.enums import ApprovalRule, NoticeKind, PauseReason, Reason, Status
from messaging.models import DeliveryLoop as Place
from messaging.models import Message, Service, StaffNotice, WorkerHeartbeat
from messaging.tasks import notify_staff, sweep
from tests import cast
from tests.delivery.conftest import Desk, status_of, statuses
from tests.simulator_process import REGULAR, TRIBUTI_SECONDARY

pytestmark = pytest.mark.django_db

Deliver = Callable[..., None]


def test_trial_mode_holds_even_a_row_that_was_forced_into_the_queue(desk: Desk, deliver: Deliver) -> None:
    Service.objects.update(live=False)
    message = desk.message(REGULAR, known=True)
    deliver(desk.account)
    message.refresh_from_db()
    assert (message.status, message.refusal_cause) == (Status.REFUSED, "trial_mode")
    assert message.changes.get().reason == Reason.TRIAL_MODE
    assert desk.simulator.posts() == 0


def test_a_service_taken_out_of_service_while_a_message_waits_sends_it_to_nobody(desk: Desk, deliver: Deliver) -> None:
    message = desk.message(REGULAR)
    desk.simulator.fault("latency", value=600, operations=["profile"])
    change_while_asked_about(desk, lambda: Service.objects.update(live=False))
    deliver(desk.account)
    assert status_of(message) == Status.REFUSED
    assert desk.simulator.posts() == 0


def test_a_service_on_trial_writes_to_its_list(desk: Desk, deliver: Deliver) -> None:
    Service.objects.update(live=False)
    desk.service.allowed_recipients.create(fiscal_code=REGULAR, label="Laura")
    message = desk.message(REGULAR)
    deliver(desk.account)
    assert status_of(message) == Status.ACCEPTED


def approved(desk: Desk) -> Message:
    Service.objects.update(approval=ApprovalRule.ALL)
    desk.service.refresh_from_db()
    draft = desk.message(REGULAR, status=Status.DRAFT, known=True)
    assert approval.send(draft, desk.clerk)
    assert status_of(draft) == Status.AWAITING_APPROVAL
    waiting = Message.objects.select_related("service", "recipient", "author").get(pk=draft.pk)
    assert approval.approve(waiting, desk.supervisor)
    return waiting


def test_what_was_approved_is_sent(desk: Desk, deliver: Deliver) -> None:
    message = approved(desk)
    deliver(desk.account)
    assert status_of(message) == Status.ACCEPTED


@pytest.mark.parametrize(
    "change",
    [
        {"body": cast.BODY + " E una cosa in più."},
        {"subject": "Un altro oggetto"},
        {"amount": 100, "notice_number": "002000000000000017"},
        {"require_secure_channels": True},
        {"is_trial": True},
    ],
    ids=lambda change: next(iter(change)),
)
def test_what_was_changed_after_its_approval_is_a_draft_again_and_never_sent(
    desk: Desk, deliver: Deliver, change: dict[str, Any]
) -> None:
    message = approved(desk)
    Message.objects.update(**change)
    deliver(desk.account)
    message.refresh_from_db()
    assert (message.status, message.approved_by, message.approval_digest) == (Status.DRAFT, None, "")
    assert message.changes.latest("id").reason == Reason.CONTENT_CHANGED
    assert StaffNotice.objects.filter(kind=NoticeKind.SENT_BACK, user=desk.clerk).exists()
    assert desk.simulator.posts() == 0


def test_an_approved_message_for_another_recipient_is_never_sent(desk: Desk, deliver: Deliver) -> None:
    message = approved(desk)
    other = cast.make_recipient(desk.service.institution, fiscal_code=desk.codes.pop())
    desk.know(other)
    Message.objects.update(recipient=other)
    deliver(desk.account)
    assert status_of(message) == Status.DRAFT
    assert desk.simulator.posts() == 0


def test_what_was_cancelled_meanwhile_is_not_sent(desk: Desk, deliver: Deliver) -> None:
    message = desk.message(REGULAR)
    desk.simulator.fault("latency", value=400, operations=["profile"])
    change_while_asked_about(desk, lambda: approval.cancel(Message.objects.get(pk=message.pk), desk.clerk))
    deliver(desk.account)
    assert status_of(message) == Status.CANCELLED
    assert desk.simulator.posts() == 0


def test_what_is_being_sent_cannot_be_cancelled_any_more(desk: Desk) -> None:
    message = desk.message(REGULAR)
    stale = Message.objects.get(pk=message.pk)
    Message.objects.update(status=Status.SENDING, attempt_number=1, sending_deadline=timezone.now())
    assert not approval.cancel(stale, desk.clerk)


def test_a_row_of_which_no_message_can_be_made_is_refused_and_stops_no_other(desk: Desk, deliver: Deliver) -> None:
    broken, good = desk.message(REGULAR, buttons=[{"nonsense": 1}]), desk.message()
    deliver(desk.account)
    broken.refresh_from_db()
    assert (broken.status, broken.refusal_owner) == (Status.REFUSED, "clerk")
    assert status_of(good) == Status.ACCEPTED


def test_a_key_changed_while_messages_wait_is_the_one_used(desk: Desk, deliver: Deliver) -> None:
    message = desk.message(REGULAR)
    key = desk.service.keys.get()
    key.secret = "una-chiave-scaduta-che-io-non-conosce"
    key.save()
    deliver(desk.account)
    assert status_of(message) == Status.QUEUED
    key.secret = TRIBUTI_SECONDARY
    key.save()
    pauses.lift(desk.service.pauses.get(), desk.supervisor)
    deliver(desk.account)
    assert status_of(message) == Status.ACCEPTED


def change_while_asked_about(desk: Desk, change: Callable[[], Any]) -> None:
    """Run ``change`` as soon as the loop has asked about the citizen and before the answer."""
    original = DeliveryLoop._call

    def call_then_change(self: DeliveryLoop, *args: Any) -> None:
        original(self, *args)
        DeliveryLoop._call = original  # type: ignore[method-assign]
        change()

    DeliveryLoop._call = call_then_change  # type: ignore[method-assign]


# Loops, their places, and the sweep


def test_an_account_has_no_more_loops_than_it_should(desk: Desk) -> None:
    assert places.take(desk.account.pk, "first") == 0
    assert places.has_free_place(desk.account.pk)
    assert places.take(desk.account.pk, "second") == 1
    assert places.take(desk.account.pk, "third") is None
    assert not places.has_free_place(desk.account.pk)
    places.leave(desk.account.pk, 0, "somebody else")
    assert places.take(desk.account.pk, "third") is None
    places.leave(desk.account.pk, 0, "first")
    assert places.take(desk.account.pk, "third") == 0


def test_the_place_of_a_killed_loop_is_free_after_fifteen_seconds(desk: Desk) -> None:
    places.take(desk.account.pk, "first")
    places.take(desk.account.pk, "second")
    Place.objects.filter(slot=0).update(expires_at=timezone.now() - timedelta(seconds=1))
    assert list(places.holders()) == ["second"]
    assert places.take(desk.account.pk, "third") == 0
    assert not places.keep(desk.account.pk, 0, "first")


def test_a_loop_that_lost_its_place_stops(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(places, "keep", lambda *args: False)
    desk.message(REGULAR)
    DeliveryLoop(desk.account.pk, lambda: False).run()
    assert statuses() == {Status.QUEUED: 1}
    assert not Message.objects.exclude(leased_by="").exists()


def test_a_loop_ends_when_there_is_nothing_to_do(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loop, "IDLE", 0.1)
    assert DeliveryLoop(desk.account.pk, lambda: False).run() is False
    assert places.has_free_place(desk.account.pk)


def test_a_loop_at_the_end_of_its_run_says_that_there_is_more(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loop, "LONGEST_RUN", 0.0)
    desk.message(REGULAR)
    assert DeliveryLoop(desk.account.pk, lambda: False).run() is True


@pytest.fixture
def woken(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    accounts: list[int] = []
    monkeypatch.setattr("messaging.delivery.sweep.wake_account", accounts.append)
    return accounts


def test_the_sweep_wakes_whom_nobody_woke_and_nobody_else(desk: Desk, woken: list[int]) -> None:
    cast.make_message(status=Status.PROCESSED)
    desk.message(REGULAR)
    sweep()
    assert woken == [desk.account.pk]
    assert WorkerHeartbeat.objects.get().seen_at > timezone.now() - timedelta(seconds=10)


def test_the_sweep_wakes_nobody_for_what_is_paused_or_not_due(desk: Desk, woken: list[int]) -> None:
    desk.message(next_attempt_at=timezone.now() + timedelta(minutes=1))
    paused = desk.another_service()
    desk.message(service=paused)
    pauses.pause_service(paused, PauseReason.PERSON)
    sweep()
    assert woken == []


def test_the_sweep_gives_back_what_a_dead_loop_had_leased(desk: Desk, woken: list[int]) -> None:
    later = timezone.now() + claims.LEASE
    places.take(desk.account.pk, "alive")
    orphan, kept = (
        desk.message(leased_by="dead", next_attempt_at=later),
        desk.message(leased_by="alive", next_attempt_at=later),
    )
    sweep()
    orphan.refresh_from_db()
    kept.refresh_from_db()
    assert (orphan.leased_by, kept.leased_by) == ("", "alive")
    assert kept.next_attempt_at == later
    assert orphan.next_attempt_at <= timezone.now()


def test_the_sweep_leaves_alone_what_a_loop_that_has_just_begun_is_sending(
    desk: Desk, woken: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It takes its place, leases and marks between the sweep's look at the places and its look at the messages."""
    holders, later = places.holders, timezone.now() + timedelta(minutes=1)
    made: list[Message] = []

    def then_a_loop_begins() -> Any:
        found = holders()
        places.take(desk.account.pk, "new")
        made.append(desk.message(status=Status.SENDING, leased_by="new", sending_deadline=later, attempt_number=1))
        made.append(desk.message(leased_by="new", next_attempt_at=later))
        return found

    monkeypatch.setattr(places, "holders", then_a_loop_begins)
    sweep()
    assert [status_of(message) for message in made] == [Status.SENDING, Status.QUEUED]
    assert set(Message.objects.values_list("leased_by", flat=True)) == {"new"}


def test_the_sweep_ends_many_stuck_attempts_at_once(desk: Desk, woken: list[int]) -> None:
    past = timezone.now() - timedelta(seconds=1)
    for message in desk.messages(25):
        Message.objects.filter(pk=message.pk).update(status=Status.SENDING, attempt_number=1, sending_deadline=past)
    sweep()
    assert statuses() == {Status.UNCERTAIN: 25}


# What staff are told


def test_those_in_charge_are_told_by_one_email_of_each_kind(desk: Desk) -> None:
    administrator = cast.make_administrator(desk.service.institution)
    pauses.pause_service(desk.service, PauseReason.KEY)
    for message in desk.messages(3):
        notices.tell_supervisors(message.service, NoticeKind.UNCERTAIN)
    notify_staff()
    sent = sorted((mail_.to[0], mail_.subject) for mail_ in mail.outbox)
    assert sent == sorted(
        [
            (administrator.email, "Un servizio non sta inviando"),
            (desk.supervisor.email, "Un servizio non sta inviando"),
            (desk.supervisor.email, "3 messaggi con esito incerto"),
        ]
    )


def test_nobody_is_written_to_twice_in_a_quarter_of_an_hour(desk: Desk) -> None:
    notices.tell_supervisors(desk.service, NoticeKind.UNCERTAIN)
    assert notices.send_waiting() == 1
    notices.tell_supervisors(desk.service, NoticeKind.UNCERTAIN)
    assert notices.send_waiting() == 0
    StaffNotice.objects.filter(sent_at__isnull=False).update(sent_at=timezone.now() - notices.PAUSE)
    assert notices.send_waiting() == 1
    assert notices.send_waiting() == 0


def test_an_email_carries_nobodys_fiscal_code_and_no_text(desk: Desk, deliver: Deliver) -> None:
    desk.simulator.fault("accept-then-drop")
    desk.message(REGULAR, subject="Rata della mensa scolastica", known=True)
    deliver(desk.account)
    notify_staff()
    (letter,) = mail.outbox
    assert REGULAR not in letter.body + letter.subject
    assert "mensa" not in letter.body + letter.subject


def test_who_has_left_is_told_nothing(desk: Desk) -> None:
    desk.supervisor.is_active = False
    desk.supervisor.save()
    notices.tell_supervisors(desk.service, NoticeKind.UNCERTAIN)
    assert not StaffNotice.objects.exists()
