"""Remote-content configurations: where IO fetches what an institution keeps at home (platform notes, A1).

All calls take the institution's manage key. IO deletes none and takes no change to a part: `update` replaces the whole.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import quote

from messaging.appio.answers import Forbidden, KeyRejected, NotSent, Throttled, Unanswered
from messaging.appio.bodies import Body, Shape, header, parse_json, read_body, retry_after
from messaging.appio.client import Client, Reply

_PLACE = "/messages-sending/remote-contents/configurations"
#: The guide's constant; IO never looks at it.
_AUTHENTICATION = "API-KEY"
_ULID = re.compile(r"[0-9A-HJKMNP-TV-Z]{26}", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """One of the two places from which IO fetches; secret and fiscal codes stay out of its representation."""

    base_url: str
    header_name: str
    secret: str = field(repr=False)
    #: Of the test environment only: the fiscal codes that IO sends there.
    test_users: tuple[str, ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Configuration:
    """A configuration as IO is told it, or says it has it; `precondition` is ALWAYS, ONCE or NEVER."""

    name: str
    description: str
    precondition: str
    is_lollipop_enabled: bool
    disable_lollipop_for: tuple[str, ...] = field(default=(), repr=False)
    production: Environment | None = None
    test: Environment | None = None


@dataclass(frozen=True, slots=True)
class Known:
    """A configuration that IO has, under IO's id."""

    configuration_id: str
    configuration: Configuration


@dataclass(frozen=True, slots=True)
class Created:
    """201: IO has it, under this id."""

    configuration_id: str


@dataclass(frozen=True, slots=True)
class Listed:
    """The configurations that the key's owner has; a new one may be missing for a short time (notes, A1.1)."""

    known: tuple[Known, ...]


@dataclass(frozen=True, slots=True)
class Updated:
    """204: IO has replaced it."""


@dataclass(frozen=True, slots=True)
class ConfigurationUnknown:
    """404: IO has no configuration under this id."""


@dataclass(frozen=True, slots=True)
class ConfigurationRefused:
    """400: IO does not take what it was told."""

    title: str


_Common = ConfigurationRefused | KeyRejected | Forbidden | Throttled | NotSent | Unanswered
CreateAnswer = Created | _Common
ListAnswer = Listed | _Common
GetAnswer = Known | ConfigurationUnknown | _Common
UpdateAnswer = Updated | ConfigurationUnknown | _Common
AnyAnswer = CreateAnswer | ListAnswer | GetAnswer | UpdateAnswer


def create(client: Client, key: str, configuration: Configuration) -> Reply[CreateAnswer]:
    """Make a new one. After `Unanswered` nobody knows whether it exists: list before creating again."""
    return client.call("POST", _PLACE, key, _read_created, build_payload(configuration))


def list_own(client: Client, key: str) -> Reply[ListAnswer]:
    """Ask for all that the key's owner has."""
    return client.call("GET", _PLACE, key, _read_listed)


def get(client: Client, key: str, configuration_id: str) -> Reply[GetAnswer]:
    """Ask for one."""
    return client.call("GET", _place(configuration_id), key, _read_known)


def update(client: Client, key: str, configuration_id: str, configuration: Configuration) -> Reply[UpdateAnswer]:
    """Replace one with `configuration`: an environment that is left out is gone. May be repeated."""
    return client.call("PUT", _place(configuration_id), key, _read_updated, build_payload(configuration))


def build_payload(configuration: Configuration) -> dict[str, object]:
    """The JSON object of POST and PUT: always the whole of it (platform notes, A1.2)."""
    payload: dict[str, object] = {
        "name": configuration.name,
        "description": configuration.description,
        "has_precondition": configuration.precondition,
        "disable_lollipop_for": list(configuration.disable_lollipop_for),
        "is_lollipop_enabled": configuration.is_lollipop_enabled,
    }
    if configuration.production is not None:
        payload["prod_environment"] = _environment(configuration.production)
    if configuration.test is not None:
        test_users = list(configuration.test.test_users)
        payload["test_environment"] = {**_environment(configuration.test), "test_users": test_users}
    return payload


def _place(configuration_id: str) -> str:
    return f"{_PLACE}/{quote(configuration_id, safe='')}"


def _environment(environment: Environment) -> dict[str, object]:
    authentication = {
        "header_key_name": environment.header_name,
        "key": environment.secret,
        "type": _AUTHENTICATION,
    }
    return {"base_url": environment.base_url, "details_authentication": authentication}


# Reading answers


def _read_created(status: int, headers: Mapping[str, str], body: bytes | None) -> CreateAnswer:
    if status != 201:
        return _common(status, headers, read_body(body))
    found = parse_json(body)
    given = found.get("configuration_id") if isinstance(found, dict) else None
    # The Location header ends with the same id (notes, A1.1): it saves an answer whose body was cut.
    last = header(headers, "location").rstrip("/").rpartition("/")[2]
    for configuration_id in (given, last):
        if isinstance(configuration_id, str) and _ULID.fullmatch(configuration_id):
            return Created(configuration_id)
    return Unanswered("unreadable", status)


def _read_listed(status: int, headers: Mapping[str, str], body: bytes | None) -> ListAnswer:
    if status != 200:
        return _common(status, headers, read_body(body))
    found = parse_json(body)
    rows = found.get("rcConfigList") if isinstance(found, dict) else None
    if not isinstance(rows, list):
        return Unanswered("unreadable", status)
    return Listed(tuple(known for row in rows if (known := _known(row)) is not None))


def _read_known(status: int, headers: Mapping[str, str], body: bytes | None) -> GetAnswer:
    if status == 200:
        return _known(parse_json(body)) or Unanswered("unreadable", status)
    return _one(status, headers, body)


def _read_updated(status: int, headers: Mapping[str, str], body: bytes | None) -> UpdateAnswer:
    return Updated() if status == 204 else _one(status, headers, body)


def _one(status: int, headers: Mapping[str, str], body: bytes | None) -> ConfigurationUnknown | _Common:
    """What else an answer about one configuration means; a 404 that no function of IO wrote blames the address."""
    shape = read_body(body)
    if status == 404:
        return ConfigurationUnknown() if shape.kind is Shape.PROBLEM else Unanswered("wrong_address", status)
    return _common(status, headers, shape)


def _common(status: int, headers: Mapping[str, str], shape: Body) -> _Common:
    if status == 400:
        return ConfigurationRefused(shape.title)
    if status == 401:
        return KeyRejected("unknown")
    if status == 403:
        return Forbidden(shape.title)
    if status == 429:
        return Throttled(retry_after(headers, shape))
    return Unanswered(_why(status), status)


def _why(status: int) -> str:
    if 300 <= status < 400:
        return "redirect"
    if status == 404:
        return "wrong_address"
    return "server_error" if 500 <= status < 600 else "unexpected_status"


def _known(found: object) -> Known | None:
    """What IO says it has, or None where that has neither id nor name. Anything else that is missing reads as empty."""
    if not isinstance(found, dict):
        return None
    configuration_id, name = found.get("configuration_id"), found.get("name")
    if not isinstance(configuration_id, str) or not configuration_id or not isinstance(name, str):
        return None
    configuration = Configuration(
        name=name,
        description=_text(found.get("description")),
        precondition=_text(found.get("has_precondition")),
        is_lollipop_enabled=found.get("is_lollipop_enabled") is True,
        disable_lollipop_for=_texts(found.get("disable_lollipop_for")),
        production=_known_environment(found.get("prod_environment")),
        test=_known_environment(found.get("test_environment")),
    )
    return Known(configuration_id, configuration)


def _known_environment(found: object) -> Environment | None:
    if not isinstance(found, dict):
        return None
    authentication = found.get("details_authentication")
    shown = authentication if isinstance(authentication, dict) else {}
    return Environment(
        base_url=_text(found.get("base_url")),
        header_name=_text(shown.get("header_key_name")),
        secret=_text(shown.get("key")),
        test_users=_texts(found.get("test_users")),
    )


def _text(found: object) -> str:
    return found if isinstance(found, str) else ""


def _texts(found: object) -> tuple[str, ...]:
    return tuple(item for item in found if isinstance(item, str)) if isinstance(found, list) else ()
