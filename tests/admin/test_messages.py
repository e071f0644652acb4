"""Messages in the administration: where each stands, not what it says, at any number of rows."""

from __future__ import annotations

from uuid import uuid4

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from messaging.admin import paging
from messaging.enums import Kind, Status
from messaging.models import Message
from tests import cast
from tests.admin.addresses import addresses
from tests.admin.conftest import Place

LIST = "/admin/messaging/message/"


@pytest.fixture(autouse=True)
def _signed_in(client: Client, here: Place) -> None:
    client.force_login(here.administrator)


def test_an_administrator_sees_status_and_dates_and_nothing_of_what_it_says(client: Client, here: Place) -> None:
    for address in (LIST, reverse("admin:messaging_message_change", args=[here.message.pk])):
        text = client.get(address).content.decode()
        assert str(here.message.public_id) in text
        assert "Consegnato" in text
        for hidden in ("Oggetto Qui", here.message.body, here.message.recipient.fiscal_code, "Nota Qui", "Qui A."):
            assert hidden not in text
        assert "informativo" not in text


def test_a_role_in_the_service_shows_kind_and_author_and_still_no_text(client: Client, here: Place) -> None:
    cast.give_role(here.administrator, here.service)
    for address in (LIST, reverse("admin:messaging_message_change", args=[here.message.pk])):
        text = client.get(address).content.decode()
        assert "informativo" in text
        for hidden in ("Oggetto Qui", here.message.body, here.message.recipient.fiscal_code, "Nota Qui"):
            assert hidden not in text


def test_a_role_in_one_service_opens_nothing_of_another(client: Client, here: Place) -> None:
    other = cast.make_service(institution=here.institution)
    cast.give_role(here.administrator, other)
    assert "informativo" not in client.get(LIST).content.decode()


def test_nothing_of_a_message_can_be_changed(client: Client, here: Place) -> None:
    address = reverse("admin:messaging_message_change", args=[here.message.pk])
    assert client.post(address, {"status": "queued"}).status_code == 403


@pytest.mark.parametrize("column", ["public_id", "io_id"])
def test_a_message_is_found_by_its_whole_code(client: Client, here: Place, column: str) -> None:
    other = cast.make_message(service=here.service)
    text = client.get(LIST, {"q": f" {getattr(here.message, column)} "}).content.decode()
    assert str(here.message.public_id) in text
    assert str(other.public_id) not in text


def test_the_code_of_another_institutions_message_finds_nothing(client: Client, elsewhere: Place) -> None:
    assert "0 messaggi" in client.get(LIST, {"q": str(elsewhere.message.public_id)}).content.decode()
    assert "0 messaggi" in client.get(LIST, {"q": str(uuid4())}).content.decode()


def test_any_other_term_is_answered_politely(client: Client, here: Place) -> None:
    text = client.get(LIST, {"q": "tassa rifiuti"}).content.decode()
    assert "Si cerca solo per codice intero" in text
    assert str(here.message.public_id) not in text


@pytest.mark.parametrize("spelling", ["{}", "{lower}", " {} ", "{spaced}", "16CARATTERIQUALS"])
@pytest.mark.parametrize("model", ["message", "user", "service", "template"])
def test_a_fiscal_code_neither_searches_nor_stays_in_the_address(
    client: Client, here: Place, spelling: str, model: str
) -> None:
    code = here.message.recipient.fiscal_code
    term = spelling.format(code, lower=code.lower(), spaced=" ".join((code[:3], code[3:6], code[6:11], code[11:])))
    address = reverse(f"admin:messaging_{model}_changelist")
    response = client.get(address, {"q": term}, follow=True)
    assert response.redirect_chain == [(address, 302)]
    text = response.content.decode()
    assert "Qui non si cerca per codice fiscale" in text
    assert term.strip() not in text


def test_no_address_of_the_administration_carries_a_fiscal_code(client: Client, here: Place) -> None:
    codes = [here.message.recipient.fiscal_code, here.service.allowed_recipients.get().fiscal_code]
    for name, address in addresses(here.rows()).items():
        for part in client.get(address).content.decode(errors="replace").split('href="')[1:]:
            assert not any(code in part.split('"')[0] for code in codes), name
        assert not any(code in address for code in codes), name


@pytest.mark.parametrize("with_role", [False, True])
def test_the_list_asks_the_database_as_often_with_500_rows_as_with_50(
    client: Client, here: Place, with_role: bool
) -> None:
    if with_role:
        cast.give_role(here.administrator, here.service)
    asked = []
    for wanted in (50, 500):
        _fill(here, wanted)
        with CaptureQueriesContext(
            connection,
        ) as queries:
            assert client.get(LIST).status_code == 200
        asked.append(len(queries))
    assert asked[0] == asked[1] <= 12, asked
    assert not any('"body"' in query["sql"] or '"subject"' in query["sql"] for query in queries.captured_queries)


def test_counting_stops_at_the_cap(client: Client, here: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paging, "CAP", 60)
    _fill(here, 80)
    assert "60+ messaggi" in client.get(LIST).content.decode()
    assert client.get(LIST, {"p": 2}).status_code == 200


def test_pages_of_several_services_follow_one_order_and_miss_nothing(client: Client, here: Place) -> None:
    other = cast.make_service(institution=here.institution)
    for _ in range(30):
        cast.make_message(service=other, author=here.clerk)
        cast.make_message(service=here.service, author=here.clerk)
    shown = [row.pk for page in (1, 2, 3) for row in client.get(LIST, {"p": page}).context["cl"].result_list]
    assert shown == list(Message.objects.order_by("-id").values_list("pk", flat=True))


def _fill(place: Place, wanted: int) -> None:
    missing = wanted - Message.objects.filter(service=place.service).count()
    Message.objects.bulk_create(
        Message(
            service=place.service,
            author=place.clerk,
            recipient=place.message.recipient,
            kind=Kind.INFORMATIONAL,
            status=Status.CANCELLED,
            subject="Oggetto",
            body=cast.BODY,
        )
        for _ in range(missing)
    )
