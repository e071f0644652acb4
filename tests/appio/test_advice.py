from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from messaging.appio.markdown import Button, advice, protected_advice, public_advice

SUBJECT = "Avviso TARI 2026: saldo da pagare"
BODY = """Ciao Laura,

è pronto il saldo della **TARI 2026**, la tassa sui rifiuti, per l’abitazione di via dei Tigli.

L’importo è di **148,50 euro** e si paga **entro il 16 dicembre 2026**.

Puoi pagare qui sull’app, oppure con l’avviso di carta. Ufficio Tributi, tributi@comune.valdoria.example"""
DUE = date(2026, 12, 16)


def codes(
    subject: str = SUBJECT,
    body: str = BODY,
    amount: int | None = None,
    due: date | None = None,
    buttons: tuple[Button, ...] = (),
) -> set[str]:
    given_ = advice(subject, body, amount_cents=amount, due_date=due, buttons=buttons)
    return {f"+{a.code}" if a.good else a.code for a in given_}


def test_a_good_message_is_praised_and_nothing_else() -> None:
    assert codes(amount=14850, due=DUE) == {"+subject_clean", "+amount_matches", "+due_date_matches"}


@pytest.mark.parametrize(
    ("subject", "code"),
    [
        ("Pratica di RSSMRA85T10A562S", "subject_fiscal_code"),
        ("Pratica di rssmra85t10a562s", "subject_fiscal_code"),
        ("Gentile Mario Rossi, il suo avviso", "subject_name"),
        ("Avviso per la sig.ra Bianchi", "subject_name"),
        ("Avviso per il sig. ROSSI", "subject_name"),
        ("Gentile dottoressa Verdi", "subject_name"),
        ("Avviso TARI di 148,50 euro", "subject_amount"),
        ("Avviso TARI di € 148", "subject_amount"),
        ("Esito della visita oncologica", "subject_health"),
        ("Rinnovo della Legge 104", "subject_health"),
        ("Domanda di invalidità civile", "subject_health"),
        ("Fascicolo di separazione consensuale", "subject_family"),
        ("Colloquio con i Servizi sociali", "subject_family"),
    ],
)
def test_a_subject_that_says_too_much_is_noticed(subject: str, code: str) -> None:
    found = codes(subject=subject)
    assert code in found
    assert "+subject_clean" not in found


@pytest.mark.parametrize(
    "subject",
    [
        SUBJECT,
        "Gentile Cittadino, il Comune informa",
        "Gentile Signora, il suo appuntamento",
        "Gentili Famiglie Residenti, avviso",
        "Carta d'identità in scadenza",
        "Raccolta differenziata: la separazione dei rifiuti",
        "Via Garibaldi chiusa per lavori",
        "Nuovi orari della Biblioteca Comunale",
        "Iscrizione alla mensa: scadenza il 30 giugno",
        "Concorso Europeo 2026: bando",
    ],
)
def test_a_plain_subject_raises_no_false_alarm(subject: str) -> None:
    assert codes(subject=subject) == {"+subject_clean"}


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ("IBAN IT60 X054 2811 1010 0000 0123 456", "body_iban"),
        ("iban: it60x0542811101000000123456", "body_iban"),
        ("carta 4111 1111 1111 1111", "body_card_number"),
        ("vedi https://www.x.it", "bare_link"),
        ("vedi www.x.it", "bare_link"),
        ("[sito](www.x.it)", "link_without_scheme"),
        ("[sito](iosso://https://x.it)", "sso_link_in_body"),
        ("[sito](iohandledlink://https://x.it)", "sso_link_in_body"),
        ("| a |\n|---|\n| 1 |", "table"),
        ("~~no~~", "strikethrough"),
        ("<b>sì</b>", "html_tag"),
        ("<div>\nsì\n</div>", "html_tag"),
        ("a\n\n---\n\nb", "rule_cuts_email"),
        ("![gatto](https://x.it/g.png)", "image"),
    ],
)
def test_what_does_not_suit_a_body_is_noticed(more: str, code: str) -> None:
    assert code in codes(body=f"{BODY}\n\n{more}")


@pytest.mark.parametrize(
    "more",
    [
        "IBAN IT60 X054 2811 1010 0000 0123 457",
        "avviso 3020 0000 0004 8217 34",
        "carta 4111 1111 1111 1112",
        "[sito](https://www.x.it)",
        "[https://www.x.it](https://www.x.it)",
        "<https://www.x.it>",
        "riga<br>riga",
    ],
)
def test_what_suits_a_body_raises_no_false_alarm(more: str) -> None:
    assert codes(body=f"{BODY}\n\n{more}") == {"+subject_clean"}


def test_a_body_that_begins_with_a_rule_is_noticed() -> None:
    assert "body_starts_with_rule" in codes(body=f"---\n{BODY}")


def test_shouting_is_noticed() -> None:
    assert "shouting" in codes(subject="AVVISO DI PAGAMENTO URGENTE")
    assert [
        a.field for a in advice(SUBJECT, BODY.upper(), amount_cents=None, due_date=None) if a.code == "shouting"
    ] == ["body"]


WITHOUT = BODY.partition(" Ufficio")[0]


@pytest.mark.parametrize(
    "contact",
    [
        "scrivi a tributi@comune.example.it",
        "chiama lo 06 1234567",
        "chiama il 333 1234567",
        "numero verde 800 123 456",
        "sportello di piazza Garibaldi, 1",
        "sportello in via dei Tigli n. 12/A",
        "[scrivici](https://www.x.it)",
        "vedi www.x.it",
    ],
)
def test_a_contact_of_any_kind_will_do(contact: str) -> None:
    assert "no_contact" in codes(body=WITHOUT)
    assert "no_contact" not in codes(body=f"{WITHOUT} {contact}")


@pytest.mark.parametrize(
    ("button", "helps"),
    [
        (Button("Chiama", "Call", "iohandledlink://tel:+39061234567"), True),
        (Button("Scrivi", "Write", "iohandledlink://mailto:a@x.it"), True),
        (Button("Prenota un appuntamento", "Book", "iohandledlink://https://x.it"), True),
        (Button("Vedi come si calcola", "See how", "iohandledlink://https://x.it"), False),
        (Button("Chiedi aiuto", "Help", "https://x.it"), False),
    ],
)
def test_a_button_to_get_help_is_a_contact(button: Button, helps: bool) -> None:
    assert ("no_contact" not in codes(body=WITHOUT, buttons=(button,))) is helps


@pytest.mark.parametrize("written", ["148,50 euro", "€ 148,50", "€148,50", "148,50€", "euro 148,50", "148.50 €"])
def test_an_amount_in_the_text_is_compared(written: str) -> None:
    body = f"Devi pagare {written} al Comune. Telefono 06 1234567."
    assert "+amount_matches" in codes(body=body, amount=14850)
    assert "amount_mismatch" in codes(body=body, amount=14851)


def test_thousands_in_a_sentence_are_thousands() -> None:
    assert "+amount_matches" in codes(body="Devi pagare 1.234 euro", amount=123400)


def test_a_mismatch_tells_both_amounts() -> None:
    [found] = [a for a in advice(SUBJECT, BODY, amount_cents=1, due_date=None) if a.code == "amount_mismatch"]
    assert found.params == {"expected": 1, "found": (14850,)}


@pytest.mark.parametrize(
    "written", ["16 dicembre 2026", "16/12/2026", "16-12-2026", "16.12.2026", "16 DICEMBRE", "16° dicembre"]
)
def test_a_due_date_in_the_text_is_compared(written: str) -> None:
    body = f"Paga entro il {written}."
    assert "+due_date_matches" in codes(body=body, due=DUE)
    assert "due_date_mismatch" in codes(body=body, due=date(2026, 12, 17))


def test_other_dates_are_no_deadline() -> None:
    body = "Con atto del 3 marzo 2026 e del 4 marzo 2026 il Comune ha deciso."
    assert not codes(body=body, due=DUE) & {"due_date_mismatch", "+due_date_matches"}


def test_a_text_without_amount_or_date_is_not_compared() -> None:
    body = "Il 45 dicembre e il 31/02/2026 non esistono. Importo: ((importo))."
    assert codes(body=body, amount=1, due=DUE) == {"+subject_clean", "no_contact"}


@given(st.text(max_size=120), st.text(max_size=400), st.none() | st.integers(1, 10**10), st.none() | st.dates())
def test_advice_never_fails(subject: str, body: str, amount: int | None, due: date | None) -> None:
    advice(subject, body, amount_cents=amount, due_date=due)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ("Gentile Mario Rossi, c’è un messaggio per te.", "courtesy_name"),
        ("Il tuo codice è RSSMRA85T10A562S.", "courtesy_fiscal_code"),
        ("Devi pagare **148,50 euro**.", "courtesy_amount"),
        ("L’esito della visita oncologica è pronto.", "courtesy_health"),
        ("Hai un messaggio: aprilo nell’app.", "courtesy_clean"),
    ],
)
def test_a_public_text_is_judged_as_strictly_as_a_subject(body: str, code: str) -> None:
    found = [given for given in public_advice(SUBJECT, body) if given.code.startswith("courtesy_")]
    assert [given.code for given in found] == [code]
    assert found[0].good is (code == "courtesy_clean")


def test_a_protected_text_may_say_who_and_how_much_and_goes_into_no_email() -> None:
    body = "Gentile Mario Rossi, devi pagare 148,50 euro.\n\n---\n\nPer dubbi chiama lo 0123 456789."
    given = protected_advice("Pagamento di 148,50 euro", body, amount_cents=14_850, due_date=None)
    assert [one.code for one in given] == ["amount_matches"]
    mismatch = protected_advice("", body, amount_cents=1, due_date=None)
    assert [one.code for one in mismatch] == ["amount_mismatch"]
