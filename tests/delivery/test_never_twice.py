"""Nobody gets a message twice: loops side by side, tasks repeated, answers late or lost, crashes between commits."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from django.db import OperationalError, connection
from django.utils import timezone

from messaging.appio import answers
from messaging.delivery import budget, loop, places, resolution, seal, senders, settling, submission
from messaging.delivery.loop import DeliveryLoop
from messaging.delivery.moves import Moves
from messaging.enums import AttemptOutcome, Lane, Reason, Status
from messaging.models import DeliveryLoop as Place
from messaging.models import GatewayAccount, Message
from messaging.tasks import deliver as deliver_task
from messaging.tasks import sweep as sweep_task
from tests.delivery.conftest import Desk, status_of, statuses
from tests.delivery.test_budget import largest_window
from tests.simulator_process import NOT_ON_IO, REGULAR

Deliver = Callable[..., None]


def side_by_side(*jobs: Callable[[], Any]) -> None:
    """Run jobs in threads of their own, each with its database connection; a failure of any is a failure."""
    failures: list[BaseException] = []

    def run(job: Callable[[], Any]) -> None:
        try:
            job()
        except BaseException as failure:
            failures.append(failure)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(job,)) for job in jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not failures, failures
    assert not any(thread.is_alive() for thread in threads)


def let_the_loop_die_where(monkeypatch: pytest.MonkeyPatch, module: Any, name: str) -> None:
    """A power cut at this point of the loop: nothing after it is done, and no answer is heard any more."""

    def stop(*args: object, **kwargs: object) -> None:
        raise PowerCut

    monkeypatch.setattr(module, name, stop)
    monkeypatch.setattr(DeliveryLoop, "_finish", lambda self, slot: self.senders.stop())


class PowerCut(Exception):
    """The process ends here."""


@contextmanager
def power_is_back(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Everything works again, and the dead loop's place has run out."""
    monkeypatch.undo()
    Place.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    yield


@pytest.mark.django_db(transaction=True)
def test_two_loops_at_once_post_each_of_sixty_messages_once_and_stay_within_the_limit(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loop, "IDLE", 0.3)
    lease, permits = budget.lease, []

    def noted(*args: Any, **kwargs: Any) -> budget.Grant:
        grant = lease(*args, **kwargs)
        permits.extend(grant.starts)
        return grant

    monkeypatch.setattr(budget, "lease", noted)
    desk.simulator.tune(limit="30/1", latency_ms=30, jitter_ms=20)
    GatewayAccount.objects.update(calls=30, seconds=1)
    desk.messages(60)
    side_by_side(*[DeliveryLoop(desk.account.pk, lambda: False).run for _ in range(2)])
    assert statuses() == {Status.ACCEPTED: 60}
    assert set(desk.simulator.taken().values()) == {1}
    assert largest_window(permits, 1.0) <= 30
    # On a machine so busy that a call arrives later than the margin after its permit, IO may refuse one or two.
    meter, answered = desk.simulator.meter(), desk.simulator.calls("submit")
    assert answered["201"] == 60
    assert set(answered) <= {"201", "429"}
    assert meter["throttled"] <= 2
    assert meter["largest_window"] <= 30 + meter["throttled"]


@pytest.mark.django_db(transaction=True)
def test_two_loops_over_the_same_messages_share_the_work(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loop, "IDLE", 0.3)
    desk.simulator.tune(latency_ms=60)
    desk.messages(120)
    side_by_side(*[DeliveryLoop(desk.account.pk, lambda: False).run for _ in range(2)])
    assert statuses() == {Status.ACCEPTED: 120}
    assert desk.simulator.posts() == 120


@pytest.mark.django_db(transaction=True)
def test_tasks_that_come_again_and_in_any_order_change_nothing(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loop, "IDLE", 0.3)
    desk.messages(15)
    task = lambda: deliver_task(desk.account.pk)  # noqa: E731
    side_by_side(task, sweep_task, task, task, sweep_task, task)
    side_by_side(sweep_task, task, task)
    assert statuses() == {Status.ACCEPTED: 15}
    assert desk.simulator.posts() == 15


@pytest.mark.django_db(transaction=True)
def test_a_task_for_an_account_that_is_no_more_does_nothing() -> None:
    deliver_task(987_654)


@pytest.mark.django_db
def test_a_message_is_marked_once_however_often_it_is_asked_for(desk: Desk) -> None:
    message = desk.message(leased_by="me")
    keys = {desk.service.pk: desk.service.keys.get()}
    deadline = timezone.now() + timedelta(minutes=1)
    first = submission.mark_sending([message.pk], holder="me", keys=keys, deadline=deadline)
    second = submission.mark_sending([message.pk], holder="me", keys=keys, deadline=deadline)
    assert [leaving.message.pk for leaving in first] == [message.pk]
    assert second == []
    assert message.attempts.count() == 1


@pytest.mark.django_db
def test_a_message_leased_by_another_loop_is_not_marked(desk: Desk) -> None:
    message = desk.message(leased_by="another")
    keys = {desk.service.pk: desk.service.keys.get()}
    assert submission.mark_sending([message.pk], holder="me", keys=keys, deadline=timezone.now()) == []
    assert status_of(message) == Status.QUEUED


# Late answers


def uncertain_after_its_deadline(desk: Desk) -> Message:
    message = desk.message(REGULAR, leased_by="me")
    keys = {desk.service.pk: desk.service.keys.get()}
    (leaving,) = submission.mark_sending([message.pk], holder="me", keys=keys, deadline=timezone.now())
    assert submission.give_up_waiting([Message.objects.get(pk=message.pk)]) == 1
    return leaving.message


def hear(message: Message, answer: Any, status: int | None = 201) -> None:
    with Moves() as moves:
        submission.settle(moves, message, answer, status)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("answer", "status"),
    [
        (answers.Accepted("01K00000000000000000000001"), Status.ACCEPTED),
        (answers.AcceptedWithoutId(), Status.CONFIRMED),
        (answers.Refused(answers.Cause.INVALID_CONTENT, answers.Owner.CLERK, 400, "no"), Status.REFUSED),
        (answers.Throttled(5), Status.QUEUED),
        (answers.Unanswered("time_out"), Status.UNCERTAIN),
    ],
)
def test_a_late_answer_settles_an_uncertain_message(desk: Desk, answer: Any, status: Status) -> None:
    message = uncertain_after_its_deadline(desk)
    hear(message, answer)
    assert status_of(message) == status
    assert message.attempts.get().outcome


@pytest.mark.django_db
def test_a_late_acceptance_takes_back_a_message_that_a_person_had_just_queued_again(desk: Desk) -> None:
    message = uncertain_after_its_deadline(desk)
    resolution.send_again(Message.objects.get(pk=message.pk), desk.supervisor, "il cittadino non lo vede")
    hear(message, answers.Accepted("01K00000000000000000000001"))
    assert status_of(message) == Status.ACCEPTED
    assert submission.mark_sending([message.pk], holder="", keys={}, deadline=timezone.now()) == []


@pytest.mark.django_db
def test_a_late_refusal_leaves_alone_what_a_person_has_queued_again(desk: Desk) -> None:
    message = uncertain_after_its_deadline(desk)
    resolution.send_again(Message.objects.get(pk=message.pk), desk.supervisor, "di nuovo")
    hear(message, answers.Refused(answers.Cause.UNKNOWN, answers.Owner.CLERK, 400, "no"), 400)
    assert status_of(message) == Status.QUEUED


@pytest.mark.django_db
def test_an_answer_to_the_first_attempt_is_recorded_but_does_not_move_the_second(desk: Desk) -> None:
    first = uncertain_after_its_deadline(desk)
    again = Message.objects.get(pk=first.pk)
    resolution.send_again(again, desk.supervisor, "di nuovo")
    Message.objects.update(leased_by="me")
    keys = {desk.service.pk: desk.service.keys.get()}
    assert submission.mark_sending([again.pk], holder="me", keys=keys, deadline=timezone.now())
    hear(first, answers.Accepted("01K00000000000000000000001"))
    assert status_of(first) == Status.SENDING
    assert again.attempts.get(number=1).outcome == AttemptOutcome.ACCEPTED
    assert again.attempts.get(number=2).outcome == ""


@pytest.mark.django_db
@pytest.mark.parametrize("decide", [resolution.confirm_arrival, resolution.give_up])
def test_a_late_answer_is_recorded_but_does_not_undo_what_a_person_decided(desk: Desk, decide: Any) -> None:
    message = uncertain_after_its_deadline(desk)
    decide(Message.objects.get(pk=message.pk), desk.supervisor, "deciso")
    decided = status_of(message)
    hear(message, answers.Accepted("01K00000000000000000000001"))
    assert status_of(message) == decided
    assert message.attempts.get().outcome == AttemptOutcome.ACCEPTED


# Crashes between two commits


@pytest.mark.django_db
def test_a_loop_that_dies_before_the_intention_leaves_the_message_queued_and_it_goes_once(
    desk: Desk, deliver: Deliver
) -> None:
    with pytest.MonkeyPatch.context() as monkeypatch:
        message = desk.message(REGULAR, known=True)
        let_the_loop_die_where(monkeypatch, submission, "mark_sending")
        with pytest.raises(PowerCut):
            DeliveryLoop(desk.account.pk, lambda: False).run()
        assert status_of(message) == Status.QUEUED
        with power_is_back(monkeypatch):
            sweep_task()
            deliver(desk.account)
    assert status_of(message) == Status.ACCEPTED
    assert desk.simulator.posts() == 1


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("module", "name", "posts"),
    [(seal, "advance", 0), (senders.Senders, "start", 0), (settling, "settle", 1)],
    ids=["before the seal", "before the POST", "before the answer is committed"],
)
def test_a_loop_that_dies_after_the_intention_leaves_the_message_uncertain_and_it_never_goes_again(
    desk: Desk, deliver: Deliver, module: Any, name: str, posts: int
) -> None:
    with pytest.MonkeyPatch.context() as monkeypatch:
        message = desk.message(REGULAR, known=True)
        assert not seal.is_held()
        dying = DeliveryLoop(desk.account.pk, lambda: False)
        if module is settling:
            original, settle = settling.settle, []

            def settle_nothing_but_emptiness(group: list[Any], holder: str) -> list[Any]:
                if group:
                    settle.append(group)
                    raise PowerCut
                return original(group, holder)

            monkeypatch.setattr(DeliveryLoop, "_finish", lambda self, slot: self.senders.stop())
            monkeypatch.setattr(settling, "settle", settle_nothing_but_emptiness)
        else:
            let_the_loop_die_where(monkeypatch, module, name)
        with pytest.raises(PowerCut):
            dying.run()
        assert status_of(message) == Status.SENDING
        with power_is_back(monkeypatch):
            for _ in range(4):
                sweep_task()
                deliver(desk.account, 0.4)
    assert status_of(message) == Status.UNCERTAIN
    assert desk.simulator.posts() == posts
    assert len(desk.simulator.ledger(REGULAR)) == posts


@pytest.mark.django_db
def test_answers_wait_for_a_database_that_is_away_and_none_is_lost(
    desk: Desk, deliver: Deliver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each kind of answer fails once when it is to be committed, after the message has moved in memory."""
    known, unknown = desk.message(REGULAR, known=True), desk.message(NOT_ON_IO)
    written, failed = Moves._write, set()

    def fail_once(self: Moves) -> None:
        statuses = {change.to_status for change in self._changes} & {Status.ACCEPTED, Status.UNREACHABLE}
        if statuses - failed:
            failed.update(statuses)
            raise OperationalError("the server closed the connection unexpectedly")
        written(self)

    monkeypatch.setattr(Moves, "_write", fail_once)
    monkeypatch.setattr(settling.connection, "close", lambda: None)
    deliver(desk.account)
    assert failed == {Status.ACCEPTED, Status.UNREACHABLE}
    assert (status_of(known), status_of(unknown)) == (Status.ACCEPTED, Status.UNREACHABLE)
    assert desk.simulator.posts() == 1
    assert desk.simulator.calls("profile") == {"404": 1}


@pytest.mark.django_db
def test_one_answer_that_cannot_be_settled_takes_no_other_one_along(
    desk: Desk, deliver: Deliver, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.simulator.tune(latency_ms=200)
    bad, good = desk.message(known=True), [desk.message(known=True) for _ in range(3)]
    settle = submission.settle_taken

    def fail_for_one(moves: Moves, taken: list[submission.Taken]) -> list[submission.Taken]:
        if any(one.message.pk == bad.pk for one in taken):
            raise ValueError("a mistake of ours")
        return settle(moves, taken)

    monkeypatch.setattr(submission, "settle_taken", fail_for_one)
    deliver(desk.account, 2)
    assert [status_of(message) for message in good] == [Status.ACCEPTED] * 3
    assert status_of(bad) == Status.SENDING
    Message.objects.filter(pk=bad.pk).update(sending_deadline=timezone.now())
    sweep_task()
    assert status_of(bad) == Status.UNCERTAIN
    assert desk.simulator.posts() == 4


@pytest.mark.django_db
def test_a_mistake_in_the_client_after_the_intention_is_uncertain(
    desk: Desk, deliver: Deliver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loop.Client, "submit", lambda *args: 1 / 0)
    message = desk.message(known=True)
    deliver(desk.account, 2)
    assert status_of(message) == Status.UNCERTAIN


@pytest.mark.django_db
def test_a_call_that_would_start_too_late_for_its_deadline_is_not_made(
    desk: Desk, deliver: Deliver, monkeypatch: pytest.MonkeyPatch
) -> None:
    message = desk.message(known=True)
    make = senders._make
    late: list[senders.Call] = []

    def wake_up_late(client: Any, call: senders.Call) -> Any:
        if not late:
            late.append(call)
            call.start_by = 0.0
        return make(client, call)

    monkeypatch.setattr(senders, "_make", wake_up_late)
    deliver(desk.account)
    assert status_of(message) == Status.ACCEPTED
    assert list(message.attempts.order_by("number").values_list("outcome", flat=True)) == [
        AttemptOutcome.NOT_SENT,
        AttemptOutcome.ACCEPTED,
    ]
    assert desk.simulator.posts() == 1
    assert GatewayAccount.objects.get().faults_in_a_row == 0


@pytest.mark.django_db
def test_what_a_loop_has_leased_and_not_begun_is_due_again_when_it_stops(
    desk: Desk, deliver: Deliver, monkeypatch: pytest.MonkeyPatch
) -> None:
    messages = desk.messages(20)
    GatewayAccount.objects.update(calls=1, seconds=60)
    stop = threading.Event()
    claimed: list[Any] = []
    dispatch = DeliveryLoop._dispatch

    def look_then_stop(self: DeliveryLoop) -> None:
        claimed.append(Message.objects.exclude(leased_by="").count())
        dispatch(self)
        stop.set()

    monkeypatch.setattr(DeliveryLoop, "_dispatch", look_then_stop)
    DeliveryLoop(desk.account.pk, stop.is_set).run()
    assert claimed[0] == len(messages)
    assert not Message.objects.exclude(leased_by="").exists()
    assert not Message.objects.filter(status=Status.QUEUED, next_attempt_at__gt=timezone.now()).exists()
    assert places.has_free_place(desk.account.pk)


@pytest.mark.django_db
def test_the_story_of_a_message_names_each_attempt(desk: Desk, deliver: Deliver) -> None:
    message = desk.message(REGULAR, known=True, lane=Lane.PERSON)
    desk.simulator.fault("accept-then-drop", count=1)
    deliver(desk.account)
    message.refresh_from_db()
    assert resolution.send_again(message, desk.supervisor, "non si vede sul telefono")
    deliver(desk.account)
    story = message.changes.order_by("id").values_list("reason", "attempt_number", "actor")
    assert list(story) == [
        (Reason.SENT, 1, None),
        (Reason.NO_ANSWER, 1, None),
        (Reason.SENT_AGAIN, 1, desk.supervisor.pk),
        (Reason.SENT, 2, None),
        (Reason.TAKEN, 2, None),
    ]
    assert len(desk.simulator.ledger(REGULAR)) == 2
