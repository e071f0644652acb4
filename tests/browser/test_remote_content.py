"""Content that stays home: written, opened on the citizen's phone, corrected, opened again."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser import writing
from tests.browser.conftest import WIDTHS, assert_accessible
from tests.documents.makers import pdfa
from tests.portal_process import PortalProcess

OpenAs = Callable[..., Page]

COURTESY = "Il Comune ti ha scritto un messaggio che puoi leggere solo tu: apri l’app IO per leggerlo tutto."
PROTECTED = (
    "Gentile Laura Bianchi, il certificato di residenza che hai chiesto è pronto. Per dubbi chiama lo 0123 456789."
)


def begin(page: Page, subject: str, *, protected: str = PROTECTED) -> None:
    """A message of a Premium service with a protected text, on the page on which it is written."""
    writing.begin(page)
    writing.write(page, subject, service="Anagrafe", body=COURTESY)
    page.get_by_label("Contenuto remoto").check()
    page.get_by_label("Oggetto protetto").fill("Certificato di residenza")
    page.get_by_label("Testo protetto", exact=True).fill(protected)


def a_file(folder: Path, name: str, pages: int) -> Path:
    path = folder / name
    path.write_bytes(pdfa(pages=pages))
    return path


def add(page: Page, path: Path) -> None:
    page.get_by_label("PDF", exact=False).and_(page.locator("input[type=file]")).set_input_files(path)
    page.get_by_role("button", name="Aggiungi", exact=True).click()


def open_on_phone(phone: Page, portal: PortalProcess, subject: str) -> None:
    phone.goto(f"{portal.simulator.phones_url}/laura-bianchi")
    phone.get_by_text(subject).first.click()
    # What is shown before the message opens.
    phone.get_by_role("button", name="Continua").click()


def test_from_the_desk_to_the_phone_and_corrected(portal: PortalProcess, open_as: OpenAs, tmp_path: Path) -> None:
    page, subject = open_as("clerk"), writing.new_subject()
    begin(page, subject)
    # The phone beside the form follows the typing, and says what is fetched.
    expect(page.locator(".phone.p3")).to_contain_text("certificato di residenza")
    expect(page.get_by_text("Oggetto e testo sono presi dal vostro server a ogni apertura.")).to_be_visible()
    page.get_by_label("Ogni volta").check()
    page.get_by_label("Titolo dell’avvertenza").fill("Stai per aprire un certificato")
    page.get_by_label("Testo dell’avvertenza").fill("Contiene dati personali.")
    page.locator("label[for=v4]").click()
    expect(page.locator(".phone.p4")).to_contain_text("Stai per aprire un certificato")

    # A file is added without losing what was typed; the page says what it asks for.
    page.get_by_label("Allegati PDF").check()
    add(page, a_file(tmp_path, "certificato.pdf", 1))
    expect(page.get_by_text("dichiara PDF/A-2a")).to_be_visible()
    expect(page.get_by_label("Testo protetto", exact=True)).to_have_value(PROTECTED)
    page.get_by_role("button", name="Continua e controlla").click()
    expect(page.locator("[data-error-summary]")).to_contain_text("Allegati PDF")
    page.get_by_label("Messaggio Premium").check()
    writing.go_to_check(page)
    expect(page.get_by_text("Contenuto protetto")).to_be_visible()
    page.get_by_role("button", name="Invia il messaggio").click()
    expect(writing.status_of(page)).to_have_text("Consegnato", timeout=90_000)

    phone = open_as()
    phone.goto(f"{portal.simulator.phones_url}/laura-bianchi")
    expect(phone.get_by_text("Certificato di residenza")).to_have_count(0)
    open_on_phone(phone, portal, subject)
    expect(phone.get_by_text("il certificato di residenza che hai chiesto è pronto")).to_be_visible()
    expect(phone.get_by_text("certificato.pdf").first).to_be_visible()

    page.get_by_role("link", name="Correggi il contenuto protetto").click()
    page.get_by_label("Testo protetto", exact=True).fill(f"Corretto. {PROTECTED}")
    page.get_by_label("Metti al suo posto").set_input_files(a_file(tmp_path, "nuovo.pdf", 2))
    page.get_by_label("Perché correggi").fill("Mancava una pagina.")
    page.get_by_role("button", name="Salva la correzione").click()
    expect(page.get_by_text("Versione 2, quella di adesso")).to_be_visible()
    expect(page.get_by_text("2 pagine")).to_be_visible()

    open_on_phone(phone, portal, subject)
    expect(phone.get_by_text("Corretto. Gentile Laura Bianchi")).to_be_visible()


def test_without_scripts_everything_can_be_written(portal: PortalProcess, open_as: OpenAs, tmp_path: Path) -> None:
    page = open_as("clerk", javascript=False)
    begin(page, writing.new_subject())
    # What the service may do shows once the page has been told which it is.
    page.get_by_role("button", name="Salva la bozza").click()
    page.get_by_label("Messaggio Premium").check()
    page.get_by_label("Allegati PDF").check()
    add(page, a_file(tmp_path, "uno.pdf", 1))
    add(page, a_file(tmp_path, "due.pdf", 2))
    page.get_by_role("button", name="Sposta su").click()
    expect(page.locator(".files b")).to_have_text(["due.pdf", "uno.pdf"])
    page.get_by_role("button", name="Togli").nth(1).click()
    expect(page.locator(".files b")).to_have_text(["due.pdf"])
    page.get_by_role("button", name="Continua e controlla").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Controlla e invia")


def test_what_is_not_remote_shows_nothing_of_it(portal: PortalProcess, open_as: OpenAs) -> None:
    page = open_as("clerk")
    writing.begin(page)
    for label in ("Oggetto protetto", "Titolo dell’avvertenza"):
        expect(page.get_by_label(label)).to_be_hidden()
    expect(page.locator("label[for=v4]")).to_have_count(0)


@pytest.mark.parametrize("width", WIDTHS.values(), ids=list(WIDTHS))
def test_the_pages_are_accessible(portal: PortalProcess, open_as: OpenAs, tmp_path: Path, width: int) -> None:
    page = open_as("clerk", width=width)
    begin(page, writing.new_subject())
    page.get_by_label("Messaggio Premium").check()
    page.get_by_label("Allegati PDF").check()
    add(page, a_file(tmp_path, "uno.pdf", 1))
    page.get_by_label("Solo la prima volta").check()
    page.get_by_label("Titolo dell’avvertenza").fill("Stai per aprire un certificato")
    page.get_by_label("Testo dell’avvertenza").fill("Contiene dati personali.")
    expect(page.locator("label[for=v4]")).to_be_visible()
    assert_accessible(page)
    writing.go_to_check(page)
    assert_accessible(page)
    page.get_by_role("button", name="Invia il messaggio").click()
    expect(writing.status_of(page)).to_have_text("Consegnato", timeout=90_000)
    page.goto(f"{page.url}correct/")
    assert_accessible(page)
