"""A clerk writes to one citizen, and sees what became of it."""

from __future__ import annotations

import time
from collections.abc import Callable

from playwright.sync_api import Page, expect

from tests.browser import writing
from tests.browser.writing import CITIZEN
from tests.portal_process import PortalProcess

OpenAs = Callable[..., Page]


def taken(portal: PortalProcess, subject: str) -> int:
    return sum(entry["subject"] == subject for entry in portal.simulator.ledger())


def test_a_payment_notice_from_its_template_to_the_phone(portal: PortalProcess, open_as: OpenAs) -> None:
    page = open_as("clerk")
    page.get_by_role("link", name="Nuovo messaggio").click()
    page.get_by_label("Modello").select_option(label="Tributi: Avviso TARI, saldo")
    page.get_by_role("button", name="Continua e scrivi").click()

    # What is wrong is said beside the field, and what was right stays.
    page.get_by_label("Codice fiscale del destinatario").fill("bnc lra 85t50 z999c")
    page.get_by_label("Importo in euro").fill("1.234")
    page.get_by_label("Numero avviso pagoPA").fill("3020 0000 0004 8217 33")
    page.get_by_label("Scadenza").first.fill("16/12/2026")
    page.get_by_role("button", name="Continua e controlla").click()
    summary = page.locator("[data-error-summary]")
    expect(summary).to_be_focused()
    expect(page).to_have_title("Errore: Nuovo messaggio di pagamento - IO Portal - Comune di Valdoria")
    expect(page.get_by_label("Numero avviso pagoPA")).to_have_value("3020 0000 0004 8217 33")
    for field in ("Codice fiscale del destinatario", "Importo in euro", "Testo"):
        expect(page.get_by_label(field, exact=True)).to_have_attribute("aria-invalid", "true")

    # The phone follows the typing.
    page.get_by_label("Codice fiscale del destinatario").fill(CITIZEN.lower())
    page.get_by_label("Importo in euro").fill("148,50")
    text = page.get_by_label("Testo", exact=True)
    text.fill(text.input_value().replace("((nome))", "Laura"))
    phone = page.locator(".phone.p3")
    expect(phone).to_contain_text("Ciao Laura")
    expect(phone).to_contain_text("148,50 €")
    page.get_by_label("Codice fiscale del destinatario").press("Tab")
    expect(page.get_by_text("Raggiungibile.")).to_be_visible()
    writing.go_to_check(page)

    subject = "Avviso TARI 2026: saldo da pagare"
    before = taken(portal, subject)
    page.get_by_role("button", name="Invia il messaggio").click()
    pressed = time.monotonic()
    expect(writing.status_of(page)).to_have_text("Preso in carico", timeout=5000)
    assert time.monotonic() - pressed < 5
    expect(writing.status_of(page)).to_have_text("Consegnato", timeout=90_000)
    assert taken(portal, subject) == before + 1
    assert CITIZEN not in page.url

    page.goto(f"{portal.simulator.phones_url}/laura-bianchi")
    expect(page.get_by_text(subject).first).to_be_visible()


def test_without_javascript_the_same_job_is_done(portal: PortalProcess, open_as: OpenAs) -> None:
    page = open_as("clerk", javascript=False)
    subject = writing.write_and_send(page)
    deadline = time.monotonic() + 90
    while time.monotonic() < deadline and writing.status_of(page).text_content() != "Consegnato":
        page.reload()
        time.sleep(0.5)
    expect(writing.status_of(page)).to_have_text("Consegnato")
    assert taken(portal, subject) == 1


def test_two_clicks_send_once(portal: PortalProcess, open_as: OpenAs) -> None:
    page = open_as("clerk")
    subject = writing.new_subject()
    writing.begin(page)
    writing.write(page, subject)
    writing.go_to_check(page)
    page.get_by_role("button", name="Invia il messaggio").dblclick()
    expect(page.get_by_role("heading", level=1)).to_have_text(subject)
    expect(writing.status_of(page)).to_have_text("Preso in carico")
    assert taken(portal, subject) == 1


def test_two_tabs_send_once(portal: PortalProcess, open_as: OpenAs) -> None:
    page = open_as("clerk")
    subject = writing.new_subject()
    writing.begin(page)
    writing.write(page, subject)
    writing.go_to_check(page)
    other = page.context.new_page()
    other.goto(page.url)
    page.get_by_role("button", name="Invia il messaggio").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(subject)
    other.get_by_role("button", name="Invia il messaggio").click()
    expect(other.get_by_role("heading", level=1)).to_have_text(subject)
    expect(writing.status_of(other)).to_have_text("Preso in carico")
    assert taken(portal, subject) == 1


def test_the_same_text_to_the_same_person_asks_why(portal: PortalProcess, open_as: OpenAs) -> None:
    page = open_as("clerk")
    subject = writing.write_and_send(page)
    expect(writing.status_of(page)).to_have_text("Preso in carico")
    writing.begin(page)
    writing.write(page, subject)
    writing.go_to_check(page)
    reason = page.get_by_label("Perché lo mandi di nuovo")
    if not reason.is_visible():
        page.get_by_role("button", name="Invia").click()
    expect(reason).to_be_visible()
    assert taken(portal, subject) == 1
    reason.fill("Il cittadino lo ha cancellato e lo chiede di nuovo.")
    page.get_by_role("button", name="Invia").last.click()
    expect(writing.status_of(page)).to_have_text("Preso in carico")
    assert taken(portal, subject) == 2


def test_a_person_who_is_not_on_io_gets_nothing_and_the_page_says_so(portal: PortalProcess, open_as: OpenAs) -> None:
    page = open_as("clerk")
    subject = writing.write_and_send(page, citizen="FRRPLA61H08Z999D")
    expect(writing.status_of(page)).to_have_text("Non raggiungibile")
    assert taken(portal, subject) == 0


def test_a_service_on_trial_writes_only_to_its_list(portal: PortalProcess, open_as: OpenAs) -> None:
    page = open_as("clerk")
    writing.begin(page)
    writing.write(page, writing.new_subject(), service="Scuola")
    page.get_by_role("button", name="Continua e controlla").click()
    expect(page.get_by_text("in prova").first).to_be_visible()
    assert (
        page.get_by_role("button", name="Invia il messaggio").count() == 0
        or page.get_by_role("button", name="Invia il messaggio").is_disabled()
    )


def test_send_to_me_first_leaves_the_draft(portal: PortalProcess, open_as: OpenAs) -> None:
    page = open_as("clerk")
    subject = writing.new_subject()
    writing.begin(page)
    writing.write(page, subject)
    writing.go_to_check(page)
    page.get_by_role("button", name="Mandalo prima a me").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Controlla e invia")
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline and taken(portal, subject) == 0:
        time.sleep(0.2)
    entries = [entry for entry in portal.simulator.ledger() if entry["subject"] == subject]
    assert [entry["fiscal_code"] for entry in entries] == ["AAAAAA00A00A000A"]
    expect(page.get_by_role("button", name="Invia il messaggio")).to_be_visible()


def test_the_keyboard_is_enough(portal: PortalProcess, open_as: OpenAs) -> None:
    page = open_as("clerk")
    page.goto("/")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Vai al contenuto")).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Nuovo invio da foglio")).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Nuovo messaggio")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Nuovo messaggio")
    page.get_by_label("Informativo").focus()
    page.keyboard.press("Space")
    page.keyboard.press("Enter")
    expect(page.get_by_label("Oggetto", exact=True)).to_be_visible()


def test_search_finds_a_person_without_showing_the_code_in_the_address(portal: PortalProcess, open_as: OpenAs) -> None:
    page = open_as("clerk")
    subject = writing.write_and_send(page)
    page.goto("/messages/")
    page.get_by_label("Cerca un messaggio").fill(CITIZEN.lower())
    page.get_by_role("button", name="Cerca").click()
    expect(page.get_by_role("link", name=subject)).to_be_visible()
    assert CITIZEN.lower() not in page.url.lower()
