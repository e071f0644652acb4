"""What changes while one types: counters, advice, the citizen's phone; and whether the person can be reached."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from messaging.delivery import reachability
from messaging.delivery.reachability import CannotAsk
from messaging.enums import Kind, Status
from messaging.models import Message, Recipient, Service
from messaging.views.preview import phone_of
from tests import cast
from tests.compose.conftest import BODY, NOTICE, SUBJECT, Desk, said
from tests.simulator_process import NOT_ON_IO, OPTED_OUT_OF_TRIBUTI, REGULAR, TRIBUTI, SimulatorProcess

HTMX = {"HX-Request": "true"}


def test_typing_swaps_counters_advice_and_phone_and_no_field(desk: Desk) -> None:
    live = desk.live(desk.draft(), subject="Orari nuovi 😀")
    swapped = re.findall(r'id="([\w-]+)"[^>]* hx-swap-oob="true"', live)
    assert {"subject-count", "body-count", "advice", "phone-push", "phone-list", "phone-message", "phone-email"} <= set(
        swapped
    )
    assert "<b>14</b> di 120" in live
    assert 'name="subject"' not in live
    assert 'name="body"' not in live


def test_typing_saves_nothing(desk: Desk) -> None:
    draft = desk.draft()
    desk.live(draft)
    assert not Recipient.objects.exists()
    draft.refresh_from_db()
    assert (draft.subject, draft.typed) == ("", {})


def test_half_a_message_is_no_fault_while_typing(desk: Desk) -> None:
    live = desk.live(
        desk.draft(Kind.PAYMENT),
        subject="",
        body="Ciao",
        amount="abc",
        notice_number="12",
        due_date="x",
        fiscal_code="",
    )
    assert "Avviso pagoPA" in live
    assert 'class="error"' not in live


def test_advice_is_worded_and_asks_before_it_praises(desk: Desk) -> None:
    body = f"Gentile ((nome)), paga 100,00 euro. {BODY}"
    live = desk.live(desk.draft(Kind.PAYMENT), subject="Signora Rossi, paga", body=body, due_date="01/02/2020")
    sentences = [
        "Resta qualcosa da completare.",
        "La scadenza è già passata.",
        "L’oggetto sembra contenere un nome.",
        "Nel testo c’è 100,00, nel pagamento 148,50: fai coincidere i due.",
    ]
    assert all(sentence in live for sentence in sentences)
    good = desk.live(desk.draft(Kind.PAYMENT), body=f"Si paga 148,50 euro. {BODY}")
    assert "L’importo scritto nel testo è quello del pagamento." in good


@pytest.mark.parametrize(
    ("body", "title"),
    [
        ("| a | b |\n|---|---|\n| 1 | 2 |", "L’app non mostra le tabelle."),
        ("~~no~~", "L’app non mostra il testo barrato: sparisce."),
        ("<u>sì</u>", "Ci sono comandi HTML: l’app li toglie."),
        ("---\nuno\n---\ndue", "Il testo comincia con una riga di trattini."),
        ("[qui](iosso://a.example.it)", "C’è un collegamento che funziona solo nei pulsanti."),
        ("[qui](www.example.it)", "C’è un collegamento che l’app non apre."),
        ("vai su https://www.example.it", "C’è un indirizzo scritto per intero."),
        ("TUTTO IN MAIUSCOLO, UN TESTO CHE SI LEGGE DAVVERO MALE", "È scritto quasi tutto in maiuscolo."),
        ("niente altro", "Manca un modo per chiedere aiuto."),
    ],
)
def test_each_piece_of_advice_has_its_words(desk: Desk, body: str, title: str) -> None:
    assert title in desk.live(desk.draft(), body=body)


def test_a_doubtful_check_pair_brings_the_box_to_confirm(desk: Desk) -> None:
    draft = desk.draft(Kind.PAYMENT)
    assert 'name="notice_confirmed"' not in desk.live(draft)
    live = desk.live(draft, notice_number=f"{NOTICE[:-1]}0")
    assert f'name="notice_confirmed" id="id_notice_confirmed" value="{NOTICE[:-1]}0"' in live


def test_choosing_another_service_brings_its_own_choices(desk: Desk) -> None:
    premium = cast.make_service(institution=desk.service.institution, premium=True)
    cast.give_role(desk.clerk, premium)
    draft = desk.draft()
    assert 'name="advanced"' not in desk.live(draft, options_of=desk.service.pk)
    assert 'name="advanced"' in desk.live(draft, service=premium.pk, options_of=desk.service.pk)
    assert 'id="options"' not in desk.live(draft, service=premium.pk, options_of=premium.pk)


def test_a_preview_makes_few_queries(desk: Desk) -> None:
    draft = desk.draft(Kind.PAYMENT)
    data = desk.form(draft)
    desk.post("message_preview", draft, **data, headers=HTMX)
    with CaptureQueriesContext(connection) as queries:
        desk.post("message_preview", draft, **data, headers=HTMX)
    assert len(queries) <= 8, [query["sql"][:100] for query in queries]


# The phone


def test_the_phone_shows_what_the_app_shows(desk: Desk) -> None:
    typed = {
        "button1_text_it": "Vedi come si calcola",
        "button1_text_en": "See",
        "button1_target": "https://a.example.it",
    }
    ready = desk.ready(Kind.PAYMENT, due_date="16/12/2099", body=f"# Saldo\n\nPaga **adesso**. {BODY}", **typed)
    phone = phone_of(ready)
    assert (phone.institution, phone.service, phone.subject) == (desk.service.institution.name, "Tributi", SUBJECT)
    assert (phone.amount, phone.due_date, phone.buttons) == ("148,50", "16/12/2099", ("Vedi come si calcola",))
    assert '<p class="md-h1">Saldo</p>' in phone.body
    assert phone.email.startswith("Saldo")
    page = said(desk.get("message_edit", ready))
    for text in ("Paga</span>", "Scade il 16/12/2099 alle 23:59", "3020 0000 0000 4821 68", "<strong>adesso</strong>"):
        assert text in page


def test_the_phone_makes_no_query(desk: Desk) -> None:
    message = cast.make_message(service=desk.service, status=Status.PROCESSED)
    message = Message.objects.select_related("service__institution").get(pk=message.pk)
    with CaptureQueriesContext(connection) as queries:
        phone_of(message)
    assert len(queries) == 0


def test_discretion_hides_the_subject_and_the_email(desk: Desk) -> None:
    desk.service.secure_channels = True
    phone = phone_of(cast.make_message(service=desk.service))
    assert phone.subject not in phone.push
    assert phone.email == ""
    desk.service.secure_channels = False
    message = cast.make_message(service=desk.service, require_secure_channels=True)
    assert (phone_of(message).push, phone_of(message).email) == (message.subject, "")


@pytest.mark.parametrize("name", ["message_edit", "message_check", "message_preview"])
def test_markup_that_somebody_types_stays_words(desk: Desk, name: str) -> None:
    evil = '<script>alert("x")</script><img src=x onerror=alert(1)>'
    ready = desk.ready(subject=f"Orari {evil}", body=f"{evil} [a](javascript:alert(1)) {BODY}", reference=evil)
    data = desk.form(ready, subject=f"Orari {evil}", body=f"{evil} {BODY}", button1_text_it=evil[:39])
    response = desk.post(name, ready, **data, headers=HTMX) if name == "message_preview" else desk.get(name, ready)
    assert response.status_code == 200
    page = response.content.decode()
    assert "<script>alert" not in page
    assert "<img" not in page
    assert "javascript:" not in page.replace("[a](javascript:", "")


# Whether the person can be reached


def ask(desk: Desk, message: Message, **typed: Any) -> str:
    response = desk.post("message_reachability", message, **desk.form(message, **typed), headers=HTMX)
    assert response.status_code == 200
    return said(response)


@pytest.fixture
def linked(desk: Desk, simulator: SimulatorProcess) -> Desk:
    """A desk whose service IO knows as Tributi."""
    desk.service = cast.make_service(name="Tributi", slug="tributi", key=TRIBUTI, institution=desk.service.institution)
    cast.give_role(desk.clerk, desk.service)
    return desk


@pytest.mark.parametrize(
    ("code", "title"),
    [(REGULAR, "Raggiungibile."), (NOT_ON_IO, "Non è su IO."), (OPTED_OUT_OF_TRIBUTI, "Ha disattivato il servizio.")],
)
def test_the_answer_of_io_is_told_in_plain_words(linked: Desk, code: str, title: str) -> None:
    draft = linked.draft()
    answer = ask(linked, draft, fiscal_code=code.lower())
    assert title in answer
    assert code not in answer
    # Now known, it stands in the pages without another question.
    linked.save(draft, fiscal_code=code)
    assert title in said(linked.get("message_edit", draft))
    assert title in said(linked.get("message_check", draft))


def test_without_javascript_the_button_saves_and_asks(linked: Desk) -> None:
    draft = linked.draft()
    response = linked.save(draft, action="ask", fiscal_code=REGULAR)
    assert "Raggiungibile." in said(response)
    draft.refresh_from_db()
    assert draft.recipient is not None
    assert linked.post("message_reachability", draft)["Location"] == reverse("message_check", args=[draft.public_id])


def test_nobody_is_asked_about_before_there_is_something_to_send(desk: Desk) -> None:
    assert "Scrivi prima oggetto e testo" in ask(desk, desk.draft(), body="")
    assert not Recipient.objects.exists()


def test_on_trial_only_people_of_the_list_are_asked_about(desk: Desk) -> None:
    Service.objects.update(live=False)
    assert "Questa persona non è nell’elenco di prova." in ask(desk, desk.draft())
    assert not Recipient.objects.exists()


def test_a_wrong_code_is_told_at_once_and_an_empty_one_is_not(desk: Desk) -> None:
    assert "Il codice fiscale ha 16 caratteri" in ask(desk, desk.draft(), fiscal_code="RSSMRA")
    assert ask(desk, desk.draft(), fiscal_code="").strip() == ""


@pytest.mark.parametrize(
    ("code", "title"),
    [
        ("no_text", "Scrivi prima oggetto e testo"),
        ("trial", "Questa persona non è nell’elenco di prova."),
        ("too_many", "Per oggi hai fatto tutte le domande possibili."),
        ("no_key", "Non possiamo chiedere a IO."),
        ("busy", "In questo momento IO è occupato."),
        ("no_answer", "IO non ha risposto."),
    ],
)
def test_each_reason_for_no_answer_has_its_words(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, code: str, title: str
) -> None:
    def refuse(*args: object) -> None:
        assert connection.savepoint_ids == []  # no transaction of ours is open during a call
        raise CannotAsk(code)

    monkeypatch.setattr(reachability, "ask", refuse)
    assert title in ask(desk, desk.draft())


# The fiscal code stays out of addresses and titles


def test_the_fiscal_code_is_in_no_address_and_no_title(linked: Desk, simulator: SimulatorProcess) -> None:
    draft = linked.draft()
    answers = [
        linked.save(draft, fiscal_code=REGULAR),
        linked.save(draft, fiscal_code=REGULAR, action="check"),
        linked.get("message_edit", draft),
        linked.get("message_check", draft),
        linked.send(draft),
    ]
    for response in answers:
        page = response.content.decode()
        places = [response.headers.get("Location", ""), *re.findall(r'(?:href|action|src|hx-\w+)="([^"]*)"', page)]
        places += re.findall(r"<title>(.*?)</title>", page)
        assert not any(REGULAR.lower() in place.lower() for place in places)
