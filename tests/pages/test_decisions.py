"""What a person decides about a message: who may, when it is too late, and what the page says then."""

from __future__ import annotations

import re

import pytest
from django.urls import reverse

from messaging.delivery import approval, resolution
from messaging.enums import Reason, Role, Status
from messaging.models import Message, StatusChange
from tests import cast
from tests.pages.conftest import Office

ACTIONS = {
    "message_approve": Status.AWAITING_APPROVAL,
    "message_send_back": Status.AWAITING_APPROVAL,
    "message_withdraw": Status.AWAITING_APPROVAL,
    "message_cancel": Status.QUEUED,
    "message_resolve": Status.UNCERTAIN,
    "message_retry": Status.REFUSED,
    "message_reopen": Status.REFUSED,
}
DATA = {"decision": "again", "reason": "Sentito al telefono", "note": "Manca la data", "seen": "", "attempt": "1"}


def status_of(message: Message) -> str:
    return Message.objects.get(pk=message.pk).status


@pytest.mark.parametrize(("name", "status"), ACTIONS.items())
def test_a_stranger_finds_nothing_to_decide(office: Office, name: str, status: Status) -> None:
    message = office.message(status)
    assert office.post(name, message, office.stranger, **DATA).status_code == 404
    assert status_of(message) == status


@pytest.mark.parametrize(("name", "status"), ACTIONS.items())
def test_an_administrator_without_a_role_decides_nothing(office: Office, name: str, status: Status) -> None:
    message = office.message(status)
    assert office.post(name, message, office.administrator, **DATA).status_code == 404
    assert status_of(message) == status


@pytest.mark.parametrize(("name", "status"), ACTIONS.items())
def test_nobody_is_asked_to_sign_in_first(office: Office, name: str, status: Status) -> None:
    message = office.message(status)
    response = office.post(name, message, None, **DATA)
    assert response.status_code == 302
    assert response["Location"].startswith("/account/login/")
    assert status_of(message) == status


@pytest.mark.parametrize("name", ["message_approve", "message_send_back", "message_resolve"])
def test_a_clerk_may_not_decide_for_a_supervisor(office: Office, name: str) -> None:
    message = office.message(ACTIONS[name])
    assert office.post(name, message, office.clerk, **DATA).status_code == 403
    assert status_of(message) == ACTIONS[name]


@pytest.mark.parametrize("name", ACTIONS)
@pytest.mark.parametrize("status", [Status.DRAFT, Status.SENDING, Status.PROCESSED, Status.ABANDONED])
def test_what_comes_too_late_changes_nothing_and_says_so(office: Office, name: str, status: Status) -> None:
    message = office.message(status)
    assert "La tua scelta non è stata registrata" in office.follow(name, message, office.supervisor, **DATA)
    assert status_of(message) == status


# Approving


def test_a_supervisor_approves_what_the_page_showed(office: Office) -> None:
    message = office.awaiting()
    page = office.page(message, office.supervisor)
    seen = re.search(r'name="seen" value="(\w+)"', page)
    assert seen is not None
    told = office.follow("message_approve", message, office.supervisor, seen=seen[1])
    assert "Approvato: «Avviso per il cittadino» è in coda" in told
    assert status_of(message) == Status.QUEUED
    assert Message.objects.get(pk=message.pk).approved_by == office.supervisor


def test_a_yes_to_another_text_than_the_one_on_the_page_counts_for_nothing(office: Office) -> None:
    message = office.awaiting()
    told = office.follow("message_approve", message, office.supervisor, seen="0" * 64)
    assert "è cambiato mentre lo leggevi" in told
    assert status_of(message) == Status.AWAITING_APPROVAL


def test_a_text_changed_behind_the_approval_goes_back_to_its_author(office: Office) -> None:
    message = office.awaiting()
    Message.objects.filter(pk=message.pk).update(body=message.body + " Aggiunto di nascosto.")
    told = office.follow("message_approve", message, office.supervisor, seen=message.approval_digest)
    assert "La tua scelta non è stata registrata" in told
    assert status_of(message) == Status.DRAFT


def test_nobody_approves_their_own_message(office: Office) -> None:
    message = office.awaiting(author=office.supervisor)
    assert "Approva e invia" not in office.page(message, office.supervisor)
    response = office.post("message_approve", message, office.supervisor, seen=message.approval_digest)
    assert response.status_code == 403
    assert status_of(message) == Status.AWAITING_APPROVAL


def test_nobody_approves_by_a_role_they_gave_themselves(office: Office) -> None:
    boss = cast.make_person("capo")
    cast.give_role(boss, office.service, Role.SUPERVISOR, granted_by=boss)
    message = office.awaiting()
    response = office.post("message_approve", message, boss, seen=message.approval_digest)
    assert response.status_code == 403


def test_after_a_yes_the_page_leads_to_the_next_message(office: Office) -> None:
    first, second = office.awaiting(), office.awaiting(subject="Il prossimo", body=cast.BODY + " Altro testo.")
    told = office.follow("message_approve", first, office.supervisor, seen=first.approval_digest)
    assert "Leggi l’ultimo da approvare" in told
    assert str(second.public_id) in told


def test_a_message_sent_back_carries_the_note_to_its_author(office: Office) -> None:
    message = office.awaiting()
    told = office.follow("message_send_back", message, office.supervisor, note="Aggiungi la data")
    assert "è tornato a Marta R." in told
    assert status_of(message) == Status.DRAFT
    assert "«Aggiungi la data»" in office.page(message)


def test_a_message_goes_back_only_with_a_note(office: Office) -> None:
    message = office.awaiting()
    response = office.post("message_send_back", message, office.supervisor, note=" ")
    assert response.status_code == 200
    assert "Scrivi cosa deve cambiare" in response.content.decode()
    assert status_of(message) == Status.AWAITING_APPROVAL


def test_the_second_of_two_supervisors_reads_who_was_first(office: Office) -> None:
    colleague = cast.make_person(
        "paola", first_name="Paola", last_name="Neri", service=office.service, role=Role.SUPERVISOR
    )
    message = office.awaiting()
    assert approval.approve(Message.objects.select_related("service__institution", "recipient").get(), colleague)
    told = office.follow("message_approve", message, office.supervisor, seen=message.approval_digest)
    assert "Approvato da Paola N." in told
    assert "La tua scelta non è stata registrata" in told


def test_the_author_takes_a_message_back_and_goes_on_writing(office: Office) -> None:
    message = office.awaiting()
    response = office.post("message_withdraw", message, office.clerk)
    assert response["Location"].endswith(f"/messages/{message.public_id}/edit/")
    assert status_of(message) == Status.DRAFT


def test_a_colleague_takes_back_the_message_of_somebody_on_leave(office: Office) -> None:
    colleague = cast.make_person("anna", service=office.service)
    message = office.awaiting()
    office.post("message_withdraw", message, colleague)
    assert status_of(message) == Status.DRAFT


# Stopping


def test_a_message_in_the_queue_can_be_stopped(office: Office) -> None:
    message = office.message(Status.QUEUED)
    assert "Annullato: «Avviso per il cittadino» non parte." in office.follow("message_cancel", message, office.clerk)
    assert status_of(message) == Status.CANCELLED


# Uncertain


@pytest.mark.parametrize(
    ("decision", "status", "reason"),
    [
        ("arrived", Status.CONFIRMED, Reason.CONFIRMED),
        ("again", Status.QUEUED, Reason.SENT_AGAIN),
        ("give_up", Status.ABANDONED, Reason.ABANDONED),
    ],
)
def test_a_supervisor_decides_about_an_uncertain_outcome(
    office: Office, decision: str, status: Status, reason: Reason
) -> None:
    message = office.message(Status.UNCERTAIN)
    data = {"decision": decision, "reason": "Sentito al telefono", "attempt": 1}
    assert "Registrato:" in office.follow("message_resolve", message, office.supervisor, **data)
    assert status_of(message) == status
    step = StatusChange.objects.get(message=message)
    assert (step.reason, step.note, step.actor) == (reason, "Sentito al telefono", office.supervisor)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({"decision": "again", "reason": "", "attempt": 1}, "Scrivi perché"),
        ({"decision": "", "reason": "Sentito", "attempt": 1}, "Scegli una delle tre"),
        ({"decision": "boh", "reason": "Sentito", "attempt": 1}, "Ci sono"),
    ],
)
def test_a_decision_without_choice_or_reason_is_asked_again(office: Office, data: dict[str, str], words: str) -> None:
    message = office.message(Status.UNCERTAIN)
    response = office.post("message_resolve", message, office.supervisor, **data)
    assert response.status_code == 200
    page = response.content.decode()
    assert "<title>Errore:" in page
    assert words in page or "C’è una cosa da correggere" in page
    assert status_of(message) == Status.UNCERTAIN


def test_a_decision_about_an_earlier_attempt_says_nothing_of_this_one(office: Office) -> None:
    message = office.message(Status.UNCERTAIN, attempt_number=2)
    office.post("message_resolve", message, office.supervisor, decision="again", reason="Sentito", attempt=1)
    assert status_of(message) == Status.UNCERTAIN


def test_a_supervisor_who_comes_second_reads_what_a_colleague_decided(office: Office) -> None:
    colleague = cast.make_person(
        "paola", first_name="Paola", last_name="Neri", service=office.service, role=Role.SUPERVISOR
    )
    message = office.message(Status.UNCERTAIN)
    assert resolution.give_up(Message.objects.get(), colleague, "Non risponde")
    data = {"decision": "again", "reason": "Sentito", "attempt": 1}
    told = office.follow("message_resolve", message, office.supervisor, **data)
    assert "Paola N. ha scelto di rinunciare" in told
    assert "La tua scelta non è stata registrata" in told
    assert status_of(message) == Status.ABANDONED


def test_after_a_decision_the_page_leads_to_the_next_one(office: Office) -> None:
    first, second = office.message(Status.UNCERTAIN), office.message(Status.UNCERTAIN)
    data = {"decision": "give_up", "reason": "Sentito", "attempt": 1}
    told = office.follow("message_resolve", first, office.supervisor, **data)
    assert "Decidi sull’ultimo esito incerto" in told
    assert str(second.public_id) in told


def test_after_a_no_the_page_leads_to_the_next_message_to_approve(office: Office) -> None:
    first = office.awaiting()
    office.awaiting(body=cast.BODY + " Altro testo.")
    assert "Leggi l’ultimo da approvare" in office.follow("message_send_back", first, office.supervisor, note="Manca")
    assert "Leggi l’ultimo" not in office.page(first, office.clerk)


def test_the_form_works_without_scripts(office: Office) -> None:
    page = office.page(office.message(Status.UNCERTAIN), office.supervisor)
    assert "Registra la decisione" in page
    assert 'data-repeat="Conferma: "' in page
    assert page.count('type="radio" name="decision"') == 3
    assert not re.search(r'name="decision"[^>]*checked', page)


# Putting right


@pytest.mark.parametrize(
    ("status", "allowed"),
    [
        (Status.REFUSED, {"clerk", "supervisor"}),
        (Status.UNREACHABLE, {"clerk", "supervisor"}),
        (Status.FAILED, {"supervisor"}),
    ],
)
@pytest.mark.parametrize("role", ["clerk", "supervisor"])
def test_who_may_queue_again_what_did_not_arrive(office: Office, status: Status, allowed: set[str], role: str) -> None:
    message = office.message(status)
    response = office.post("message_retry", message, getattr(office, role))
    assert response.status_code == (302 if role in allowed else 403)
    assert (status_of(message) == Status.QUEUED) == (role in allowed)


def test_an_uncertain_message_is_never_sent_again_without_a_decision(office: Office) -> None:
    message = office.message(Status.UNCERTAIN)
    office.post("message_retry", message, office.supervisor)
    assert status_of(message) == Status.UNCERTAIN


def test_a_refused_message_is_opened_for_correction(office: Office) -> None:
    message = office.message(Status.REFUSED, refusal_cause="invalid_content", refusal_owner="clerk")
    response = office.post("message_reopen", message, office.clerk)
    assert response["Location"].endswith(f"/messages/{message.public_id}/edit/")
    assert status_of(message) == Status.DRAFT


def test_actions_are_never_links(office: Office) -> None:
    message = office.message(Status.QUEUED)
    for name in ACTIONS:
        assert office.as_(office.supervisor).get(reverse(name, args=[message.public_id])).status_code == 405
