"""The life of a message: every move that is allowed, none else, whatever order people, answers and accidents take."""

from __future__ import annotations

import itertools
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone
from hypothesis import given, settings
from hypothesis import strategies as st

from messaging.appio import answers
from messaging.delivery import approval, batches, claims, resolution, submission, tracking
from messaging.delivery.moves import ALLOWED, ImpossibleMove, Moves
from messaging.delivery.work import Lanes
from messaging.enums import FINAL, AttemptOutcome, Reason, Status
from messaging.models import BatchCount, DailyCount, Message, Service, StatusChange, User
from tests import cast

pytestmark = pytest.mark.django_db

_ids = itertools.count(1)


def what_is_demanded(to: Status) -> dict[str, Any]:
    now = timezone.now()
    if to is Status.SENDING:
        return {"sending_deadline": now, "attempt_number": 1}
    columns: dict[str, Any] = {"next_attempt_at": now} if to in {Status.QUEUED, Status.ACCEPTED} else {}
    if to in {Status.ACCEPTED, Status.PROCESSED, Status.REJECTED, Status.FAILED, Status.NO_OUTCOME}:
        columns["io_id"] = f"id{next(_ids)}"
    return columns


@pytest.mark.parametrize("origin", list(Status))
def test_a_message_moves_where_it_may_and_nowhere_else(origin: Status) -> None:
    service = cast.make_service()
    for to in Status:
        message = cast.make_message(service=service, status=origin)
        if to in ALLOWED.get(origin, frozenset()):
            with Moves() as moves:
                assert moves.move(message, to, Reason.SAVED, **what_is_demanded(to))
            change = message.changes.get()
            assert (change.from_status, change.to_status, change.at) == (origin, to, moves.at)
        else:
            with pytest.raises(ImpossibleMove), Moves() as moves:
                moves.move(message, to, Reason.SAVED, **what_is_demanded(to))
            assert Message.objects.get(pk=message.pk).status == origin
            assert not message.changes.exists()


def test_what_is_final_is_left_by_a_persons_decision_alone() -> None:
    by_a_person = {Status.REFUSED, Status.FAILED, Status.UNREACHABLE}
    assert {status for status in FINAL if ALLOWED.get(status)} == by_a_person
    assert all(ALLOWED[status] <= {Status.QUEUED, Status.DRAFT} for status in by_a_person)


def test_a_row_that_moved_meanwhile_is_not_moved_again() -> None:
    message = cast.make_message()
    stale = Message.objects.get(pk=message.pk)
    with Moves() as moves:
        assert moves.move(message, Status.CANCELLED, Reason.CANCELLED)
    with Moves() as moves:
        assert not moves.move(stale, Status.CANCELLED, Reason.CANCELLED)
    assert message.changes.count() == 1
    assert DailyCount.objects.get(status=Status.CANCELLED).count == 1


def test_moves_that_fail_together_leave_no_trace() -> None:
    first, second = cast.make_message(), cast.make_message(status=Status.PROCESSED)

    def both() -> None:
        with Moves() as moves:
            moves.move(first, Status.CANCELLED, Reason.CANCELLED)
            moves.move(second, Status.QUEUED, Reason.QUEUED)

    with pytest.raises(ImpossibleMove):
        both()
    assert Message.objects.get(pk=first.pk).status == Status.QUEUED
    assert not StatusChange.objects.exists()
    assert not DailyCount.objects.exists()


def test_a_days_counts_say_where_the_messages_queued_on_it_stand_by_the_calendar_of_rome() -> None:
    service = cast.make_service()
    late = timezone.now().replace(year=2026, month=6, day=30, hour=22, minute=30)
    messages = [cast.make_message(service=service, status=Status.DRAFT) for _ in range(3)]
    with Moves(at=late) as moves:
        for message in messages:
            moves.move(message, Status.QUEUED, Reason.QUEUED, queued_at=late, next_attempt_at=late)
    with Moves() as moves:
        moves.move(messages[1], Status.CANCELLED, Reason.CANCELLED)
    counts = {(str(row.day), row.status): row.count for row in DailyCount.objects.exclude(count=0)}
    assert counts == {("2026-07-01", Status.QUEUED): 2, ("2026-07-01", Status.CANCELLED): 1}
    assert DailyCount.objects.get(status=Status.CANCELLED).lowest_message == messages[1].pk


def test_a_batchs_counts_move_with_its_messages() -> None:
    batch = cast.make_batch()
    messages = [cast.make_message(service=batch.service, batch=batch, row=row) for row in (2, 3)]
    BatchCount.objects.create(batch=batch, status=Status.QUEUED, count=2)
    with Moves() as moves:
        moves.move(messages[0], Status.CANCELLED, Reason.CANCELLED)
    assert batches.counts(batch) == {Status.QUEUED: 1, Status.CANCELLED: 1}


def test_what_is_rolled_back_counts_nothing() -> None:
    batch = cast.make_batch()
    message = cast.make_message(service=batch.service, batch=batch, row=2)
    BatchCount.objects.create(batch=batch, status=Status.QUEUED, count=1)

    def fail_after_moving() -> None:
        with Moves() as moves:
            moves.move(message, Status.CANCELLED, Reason.CANCELLED)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail_after_moving()
    assert batches.counts(batch) == {Status.QUEUED: 1}


# Whatever happens in whatever order

#: The answers after which the same message may be posted again without asking anybody.
PROOFS = {
    AttemptOutcome.THROTTLED,
    AttemptOutcome.NOT_SENT,
    AttemptOutcome.KEY_REJECTED,
    AttemptOutcome.FORBIDDEN,
}
ANSWERS = {
    "accepted": lambda: answers.Accepted(f"id{next(_ids)}"),
    "without id": answers.AcceptedWithoutId,
    "refused": lambda: answers.Refused(answers.Cause.UNKNOWN, answers.Owner.CLERK, 400, "no"),
    "key": lambda: answers.KeyRejected("invalid"),
    "forbidden": lambda: answers.Forbidden("no"),
    "throttled": lambda: answers.Throttled(1.0),
    "not sent": lambda: answers.NotSent("refused"),
    "silence": lambda: answers.Unanswered("time_out"),
    "fault": lambda: answers.Unanswered("server_error", 500),
}
BY_HAND = {
    "confirm": lambda message, person: resolution.confirm_arrival(message, person, "visto"),
    "send again": lambda message, person: resolution.send_again(message, person, "di nuovo"),
    "give up": lambda message, person: resolution.give_up(message, person, "basta"),
    "retry": resolution.retry,
    "reopen": resolution.reopen,
    "cancel": approval.cancel,
    "send": approval.send,
}
POLLS = {
    "processed": lambda: answers.MessageState("PROCESSED"),
    "rejected": lambda: answers.MessageState("REJECTED"),
    "failed": lambda: answers.MessageState("FAILED"),
    "unknown": answers.MessageUnknown,
}


class Story:
    """One message, and the attempts whose answers have not been heard yet."""

    def __init__(self, service: Service, person: User) -> None:
        self.message = cast.make_message(service=service, status=Status.DRAFT, author=person)
        self.person = person
        self.keys = {service.pk: service.keys.get()}
        self.unheard: list[Message] = []

    def fresh(self) -> Message:
        return Message.objects.select_related("service__institution", "recipient", "author").get(pk=self.message.pk)

    def step(self, kind: str, what: str) -> None:
        if kind == "hand":
            try:
                BY_HAND[what](self.fresh(), self.person)
            except (ImpossibleMove, approval.AlreadySent):
                return
        elif kind == "send":
            self.attempt()
        elif kind == "answer" and self.unheard:
            with Moves() as moves:
                submission.settle(moves, self.unheard.pop(0), ANSWERS[what](), None)
        elif kind == "deadline":
            Message.objects.filter(status=Status.SENDING).update(sending_deadline=timezone.now() - timedelta(seconds=1))
            submission.give_up_waiting(Message.objects.filter(status=Status.SENDING))
        elif kind == "poll" and self.fresh().status == Status.ACCEPTED:
            with Moves() as moves:
                tracking.settle(moves, self.fresh(), POLLS[what]())

    def attempt(self) -> None:
        self.message.service.pauses.update(lifted_at=timezone.now(), undecided=False)
        Message.objects.filter(next_attempt_at__isnull=False).update(next_attempt_at=timezone.now())
        account = self.message.service.institution.account_id
        works = [work for work in claims.claim(account, "me", Lanes(), 8) if work.message.status == Status.QUEUED]
        deadline = timezone.now() + timedelta(minutes=1)
        leaving = submission.mark_sending(
            [work.message.pk for work in works], holder="me", keys=self.keys, deadline=deadline
        )
        self.unheard += [message for message, _ in leaving]

    def check(self) -> None:
        changes = list(self.message.changes.order_by("id"))
        for earlier, later in itertools.pairwise(changes):
            assert later.from_status == earlier.to_status
        for change in changes:
            moved = change.from_status != change.to_status
            assert not moved or Status(change.to_status) in ALLOWED[Status(change.from_status)]
        assert not changes or changes[-1].to_status == self.fresh().status
        self.check_attempts(changes)

    def check_attempts(self, changes: list[StatusChange]) -> None:
        """A second POST only after a proof that the first made nothing, or because a person said so."""
        asked = {change.attempt_number for change in changes if change.actor_id and change.to_status == Status.QUEUED}
        attempts = list(self.message.attempts.order_by("number"))
        assert [attempt.number for attempt in attempts] == list(range(1, len(attempts) + 1))
        for attempt in attempts[:-1]:
            assert attempt.outcome in PROOFS or attempt.number in asked, f"posted again after {attempt.outcome!r}"


_steps = st.one_of(
    st.tuples(st.just("send"), st.just("")),
    st.tuples(st.just("answer"), st.sampled_from(sorted(ANSWERS))),
    st.tuples(st.just("deadline"), st.just("")),
    st.tuples(st.just("hand"), st.sampled_from(sorted(BY_HAND))),
    st.tuples(st.just("poll"), st.sampled_from(sorted(POLLS))),
)


@given(steps=st.lists(_steps, min_size=5, max_size=25))
@settings(max_examples=60, deadline=None)
def test_no_order_of_events_posts_a_message_twice_without_proof_or_person(steps: list[tuple[str, str]]) -> None:
    sid = transaction.savepoint()
    try:
        service = cast.make_service()
        story = Story(service, cast.make_person(service=service))
        story.step("hand", "send")
        for kind, what in steps:
            story.step(kind, what)
            story.check()
    finally:
        transaction.savepoint_rollback(sid)
