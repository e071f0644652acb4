"""Who may change whom."""

from __future__ import annotations

from typing import Any

import pytest
from django.core import mail
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from messaging.enums import Role
from messaging.models import Administrator, Membership, User
from tests import cast
from tests.admin.conftest import Place
from tests.admin.forms import submit

NEW_PERSON = {"first_name": "Ada", "last_name": "Neri", "email": "ada.neri@comune.example.it", "username": "a.neri"}


@pytest.fixture(autouse=True)
def _signed_in(client: Client, here: Place) -> None:
    client.force_login(here.administrator)


def page(person: User) -> str:
    return reverse("admin:messaging_user_change", args=[person.pk])


def add(client: Client, **changes: Any) -> Any:
    return submit(client, reverse("admin:messaging_user_add"), **NEW_PERSON | changes)


def test_a_new_person_with_a_first_password_and_a_role_in_one_page(client: Client, here: Place) -> None:
    response = add(
        client,
        usable_password="true",
        password1="provvisoria-lunga-7",
        password2="provvisoria-lunga-7",
        memberships__TOTAL_FORMS=1,
        memberships__0__service=here.service.pk,
        memberships__0__role=Role.CLERK,
    )
    assert response.status_code == 302
    ada = User.objects.get(username="a.neri")
    assert ada.check_password("provvisoria-lunga-7")
    assert ada.memberships.get().granted_by == here.administrator
    assert not ada.is_superuser


@pytest.mark.django_db(transaction=True)
def test_a_new_person_may_choose_the_password_from_an_email(client: Client) -> None:
    assert add(client).status_code == 302
    assert not User.objects.get(username="a.neri").has_usable_password()
    assert mail.outbox[0].to == ["ada.neri@comune.example.it"]
    assert "/account/password/reset/key/" in mail.outbox[0].body


@pytest.mark.django_db(transaction=True)
def test_a_mail_server_that_is_down_is_told_and_creates_the_person_all_the_same(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_args: object, **_kwargs: object) -> None:
        raise ConnectionRefusedError

    monkeypatch.setattr("django.core.mail.EmailMultiAlternatives.send", refuse)
    monkeypatch.setattr("django.core.mail.EmailMessage.send", refuse)
    assert add(client).status_code == 302
    ada = User.objects.get(username="a.neri")
    assert "L’e-mail non è partita" in client.get(page(ada)).content.decode()


def test_whoever_created_a_person_finds_them_before_they_have_a_role(client: Client, elsewhere: Place) -> None:
    add(client)
    ada = User.objects.get(username="a.neri")
    assert client.get(page(ada)).status_code == 200
    client.force_login(elsewhere.administrator)
    assert client.get(page(ada)).status_code == 404


def test_a_created_person_leaves_the_creators_sight_once_others_give_them_a_place(
    client: Client, elsewhere: Place
) -> None:
    add(client)
    ada = User.objects.get(username="a.neri")
    cast.give_role(ada, elsewhere.service)
    assert client.get(page(ada)).status_code == 404


def test_two_people_do_not_share_an_email(client: Client, here: Place) -> None:
    add(client, email=here.clerk.email.upper())
    assert not User.objects.filter(username="a.neri").exists()


def test_a_person_who_works_elsewhere_too_keeps_name_email_and_access(
    client: Client, here: Place, elsewhere: Place
) -> None:
    cast.give_role(here.clerk, elsewhere.service)
    response = submit(
        client, page(here.clerk), first_name="Ladra", email="ladra@example.it", memberships__0__role="supervisor"
    )
    assert response.status_code == 302
    here.clerk.refresh_from_db()
    assert (here.clerk.first_name, here.clerk.is_active) == ("Qui", True)
    assert here.clerk.email != "ladra@example.it"
    roles = dict(here.clerk.memberships.values_list("service__slug", "role"))
    assert roles == {"qui": Role.SUPERVISOR, "altrove": Role.CLERK}
    assert client.post(reverse("admin:messaging_user_send_reset", args=[here.clerk.pk])).status_code == 404
    assert client.get(reverse("admin:auth_user_password_change", args=[here.clerk.pk])).status_code == 404


def test_a_superuser_with_a_role_here_is_not_the_administrators_to_change(
    client: Client, here: Place, superuser: User
) -> None:
    cast.give_role(superuser, here.service)
    submit(client, page(superuser), email="mio@example.it", username="mio")
    superuser.refresh_from_db()
    assert superuser.username == "capo"
    assert client.get(reverse("admin:auth_user_password_change", args=[superuser.pk])).status_code == 404


def test_email_and_password_are_the_persons_own_after_the_first_sign_in(client: Client, here: Place) -> None:
    password = reverse("admin:auth_user_password_change", args=[here.clerk.pk])
    assert client.get(password).status_code == 200
    assert submit(client, page(here.clerk), email="nuova@comune.example.it").status_code == 302
    User.objects.filter(pk=here.clerk.pk).update(last_login=timezone.now())
    assert client.get(password).status_code == 404
    submit(client, page(here.clerk), email="terza@comune.example.it", first_name="Nuova")
    here.clerk.refresh_from_db()
    assert (here.clerk.email, here.clerk.first_name) == ("nuova@comune.example.it", "Nuova")


def test_the_email_for_a_new_password_goes_to_the_person(client: Client, here: Place) -> None:
    User.objects.filter(pk=here.clerk.pk).update(last_login=timezone.now())
    client.post(reverse("admin:messaging_user_send_reset", args=[here.clerk.pk]))
    assert mail.outbox[0].to == [here.clerk.email.lower()]


def test_a_colleague_is_made_administrator(client: Client, here: Place) -> None:
    submit(
        client,
        page(here.clerk),
        administrations__TOTAL_FORMS=1,
        administrations__0__institution=here.institution.pk,
    )
    assert Administrator.objects.filter(user=here.clerk, institution=here.institution).exists()


def test_a_role_given_to_oneself_says_so(client: Client, here: Place) -> None:
    submit(
        client,
        page(here.administrator),
        memberships__TOTAL_FORMS=1,
        memberships__0__service=here.service.pk,
        memberships__0__role=Role.SUPERVISOR,
    )
    assert Membership.objects.get(user=here.administrator).granted_by == here.administrator


def test_nobody_deactivates_themselves(client: Client, here: Place, superuser: User) -> None:
    for person in (here.administrator, superuser):
        client.force_login(person)
        submit(client, page(person), is_active=None, is_superuser=None)
        person.refresh_from_db()
        assert person.is_active
    assert superuser.is_superuser


def test_a_person_who_leaves_is_deactivated(client: Client, here: Place) -> None:
    submit(client, page(here.clerk), is_active=None)
    here.clerk.refresh_from_db()
    assert not here.clerk.is_active


def test_only_a_person_who_has_done_nothing_is_deleted(client: Client, here: Place) -> None:
    fresh = cast.make_person("per.errore", service=here.service)
    for person, status in ((here.clerk, 403), (here.administrator, 403), (fresh, 302)):
        address = reverse("admin:messaging_user_delete", args=[person.pk])
        assert client.post(address, {"post": "yes"}).status_code == status


def test_a_superuser_raises_another(client: Client, here: Place, superuser: User) -> None:
    client.force_login(superuser)
    submit(client, page(here.administrator), is_superuser="on")
    here.administrator.refresh_from_db()
    assert here.administrator.is_superuser


def test_the_form_never_shows_a_password_hash(client: Client, here: Place) -> None:
    assert "pbkdf2" not in client.get(page(here.clerk)).content.decode()
