"""What a person decides about a sending: who may, when it is too late, and what the page says then."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone

from messaging.batches import work
from messaging.delivery import batches
from messaging.enums import ApprovalRule, BatchStatus, FeatureLevel, Kind, Role, RowState, Status
from messaging.models import Batch, BatchChange, BatchRow
from tests import cast
from tests.batches.scenes import PENDING, make_sending
from tests.pages.conftest import Office

ACTIONS = {
    "batch_pause": BatchStatus.SENDING,
    "batch_resume": BatchStatus.PAUSED,
    "batch_cancel": BatchStatus.SENDING,
    "batch_approve": BatchStatus.AWAITING_APPROVAL,
    "batch_send_back": BatchStatus.AWAITING_APPROVAL,
    "batch_withdraw": BatchStatus.SCHEDULED,
}
DATA = {"note": "Manca la data", "seen": ""}


def status_of(batch: Batch) -> str:
    return Batch.objects.get(pk=batch.pk).status


def sending(office: Office, status: BatchStatus, fates: dict[Any, int] | None = None, **kw: Any) -> Batch:
    kw.setdefault("author", office.clerk)
    return make_sending(fates or {Status.QUEUED: 2, PENDING: 1}, service=office.service, status=status, **kw)


def awaiting(office: Office, **kw: Any) -> Batch:
    """A sending whose approval was really asked for."""
    office.service.approval = ApprovalRule.ALL
    office.service.save()
    kw.setdefault("author", office.clerk)
    batch = cast.make_batch(service=office.service, people=3, **kw)
    assert batches.submit(batch, batch.author, declared=True)
    assert batch.status == BatchStatus.AWAITING_APPROVAL
    return batch


def post(office: Office, name: str, batch: Batch, person: Any, **data: Any) -> Any:
    return office.as_(person).post(reverse(name, args=[batch.public_id]), data)


def follow(office: Office, name: str, batch: Batch, person: Any, **data: Any) -> str:
    response = office.as_(person).post(reverse(name, args=[batch.public_id]), data, follow=True)
    assert response.status_code == 200
    return str(response.content.decode())


def page(office: Office, batch: Batch, person: Any = None, query: str = "", name: str = "batch_detail") -> str:
    response = office.as_(person or office.clerk).get(reverse(name, args=[batch.public_id]) + query)
    assert response.status_code == 200
    return str(response.content.decode())


@pytest.mark.parametrize(("name", "status"), ACTIONS.items())
@pytest.mark.parametrize("who", ["stranger", "administrator"])
def test_others_find_nothing_to_decide(office: Office, name: str, status: BatchStatus, who: str) -> None:
    batch = sending(office, status)
    assert post(office, name, batch, getattr(office, who), **DATA).status_code == 404
    assert status_of(batch) == status


@pytest.mark.parametrize(("name", "status"), ACTIONS.items())
def test_nobody_is_asked_to_sign_in_first(office: Office, name: str, status: BatchStatus) -> None:
    batch = sending(office, status)
    assert post(office, name, batch, None, **DATA)["Location"].startswith("/account/login/")
    assert status_of(batch) == status


@pytest.mark.parametrize("name", [name for name in ACTIONS if name != "batch_cancel"])
def test_actions_are_never_links(office: Office, name: str) -> None:
    batch = sending(office, ACTIONS[name])
    assert office.as_(office.supervisor).get(reverse(name, args=[batch.public_id])).status_code == 405


@pytest.mark.parametrize("name", ACTIONS)
@pytest.mark.parametrize("status", [BatchStatus.FINISHED, BatchStatus.CANCELLED])
def test_what_comes_too_late_changes_nothing_and_says_so(office: Office, name: str, status: BatchStatus) -> None:
    batch = sending(office, status, {Status.PROCESSED: 1})
    BatchChange.objects.create(
        batch=batch, from_status="sending", to_status=status, actor=office.supervisor, at=timezone.now()
    )
    told = follow(office, name, batch, office.supervisor, **DATA)
    assert "La tua scelta non è stata registrata. Nel frattempo, oggi all" in told
    assert "(Giulia F.)" in told
    assert status_of(batch) == status


# Pause, resume, cancel


@pytest.mark.parametrize("who", ["clerk", "supervisor"])
def test_the_people_of_the_service_pause_and_resume(office: Office, who: str) -> None:
    batch = sending(office, BatchStatus.SENDING, author=cast.make_person(service=office.service))
    person = getattr(office, who)
    assert "In pausa: non parte altro." in follow(office, "batch_pause", batch, person)
    assert status_of(batch) == BatchStatus.PAUSED
    assert "Ripreso: l’invio continua" in follow(office, "batch_resume", batch, person)
    assert status_of(batch) == BatchStatus.SENDING
    assert [change.actor for change in batch.changes.order_by("pk")] == [person, person]


def test_cancelling_asks_first_with_the_exact_number(office: Office) -> None:
    batch = sending(
        office, BatchStatus.SENDING, {Status.PROCESSED: 4, Status.QUEUED: 2, Status.ACCEPTED: 1, PENDING: 3}
    )
    assert "Annulla i 5 in coda" in page(office, batch)
    asked = page(office, batch, name="batch_cancel")
    assert "Sì, annulla i 5 in coda" in asked
    assert "I 5 già partiti non si possono ritirare." in asked
    assert status_of(batch) == BatchStatus.SENDING
    told = follow(office, "batch_cancel", batch, office.clerk, note="Importi sbagliati")
    assert "non invia altro" in told
    assert "Annullato da Marta R." in told
    assert status_of(batch) == BatchStatus.CANCELLED
    assert batch.changes.get().note == "Importi sbagliati"


def test_one_message_is_cancelled_in_the_singular(office: Office) -> None:
    batch = sending(office, BatchStatus.SENDING, {Status.PROCESSED: 1, Status.QUEUED: 1})
    asked = page(office, batch, name="batch_cancel")
    assert "Sì, annulla il messaggio in coda" in asked
    assert "Quello già partito non si può ritirare." in asked


def test_a_scheduled_sending_is_cancelled_before_anything_left(office: Office) -> None:
    batch = sending(office, BatchStatus.SCHEDULED, {PENDING: 3})
    assert "Sì, annulla l’invio" in page(office, batch, name="batch_cancel")
    told = follow(office, "batch_cancel", batch, office.clerk)
    assert "Non è partito nulla." in told
    found = dict(re.findall(r'id="count-(\w+)".*?<strong>(\d+)</strong>', told))
    assert (found["cancelled"], found["queued"], found["all"]) == ("3", "0", "3")


def test_what_is_cancelled_is_out_of_the_queue_after_the_work(office: Office) -> None:
    batch = cast.make_batch(service=office.service, author=office.clerk, people=4)
    assert batches.submit(batch, office.clerk, declared=True)
    follow(office, "batch_cancel", batch, office.clerk)
    work.work_on(batch.pk, lambda: False)
    told = page(office, batch)
    found = dict(re.findall(r'id="count-(\w+)".*?<strong>(\d+)</strong>', told))
    assert (found["cancelled"], found["queued"], found["all"]) == ("4", "0", "4")
    assert "hx-trigger" not in told


# Taking back


@pytest.mark.parametrize("who", ["clerk", "supervisor"])
def test_a_scheduled_sending_is_taken_back(office: Office, who: str) -> None:
    batch = sending(office, BatchStatus.SCHEDULED, {PENDING: 2})
    response = post(office, "batch_withdraw", batch, getattr(office, who))
    assert response["Location"] == reverse("batch_check", args=[batch.public_id])
    assert status_of(batch) == BatchStatus.READY


def test_a_sending_under_way_cannot_be_taken_back(office: Office) -> None:
    batch = sending(office, BatchStatus.SENDING, {PENDING: 2})
    follow(office, "batch_withdraw", batch, office.clerk)
    assert status_of(batch) == BatchStatus.SENDING


def test_the_author_takes_a_sending_back_from_approval(office: Office) -> None:
    batch = awaiting(office)
    assert "Riprendilo e cambialo" in page(office, batch)
    post(office, "batch_withdraw", batch, office.clerk)
    assert status_of(batch) == BatchStatus.READY


# Approving


def test_a_supervisor_reads_what_is_to_be_approved(office: Office) -> None:
    batch = awaiting(office, name="TARI 2026, saldo", body=f"Gentile ((nome)), {cast.BODY}")
    BatchRow.objects.filter(batch=batch, number=3).update(cells=["x", "Laura"])
    text = page(office, batch, office.supervisor)
    assert "Marta R. chiede il sì di una seconda persona" in text
    assert "Approva e invia 3 messaggi" in text
    assert "fino a 3 persone, delle 3 righe del foglio" in text
    assert "Gentile ((nome))" in text
    assert "Gentile Persona 2" in text
    assert "?row=3#h-see" in text
    assert "Come lo leggerà la riga 4" in page(office, batch, office.supervisor, "?row=4")


def test_the_sum_of_the_amounts_is_shown_with_payments(office: Office) -> None:
    batch = sending(office, BatchStatus.AWAITING_APPROVAL, {PENDING: 2}, kind=Kind.PAYMENT, amount_total=12_345_678)
    Batch.objects.filter(pk=batch.pk).update(columns={"fiscal_code": 0, "nome": 1, "amount": 1, "notice_number": 1})
    assert "123.456,78 euro" in page(office, batch, office.supervisor)


def test_whoever_approves_reads_what_comes_on_top_of_the_reminders_of_io(office: Office) -> None:
    batch = awaiting(office, kind=Kind.DUE_DATE, columns={"fiscal_code": 0, "nome": 1, "due_date": 1})
    due = timezone.localdate() + timedelta(days=20)
    BatchRow.objects.filter(batch=batch).update(due_date=due)
    words = "2 persone hanno già lo stesso avviso o scadenza in un messaggio Premium non ancora letto o pagato."
    assert words not in page(office, batch, office.supervisor)
    for row in batch.rows.filter(number__lt=4):
        cast.make_message(
            service=office.service,
            recipient=row.recipient,
            status=Status.PROCESSED,
            feature_level=FeatureLevel.ADVANCED,
            kind=Kind.DUE_DATE,
            due_date=due,
            read_status="UNREAD",
            accepted_at=timezone.now() - timedelta(days=2),
        )
    text = page(office, batch, office.supervisor)
    assert text.count(words) == 1
    assert "Approva e invia 3 messaggi" in text
    assert words in page(office, batch)


@pytest.mark.parametrize("query", ["?row=x", "?row=-1", "?row=999999", "?row=99999999999999"])
def test_a_senseless_row_shows_the_first(office: Office, query: str) -> None:
    assert "Come lo leggerà la riga 2" in page(office, awaiting(office), office.supervisor, query)


def test_a_supervisor_approves_what_the_page_showed(office: Office) -> None:
    batch = awaiting(office)
    seen = re.search(r'name="seen" value="(\w+)"', page(office, batch, office.supervisor))
    assert seen is not None
    told = follow(office, "batch_approve", batch, office.supervisor, seen=seen[1])
    assert f"Approvato: i 3 messaggi di «{batch.name}» partono ora." in told
    assert "approvato da Giulia F." in told
    assert status_of(batch) == BatchStatus.SENDING
    assert Batch.objects.get(pk=batch.pk).approved_by == office.supervisor


def test_an_approved_sending_waits_for_its_hour(office: Office) -> None:
    batch = awaiting(office)
    Batch.objects.filter(pk=batch.pk).update(starts_at=timezone.now() + timedelta(days=1))
    told = follow(office, "batch_approve", batch, office.supervisor, seen=batch.approval_digest)
    assert "parte domani all" in told
    assert status_of(batch) == BatchStatus.SCHEDULED


def test_a_yes_to_something_else_than_the_page_counts_for_nothing(office: Office) -> None:
    batch = awaiting(office)
    assert "è cambiato mentre lo leggevi" in follow(office, "batch_approve", batch, office.supervisor, seen="0" * 64)
    assert status_of(batch) == BatchStatus.AWAITING_APPROVAL


def test_rows_changed_behind_the_approval_go_back_to_their_author(office: Office) -> None:
    batch = awaiting(office)
    BatchRow.objects.filter(batch=batch, number=2).update(cells=["x", "Un altro"])
    told = follow(office, "batch_approve", batch, office.supervisor, seen=batch.approval_digest)
    assert "è tornato a Marta R." in told
    assert status_of(batch) == BatchStatus.READY


def test_nobody_approves_their_own_sending_and_is_told_why(office: Office) -> None:
    batch = awaiting(office, author=office.supervisor)
    text = page(office, batch, office.supervisor)
    assert "Lo hai preparato o mandato tu" in text
    assert "Approva e invia" not in text
    assert "Nessun altro responsabile del servizio può darlo" in text
    response = post(office, "batch_approve", batch, office.supervisor, seen=batch.approval_digest)
    assert response.status_code == 403
    assert status_of(batch) == BatchStatus.AWAITING_APPROVAL


def test_nobody_approves_by_a_role_they_gave_themselves(office: Office) -> None:
    boss = cast.make_person("capo")
    cast.give_role(boss, office.service, Role.SUPERVISOR, granted_by=boss)
    batch = awaiting(office)
    assert "te lo sei dato tu" in page(office, batch, boss)
    assert post(office, "batch_approve", batch, boss, seen=batch.approval_digest).status_code == 403


@pytest.mark.parametrize("name", ["batch_approve", "batch_send_back"])
def test_a_clerk_may_not_decide_for_a_supervisor(office: Office, name: str) -> None:
    batch = awaiting(office)
    assert "Lo approva un responsabile del servizio. Può darlo: Giulia F." in page(office, batch)
    assert post(office, name, batch, office.clerk, seen=batch.approval_digest, note="No").status_code == 403
    assert status_of(batch) == BatchStatus.AWAITING_APPROVAL


def test_a_sending_goes_back_with_a_note(office: Office) -> None:
    batch = awaiting(office)
    refused = post(office, "batch_send_back", batch, office.supervisor, note=" ")
    assert "Scrivi cosa deve cambiare" in refused.content.decode()
    assert status_of(batch) == BatchStatus.AWAITING_APPROVAL
    assert "è tornato a Marta R. con la tua nota" in follow(
        office, "batch_send_back", batch, office.supervisor, note="Aggiungi la data"
    )
    assert status_of(batch) == BatchStatus.READY
    assert batch.changes.order_by("-pk")[0].note == "Aggiungi la data"


def test_the_second_of_two_supervisors_reads_who_was_first(office: Office) -> None:
    colleague = cast.make_person("paola", first_name="Paola", last_name="Neri", service=office.service)
    cast.give_role(colleague, office.service, Role.SUPERVISOR)
    batch = awaiting(office)
    assert batches.approve(Batch.objects.select_related("service__institution", "author").get(), colleague)
    told = follow(office, "batch_approve", batch, office.supervisor, seen=batch.approval_digest)
    assert "La tua scelta non è stata registrata" in told
    assert "(Paola N.)" in told


def test_what_waits_for_a_yes_is_on_the_list_the_desk_and_the_navigation(office: Office) -> None:
    batch = awaiting(office, name="TARI 2026, saldo")
    text = office.as_(office.supervisor).get(reverse("waiting_list")).content.decode()
    assert "Un invio da foglio da approvare" in text
    assert re.search(r'<p class="big m-0">1</p>.{,300}Da approvare</h2>', text, re.S)
    assert reverse("batch_detail", args=[batch.public_id]) in text
    assert re.search(r'Da decidere<span class="n">1<', text)
    desk = office.as_(office.supervisor).get(reverse("desk")).content.decode()
    assert "Un invio da foglio da approvare" in desk


def test_ones_own_sendings_wait_for_somebody_else(office: Office) -> None:
    awaiting(office, author=office.supervisor)
    text = office.as_(office.supervisor).get(reverse("waiting_list")).content.decode()
    assert "Niente da fare." in text
    assert 'class="n"' not in text


# Corrections


def test_a_correction_is_written_to_those_who_received_it(office: Office) -> None:
    fates: dict[Any, int] = {
        Status.PROCESSED: 2,
        Status.CONFIRMED: 1,
        Status.NO_OUTCOME: 1,
        Status.REJECTED: 2,
        Status.UNREACHABLE: 1,
        Status.UNCERTAIN: 1,
        RowState.EXCLUDED: 1,
    }
    batch = sending(office, BatchStatus.FINISHED, fates)
    assert "ai 4 che l’hanno ricevuto" in page(office, batch)
    text = page(office, batch, name="batch_errata")
    assert "I 4 che l’hanno ricevuto." in text
    assert "Una persona con esito incerto" in text
    assert "((nome))" in text
    data = {"subject": "Correzione dell’avviso", "body": f"Gentile ((nome)), {cast.BODY}"}
    response = post(office, "batch_errata", batch, office.clerk, **data)
    correction = Batch.objects.get(corrects=batch)
    assert response["Location"] == reverse("batch_check", args=[correction.public_id])
    assert correction.rows_total == 4
    assert "Una correzione c’è già." in page(office, batch, name="batch_errata")
    assert correction.name in page(office, batch)


@pytest.mark.parametrize(
    ("status", "fates", "words"),
    [
        (BatchStatus.SENDING, {Status.PROCESSED: 1, Status.QUEUED: 1}, "non è ancora finito"),
        (BatchStatus.CANCELLED, {Status.PROCESSED: 1, Status.ACCEPTED: 1}, "non è ancora finito"),
        (BatchStatus.FINISHED, {Status.UNREACHABLE: 2}, "Nessuno ha ricevuto"),
    ],
)
def test_a_correction_waits_for_the_end(office: Office, status: BatchStatus, fates: Any, words: str) -> None:
    batch = sending(office, status, fates)
    assert "Scrivi un’errata corrige" not in page(office, batch)
    data = {"subject": "Correzione dell’avviso", "body": cast.BODY}
    assert words in follow(office, "batch_errata", batch, office.clerk, **data)
    assert not Batch.objects.filter(corrects=batch).exists()


@pytest.mark.parametrize(
    ("subject", "body", "words"),
    [
        ("", cast.BODY, "Scrivi l’oggetto."),
        ("Correzione dell’avviso", "", "Scrivi il testo."),
        ("Corto", cast.BODY, "ne servono almeno 10"),
        ("Correzione dell’avviso", "Troppo corto.", "ne servono almeno 80"),
        ("Correzione dell’avviso", f"((via)) {cast.BODY}", "non ha una colonna per ((via))"),
        ("Correzione di ((importo))", cast.BODY, "non ha una colonna per ((importo))"),
    ],
)
def test_a_correction_that_cannot_be_sent_is_asked_again(office: Office, subject: str, body: str, words: str) -> None:
    batch = sending(office, BatchStatus.FINISHED, {Status.PROCESSED: 2})
    response = post(office, "batch_errata", batch, office.clerk, subject=subject, body=body)
    text = response.content.decode()
    assert "<title>Errore:" in text
    assert words in text
    assert not Batch.objects.filter(corrects=batch).exists()
