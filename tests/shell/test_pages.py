"""The pages that explain, the account pages and the pages of errors."""

import re

import pytest
from allauth.account.models import EmailAddress
from django.core import mail
from django.template.loader import render_to_string
from django.test import Client
from django.utils.translation import override

from messaging.enums import Status
from tests.cast import PASSWORD, make_institution, make_person, make_service

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.shell.urls")]

EXPLAINING = ["/help/", "/help/statuses/", "/help/spreadsheets/", "/accessibility/", "/privacy/"]


def text(response):
    return response.content.decode()


@pytest.mark.parametrize("address", EXPLAINING)
@pytest.mark.parametrize("language", ["it", "en"])
def test_explaining_pages_for_everybody(client, address, language):
    make_institution()
    for signed_in in (False, True):
        if signed_in:
            client.force_login(make_person(service=make_service()))
        page = client.get(address, headers={"accept-language": language})
        assert page.status_code == 200
        assert f'<html lang="{language}">' in text(page)
        assert len(re.findall("<h1", text(page))) == 1
        assert page.headers["Content-Security-Policy"].count("default-src 'self'") == 1
        assert "unsafe" not in page.headers["Content-Security-Policy"]


@pytest.mark.parametrize("address", EXPLAINING)
def test_explaining_pages_take_no_posts(client, address):
    assert client.post(address).status_code == 405


def test_every_status_is_on_its_page(client):
    page = text(client.get("/help/statuses/"))
    for status in Status:
        assert f'<tr id="{status.value}">' in page


@pytest.mark.parametrize("address", ["/help/", "/help/spreadsheets/"])
def test_links_of_the_guides_lead_somewhere(client, address):
    page = text(client.get(address))
    anchors = re.findall(r'href="#([a-z]+)"', page)
    assert len(anchors) > 5
    for anchor in anchors:
        assert f'id="{anchor}"' in page
    assert 'href="/help/spreadsheets/"' in text(client.get("/help/"))


def test_signing_in_and_out(client):
    make_person("marta", service=make_service())
    page = text(client.get("/account/login/"))
    assert "signup" not in page
    answer = client.post("/account/login/", {"login": "marta", "password": PASSWORD})
    assert answer.url == "/"
    assert "Potrai accedere di nuovo" in text(client.get("/account/logout/"))
    assert client.post("/account/logout/").url == "/account/login/"


def test_a_wrong_password_is_said_once_at_the_top(client):
    page = text(client.post("/account/login/", {"login": "marta", "password": "no"}))
    assert page.count('role="alert"') == 1


def test_nobody_signs_up(client):
    assert "Gli accessi li crea un amministratore" in text(client.get("/account/signup/"))
    assert "Questo accesso è chiuso" in text(client.get("/account/inactive/"))


def test_a_forgotten_password(client):
    user = make_person("marta", service=make_service())
    assert "Mandami il collegamento" in text(client.get("/account/password/reset/"))
    client.post("/account/password/reset/", {"email": user.email})
    assert "Controlla la posta" in text(client.get("/account/password/reset/done/"))
    address = re.search(r"/account/password/reset/key/\S+", mail.outbox[0].body)[0]
    page = client.get(address, follow=True)
    assert "Nuova password, di nuovo" in text(page)
    new = "una frase nuova molto lunga"
    client.post(page.request["PATH_INFO"], {"password1": new, "password2": new})
    assert "La password è cambiata" in text(client.get("/account/password/reset/key/done/"))
    assert "Il collegamento non vale più" in text(client.get(address, follow=True))


def test_changing_the_password_and_addresses(client):
    client.force_login(make_person("marta", service=make_service()))
    page = text(client.get("/account/password/change/"))
    assert "Password di adesso" in page
    page = text(client.post("/account/password/change/", {"oldpassword": "no", "password1": "a", "password2": "b"}))
    assert 'role="alert"' in page
    page = text(client.get("/account/email/"))
    assert "marta@comune.example.it" in page
    assert "Aggiungi un indirizzo" in page
    assert "onload" not in page


def test_confirming_an_address(client):
    user = make_person("marta")
    client.force_login(user)
    client.post("/account/email/", {"action_add": "", "email": "altra@comune.example.it"})
    assert EmailAddress.objects.filter(email="altra@comune.example.it", verified=False).exists()
    address = re.search(r"/account/confirm-email/\S+", mail.outbox[-1].body)[0]
    assert "altra@comune.example.it" in text(client.get(address))
    assert "Il collegamento non vale più" in text(client.get("/account/confirm-email/xyz/"))
    assert "Controlla la posta" in text(client.get("/account/confirm-email/"))


def test_a_person_without_a_password_chooses_one(client):
    user = make_person("marta", password="!")
    client.force_login(user)
    assert "Scegli una password" in text(client.get("/account/password/set/"))


def test_confirming_who_one_is(client):
    make_person("marta")
    client.post("/account/login/", {"login": "marta", "password": PASSWORD})
    assert "Conferma che sei tu" in text(client.get("/account/reauthenticate/"))


def test_pages_of_errors(client):
    client.raise_request_exception = False
    for address, status, words in [
        ("/nowhere/", 404, "Questa pagina non c’è"),
        ("/forbidden/", 403, "Questa pagina non è per te"),
        ("/too-many/", 429, "Troppe richieste in poco tempo"),
        ("/boom/", 500, "Qualcosa si è rotto"),
    ]:
        page = client.get(address)
        assert (page.status_code, words in text(page)) == (status, True)
        assert "Content-Security-Policy" in page.headers


def test_a_form_that_expired():
    page = Client(enforce_csrf_checks=True).post("/account/login/", {"login": "x"})
    assert page.status_code == 403
    assert "Il modulo è scaduto" in text(page)


def test_the_page_of_a_fault_needs_no_context():
    with override("it"):
        assert "Qualcosa si è rotto" in render_to_string("500.html")
