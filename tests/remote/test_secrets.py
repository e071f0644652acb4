"""A secret is changed without a moment in which IO would be turned away."""

from __future__ import annotations

from datetime import timedelta
from unittest import mock

import pytest
from django.utils import timezone

from messaging.enums import EnvironmentKind
from messaging.models import RemoteConfiguration, RemoteEnvironment, RemoteSecret
from messaging.remote import configuration as remote
from messaging.remote import secrets
from tests.remote.registering import a_test_place, environment, in_use, make_configuration, wanted

pytestmark = pytest.mark.django_db


@pytest.fixture
def configuration() -> RemoteConfiguration:
    return make_configuration()


def confirm(configuration: RemoteConfiguration) -> None:
    told = RemoteSecret.objects.filter(environment__configuration=configuration, in_use=True)
    secrets.confirmed([one.pk for one in told], configuration, timezone.now())


def accepted(configuration: RemoteConfiguration) -> list[str]:
    return [one.secret for one in secrets.accepted(environment(configuration))]


def later(hours: float) -> mock._patch[mock.MagicMock]:
    return mock.patch.object(secrets.timezone, "now", return_value=timezone.now() + timedelta(hours=hours))


def test_a_new_environment_has_a_secret_that_nobody_could_guess(configuration: RemoteConfiguration) -> None:
    other = make_configuration()
    first, second = in_use(configuration).secret, in_use(other).secret
    assert len(first) >= 43
    assert first != second


def test_a_new_secret_is_accepted_at_once_and_the_old_one_goes_on(configuration: RemoteConfiguration) -> None:
    confirm(configuration)
    old = in_use(configuration)
    secrets.rotate(environment(configuration))
    new = in_use(configuration)
    assert new.secret != old.secret
    assert accepted(configuration) == [new.secret, old.secret]
    with later(24 * 365):
        assert accepted(configuration) == [new.secret, old.secret]


def test_io_has_to_be_told_after_a_rotation(configuration: RemoteConfiguration) -> None:
    RemoteConfiguration.objects.update(confirmed_at=timezone.now())
    secrets.rotate(environment(configuration))
    configuration.refresh_from_db()
    assert configuration.confirmed_at is None


def test_from_the_confirmation_on_the_old_one_has_nine_hours(configuration: RemoteConfiguration) -> None:
    old = in_use(configuration).secret
    secrets.rotate(environment(configuration))
    confirm(configuration)
    with later(8.9):
        assert accepted(configuration) == [in_use(configuration).secret, old]
    with later(9.1):
        assert accepted(configuration) == [in_use(configuration).secret]


def test_a_second_confirmation_does_not_give_an_old_one_more_time(configuration: RemoteConfiguration) -> None:
    secrets.rotate(environment(configuration))
    confirm(configuration)
    end = RemoteSecret.objects.get(in_use=False).accepted_until
    confirm(configuration)
    assert RemoteSecret.objects.get(in_use=False).accepted_until == end


def test_two_rotations_before_a_confirmation_keep_all_that_io_may_hold(configuration: RemoteConfiguration) -> None:
    for _ in range(2):
        secrets.rotate(environment(configuration))
    with later(24):
        assert len(accepted(configuration)) == 3
    confirm(configuration)
    with later(24):
        assert accepted(configuration) == [in_use(configuration).secret]


def test_a_confirmation_says_nothing_of_secrets_made_since(configuration: RemoteConfiguration) -> None:
    first = in_use(configuration)
    secrets.rotate(environment(configuration))
    told = in_use(configuration)
    secrets.rotate(environment(configuration))
    secrets.confirmed([told.pk], configuration, timezone.now())
    with later(24):
        assert accepted(configuration) == [in_use(configuration).secret, told.secret]
    assert RemoteSecret.objects.get(pk=first.pk).accepted_until is not None


def test_an_environment_that_was_taken_away_is_served_until_io_has_forgotten_it() -> None:
    configuration = make_configuration(test=a_test_place())
    gone = environment(configuration, EnvironmentKind.TEST)
    remote.save(configuration.institution, wanted())
    assert list(secrets.told(configuration)) == [environment(configuration)]
    with later(24):
        assert secrets.accepted(gone).count() == 1
    confirm(configuration)
    assert secrets.accepted(gone).count() == 1
    with later(9.1):
        assert secrets.accepted(gone).count() == 0
        secrets.forget_expired()
    assert not RemoteEnvironment.objects.filter(pk=gone.pk).exists()
    assert RemoteEnvironment.objects.filter(configuration=configuration).count() == 1


def test_an_environment_that_comes_back_has_a_new_secret_and_keeps_the_old_one() -> None:
    place = a_test_place()
    configuration = make_configuration(test=place)
    old = in_use(configuration, EnvironmentKind.TEST)
    remote.save(configuration.institution, wanted())
    remote.save(configuration.institution, wanted(test=place))
    new = in_use(configuration, EnvironmentKind.TEST)
    assert list(secrets.accepted(environment(configuration, EnvironmentKind.TEST))) == [new, old]


def test_only_what_is_accepted_no_more_is_forgotten(configuration: RemoteConfiguration) -> None:
    secrets.rotate(environment(configuration))
    assert secrets.forget_expired() == 0
    confirm(configuration)
    with later(8.9):
        assert secrets.forget_expired() == 0
    with later(9.1):
        assert secrets.forget_expired() == 1
    assert RemoteSecret.objects.get() == in_use(configuration)
