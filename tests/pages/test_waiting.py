"""The supervisor's list of what waits for a person."""

from __future__ import annotations

import re
from html import unescape

import pytest
from django.test import Client

from messaging.context import waiting_count
from messaging.delivery.pauses import pause_service
from messaging.enums import PauseReason, Role, Status
from messaging.models import User
from messaging.querysets import to_approve, uncertain
from messaging.views.waiting import PAGE
from tests import cast
from tests.pages.conftest import Office, queries_of

WAITING = "/waiting/"


def waiting(office: Office, person: User | None = None, query: str = "") -> str:
    response = office.as_(person or office.supervisor).get(WAITING + query)
    assert response.status_code == 200
    return unescape(response.content.decode())


def test_it_is_there_for_supervisors_alone(office: Office) -> None:
    for person, code in (
        (office.supervisor, 200),
        (office.clerk, 404),
        (office.administrator, 404),
        (office.stranger, 404),
    ):
        assert office.as_(person).get(WAITING).status_code == code
    assert Client().get(WAITING).status_code == 302


def test_an_empty_list_says_that_nothing_waits(office: Office) -> None:
    assert "Niente da fare." in waiting(office)


def test_the_primary_button_leads_to_the_message_that_waits_longest(office: Office) -> None:
    messages = [office.awaiting(body=f"{cast.BODY} {number}") for number in range(4)]
    page = waiting(office)
    assert re.search(
        rf'class="btn btn-primary" href="/messages/{messages[0].public_id}/">Leggi e approva i 4 messaggi', page
    )
    assert page.count("btn btn-primary") == 1


def test_one_message_is_told_in_the_singular(office: Office) -> None:
    office.awaiting()
    office.message(Status.UNCERTAIN)
    office.message(Status.FAILED)
    page = waiting(office)
    for words in ("Leggi e approva il messaggio", "Decidi sull’esito", "Il messaggio fermo, con la causa"):
        assert words in page


def test_own_messages_do_not_wait_for_their_author(office: Office) -> None:
    office.awaiting(author=office.supervisor, subject="Scritto da me")
    assert "Scritto da me" not in waiting(office)


def test_the_number_in_the_bar_is_that_of_the_list(office: Office) -> None:
    boss = cast.make_person("capo")
    cast.give_role(boss, office.service, Role.SUPERVISOR, granted_by=boss)
    office.awaiting()
    office.awaiting(author=office.supervisor, body=cast.BODY + " Altro.")
    office.message(Status.UNCERTAIN)
    for person in (office.supervisor, boss, office.clerk):
        assert to_approve(person).count() + uncertain(person).count() == waiting_count(person)
    assert waiting_count(office.supervisor) == 2
    assert waiting_count(boss) == 1


def test_what_stands_still_is_counted_by_cause_with_a_link_to_its_rows(office: Office) -> None:
    for _ in range(3):
        office.message(Status.REFUSED, refusal_cause="amount_over_limit", refusal_owner="administrator")
    office.message(Status.REFUSED, refusal_cause="invalid_content", refusal_owner="clerk")
    office.message(Status.NO_OUTCOME)  # final, with advice on its page: nobody has to act
    page = waiting(office)
    assert "I 4 messaggi fermi, per causa" in page
    found = re.search(r'href="/messages/\?(status=refused&cause=amount_over_limit)">3<', page)
    assert found is not None
    listed = office.as_(office.supervisor).get(f"/messages/?{found[1]}")
    assert len(listed.context["page"].rows) == 3
    assert "Tocca all’amministratore" in page


def test_pauses_are_told_with_their_cause(office: Office) -> None:
    pause_service(office.service, PauseReason.PERSON)
    assert "Tributi: Una persona ha sospeso gli invii" in waiting(office)


def test_other_services_wait_for_others(office: Office) -> None:
    cast.make_message(status=Status.UNCERTAIN, subject="Altrui")
    assert "Altrui" not in waiting(office)


def test_long_queues_come_in_pages_and_lose_nothing(office: Office) -> None:
    made = [str(office.message(Status.UNCERTAIN).public_id) for _ in range(PAGE + 3)]
    first = waiting(office)
    following = re.search(r'href="(\?uncertain_after=\d+)#h-uncertain"', first)
    assert following is not None
    second = waiting(office, query=following[1])
    table = re.compile(r'<th scope="row".*?href="/messages/([-0-9a-f]{36})/"', re.S)
    assert table.findall(first) + table.findall(second) == made
    assert f"{PAGE + 3}</p>" in second


@pytest.mark.parametrize(
    "query", ["?approvals_after=x", "?uncertain_after=-3", "?uncertain_after=99999999999999999999"]
)
def test_a_senseless_place_is_ignored(office: Office, query: str) -> None:
    office.message(Status.UNCERTAIN, subject="Aspetta")
    assert "Aspetta" in waiting(office, query=query)


def test_a_long_list_costs_no_more_queries_than_a_short_one(office: Office) -> None:
    def fill(times: int) -> None:
        for number in range(times):
            author = cast.make_person(service=office.service)
            office.awaiting(author=author, body=f"{cast.BODY} {author.pk} {number}")
            office.message(Status.UNCERTAIN, author=author)
            office.message(Status.REFUSED, refusal_cause="unknown", refusal_owner="pagopa")

    fill(3)
    few = queries_of(office, office.supervisor, WAITING)
    fill(27)
    assert queries_of(office, office.supervisor, WAITING) == few <= 20
