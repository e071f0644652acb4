"""Keys go in and never come out."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.urls import reverse

from messaging.admin.keys import store_key, use_key
from messaging.enums import KeySlot, PauseReason
from messaging.models import Membership, ServiceKey, User
from tests.admin.addresses import addresses
from tests.admin.conftest import Place
from tests.admin.forms import submit

NEW = "0123456789abcdef0123456789ABCDEF"


@pytest.fixture
def page(client: Client, here: Place) -> str:
    client.force_login(here.administrator)
    return reverse("admin:messaging_service_change", args=[here.service.pk])


def test_no_page_shows_a_key(client: Client, here: Place, superuser: User) -> None:
    store_key(here.service, KeySlot.SECONDARY, NEW)
    ciphertexts = set(ServiceKey.objects.values_list("last_four", flat=True))
    client.force_login(superuser)
    for name, address in addresses(here.rows()).items():
        text = client.get(address, follow=True).content.decode(errors="replace")
        assert here.secret not in text, name
        assert NEW not in text, name
        if name == "messaging_service_change":
            assert all(four in text for four in ciphertexts)


def test_a_new_key_is_kept_and_only_its_end_is_shown(client: Client, here: Place, page: str) -> None:
    response = submit(client, page, new_secondary=NEW)
    assert response.status_code == 302
    kept = here.service.keys.get(slot=KeySlot.SECONDARY)
    assert kept.secret == NEW
    assert not kept.in_use
    text = client.get(page).content.decode()
    assert "CDEF" in text
    assert NEW not in text


def test_an_empty_field_changes_no_key(client: Client, here: Place, page: str) -> None:
    assert submit(client, page, name="Tributi").status_code == 302
    assert here.service.keys.get().secret == here.secret


def test_a_key_typed_beside_a_mistake_does_not_come_back(client: Client, page: str) -> None:
    response = submit(client, page, new_primary=NEW, name="")
    assert response.status_code == 200
    assert NEW not in response.content.decode()


@pytest.mark.parametrize("typed", ["corta", f"{NEW} con-spazi", "à" * 32])
def test_what_is_no_key_is_refused_without_repeating_it(client: Client, here: Place, page: str, typed: str) -> None:
    response = submit(client, page, new_primary=typed)
    assert "Non sembra una chiave" in response.content.decode()
    assert typed not in response.content.decode()
    assert here.service.keys.get().secret == here.secret


def test_history_says_that_a_key_changed_and_not_which(client: Client, here: Place, page: str) -> None:
    submit(client, page, new_primary=NEW)
    entry = LogEntry.objects.latest("pk")
    assert "chiave primaria" in entry.get_change_message().lower()
    everything = " ".join(f"{row.object_repr} {row.change_message}" for row in LogEntry.objects.all())
    assert NEW not in everything
    assert here.secret not in everything


def test_an_error_page_and_its_report_hide_the_key(
    client: Client, here: Place, page: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_args: object, **_kwargs: object) -> None:
        raise RuntimeError("disk full")

    monkeypatch.setattr(ServiceKey, "save", broken)
    client.raise_request_exception = False
    data: dict[str, Any] = {}
    response = submit(client, page, new_primary=NEW, **data)
    assert response.status_code == 500
    assert NEW not in response.content.decode()
    assert NEW not in caplog.text
    request = next(record.request for record in caplog.records if hasattr(record, "request"))  # type: ignore[attr-defined]
    report = _report_of(request, next(record.exc_info for record in caplog.records if record.exc_info))
    assert "new_primary" in report
    assert NEW not in report


def test_the_first_key_of_a_service_is_in_use_at_once(here: Place) -> None:
    here.service.keys.all().delete()
    assert store_key(here.service, KeySlot.SECONDARY, NEW).in_use
    assert not store_key(here.service, KeySlot.PRIMARY, NEW).in_use


def test_switching_leaves_exactly_one_key_in_use(client: Client, here: Place, page: str) -> None:
    store_key(here.service, KeySlot.SECONDARY, NEW)
    for slot in ("secondary", "secondary", "primary"):
        client.post(reverse("admin:messaging_service_switch_key", args=[here.service.pk, slot]))
        assert list(here.service.keys.filter(in_use=True).values_list("slot", flat=True)) == [slot]


def test_an_empty_slot_is_never_put_in_use(client: Client, here: Place, page: str) -> None:
    client.post(reverse("admin:messaging_service_switch_key", args=[here.service.pk, "secondary"]))
    assert here.service.keys.get(in_use=True).slot == KeySlot.PRIMARY
    assert not use_key(here.service, KeySlot.SECONDARY)
    address = reverse("admin:messaging_service_switch_key", args=[here.service.pk, "tertiary"])
    assert client.post(address).status_code == 404


def test_a_key_that_no_longer_opens_can_be_replaced(client: Client, here: Place, page: str) -> None:
    from django.db.models import TextField, Value

    here.service.keys.update(secret=Value("rovinata", output_field=TextField()))
    assert client.get(page).status_code == 200
    assert submit(client, page, new_primary=NEW).status_code == 302
    assert here.service.keys.get().secret == NEW


def test_whoever_writes_a_key_is_reminded_that_the_service_is_suspended(client: Client, here: Place, page: str) -> None:
    here.service.pauses.update(reason=PauseReason.KEY)
    submit(client, page, new_primary=NEW)
    assert "ancora sospeso" in client.get(page).content.decode()


def test_a_role_says_who_gave_it_and_each_change_says_it_anew(client: Client, here: Place, page: str) -> None:
    membership = Membership.objects.get(user=here.clerk)
    assert membership.granted_by is None
    index = list(here.service.memberships.order_by("user__last_name", "user__username")).index(membership)
    assert submit(client, page, **{f"memberships__{index}__role": "supervisor"}).status_code == 302
    membership.refresh_from_db()
    assert membership.granted_by == here.administrator
    assert here.service.memberships.get(user=here.supervisor).granted_by is None


def _report_of(request: Any, exc_info: Any) -> str:
    from django.views.debug import ExceptionReporter

    return ExceptionReporter(request, *exc_info, is_email=True).get_traceback_text()
