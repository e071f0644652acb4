"""A supervisor approves, sends back, and decides about uncertain outcomes."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.browser import writing
from tests.portal_process import PortalProcess

OpenAs = Callable[..., Page]


@pytest.fixture
def approval_asked(portal: PortalProcess) -> Iterator[None]:
    """The service Anagrafe asks for a second person for every message."""
    change = "from messaging.models import Service; Service.objects.filter(slug='anagrafe').update(approval='{}')"
    portal.python(change.format("all"))
    yield
    portal.python(change.format("off"))


@pytest.mark.usefixtures("approval_asked")
def test_a_message_goes_only_after_the_second_person_says_yes(portal: PortalProcess, open_as: OpenAs) -> None:
    clerk, supervisor = open_as("clerk"), open_as("supervisor")
    subject = writing.write_and_send(clerk, service="Anagrafe", button="Chiedi l’approvazione")
    expect(writing.status_of(clerk)).to_have_text("Da approvare")
    supervisor.goto("/waiting/")
    supervisor.get_by_role("link", name=subject).first.click()
    supervisor.get_by_role("button", name="Approva").click()
    expect(writing.status_of(supervisor)).to_have_text("Preso in carico")
    assert sum(entry["subject"] == subject for entry in portal.simulator.ledger()) == 1


@pytest.mark.usefixtures("approval_asked")
def test_a_message_sent_back_is_on_the_clerks_desk_with_the_reason(portal: PortalProcess, open_as: OpenAs) -> None:
    clerk, supervisor = open_as("clerk"), open_as("supervisor")
    subject = writing.write_and_send(clerk, service="Anagrafe", button="Chiedi l’approvazione")
    supervisor.goto(clerk.url)
    supervisor.get_by_text("Rimanda").first.click()
    supervisor.get_by_label("Cosa deve cambiare").fill("Aggiungi la data entro cui fare domanda")
    supervisor.get_by_role("button", name="Rimanda a").click()
    clerk.goto("/")
    expect(clerk.get_by_role("heading", name=f"«{subject}» è tornato indietro")).to_be_visible()
    expect(clerk.get_by_text("Aggiungi la data entro cui fare domanda")).to_be_visible()
    assert not [entry for entry in portal.simulator.ledger() if entry["subject"] == subject]


def test_an_uncertain_outcome_waits_for_a_decision_and_is_never_posted_again_by_itself(
    portal: PortalProcess, open_as: OpenAs
) -> None:
    clerk, supervisor = open_as("clerk"), open_as("supervisor")
    portal.simulator.fault("accept-then-drop", count=1)
    subject = writing.write_and_send(clerk)
    expect(writing.status_of(clerk)).to_have_text("Esito incerto")
    assert clerk.get_by_role("button", name="Conferma").count() == 0
    time.sleep(7)  # at least one sweep
    assert sum(entry["subject"] == subject for entry in portal.simulator.ledger()) == 1

    supervisor.goto(clerk.url)
    supervisor.get_by_role("radio", name="È arrivato").check()
    button = supervisor.get_by_role("button", name="Conferma: è arrivato")
    button.click()
    expect(supervisor.locator("[data-error-summary]")).to_be_visible()
    supervisor.get_by_role("radio", name="È arrivato").check()
    supervisor.get_by_label("Perché").fill("Sentita al telefono: lo vede.")
    button.click()
    expect(writing.status_of(supervisor)).to_have_text("Arrivo confermato")
    assert sum(entry["subject"] == subject for entry in portal.simulator.ledger()) == 1


def test_a_key_that_io_refuses_pauses_the_service_and_the_message_waits(portal: PortalProcess, open_as: OpenAs) -> None:
    clerk, supervisor = open_as("clerk"), open_as("supervisor")
    portal.simulator.fault("unauthorised")
    subject = writing.write_and_send(clerk, service="Anagrafe", citizen="RSSMRC78C12Z999Q")
    supervisor.goto("/services/anagrafe/")
    expect(supervisor.get_by_role("button", name="Riprendi").first).to_be_visible()
    expect(writing.status_of(clerk)).to_have_text("In coda")
    portal.simulator.clear()
    supervisor.get_by_role("button", name="Riprendi").first.click()
    clerk.reload()
    expect(writing.status_of(clerk)).to_have_text("Preso in carico")
    assert sum(entry["subject"] == subject for entry in portal.simulator.ledger()) == 1
