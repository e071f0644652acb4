"""Takes the pictures of the documents from a portal of its own: real pages, real messages, nothing drawn by hand.

    .venv/bin/python scripts/screenshot.py                  # docs/images/compose.png
    .venv/bin/python scripts/screenshot.py --all FOLDER     # every main page, at 1280 and 390 wide

Needs `make install` and Chromium (CHROMIUM, or `chromium` in the PATH).
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

from playwright.sync_api import Browser, Error, Page, sync_playwright

ROOT = Path(__file__).resolve().parent.parent
PICTURE = ROOT / "docs" / "images" / "compose.png"
WIDTHS = {1280: 900, 390: 844}
PASSWORD = "una password per le fotografie"  # noqa: S105 - of a portal that lives for a minute
PATIENCE = 90.0

LAURA = "BNCLRA85T50Z999B"
TEMPLATE = "Avviso TARI"
HEADER = ("codice_fiscale", "nome", "importo", "numero_avviso")
#: Not on IO, the service switched off, and people whom IO reaches.
PEOPLE = {
    "Paolo": "FRRPLA61H08Z999D",
    "Stefano": "MNTSFN72R20Z999N",
    "Laura": LAURA,
    "Marco": "RSSMRC78C12Z999Q",
    "Chiara": "LTTCHR88M45Z999D",
    "Luca": "PGNLCU80A14Z999P",
    "Veronica": "RSRVNC70P52Z999B",
}
#: Main pages: file name, address, who looks.
PAGES = (
    ("desk", "/", "clerk"),
    ("messages", "/messages/", "clerk"),
    ("sendings", "/sendings/", "clerk"),
    ("sending-new", "/sendings/new/", "clerk"),
    ("templates", "/templates/", "clerk"),
    ("services", "/services/", "clerk"),
    ("help", "/help/", "clerk"),
    ("statuses", "/help/statuses/", "clerk"),
    ("spreadsheets", "/help/spreadsheets/", "clerk"),
    ("desk-supervisor", "/", "supervisor"),
    ("overview", "/overview/", "supervisor"),
    ("waiting", "/waiting/", "supervisor"),
    ("services-admin", "/services/", "admin"),
    ("administration", "/admin/", "admin"),
)


def main() -> int:
    """Take the one picture, or all of them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--all", type=Path, metavar="FOLDER", help="pictures of every main page, into this folder")
    folder = parser.parse_args().all
    chromium = os.environ.get("CHROMIUM") or shutil.which("chromium")
    if not chromium:
        sys.exit("Chromium is missing: install it, or name it in CHROMIUM.")
    with portal() as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium, args=["--no-sandbox", "--force-color-profile=srgb"]
        )
        try:
            take_one(browser, address) if folder is None else take_all(browser, address, folder)
        finally:
            browser.close()
    return 0


# A portal of our own


@contextmanager
def portal() -> Iterator[str]:
    """Run a portal with folders and ports of its own; yields its address and ends it, and only it, afterwards."""
    with tempfile.TemporaryDirectory(prefix="ioportal-pictures-") as name:
        folder, port = Path(name), free_port()
        variables = environment(folder, port)
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, "manage.py", "run_portal"], cwd=ROOT, env=variables, stdout=log, stderr=log
            )
        address = f"http://127.0.0.1:{port}"
        try:
            wait_for(address, process, folder / "log")
            yield address
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(60)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def environment(folder: Path, port: int) -> Mapping[str, str]:
    """Nothing of an installation's own settings, everything in ``folder``."""
    kept = {name: value for name, value in os.environ.items() if name in {"PATH", "HOME", "LANG", "TZ", "TMPDIR"}}
    return kept | {
        "DATA_DIR": str(folder / "data"),
        "SECRETS_DIR": str(folder / "secrets"),
        "STATIC_ROOT": str(folder / "static"),
        "PORT": str(port),
        "DEMO_PASSWORD": PASSWORD,
        "PYTHONUNBUFFERED": "1",
    }


def free_port() -> int:
    """A port that the kernel says is free, with the simulator's hundred above it below 65,536."""
    while True:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port: int = probe.getsockname()[1]
        if port < 65_000:
            return port


def wait_for(address: str, process: subprocess.Popen[bytes], log: Path) -> None:
    """Wait until database, broker and worker are well."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until and process.poll() is None:
        try:
            with urllib.request.urlopen(f"{address}/readyz", timeout=5):  # noqa: S310 - our own address
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.3)
    sys.exit(f"the portal does not come up:\n{log.read_text(errors='replace')[-3000:]}")


# Pictures


def take_one(browser: Browser, address: str) -> None:
    """The composing page with a payment message from the template, as it stands in README."""
    page = sign_in(browser, address, "clerk", 1280)
    compose(page, address)
    PICTURE.parent.mkdir(parents=True, exist_ok=True)
    # Down to the payment: what follows is seldom used, and a long picture shows nothing.
    box = page.get_by_role("group", name="Pagamento").bounding_box()
    shoot(page, PICTURE, height=box["y"] + box["height"] + 24 if box else None)


def take_all(browser: Browser, address: str, folder: Path) -> None:
    """Every main page at every width; the messages and sendings on them are made first."""
    folder.mkdir(parents=True, exist_ok=True)
    page = sign_in(browser, address, "clerk", 1280)
    compose(page, address)
    compose_address = page.url
    check_address = go_on(page)
    columns_address = upload(
        page, address, folder, "Rata con altre colonne", header=("chi", "nome", "quanto", "avviso")
    )
    wrong_address = upload(page, address, folder, "TARI 2026, da correggere", wrong=True)
    sending_address = send_sheet(page, upload(page, address, folder, "TARI 2026, saldo"))
    page.context.close()
    for width in WIDTHS:
        pages: dict[str, Page] = {}
        shown = [
            ("login", "/account/login/", ""),
            ("new", "/messages/new/", "clerk"),
            ("compose", compose_address, "clerk"),
            ("check", check_address, "clerk"),
            ("sending-columns", columns_address, "clerk"),
            ("sending-check", wrong_address, "clerk"),
            ("sending", sending_address, "clerk"),
            ("sending-correction", f"{sending_address}correction/", "clerk"),
        ]
        for name, where, person in [*shown, *PAGES]:
            if person not in pages:
                pages[person] = sign_in(browser, address, person, width)
            visit(pages[person], where if where.startswith("http") else address + where)
            shoot(pages[person], folder / f"{name}-{width}.png")
        change_template(pages["clerk"], address)
        shoot(pages["clerk"], folder / f"template-change-{width}.png")
        for page in pages.values():
            page.context.close()
    sent = sign_in(browser, address, "clerk", 1280)
    send(sent, check_address)
    for width in WIDTHS:
        page = sign_in(browser, address, "clerk", width)
        visit(page, sent.url)
        shoot(page, folder / f"message-{width}.png")
        page.context.close()
    sent.context.close()


def sign_in(browser: Browser, address: str, person: str, width: int) -> Page:
    """A new window of this width in which the person is signed in; nobody for an empty name."""
    context = browser.new_context(viewport={"width": width, "height": WIDTHS[width]}, locale="it-IT")
    page = context.new_page()
    if person:
        visit(page, f"{address}/account/login/")
        page.get_by_label("Nome utente o e-mail").fill(person)
        page.get_by_label("Password", exact=True).fill(PASSWORD)
        page.get_by_role("button", name="Accedi").click()
        page.wait_for_url(lambda url: "/account/login" not in url)
    return page


def visit(page: Page, address: str) -> None:
    """Open a page that must exist."""
    answer = page.goto(address, wait_until="load")
    if answer is None or answer.status >= 400:
        raise SystemExit(f"{address} answers {answer.status if answer else 'nothing'}")


def shoot(page: Page, path: Path, height: float | None = None) -> None:
    """Save the whole page, or its first ``height`` pixels, once its fonts are there and its live parts have settled."""
    with suppress(Error):  # a page that keeps looking is never idle
        page.wait_for_load_state("networkidle", timeout=3000)
    page.evaluate("document.fonts.ready")
    page.evaluate("document.activeElement && document.activeElement.blur()")
    page.evaluate("window.scrollTo(0, 0)")
    page.wait_for_timeout(400)
    clip = {"x": 0, "y": 0, "width": page.viewport_size["width"], "height": height} if height else None
    page.screenshot(path=str(path), full_page=True, clip=clip)
    print(path)  # noqa: T201


# Steps of a person


def compose(page: Page, address: str) -> None:
    """Begin a message from the TARI template and fill in what a clerk would; leaves the page with the form."""
    visit(page, f"{address}/messages/new/")
    template = page.get_by_role("combobox", name=re.compile("^Modello"))
    option = template.locator("option").filter(has_text=TEMPLATE)
    template.select_option(value=option.get_attribute("value"))
    press(page, "Continua")
    body = page.get_by_role("textbox", name=re.compile("^Testo"))
    body.fill(body.input_value().replace("((nome))", "Laura"))
    page.get_by_label("Importo in euro").fill("128,40")
    page.get_by_label("Numero avviso").fill(notice(1_234))
    due = datetime.now(tz=UTC) + timedelta(days=25)
    page.get_by_role("textbox", name=re.compile("^Scadenza")).fill(f"{due:%d/%m/%Y}")
    # Leaving the field asks IO, so the text must be there already.
    code = page.get_by_label("Codice fiscale del destinatario")
    code.fill(LAURA)
    code.blur()
    page.get_by_role("status").filter(has_text=re.compile("raggiungibile", re.IGNORECASE)).first.wait_for()
    page.get_by_role("button", name="Salva la bozza").click()
    page.wait_for_load_state()
    # Only the page itself: what was just saved is no news in a picture.
    visit(page, page.url)


def go_on(page: Page) -> str:
    """From the form to the page on which everything is checked; returns its address."""
    press(page, "Continua")
    if not page.url.endswith("/check/"):
        sys.exit(f"the message cannot go on: {page.locator('main').inner_text()[:800]}")
    return page.url


def send(page: Page, check: str) -> None:
    """Send the message and wait until it is delivered; leaves its page open."""
    visit(page, check)
    press(page, "Invia")
    page.get_by_text("Consegnato").first.wait_for(timeout=60_000)


def notice(number: int) -> str:
    """A payment notice: its last two digits are the others modulo 93."""
    start = f"301{number:013}"
    return start + f"{int(start) % 93:02}"


def upload(
    page: Page, address: str, folder: Path, name: str, *, wrong: bool = False, header: Sequence[str] = HEADER
) -> str:
    """Upload a small sheet with the TARI template and wait for its check; returns the address of the page it leads to.

    Every sheet has notices of its own; ``wrong`` spoils three cells and doubles a row.
    """
    start = 10_000 + sum(name.encode())
    rows = [[code, first, "148,50", notice(start + n)] for n, (first, code) in enumerate(PEOPLE.items())]
    if wrong:
        rows[0][0], rows[2][2], rows[4][1] = "FRRPLA61H08Z9990", "96,5O", ""
        rows.append(list(rows[3]))
    path = folder / "tari-2026.csv"
    path.write_text("\r\n".join(";".join(row) for row in [header, *rows]))
    visit(page, f"{address}/sendings/new/")
    template = page.get_by_role("combobox", name="Modello")
    option = template.locator("option").filter(has_text=TEMPLATE)
    template.select_option(value=option.get_attribute("value"))
    page.get_by_label("File", exact=True).set_input_files(path)
    page.get_by_label("Nome dell’invio").fill(name)
    press(page, "Carica e controlla")
    page.locator("#facts, .columns-page").first.wait_for(timeout=60_000)
    path.unlink()
    return page.url


def send_sheet(page: Page, check: str) -> str:
    """Send a checked sheet and wait for its end; returns the address of its page."""
    visit(page, check)
    page.get_by_label("Ogni persona del foglio").check()
    press(page, "Invia")
    page.locator("#state").get_by_text("Finito").wait_for(timeout=60_000)
    return page.url


def change_template(page: Page, address: str) -> None:
    """Ask the template's text for one more column; leaves the page that says what this breaks, and saves nothing."""
    visit(page, f"{address}/templates/")
    page.get_by_role("link", name=TEMPLATE).first.click()
    body = page.get_by_role("textbox", name=re.compile("^Testo"))
    body.fill(f"{body.input_value()}\n\nImmobile: ((indirizzo)).")
    press(page, "Salva")


def press(page: Page, beginning: str) -> None:
    """Press the main button of the page and wait for the next page."""
    with page.expect_navigation():
        page.locator("main").get_by_role("button", name=re.compile(f"^{beginning}")).last.click()


if __name__ == "__main__":
    sys.exit(main())
