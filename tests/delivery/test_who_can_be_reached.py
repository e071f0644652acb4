"""Who is not on IO, or refuses the service, gets no POST; an answer serves for twelve hours; questions are counted."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone

from messaging.appio import answers
from messaging.delivery import pauses, reachability, submission
from messaging.delivery.moves import Moves
from messaging.delivery.reachability import CannotAsk
from messaging.enums import PauseReason, ReachabilityAnswer, Reason, Status
from messaging.models import Attempt, GatewayAccount, Message, Reachability, ReachabilityQuestion, ServiceKey
from tests import cast
from tests.delivery.conftest import Desk, status_of
from tests.simulator_process import NOT_ON_IO, OPTED_OUT_OF_TRIBUTI, REGULAR, SCUOLA

pytestmark = pytest.mark.django_db

Deliver = Callable[..., None]


@pytest.mark.parametrize(("code", "reason"), [(NOT_ON_IO, Reason.NOT_ON_IO), (OPTED_OUT_OF_TRIBUTI, Reason.OPTED_OUT)])
def test_who_cannot_be_reached_gets_no_post(desk: Desk, deliver: Deliver, code: str, reason: Reason) -> None:
    message = desk.message(code)
    deliver(desk.account)
    assert status_of(message) == Status.UNREACHABLE
    assert message.changes.get().reason == reason
    assert desk.simulator.posts() == 0
    assert not message.attempts.exists()


def test_who_refuses_one_service_is_reached_by_another(desk: Desk, deliver: Deliver) -> None:
    message = desk.message(OPTED_OUT_OF_TRIBUTI, service=desk.another_service(key=SCUOLA))
    deliver(desk.account)
    assert status_of(message) == Status.ACCEPTED


@pytest.mark.parametrize(("hours", "questions"), [(11.9, 0), (12.1, 1)])
def test_an_answer_serves_for_twelve_hours(desk: Desk, deliver: Deliver, hours: float, questions: int) -> None:
    message = desk.message(REGULAR, known=True)
    Reachability.objects.update(asked_at=timezone.now() - timedelta(hours=hours))
    deliver(desk.account)
    assert status_of(message) == Status.ACCEPTED
    assert sum(desk.simulator.calls("profile").values()) == questions


def test_a_recent_no_is_asked_again_before_it_costs_somebody_a_message(desk: Desk, deliver: Deliver) -> None:
    message = desk.message(REGULAR, known=True)
    Reachability.objects.update(answer=ReachabilityAnswer.NOT_ON_IO)
    deliver(desk.account)
    assert status_of(message) == Status.ACCEPTED


def test_an_unanswered_question_keeps_the_message_queued(desk: Desk, deliver: Deliver) -> None:
    desk.simulator.fault("error-500", operations=["profile"], count=1)
    message = desk.message(REGULAR)
    deliver(desk.account, 1)
    assert status_of(message) == Status.QUEUED
    assert desk.simulator.posts() == 0


# At the screen


def test_a_person_at_the_screen_is_told_and_delivery_does_not_ask_again(desk: Desk, deliver: Deliver) -> None:
    draft = desk.message(REGULAR, status=Status.DRAFT)
    assert reachability.ask(draft, desk.clerk).answer == ReachabilityAnswer.REACHABLE
    assert reachability.ask(draft, desk.clerk).answer == ReachabilityAnswer.REACHABLE
    assert ReachabilityQuestion.objects.get().asked_by == desk.clerk
    desk.message(REGULAR)
    deliver(desk.account)
    assert sum(desk.simulator.calls("profile").values()) == 1


@pytest.mark.parametrize(("subject", "body"), [("", cast.BODY), ("Un oggetto", "  ")])
def test_nobody_is_asked_about_before_there_is_something_to_send(desk: Desk, subject: str, body: str) -> None:
    draft = desk.message(REGULAR, status=Status.DRAFT, subject=subject, body=body)
    assert refusal(draft, desk) == "no_text"


def test_a_service_on_trial_asks_about_its_list_alone(desk: Desk) -> None:
    draft = desk.message(REGULAR, status=Status.DRAFT, service=desk.another_service(live=False))
    assert refusal(draft, desk) == "trial"


def test_the_three_hundred_and_first_question_of_a_day_is_not_asked(desk: Desk) -> None:
    draft = desk.message(REGULAR, status=Status.DRAFT)
    assert draft.recipient is not None
    ReachabilityQuestion.objects.bulk_create(
        ReachabilityQuestion(recipient=draft.recipient, service=desk.service, asked_by=desk.clerk)
        for _ in range(reachability.QUESTIONS_A_DAY)
    )
    assert refusal(draft, desk) == "too_many"
    assert reachability.ask(draft, desk.supervisor).answer == ReachabilityAnswer.REACHABLE
    ReachabilityQuestion.objects.update(asked_at=timezone.now() - timedelta(days=1, seconds=1))
    Reachability.objects.all().delete()
    assert reachability.ask(draft, desk.clerk).answer == ReachabilityAnswer.REACHABLE


def test_a_person_is_told_at_once_when_io_cannot_be_asked_now(desk: Desk) -> None:
    draft = desk.message(REGULAR, status=Status.DRAFT)
    desk.simulator.fault("throttle", count=1, value=30)
    assert refusal(draft, desk) == "busy"
    assert refusal(draft, desk) == "busy"
    GatewayAccount.objects.update(blocked_until=0)
    desk.simulator.fault("error-503", count=1)
    assert refusal(draft, desk) == "no_answer"
    GatewayAccount.objects.update(paused_at=timezone.now())
    assert refusal(draft, desk) == "no_answer"


def test_a_question_with_a_rejected_key_pauses_the_service(desk: Desk) -> None:
    draft = desk.message(REGULAR, status=Status.DRAFT)
    desk.simulator.fault("unauthorised")
    assert refusal(draft, desk) == "no_key"
    assert desk.service.pauses.get().reason == PauseReason.KEY


def test_a_service_without_a_key_cannot_ask(desk: Desk) -> None:
    ServiceKey.objects.all().delete()
    assert refusal(desk.message(REGULAR, status=Status.DRAFT), desk) == "no_key"


def refusal(draft: Message, desk: Desk) -> str:
    with pytest.raises(CannotAsk) as refused:
        reachability.ask(draft, desk.clerk)
    return refused.value.code


# Pauses


def test_what_is_paused_is_not_due_and_what_is_not_is(desk: Desk, deliver: Deliver) -> None:
    other = desk.another_service(key=SCUOLA)
    paused, going = desk.message(), desk.message(service=other)
    pauses.pause_service(desk.service, PauseReason.PERSON)
    pauses.pause_service(desk.service, PauseReason.KEY)
    deliver(desk.account)
    assert (status_of(paused), status_of(going)) == (Status.QUEUED, Status.ACCEPTED)
    pause = desk.service.pauses.get()
    assert pauses.lift(pause, desk.supervisor)
    assert not pauses.lift(pause, desk.supervisor)
    deliver(desk.account)
    assert status_of(paused) == Status.ACCEPTED


def test_a_held_feature_holds_no_other_message(desk: Desk, deliver: Deliver) -> None:
    pauses.hold_features(desk.service, "premium", "You are not allowed here")
    desk.service.pauses.update(undecided=False)
    held, going = desk.message(features="premium"), desk.message()
    deliver(desk.account)
    assert (status_of(held), status_of(going)) == (Status.QUEUED, Status.ACCEPTED)


def test_a_rejected_key_that_has_been_changed_meanwhile_pauses_nothing(desk: Desk, deliver: Deliver) -> None:
    """The administrator had put the secondary key in use while the answer to the primary one was under way."""
    key = desk.service.keys.get()
    message = desk.message(REGULAR, status=Status.SENDING, attempt_number=1)
    Attempt.objects.create(message=message, number=1, key=key, started_at=timezone.now())
    ServiceKey.objects.update(in_use=False)
    cast.make_key(service=desk.service, slot="secondary", in_use=True)
    with Moves() as moves:
        submission.settle(moves, message, answers.KeyRejected("invalid"), 401)
    assert status_of(message) == Status.QUEUED
    assert not desk.service.pauses.exists()
