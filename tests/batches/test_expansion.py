"""A batch that was sent becomes messages: each good row exactly one, whatever interrupts it."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

import pytest
from django.db import IntegrityError
from django.utils import timezone

from messaging.batches import expansion, work
from messaging.delivery import approval, batches, seal
from messaging.enums import BatchStatus, ReachabilityAnswer, Reason, RowState, Status
from messaging.models import (
    Batch,
    BatchRow,
    ContentFingerprint,
    DailyCount,
    Installation,
    Message,
    Reachability,
    StatusChange,
)
from tests import cast

pytestmark = pytest.mark.django_db


def sent_batch(people: int = 5, **columns: object) -> Batch:
    """A batch that its clerk has sent."""
    batch = cast.make_batch(people=people, **columns)
    assert batches.submit(batch, batch.author, declared=True)
    return batch


def always() -> bool:
    return True


def expand(batch: Batch) -> None:
    expansion.expand(batch, always)
    batch.refresh_from_db()


def what_became_of(batch: Batch) -> Counter[str]:
    """Every row of the file by its one outcome: a message's status, or the row's own state."""
    messages = Counter(Message.objects.filter(batch=batch).values_list("status", flat=True))
    return messages + Counter(
        BatchRow.objects.filter(batch=batch).exclude(state="good").values_list("state", flat=True)
    )


def test_each_good_row_becomes_one_queued_message_with_its_own_words() -> None:
    batch = sent_batch(3)
    expand(batch)
    first = Message.objects.get(batch=batch, row=2)
    assert (first.status, first.lane) == (Status.QUEUED, 2)
    assert "Gentile Persona 2," in first.body
    assert first.recipient == BatchRow.objects.get(batch=batch, number=2).recipient
    assert batches.counts(batch) == {Status.QUEUED: 3}
    assert DailyCount.objects.get(service=batch.service).count == 3
    assert list(StatusChange.objects.filter(message=first).values_list("reason", flat=True)) == [Reason.QUEUED]
    assert batch.expanded_at is not None


def test_expanding_again_changes_nothing() -> None:
    batch = sent_batch(3)
    expand(batch)
    Batch.objects.filter(pk=batch.pk).update(expanded_at=None, expanded_to=4)
    batch.refresh_from_db()
    expand(batch)
    assert Message.objects.filter(batch=batch).count() == 3
    assert batches.counts(batch) == {Status.QUEUED: 3}


def test_the_database_itself_refuses_a_second_message_of_a_row() -> None:
    batch = sent_batch(1)
    expand(batch)
    with pytest.raises(IntegrityError):
        cast.make_message(service=batch.service, batch=batch, row=2)


def test_an_interruption_between_groups_is_taken_up_where_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(expansion, "GROUP", 2)
    batch = sent_batch(5)
    answers = iter([True, False])
    expansion.expand(batch, lambda: next(answers))
    assert Message.objects.filter(batch=batch).count() == 2
    batch = Batch.objects.get(pk=batch.pk)
    expand(batch)
    assert batches.counts(batch) == {Status.QUEUED: 5}


def test_who_cannot_be_reached_gets_a_final_outcome_and_no_call() -> None:
    batch = cast.make_batch(people=2)
    row = BatchRow.objects.get(batch=batch, number=3)
    Reachability.objects.create(
        recipient=row.recipient, service=batch.service, answer=ReachabilityAnswer.OPTED_OUT, asked_at=timezone.now()
    )
    batches.submit(batch, batch.author, declared=True)
    expand(batch)
    assert batches.counts(batch) == {Status.QUEUED: 1, Status.UNREACHABLE: 1}
    assert Message.objects.get(batch=batch, row=3).next_attempt_at is None


def test_an_old_answer_about_a_person_is_asked_anew_at_delivery() -> None:
    batch = cast.make_batch(people=1)
    asked_at = timezone.now() - timedelta(hours=13)
    Reachability.objects.create(
        recipient=batch.rows.get().recipient, service=batch.service, answer="not_on_io", asked_at=asked_at
    )
    batches.submit(batch, batch.author, declared=True)
    expand(batch)
    assert batches.counts(batch) == {Status.QUEUED: 1}


def test_what_was_sent_between_check_and_sending_is_not_sent_again() -> None:
    first = sent_batch(2)
    second = cast.make_batch(service=first.service, author=first.author)
    for row in first.rows.order_by("number"):
        cast.make_batch_row(second, row.number, recipient=row.recipient, cells=row.cells)
    cast.make_batch_row(second, 9)
    Batch.objects.filter(pk=second.pk).update(rows_total=3, rows_good=3)
    second.refresh_from_db()
    batches.submit(second, second.author, declared=True)
    expand(first)
    expand(second)
    assert what_became_of(second) == {RowState.REPEATED: 2, Status.QUEUED: 1}
    assert (second.rows_good, second.rows_repeated) == (1, 2)
    assert second.rows.get(number=2).repeats == Message.objects.get(batch=first, row=2)


def test_with_a_reason_the_same_content_goes_again() -> None:
    first = sent_batch(1)
    expand(first)
    row = first.rows.get()
    second = cast.make_batch(service=first.service, author=first.author)
    cast.make_batch_row(second, 2, recipient=row.recipient, cells=row.cells, state=RowState.REPEATED)
    Batch.objects.filter(pk=second.pk).update(rows_total=1, rows_repeated=1)
    second.refresh_from_db()
    batches.submit(second, second.author, declared=True, repeat_reason="La prima era incompleta")
    expand(second)
    assert batches.counts(second) == {Status.QUEUED: 1}
    again = Message.objects.get(batch=second)
    assert set(ContentFingerprint.objects.values_list("message", flat=True)) == {again.pk}


def test_a_single_message_cannot_repeat_what_a_batch_has_just_sent() -> None:
    batch = sent_batch(1)
    expand(batch)
    sent = Message.objects.get(batch=batch)
    again = cast.make_message(
        service=batch.service, status=Status.DRAFT, recipient=sent.recipient, subject=sent.subject, body=sent.body
    )
    with pytest.raises(approval.AlreadySent):
        approval.send(again, again.author)


def test_rows_changed_behind_the_approvers_back_send_nothing() -> None:
    batch = sent_batch(2)
    BatchRow.objects.filter(batch=batch, number=3).update(cells=["X", "Un’altra persona"])
    expand(batch)
    assert batch.status == BatchStatus.READY
    assert not Message.objects.filter(batch=batch).exists()


def test_the_template_may_change_while_the_batch_waits() -> None:
    template = cast.make_template(cast.make_service())
    batch = sent_batch(1, service=template.service, template=template)
    template.body = "Tutt’altro."
    template.save()
    expand(batch)
    assert "Gentile Persona 2," in Message.objects.get(batch=batch).body


def test_a_batch_cancelled_before_its_messages_exist_ends_with_every_row_cancelled() -> None:
    batch = sent_batch(3)
    assert batches.cancel(batch, batch.author)
    work.work_on(batch.pk, lambda: False)
    batch.refresh_from_db()
    assert batches.counts(batch) == {Status.CANCELLED: 3}


def test_cancelling_stops_what_is_queued_and_leaves_what_has_left() -> None:
    batch = sent_batch(3)
    expand(batch)
    Message.objects.filter(batch=batch, row=2).update(status=Status.PROCESSED, next_attempt_at=None, io_id="01K")
    assert batches.cancel(batch, batch.author)
    work.work_on(batch.pk, lambda: False)
    assert what_became_of(batch) == {Status.PROCESSED: 1, Status.CANCELLED: 2}


def test_two_workers_do_not_work_on_one_batch_at_once() -> None:
    batch = sent_batch(2)
    with work.held(batch.pk) as mine:
        assert mine is not None
        work.work_on(batch.pk, lambda: False)
        assert not Message.objects.filter(batch=batch).exists()
    work.work_on(batch.pk, lambda: False)
    assert Message.objects.filter(batch=batch).count() == 2


def test_what_a_dead_worker_held_is_taken_up_after_its_lease() -> None:
    batch = sent_batch(1)
    past = timezone.now() - timedelta(seconds=1)
    Batch.objects.filter(pk=batch.pk).update(worked_by="dead", worked_until=past)
    assert list(work.waiting()) == [batch]
    work.work_on(batch.pk, lambda: False)
    assert batches.counts(batch) == {Status.QUEUED: 1}
    assert not work.waiting().exists()


def test_a_restored_copy_makes_no_messages_of_a_batch_until_a_person_says_so() -> None:
    batch = sent_batch(2)
    Installation.objects.update_or_create(pk=1, defaults={"held_at": timezone.now()})
    work.work_on(batch.pk, lambda: False)
    assert not Message.objects.filter(batch=batch).exists()
    seal.release(batch.author, "ripresa da ieri", queued_may_have_left=True)
    batch.refresh_from_db()
    assert batch.status == BatchStatus.PAUSED
    assert batches.resume(batch, batch.author)
    work.work_on(batch.pk, lambda: False)
    assert batches.counts(batch) == {Status.QUEUED: 2}


def test_an_hour_that_may_have_come_before_the_restore_is_asked_for_again() -> None:
    batch = cast.make_batch(status=BatchStatus.SCHEDULED, starts_at=timezone.now() - timedelta(hours=1))
    seal.release(batch.author, "", queued_may_have_left=True)
    batch.refresh_from_db()
    assert batch.status == BatchStatus.READY
