"""A clerk writes to the people of a spreadsheet, from the file to the sending's page."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.batches.conftest import csv_of, notice, person_row
from tests.browser.conftest import WIDTHS, assert_accessible
from tests.portal_process import PortalProcess

OpenAs = Callable[..., Page]
TEMPLATE = "Avviso TARI, saldo"
#: Each file has notice numbers of its own: one that was sent stays out of the next.
_starts = iter(range(1_000, 1_000_000, 100))


def a_file(folder: Path, portal: PortalProcess, *changes: dict[str, str], people: int = 12) -> Path:
    """A CSV for people who are all on IO; the first rows are changed as said."""
    start = next(_starts)
    rows = []
    for place, code in enumerate(portal.simulator.citizens(people)):
        cells = {"codice_fiscale": code, "nome": f"Anna {place}", "numero_avviso": notice(start + place)}
        rows.append(person_row(1, **{**cells, **(changes[place] if place < len(changes) else {})}))
    path = folder / f"tari-{start}.csv"
    path.write_bytes(csv_of(*rows))
    return path


def upload(page: Page, path: Path, name: str) -> None:
    """From the list of sendings to the page of the check, once it is over."""
    page.goto("/sendings/new/")
    page.get_by_label("Modello").select_option(label=TEMPLATE)
    expect(page.locator("#needed")).to_contain_text("numero_avviso")
    page.get_by_label("File", exact=True).set_input_files(path)
    page.get_by_label("Nome dell’invio").fill(name)
    page.get_by_role("button", name="Carica e controlla").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(name)
    expect(page.locator("#facts")).to_be_visible(timeout=30_000)


def test_a_file_is_corrected_in_place_and_sent(tmp_path: Path, portal: PortalProcess, open_as: OpenAs) -> None:
    page = open_as("clerk")
    upload(page, a_file(tmp_path, portal, {"importo": "96,5O"}, {"codice_fiscale": "ROSSI"}), "TARI, due righe")
    expect(page.get_by_role("heading", name="2 righe da correggere")).to_be_visible()
    send = page.locator("#do-send")
    expect(send).to_be_disabled()

    page.get_by_label(re.compile("^importo")).fill("96,50")
    page.get_by_role("button", name="Salva le correzioni e ricontrolla").click()
    expect(page.locator("#words")).to_have_text("Una riga ora va bene. Ne resta una da correggere.")
    expect(page.get_by_role("heading", name="Una riga da correggere")).to_be_visible()
    page.get_by_role("button", name="Escludi la riga 3").click()
    expect(page.locator("#words")).to_have_text("Una riga esclusa.")

    # The number becomes exact by itself.
    expect(send).to_have_text("Invia 11 messaggi", timeout=30_000)
    page.goto(f"{page.url.partition('?')[0].partition('#')[0]}?row=2")
    expect(page.locator("#preview-head")).to_contain_text("riga 2")
    page.get_by_role("link", name="Riga successiva").click()
    expect(page.locator("#preview-head")).to_contain_text("riga 4")
    expect(page.locator(".phone.p3")).to_contain_text("Ciao Anna 2")

    send.click()
    expect(page.locator("[data-error-summary]")).to_be_focused()
    page.get_by_label("Ogni persona del foglio è un destinatario diretto di questo servizio").check()
    before = len(portal.simulator.ledger())
    send.click()
    expect(page).to_have_url(re.compile(r"/sendings/[0-9a-f-]+/$"))
    expect(page.get_by_role("heading", level=1)).to_have_text("TARI, due righe")
    page.wait_for_timeout(500)
    for _ in range(60):
        if len(portal.simulator.ledger()) - before >= 11:
            break
        page.wait_for_timeout(500)
    assert len(portal.simulator.ledger()) - before == 11


def test_without_javascript_the_same_is_done(tmp_path: Path, portal: PortalProcess, open_as: OpenAs) -> None:
    page = open_as("clerk", javascript=False)
    page.goto("/sendings/new/")
    page.get_by_label("Modello").select_option(label=TEMPLATE)
    page.get_by_role("button", name="Mostra le colonne che servono").click()
    expect(page.locator("#needed")).to_contain_text("numero_avviso")
    page.get_by_label("File", exact=True).set_input_files(a_file(tmp_path, portal, {"importo": "x"}, people=3))
    page.get_by_label("Nome dell’invio").fill("Senza JavaScript")
    page.get_by_role("button", name="Carica e controlla").click()
    for _ in range(60):
        if page.locator("#facts").count():
            break
        page.wait_for_timeout(500)
        page.reload()
    page.get_by_label(re.compile("^importo")).fill("12,50")
    page.get_by_role("button", name="Salva le correzioni e ricontrolla").click()
    expect(page.get_by_text("Una riga ora va bene. Non resta niente da correggere.")).to_be_visible()
    page.get_by_label("Ogni persona del foglio è un destinatario diretto di questo servizio").check()
    page.locator("#do-send").click()
    expect(page).to_have_url(re.compile(r"/sendings/[0-9a-f-]+/$"))


@pytest.mark.parametrize("width", WIDTHS.values(), ids=WIDTHS)
def test_what_a_change_of_the_template_breaks(
    tmp_path: Path, portal: PortalProcess, open_as: OpenAs, width: int
) -> None:
    page = open_as("clerk", width=width)
    upload(page, a_file(tmp_path, portal, people=3), f"Prima del cambiamento, a {width}")
    page.goto("/templates/")
    page.get_by_role("link", name=TEMPLATE, exact=True).click()
    address = page.url
    body = page.get_by_label("Testo", exact=True)
    before = body.input_value()
    body.fill(f"{before}\n\nImmobile: ((indirizzo)).")
    page.get_by_role("button", name="Salva").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Prima di salvare, guarda cosa cambia")
    expect(page.get_by_text("((indirizzo)) non è tra le colonne dell’ultimo file.")).to_be_visible()
    assert_accessible(page)
    page.goto(address)
    expect(body).to_have_value(before)


@pytest.mark.parametrize("width", WIDTHS.values(), ids=WIDTHS)
def test_a_file_that_cannot_be_read_is_told_accessibly(tmp_path: Path, open_as: OpenAs, width: int) -> None:
    path = tmp_path / "foto.csv"
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(64))
    page = open_as("clerk", width=width)
    page.goto("/sendings/new/")
    page.get_by_label("Modello").select_option(label=TEMPLATE)
    page.get_by_label("File", exact=True).set_input_files(path)
    page.get_by_role("button", name="Carica e controlla").click()
    expect(page.get_by_text("Questo è un’immagine")).to_be_visible(timeout=30_000)
    assert_accessible(page)


@pytest.mark.parametrize("width", WIDTHS.values(), ids=WIDTHS)
def test_its_pages_are_accessible(tmp_path: Path, portal: PortalProcess, open_as: OpenAs, width: int) -> None:
    page = open_as("clerk", width=width)
    page.goto("/sendings/new/")
    page.get_by_role("button", name="Carica e controlla").click()
    assert_accessible(page)  # with its errors
    wrong = {"importo": "x", "codice_fiscale": "ROSSI"}
    doubt = {"numero_avviso": f"{notice(next(_starts))[:-2]}99"}
    upload(page, a_file(tmp_path, portal, wrong, doubt), f"Da guardare a {width}")
    assert_accessible(page)
    expect(page.get_by_role("heading", name="Una riga con un dubbio", exact=True)).to_be_visible()
    page.get_by_role("button", name="Escludi la riga 2").click()
    expect(page.locator("#do-send")).to_be_enabled()
    page.locator("#do-send").click()
    expect(page.locator("[data-error-summary]")).to_be_focused()
    assert_accessible(page)
    path = tmp_path / "colonne.csv"
    path.write_bytes(csv_of(person_row(1), header=("Contribuente", "nome", "Quanto", "numero_avviso", "scadenza")))
    page.goto("/sendings/new/")
    page.get_by_label("Modello").select_option(label=TEMPLATE)
    page.get_by_label("File", exact=True).set_input_files(path)
    page.get_by_role("button", name="Carica e controlla").click()
    expect(page.get_by_role("heading", name="Cosa serve al testo")).to_be_visible(timeout=30_000)
    assert_accessible(page)
