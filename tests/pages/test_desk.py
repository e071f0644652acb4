"""The desk: what waits for whom, what runs, what is past."""

from __future__ import annotations

from datetime import datetime, timedelta
from html import unescape
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from messaging.delivery import approval
from messaging.delivery.pauses import pause_service
from messaging.delivery.seal import installation
from messaging.enums import BatchStatus, PauseReason, Reason, Role, Status
from messaging.models import Message, User
from tests import cast
from tests.batches.scenes import make_sending
from tests.pages.conftest import Office, queries_of, step


def desk(office: Office, person: User) -> str:
    response = office.as_(person).get("/")
    assert response.status_code == 200
    return unescape(response.content.decode())


def test_nobody_is_asked_to_sign_in(db: None) -> None:
    assert Client().get("/")["Location"].startswith("/account/login/")
    assert Client().get(reverse("desk_running")).status_code == 302


@pytest.mark.parametrize(
    ("hour", "words"), [(9, "Buongiorno"), (15, "Buon pomeriggio"), (20, "Buonasera"), (3, "Buonasera")]
)
def test_the_desk_greets_by_the_hour_in_rome(office: Office, hour: int, words: str) -> None:
    with time_machine.travel(datetime(2026, 11, 18, hour, 5, tzinfo=ZoneInfo("Europe/Rome"))):
        assert f"{words} Marta. Oggi è mercoledì 18 novembre." in desk(office, office.clerk)


def test_an_empty_desk_says_where_to_begin(office: Office) -> None:
    page = desk(office, office.clerk)
    assert "Niente da fare. Quando un messaggio ha bisogno di te compare qui." in page
    assert "Non hai ancora inviato nulla: comincia con Nuovo messaggio, e mandalo prima a te." in page
    assert "Nuovo messaggio" in page
    assert "Prova prima su di te" in page


def test_a_message_that_came_back_waits_for_its_author_with_the_note(office: Office) -> None:
    message = office.awaiting(subject="Iscrizione alla mensa")
    approval.send_back(message, office.supervisor, "Aggiungi la data")
    page = desk(office, office.clerk)
    assert "«Iscrizione alla mensa» è tornato indietro" in page
    assert "Giulia F., oggi all" in page
    assert "«Aggiungi la data»" in page


def test_a_draft_that_came_back_and_was_queued_since_waits_no_more(office: Office) -> None:
    message = office.awaiting()
    approval.send_back(message, office.supervisor, "Aggiungi la data")
    message.refresh_from_db()
    assert approval.send(message, office.clerk)
    assert "tornato indietro" not in desk(office, office.clerk)


def test_what_a_colleague_must_correct_is_not_my_task(office: Office) -> None:
    colleague = cast.make_person(service=office.service)
    office.message(Status.REFUSED, refusal_cause="invalid_content", refusal_owner="clerk", subject="Mio")
    office.message(
        Status.REFUSED, refusal_cause="invalid_content", refusal_owner="clerk", subject="Suo", author=colleague
    )
    page = desk(office, office.clerk)
    assert "«Mio» è da correggere" in page
    assert "«Suo» è da correggere" not in page


def test_the_job_of_an_administrator_is_not_the_clerks(office: Office) -> None:
    office.message(Status.REFUSED, refusal_cause="amount_over_limit", refusal_owner="administrator", subject="Mio")
    assert "«Mio» è da correggere" not in desk(office, office.clerk)
    page = desk(office, office.administrator)
    assert "Un messaggio di Tributi è fermo" in page
    assert "Mio" not in page


def test_a_supervisor_is_told_what_waits(office: Office) -> None:
    for number in range(2):
        office.awaiting(body=f"{cast.BODY} {number}")
    office.message(Status.UNCERTAIN)
    page = desk(office, office.supervisor)
    assert "2 messaggi da approvare" in page
    assert "Un messaggio con esito incerto" in page
    assert "2 messaggi da approvare" not in desk(office, office.clerk)


def test_a_pause_waits_for_those_who_can_lift_it(office: Office) -> None:
    pause_service(office.service, PauseReason.KEY)
    for person, told in ((office.supervisor, True), (office.administrator, True), (office.clerk, False)):
        assert ("IO non accetta la chiave" in desk(office, person)) == told


def test_a_held_installation_waits_for_an_administrator(office: Office) -> None:
    row = installation()
    row.held_at = timezone.now()
    row.save()
    assert "Tutti gli invii sono fermi" in desk(office, office.administrator)
    assert "Tutti gli invii sono fermi" not in desk(office, office.clerk)


def test_an_administrator_without_a_role_has_a_desk_about_configuration(office: Office) -> None:
    cast.make_service(institution=office.service.institution, name="Scuola", key=None)
    office.message(subject="Segreto")
    page = desk(office, office.administrator)
    assert "Scuola non ha una chiave in uso" in page
    assert "Persone e ruoli" in page
    assert "Segreto" not in page
    assert "Nuovo messaggio" not in page


def test_somebody_without_any_role_reads_whom_to_ask(office: Office) -> None:
    cast.Administrator.objects.exclude(user=office.administrator).delete()
    assert "Chiedi un ruolo a un amministratore: Sergio L.</p>" in desk(office, cast.make_person("nuovo"))


def test_what_runs_is_asked_again_until_nothing_runs(office: Office) -> None:
    message = office.message(Status.QUEUED, subject="In viaggio")
    office.message(Status.QUEUED, subject="Di un collega", author=cast.make_person(service=office.service))
    page = office.as_(office.clerk).get(reverse("desk_running")).content.decode()
    assert "In viaggio" in page
    assert "Di un collega" not in page
    assert 'hx-trigger="every 5s"' in page
    Message.objects.filter(pk=message.pk).update(status=Status.CANCELLED, next_attempt_at=None)
    last = office.as_(office.clerk).get(reverse("desk_running")).content.decode()
    assert "hx-trigger" not in last
    assert "Nessun messaggio è più in viaggio." in last


@pytest.mark.parametrize(
    ("status", "columns", "words"),
    [
        (Status.UNCERTAIN, {}, "Decide Giulia F."),
        (Status.REFUSED, {"refusal_owner": "administrator"}, "Tocca all’amministratore"),
        (Status.UNREACHABLE, {}, "Scrivi in un altro modo"),
        (Status.PROCESSED, {"read_status": "READ"}, "Risulta letto"),
        (Status.PROCESSED, {"payment_status": "PAID"}, "Risulta pagato"),
    ],
)
def test_the_last_sendings_say_in_brief_what_matters(
    office: Office, status: Status, columns: dict[str, str], words: str
) -> None:
    office.message(status, **columns)
    assert words in desk(office, office.clerk)


def test_the_last_sendings_are_messages_and_sheets_newest_first(office: Office) -> None:
    office.message(Status.PROCESSED, subject="Messaggio di ieri", queued_at=timezone.now() - timedelta(days=1))
    fates: dict[Any, int] = {Status.PROCESSED: 3, Status.UNREACHABLE: 1}
    sheet = {"service": office.service, "author": office.clerk}
    make_sending(fates, name="Foglio di oggi", status=BatchStatus.FINISHED, **sheet)
    cast.make_batch(name="Foglio non ancora inviato", **sheet)
    colleague = cast.make_person(service=office.service)
    make_sending(fates, name="Foglio di un collega", service=office.service, author=colleague)
    last = desk(office, office.clerk).partition("I tuoi ultimi invii")[2]
    assert 0 < last.index("Foglio di oggi") < last.index("Messaggio di ieri")
    assert "foglio di 4 righe" in last
    assert "3 consegnati, 1 non raggiungibile" in last
    assert "Foglio non ancora inviato" not in last
    assert "Foglio di un collega" not in last


def test_the_desk_links_to_help_and_to_the_drafts(office: Office) -> None:
    office.message(Status.DRAFT, subject="")
    page = desk(office, office.clerk)
    assert "Senza oggetto" in page
    assert f"?status=draft&author={office.clerk.pk}" in page


@pytest.mark.parametrize("role", ["clerk", "supervisor", "administrator"])
def test_a_full_desk_costs_no_more_queries_than_a_sparse_one(office: Office, role: str) -> None:
    def fill(times: int) -> None:
        for _ in range(times):
            office.message(Status.QUEUED)
            office.message(Status.UNCERTAIN)
            make_sending({Status.QUEUED: 1}, service=office.service, author=office.clerk)
            office.message(Status.REFUSED, refusal_cause="invalid_content", refusal_owner="clerk")
            office.message(Status.REFUSED, refusal_cause="unknown", refusal_owner="administrator")
            step(office.message(Status.DRAFT), Reason.SENT_BACK, actor=cast.make_person(service=office.service))

    cast.give_role(cast.make_person(), office.service, Role.SUPERVISOR)
    fill(3)
    few = queries_of(office, getattr(office, role), "/")
    fill(27)
    assert queries_of(office, getattr(office, role), "/") == few <= 22
