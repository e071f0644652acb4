from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone

from messaging.batches import checking, corrections, expansion, plans
from messaging.batches.repeats import RepeatFinder
from messaging.delivery import approval, batches, content
from messaging.enums import BatchStatus, FeatureLevel, Status
from messaging.models import Batch, BatchRow, ContentFingerprint, Message
from tests import cast
from tests.batches import folders
from tests.batches.conftest import Office, csv_of, never, notice, person_row, states

AddsUp = Callable[[Batch], None]


def messages_of(batch: Batch) -> list[Message]:
    """The messages that the good rows of a batch become, not saved."""
    plan = plans.plan_of(batch)
    rows = BatchRow.objects.filter(batch=batch, state="good").select_related("recipient").order_by("number")
    made = []
    for row in rows:
        message = plans.message_of(batch, row, plans.checked(row, plan), plan)
        message.recipient = row.recipient
        made.append(message)
    return made


def send(batch: Batch, **columns: object) -> list[Message]:
    """The batch has been sent, in short: its messages and what is remembered of them."""
    made = messages_of(batch)
    for message in made:
        now = timezone.now()
        message.status, message.queued_at, message.io_id = Status.PROCESSED, now, cast.make_fiscal_code() + "X" * 10
        for name, value in columns.items():
            setattr(message, name, value)
        message.save()
        for digest in content.fingerprints(message):
            ContentFingerprint.objects.create(digest=digest, message=message, seen_at=now)
    return made


@pytest.mark.parametrize("advanced", [False, True])
def test_a_row_has_the_fingerprints_of_the_message_that_it_becomes(office: Office, advanced: bool) -> None:
    office.template.buttons = [
        {"text_it": "Vedi ((nome))", "text_en": "See", "kind": "web", "target": "https://example.it/((nome))"}
    ]
    office.template.save()
    batch = office.checked(csv_of(person_row(1), person_row(2, nome="Nicco*lò D’Angelo")))
    if advanced:
        Batch.objects.filter(pk=batch.pk).update(
            feature_level=FeatureLevel.ADVANCED,
            require_secure_channels=True,
            invalid_after_due_date=True,
            payee="01234567890",
        )
        batch.refresh_from_db()
    plan = plans.plan_of(batch)
    finder = RepeatFinder(batch, plan)
    rows = BatchRow.objects.filter(batch=batch).order_by("number")
    found = [finder.fingerprints(plans.checked(row, plan)) for row in rows]
    assert found == [content.fingerprints(message) for message in messages_of(batch)]
    assert len(found[0]) == 2


def test_a_row_whose_text_is_fetched_has_the_fingerprints_of_the_message_that_is_born_of_it(office: Office) -> None:
    template = folders.make_ready(office)
    template.buttons = [
        {"text_it": "Vedi ((nome))", "text_en": "See *", "kind": "web", "target": "https://example.it/((nome))"}
    ]
    template.save()
    several = folders.row(3, attachment="esito-2.pdf; esito-1; ESITO-2.PDF")
    lines = [folders.row(1), folders.row(2, "Ugo * D’Angelo"), several]
    files = {f"esito-{number}.pdf": folders.a_pdf(number) for number in (1, 2)}
    batch = folders.checked(office, template, folders.sheet(*lines), files)
    plan = plans.plan_of(batch)
    rows = list(BatchRow.objects.filter(batch=batch).order_by("number"))
    plans.look_up_files(plan, [one.cells for one in rows])
    finder = RepeatFinder(batch, plan)
    found = [finder.fingerprints(plans.checked(one, plan)) for one in rows]
    assert batches.submit(batch, office.clerk, declared=True)
    expansion.expand(batch, lambda: True)
    born = list(Message.objects.filter(batch=batch).order_by("row"))
    assert len(born) == 3
    assert all(message.buttons for message in born)
    assert found == [content.fingerprints(message) for message in born]
    kept = ContentFingerprint.objects.filter(message__batch=batch).order_by("message__row")
    assert [[one.digest] for one in kept] == found


def test_other_buttons_make_a_fetched_text_another(office: Office) -> None:
    template = folders.make_ready(office)
    template.buttons = [{"text_it": "Vedi", "text_en": "See", "kind": "web", "target": "https://example.it/a"}]
    template.save()
    files = {"esito-1.pdf": folders.a_pdf(1)}
    batch = folders.checked(office, template, folders.sheet(folders.row(1)), files)
    assert batches.submit(batch, office.clerk, declared=True)
    expansion.expand(batch, lambda: True)
    assert states(folders.checked(office, template, folders.sheet(folders.row(1)), files)) == {2: "repeated"}
    template.buttons[0]["target"] = "https://example.it/b"
    template.save()
    assert states(folders.checked(office, template, folders.sheet(folders.row(1)), files)) == {2: "good"}


def test_what_was_sent_in_the_last_days_is_marked_with_the_message(office: Office, adds_up: AddsUp) -> None:
    sent = send(office.checked(csv_of(person_row(1), person_row(2))))
    batch = office.checked(csv_of(person_row(2), person_row(3)), "altro.csv")
    assert states(batch) == {2: "repeated", 3: "good"}
    assert BatchRow.objects.get(batch=batch, number=2).repeats == sent[1]
    assert (batch.status, batch.rows_repeated, batch.amount_total) == (BatchStatus.READY, 1, 14_850)
    adds_up(batch)


def test_the_same_notice_with_another_text_is_a_repeat_too(office: Office) -> None:
    send(office.checked(csv_of(person_row(1))))
    assert states(office.checked(csv_of(person_row(1, nome="Lara")))) == {2: "repeated"}
    assert states(office.checked(csv_of(person_row(2, numero_avviso=notice(1))))) == {2: "good"}


def test_the_same_text_without_a_notice_is_a_repeat(office: Office) -> None:
    rows = csv_of([cast.make_fiscal_code(1), "Ugo"], header=["cf", "nome"])
    send(office.checked(rows, template=office.greeting))
    assert states(office.checked(rows, template=office.greeting)) == {2: "repeated"}


def test_what_was_written_by_hand_is_found_as_well(office: Office) -> None:
    (message,) = messages_of(office.checked(csv_of(person_row(1))))
    message.batch = message.row = None
    message.save()
    assert approval.send(message, office.clerk)
    assert states(office.checked(csv_of(person_row(1)))) == {2: "repeated"}


@pytest.mark.parametrize("status", [Status.REJECTED, Status.CANCELLED, Status.REFUSED])
def test_what_never_arrived_may_go_again(office: Office, status: Status) -> None:
    send(office.checked(csv_of(person_row(1))), status=status)
    assert states(office.checked(csv_of(person_row(1)))) == {2: "good"}


def test_after_a_week_the_same_may_go_again(office: Office) -> None:
    send(office.checked(csv_of(person_row(1))))
    old = timezone.now() - approval.REPEAT_WINDOW - timedelta(minutes=1)
    ContentFingerprint.objects.update(seen_at=old)
    assert states(office.checked(csv_of(person_row(1)))) == {2: "good"}


def test_another_service_may_say_the_same(office: Office) -> None:
    send(office.checked(csv_of(person_row(1))))
    other = cast.make_service(institution=office.service.institution, max_amount=10_000_000)
    office.service = other
    assert states(office.checked(csv_of(person_row(1)))) == {2: "good"}


def test_a_correction_of_a_sending_is_no_repeat_of_it(office: Office) -> None:
    first = office.checked(csv_of(person_row(1)))
    send(first)
    batch = office.upload(csv_of(person_row(1)))
    batch.corrects = first
    batch.save()
    checking.check(batch, never)
    assert states(batch) == {2: "good"}


def test_a_file_sent_before_goes_again_only_for_a_reason(office: Office, adds_up: AddsUp) -> None:
    send(office.checked(csv_of(person_row(1), person_row(2))))
    batch = office.checked(csv_of(person_row(1), person_row(2)))
    assert (batch.status, batch.rows_repeated) == (BatchStatus.READY, 2)
    with pytest.raises(batches.CannotSend) as refused:
        batches.submit(batch, office.clerk, declared=True)
    assert refused.value.code == "repeated"
    assert batches.submit(batch, office.clerk, declared=True, repeat_reason="sollecito")


def test_a_corrected_row_is_looked_up_again(office: Office, adds_up: AddsUp) -> None:
    send(office.checked(csv_of(person_row(1))))
    batch = office.checked(csv_of(person_row(1), person_row(2)))
    corrections.correct(batch, office.clerk, {2: {"notice_number": notice(8)}, 3: {"nome": "Ugo"}})
    assert states(batch) == {2: "good", 3: "good"}
    corrections.correct(batch, office.clerk, {2: {"notice_number": notice(1)}})
    assert states(batch) == {2: "repeated", 3: "good"}
    adds_up(batch)
