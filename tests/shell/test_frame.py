"""The frame around every page: who, where, the link with IO, the demonstration."""

from datetime import timedelta

import pytest
from django.template import Context, Template
from django.test import RequestFactory
from django.utils import timezone
from django.utils.translation import override

from messaging.context import Portal, link_state, waiting_count
from messaging.enums import Role, Status
from messaging.models import GatewayAccount
from tests.cast import give_role, make_administrator, make_institution, make_message, make_person, make_service

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.shell.urls")]


def names_of(user):
    request = RequestFactory().get("/")
    request.user = user
    return [entry.url_name for entry in Portal(request).navigation]


def test_a_clerk_a_supervisor_and_an_administrator_see_their_places():
    service = make_service()
    assert names_of(make_person(service=service)) == [
        "desk",
        "message_list",
        "batch_list",
        "template_list",
        "service_list",
    ]
    supervisor = make_person(service=service, role=Role.SUPERVISOR)
    assert names_of(supervisor) == [
        "desk",
        "overview",
        "waiting_list",
        "message_list",
        "batch_list",
        "template_list",
        "service_list",
    ]
    assert names_of(make_administrator(service.institution)) == ["service_list", "admin:index"]
    assert names_of(make_person()) == ["desk", "service_list"]


def test_the_place_of_a_page_is_marked(client):
    client.force_login(make_person(service=make_service()))
    assert b'<a href="/messages/" aria-current="page">' in client.get("/messages/new/").content
    assert b'<a href="/" aria-current="page">' in client.get("/").content


def test_the_frame_says_who_and_whose_desk(client):
    service = make_service(institution=make_institution(name="Comune di Valdoria"))
    client.force_login(make_person(service=service, first_name="Marta", last_name="Rossi"))
    page = client.get("/help/").content.decode()
    assert "Marta R." in page
    assert "(addetto)" in page
    assert "<title>Guida - IO Portal - Comune di Valdoria</title>" in page
    assert '<form method="post" action="/account/logout/">' in page
    assert "Dimostrazione: i messaggi vanno al simulatore." in page


def test_the_frame_costs_few_queries(client, django_assert_max_num_queries):
    service = make_service()
    supervisor = make_person(service=service, role=Role.SUPERVISOR)
    client.force_login(supervisor)
    with django_assert_max_num_queries(5):  # session, person, roles, administrations, what waits
        client.get("/help/")


def test_what_waits_is_what_the_supervisor_may_decide():
    service, other = make_service(), make_service()
    supervisor = make_person(service=service, role=Role.SUPERVISOR)
    make_message(service=service, status=Status.AWAITING_APPROVAL)
    make_message(service=service, status=Status.UNCERTAIN)
    make_message(service=service, status=Status.UNCERTAIN, author=supervisor)
    make_message(service=service, status=Status.AWAITING_APPROVAL, author=supervisor)
    make_message(service=service, status=Status.AWAITING_APPROVAL, submitted_by=supervisor)
    make_message(service=other, status=Status.UNCERTAIN)
    make_message(service=service)
    assert waiting_count(supervisor) == 3
    give_role(supervisor, service, Role.SUPERVISOR, granted_by=supervisor)
    assert waiting_count(supervisor) == 2
    assert waiting_count(make_person(service=service)) == 0


def test_the_count_is_in_the_navigation(client):
    service = make_service()
    make_message(service=service, status=Status.UNCERTAIN)
    client.force_login(make_person(service=service, role=Role.SUPERVISOR))
    assert '<span class="n">1<span class="visually-hidden"> in attesa</span></span>' in client.get("/").content.decode()


def account(**kw):
    return GatewayAccount(name="x", **kw)


def test_the_link_with_io_in_words():
    now = timezone.now()
    with override("it"):
        assert link_state([]) == ""
        assert link_state([account()]) == "non ancora controllato"
        assert link_state([account(last_answer_at=now)]) == "regolare, controllato adesso"
        assert link_state([account(last_answer_at=now - timedelta(seconds=70))]) == "regolare, controllato un minuto fa"
        assert link_state([account(last_answer_at=now - timedelta(minutes=9))]) == "regolare, controllato 9 minuti fa"
        assert link_state([account(last_answer_at=now - timedelta(days=9))]).startswith("ultima risposta ")
        assert link_state([account(blocked_until=now.timestamp() + 60)]).startswith("rallentato fino alle ")
        assert link_state([account(last_answer_at=now), account(paused_at=now)]).startswith("sospeso da oggi")


def test_a_visitor_sees_no_link_unless_there_is_one_institution(client):
    first = make_institution(name="Comune di Uno")
    GatewayAccount.objects.update(last_answer_at=timezone.now())
    assert "Comune di Uno" in client.get("/help/").content.decode()
    make_institution(name="Comune di Due")
    page = client.get("/help/").content.decode()
    assert first.name not in page
    assert "Collegamento con IO" not in page


def test_the_language_switch(client):
    page = client.get("/help/statuses/").content.decode()
    assert '<button class="linklike" type="submit" name="language" value="en" lang="en">English</button>' in page
    client.post("/i18n/setlang/", {"language": "en", "next": "/help/statuses/"})
    page = client.get("/help/statuses/").content.decode()
    assert '<html lang="en">' in page
    assert "What each status means" in page
    assert "Italiano" in page


def test_messages_have_tone_and_role():
    class Told:
        def __init__(self, tag):
            self.level_tag = tag

        def __str__(self):
            return "Detto."

    told = [Told(tag) for tag in ("success", "warning", "error", "info")]
    drawn = Template('{% include "portal/messages.html" %}').render(Context({"messages": told}))
    assert drawn.count('role="status"') == 4
    assert all(f'class="note {tone}"' in drawn for tone in ("ok", "wait", "bad", "go"))


def test_an_error_is_in_the_title(client):
    page = client.post("/account/login/", {"login": "", "password": ""}).content.decode()
    assert "<title>Errore: Accedi" in page
    assert "Ci sono 2 cose da correggere" in page
