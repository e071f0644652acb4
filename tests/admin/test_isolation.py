"""Raw ids, autocompletes, filters and lookups lead nowhere outside one's own institutions."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from messaging.enums import Role
from messaging.models import Administrator, Membership, Service, Template, User
from tests import cast
from tests.admin.conftest import Place
from tests.admin.forms import submit


@pytest.fixture(autouse=True)
def _signed_in(client: Client, here: Place, elsewhere: Place) -> None:
    client.force_login(here.administrator)


def test_a_service_cannot_be_put_into_another_institution(client: Client, elsewhere: Place) -> None:
    address = reverse("admin:messaging_service_add")
    response = submit(
        client, address, institution=elsewhere.institution.pk, name="Intruso", slug="intruso", max_amount="0"
    )
    assert "institution" in response.context["adminform"].form.errors
    assert not Service.objects.filter(slug="intruso").exists()


def test_a_template_cannot_be_put_into_another_service(client: Client, elsewhere: Place) -> None:
    address = reverse("admin:messaging_template_add")
    submit(
        client, address, service=elsewhere.service.pk, name="Intruso", slug="intruso", subject="Oggetto", body="Testo"
    )
    assert not Template.objects.filter(slug="intruso").exists()


def test_a_role_cannot_be_given_in_another_service(client: Client, here: Place, elsewhere: Place) -> None:
    address = reverse("admin:messaging_user_change", args=[here.clerk.pk])
    submit(
        client,
        address,
        memberships__TOTAL_FORMS=2,
        memberships__1__service=elsewhere.service.pk,
        memberships__1__role=Role.SUPERVISOR,
    )
    assert not Membership.objects.filter(user=here.clerk, service=elsewhere.service).exists()


def test_a_stranger_cannot_be_drawn_into_ones_own_service(client: Client, here: Place, elsewhere: Place) -> None:
    address = reverse("admin:messaging_service_change", args=[here.service.pk])
    submit(
        client,
        address,
        memberships__TOTAL_FORMS=3,
        memberships__2__user=elsewhere.clerk.pk,
        memberships__2__role=Role.CLERK,
    )
    assert not Membership.objects.filter(user=elsewhere.clerk, service=here.service).exists()


def test_another_institutions_role_is_not_changed_by_its_raw_id(client: Client, here: Place, elsewhere: Place) -> None:
    theirs = elsewhere.clerk.memberships.get()
    address = reverse("admin:messaging_user_change", args=[here.clerk.pk])
    submit(client, address, memberships__0__id=theirs.pk, memberships__0__role=Role.SUPERVISOR)
    submit(client, address, memberships__0__id=theirs.pk, memberships__0__DELETE="on")
    theirs.refresh_from_db()
    assert theirs.role == Role.CLERK


def test_nobody_makes_themselves_administrator_of_another_institution(
    client: Client, here: Place, elsewhere: Place
) -> None:
    address = reverse("admin:messaging_user_change", args=[here.administrator.pk])
    submit(client, address, administrations__TOTAL_FORMS=2, administrations__1__institution=elsewhere.institution.pk)
    assert list(here.administrator.administrations.values_list("institution", flat=True)) == [here.institution.pk]


@pytest.mark.parametrize("whom", ["administrator", "clerk"])
def test_nobody_makes_anybody_superuser(client: Client, here: Place, whom: str) -> None:
    person = getattr(here, whom)
    submit(client, reverse("admin:messaging_user_change", args=[person.pk]), is_superuser="on", is_staff="on")
    person.refresh_from_db()
    assert not person.is_superuser
    assert not person.is_staff


def test_nobody_takes_the_administration_from_themselves(client: Client, here: Place) -> None:
    for address in (
        reverse("admin:messaging_user_change", args=[here.administrator.pk]),
        reverse("admin:messaging_institution_change", args=[here.institution.pk]),
    ):
        prefix = "administrations" if "user" in address else "administrators"
        response = submit(client, address, **{f"{prefix}__0__DELETE": "on"})
        assert "Non puoi togliere te stesso" in response.content.decode()
    assert Administrator.objects.filter(user=here.administrator).exists()


def test_the_account_of_an_institution_is_the_superusers_to_choose(
    client: Client, here: Place, elsewhere: Place
) -> None:
    address = reverse("admin:messaging_institution_change", args=[here.institution.pk])
    submit(client, address, name="Comune nuovo", account=elsewhere.institution.account.pk)
    here.institution.refresh_from_db()
    assert here.institution.name == "Comune nuovo"
    assert here.institution.account != elsewhere.institution.account


def test_a_shared_account_is_not_for_one_of_its_users_to_change(client: Client, here: Place) -> None:
    account = here.institution.account
    cast.make_institution(name="Unione dei comuni", account=account)
    address = reverse("admin:messaging_gatewayaccount_change", args=[account.pk])
    response = client.get(address)
    assert "Unione dei comuni" not in response.content.decode()
    assert client.post(address, {"name": account.name, "calls": "999", "seconds": "1"}).status_code == 403
    account.refresh_from_db()
    assert account.calls is None


def test_ones_own_account_takes_a_whole_rate_only(client: Client, here: Place) -> None:
    account = here.institution.account
    address = reverse("admin:messaging_gatewayaccount_change", args=[account.pk])
    assert submit(client, address, calls="20").status_code == 200
    assert submit(client, address, calls="20", seconds="2,5").status_code == 302
    account.refresh_from_db()
    assert account.rate == (20, 2.5)


def test_autocomplete_offers_ones_own_people_alone(client: Client, here: Place, elsewhere: Place) -> None:
    address = reverse("admin:autocomplete")
    field = {"app_label": "messaging", "model_name": "membership", "field_name": "user"}
    found = client.get(address, field | {"term": "addett"}).json()["results"]
    assert [row["id"] for row in found] == [str(here.clerk.pk)]


def test_a_pause_of_another_institution_is_not_lifted_by_its_raw_id(client: Client, elsewhere: Place) -> None:
    address = reverse("admin:messaging_servicepause_changelist")
    client.post(address, {"action": "lift", "_selected_action": [elsewhere.pause.pk]})
    elsewhere.pause.refresh_from_db()
    assert elsewhere.pause.lifted_at is None


def test_a_pause_is_lifted_in_the_name_of_who_does_it(client: Client, here: Place) -> None:
    address = reverse("admin:messaging_servicepause_changelist")
    client.post(address, {"action": "lift", "_selected_action": [here.pause.pk]})
    here.pause.refresh_from_db()
    assert here.pause.lifted_by == here.administrator


def test_a_service_is_suspended_from_its_page(client: Client, here: Place) -> None:
    here.service.pauses.update(lifted_at=here.pause.since)
    client.post(reverse("admin:messaging_service_pause", args=[here.service.pk]))
    assert here.service.pauses.filter(lifted_at__isnull=True, reason="person").count() == 1


@pytest.mark.parametrize(
    "query",
    [
        "subject__contains=Oggetto",
        "body__startswith=Q",
        "recipient__fiscal_code__startswith=P",
        "notice_number=1",
        "kind=payment",
    ],
)
def test_a_list_answers_no_question_about_hidden_columns(client: Client, query: str) -> None:
    assert client.get(f"{reverse('admin:messaging_message_changelist')}?{query}").status_code == 400


def test_people_are_not_searched_by_password_hash(client: Client) -> None:
    assert client.get(f"{reverse('admin:messaging_user_changelist')}?password__startswith=pbkdf2").status_code == 400


def test_bulk_deletion_is_offered_nowhere(client: Client, here: Place) -> None:
    for model in here.rows():
        response = client.get(reverse(f"admin:messaging_{model}_changelist"))
        assert "delete_selected" not in response.content.decode(), model


def test_a_service_that_has_written_is_not_deleted_but_a_new_one_is(client: Client, here: Place) -> None:
    fresh = cast.make_service(institution=here.institution)
    for service, status in ((here.service, 403), (fresh, 302)):
        response = client.post(reverse("admin:messaging_service_delete", args=[service.pk]), {"post": "yes"})
        assert response.status_code == status
    assert list(here.institution.services.all()) == [here.service]


def test_amounts_are_typed_and_shown_in_euros(client: Client, here: Place) -> None:
    address = reverse("admin:messaging_service_change", args=[here.service.pk])
    assert 'value="10.000,00"' in client.get(address).content.decode()
    assert submit(client, address, max_amount="1.500,50").status_code == 302
    here.service.refresh_from_db()
    assert here.service.max_amount == 150_050
    assert "migliaia o decimali" in submit(client, address, max_amount="1.500").content.decode()
    assert submit(client, address, max_amount="0").status_code == 302
    here.service.refresh_from_db()
    assert here.service.max_amount == 0


def test_an_unknown_person_has_no_scope() -> None:
    from django.contrib.auth.models import AnonymousUser

    from messaging.admin.scope import scoped

    assert not scoped(User, AnonymousUser()).exists()
