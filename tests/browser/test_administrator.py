"""An administrator configures, and reads no message."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import Page, expect

from tests.portal_process import PortalProcess

OpenAs = Callable[..., Page]


def test_an_administrator_puts_a_person_on_a_services_trial_list(portal: PortalProcess, open_as: OpenAs) -> None:
    page = open_as("admin")
    page.goto("/admin/messaging/service/")
    page.get_by_role("link", name="Scuola").click()
    row = page.locator("#allowed_recipients-group")
    row.get_by_role("button", name="Aggiungi").click()
    last = row.locator("tr.form-row:not(.empty-form), .inline-related:not(.empty-form)").last
    last.locator("input[name$=fiscal_code]").fill("LTTCHR88M45Z999D")
    last.locator("input[name$=label]").fill("Telefono di prova")
    page.get_by_role("button", name="Salva", exact=True).click()
    expect(page.locator(".messagelist .success")).to_be_visible()
    assert "Telefono di prova" in portal.python(
        "from messaging.models import AllowedRecipient as A; print(list(A.objects.values_list('label', flat=True)))"
    )


def test_an_administrator_never_sees_a_key(portal: PortalProcess, open_as: OpenAs) -> None:
    page = open_as("admin")
    page.goto("/admin/messaging/service/")
    page.get_by_role("link", name="Tributi").click()
    expect(page.locator("body")).to_contain_text("0001")
    assert "demo-tributi" not in page.content()


def test_an_administrator_without_a_role_has_no_messages(portal: PortalProcess, open_as: OpenAs) -> None:
    page = open_as("admin")
    page.goto("/messages/")
    expect(page.locator("main")).not_to_contain_text("TARI")
