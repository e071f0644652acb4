"""Opened or read, paid: what is counted of delivered messages adds up, in whatever order it comes to be known."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.db.models import Q
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from hypothesis import given, settings
from hypothesis import strategies as st

from messaging.appio import answers
from messaging.delivery import claims, milestones, tracking
from messaging.delivery.moves import Moves
from messaging.delivery.tally import day_of
from messaging.enums import BatchStatus, FeatureLevel, Lane, Milestone, Reason, Status
from messaging.models import Batch, BatchMilestone, DailyMilestone, GatewayAccount, Message
from tests import cast
from tests.delivery.conftest import Desk
from tests.simulator_process import ANAGRAFE, PAYS, READS

pytestmark = pytest.mark.django_db

NOTICE = "002000000000000017"
STANDARD: dict[str, Any] = {}
REMOTE: dict[str, Any] = {"has_remote_content": True}
PREMIUM: dict[str, Any] = {"feature_level": FeatureLevel.ADVANCED}
PAYMENT: dict[str, Any] = {**PREMIUM, "kind": "payment", "amount": 100, "notice_number": NOTICE}
KINDS = (STANDARD, REMOTE, PREMIUM, {**PREMIUM, "has_attachments": True}, PAYMENT, {**PAYMENT, **REMOTE})
#: Those of which IO fetches a part from us.
FETCHED = [place for place, kind in enumerate(KINDS) if kind.get("has_remote_content") or kind.get("has_attachments")]
FAULT = answers.Unanswered("server_error", 500)


def processed(read: str | None = None, paid: str | None = None) -> answers.MessageState:
    return answers.MessageState("PROCESSED", read, paid)


def light(message: Message) -> Message:
    """The message as a loop carries it about."""
    return Message.objects.only(*claims.LIGHT).get(pk=message.pk)


def hear(message: Message, answer: Any) -> None:
    """A look at the message brings this answer, settled as the loop does."""
    found = light(message)
    with Moves() as moves:
        if not tracking.settle_final(moves, [(found, answer)]):
            tracking.settle(moves, found, answer)


def opened(*messages: Message) -> None:
    with transaction.atomic():
        milestones.seen([message.pk for message in messages], timezone.now())


def counted(message: Message) -> set[Milestone]:
    """Which milestones the counters of the message's own service show."""
    rows = DailyMilestone.objects.filter(service=message.service, count__gt=0)
    return {Milestone(row.milestone) for row in rows}


def daily() -> dict[tuple[int, date, str], int]:
    rows = DailyMilestone.objects.filter(~Q(count=0))
    return {(row.service_id, row.day, row.milestone): row.count for row in rows}


def of_batches() -> dict[tuple[int, str], int]:
    return {(row.batch_id, row.milestone): row.count for row in BatchMilestone.objects.filter(~Q(count=0))}


# What the counters must be, told from the rows alone


def expected() -> tuple[dict[Any, list[int]], dict[Any, list[int]]]:
    days: dict[Any, list[int]] = defaultdict(list)
    batches: dict[Any, list[int]] = defaultdict(list)
    for message in Message.objects.filter(status=Status.PROCESSED):
        fetched = message.has_remote_content or message.has_attachments
        known = {
            Milestone.OBSERVED: fetched or message.read_status in {"READ", "UNREAD"} or message.seen_at is not None,
            Milestone.SEEN: message.seen_at is not None,
            Milestone.PAYABLE: message.amount is not None and message.payment_status in {"PAID", "NOT_PAID"},
            Milestone.PAID: message.paid_at is not None,
        }
        assert message.queued_at
        for milestone in [one for one, is_so in known.items() if is_so]:
            days[message.service_id, day_of(message.queued_at), milestone.value].append(message.pk)
            if message.batch_id:
                batches[message.batch_id, milestone.value].append(message.pk)
    return days, batches


def check() -> None:
    days, batches = expected()
    assert daily() == {key: len(rows) for key, rows in days.items()}
    assert of_batches() == {key: len(rows) for key, rows in batches.items()}
    for row in DailyMilestone.objects.filter(count__gt=0):
        assert row.lowest_message <= min(days[row.service_id, row.day, row.milestone])
    for service, day, _ in days:
        of_day = {key[2]: count for key, count in daily().items() if key[:2] == (service, day)}
        assert of_day.get("seen", 0) <= of_day.get("observed", 0)
        assert of_day.get("paid", 0) <= of_day.get("payable", 0)


_answers = st.builds(
    processed, st.sampled_from([None, "UNAVAILABLE", "UNREAD", "READ"]), st.sampled_from([None, "NOT_PAID", "PAID"])
)
_events = st.one_of(
    st.tuples(st.just("opened"), st.lists(st.sampled_from(FETCHED), min_size=1, max_size=4)),
    st.tuples(st.just("heard"), st.integers(0, len(KINDS) - 1), st.one_of(_answers, st.just(FAULT))),
)


@given(events=st.lists(_events, min_size=3, max_size=15))
@settings(max_examples=50, deadline=None)
def test_the_counters_are_those_of_the_rows_whatever_comes_first(events: list[tuple[Any, ...]]) -> None:
    sid = transaction.savepoint()
    try:
        service = cast.make_service()
        batch = cast.make_batch(service=service, status=BatchStatus.SENDING)
        messages = [
            cast.make_message(
                service=service,
                status=Status.ACCEPTED,
                queued_at=timezone.now() - timedelta(days=number % 2),
                **({"batch": batch, "row": number + 2, "lane": Lane.POLL} if number % 3 else {}),
                **kind,
            )
            for number, kind in enumerate(KINDS)
        ]
        for event in events:
            if event[0] == "opened":
                opened(*(messages[place] for place in event[1]))
            else:
                hear(messages[event[1]], event[2])
            check()
    finally:
        transaction.savepoint_rollback(sid)


# Openings


def test_an_opening_before_the_delivery_is_known_counts_with_the_delivery() -> None:
    message = cast.make_message(status=Status.ACCEPTED, **REMOTE)
    opened(message)
    message.refresh_from_db()
    assert (message.status, counted(message)) == (Status.ACCEPTED, set())
    assert message.seen_at
    hear(message, processed())
    assert counted(message) == {Milestone.OBSERVED, Milestone.SEEN}


def test_an_opening_while_the_answer_is_on_its_way_counts_once() -> None:
    message = cast.make_message(status=Status.ACCEPTED, **REMOTE)
    in_memory = light(message)
    opened(message)
    with Moves() as moves:
        tracking.settle_final(moves, [(in_memory, processed())])
    opened(message)
    assert set(daily().values()) == {1}
    assert counted(message) == {Milestone.OBSERVED, Milestone.SEEN}


def test_the_first_opening_is_the_one_that_is_kept() -> None:
    message = cast.make_message(status=Status.PROCESSED, **REMOTE)
    first = timezone.now() - timedelta(days=3)
    with transaction.atomic():
        milestones.seen([message.pk], first)
    opened(message)
    message.refresh_from_db()
    assert message.seen_at == first


def test_an_opening_of_an_uncertain_message_moves_nothing() -> None:
    message = cast.make_message(status=Status.UNCERTAIN, **REMOTE)
    opened(message)
    message.refresh_from_db()
    assert message.status == Status.UNCERTAIN
    assert message.seen_at
    assert not message.changes.exists()


# What IO says


def test_what_the_person_does_not_let_know_is_not_counted_as_not_read() -> None:
    message = cast.make_message(status=Status.ACCEPTED, **PREMIUM)
    hear(message, processed("UNAVAILABLE"))
    assert counted(message) == set()


def test_a_service_that_may_not_read_the_figures_has_none() -> None:
    """Without the permission the fields are absent, whatever was bought (IO messages API notes, 3.6)."""
    message = cast.make_message(status=Status.ACCEPTED, **PAYMENT)
    hear(message, processed())
    assert counted(message) == set()


def test_read_and_paid_have_a_date_and_are_never_taken_back() -> None:
    message = cast.make_message(status=Status.ACCEPTED, **PAYMENT)
    hear(message, processed("READ", "NOT_PAID"))
    message.refresh_from_db()
    seen_at = message.seen_at
    assert seen_at
    assert message.paid_at is None
    hear(message, processed("UNAVAILABLE", "PAID"))
    message.refresh_from_db()
    assert (message.read_status, message.payment_status, message.seen_at) == ("READ", "PAID", seen_at)
    assert message.paid_at
    assert counted(message) == set(Milestone)
    assert message.changes.filter(reason=Reason.READ).count() == 1


def test_a_message_opened_with_us_before_io_says_read_keeps_its_first_date() -> None:
    message = cast.make_message(status=Status.ACCEPTED, **PAYMENT, **REMOTE)
    hear(message, processed("UNREAD", "NOT_PAID"))
    opened(message)
    message.refresh_from_db()
    first = message.seen_at
    hear(message, processed("READ", "NOT_PAID"))
    message.refresh_from_db()
    assert message.seen_at == first
    assert message.next_attempt_at is not None
    assert message.changes.filter(reason=Reason.READ).count() == 1


def test_a_fault_of_the_payment_side_spoils_nothing_and_is_asked_again_soon() -> None:
    message = cast.make_message(status=Status.ACCEPTED, **PAYMENT)
    hear(message, processed("READ", "NOT_PAID"))
    hear(message, FAULT)
    message.refresh_from_db()
    assert (message.status, message.read_status, message.payment_status) == (Status.PROCESSED, "READ", "NOT_PAID")
    assert message.next_attempt_at
    assert message.next_attempt_at - timezone.now() < timedelta(hours=1)
    hear(message, processed("READ", "PAID"))
    message.refresh_from_db()
    assert message.paid_at
    assert message.next_attempt_at is None


# Speed


def test_ordinary_messages_cost_no_statement_more() -> None:
    service = cast.make_service()
    plain = [light(cast.make_message(service=service, status=Status.ACCEPTED)) for _ in range(3)]
    with CaptureQueriesContext(connection) as found, Moves() as moves:
        tracking.settle_final(moves, [(message, processed()) for message in plain])
    assert not [query["sql"] for query in found if "milestone" in query["sql"] or query["sql"].startswith("SELECT")]


def test_a_group_of_watched_messages_costs_one_look_and_two_counters() -> None:
    batch: Batch = cast.make_batch(status=BatchStatus.SENDING)
    some = [
        light(cast.make_message(service=batch.service, batch=batch, row=row, status=Status.ACCEPTED, **REMOTE))
        for row in range(2, 12)
    ]
    with CaptureQueriesContext(connection) as found, Moves() as moves:
        tracking.settle_final(moves, [(message, processed()) for message in some])
    own = [query["sql"] for query in found if "milestone" in query["sql"] or query["sql"].startswith("SELECT")]
    assert len(own) <= 3
    assert of_batches() == {(batch.pk, "observed"): 10}


# With IO


def ask_again(message: Message) -> None:
    Message.objects.filter(pk=message.pk, next_attempt_at__isnull=False).update(next_attempt_at=timezone.now())


@pytest.mark.parametrize(("citizen", "reached"), [(READS, {"observed", "seen"}), (PAYS, set(Milestone.values))])
def test_io_says_that_a_premium_message_is_read_and_paid(
    desk: Desk, deliver: Callable[..., None], monkeypatch: pytest.MonkeyPatch, citizen: str, reached: set[str]
) -> None:
    monkeypatch.setattr(tracking, "FIRST_LOOK", timedelta(seconds=0.2))
    monkeypatch.setattr("messaging.delivery.submission.FIRST_LOOK", timedelta(seconds=0.2))
    monkeypatch.setattr(tracking, "FOLLOW_UPS", (timedelta(seconds=0.5),) * 60)
    desk.simulator.citizen(citizen, reads_after=0.5, pays_after=1.0)
    service = desk.another_service(ANAGRAFE, premium=True)
    message = desk.message(citizen, service=service, known=True, **(PAYMENT if citizen == PAYS else PREMIUM))
    deliver(desk.account, 10.0)
    message.refresh_from_db()
    assert message.status == Status.PROCESSED
    assert message.seen_at
    assert bool(message.paid_at) is (citizen == PAYS)
    assert {key[2] for key in daily()} == reached
    assert message.next_attempt_at is None


def test_a_payment_side_that_is_down_for_a_while_only_delays_what_is_known(
    desk: Desk, deliver: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("messaging.delivery.submission.FIRST_LOOK", timedelta(seconds=0.2))
    monkeypatch.setattr(tracking, "LOOKS", (timedelta(seconds=0.3),) * 5)
    monkeypatch.setattr(tracking, "FOLLOW_UPS", (timedelta(seconds=0.3),) * 60)
    desk.simulator.citizen(PAYS, reads_after=0.2, pays_after=0.4)
    desk.simulator.fault("payment-500", count=3)
    service = desk.another_service(ANAGRAFE, premium=True)
    message = desk.message(PAYS, service=service, known=True, **PAYMENT)
    deliver(desk.account, 8.0)
    message.refresh_from_db()
    account: GatewayAccount = desk.account
    account.refresh_from_db()
    assert account.paused_at is None
    assert message.status == Status.PROCESSED
    assert message.paid_at
    check()
