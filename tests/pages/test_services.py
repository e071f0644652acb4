"""The services: their state, their pauses and who may set them going again; the release after a restore."""

from __future__ import annotations

from html import unescape

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from messaging.delivery.outage import FAULTS, record_fault
from messaging.delivery.pauses import hold_features, lift, pause_service
from messaging.delivery.seal import installation
from messaging.enums import ApprovalRule, PauseReason, Role, Status
from messaging.models import Installation, Message, ServicePause, User
from tests import cast
from tests.pages.conftest import Office, queries_of

LIST = "/services/"


def get(office: Office, person: User, address: str = "/services/tributi/") -> str:
    response = office.as_(person).get(address)
    assert response.status_code == 200
    return unescape(response.content.decode())


def hold() -> None:
    row = installation()
    row.held_at = timezone.now()
    row.save()


def test_those_who_work_in_a_service_or_administer_it_see_it(office: Office) -> None:
    for person in (office.clerk, office.supervisor, office.administrator):
        assert "Tributi" in get(office, person, LIST)
        assert "Come è impostato" in get(office, person)
    assert office.as_(office.stranger).get("/services/tributi/").status_code == 404
    assert "Tributi</a>" not in get(office, office.stranger, LIST).replace(f"Tributi {office.stranger.pk}", "")
    assert Client().get("/services/tributi/").status_code == 302
    assert Client().get(LIST).status_code == 302


def test_somebody_without_a_service_reads_whom_to_ask(office: Office) -> None:
    assert "Chiedi un ruolo a un amministratore" in get(office, cast.make_person("nuovo"), LIST)


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ({"live": True}, "In esercizio: scrive a tutti"),
        ({"live": False}, "In prova: scrive solo a 0 persone, oltre al codice di prova di IO"),
        ({"approval": ApprovalRule.OFF}, "Nessun messaggio chiede il sì"),
        ({"approval": ApprovalRule.PAYMENTS}, "I messaggi con pagamento chiedono il sì"),
        ({"approval": ApprovalRule.ALL}, "Tutti i messaggi chiedono il sì"),
        ({"max_amount": 0}, "Il servizio non può chiedere pagamenti"),
        ({"premium": True}, "Premium: si sa chi ha letto e pagato"),
    ],
)
def test_the_page_says_how_the_service_is_set_up(office: Office, columns: dict[str, object], words: str) -> None:
    type(office.service).objects.filter(pk=office.service.pk).update(**columns)
    assert words in get(office, office.clerk)


def test_only_administrators_see_the_last_four_of_a_key(office: Office) -> None:
    key = office.service.keys.get()
    assert f"…{key.last_four}" in get(office, office.administrator)
    assert key.last_four not in get(office, office.clerk)
    assert key.secret not in get(office, office.administrator)


def test_a_service_without_a_key_says_who_can_add_one(office: Office) -> None:
    office.service.keys.all().delete()
    assert "copiala dall’Area Riservata di IO. Può farlo un amministratore." in get(office, office.clerk)
    assert "Senza chiave" in get(office, office.clerk, LIST)


@pytest.mark.parametrize("reason", PauseReason)
def test_every_pause_has_a_cause_and_an_owner(office: Office, reason: PauseReason) -> None:
    pause_service(office.service, reason)
    page = get(office, office.supervisor)
    assert "messaggi aspettano in coda" in page
    assert "riprend" in page
    assert "Sospeso" in get(office, office.clerk, LIST)


def test_an_undecided_hold_asks_nothing_of_anybody(office: Office) -> None:
    hold_features(office.service, "premium", "No scopes")
    page = get(office, office.administrator)
    assert "Per ora non devi fare niente." in page
    assert "Riprendi gli invii" not in page


def test_the_words_of_io_are_for_administrators(office: Office) -> None:
    pause_service(office.service, PauseReason.FORBIDDEN, "You are not allowed here")
    assert "«You are not allowed here»" in get(office, office.administrator)
    assert "You are not allowed" not in get(office, office.supervisor)


@pytest.mark.parametrize(
    ("who", "code"), [("supervisor", 302), ("administrator", 302), ("clerk", 403), ("stranger", 404)]
)
def test_who_may_set_a_service_going_again(office: Office, who: str, code: int) -> None:
    pause_service(office.service, PauseReason.KEY)
    pause = ServicePause.objects.get()
    person = getattr(office, who)
    response = office.as_(person).post(reverse("service_resume", args=["tributi", pause.pk]))
    assert response.status_code == code
    pause.refresh_from_db()
    assert (pause.lifted_by == person) == (code == 302)


def test_the_second_to_resume_reads_who_was_first(office: Office) -> None:
    pause_service(office.service, PauseReason.KEY)
    pause = ServicePause.objects.get()
    lift(pause, office.supervisor)
    response = office.as_(office.administrator).post(reverse("service_resume", args=["tributi", pause.pk]), follow=True)
    assert "Li aveva già ripresi Giulia F., oggi all" in response.content.decode()


def test_a_pause_of_another_service_is_not_here(office: Office) -> None:
    other = cast.make_service()
    pause_service(other, PauseReason.KEY)
    address = reverse("service_resume", args=["tributi", ServicePause.objects.get().pk])
    assert office.as_(office.supervisor).post(address).status_code == 404


def test_resuming_is_never_a_link(office: Office) -> None:
    assert office.as_(office.supervisor).get(reverse("service_resume", args=["tributi", 1])).status_code == 405


def test_an_outage_is_told_where_services_are(office: Office) -> None:
    for _ in range(FAULTS):
        record_fault(office.service.institution.account_id)
    for address in (LIST, "/services/tributi/"):
        assert "IO non risponde bene da" in get(office, office.clerk, address)


def test_what_stands_still_is_counted_for_those_in_charge(office: Office) -> None:
    office.message(Status.REFUSED, refusal_cause="amount_over_limit", refusal_owner="administrator", subject="Segreto")
    page = get(office, office.administrator)
    assert "L’importo supera quello che IO permette" in page
    assert "Segreto" not in page
    assert "/messages/?" not in page
    assert "/messages/?service=tributi" in get(office, office.supervisor)
    assert "L’importo supera" not in get(office, office.clerk)


# After a restore


def test_all_read_that_sending_is_held_and_administrators_get_the_form(office: Office) -> None:
    hold()
    assert "Fai ripartire gli invii" in get(office, office.administrator, LIST)
    page = get(office, office.clerk, LIST)
    assert "Tutti gli invii sono fermi." in page
    assert "Fai ripartire gli invii" not in page
    assert "Tutti gli invii sono fermi." in get(office, office.clerk)


@pytest.mark.parametrize(("choice", "status"), [("possible", Status.UNCERTAIN), ("certain", Status.QUEUED)])
def test_an_administrator_decides_what_becomes_of_the_queue(office: Office, choice: str, status: Status) -> None:
    hold()
    office.message(Status.QUEUED)
    data = {"queued": choice, "reason": "Server nuovo"}
    response = office.as_(office.administrator).post(reverse("sending_release"), data, follow=True)
    assert "Il portale può inviare di nuovo." in response.content.decode()
    assert Message.objects.get().status == status
    row = Installation.objects.get()
    assert (row.held_at, row.released_by, row.release_note) == (None, office.administrator, "Server nuovo")


def test_the_release_needs_a_reason(office: Office) -> None:
    hold()
    response = office.as_(office.administrator).post(reverse("sending_release"), {"queued": "possible", "reason": ""})
    assert response.status_code == 200
    assert "Scrivi perché gli invii possono ripartire." in response.content.decode()
    assert installation().held_at is not None


@pytest.mark.parametrize("who", ["clerk", "supervisor", "stranger"])
def test_only_administrators_release(office: Office, who: str) -> None:
    hold()
    data = {"queued": "certain", "reason": "Prova"}
    assert office.as_(getattr(office, who)).post(reverse("sending_release"), data).status_code == 403
    assert installation().held_at is not None


def test_a_second_release_says_that_nothing_is_held(office: Office) -> None:
    data = {"queued": "certain", "reason": "Prova"}
    response = office.as_(office.administrator).post(reverse("sending_release"), data, follow=True)
    assert "Gli invii non sono fermi" in response.content.decode()
    assert installation().release == 0


def test_many_services_cost_no_more_queries_than_few(office: Office) -> None:
    def add(times: int) -> None:
        for _ in range(times):
            service = cast.make_service(institution=office.service.institution)
            cast.give_role(office.administrator, service, Role.CLERK)
            pause_service(service, PauseReason.KEY)

    add(3)
    few = queries_of(office, office.administrator, LIST)
    add(27)
    assert queries_of(office, office.administrator, LIST) == few <= 20
