"""Configurations of remote content: what institutions register, and whom the platform asks (platform notes, A1)."""

from dataclasses import dataclass
from typing import Any, Final

from messaging.simulator.identifiers import new_ulid
from messaging.simulator.journal import Journal
from messaging.simulator.schema import (
    BOOLEAN,
    FISCAL_CODE,
    NON_EMPTY,
    PRECONDITION,
    Kind,
    Reader,
    complaint,
)
from messaging.simulator.wire import RefusalError

_FISCAL_CODES: Final = Kind(
    "array of fiscal codes",
    lambda value: isinstance(value, list) and all(FISCAL_CODE.accepts(item) for item in value),
)


@dataclass(frozen=True, slots=True)
class Environment:
    """One environment of a configuration: where it is and what opens its door."""

    kind: str
    base_url: str
    header: str
    key: str


@dataclass(slots=True)
class Configuration:
    """One configuration; `body` is the payload as it was last sent, without what the platform does not know."""

    id: str
    account_id: str
    body: dict[str, Any]

    @property
    def precondition(self) -> str:
        """ALWAYS, ONCE or NEVER, for messages that do not say."""
        return str(self.body["has_precondition"])

    def signs_for(self, fiscal_code: str) -> bool:
        """Whether this citizen's calls carry LolliPoP headers (platform notes, A5)."""
        return bool(self.body["is_lollipop_enabled"]) and fiscal_code not in self.body["disable_lollipop_for"]

    def environment_for(self, fiscal_code: str) -> Environment | None:
        """Which environment serves this citizen; None when there is none at all (platform notes, A1.3)."""
        test, production = self.body.get("test_environment"), self.body.get("prod_environment")
        if test is not None and (production is None or fiscal_code in test["test_users"]):
            return _environment("test", test)
        return None if production is None else _environment("production", production)

    def shown(self) -> dict[str, Any]:
        """The configuration as its owner reads it: with the owner's id, the keys in clear."""
        return {"configuration_id": self.id, **self.body, "user_id": self.account_id}


def _environment(kind: str, raw: dict[str, Any]) -> Environment:
    authentication = raw["details_authentication"]
    return Environment(kind, raw["base_url"], authentication["header_key_name"], authentication["key"])


class Configurations:
    """Those made through the API, in order; there is no way to delete one."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._by_id: dict[str, Configuration] = {}

    def find(self, identity: str) -> Configuration | None:
        """The configuration with this id."""
        return self._by_id.get(identity)

    def owned_by(self, account_id: str) -> list[Configuration]:
        """An institution's own."""
        return [found for found in self._by_id.values() if found.account_id == account_id]

    def create(self, account_id: str, body: dict[str, Any]) -> Configuration:
        """A new one, with an id of the platform's making."""
        return self._put(Configuration(new_ulid(), account_id, body))

    def replace(self, configuration: Configuration, body: dict[str, Any]) -> None:
        """Everything anew: an environment that is left out is gone."""
        self._put(Configuration(configuration.id, configuration.account_id, body))

    def restore(self, event: dict[str, Any]) -> None:
        """Apply one event of the state file."""
        self._by_id[event["id"]] = Configuration(event["id"], event["account"], decode_configuration(event["body"]))

    def forget(self) -> None:
        """None was ever made."""
        self._by_id.clear()

    def _put(self, configuration: Configuration) -> Configuration:
        self._by_id[configuration.id] = configuration
        self._journal.append(
            {
                "event": "configuration",
                "id": configuration.id,
                "account": configuration.account_id,
                "body": configuration.body,
            }
        )
        return configuration


def decode_configuration(raw: object) -> dict[str, Any]:
    """The body of POST and PUT without unknown fields, or 400 with one line per error (platform notes, A1.2)."""
    errors: list[str] = []
    if not isinstance(raw, dict):
        raise _invalid([complaint(raw, "root", "NewRCConfigurationPublic")])
    reader = Reader(raw, "root", errors)
    body = {
        "name": reader.required("name", NON_EMPTY),
        "description": reader.required("description", NON_EMPTY),
        "has_precondition": reader.required("has_precondition", PRECONDITION),
        "disable_lollipop_for": reader.required("disable_lollipop_for", _FISCAL_CODES),
        "is_lollipop_enabled": reader.required("is_lollipop_enabled", BOOLEAN),
    }
    if test := reader.maybe_inner("test_environment", "RCConfigurationTestEnvironment"):
        body["test_environment"] = {
            **_decode_environment(test),
            "test_users": test.required("test_users", _FISCAL_CODES),
        }
    if production := reader.maybe_inner("prod_environment", "RCConfigurationProdEnvironment"):
        body["prod_environment"] = _decode_environment(production)
    if errors:
        raise _invalid(errors)
    return body


def _decode_environment(reader: Reader) -> dict[str, Any]:
    # The address is not checked: that it begins with https and has no slash at its end is the institution's business.
    environment: dict[str, Any] = {"base_url": reader.required("base_url", NON_EMPTY)}
    if authentication := reader.inner("details_authentication", "RCAuthenticationConfig"):
        environment["details_authentication"] = {
            name: authentication.required(name, NON_EMPTY) for name in ("header_key_name", "key", "type")
        }
    return environment


def _invalid(errors: list[str]) -> RefusalError:
    return RefusalError(400, "Invalid NewRCConfigurationPublic", "\n".join(errors))
