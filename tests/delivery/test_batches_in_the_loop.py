"""Batches in the delivery loops: they take turns, stop at once, keep their hours, and people are asked about first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import time, timedelta
from typing import Any

import pytest
from django.utils import timezone

from messaging.appio import answers
from messaging.appio.client import Reply
from messaging.delivery import batches, claims, hours, loop, places, questions, settling, submission
from messaging.delivery.loop import DeliveryLoop
from messaging.delivery.scope import Scope
from messaging.delivery.senders import Call, Done
from messaging.delivery.work import Lanes, Question, Stage, Work
from messaging.enums import BatchStatus, DeliverySpeed, Lane, ReachabilityAnswer, Reason, RowState, Status
from messaging.models import (
    Batch,
    BatchCount,
    BatchRow,
    DailyCount,
    GatewayAccount,
    Institution,
    Message,
    Reachability,
    Recipient,
    Service,
)
from tests import cast
from tests.delivery.conftest import Desk, status_of, statuses
from tests.simulator_process import NOT_ON_IO, OPTED_OUT_OF_TRIBUTI, REGULAR

pytestmark = pytest.mark.django_db

Deliver = Callable[..., None]


def sending(desk: Desk, people: int, **kw: Any) -> Batch:
    """A batch on its way with so many messages, of whose people nothing is known."""
    batch = cast.make_batch(service=desk.service, author=desk.clerk, status=BatchStatus.SENDING)
    for row in range(2, people + 2):
        desk.message(lane=Lane.BATCH, batch=batch, row=row, **kw)
    BatchCount.objects.create(batch=batch, status=Status.QUEUED, count=people)
    Batch.objects.filter(pk=batch.pk).update(expanded_at=timezone.now(), rows_total=people, rows_good=people)
    batch.refresh_from_db()
    return batch


def claimed(desk: Desk, room: int, lanes: Lanes | None = None) -> Counter[int | None]:
    found = claims.claim(desk.account.pk, "me", lanes or Lanes(), room)
    return Counter(work.batch_id for work in found)


# Turns


def test_two_batches_share_the_room_evenly_and_what_one_leaves_goes_to_the_other(desk: Desk) -> None:
    big, small = sending(desk, 30), sending(desk, 3)
    assert claimed(desk, 16) == {big.pk: 13, small.pk: 3}


def test_a_small_batch_is_served_in_turns_with_a_big_one_that_was_there_first(desk: Desk) -> None:
    big, small = sending(desk, 12), sending(desk, 3)
    lanes = Lanes()
    for work in claims.claim(desk.account.pk, "me", lanes, 64):
        lanes.add(work)
    order = [work.batch_id for _ in range(6) if (work := lanes.next())]
    assert Counter(order) == {big.pk: 3, small.pk: 3}


def test_a_person_goes_first_during_a_batch(desk: Desk) -> None:
    sending(desk, 10)
    person = desk.message(REGULAR, known=True, lane=Lane.PERSON)
    lanes = Lanes()
    for work in claims.claim(desk.account.pk, "me", lanes, 64):
        lanes.add(work)
    first = lanes.next()
    assert isinstance(first, Work)
    assert first.message == person


# What may not send


@pytest.mark.parametrize("status", [BatchStatus.PAUSED, BatchStatus.CANCELLED, BatchStatus.READY, BatchStatus.FINISHED])
def test_messages_of_a_batch_that_does_not_send_are_no_work(desk: Desk, status: BatchStatus) -> None:
    batch = sending(desk, 3)
    assert claims.is_anything_due(desk.account.pk)
    Batch.objects.filter(pk=batch.pk).update(status=status)
    assert not claims.is_anything_due(desk.account.pk)
    assert claimed(desk, 16) == {}


def test_a_pause_in_the_middle_of_a_batch_bites_at_once_and_gives_the_leases_back(
    desk: Desk, deliver: Deliver, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch = sending(desk, 40, known=True)
    GatewayAccount.objects.update(calls=100, seconds=1)
    posted_at_pause: list[int] = []
    settle = settling.settle

    def settle_then_pause(group: Any, holder: str) -> Any:
        done = settle(group, holder)
        if group and not posted_at_pause:
            assert batches.pause(Batch.objects.get(pk=batch.pk), desk.clerk)
            posted_at_pause.append(Message.objects.exclude(status=Status.QUEUED).count())
        return done

    monkeypatch.setattr(settling, "settle", settle_then_pause)
    deliver(desk.account, 2)
    gone = posted_at_pause[0]
    assert 0 < gone < 40
    assert statuses() == {Status.ACCEPTED: gone, Status.QUEUED: 40 - gone}
    assert not Message.objects.exclude(leased_by="").exists()
    assert batches.resume(Batch.objects.get(pk=batch.pk), desk.clerk)
    deliver(desk.account)
    assert statuses().keys() <= {Status.ACCEPTED, Status.PROCESSED}
    assert list(desk.simulator.taken().values()) == [1] * 40


def test_what_is_leased_of_a_batch_that_was_paused_is_not_marked(desk: Desk) -> None:
    batch = sending(desk, 2, leased_by="me")
    Batch.objects.filter(pk=batch.pk).update(status=BatchStatus.PAUSED)
    ids = list(Message.objects.values_list("pk", flat=True))
    keys = {desk.service.pk: desk.service.keys.get()}
    assert submission.mark_sending(ids, holder="me", keys=keys, deadline=timezone.now()) == []
    assert statuses() == {Status.QUEUED: 2}


def test_what_a_person_has_queued_again_goes_although_its_batch_is_paused(desk: Desk, deliver: Deliver) -> None:
    batch = sending(desk, 1, known=True)
    Batch.objects.filter(pk=batch.pk).update(status=BatchStatus.PAUSED)
    Message.objects.update(lane=Lane.PERSON)
    deliver(desk.account, 2)
    assert statuses() == {Status.ACCEPTED: 1}


def test_fates_are_asked_about_while_the_batch_is_paused(desk: Desk) -> None:
    batch = sending(desk, 1)
    Batch.objects.filter(pk=batch.pk).update(status=BatchStatus.PAUSED)
    Message.objects.update(
        status=Status.ACCEPTED, lane=Lane.POLL, io_id="01K00000000000000000000001", accepted_at=timezone.now()
    )
    assert claims.is_anything_due(desk.account.pk)
    assert claimed(desk, 16) == {batch.pk: 1}


def test_outside_its_hours_an_institution_sends_no_batch_but_single_messages(
    desk: Desk, deliver: Deliver, monkeypatch: pytest.MonkeyPatch
) -> None:
    sending(desk, 3, known=True)
    person = desk.message(REGULAR, known=True)
    Institution.objects.update(polite_from=time(8), polite_until=time(20))
    monkeypatch.setattr(hours, "may_send_now", lambda institution, now=None: False)
    deliver(desk.account, 2)
    assert status_of(person) == Status.ACCEPTED
    assert statuses() == {Status.ACCEPTED: 1, Status.QUEUED: 3}
    assert not claims.is_anything_due(desk.account.pk)


def test_a_batch_is_finished_as_soon_as_nothing_of_it_moves(desk: Desk, deliver: Deliver) -> None:
    batch = cast.make_batch(service=desk.service, author=desk.clerk, status=BatchStatus.SENDING)
    desk.message(NOT_ON_IO, lane=Lane.BATCH, batch=batch, row=2)
    BatchCount.objects.create(batch=batch, status=Status.QUEUED, count=1)
    Batch.objects.filter(pk=batch.pk).update(expanded_at=timezone.now())
    deliver(desk.account, 3)
    batch.refresh_from_db()
    assert batch.status == BatchStatus.FINISHED
    assert batches.counts(batch) == {Status.UNREACHABLE: 1}


def test_who_was_found_not_to_be_reachable_today_costs_a_batch_no_call(desk: Desk, deliver: Deliver) -> None:
    batch = sending(desk, 1, known=True)
    Reachability.objects.update(answer=ReachabilityAnswer.OPTED_OUT)
    deliver(desk.account, 2)
    message = Message.objects.get()
    assert (message.status, message.changes.get().reason) == (Status.UNREACHABLE, Reason.OPTED_OUT)
    assert desk.simulator.meter()["calls"] == 0
    assert batches.counts(batch) == {Status.UNREACHABLE: 1}


# Asking about people before anything is sent


def asking(desk: Desk, codes: list[str], status: BatchStatus = BatchStatus.READY, **kw: Any) -> Batch:
    """A batch that is not sent yet, of whose people all are to be asked about."""
    batch = cast.make_batch(service=kw.pop("service", desk.service), author=desk.clerk, status=status, **kw)
    for number, code in enumerate(codes, start=2):
        recipient, _ = Recipient.objects.get_or_create(institution=batch.service.institution, fiscal_code=code)
        cast.make_batch_row(batch, number, recipient=recipient, ask_at=timezone.now())
    Batch.objects.filter(pk=batch.pk).update(rows_total=len(codes), rows_good=len(codes))
    batch.refresh_from_db()
    return batch


def figures(batch: Batch) -> tuple[int, int, int]:
    batch.refresh_from_db()
    rows = Counter(BatchRow.objects.filter(batch=batch, state=RowState.GOOD).values_list("reachability", flat=True))
    counted = (batch.rows_reachable, batch.rows_not_on_io, batch.rows_opted_out)
    assert counted == tuple(rows[answer] for answer in ReachabilityAnswer.values)
    return counted


@pytest.mark.parametrize(
    "status",
    [BatchStatus.NEEDS_ATTENTION, BatchStatus.READY, BatchStatus.AWAITING_APPROVAL, BatchStatus.SCHEDULED],
)
def test_the_people_of_a_batch_are_asked_about_before_it_is_sent(
    desk: Desk, deliver: Deliver, status: BatchStatus
) -> None:
    kw = {"declared_at": timezone.now(), "submitted_by": desk.clerk}
    batch = asking(desk, [REGULAR, NOT_ON_IO, OPTED_OUT_OF_TRIBUTI, *desk.codes[:5]], status, **kw)
    assert claims.is_anything_due(desk.account.pk)
    deliver(desk.account, 2)
    assert figures(batch) == (6, 1, 1)
    assert not BatchRow.objects.filter(ask_at__isnull=False).exists()
    assert not BatchRow.objects.exclude(leased_by="").exists()
    assert sum(desk.simulator.calls("profile").values()) == 8
    assert Reachability.objects.count() == 8
    assert desk.simulator.posts() == 0
    assert not claims.is_anything_due(desk.account.pk)


def test_a_person_in_two_rows_counts_twice(desk: Desk, deliver: Deliver) -> None:
    batch = asking(desk, [REGULAR, REGULAR])
    deliver(desk.account, 2)
    assert figures(batch) == (2, 0, 0)


def test_a_person_of_whom_io_has_just_spoken_is_not_asked_about(desk: Desk, deliver: Deliver) -> None:
    batch = asking(desk, [REGULAR])
    desk.know(Recipient.objects.get())
    deliver(desk.account, 2)
    assert figures(batch) == (1, 0, 0)
    assert desk.simulator.meter()["calls"] == 0


@pytest.mark.parametrize("status", [BatchStatus.SENDING, BatchStatus.PAUSED, BatchStatus.CANCELLED])
def test_nobody_is_asked_about_for_a_batch_in_another_status(desk: Desk, status: BatchStatus) -> None:
    batch = asking(desk, [REGULAR])
    Batch.objects.filter(pk=batch.pk).update(status=status, declared_at=timezone.now())
    assert not claims.is_anything_due(desk.account.pk)
    assert claimed(desk, 16) == {}


def test_on_trial_only_the_services_list_is_asked_about(desk: Desk, deliver: Deliver) -> None:
    batch = asking(desk, [REGULAR, desk.codes[0]])
    desk.service.allowed_recipients.create(fiscal_code=REGULAR, label="Laura")
    Service.objects.update(live=False)
    deliver(desk.account, 2)
    assert figures(batch) == (1, 0, 0)
    assert sum(desk.simulator.calls("profile").values()) == 1
    assert not claims.is_anything_due(desk.account.pk)


def test_asking_and_sending_take_turns(desk: Desk) -> None:
    going, asked = sending(desk, 20), asking(desk, desk.codes[:20])
    assert claimed(desk, 10) == {going.pk: 5, asked.pk: 5}


def test_while_the_account_is_paused_nobody_is_asked_about(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loop, "IDLE", 0.3)
    asking(desk, [REGULAR])
    GatewayAccount.objects.update(paused_at=timezone.now(), probe_at=timezone.now() + timedelta(hours=1), probe_wait=5)
    DeliveryLoop(desk.account.pk, lambda: False).run()
    assert desk.simulator.meter()["calls"] == 0


@pytest.mark.parametrize(
    ("fault", "paused"), [("unauthorised", True), ("forbidden", True), ("throttle", False), ("error-500", False)]
)
def test_a_question_without_an_answer_is_asked_again_later(
    desk: Desk, deliver: Deliver, fault: str, paused: bool
) -> None:
    batch = asking(desk, [REGULAR])
    desk.simulator.fault(fault, operations=["profile"], count=1)
    deliver(desk.account, 0.6)
    assert desk.service.pauses.exists() == paused
    assert figures(batch) == (0, 0, 0)
    row = BatchRow.objects.get()
    assert row.ask_at is not None
    assert row.leased_by == ""


def test_a_row_that_was_corrected_while_io_was_asked_keeps_no_answer_about_another(desk: Desk) -> None:
    batch = asking(desk, [REGULAR])
    (work,) = claims.claim(desk.account.pk, "me", Lanes(), 8)
    assert isinstance(work, Question)
    BatchRow.objects.update(recipient=cast.make_recipient(desk.service.institution))
    questions.settle([(work.row, ReachabilityAnswer.REACHABLE)])
    assert figures(batch) == (0, 0, 0)


def test_an_answer_that_is_settled_twice_counts_once(desk: Desk) -> None:
    batch = asking(desk, [REGULAR])
    (work,) = claims.claim(desk.account.pk, "me", Lanes(), 8)
    assert isinstance(work, Question)
    for _ in range(2):
        questions.settle([(work.row, ReachabilityAnswer.NOT_ON_IO)])
    assert figures(batch) == (0, 1, 0)


def test_leases_of_rows_are_given_back_and_taken_back(desk: Desk) -> None:
    asking(desk, desk.codes[:3])
    assert sum(claimed(desk, 8).values()) == 3
    assert not claims.is_anything_due(desk.account.pk)
    claims.give_back("me")
    assert sum(claimed(desk, 8).values()) == 3
    claims.take_back(places.holders())
    assert claims.is_anything_due(desk.account.pk)


def test_a_scope_knows_what_may_go(desk: Desk) -> None:
    going, asked = sending(desk, 1), asking(desk, [REGULAR])
    scope = Scope.of(desk.account.pk)
    assert (scope.sending, list(scope.asking)) == ([going.pk], [asked.pk])


# Groups


ANSWERS = [
    answers.Accepted("01K00000000000000000000{:03}"),
    answers.AcceptedWithoutId(),
    answers.Refused(answers.Cause.INVALID_CONTENT, answers.Owner.CLERK, 400, "no"),
    answers.Throttled(5),
    answers.NotSent("refused"),
    answers.Unanswered("time_out"),
]


def settled(desk: Desk, one_by_one: bool) -> dict[str, Any]:
    """What stands in the database after these answers to messages of a batch, apart from numbers and times."""
    batch = sending(desk, 2 * len(ANSWERS), leased_by="me")
    rows = Message.objects.filter(batch=batch)
    keys = {desk.service.pk: desk.service.keys.get()}
    deadline = timezone.now() + timedelta(minutes=1)
    ids = list(rows.values_list("pk", flat=True))
    groups = [[pk] for pk in ids] if one_by_one else [ids]
    leaving = [
        one for group in groups for one in submission.mark_sending(group, holder="me", keys=keys, deadline=deadline)
    ]
    works = [Work(message, Stage.SUBMIT, Lane.BATCH) for message, _ in leaving]
    for place, work in enumerate(works):
        work.message.service = desk.service
        # Some had become uncertain before their answers came.
        if place >= len(ANSWERS):
            submission.give_up_waiting([Message.objects.get(pk=work.message.pk)])
    done = [heard(work, ANSWERS[place % len(ANSWERS)], batch, place) for place, work in enumerate(works)]
    for group in [[one] for one in done] if one_by_one else [done]:
        settling.settle(group, "me")
    waits = [row.next_attempt_at and round((row.next_attempt_at - row.changed_at).total_seconds()) for row in rows]
    stories = [
        list(row.changes.order_by("id").values_list("from_status", "to_status", "reason", "attempt_number", "detail"))
        for row in rows.order_by("pk")
    ]
    attempts = [
        list(row.attempts.values_list("number", "outcome", "http_status", "title", "io_id"))
        for row in rows.order_by("pk")
    ]
    columns = ("status", "lane", "attempt_number", "failures_in_a_row", "refusal_cause", "leased_by", "polls")
    return {
        "rows": list(rows.order_by("pk").values_list(*columns)),
        "waits": waits,
        "stories": stories,
        "attempts": [[(*attempt[:4], bool(attempt[4])) for attempt in found] for found in attempts],
        "counts": {status: count for status, count in batches.counts(batch).items() if count},
        "days": {row.status: row.count for row in DailyCount.objects.filter(service=desk.service).exclude(count=0)},
    }


def heard(work: Work, answer: Any, batch: Batch, place: int) -> Done:
    if isinstance(answer, answers.Accepted):
        answer = answers.Accepted(f"01K{batch.pk:020}{place:03}")
    call = Call(work=work, stage=Stage.SUBMIT, key="", fiscal_code=work.fiscal_code, payload={}, io_id="")
    return Done(call, Reply(answer, None, 201, 0.01))


def test_a_group_is_settled_as_its_messages_would_be_one_by_one(desk: Desk) -> None:
    together, alone = settled(desk, False), settled(desk, True)
    # The days count both batches in the end.
    days = together.pop("days")
    assert alone.pop("days") == {status: 2 * count for status, count in days.items()}
    assert together == alone
    assert together["counts"] == dict(Counter(row[0] for row in together["rows"]))


def test_answers_about_people_are_kept_in_a_group_as_one_by_one(desk: Desk) -> None:
    """The same person twice in a group is one answer, and what was known before is replaced."""
    batch = sending(desk, 3, leased_by="me")
    first, second, third = Message.objects.select_related("service__institution", "recipient").order_by("pk")
    Message.objects.filter(pk=second.pk).update(recipient=first.recipient)
    assert first.recipient is not None
    second.recipient = first.recipient
    Reachability.objects.create(
        recipient=first.recipient,
        service=desk.service,
        answer=ReachabilityAnswer.OPTED_OUT,
        asked_at=timezone.now() - timedelta(days=2),
    )
    there, gone = answers.Profile(True, ("it_IT",)), answers.NoProfile()
    group = []
    for message, answer in ((first, there), (second, there), (third, gone)):
        call = Call(Work(message, Stage.CHECK, Lane.BATCH), Stage.CHECK, "", "", {}, "")
        group.append(Done(call, Reply(answer, None, 200, 0.01)))
    go_on = settling.settle(group, "me")
    assert [work.message.pk for work in go_on] == [first.pk, second.pk]
    assert dict(Reachability.objects.values_list("recipient", "answer")) == {
        first.recipient_id: ReachabilityAnswer.REACHABLE,
        third.recipient_id: ReachabilityAnswer.NOT_ON_IO,
    }
    assert batches.counts(batch) == {Status.QUEUED: 2, Status.UNREACHABLE: 1}


def test_final_words_are_settled_in_a_group(desk: Desk) -> None:
    batch = sending(desk, 4)
    BatchCount.objects.filter(batch=batch).update(status=Status.ACCEPTED)
    for number, message in enumerate(Message.objects.all()):
        Message.objects.filter(pk=message.pk).update(
            status=Status.ACCEPTED, io_id=f"01K{number:023}", accepted_at=timezone.now() - timedelta(seconds=20)
        )
    words = ["PROCESSED", "PROCESSED", "REJECTED", "THROTTLED"]
    group = []
    for message, word in zip(Message.objects.select_related("service").order_by("pk"), words, strict=True):
        call = Call(Work(message, Stage.POLL, Lane.POLL), Stage.POLL, "", "", {}, "")
        group.append(Done(call, Reply(answers.MessageState(word), None, 200, 0.01)))
    settling.settle(group, "me")
    assert batches.counts(batch) == {Status.PROCESSED: 2, Status.REJECTED: 1, Status.ACCEPTED: 1}
    delivered = Message.objects.filter(status=Status.PROCESSED)
    assert set(delivered.values_list("delivery_speed", flat=True)) == {DeliverySpeed.MINUTE}
