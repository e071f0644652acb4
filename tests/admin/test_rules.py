"""The rules that an administrator sets for sendings from spreadsheets: hours, and when two people must agree."""

from __future__ import annotations

from datetime import time

import pytest
from django.test import Client
from django.urls import reverse

from tests.admin.conftest import Place
from tests.admin.forms import submit


@pytest.fixture(autouse=True)
def _signed_in(client: Client, here: Place) -> None:
    client.force_login(here.administrator)


def institution_page(place: Place) -> str:
    return reverse("admin:messaging_institution_change", args=[place.institution.pk])


def test_hours_are_off_at_first_and_proposed_on_the_page(client: Client, here: Place) -> None:
    assert here.institution.polite_from is None
    text = client.get(institution_page(here)).content.decode()
    assert "proponiamo dalle 08:00 alle 20:00" in text


def test_hours_are_set_and_taken_away_again(client: Client, here: Place) -> None:
    for first, last, stored in (("08:00", "20:00", (time(8), time(20))), ("", "", (None, None))):
        assert submit(client, institution_page(here), polite_from=first, polite_until=last).status_code == 302
        here.institution.refresh_from_db()
        assert (here.institution.polite_from, here.institution.polite_until) == stored


@pytest.mark.parametrize(
    ("first", "last", "field", "sentence"),
    [
        ("08:00", "", "polite_until", "Scrivi sia l’inizio sia la fine"),
        ("", "20:00", "polite_from", "Scrivi sia l’inizio sia la fine"),
        ("20:00", "08:00", "polite_until", "La fine viene dopo l’inizio"),
        ("08:00", "08:00", "polite_until", "La fine viene dopo l’inizio"),
    ],
)
def test_half_an_hour_range_or_one_that_runs_backwards_is_explained(
    client: Client, here: Place, first: str, last: str, field: str, sentence: str
) -> None:
    response = submit(client, institution_page(here), polite_from=first, polite_until=last)
    errors = response.context["adminform"].form.errors
    assert list(errors) == [field]
    assert sentence in errors[field][0]
    here.institution.refresh_from_db()
    assert here.institution.polite_from is None


def test_from_how_many_recipients_two_people_must_agree(client: Client, here: Place) -> None:
    address = reverse("admin:messaging_service_change", args=[here.service.pk])
    assert submit(client, address, approval_recipients="500").status_code == 302
    here.service.refresh_from_db()
    assert here.service.approval_recipients == 500
    assert "approval_recipients" in submit(client, address, approval_recipients="0").context["adminform"].form.errors
    assert submit(client, address, approval_recipients="").status_code == 302
    here.service.refresh_from_db()
    assert here.service.approval_recipients is None
