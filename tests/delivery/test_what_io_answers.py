"""One test for each thing that can go wrong at IO: what becomes of the message, and how often it was posted."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from messaging.delivery import loop as delivery_loop
from messaging.delivery import pauses, seal
from messaging.enums import AttemptOutcome, PauseReason, Reason, Status
from messaging.models import Attempt, GatewayAccount, Message, ServicePause
from messaging.tasks import sweep
from tests.delivery.conftest import Desk, status_of, statuses
from tests.simulator_process import ANAGRAFE, BORGOFIORE, FAILS, NOT_ON_IO, PAYS, REGULAR

pytestmark = pytest.mark.django_db

Deliver = Callable[..., None]


def reasons(message: Message) -> list[str]:
    return list(message.changes.order_by("id").values_list("reason", flat=True))


def look_again_and_again(deliver: Deliver, desk: Desk) -> None:
    """Many more looks at the queue than any accident would need."""
    for _ in range(5):
        sweep()
        deliver(desk.account, 0.3)


def test_a_message_is_asked_about_then_posted_once_and_followed_to_its_end(desk: Desk, deliver: Deliver) -> None:
    message = desk.message(REGULAR)
    deliver(desk.account)
    message.refresh_from_db()
    assert message.status == Status.ACCEPTED
    assert [entry["id"] for entry in desk.simulator.ledger(REGULAR)] == [message.io_id]
    assert reasons(message) == [Reason.SENT, Reason.TAKEN]
    attempt = message.attempts.get()
    assert (attempt.outcome, attempt.http_status, attempt.io_id) == (AttemptOutcome.ACCEPTED, 201, message.io_id)
    Message.objects.update(next_attempt_at=message.accepted_at)
    deliver(desk.account)
    assert status_of(message) == Status.PROCESSED
    assert desk.simulator.posts() == 1


@pytest.mark.parametrize(
    ("fault", "status", "taken", "http_status"),
    [
        ("accept-then-drop", Status.UNCERTAIN, 1, None),
        ("accept-then-500", Status.UNCERTAIN, 1, 500),
        ("drop-before", Status.UNCERTAIN, 0, None),
        ("error-500", Status.UNCERTAIN, 0, 500),
        ("error-502", Status.UNCERTAIN, 0, 502),
        ("error-503", Status.UNCERTAIN, 0, 503),
        ("accept-garbage", Status.CONFIRMED, 1, 201),
    ],
)
def test_a_post_whose_answer_proves_nothing_is_never_repeated_by_itself(
    desk: Desk, deliver: Deliver, fault: str, status: Status, taken: int, http_status: int | None
) -> None:
    desk.simulator.fault(fault, operations=["submit"], count=1)
    message = desk.message(REGULAR)
    deliver(desk.account)
    look_again_and_again(deliver, desk)
    assert status_of(message) == status
    assert message.attempts.get().http_status == http_status
    assert desk.simulator.posts() == 1
    assert len(desk.simulator.ledger(REGULAR)) == taken


def test_an_answer_that_comes_after_the_time_out_leaves_the_message_uncertain(
    desk: Desk, deliver: Deliver, settings: Any
) -> None:
    settings.IO_READ_TIMEOUT = 1
    desk.simulator.fault("accept-then-hang", value=3)
    message = desk.message(REGULAR)
    deliver(desk.account)
    desk.simulator.clear()
    look_again_and_again(deliver, desk)
    assert status_of(message) == Status.UNCERTAIN
    assert len(desk.simulator.ledger(REGULAR)) == 1


def test_a_throttled_message_waits_as_long_as_io_asks_and_goes_once(desk: Desk, deliver: Deliver) -> None:
    desk.simulator.fault("throttle", operations=["submit"], count=1, value=1)
    message = desk.message(REGULAR)
    deliver(desk.account, 1.0)
    assert reasons(message)[-1] in {Reason.THROTTLED, Reason.TAKEN}
    deliver(desk.account)
    assert status_of(message) == Status.ACCEPTED
    assert reasons(message) == [Reason.SENT, Reason.THROTTLED, Reason.SENT, Reason.TAKEN]
    assert len(desk.simulator.ledger(REGULAR)) == 1
    first, second = message.attempts.order_by("number")
    assert (second.started_at - first.started_at).total_seconds() >= 1


def test_a_throttled_account_is_quiet_until_the_time_that_io_named(desk: Desk, deliver: Deliver) -> None:
    desk.simulator.fault("throttle", operations=["profile"], count=1, value=2)
    desk.messages(20)
    deliver(desk.account, 1.2)
    # What was under way when the first 429 came back, and nothing after it.
    assert desk.simulator.meter()["calls"] <= delivery_loop.THREADS_AT_LEAST + 1
    deliver(desk.account)
    assert statuses() == {Status.ACCEPTED: 20}
    assert desk.simulator.posts() == 20


def test_a_refused_connection_leaves_the_message_queued_and_it_goes_once_when_io_is_back(
    desk: Desk, deliver: Deliver, quick_probes: None
) -> None:
    message = desk.message(REGULAR, known=True)
    desk.simulator.fault("refuse")
    deliver(desk.account, 1.5)
    assert status_of(message) == Status.QUEUED
    assert set(reasons(message)) == {Reason.SENT, Reason.NOT_SENT}
    assert set(message.attempts.values_list("outcome", flat=True)) == {AttemptOutcome.NOT_SENT}
    desk.simulator.clear()
    deliver(desk.account, 9)
    assert status_of(message) == Status.ACCEPTED
    assert len(desk.simulator.ledger(REGULAR)) == 1


def test_a_rejected_key_pauses_the_service_and_its_messages_wait_in_the_queue(desk: Desk, deliver: Deliver) -> None:
    messages = desk.messages(12)
    desk.simulator.fault("unauthorised")
    deliver(desk.account)
    assert statuses() == {Status.QUEUED: 12}
    pause = ServicePause.objects.get()
    assert (pause.service, pause.reason, pause.whole_service) == (desk.service, PauseReason.KEY, True)
    assert desk.simulator.taken() == {}
    desk.simulator.clear()
    look_again_and_again(deliver, desk)
    assert statuses() == {Status.QUEUED: 12}
    assert pauses.lift(pause, desk.supervisor)
    deliver(desk.account)
    assert statuses() == {Status.ACCEPTED: 12}
    assert desk.simulator.posts() - desk.simulator.calls("submit").get("401", 0) == len(messages)


def test_a_key_rejected_at_the_post_puts_the_message_back_and_pauses(desk: Desk, deliver: Deliver) -> None:
    message = desk.message(REGULAR)
    desk.simulator.fault("unauthorised", operations=["submit"])
    deliver(desk.account)
    assert status_of(message) == Status.QUEUED
    assert reasons(message)[-1] == Reason.KEY_REJECTED
    assert desk.service.pauses.get().reason == PauseReason.KEY


def test_one_service_without_a_key_does_not_stop_another_one_of_the_same_account(desk: Desk, deliver: Deliver) -> None:
    keyless = desk.another_service(key=None)
    waiting, going = desk.message(service=keyless), desk.message()
    deliver(desk.account)
    assert (status_of(waiting), status_of(going)) == (Status.QUEUED, Status.ACCEPTED)
    assert ServicePause.objects.get().service == keyless


def test_a_403_that_blames_one_permission_holds_the_messages_that_need_it_and_no_others(
    desk: Desk, deliver: Deliver
) -> None:
    premium = desk.another_service(key=ANAGRAFE, premium=True)
    desk.simulator.fault("forbidden", operations=["submit"], service="anagrafe")
    held = desk.message(service=premium, feature_level="ADVANCED", features="premium")
    deliver(desk.account)
    pause = premium.pauses.get()
    assert (pause.whole_service, pause.features, pause.undecided) == (False, "premium", False)
    assert status_of(held) == Status.QUEUED
    desk.simulator.clear()
    plain = desk.message(service=premium)
    deliver(desk.account)
    assert (status_of(held), status_of(plain)) == (Status.QUEUED, Status.ACCEPTED)
    pauses.lift(pause, desk.supervisor)
    deliver(desk.account)
    assert status_of(held) == Status.ACCEPTED
    assert len(desk.simulator.ledger(service="anagrafe")) == 2


def test_the_question_about_a_403_is_asked_by_a_harmless_call(desk: Desk, deliver: Deliver) -> None:
    desk.simulator.fault("forbidden", operations=["submit"])
    message = desk.message(REGULAR, known=True)
    deliver(desk.account)
    assert desk.simulator.calls("submit") == {"403": 1}
    assert desk.simulator.calls("profile") == {"200": 1}
    assert status_of(message) == Status.QUEUED


@pytest.mark.parametrize("value", ["generic", "scopes", "anonymous"])
def test_a_403_on_every_call_stops_the_whole_service(desk: Desk, deliver: Deliver, value: str) -> None:
    messages = desk.messages(5)
    desk.simulator.fault("forbidden", value=value)
    deliver(desk.account)
    pause = ServicePause.objects.get(lifted_at=None)
    assert (pause.reason, pause.whole_service) == (PauseReason.FORBIDDEN, True)
    assert statuses() == {Status.QUEUED: len(messages)}
    assert desk.simulator.taken() == {}


def test_a_sandboxed_account_refuses_one_recipient_and_does_not_stop_the_service(desk: Desk, deliver: Deliver) -> None:
    sandboxed = desk.another_service(key=BORGOFIORE)
    message = desk.message(REGULAR, service=sandboxed)
    deliver(desk.account)
    message.refresh_from_db()
    assert (message.status, message.refusal_cause) == (Status.REFUSED, "recipient_forbidden")
    assert not ServicePause.objects.exists()


def test_an_amount_over_the_limit_of_the_service_is_refused_and_the_administrator_is_to_act(
    desk: Desk, deliver: Deliver
) -> None:
    message = desk.message(REGULAR, kind="payment", amount=1_000_001, notice_number="002000000000000017")
    deliver(desk.account)
    message.refresh_from_db()
    assert (message.status, message.refusal_cause, message.refusal_owner) == (
        Status.REFUSED,
        "amount_over_limit",
        "administrator",
    )


def test_slow_answers_are_waited_for(desk: Desk, deliver: Deliver) -> None:
    desk.simulator.fault("latency", value=700)
    messages = desk.messages(10)
    deliver(desk.account, 9)
    assert statuses() == {Status.ACCEPTED: len(messages)}
    assert desk.simulator.posts() == len(messages)


def test_a_broken_payment_status_does_not_pause_anybody_and_the_message_ends_all_the_same(
    desk: Desk, deliver: Deliver, in_a_while: Callable[[Message], None]
) -> None:
    premium = desk.another_service(key=ANAGRAFE, premium=True)
    desk.simulator.fault("payment-500")
    message = desk.message(
        REGULAR,
        service=premium,
        kind="payment",
        amount=100,
        notice_number="002000000000000017",
        feature_level="ADVANCED",
    )
    deliver(desk.account)
    for _ in range(6):
        in_a_while(message)
        deliver(desk.account)
    assert status_of(message) == Status.ACCEPTED
    assert GatewayAccount.objects.get().paused_at is None
    desk.simulator.clear()
    in_a_while(message)
    deliver(desk.account)
    message.refresh_from_db()
    assert (message.status, message.payment_status) == (Status.PROCESSED, "NOT_PAID")


def test_ios_other_final_words_end_a_message_too(
    desk: Desk, deliver: Deliver, in_a_while: Callable[[Message], None]
) -> None:
    failing, rejected = desk.message(FAILS), desk.message(NOT_ON_IO, known=True)
    deliver(desk.account)
    assert statuses() == {Status.ACCEPTED: 2}
    in_a_while(failing)
    in_a_while(rejected)
    deliver(desk.account)
    assert (status_of(failing), status_of(rejected)) == (Status.FAILED, Status.REJECTED)


def test_what_a_premium_message_tells_of_its_reader_and_payer_is_kept(
    desk: Desk, deliver: Deliver, in_a_while: Callable[[Message], None]
) -> None:
    desk.simulator.citizen(PAYS, reads_after=0.0, pays_after=0.0)
    premium = desk.another_service(key=ANAGRAFE, premium=True)
    message = desk.message(
        PAYS, service=premium, kind="payment", amount=100, notice_number="002000000000000017", feature_level="ADVANCED"
    )
    deliver(desk.account)
    in_a_while(message)
    deliver(desk.account)
    message.refresh_from_db()
    assert (message.status, message.read_status, message.payment_status) == (Status.PROCESSED, "READ", "PAID")
    assert reasons(message)[-2:] == [Reason.READ, Reason.PAID]
    assert message.next_attempt_at is None


def test_an_attempt_past_its_deadline_becomes_uncertain_in_the_sweep_and_is_not_posted(
    desk: Desk, deliver: Deliver
) -> None:
    assert not seal.is_held()
    message = desk.message(REGULAR, status=Status.SENDING, attempt_number=1)
    Message.objects.update(sending_deadline=message.created_at)
    Attempt.objects.create(message=message, number=1, started_at=message.created_at)
    look_again_and_again(deliver, desk)
    assert not seal.is_held()
    assert status_of(message) == Status.UNCERTAIN
    assert reasons(message) == [Reason.DEADLINE]
    assert desk.simulator.posts() == 0
