"""What clerks do in these tests, as one would do it by hand."""

from __future__ import annotations

from itertools import count

from playwright.sync_api import Locator, Page, expect

CITIZEN = "BNCLRA85T50Z999B"
BODY = (
    "Ciao,\n\nla domanda che hai presentato è stata accolta e puoi usare il servizio da lunedì prossimo.\n\n"
    "Per informazioni scrivi a ufficio@comune.valdoria.example."
)
_numbers = count(1)


def new_subject() -> str:
    """A subject that no other message of the run has."""
    return f"La tua domanda è stata accolta ({next(_numbers)})"


def begin(page: Page, kind: str = "Informativo") -> None:
    """From the desk to the empty form."""
    page.goto("/")
    page.get_by_role("link", name="Nuovo messaggio").click()
    page.get_by_label(kind).check()
    page.get_by_role("button", name="Continua e scrivi").click()


def write(page: Page, subject: str, *, service: str = "Tributi", citizen: str = CITIZEN, body: str = BODY) -> None:
    """Fill the form of an informational message."""
    page.get_by_label("Servizio").select_option(label=service)
    page.get_by_label("Codice fiscale del destinatario").fill(citizen)
    page.get_by_label("Oggetto", exact=True).fill(subject)
    page.get_by_label("Testo", exact=True).fill(body)


def go_to_check(page: Page) -> None:
    """From the form to the page that shows the message as it will go."""
    page.get_by_role("button", name="Continua e controlla").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Controlla e invia")
    # The answer about the person comes in by itself and moves what stands below it: one reads it, then presses.
    page.wait_for_load_state("networkidle")


def write_and_send(
    page: Page, *, service: str = "Tributi", citizen: str = CITIZEN, button: str = "Invia il messaggio"
) -> str:
    """Write an informational message and send it; returns its subject. The page shows the message afterwards."""
    subject = new_subject()
    begin(page)
    write(page, subject, service=service, citizen=citizen)
    go_to_check(page)
    page.get_by_role("button", name=button).click()
    expect(page.get_by_role("heading", level=1)).to_have_text(subject)
    return subject


def status_of(page: Page) -> Locator:
    """The status pill beside the title."""
    return page.locator(".page-head .status")
