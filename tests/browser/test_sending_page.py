"""The page of a sending in a browser: it follows the sending to its end without being loaded again."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import WIDTHS, assert_accessible
from tests.portal_process import PortalProcess

OpenAs = Callable[..., Page]
PEOPLE = 40


def send_a_sheet(portal: PortalProcess, folder: Path, name: str, start: int, people: int = PEOPLE) -> None:
    """A sheet of citizens on IO with notices of this test's own, sent as a scheduled job sends it."""
    out = io.StringIO()
    out.write("codice_fiscale;nome;importo;numero_avviso;scadenza\r\n")
    for number, code in enumerate(portal.simulator.citizens(people), start):
        digits = f"3{number:015}"
        notice = f"{digits}{int(digits) % 93:02}"
        out.write(f"{code};Laura;148,50;{notice};16/12/2099\r\n")
    path = folder / name
    path.write_text(out.getvalue())
    portal.manage("send_file", str(path), "--service", "tributi", "--template", "avviso-tari")


def open_newest(page: Page) -> None:
    page.goto("/sendings/")
    page.locator("tbody tr").first.get_by_role("link").click()


def count(page: Page, key: str) -> int:
    return int((page.locator(f"#count-{key} strong").text_content() or "0").replace(".", ""))


def test_the_page_follows_a_sending_to_its_end(portal: PortalProcess, open_as: OpenAs, tmp_path: Path) -> None:
    page = open_as("clerk")
    send_a_sheet(portal, tmp_path, "saldo.csv", 910_000)
    open_newest(page)
    page.evaluate("window.stillTheSame = true")
    shares = [page.locator("#progress .big").inner_text()]
    assert sum(count(page, key) for key in ("queued", "sending", "accepted", "processed", "unreachable")) <= PEOPLE
    expect(page.locator("#state")).to_contain_text("Finito", timeout=90_000)
    shares.append(page.locator("#progress .big").inner_text())
    assert page.evaluate("window.stillTheSame"), "the page was loaded anew"
    expect(page.locator("#progress")).not_to_have_attribute("hx-trigger", re.compile("every"))
    assert "il 100%" in shares[-1]
    assert (
        count(page, "all") == PEOPLE == count(page, "processed") + count(page, "unreachable") + count(page, "rejected")
    )
    assert_accessible(page)
    # The counters are filters, and the report is a file.
    page.locator("#count-processed").click()
    expect(page.locator("tbody tr[id^='riga-']")).to_have_count(count(page, "processed"))
    with page.expect_download() as found:
        page.get_by_role("link", name="CSV").click()
    text = Path(found.value.path()).read_text("utf-8-sig")
    assert len(text.splitlines()) == count(page, "processed") + 1


def test_a_sending_is_paused_resumed_and_cancelled(portal: PortalProcess, open_as: OpenAs, tmp_path: Path) -> None:
    page = open_as("clerk")
    send_a_sheet(portal, tmp_path, "lungo.csv", 920_000, people=600)
    open_newest(page)
    page.get_by_role("button", name="Metti in pausa").click()
    expect(page.locator("#state")).to_contain_text("In pausa")
    assert_accessible(page)
    page.get_by_role("button", name="Riprendi l’invio").click()
    expect(page.locator("#state")).to_contain_text("In invio")
    page.get_by_role("link", name=re.compile("Annulla i .* in coda")).click()
    assert_accessible(page)
    page.get_by_role("button", name=re.compile("Sì, annulla i .* in coda")).click()
    expect(page.locator("#state")).to_contain_text("Annullato")
    expect(page.locator("#count-queued strong")).to_have_text("0", timeout=60_000)
    assert count(page, "cancelled") > 0


@pytest.mark.parametrize("width", WIDTHS.values(), ids=WIDTHS)
def test_the_pages_are_accessible_and_fit(portal: PortalProcess, open_as: OpenAs, tmp_path: Path, width: int) -> None:
    page = open_as("clerk", width=width)
    send_a_sheet(portal, tmp_path, "pagina.csv", 930_000 + width, people=3)
    page.goto("/sendings/")
    assert_accessible(page)
    open_newest(page)
    expect(page.locator("#state")).to_contain_text("Finito", timeout=90_000)
    assert_accessible(page)
    page.get_by_role("link", name="Scrivi un’errata corrige").click()
    assert_accessible(page)
    page.goto("/")
    expect(page.get_by_role("link", name="pagina", exact=True).first).to_be_visible()
    assert_accessible(page)


@pytest.mark.parametrize("width", WIDTHS.values(), ids=WIDTHS)
def test_what_waits_for_a_supervisor_is_accessible(
    portal: PortalProcess, open_as: OpenAs, tmp_path: Path, width: int
) -> None:
    change = "from messaging.models import Service; Service.objects.filter(slug='tributi').update(approval='{}')"
    portal.python(change.format("all"))
    try:
        send_a_sheet(portal, tmp_path, "da-approvare.csv", 950_000 + width, people=3)
    finally:
        portal.python(change.format("off"))
    page = open_as("supervisor", width=width)
    for address in ("/overview/", "/waiting/"):
        page.goto(address)
        assert_accessible(page)
    page.get_by_role("link", name="da-approvare").first.click()
    assert_accessible(page)
    page.get_by_role("button", name=re.compile("^Approva e invia")).click()
    expect(page.locator("#state")).to_contain_text(re.compile("In invio|Finito"))


def test_without_javascript_a_link_shows_the_latest(portal: PortalProcess, open_as: OpenAs, tmp_path: Path) -> None:
    page = open_as("clerk", javascript=False)
    send_a_sheet(portal, tmp_path, "senza.csv", 940_000, people=3)
    open_newest(page)
    for _ in range(60):
        if "Finito" in page.locator("#state").inner_text():
            break
        page.wait_for_timeout(500)
        page.locator("#refresh").click()
    expect(page.locator("#state")).to_contain_text("Finito")
