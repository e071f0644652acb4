"""Institutions at the gateway: accounts, their services and keys (notes, 1.1, 1.2 and 6.1).

A file given with `--accounts` replaces the two built-in accounts. It is JSON:

    {"accounts": [{
        "id": "valdoria",
        "organization_name": "Comune di Valdoria",
        "organization_fiscal_code": "80012345678",
        "groups": ["ApiMessageWrite", "ApiMessageRead", "ApiLimitedProfileRead"],
        "limit": "150/5",
        "manage_keys": ["key of the subscription MANAGE-valdoria"],
        "services": [{
            "slug": "tributi",
            "id": "01JTR1BVT1VA1D0R1A00000001",
            "name": "Tributi",
            "keys": ["primary key", "secondary key"],
            "groups": ["replaces the account's groups for this service"],
            "authorized_recipients": ["AAAAAA00A00A000A"],
            "authorized_cidrs": ["127.0.0.0/8"],
            "max_allowed_payment_amount": 1000000,
            "special": false,
            "registered": true
        }]
     }],
     "remote_configurations": [
        {"id": "01JRC000000000000000000001", "account": "valdoria", "upstream": 200}
     ]}

A manage key registers configurations of remote content (platform notes, A1.1), provided the account is in the
group `ApiRemoteContentConfigurationWrite`; it counts in the account's limit and sends nothing.

Only `id`, `services` with `slug` and `keys` are required. `limit` may be `"none"`; without it the
group decides (`ApiNoRateLimit`, `ApiRateLimit250`), else `--limit`. `max_allowed_payment_amount`
is 0 unless given: such a service may not ask for payments. An empty `authorized_cidrs` admits any
address. `registered: false` is a key whose service record is missing. `upstream` is what the
configuration store answers: 200, or 400, 403, 500 to see those refusals.
"""

import ipaddress
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from messaging.simulator.limits import (
    FAST_PREMIUM,
    NO_LIMIT,
    AccountMeter,
    Limit,
    parse_limit,
)

TEST_FISCAL_CODE: Final = "AAAAAA00A00A000A"
CONFIGURATION_WRITE: Final = "apiremotecontentconfigurationwrite"
_MANAGE: Final = "MANAGE-"

_NORMAL: Final = [
    "apimessagewrite",
    "apiinforead",
    "apimessageread",
    "apilimitedprofileread",
    "apiservicewrite",
]
_PREMIUM: Final = [
    "ApiMessageWriteAdvanced",
    "ApiMessageReadAdvanced",
    "ApiThirdPartyMessageWrite",
]
_LIMITED: Final = ["apilimitedmessagewrite", *_NORMAL[1:]]

DEFAULT: Final[dict[str, Any]] = {
    "accounts": [
        {
            "id": "valdoria",
            "organization_name": "Comune di Valdoria",
            "organization_fiscal_code": "80012345678",
            "groups": [*_NORMAL, CONFIGURATION_WRITE, "ApiLollipopAssertionRead"],
            "manage_keys": ["demo-valdoria-manage-000000000000009"],
            "services": [
                {
                    "slug": "tributi",
                    "id": "01JTR1BVT1VA1D0R1A00000001",
                    "name": "Tributi",
                    "keys": [
                        "demo-tributi-primary-0000000000001",
                        "demo-tributi-secondary-000000000002",
                    ],
                    "max_allowed_payment_amount": 1_000_000,
                },
                {
                    "slug": "scuola",
                    "id": "01JSCV01AVA1D0R1A000000002",
                    "name": "Scuola e mensa",
                    "keys": [
                        "demo-scuola-primary-0000000000003",
                        "demo-scuola-secondary-000000000004",
                    ],
                },
                {
                    "slug": "anagrafe",
                    "id": "01JANAGRAFEVA1D0R1A0000003",
                    "name": "Anagrafe",
                    "keys": [
                        "demo-anagrafe-primary-0000000000005",
                        "demo-anagrafe-secondary-000000000006",
                    ],
                    "groups": [*_NORMAL, *_PREMIUM, "ApiSubscriptionsFeedRead"],
                    "max_allowed_payment_amount": 1_000_000,
                },
            ],
        },
        {
            "id": "borgofiore",
            "organization_name": "Comune di Borgofiore",
            "organization_fiscal_code": "80087654321",
            "groups": _LIMITED,
            "services": [
                {
                    "slug": "tributi-borgofiore",
                    "id": "01JB0RG0F10RETR1BVT0000004",
                    "name": "Tributi",
                    "keys": [
                        "demo-borgofiore-primary-0000000000007",
                        "demo-borgofiore-secondary-00000000008",
                    ],
                    "max_allowed_payment_amount": 1_000_000,
                },
            ],
        },
    ],
    "remote_configurations": [
        {"id": "01JRCVA1D0R1A0000000000001", "account": "valdoria"},
        {"id": "01JRCB0RG0F10RE00000000002", "account": "borgofiore"},
    ],
}


@dataclass(slots=True)
class Account:
    """One gateway user: the rate limit counts here (notes, 6.1)."""

    id: str
    organization_name: str
    organization_fiscal_code: str
    fixed_limit: Limit | None
    meter: AccountMeter


@dataclass(frozen=True, slots=True)
class Service:
    """What a key belongs to; service id and subscription id are one (notes, 1.1)."""

    slug: str
    id: str
    name: str
    account: Account
    keys: tuple[str, ...]
    groups: frozenset[str]
    authorized_recipients: frozenset[str] = frozenset()
    authorized_networks: tuple[ipaddress.IPv4Network, ...] = ()
    max_allowed_payment_amount: int = 0
    special: bool = False
    registered: bool = True

    @property
    def manages(self) -> bool:
        """Whether the key is a manage key: its subscription says so (platform notes, A1.1)."""
        return self.id.startswith(_MANAGE)


@dataclass(frozen=True, slots=True)
class RemoteConfiguration:
    """A remote content configuration, as far as a submission cares (notes, 2.3 step 11)."""

    id: str
    account_id: str
    upstream: int


@dataclass(slots=True)
class Directory:
    """Every account, service and key that the gateway knows."""

    accounts: dict[str, Account] = field(default_factory=dict)
    services: dict[str, Service] = field(default_factory=dict)
    by_key: dict[str, Service] = field(default_factory=dict)
    remote_configurations: dict[str, RemoteConfiguration] = field(default_factory=dict)

    def restart_meters(self, default: Limit) -> None:
        """Forget all calls; accounts without a limit of their own take the default."""
        for account in self.accounts.values():
            account.meter = AccountMeter(account.fixed_limit or default)


def load_directory(path: Path | None, default: Limit) -> Directory:
    """The accounts of a file, or the built-in ones; ValueError with a sentence when senseless."""
    if path is None:
        return build_directory(DEFAULT, default)
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
        return build_directory(raw, default)
    except OSError as error:
        raise ValueError(f"the accounts file {path} cannot be read: {error.strerror}") from error
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        reason = f"{error} is missing" if isinstance(error, KeyError) else str(error)
        raise ValueError(f"the accounts file {path} makes no sense: {reason}") from error


def build_directory(raw: dict[str, Any], default: Limit) -> Directory:
    """A directory from the documented JSON."""
    directory = Directory()
    for entry in raw["accounts"]:
        account, groups = _account(entry, default)
        directory.accounts[account.id] = account
        for item in entry["services"]:
            _add(directory, _service(item, account, groups))
        if "manage_keys" in entry:
            _add_keys(directory, _manager(tuple(entry["manage_keys"]), account, groups))
    for entry in raw.get("remote_configurations", ()):
        configuration = RemoteConfiguration(entry["id"], entry["account"], int(entry.get("upstream", 200)))
        directory.remote_configurations[configuration.id] = configuration
    return directory


def _account(entry: dict[str, Any], default: Limit) -> tuple[Account, frozenset[str]]:
    groups = _groups(entry.get("groups", _NORMAL))
    fixed = parse_limit(entry["limit"]) if "limit" in entry else _limit_of(groups)
    account = Account(
        id=entry["id"],
        organization_name=entry.get("organization_name", entry["id"]),
        organization_fiscal_code=entry.get("organization_fiscal_code", "80012345678"),
        fixed_limit=fixed,
        meter=AccountMeter(fixed or default),
    )
    return account, groups


def _service(entry: dict[str, Any], account: Account, groups: frozenset[str]) -> Service:
    recipients = entry.get("authorized_recipients", [])
    networks = entry.get("authorized_cidrs", [])
    return Service(
        slug=entry["slug"],
        id=entry.get("id", entry["slug"]),
        name=entry.get("name", entry["slug"]),
        account=account,
        keys=tuple(entry["keys"]),
        groups=_groups(entry["groups"]) if "groups" in entry else groups,
        # The platform puts the test code on every service's list by itself (notes, 8).
        authorized_recipients=frozenset({*recipients, TEST_FISCAL_CODE}),
        authorized_networks=tuple(ipaddress.IPv4Network(item, strict=False) for item in networks),
        max_allowed_payment_amount=int(entry.get("max_allowed_payment_amount", 0)),
        special=bool(entry.get("special", False)),
        registered=bool(entry.get("registered", True)),
    )


def _add(directory: Directory, service: Service) -> None:
    if service.slug in directory.services:
        raise ValueError(f"two services are called {service.slug}")
    directory.services[service.slug] = service
    _add_keys(directory, service)


def _manager(keys: tuple[str, ...], account: Account, groups: frozenset[str]) -> Service:
    # There is no service record behind this subscription: it cannot send.
    name = f"{_MANAGE}{account.id}"
    return Service(name, name, name, account, keys, groups, registered=False)


def _add_keys(directory: Directory, service: Service) -> None:
    for key in service.keys:
        if key in directory.by_key:
            raise ValueError(f"two services share a key: {service.slug} has another one's")
        directory.by_key[key] = service


def _groups(names: list[str]) -> frozenset[str]:
    # The backoffice writes group names in lower case, the functions in camel case.
    return frozenset(name.lower() for name in names)


def _limit_of(groups: frozenset[str]) -> Limit | None:
    if "apinoratelimit" in groups:
        return NO_LIMIT
    return FAST_PREMIUM if "apiratelimit250" in groups else None
