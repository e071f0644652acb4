"""Every page, at desktop and phone width, in both languages: accessible and without a report of the content policy."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page

from tests.browser import writing
from tests.browser.conftest import WIDTHS, assert_accessible
from tests.portal_process import PortalProcess

OpenAs = Callable[..., Page]

PAGES = {
    "": ["/account/login/", "/account/password/reset/", "/accessibility/", "/privacy/", "/help/", "/help/statuses/",
         "/help/spreadsheets/"],
    "clerk": ["/", "/messages/", "/messages/new/", "/templates/", "/templates/new/", "/services/", "/services/tributi/",
              "/account/password/change/"],
    "supervisor": ["/", "/messages/", "/waiting/", "/services/tributi/"],
    "admin": ["/", "/services/", "/services/tributi/", "/admin/", "/admin/messaging/service/",
              "/admin/messaging/message/", "/admin/messaging/user/", "/admin/messaging/user/add/"],
}  # fmt: skip


@pytest.mark.parametrize("width", WIDTHS.values(), ids=WIDTHS)
@pytest.mark.parametrize("language", ["it-IT", "en-GB"])
@pytest.mark.parametrize("who", PAGES)
def test_pages_by_role(open_as: OpenAs, who: str, language: str, width: int) -> None:
    page = open_as(who, width=width, language=language)
    for address in PAGES[who]:
        page.goto(address)
        assert_accessible(page)


@pytest.mark.parametrize("width", WIDTHS.values(), ids=WIDTHS)
def test_the_way_of_a_message(open_as: OpenAs, width: int) -> None:
    page = open_as("clerk", width=width)
    writing.begin(page)
    assert_accessible(page)
    page.get_by_role("button", name="Continua e controlla").click()
    assert_accessible(page)  # with all its errors
    writing.write(page, writing.new_subject())
    writing.go_to_check(page)
    assert_accessible(page)
    page.get_by_role("button", name="Invia il messaggio").click()
    page.locator(".page-head .status", has_text="Preso in carico").wait_for()
    assert_accessible(page)


def test_the_page_of_an_uncertain_message(portal: PortalProcess, open_as: OpenAs) -> None:
    portal.simulator.fault("accept-then-drop", count=1)
    clerk = open_as("clerk")
    writing.write_and_send(clerk)
    clerk.locator(".page-head .status", has_text="Esito incerto").wait_for()
    for width in WIDTHS.values():
        supervisor = open_as("supervisor", width=width)
        supervisor.goto(clerk.url)
        assert_accessible(supervisor)


def test_the_citizens_phone(portal: PortalProcess, open_as: OpenAs) -> None:
    page = open_as("", width=390)
    for address in ("", "/laura-bianchi", "/codice-di-prova"):
        page.goto(portal.simulator.phones_url + address)
        assert_accessible(page)
