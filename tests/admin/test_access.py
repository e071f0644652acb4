"""Who gets into the administration, page by page."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from messaging.models import User
from tests import cast
from tests.admin.addresses import addresses, of_a_row
from tests.admin.conftest import Place

#: The way in and out: they answer everybody.
DOORS = {"login", "logout"}
#: Pages that change something at once: they answer a POST alone.
BUTTONS = {"messaging_service_switch_key", "messaging_service_pause", "messaging_user_send_reset"}


def test_everybody_who_is_not_signed_in_is_sent_to_the_portals_own_sign_in(client: Client, here: Place) -> None:
    for name, address in addresses(here.rows()).items():
        response = client.get(address, follow=True)
        assert response.redirect_chain, name
        assert response.redirect_chain[-1][0].startswith(reverse("account_login")), name


@pytest.mark.parametrize("who", ["clerk", "supervisor", "nobody"])
def test_staff_who_administer_nothing_get_404_on_every_page(client: Client, here: Place, who: str) -> None:
    client.force_login(cast.make_person("nessuno") if who == "nobody" else getattr(here, who))
    for name, address in addresses(here.rows()).items():
        assert client.get(address).status_code == 404, name
        assert client.post(address).status_code == 404, name


def test_staff_flag_alone_admits_nobody(client: Client, here: Place) -> None:
    client.force_login(cast.make_person("staff", is_staff=True))
    assert client.get(reverse("admin:index")).status_code == 404


def test_an_administrator_opens_every_page_of_their_institution(client: Client, here: Place) -> None:
    client.force_login(here.administrator)
    refused = {name for name, address in _read(here).items() if client.get(address).status_code == 403}
    others = {name: client.get(address).status_code for name, address in _read(here).items() if name not in refused}
    assert refused == {
        # what only a superuser makes, and what nobody deletes or writes by hand
        "messaging_institution_add",
        "messaging_gatewayaccount_add",
        "messaging_servicepause_add",
        "messaging_message_add",
        "messaging_batch_add",
        "messaging_institution_delete",
        "messaging_gatewayaccount_delete",
        "messaging_service_delete",
        "messaging_user_delete",
        "messaging_servicepause_delete",
        "messaging_message_delete",
        "messaging_batch_delete",
        "autocomplete",  # asked without saying for which field
    }
    assert set(others.values()) <= {200, 302, 405}, others
    assert {name for name, status in others.items() if status == 405} == BUTTONS


def test_an_administrator_gets_404_on_every_row_of_another_institution(
    client: Client, here: Place, elsewhere: Place
) -> None:
    client.force_login(elsewhere.administrator)
    for name, address in addresses(here.rows()).items():
        if of_a_row(name):
            assert client.post(address).status_code == 404, name
            if name not in BUTTONS:
                assert client.get(address).status_code == 404, name


def test_no_list_names_anything_of_another_institution(client: Client, here: Place, elsewhere: Place) -> None:
    client.force_login(here.administrator)
    for name, address in _read(here).items():
        response = client.get(address, follow=True)
        text = response.content.decode(errors="replace")
        assert "Altrove" not in text, name
        assert str(elsewhere.message.public_id) not in text, name
        assert str(elsewhere.batch.public_id) not in text, name


def test_a_superuser_sees_both(client: Client, here: Place, elsewhere: Place, superuser: User) -> None:
    client.force_login(superuser)
    text = client.get(reverse("admin:messaging_service_changelist")).content.decode()
    assert "Servizio Qui" in text
    assert "Servizio Altrove" in text


def test_somebody_deactivated_is_not_admitted(client: Client, here: Place) -> None:
    client.force_login(here.administrator)
    User.objects.filter(pk=here.administrator.pk).update(is_active=False)
    assert client.get(reverse("admin:index")).status_code == 302


def _read(place: Place) -> dict[str, str]:
    """The pages one can simply open; the link to an object's own page leads nowhere, as no model has one."""
    return {name: address for name, address in addresses(place.rows()).items() if name not in DOORS | {"view_on_site"}}
