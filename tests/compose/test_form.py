"""The form: each thing that is wrong gets its sentence beside its field, and nothing that was right is lost."""

from __future__ import annotations

from datetime import date

import pytest
from django.urls import reverse

from messaging.appio.fiscal_codes import TEST_CODE
from messaging.appio.markdown import read_buttons, split_front_matter
from messaging.appio.rules import utf16_length
from messaging.delivery import content
from messaging.enums import Kind
from messaging.models import AllowedRecipient
from tests import cast
from tests.compose.conftest import BODY, NOTICE, SUBJECT, Desk, errors_of, said

WRONG = [
    ({"fiscal_code": ""}, "Scrivi il codice fiscale del destinatario."),
    (
        {"fiscal_code": "RSSMRA85T10A562"},
        "Il codice fiscale ha 16 caratteri, e qui sono 15: ricopialo dalla tessera sanitaria.",
    ),
    (
        {"fiscal_code": "12345678901"},
        "Questo ha 11 cifre: è di una società, o provvisorio. IO scrive solo a persone, con il codice di 16 caratteri.",
    ),
    ({"fiscal_code": "1SSMRA85T10A562S"}, "Lettere e cifre non sono al loro posto: ricopialo dalla tessera sanitaria."),
    (
        {"fiscal_code": "RSSMRA85T10A562T"},
        "L’ultima lettera non torna con il resto: ricopialo dalla tessera sanitaria.",
    ),
    ({"fiscal_code": "AAAAAA00A00A001B"}, None),
    ({"subject": ""}, "Scrivi l’oggetto."),
    ({"subject": "Nove 9999"}, "Manca un carattere: ne servono almeno 10."),
    ({"subject": "Orari"}, "Mancano 5 caratteri: ne servono almeno 10."),
    ({"subject": "x" * 121}, "C’è un carattere di troppo: il massimo è 120."),
    ({"body": ""}, "Scrivi il testo."),
    ({"body": "Breve."}, "Mancano 74 caratteri: ne servono almeno 80."),
    ({"body": "x" * 10_003}, "Ci sono 3 caratteri di troppo: il massimo è 10.000."),
    ({"amount": ""}, "Scrivi l’importo in euro, come 148,50."),
    ({"amount": "1.234"}, "Può voler dire due importi: scrivi anche i centesimi, come 1.234,00 oppure 1,23."),
    ({"amount": "molto"}, "Scrivi solo l’importo in euro, come 148,50."),
    ({"amount": "1,505"}, "Può voler dire due importi: scrivi anche i centesimi, come 1.234,00 oppure 1,23."),
    ({"amount": "12,5055"}, "I centesimi hanno al massimo due cifre, come 148,50."),
    ({"amount": "0"}, "L’importo va da 0,01 a 99.999.999,99 euro."),
    (
        {"amount": "10.000,01"},
        "Questo servizio può chiedere al massimo 10.000,00 euro. Se l’importo è giusto, chiedi a un amministratore.",
    ),
    ({"notice_number": ""}, "Scrivi il numero dell’avviso pagoPA: 18 cifre."),
    ({"notice_number": "3020 0000"}, "Il numero avviso ha 18 cifre, e qui sono 8: ricopialo dall’avviso."),
    ({"notice_number": "30200000000048213X"}, "Il numero avviso ha solo cifre: ricopialo dall’avviso."),
    ({"notice_number": "9" + NOTICE[1:]}, "Il numero avviso comincia con 0, 1, 2 o 3: ricopialo dall’avviso."),
    ({"due_date": "presto"}, "Scrivi giorno, mese e anno, come 16/12/2026."),
    ({"due_date": "16/12/26"}, "Scrivi l’anno con quattro cifre, come 16/12/2026."),
    ({"due_date": "31/02/2099"}, "Questo giorno non esiste: ricontrolla giorno e mese."),
    ({"due_date": "16/12/3026"}, "Ricontrolla l’anno: la scadenza è troppo lontana."),
    ({"invalid_after_due_date": "on"}, "Senza scadenza non vale niente: scrivi la scadenza, o togli la spunta."),
    (
        {"button1_text_it": "Vedi", "button1_target": "https://a.example.it"},
        "Scrivilo anche in inglese: chi usa l’app in inglese non vedrebbe i pulsanti.",
    ),
    ({"button1_text_en": "See", "button1_target": "https://a.example.it"}, "Scrivi il testo del pulsante."),
    ({"button1_text_it": "Vedi", "button1_text_en": "See"}, "Scrivi dove porta il pulsante."),
    (
        {"button1_text_it": "Vedi", "button1_text_en": "See", "button1_target": "comune"},
        "Scrivi l’indirizzo intero, come https://www.comune.example.it/tari.",
    ),
    (
        {"button2_text_it": "Chiama", "button2_text_en": "Call", "button2_kind": "phone", "button2_target": "subito"},
        "Scrivi un numero di telefono, come 0123 456789.",
    ),
    (
        {"button2_text_it": "\x01", "button2_text_en": "Call", "button2_kind": "phone", "button2_target": "0123456789"},
        "Scrivi il testo del pulsante.",
    ),
]


@pytest.mark.parametrize(("typed", "sentence"), WRONG)
def test_what_is_wrong_is_said_beside_its_field(desk: Desk, typed: dict[str, str], sentence: str | None) -> None:
    draft = desk.draft(Kind.PAYMENT)
    response = desk.save(draft, action="check", **typed)
    assert response.status_code == 200
    found = errors_of(response)
    assert len(found) == 1
    assert sentence is None or found == [sentence]
    page = said(response)
    assert "<title>Errore:" in page
    assert f'href="#id_{next(iter(typed))[:7]}' in page
    # What was right is there still, in the page and in the draft.
    kept = {"subject": SUBJECT, "body": BODY, "amount": "148,50", "notice_number": NOTICE}
    draft.refresh_from_db()
    for name, value in kept.items():
        if name not in typed:
            assert value in page
            assert draft.typed[name] == value


def test_several_faults_are_told_together(desk: Desk) -> None:
    response = desk.save(
        desk.draft(Kind.PAYMENT), action="check", amount="", notice_number="", fiscal_code="", due_date="boh"
    )
    assert len(errors_of(response)) == 4
    assert "Ci sono 4 cose da correggere" in said(response)


def test_a_service_that_may_not_ask_for_payments_says_so(desk: Desk) -> None:
    desk.service.max_amount = 0
    desk.service.save()
    response = desk.save(desk.draft(Kind.PAYMENT), action="check")
    assert errors_of(response)[0].startswith("Questo servizio non può chiedere pagamenti")


@pytest.mark.parametrize("typed", ["16/12/2099", "16-12-2099", "16.12.2099", " 16/12/2099 ", "2099-12-16"])
def test_a_day_is_read_as_people_write_it(desk: Desk, typed: str) -> None:
    assert desk.ready(Kind.DUE_DATE, due_date=typed).due_date == date(2099, 12, 16)


def test_a_due_date_message_needs_its_day_and_a_payment_does_not(desk: Desk) -> None:
    response = desk.save(desk.draft(Kind.DUE_DATE), action="check", due_date="")
    assert errors_of(response) == ["Scrivi la scadenza: giorno, mese e anno, come 16/12/2026."]
    assert desk.ready(Kind.PAYMENT, due_date="").due_date is None


def test_the_test_code_and_the_trial_list_pass(desk: Desk) -> None:
    assert desk.ready(fiscal_code=TEST_CODE.lower()).recipient.fiscal_code == TEST_CODE  # type: ignore[union-attr]
    AllowedRecipient.objects.create(service=desk.service, fiscal_code="AAAAAA00A00A000Z", label="Prova")
    assert desk.ready(fiscal_code="aaaaaa00a00a000z").recipient is not None


def test_a_check_pair_that_does_not_match_asks_to_be_confirmed(desk: Desk) -> None:
    odd = f"{NOTICE[:-1]}4"
    draft = desk.draft(Kind.PAYMENT)
    response = desk.save(draft, action="check", notice_number=odd)
    assert errors_of(response) == ["Conferma che il numero è giusto, oppure correggilo."]
    assert 'type="checkbox" name="notice_confirmed"' in said(response)
    assert desk.save(draft, action="check", notice_number=odd, notice_confirmed=odd).status_code == 302
    # The confirmation was of that number alone.
    other = f"{NOTICE[:-1]}5"
    assert desk.save(draft, action="check", notice_number=other, notice_confirmed=odd).status_code == 200


def test_fields_appear_by_kind(desk: Desk) -> None:
    present = {
        Kind.INFORMATIONAL: set(),
        Kind.PAYMENT: {"amount", "notice_number", "due_date", "invalid_after_due_date"},
        Kind.DUE_DATE: {"due_date"},
    }
    for kind, wanted in present.items():
        page = said(desk.get("message_edit", desk.draft(kind)))
        found = {name for name in present[Kind.PAYMENT] if f'name="{name}"' in page}
        assert found == wanted


def test_premium_and_payee_appear_only_where_the_service_has_them(desk: Desk) -> None:
    draft = desk.draft(Kind.PAYMENT)
    page = said(desk.get("message_edit", draft))
    assert 'name="advanced"' not in page
    assert 'name="payee"' not in page
    ready = desk.ready(Kind.PAYMENT, advanced="on", payee="80012345678")
    assert (ready.feature_level, ready.payee) == ("STANDARD", "")
    desk.service.premium = desk.service.payee_allowed = True
    desk.service.save()
    assert 'name="payee"' in said(desk.get("message_edit", draft))
    ready = desk.ready(
        Kind.PAYMENT, advanced="on", payee="800 1234 5678", require_secure_channels="on", reference="Prot. 7"
    )
    assert (ready.feature_level, ready.payee, ready.require_secure_channels) == ("ADVANCED", "80012345678", True)
    assert ready.reference == "Prot. 7"


def test_buttons_go_into_the_front_matter_and_come_back(desk: Desk) -> None:
    ready = desk.ready(
        button1_text_it="Vedi «come»",
        button1_text_en="See: how",
        button1_target="https://www.comune.example.it/tàri",
        button2_text_it="Chiama",
        button2_text_en="Call",
        button2_kind="phone",
        button2_target="0123 456789",
    )
    front_matter, body = split_front_matter(content.outgoing(ready).markdown)
    buttons = read_buttons(front_matter)
    assert body == BODY
    assert [(button.text_it, button.text_en) for button in buttons] == [("Vedi «come»", "See: how"), ("Chiama", "Call")]
    assert buttons[1].action == "iohandledlink://tel:+390123456789"
    assert set(ready.buttons[0]) == {"text_it", "text_en", "action", "kind", "target"}


def test_the_front_matter_counts_in_the_length(desk: Desk) -> None:
    body = "x" * 9_900
    typed = {"button1_text_it": "Vedi", "button1_text_en": "See", "button1_target": "https://www.comune.example.it"}
    response = desk.save(desk.draft(), action="check", body=body, **typed)
    assert errors_of(response)[0].endswith("il massimo è 10.000.")
    assert desk.ready(body=body).body == body


def test_ends_of_line_count_once(desk: Desk) -> None:
    ready = desk.ready(body=f"{BODY}\r\n\r\nA presto.")
    assert ready.body == f"{BODY}\n\nA presto."


def test_placeholders_still_in_the_text_block_and_are_named(desk: Desk) -> None:
    draft = desk.draft()
    typed = {"subject": "Per ((Nome)): orari nuovi", "body": f"Gentile ((nome)), abiti in ((via)). {BODY}"}
    response = desk.save(draft, action="check", **typed)
    assert errors_of(response) == [
        "C’è ancora ((Nome)): scrivi al suo posto quello che vale per questa persona.",
        "Ci sono ancora ((nome)), ((via)): scrivi al loro posto quello che vale per questa persona.",
    ]
    # Neither the address of the next step nor the act itself lets it pass.
    assert desk.get("message_check", draft).status_code == 302
    assert desk.send(draft)["Location"].endswith("/edit/?check")
    draft.refresh_from_db()
    assert draft.status == "draft"


def test_placeholders_in_buttons_block_too(desk: Desk) -> None:
    typed = {"button1_text_it": "Apri ((pratica))", "button1_text_en": "Open", "button1_target": "https://a.example.it"}
    response = desk.save(desk.draft(), action="check", **typed)
    assert errors_of(response)[0].startswith("C’è ancora ((pratica))")


def test_the_payments_own_placeholders_are_filled_for_reading(desk: Desk) -> None:
    body = f"Paga **((importo))** con l’avviso ((Numero Avviso)) entro il ((scadenza)), cioè ((amount)) euro. {BODY}"
    ready = desk.ready(Kind.PAYMENT, amount="1234,5", due_date="16/12/2099", body=body)
    start = "Paga **1.234,50 euro** con l’avviso 3020 0000 0000 4821 68 entro il 16 dicembre 2099, cioè 1.234,50 euro."
    assert ready.body.startswith(start)
    assert ready.typed["body"] == body
    # A later change of the amount is filled in anew.
    assert desk.save(ready, action="check", amount="10", due_date="16/12/2099", body=body).status_code == 302
    ready.refresh_from_db()
    assert ready.body.startswith("Paga **10,00 euro**")


def test_a_message_in_italian_stays_so_in_an_english_portal(desk: Desk) -> None:
    desk.as_().post(reverse("set_language"), {"language": "en"})
    ready = desk.ready(Kind.PAYMENT, due_date="16/12/2099", body=f"Entro il ((scadenza)): ((importo)). {BODY}")
    assert ready.body.startswith("Entro il 16 dicembre 2099: 148,50 euro.")


def test_lengths_are_those_of_the_platform(desk: Desk) -> None:
    subject = "😀" * 60
    assert utf16_length(desk.ready(subject=subject).subject) == 120
    assert desk.save(desk.draft(), action="check", subject="😀" * 61).status_code == 200


def test_a_service_that_is_not_ones_own_cannot_be_chosen(desk: Desk) -> None:
    response = desk.save(desk.draft(), action="check", service=cast.make_service().pk)
    assert response.status_code == 200
    assert len(errors_of(response)) == 1
