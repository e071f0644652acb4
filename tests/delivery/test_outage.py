"""IO is down: the account pauses, probes with a read, then with one message alone; few messages become uncertain."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from messaging.delivery import loop, outage
from messaging.delivery.loop import DeliveryLoop
from messaging.enums import Status
from messaging.models import GatewayAccount, Message, StatusChange
from tests.delivery.conftest import Desk, status_of, statuses
from tests.simulator_process import REGULAR

pytestmark = pytest.mark.django_db

Deliver = Callable[..., None]


@pytest.fixture
def real_pace(desk: Desk) -> None:
    """As in production: 150 calls in 5 seconds, 60 ms each."""
    GatewayAccount.objects.update(calls=150, seconds=5)
    desk.simulator.tune(latency_ms=60)


@pytest.mark.parametrize("fault", ["error-500", "error-502", "error-503", "accept-then-500", "drop-before"])
def test_of_forty_queued_messages_few_become_uncertain_and_the_rest_goes_when_io_is_back(
    desk: Desk, deliver: Deliver, real_pace: None, quick_probes: None, fault: str
) -> None:
    desk.messages(40, known=True)
    desk.simulator.fault(fault)
    deliver(desk.account, 1.4)
    account = GatewayAccount.objects.get()
    assert account.paused_at is not None
    uncertain = statuses().get(Status.UNCERTAIN, 0)
    assert 1 <= uncertain <= 9
    assert statuses() == {Status.UNCERTAIN: uncertain, Status.QUEUED: 40 - uncertain}
    desk.simulator.clear()
    deliver(desk.account, 9)
    uncertain_after = statuses()[Status.UNCERTAIN]
    assert uncertain_after == uncertain
    assert statuses() == {Status.UNCERTAIN: uncertain_after, Status.ACCEPTED: 40 - uncertain_after}
    assert max(desk.simulator.taken().values()) == 1
    assert GatewayAccount.objects.get().paused_at is None


def test_silence_makes_few_messages_uncertain_too(
    desk: Desk,
    deliver: Deliver,
    real_pace: None,
    quick_probes: None,
    settings: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Time-outs a sixth of the real ones."""
    settings.IO_READ_TIMEOUT = 2
    monkeypatch.setattr(loop, "SLOW", 0.5)
    desk.messages(40, known=True)
    desk.simulator.fault("accept-then-hang", value=30)
    deliver(desk.account, 3.5)
    assert statuses()[Status.UNCERTAIN] <= 9
    assert statuses()[Status.QUEUED] >= 31
    assert desk.simulator.posts() + statuses()[Status.QUEUED] <= 40


def test_a_pause_is_probed_with_a_read_and_then_with_one_message_alone(
    desk: Desk, deliver: Deliver, quick_probes: None
) -> None:
    done = desk.message(REGULAR, status=Status.PROCESSED)
    desk.messages(5, known=True)
    outage_begins(desk)
    desk.simulator.fault("error-503", operations=["submit"])
    deliver(desk.account, 1.0)
    # The read is answered (404: IO knows no such message), one message is tried alone, and the wait grows.
    assert desk.simulator.calls("get") in ({"404": 1}, {"404": 2})
    assert desk.simulator.posts() == desk.simulator.calls("get")["404"]
    assert statuses()[Status.UNCERTAIN] == desk.simulator.posts()
    assert status_of(done) == Status.PROCESSED


def test_while_even_reads_fail_no_message_is_posted(desk: Desk, deliver: Deliver, quick_probes: None) -> None:
    desk.message(REGULAR, status=Status.PROCESSED)
    desk.messages(5, known=True)
    outage_begins(desk)
    desk.simulator.fault("error-503")
    deliver(desk.account, 2.0)
    assert desk.simulator.posts() == 0
    assert desk.simulator.calls("get")["503"] >= 2
    assert statuses()[Status.QUEUED] == 5


def test_the_wait_between_probes_doubles_up_to_five_minutes(desk: Desk) -> None:
    outage_begins(desk)
    waits = []
    for _ in range(8):
        outage.probe_read(desk.account.pk, answered=False)
        account = GatewayAccount.objects.get()
        waits.append(account.probe_wait)
        assert account.probe_at is not None
        assert account.probe_at - timezone.now() > timedelta(seconds=account.probe_wait - 1)
    assert waits == [10, 20, 40, 80, 160, 300, 300, 300]


def test_one_process_at_a_time_probes(desk: Desk) -> None:
    outage_begins(desk)
    assert outage.claim_probe(desk.account.pk) is False
    assert outage.claim_probe(desk.account.pk) is None


def test_faults_that_are_not_in_a_row_pause_nobody(desk: Desk) -> None:
    for _ in range(5):
        outage.record_fault(desk.account.pk)
        outage.record_fault(desk.account.pk)
        outage.record_answer(desk.account.pk)
    assert GatewayAccount.objects.get().paused_at is None


def test_an_account_with_nothing_left_to_send_comes_out_of_its_pause(
    desk: Desk, deliver: Deliver, quick_probes: None
) -> None:
    """Whatever was queued has become uncertain or was cancelled; the pause must not stay on the screen for ever."""
    desk.message(REGULAR, status=Status.UNCERTAIN)
    outage_begins(desk)
    deliver(desk.account, 3)
    assert GatewayAccount.objects.get().paused_at is None


def test_a_probe_does_not_send_what_waits_for_its_hour(desk: Desk, deliver: Deliver, quick_probes: None) -> None:
    tomorrow = timezone.now() + timedelta(days=1)
    message = desk.message(REGULAR, next_attempt_at=tomorrow)
    outage_begins(desk)
    deliver(desk.account, 2)
    message.refresh_from_db()
    assert (message.status, message.next_attempt_at) == (Status.QUEUED, tomorrow)
    assert desk.simulator.posts() == 0


def test_a_pause_that_ends_in_a_throttled_minute_is_probed_again_soon(
    desk: Desk, deliver: Deliver, quick_probes: None
) -> None:
    """A probe for which there was no permit was no probe: the next one does not wait for the first one's lease."""
    desk.messages(3, known=True)
    outage_begins(desk)
    now = GatewayAccount.objects.get()
    desk.simulator.fault("throttle", count=1, value=2)
    deliver(desk.account, 8)
    assert now.paused_at is not None
    assert GatewayAccount.objects.get().paused_at is None
    assert statuses() == {Status.ACCEPTED: 3}


def test_two_accounts_do_not_share_a_pause(desk: Desk, deliver: Deliver) -> None:
    outage_begins(desk)
    assert not outage.is_probe_due(GatewayAccount.objects.create(name="Un’altra").pk)


def test_the_loop_of_a_paused_account_calls_nobody_but_its_probes(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loop, "IDLE", 0.3)
    desk.messages(10)
    GatewayAccount.objects.update(paused_at=timezone.now(), probe_at=timezone.now() + timedelta(hours=1), probe_wait=5)
    DeliveryLoop(desk.account.pk, lambda: False).run()
    assert desk.simulator.meter()["calls"] == 0
    assert not StatusChange.objects.exists()
    assert not Message.objects.exclude(leased_by="").exists()


def outage_begins(desk: Desk) -> None:
    """Three faults in a row, and the first probe is due."""
    for _ in range(outage.FAULTS):
        outage.record_fault(desk.account.pk)
    GatewayAccount.objects.filter(pk=desk.account.pk).update(probe_at=timezone.now())
