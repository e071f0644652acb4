"""A real Chromium in front of a real running portal and simulator."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, expect, sync_playwright

from tests import servers
from tests.portal_process import PASSWORD, PortalProcess

# Chromium's own services would look for hosts that are not on this machine.
_ARGUMENTS = [
    "--no-sandbox",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
WIDTHS = {"desktop": 1280, "phone": 390}
_WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]

_axe_at_work: list[str] = []

expect.set_options(timeout=15_000)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """All need a browser; they share one portal, and so one worker."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.needs(servers.CHROMIUM))


@pytest.fixture(scope="package")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PortalProcess]:
    """One portal for all browser tests of a run."""
    portal = PortalProcess(tmp_path_factory.mktemp("browser") / "portal")
    portal.start()
    portal.wait_until_ready()
    from tests.conftest import LASTING

    LASTING.update(portal.everything())
    yield portal
    portal.remove()


@pytest.fixture
def portal(running: PortalProcess) -> Iterator[PortalProcess]:
    """The running portal, its simulator without faults; the demonstration's services as they were."""
    running.simulator.clear()
    yield running
    running.simulator.clear()


@pytest.fixture(scope="package")
def chromium() -> Iterator[Browser]:
    """One browser for this package and no longer: Django refuses its database to a thread with Playwright's loop."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=servers.chromium(), args=_ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def open_as(chromium: Browser, portal: PortalProcess) -> Iterator[Callable[..., Page]]:
    """``open_as("clerk", width=390, language="en-GB", javascript=False)`` gives a page, signed in."""
    contexts: list[BrowserContext] = []
    complaints: list[str] = []

    def hear(message: ConsoleMessage) -> None:
        if _axe_at_work:
            return
        # A form with errors is answered 422, which Chromium notes too.
        refused = message.text.startswith("Failed to load resource") and "422" in message.text
        if (message.type in {"error", "warning"} and not refused) or "Content Security Policy" in message.text:
            complaints.append(f"{message.text} at {message.location.get('url')}")

    def open_page(who: str = "", *, width: int = 1280, language: str = "it-IT", javascript: bool = True) -> Page:
        context = chromium.new_context(
            viewport={"width": width, "height": 900},
            locale=language,
            java_script_enabled=javascript,
            base_url=portal.url,
        )
        contexts.append(context)
        page = context.new_page()
        page.on("console", hear)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        if who:
            page.goto("/account/login/")
            page.locator("input[name=login]").fill(who)
            page.locator("input[name=password]").fill(PASSWORD)
            page.locator("main button[type=submit]").click()
            expect(page).to_have_url(f"{portal.url}/")
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert not complaints, f"the browser complains: {complaints}"


def assert_accessible(page: Page) -> None:
    """axe finds no violation of WCAG 2.1 AA, nor on our own pages of its best practices; nothing sticks out."""
    rules = _WCAG if "/admin/" in page.url else [*_WCAG, "best-practice"]
    # axe itself sets styles and loads style sheets as it looks: only what the page does is the page's.
    _axe_at_work.append(page.url)
    result: Any = Axe().run(page, options={"runOnly": rules})
    _axe_at_work.clear()
    assert result.violations_count == 0, result.generate_report()
    width = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert width <= 0, f"{page.url} is {width} pixels wider than the window"
