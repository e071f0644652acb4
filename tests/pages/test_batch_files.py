"""Attachments of a spreadsheet on its pages: the zip at upload, what the check says of the files, another zip."""

from __future__ import annotations

from collections.abc import Mapping
from html import unescape
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from django.utils import timezone

from messaging.batches import checking, work
from messaging.delivery import batches
from messaging.enums import ApprovalRule, BatchStatus, FeatureLevel, Status
from messaging.models import Batch, BatchCount, Message, RemoteConfiguration, Template
from tests import cast
from tests.batches.conftest import never
from tests.batches.folders import a_pdf, a_zip, make_template, register, row, sheet
from tests.pages.conftest import Office

NEW = "/sendings/new/"
FOLDER_FIELD = 'name="folder"'


@pytest.fixture
def template(office: Office) -> Template:
    office.service.premium = True
    office.service.save()
    register(office.service)
    return make_template(office.service, name="Esito")


def posted(template: Template, content: bytes, files: Mapping[str, bytes] | None) -> dict[str, Any]:
    data: dict[str, Any] = {"template": template.pk, "file": SimpleUploadedFile("elenco.csv", content), "name": "Esiti"}
    if files is not None:
        data["folder"] = SimpleUploadedFile("allegati.zip", a_zip(files))
    return data


def checked(office: Office, template: Template, content: bytes, files: Mapping[str, bytes]) -> Batch:
    assert office.as_(office.clerk).post(NEW, posted(template, content, files)).status_code == 302
    return check(Batch.objects.order_by("-pk")[0])


def check(batch: Batch) -> Batch:
    checking.check(batch, never)
    return Batch.objects.get(pk=batch.pk)


def shown(response: Any) -> str:
    assert response.status_code == 200
    return " ".join(unescape(response.content.decode()).split())


def page(office: Office, batch: Batch) -> str:
    return shown(office.as_(office.clerk).get(reverse("batch_check", args=[batch.public_id])))


# The upload


def test_the_zip_is_asked_for_where_the_chosen_template_has_attachments(office: Office, template: Template) -> None:
    client = office.as_(office.clerk)
    assert FOLDER_FIELD not in shown(client.get(NEW))
    chosen = shown(client.get(NEW, {"template": template.pk}))
    assert FOLDER_FIELD in chosen
    assert "al massimo 200 MB" in chosen
    for name in ("codice_fiscale", "nome", "allegato"):
        assert f'<span class="mono">{name}</span>' in chosen
    plain = cast.make_template(office.service, name="Senza")
    assert FOLDER_FIELD not in shown(client.get(NEW, {"template": plain.pk}))


def test_without_javascript_the_zip_is_asked_for_when_it_was_not_sent(office: Office, template: Template) -> None:
    text = shown(office.as_(office.clerk).post(NEW, posted(template, sheet(row(1)), None)))
    assert "Questo modello ha allegati: scegli lo zip con i PDF." in text
    assert FOLDER_FIELD in text
    assert not Batch.objects.exists()


def test_a_zip_that_is_none_is_refused_beside_its_field(office: Office, template: Template) -> None:
    data = posted(template, sheet(row(1)), None) | {"folder": SimpleUploadedFile("a.zip", a_pdf())}
    text = shown(office.as_(office.clerk).post(NEW, data))
    assert 'id="id_folder_error"' in text
    assert not Batch.objects.exists()


@pytest.mark.parametrize(
    ("premium", "registered", "words"),
    [(False, True, "non ha l’accordo Premium"), (True, False, "IO non sa ancora dove venire a prendere")],
)
def test_what_keeps_a_template_from_being_sent_is_said_beside_it(
    office: Office, template: Template, premium: bool, registered: bool, words: str
) -> None:
    office.service.premium = premium
    office.service.save()
    if not registered:
        RemoteConfiguration.objects.all().delete()
    text = shown(office.as_(office.clerk).post(NEW, posted(template, sheet(row(1)), {"esito-1.pdf": a_pdf()})))
    assert words in text
    assert 'id="id_template_error"' in text
    assert not Batch.objects.exists()


def test_the_example_has_a_column_of_attachments(office: Office, template: Template) -> None:
    response = office.as_(office.clerk).get(reverse("batch_example", args=[template.pk]))
    data = {"template": template.pk, "file": SimpleUploadedFile("esempio.xlsx", response.content), "name": ""}
    data["folder"] = SimpleUploadedFile("a.zip", a_zip({"avviso-0001.pdf": a_pdf()}))
    assert office.as_(office.clerk).post(NEW, data).status_code == 302
    assert check(Batch.objects.get()).rows_good == 1


# The check


def test_missing_bad_and_surplus_files_are_counted_and_named(office: Office, template: Template) -> None:
    files = {"esito-1.pdf": a_pdf(), "rotto.pdf": b"<html>", "in più.pdf": a_pdf(2), "anche.pdf": a_pdf(3)}
    lines = [row(1), row(2), row(3, attachment="rotto.pdf")]
    batch = checked(office, template, sheet(*lines), files)
    assert batch.feature_level == FeatureLevel.ADVANCED
    text = page(office, batch)
    assert "Un file manca" in text
    assert "Un file non va" in text
    assert "2 file in più, che nessuna riga nomina" in text
    assert "3 PDF pronti" in text
    assert "Negli allegati caricati non c’è «esito-2.pdf»" in text
    assert "«rotto.pdf» non va. È una pagina web, non un PDF" in text
    client = office.as_(office.clerk)
    listed = {
        which: b"".join(client.get(reverse("batch_files_download", args=[batch.public_id, which])).streaming_content)
        for which in ("missing", "wrong", "surplus")
    }
    assert [text.decode("utf-8-sig").splitlines()[1:] for text in listed.values()] == [
        ["esito-2.pdf"],
        ["rotto.pdf;È una pagina web, non un PDF: stampala in PDF, e carica quello."],
        ["anche.pdf", "in più.pdf"],
    ]
    other = reverse("batch_files_download", args=[batch.public_id, "altro"])
    assert client.get(other).status_code == 404


def test_where_all_match_the_page_says_so(office: Office, template: Template) -> None:
    text = page(office, checked(office, template, sheet(row(1)), {"esito-1.pdf": a_pdf()}))
    assert "Ogni riga ha i suoi PDF, e nessun PDF resta fuori." in text
    assert "un PDF pronto" in text


def test_a_name_is_corrected_in_its_cell_and_the_lists_follow(office: Office, template: Template) -> None:
    batch = checked(office, template, sheet(row(1, attachment="esito 1.pdf")), {"esito-1.pdf": a_pdf()})
    address = reverse("batch_correct", args=[batch.public_id])
    response = office.as_(office.clerk).post(address, {"cell-2-2": "esito-1.pdf"}, headers={"HX-Request": "true"})
    text = shown(response)
    assert "Una riga ora va bene." in text
    assert 'id="allegati" aria-labelledby="h-files" hx-swap-oob="true"' in text
    assert "Ogni riga ha i suoi PDF" in text


def test_another_zip_brings_the_files_that_lack(office: Office, template: Template) -> None:
    batch = checked(office, template, sheet(row(1), row(2)), {"esito-1.pdf": a_pdf()})
    data = {"folder": SimpleUploadedFile("altri.zip", a_zip({"esito-2.pdf": a_pdf(2)}))}
    response = office.as_(office.clerk).post(reverse("batch_folder", args=[batch.public_id]), data)
    assert response["Location"] == reverse("batch_check", args=[batch.public_id])
    batch.refresh_from_db()
    assert "Controlliamo i PDF dello zip" in page(office, batch)
    assert (check(batch).status, check(batch).rows_good) == (BatchStatus.READY, 2)


def test_another_zip_that_is_none_is_told_beside_its_field_and_changes_nothing(
    office: Office, template: Template
) -> None:
    batch = checked(office, template, sheet(row(1)), {"esito-1.pdf": a_pdf()})
    address = reverse("batch_folder", args=[batch.public_id])
    for data in ({}, {"folder": SimpleUploadedFile("a.zip", b"no")}):
        text = shown(office.as_(office.clerk).post(address, data))
        assert 'id="id_folder_error"' in text
        assert "<title>Errore:" in text
        batch.refresh_from_db()
        assert batch.status == BatchStatus.READY


def test_a_sending_without_attachments_takes_no_zip(office: Office) -> None:
    batch = cast.make_batch(service=office.service, author=office.clerk, people=1)
    assert "Allegati" not in page(office, batch)
    data = {"folder": SimpleUploadedFile("a.zip", a_zip({"a.pdf": a_pdf()}))}
    assert office.as_(office.clerk).post(reverse("batch_folder", args=[batch.public_id]), data).status_code == 302
    batch.refresh_from_db()
    assert (batch.status, batch.folder) == (BatchStatus.READY, "")


def test_a_folder_that_cannot_be_opened_any_more_leaves_a_way_on(office: Office, template: Template) -> None:
    office.as_(office.clerk).post(NEW, posted(template, sheet(row(1)), {"esito-1.pdf": a_pdf()}))
    batch = Batch.objects.get()
    Batch.objects.update(folder="folders/nessuno.zip")
    batch.refresh_from_db()
    batch = check(batch)
    text = page(office, batch)
    assert "La cartella caricata non c’è più: caricala di nuovo." in text
    data = {"folder": SimpleUploadedFile("altri.zip", a_zip({"esito-1.pdf": a_pdf()}))}
    assert office.as_(office.clerk).post(reverse("batch_folder", args=[batch.public_id]), data).status_code == 302
    batch.refresh_from_db()
    assert check(batch).rows_good == 1


def test_the_phone_shows_the_protected_part_of_any_row(office: Office, template: Template) -> None:
    lines = [row(1, "Laura"), row(2, "Ugo")]
    batch = checked(office, template, sheet(*lines), {"esito-1.pdf": a_pdf(), "esito-2.pdf": a_pdf(2)})
    assert "La richiesta di Laura" in page(office, batch)
    address = reverse("batch_preview", args=[batch.public_id])
    text = shown(office.as_(office.clerk).get(address, {"row": "3"}))
    assert "La richiesta di Ugo" in text
    assert "Gentile Ugo, la sua richiesta" in text
    assert "esito-2.pdf" in text


# After the check


def test_whoever_approves_reads_the_protected_text_and_how_many_files_there_are(
    office: Office, template: Template
) -> None:
    office.service.approval = ApprovalRule.ALL
    office.service.save()
    batch = checked(office, template, sheet(row(1)), {"esito-1.pdf": a_pdf()})
    assert batches.submit(batch, office.clerk, declared=True)
    text = shown(office.as_(office.supervisor).get(reverse("batch_detail", args=[batch.public_id])))
    assert "La richiesta di ((nome))" in text
    assert "La richiesta di Laura" in text
    assert "Contiene dati personali di ((nome))." in text
    assert "un PDF" in text


def test_a_correction_of_protected_text_is_written_where_the_app_shows_it(office: Office, template: Template) -> None:
    batch = checked(office, template, sheet(row(1)), {"esito-1.pdf": a_pdf()})
    assert batches.submit(batch, office.clerk, declared=True)
    work.work_on(batch.pk, never)
    Message.objects.update(status=Status.PROCESSED, io_id="01J" + "X" * 23, accepted_at=timezone.now())
    BatchCount.objects.update(status=Status.PROCESSED)
    batches.finish()
    address = reverse("batch_errata", args=[batch.public_id])
    client = office.as_(office.clerk)
    text = shown(client.get(address))
    assert 'name="protected_body"' in text
    assert "La richiesta di ((nome))" in text
    wording = {"subject": "Correzione dell’esito", "body": template.body, "protected_subject": "Rettifica per ((nome))"}
    refused = shown(client.post(address, {**wording, "protected_body": "Corto."}))
    assert "ne servono almeno 80" in refused
    response = client.post(address, {**wording, "protected_body": f"((nome)), era sbagliato: {template.body}"})
    correction = Batch.objects.get(corrects=batch)
    assert response["Location"] == reverse("batch_check", args=[correction.public_id])
    assert (check(correction).rows_good, correction.protected_subject) == (1, "Rettifica per ((nome))")
