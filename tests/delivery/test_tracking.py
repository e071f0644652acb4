"""What became of accepted messages: when they are asked about, and when nobody asks any more."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
import time_machine
from django.utils import timezone

from messaging.appio import answers
from messaging.delivery import submission, tracking
from messaging.delivery.moves import Moves
from messaging.enums import FeatureLevel, Lane, PauseReason, Reason, Status
from messaging.models import Attempt, Message
from tests import cast

pytestmark = pytest.mark.django_db

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
PENDING = answers.MessageState("ACCEPTED")


@pytest.fixture
def clock() -> Iterator[Any]:
    with time_machine.travel(START, tick=False) as traveller:
        yield traveller


def accepted(**kw: Any) -> Message:
    message = cast.make_message(status=Status.SENDING, **kw)
    Attempt.objects.create(message=message, number=1, started_at=timezone.now())
    with Moves() as moves:
        submission.settle(moves, message, answers.Accepted("01K00000000000000000000001"), 201)
    return Message.objects.get(pk=message.pk)


def hear(message: Message, answer: Any) -> Message:
    """A look at the message brings this answer."""
    fresh = Message.objects.select_related("service__institution", "recipient").get(pk=message.pk)
    with Moves() as moves:
        tracking.settle(moves, fresh, answer)
    return Message.objects.get(pk=message.pk)


def wait_of(message: Message) -> timedelta:
    assert message.next_attempt_at is not None
    return message.next_attempt_at - timezone.now()


def follow(message: Message, answer: Any, clock: Any, until: Status, at_most: int = 400) -> list[timedelta]:
    """Give the same answer at each look; returns when the looks were, counted from acceptance."""
    looks = []
    for _ in range(at_most):
        if message.next_attempt_at is None:
            break
        clock.move_to(message.next_attempt_at)
        looks.append(timezone.now() - START)
        message = hear(message, answer)
        if message.status == until:
            break
    assert message.status == until
    return looks


def seconds(*values: float) -> list[timedelta]:
    return [timedelta(seconds=value) for value in values]


def test_the_looks_come_after_10_seconds_then_30_then_2_10_and_60_minutes_then_daily(clock: Any) -> None:
    message = accepted()
    assert message.lane == Lane.POLL
    looks = follow(message, PENDING, clock, Status.NO_OUTCOME)
    assert looks[:5] == seconds(10, 40, 160, 760, 4360)
    assert {later - earlier for earlier, later in pairwise(looks[4:-1])} == {timedelta(days=1)}


def test_after_seven_days_without_a_final_word_the_message_has_no_outcome(clock: Any) -> None:
    message = accepted()
    looks = follow(message, PENDING, clock, Status.NO_OUTCOME)
    assert looks[-1] == timedelta(days=7)
    assert message.changes.latest("id").reason == Reason.NO_FINAL_WORD


@pytest.mark.parametrize("word", ["PROCESSED", "REJECTED", "FAILED"])
def test_a_final_word_ends_it_at_whatever_look(clock: Any, word: str) -> None:
    message = hear(hear(accepted(), PENDING), answers.MessageState(word))
    assert message.status == word.lower()
    assert message.next_attempt_at is None


@pytest.mark.parametrize("word", ["ACCEPTED", "THROTTLED"])
def test_any_other_word_is_looked_at_again(clock: Any, word: str) -> None:
    message = hear(accepted(), answers.MessageState(word))
    assert (message.status, wait_of(message)) == (Status.ACCEPTED, timedelta(seconds=30))


def test_a_message_that_io_does_not_know_is_looked_for_seven_days(clock: Any) -> None:
    looks = follow(accepted(), answers.MessageUnknown(), clock, Status.NO_OUTCOME)
    assert looks[-1] == timedelta(days=7)


def test_a_message_that_io_will_not_show_us_is_asked_for_less_and_less(clock: Any) -> None:
    looks = follow(accepted(), answers.Forbidden("not yours"), clock, Status.NO_OUTCOME, at_most=60)
    assert len(looks) <= 15


def test_a_message_whose_reading_always_breaks_is_asked_for_less_and_less(clock: Any) -> None:
    """A payment status that fails for good turns each reading into a 500 (IO messages API notes, 3.6)."""
    fault = answers.Unanswered("server_error", 500)
    looks = follow(accepted(), fault, clock, Status.NO_OUTCOME, at_most=60)
    assert len(looks) <= 15
    assert looks[-1] >= timedelta(days=7)


def test_a_portal_that_was_off_for_days_asks_more_than_once_before_it_gives_up(clock: Any) -> None:
    message = accepted()
    clock.move_to(START + timedelta(days=9))
    message = hear(message, answers.Unanswered("server_error", 500))
    assert message.status == Status.ACCEPTED
    assert wait_of(message) > timedelta(0)
    assert hear(message, answers.MessageState("PROCESSED")).status == Status.PROCESSED


@pytest.mark.parametrize(
    "answer", [answers.Unanswered("time_out"), answers.Unanswered("server_error", 503), answers.NotSent("refused")]
)
def test_an_answer_that_does_not_come_is_asked_for_again_in_a_minute(clock: Any, answer: Any) -> None:
    message = hear(accepted(), answer)
    assert (message.status, wait_of(message), message.polls) == (Status.ACCEPTED, timedelta(seconds=60), 0)


def test_a_throttled_question_waits_as_long_as_io_says(clock: Any) -> None:
    assert wait_of(hear(accepted(), answers.Throttled(17))) == timedelta(seconds=17)


def test_a_rejected_key_pauses_the_service_and_the_question_stays_due(clock: Any) -> None:
    message = hear(accepted(), answers.KeyRejected("invalid"))
    assert message.service.pauses.get().reason == PauseReason.KEY
    assert wait_of(message) == timedelta(0)


# Premium


def premium(**kw: Any) -> Message:
    return accepted(feature_level=FeatureLevel.ADVANCED, **kw)


def processed(read: str | None = "UNREAD", paid: str | None = None) -> answers.MessageState:
    return answers.MessageState("PROCESSED", read, paid)


def test_a_plain_message_is_not_asked_about_after_its_delivery(clock: Any) -> None:
    assert hear(accepted(), processed()).next_attempt_at is None


def test_a_premium_message_is_asked_about_until_it_is_read(clock: Any) -> None:
    message = hear(premium(), processed())
    waits = []
    for _ in range(6):
        waits.append(wait_of(message))
        clock.shift(wait_of(message))
        message = hear(message, processed())
    assert waits == seconds(60, 600, 3600, 21_600, 86_400, 86_400)
    message = hear(message, processed("READ"))
    assert (message.read_status, message.next_attempt_at) == ("READ", None)
    assert message.changes.filter(reason=Reason.READ).count() == 1


def test_a_payment_is_asked_about_until_it_is_paid_too(clock: Any) -> None:
    message = premium(kind="payment", amount=100, notice_number="002000000000000017")
    message = hear(message, processed("READ", "NOT_PAID"))
    assert message.next_attempt_at is not None
    message = hear(message, processed("READ", "PAID"))
    assert message.next_attempt_at is None
    assert list(message.changes.filter(reason__in=[Reason.READ, Reason.PAID]).values_list("reason", flat=True)) == [
        Reason.READ,
        Reason.PAID,
    ]


def test_nobody_is_asked_about_for_longer_than_sixty_days(clock: Any) -> None:
    message = premium()
    looks = follow(hear(message, processed("UNAVAILABLE")), processed("UNAVAILABLE"), clock, Status.PROCESSED, 1)
    for _ in range(100):
        message = Message.objects.get(pk=message.pk)
        if message.next_attempt_at is None:
            break
        clock.move_to(message.next_attempt_at)
        looks.append(timezone.now() - START)
        hear(message, processed("UNAVAILABLE"))
    assert timedelta(days=58) < looks[-1] <= timedelta(days=60)
    assert Message.objects.get(pk=message.pk).next_attempt_at is None


@pytest.mark.parametrize("answer", [answers.MessageUnknown(), answers.Forbidden("no"), answers.Unanswered("e", 500)])
def test_a_delivered_message_that_cannot_be_read_any_more_is_not_asked_about_for_ever(clock: Any, answer: Any) -> None:
    """IO forgets after a while; a delivered message stays delivered."""
    message = hear(premium(), processed())
    looks = 0
    while message.next_attempt_at is not None and looks < 80:
        looks += 1
        clock.move_to(message.next_attempt_at)
        message = hear(message, answer)
    assert message.status == Status.PROCESSED
    assert message.next_attempt_at is None
    assert looks < 80
    assert timezone.now() - START <= timedelta(days=61)


def test_a_field_that_is_missing_once_does_not_wipe_out_what_was_known(clock: Any) -> None:
    message = premium(kind="payment", amount=100, notice_number="002000000000000017")
    message = hear(hear(message, processed("READ", "NOT_PAID")), processed(None, None))
    assert (message.read_status, message.payment_status) == ("READ", "NOT_PAID")
