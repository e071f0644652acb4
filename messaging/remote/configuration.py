"""What IO is to know of the place where an institution's remote content stands: kept here, and as IO is told it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from django.db import transaction

from messaging.appio import configurations as io
from messaging.delivery import seal
from messaging.enums import EnvironmentKind, Precondition
from messaging.models import Institution, RemoteConfiguration, RemoteEnvironment, RemoteSecret
from messaging.remote import secrets


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """An address from which IO fetches, without a trailing slash, and the header that will carry the secret."""

    base_url: str
    header_name: str
    #: Fiscal codes, of the test environment only.
    test_users: tuple[str, ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A whole configuration as an administrator wants it; secrets are no part of it, the portal makes them."""

    name: str
    description: str
    precondition: Precondition
    is_lollipop_enabled: bool
    disable_lollipop_for: tuple[str, ...] = field(default=(), repr=False)
    production: Place
    test: Place | None = None


@dataclass(frozen=True, slots=True)
class Told:
    """The whole of what IO is told, and the rows of the secrets in it."""

    content: io.Configuration
    secret_ids: tuple[int, ...]


def save(institution: Institution, wanted: Wanted) -> RemoteConfiguration:
    """Keep a configuration; any change of it is one that IO does not know yet.

    A new environment gets its secret; one that is wanted no more is served until IO has surely forgotten it.
    """
    columns = {
        "name": wanted.name,
        "description": wanted.description,
        "precondition": wanted.precondition,
        "is_lollipop_enabled": wanted.is_lollipop_enabled,
        "disable_lollipop_for": list(wanted.disable_lollipop_for),
    }
    with transaction.atomic():
        RemoteConfiguration.objects.get_or_create(institution=institution, defaults=columns)
        configuration = RemoteConfiguration.objects.select_for_update().get(institution=institution)
        changes = [
            _write(configuration, columns),
            _save_environment(configuration, EnvironmentKind.PRODUCTION, wanted.production),
            _save_environment(configuration, EnvironmentKind.TEST, wanted.test),
        ]
        if any(changes):
            configuration.confirmed_at = None
            configuration.save()
    return configuration


def what_io_is_told(configuration: RemoteConfiguration) -> Told:
    """The configuration as it stands in the database now, with its secrets. Raises UnreadableSecret."""
    configuration = RemoteConfiguration.objects.select_related("institution").get(pk=configuration.pk)
    rows = {row.kind: row for row in secrets.told(configuration)}
    found = RemoteSecret.objects.filter(environment__in=rows.values(), in_use=True)
    in_use = {secret.environment_id: secret for secret in found}
    environments = {
        kind: io.Environment(
            base_url=row.base_url,
            header_name=row.header_name,
            secret=in_use[row.pk].secret,
            test_users=tuple(row.test_users) if kind == EnvironmentKind.TEST else (),
        )
        for kind, row in rows.items()
    }
    content = io.Configuration(
        name=f"{configuration.name} {marker(configuration.institution)}",
        description=configuration.description,
        precondition=configuration.precondition,
        is_lollipop_enabled=configuration.is_lollipop_enabled,
        disable_lollipop_for=tuple(configuration.disable_lollipop_for),
        production=environments.get(EnvironmentKind.PRODUCTION),
        test=environments.get(EnvironmentKind.TEST),
    )
    return Told(content, tuple(sorted(secret.pk for secret in in_use.values())))


def marker(institution: Institution) -> str:
    """What the name ends with on IO: by it we know our own again.

    It names the installation too, so that a portal on trial never takes over what the real one has registered.
    """
    return f"[{institution.fiscal_code}-{seal.installation().identity.hex[:8]}]"


def _save_environment(configuration: RemoteConfiguration, kind: EnvironmentKind, place: Place | None) -> bool:
    """Keep, add or withdraw an environment; whether that is a change."""
    environment = RemoteEnvironment.objects.filter(configuration=configuration, kind=kind).first()
    is_told = environment is not None and RemoteSecret.objects.filter(environment=environment, in_use=True).exists()
    if place is None:
        if environment is not None and is_told:
            secrets.withdraw(environment)
        return is_told
    environment = environment or RemoteEnvironment(configuration=configuration, kind=kind)
    columns = {"base_url": place.base_url, "header_name": place.header_name, "test_users": list(place.test_users)}
    changed = _write(environment, columns) or environment.pk is None
    if changed:
        environment.save()
    if not is_told:
        secrets.rotate(environment)
    return changed or not is_told


def _write(row: RemoteConfiguration | RemoteEnvironment, columns: Mapping[str, object]) -> bool:
    """Set columns of a row in memory; whether any of them was another."""
    changed = [name for name, value in columns.items() if getattr(row, name) != value]
    for name in changed:
        setattr(row, name, columns[name])
    return bool(changed)
