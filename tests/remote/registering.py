"""An institution that the simulator knows, with its remote content configured here."""

from __future__ import annotations

from typing import Any

from messaging.enums import EnvironmentKind, Precondition
from messaging.models import Institution, ManageKey, RemoteConfiguration, RemoteEnvironment, RemoteSecret
from messaging.remote import configuration
from messaging.remote.configuration import Place, Wanted
from tests import cast

#: The simulator's own, of the account "valdoria".
MANAGE_KEY = "demo-valdoria-manage-000000000000009"
PRODUCTION = Place(base_url="https://io.comune.example.it", header_name="X-IO-Portal-Key")


def wanted(**changes: Any) -> Wanted:
    """A configuration with a production environment alone, unless said otherwise."""
    values: dict[str, Any] = {
        "name": "Comune di Prova",
        "description": "Testi e allegati",
        "precondition": Precondition.NEVER,
        "is_lollipop_enabled": False,
        "production": PRODUCTION,
    }
    return Wanted(**values | changes)


def a_test_place(*people: str) -> Place:
    """A test environment for these people, or for one."""
    users = people or (cast.make_fiscal_code(),)
    return Place(base_url="https://prova.comune.example.it", header_name="X-IO-Portal-Test", test_users=users)


def make_configuration(institution: Institution | None = None, **changes: Any) -> RemoteConfiguration:
    """A configuration that IO does not know, of an institution with the simulator's manage key."""
    institution = institution or cast.make_institution()
    ManageKey.objects.create(institution=institution, secret=MANAGE_KEY)
    return configuration.save(institution, wanted(**changes))


def environment(of: RemoteConfiguration, kind: EnvironmentKind = EnvironmentKind.PRODUCTION) -> RemoteEnvironment:
    """The environment of a kind."""
    return RemoteEnvironment.objects.get(configuration=of, kind=kind)


def in_use(of: RemoteConfiguration, kind: EnvironmentKind = EnvironmentKind.PRODUCTION) -> RemoteSecret:
    """The secret that IO is to be told."""
    return RemoteSecret.objects.get(environment=environment(of, kind), in_use=True)
