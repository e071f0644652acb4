"""Spreadsheets' sendings in the administration: where each stands and how many rows, not what it says."""

from __future__ import annotations

from uuid import uuid4

import pytest
from django.test import Client
from django.urls import reverse

from messaging.models import Batch, BatchRow
from tests import cast
from tests.admin.conftest import Place

LIST = "/admin/messaging/batch/"


@pytest.fixture(autouse=True)
def _signed_in(client: Client, here: Place) -> None:
    client.force_login(here.administrator)


def page(place: Place) -> str:
    return reverse("admin:messaging_batch_change", args=[place.batch.pk])


def test_an_administrator_sees_status_and_counts_and_nothing_of_what_it_says(client: Client, here: Place) -> None:
    BatchRow.objects.create(batch=here.batch, number=2, cells=["Una cella"], state="wrong")
    for address in (LIST, page(here), reverse("admin:messaging_batch_history", args=[here.batch.pk])):
        text = client.get(address).content.decode()
        assert str(here.batch.public_id) in text
        for hidden in ("Invio Qui", "Oggetto Qui", here.batch.body, "Nota Qui", "Qui.csv", "Qui A.", "Una cella"):
            assert hidden not in text, (address, hidden)
    assert "informativo" not in client.get(page(here)).content.decode()


def test_the_page_counts_rows_and_messages(client: Client, here: Place) -> None:
    text = client.get(page(here)).content.decode()
    assert "In invio" in text
    assert "In coda: 2" in text
    assert "righe da correggere" in text.lower()


def test_a_role_in_the_service_shows_name_and_people_and_still_no_text(client: Client, here: Place) -> None:
    cast.give_role(here.administrator, here.service)
    text = client.get(LIST).content.decode()
    assert "Invio Qui" in text
    text = client.get(page(here)).content.decode()
    for shown in ("Invio Qui", "Qui.csv", "informativo", reverse("batch_detail", args=[here.batch.public_id])):
        assert shown in text
    for hidden in ("Oggetto Qui", here.batch.body, "Nota Qui"):
        assert hidden not in text


def test_a_role_in_one_service_opens_nothing_of_another(client: Client, here: Place) -> None:
    cast.give_role(here.administrator, cast.make_service(institution=here.institution))
    assert "Invio Qui" not in client.get(LIST).content.decode()
    assert "Invio Qui" not in client.get(page(here)).content.decode()


def test_nothing_of_a_sending_can_be_changed(client: Client, here: Place) -> None:
    assert client.post(page(here), {"status": "finished"}).status_code == 403
    assert client.post(reverse("admin:messaging_batch_delete", args=[here.batch.pk])).status_code == 403
    here.batch.refresh_from_db()
    assert here.batch.status == "sending"


def test_a_sending_is_found_by_its_whole_code_and_only_ones_own(client: Client, here: Place, elsewhere: Place) -> None:
    assert str(here.batch.public_id) in client.get(LIST, {"q": str(here.batch.public_id)}).content.decode()
    for code in (elsewhere.batch.public_id, uuid4()):
        assert client.get(LIST, {"q": str(code)}).context["cl"].result_count == 0
    answer = client.get(LIST, {"q": "tassa rifiuti"})
    assert "Si cerca solo per codice intero" in answer.content.decode()
    assert answer.context["cl"].result_count == 0


@pytest.mark.parametrize("query", ["subject__contains=Oggetto", "body__startswith=Q", "name=Invio", "kind=payment"])
def test_the_list_answers_no_question_about_hidden_columns(client: Client, query: str) -> None:
    assert client.get(f"{LIST}?{query}").status_code == 400


def test_a_service_with_a_sending_is_not_deleted(client: Client, here: Place) -> None:
    fresh = cast.make_service(institution=here.institution)
    Batch.objects.create(service=fresh, author=here.clerk, name="Bozza", subject="Oggetto", body=cast.BODY)
    assert client.post(reverse("admin:messaging_service_delete", args=[fresh.pk]), {"post": "yes"}).status_code == 403
