"""Spreadsheets whose messages IO fetches: protected text with the rows' values, and a folder of PDFs."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import pytest
from django.core.files.storage import default_storage
from django.utils import timezone

from messaging.batches import checking, corrections, errata, expansion, plans, previews, uploads, work
from messaging.delivery import batches, content
from messaging.documents.problems import FolderProblem
from messaging.enums import BatchStatus, FeatureLevel, Precondition, Status
from messaging.models import Batch, BatchAttachment, BatchRow, Message, MessageAttachment
from messaging.remote import contents
from messaging.spreadsheets.problems import FileProblem
from tests import cast
from tests.batches.conftest import Office, codes, never, states
from tests.batches.folders import (
    CONFIGURATION,
    HEADER,
    a_pdf,
    a_zip,
    checked,
    make_ready,
    make_template,
    register,
    row,
    sheet,
    upload,
)
from tests.simulator_process import ANAGRAFE, SimulatorProcess

Deliver = Callable[..., None]


def files(*numbers: int) -> dict[str, bytes]:
    return {f"esito-{number}.pdf": a_pdf(number) for number in numbers}


def send(batch: Batch) -> list[Message]:
    assert batches.submit(batch, batch.author, declared=True)
    expansion.expand(batch, lambda: True)
    return list(Message.objects.filter(batch=batch).select_related("remote_content", "service").order_by("row"))


# The check


def test_each_row_becomes_a_message_with_its_own_protected_text_and_file(office: Office) -> None:
    template = make_ready(office)
    batch = checked(office, template, sheet(row(1), row(2, "Ugo *")), files(1, 2))
    assert (batch.status, states(batch)) == (BatchStatus.READY, {2: "good", 3: "good"})
    assert (batch.feature_level, batch.folder, batch.folder_name) == (FeatureLevel.ADVANCED, "", "allegati.zip")
    first, second = send(batch)
    assert (second.subject, second.body) == (template.subject, template.body)
    assert (second.has_remote_content, second.has_attachments) == (True, True)
    assert (second.precondition, second.remote_configuration) == (Precondition.ONCE, CONFIGURATION)
    said = contents.texts_of(second)
    assert (said.subject, said.precondition_title) == ("La richiesta di Ugo *", "Prima di aprire")
    assert said.body.startswith("Gentile Ugo \\*, la sua richiesta")
    assert said.precondition_body == "Contiene dati personali di Ugo \\*."
    (own,) = contents.files_of(second)
    assert (own.name, own.position, own.attachment.pages, own.added_by) == ("esito-2.pdf", 1, 2, office.clerk)
    assert first.remote_content.digest != second.remote_content.digest
    assert not content.problems(second)


def test_a_row_may_name_several_files_in_their_order(office: Office) -> None:
    template = make_ready(office)
    line = row(1, attachment="Esito-2; cartella\\ESITO-1.PDF ;esito-2.pdf")
    (message,) = send(checked(office, template, sheet(line), files(1, 2)))
    assert [file.name for file in contents.files_of(message)] == ["esito-2.pdf", "esito-1.pdf"]


@pytest.mark.parametrize(
    ("attachment", "code"),
    [("", "empty"), ("altro.pdf", "not_there"), ("rotto.pdf", "bad_file"), ("esito-1.pdf;altro.pdf", "not_there")],
)
def test_a_file_that_cannot_go_is_told_at_the_cell(office: Office, attachment: str, code: str) -> None:
    template = make_ready(office)
    there = {**files(1), "rotto.pdf": b"PK non e' un PDF"}
    batch = checked(office, template, sheet(row(1, attachment=attachment)), there)
    assert codes(batch, 2) == [("attachment_name", code)]
    corrections.correct(batch, office.clerk, {2: {"attachment_name": "esito-1"}})
    assert states(batch) == {2: "good"}
    assert batch.status == BatchStatus.READY


@pytest.mark.parametrize(
    ("field", "text", "code"),
    [
        ("protected_subject", "Da ((nome))", "too_short"),
        ("protected_body", "((nome)) " * 10, "too_short"),
        ("precondition_title", "((?nota: ((nota)) ))", "empty"),
        ("precondition_body", "((?nota: ((nota)) ))", "empty"),
    ],
)
def test_protected_texts_are_measured_with_the_values_of_each_row(
    office: Office, field: str, text: str, code: str
) -> None:
    template = make_ready(office)
    setattr(template, field, text)
    template.save()
    lines = [[*row(1, "Al"), ""], [*row(2, "Massimiliano Maria"), "vera"]]
    batch = checked(office, template, sheet(*lines, header=(*HEADER, "nota")), files(1, 2))
    assert codes(batch, 2) == [(field, code)]
    assert states(batch) == {2: "wrong", 3: "good"}


def test_a_precondition_that_is_never_shown_is_not_measured(office: Office) -> None:
    template = make_ready(office)
    template.precondition, template.precondition_title, template.precondition_body = Precondition.NEVER, "", "((boh))"
    template.save()
    batch = checked(office, template, sheet(row(1)), files(1))
    assert batch.status == BatchStatus.READY


def test_a_column_that_only_the_protected_text_names_is_asked_for(office: Office) -> None:
    template = make_ready(office)
    batch = checked(office, template, sheet(row(1)[:1], header=HEADER[:1]), files(1))
    lacking = [found["field"] for found in batch.problem["params"]["problems"]]
    assert lacking == ["attachment_name", "nome"]


def test_the_buttons_stand_in_the_protected_text(office: Office) -> None:
    template = make_ready(office)
    template.buttons = [{"text_it": "Apri ((nome))", "text_en": "Open", "kind": "web", "target": "https://example.it"}]
    template.save()
    (message,) = send(checked(office, template, sheet(row(1)), files(1)))
    assert message.buttons[0]["text_it"] == "Apri Laura"
    payload: Any = content.payload(message)
    assert payload["content"]["markdown"] == message.body


def test_without_attachments_no_column_and_no_folder_is_needed(office: Office) -> None:
    register(office.service)
    template = make_template(office.service, has_attachments=False)
    batch = checked(office, template, sheet(row(1)[:2], header=HEADER[:2]), None)
    (message,) = send(batch)
    assert (message.has_attachments, message.feature_level) == (False, FeatureLevel.STANDARD)
    assert contents.texts_of(message).subject == "La richiesta di Laura"


# What keeps a whole batch


@pytest.mark.parametrize(
    ("premium", "registered", "code"), [(False, True, "not_premium"), (True, False, "not_registered")]
)
def test_nothing_is_taken_that_could_not_be_sent(office: Office, premium: bool, registered: bool, code: str) -> None:
    office.service.premium = premium
    office.service.save()
    if registered:
        register(office.service)
    with pytest.raises(FileProblem) as refused:
        upload(office, make_template(office.service), sheet(row(1)), files(1))
    assert refused.value.code == code
    assert not Batch.objects.exists()


def test_a_service_that_lost_premium_keeps_the_rows_until_it_has_it_again(office: Office) -> None:
    template = make_ready(office)
    batch = checked(office, template, sheet(row(1)), files(1))
    office.service.premium = False
    office.service.save()
    check_again(batch, office)
    assert (batch.status, batch.problem["code"], batch.rows_good) == (BatchStatus.NEEDS_ATTENTION, "not_premium", 1)
    office.service.premium = True
    office.service.save()
    check_again(batch, office)
    assert (batch.status, batch.problem) == (BatchStatus.READY, {})


def check_again(batch: Batch, office: Office) -> None:
    corrections.recheck(batch, office.clerk)
    checking.check(Batch.objects.get(pk=batch.pk), never)
    batch.refresh_from_db()


def test_a_folder_that_is_no_zip_is_refused_and_nothing_is_kept(office: Office) -> None:
    template = make_ready(office)
    folder = uploads.Folder(io.BytesIO(b"%PDF-1.7"), "allegati.zip")
    with pytest.raises(FolderProblem) as refused:
        uploads.upload(office.service, template, office.clerk, io.BytesIO(sheet(row(1))), "elenco.csv", folder=folder)
    assert refused.value.code == "not_zip"
    assert not Batch.objects.exists()


def test_a_folder_that_got_lost_is_told_and_another_one_serves(office: Office) -> None:
    template = make_ready(office)
    batch = upload(office, template, sheet(row(1)), files(1))
    default_storage.delete(batch.folder)
    checking.check(batch, never)
    batch.refresh_from_db()
    assert batch.problem == {"code": "folder", "params": {"code": "lost", "params": {}}}
    add(batch, office, files(1))
    assert (batch.status, batch.problem, states(batch)) == (BatchStatus.READY, {}, {2: "good"})


def add(batch: Batch, office: Office, more: dict[str, bytes]) -> None:
    corrections.add_folder(batch, office.clerk, uploads.Folder(io.BytesIO(a_zip(more)), "altri.zip"))
    checking.check(Batch.objects.get(pk=batch.pk), never)
    batch.refresh_from_db()


def test_another_folder_adds_files_and_replaces_those_with_the_same_names(office: Office) -> None:
    template = make_ready(office)
    batch = checked(office, template, sheet(row(1), row(2)), {"esito-1.pdf": a_pdf(5)})
    assert states(batch) == {2: "good", 3: "wrong"}
    add(batch, office, files(1, 2))
    assert states(batch) == {2: "good", 3: "good"}
    assert [file.attachment.pages for message in send(batch) for file in contents.files_of(message)] == [1, 2]


def test_a_second_folder_that_is_no_good_changes_nothing(office: Office) -> None:
    template = make_ready(office)
    batch = checked(office, template, sheet(row(1)), files(1))
    with pytest.raises(FolderProblem):
        corrections.add_folder(batch, office.clerk, uploads.Folder(io.BytesIO(b"no"), "altri.zip"))
    batch.refresh_from_db()
    assert (batch.status, batch.worked_by, batch.problem) == (BatchStatus.READY, "", {})
    assert len(send(batch)) == 1


def test_a_check_that_is_stopped_among_the_files_goes_on_later(office: Office) -> None:
    template = make_ready(office)
    batch = upload(office, template, sheet(row(1), row(2)), files(1, 2))
    checking.check(batch, lambda: True)
    assert (batch.status, batch.folder != "") == (BatchStatus.CHECKING, True)
    checking.check(batch, never)
    batch.refresh_from_db()
    assert (batch.status, batch.folder) == (BatchStatus.READY, "")


def test_a_discarded_batch_leaves_neither_files_nor_folder(office: Office) -> None:
    template = make_ready(office)
    batch = checked(office, template, sheet(row(1)), files(1))
    corrections.discard(batch, office.clerk)
    waiting = upload(office, template, sheet(row(2)), files(2))
    corrections.discard(waiting, office.clerk)
    assert not BatchAttachment.objects.exists()
    assert not default_storage.exists(waiting.folder)


# The same again


def test_a_row_has_the_fingerprints_of_the_message_that_it_becomes(office: Office) -> None:
    template = make_ready(office)
    batch = checked(office, template, sheet(row(1)), files(1))
    (message,) = send(batch)
    again = checked(office, template, sheet(row(1)), files(1))
    assert states(again) == {2: "repeated"}
    assert BatchRow.objects.get(batch=again).repeats == message


def test_another_file_or_another_protected_text_is_another_message(office: Office) -> None:
    template = make_ready(office)
    send(checked(office, template, sheet(row(1)), files(1)))
    assert states(checked(office, template, sheet(row(1)), {"esito-1.pdf": a_pdf(7)})) == {2: "good"}
    template.protected_body += " Saluti."
    template.save()
    assert states(checked(office, template, sheet(row(1)), files(1))) == {2: "good"}


def test_one_person_may_get_two_messages_with_different_files_and_not_the_same_twice(office: Office) -> None:
    template = make_ready(office)
    lines = [row(1), row(1, attachment="esito-2.pdf"), row(1)]
    batch = checked(office, template, sheet(*lines), files(1, 2))
    assert states(batch) == {2: "good", 3: "good", 4: "wrong"}
    assert codes(batch, 4) == [("", "duplicate")]


def test_the_same_list_with_other_files_is_not_the_same_file(office: Office) -> None:
    template = make_ready(office)
    first = upload(office, template, sheet(row(1)), files(1))
    assert uploads.same_file(upload(office, template, sheet(row(1)), {"esito-1.pdf": a_pdf(7)})) is None
    assert uploads.same_file(upload(office, template, sheet(row(1)), None)) is None
    assert first.file_digest


# Other batches made of it


def test_wrong_rows_move_to_a_draft_with_the_files_that_they_may_need(office: Office) -> None:
    template = make_ready(office)
    batch = checked(office, template, sheet(row(1), row(2, attachment="esit-2.pdf")), files(1, 2))
    draft = corrections.split_off_wrong(batch, office.clerk)
    assert (draft.has_attachments, draft.protected_body) == (True, batch.protected_body)
    assert list(draft.files.values_list("key", flat=True)) == ["esito-2"]
    corrections.correct(draft, office.clerk, {3: {"attachment_name": "esito-2.pdf"}})
    assert draft.status == BatchStatus.READY
    assert [file.name for message in send(draft) for file in contents.files_of(message)] == ["esito-2.pdf"]


def test_a_correction_carries_protected_text_and_files(office: Office) -> None:
    template = make_ready(office)
    batch = checked(office, template, sheet(row(1)), files(1))
    (message,) = send(batch)
    Message.objects.update(status=Status.PROCESSED, io_id="01J" + "X" * 23, accepted_at=timezone.now())
    wording = errata.Wording(
        subject="Correzione: esito della sua richiesta",
        body=template.body,
        protected_subject="Rettifica per ((nome))",
        protected_body="Quello giusto: " + template.protected_body,
    )
    found = errata.matching(batch, wording)
    assert not found.problems
    correction = errata.prepare(batch, office.clerk, wording, found.columns)
    checking.check(correction, never)
    correction.refresh_from_db()
    assert states(correction) == {2: "good"}
    (again,) = send(correction)
    said = contents.texts_of(again)
    assert (again.subject, said.subject) == (wording.subject, "Rettifica per Laura")
    assert said.body.startswith("Quello giusto: Gentile Laura")
    assert said.precondition_body == contents.texts_of(message).precondition_body
    assert [file.name for file in contents.files_of(again)] == ["esito-1.pdf"]


def test_a_preview_has_content_and_files_and_saves_nothing(office: Office) -> None:
    template = make_ready(office)
    sample = previews.sample_of(checked(office, template, sheet(row(1)), files(1)), 2)
    assert sample is not None
    assert sample.message.remote_content.subject == "La richiesta di Laura"
    assert [file.name for file in sample.files] == ["esito-1.pdf"]
    assert not Message.objects.exists()
    assert not MessageAttachment.objects.exists()


def test_files_of_a_group_of_rows_are_looked_up_together(office: Office, django_assert_num_queries: Any) -> None:
    template = make_ready(office)
    batch = checked(office, template, sheet(row(1), row(2), row(3)), files(1, 2, 3))
    plan = plans.plan_of(batch)
    rows = list(BatchRow.objects.filter(batch=batch))
    with django_assert_num_queries(1):
        plans.look_up_files(plan, [found.cells for found in rows])
        assert all(plans.checked(found, plan).files for found in rows)


# From upload to accepted


@pytest.mark.django_db
def test_a_whole_batch_with_files_is_taken_by_io(simulator: SimulatorProcess, deliver: Deliver) -> None:
    """All that the portal does with it, in the order in which it does it, and what IO then has."""
    account = cast.make_account(calls=1500, seconds=5)
    service = cast.make_service(institution=cast.make_institution(account=account), key=ANAGRAFE)
    office = Office(service, cast.make_person(service=service), *[cast.make_template(service)] * 2)
    template = make_ready(office)
    first, second = simulator.citizens(2)
    lines = [[first, "Laura", "esito-1.pdf"], [second, "Ugo", "esito-2.pdf; informativa.pdf"]]
    batch = upload(office, template, sheet(*lines), {**files(1, 2), "informativa.pdf": a_pdf(3)})
    work.work_on(batch.pk, never)
    batch.refresh_from_db()
    assert (batch.status, batch.rows_good) == (BatchStatus.READY, 2)
    assert batches.submit(batch, office.clerk, declared=True)
    work.work_on(batch.pk, never)
    deliver(account)
    batches.finish()
    batch.refresh_from_db()
    assert batches.counts(batch).keys() <= {Status.ACCEPTED, Status.PROCESSED}
    by_person = {taken["fiscal_code"]: taken["payload"] for taken in simulator.ledger()}
    assert by_person.keys() == {first, second}
    for message in Message.objects.filter(batch=batch).select_related("recipient"):
        assert message.recipient is not None
        taken = by_person[message.recipient.fiscal_code]
        assert taken["content"]["third_party_data"] == {
            "id": str(message.public_id),
            "configuration_id": CONFIGURATION,
            "has_remote_content": True,
            "has_attachments": True,
            "has_precondition": "ONCE",
        }
        assert "Laura" not in str(taken["content"]["subject"]) + str(taken["content"]["markdown"])
        assert taken["feature_level_type"] == "ADVANCED"
