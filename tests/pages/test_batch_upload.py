"""A spreadsheet's way in: the text, the file, and columns that nobody can match by name."""

from __future__ import annotations

import io
from html import unescape
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from messaging.batches import checking, uploads
from messaging.enums import BatchStatus, Kind
from messaging.models import Batch, RememberedColumn, Template
from tests import cast
from tests.batches.conftest import HEADER, PAYMENT_BODY, csv_of, never, person_row
from tests.pages.conftest import Office

NEW = "/sendings/new/"


@pytest.fixture
def template(office: Office) -> Template:
    name = "Avviso TARI"
    return cast.make_template(
        office.service, kind=Kind.PAYMENT, name=name, subject="Avviso TARI 2026", body=PAYMENT_BODY
    )


def a_file(content: bytes, name: str = "tari.csv") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, content)


def shown(response: Any) -> str:
    assert response.status_code == 200
    return unescape(response.content.decode())


def checked(office: Office, template: Template, content: bytes, name: str = "tari.csv") -> Batch:
    batch = uploads.upload(office.service, template, office.clerk, io.BytesIO(content), name)
    checking.check(batch, never)
    return Batch.objects.get(pk=batch.pk)


def test_a_file_and_a_template_become_a_sending_to_be_checked(office: Office, template: Template) -> None:
    data = {"template": template.pk, "file": a_file(csv_of(person_row(1))), "name": "TARI 2026, saldo"}
    response = office.as_(office.clerk).post(NEW, data)
    batch = Batch.objects.get()
    assert response.status_code == 302
    assert response["Location"] == reverse("batch_check", args=[batch.public_id])
    assert (batch.name, batch.filename, batch.author) == ("TARI 2026, saldo", "tari.csv", office.clerk)
    assert batch.status == BatchStatus.UPLOADED


def test_the_page_says_which_columns_the_chosen_template_asks_for(office: Office, template: Template) -> None:
    page = shown(office.as_(office.clerk).get(NEW, {"template": template.pk}))
    for name in HEADER:
        assert f'<span class="mono">{name}</span>' in page
    assert reverse("batch_example", args=[template.pk]) in page
    assert "numero_avviso" not in shown(office.as_(office.clerk).get(NEW))


def test_without_javascript_a_button_shows_the_columns_and_uploads_nothing(office: Office, template: Template) -> None:
    data = {"template": template.pk, "name": "Saldo", "columns": "1"}
    page = shown(office.as_(office.clerk).post(NEW, data))
    assert "numero_avviso" in page
    assert 'value="Saldo"' in page
    assert "da correggere" not in page
    assert not Batch.objects.exists()


@pytest.mark.parametrize(
    ("missing", "sentence"),
    [("file", "Scegli il file."), ("template", "Scegli il modello: è il testo che le persone leggono.")],
)
def test_what_is_missing_is_said_beside_its_field_and_the_rest_is_kept(
    office: Office, template: Template, missing: str, sentence: str
) -> None:
    data: dict[str, Any] = {"template": template.pk, "file": a_file(csv_of(person_row(1))), "name": "Saldo"}
    del data[missing]
    page = shown(office.as_(office.clerk).post(NEW, data))
    assert sentence in page
    assert 'value="Saldo"' in page
    assert not Batch.objects.exists()


def test_an_empty_file_is_refused_beside_the_field(office: Office, template: Template) -> None:
    page = shown(office.as_(office.clerk).post(NEW, {"template": template.pk, "file": a_file(b"")}))
    assert 'id="id_file_error"' in page
    assert not Batch.objects.exists()


def test_a_file_that_is_too_large_is_refused(office: Office, template: Template, settings: Any) -> None:
    settings.SPREADSHEET_MAX_MEGABYTES = 0
    page = shown(office.as_(office.clerk).post(NEW, {"template": template.pk, "file": a_file(csv_of(person_row(1)))}))
    assert 'id="id_file_error"' in page
    assert not Batch.objects.exists()


def test_templates_of_other_services_are_neither_offered_nor_taken(office: Office, template: Template) -> None:
    foreign = cast.make_template(cast.make_service(), name="Modello del servizio accanto")
    assert foreign.name not in shown(office.as_(office.clerk).get(NEW))
    assert office.as_(office.clerk).get(NEW, {"template": foreign.pk}).status_code == 404
    page = shown(office.as_(office.clerk).post(NEW, {"template": foreign.pk, "file": a_file(csv_of(person_row(1)))}))
    assert "Questo modello non c’è più" in page
    assert not Batch.objects.exists()


def test_without_any_template_the_page_leads_to_writing_one(office: Office) -> None:
    page = shown(office.as_(office.clerk).get(NEW))
    assert "Prima serve un modello" in page
    assert reverse("template_new") in page


def test_the_example_of_a_template_passes_its_own_check(office: Office, template: Template) -> None:
    response = office.as_(office.clerk).get(reverse("batch_example", args=[template.pk]))
    assert response["Content-Disposition"] == 'attachment; filename="esempio-avviso-tari.xlsx"'
    office.service.max_amount = 1_000_000
    office.service.save()
    batch = checked(office, template, response.content, "esempio.xlsx")
    assert (batch.rows_total, batch.problem) == (1, {})


def test_columns_that_nobody_knows_are_chosen_by_hand_and_remembered(office: Office, template: Template) -> None:
    header = ("Contribuente", "nome", "Quanto", "numero_avviso", "scadenza")
    batch = checked(office, template, csv_of(person_row(1), header=header))
    assert batch.problem["code"] == "columns"
    client = office.as_(office.clerk)
    check = client.get(reverse("batch_check", args=[batch.public_id]))
    assert check["Location"] == reverse("batch_columns", args=[batch.public_id])
    page = shown(client.get(check["Location"]))
    assert "Manca la colonna codice fiscale" in page
    assert person_row(1)[0] in page, "the first values stand beside the columns"
    chosen = {"column_0": "0", "column_1": "2", "column_2": "3", "column_3": "4", "column_4": "1"}
    assert client.post(check["Location"], {**chosen, "remember": "on"}).status_code == 302
    batch.refresh_from_db()
    assert batch.status == BatchStatus.CHECKING
    assert batch.columns["amount"] == 2
    remembered = dict(RememberedColumn.objects.values_list("field", "header"))
    assert remembered["fiscal_code"] == "Contribuente"


def test_a_column_that_is_needed_must_be_chosen(office: Office, template: Template) -> None:
    header = ("Contribuente", "nome", "Quanto", "numero_avviso", "scadenza")
    batch = checked(office, template, csv_of(person_row(1), header=header))
    page = shown(office.as_(office.clerk).post(reverse("batch_columns", args=[batch.public_id]), {"column_1": "2"}))
    assert "Scegli la colonna in cui sta." in page
    batch.refresh_from_db()
    assert batch.status == BatchStatus.NEEDS_ATTENTION
