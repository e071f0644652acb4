"""Everything the simulator knows, in one place; the only state there is."""

from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Final

from messaging.simulator.accounts import Directory, RemoteConfiguration, Service, load_directory
from messaging.simulator.citizens import Citizen, Registry
from messaging.simulator.configurations import Configurations
from messaging.simulator.faults import Faults
from messaging.simulator.feed import Feed
from messaging.simulator.fetches import FetchRecord
from messaging.simulator.identity_provider import IdentityProvider
from messaging.simulator.journal import Journal, JournalError
from messaging.simulator.ledger import Ledger
from messaging.simulator.limits import CallCounter, Limit, parse_limit
from messaging.simulator.lollipop import ALGORITHMS, ENCODINGS, Signer
from messaging.simulator.wire import RefusalError

_WORDS: Final = {"lollipop_algorithm": ALGORITHMS, "lollipop_encoding": ENCODINGS}


@dataclass(slots=True)
class Tuning:
    """Pace and shape, set at start and changed through the control API."""

    limit: Limit
    latency_ms: float = 60.0
    jitter_ms: float = 0.0
    settle_seconds: float = 1.0
    old_notification: bool = False
    lollipop_algorithm: str = ALGORITHMS[0]
    lollipop_encoding: str = ENCODINGS[0]

    def alter(self, raw: dict[str, Any]) -> None:
        """Change some of it; ValueError with a sentence when senseless."""
        for name, value in raw.items():
            if name == "limit":
                self.limit = parse_limit(str(value))
            elif name == "old_notification":
                self.old_notification = bool(value)
            elif name in _WORDS:
                if value not in _WORDS[name]:
                    raise ValueError(f"{name} is one of {', '.join(_WORDS[name])}")
                setattr(self, name, value)
            elif name in ("latency_ms", "jitter_ms", "settle_seconds"):
                if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
                    raise ValueError(f"{name} must be a number from 0")
                setattr(self, name, float(value))
            else:
                raise ValueError(f"there is no setting called {name}")

    def figures(self) -> dict[str, Any]:
        """The settings, ready for JSON."""
        return {
            "limit": str(self.limit),
            "latency_ms": self.latency_ms,
            "jitter_ms": self.jitter_ms,
            "settle_seconds": self.settle_seconds,
            "old_notification": self.old_notification,
            "lollipop_algorithm": self.lollipop_algorithm,
            "lollipop_encoding": self.lollipop_encoding,
        }


class World:
    """Accounts, citizens, messages, faults and figures."""

    def __init__(self, tuning: Tuning, accounts: Path | None, state: Path | None) -> None:
        self.tuning = tuning
        self._tuning_at_start = tuning.figures()
        self.directory: Directory = load_directory(accounts, tuning.limit)
        self.registry = Registry()
        self.feed = Feed(self.registry)
        self.faults = Faults()
        self.calls = CallCounter()
        self.journal = Journal(state)
        self.ledger = Ledger(self.registry, self.journal)
        self.configurations = Configurations(self.journal)
        self.fetches = FetchRecord()
        self.signer = Signer()
        self.identity_provider = IdentityProvider()
        self._restore(state)

    def _restore(self, state: Path | None) -> None:
        for number, event in enumerate(self.journal.replay(), 1):
            try:
                self._apply(event)
            except (KeyError, TypeError, ValueError, AttributeError, RefusalError) as error:
                raise JournalError(f"line {number} of the state file {state} is not one the simulator wrote") from error

    def _apply(self, event: dict[str, Any]) -> None:
        if event["event"] == "citizen":
            self._alter(event["traits"], date.fromisoformat(event["day"]))
        elif event["event"] == "choice":
            citizen = self.registry.find(event["fiscal_code"])
            service = self.directory.services.get(event["service"])
            if citizen is not None and service is not None:
                self._choose(citizen, service, event["allowed"], date.fromisoformat(event["day"]))
        elif event["event"] == "configuration":
            self.configurations.restore(event)
        else:
            self.ledger.restore(event, self.directory.services)
            if event["event"] == "reset":
                self.registry.reset()
                self.feed.reset(self.registry)
                self.configurations.forget()

    def remote_configuration(self, identity: str) -> RemoteConfiguration | None:
        """What a submission that names a configuration finds: one of the accounts file, or of the API."""
        made = self.configurations.find(identity)
        if made is not None:
            return RemoteConfiguration(made.id, made.account_id, upstream=200)
        return self.directory.remote_configurations.get(identity)

    def alter_citizen(self, raw: dict[str, Any]) -> Citizen:
        """Add or change a citizen; what was due before is settled as things were."""
        self.ledger.settle()
        citizen = self._alter(raw, today())
        self.journal.append({"event": "citizen", "traits": raw, "day": today().isoformat()})
        return citizen

    def _alter(self, raw: dict[str, Any], day: date) -> Citizen:
        known = self.registry.find(str(raw.get("fiscal_code")))
        was_on_io = known is not None and known.on_io
        citizen = self.registry.alter(raw)
        if citizen.on_io != was_on_io:
            self.feed.account(day, citizen.digest, created=citizen.on_io)
        return citizen

    def choose(self, citizen: Citizen, service: Service, allowed: bool) -> None:
        """A citizen switches a service on or off; earlier messages are not resurrected."""
        self.ledger.settle()
        self._choose(citizen, service, allowed, today())
        self.journal.append(
            {
                "event": "choice",
                "fiscal_code": citizen.fiscal_code,
                "service": service.slug,
                "allowed": allowed,
                "day": today().isoformat(),
            }
        )

    def _choose(self, citizen: Citizen, service: Service, allowed: bool, day: date) -> None:
        if citizen.allows(service) != allowed:
            self.feed.service(day, citizen.digest, service.slug, allowed)
        citizen.choose(service, allowed)

    def tune(self, raw: dict[str, Any]) -> None:
        """Change settings; a new limit starts with empty windows."""
        self.tuning.alter(raw)
        if "limit" in raw:
            self.directory.restart_meters(self.tuning.limit)

    def reset(self) -> None:
        """As after a fresh start, except that the state file remembers that it was reset."""
        self.journal.append({"event": "reset"})
        self.tuning.alter(self._tuning_at_start)
        self.directory.restart_meters(self.tuning.limit)
        self.registry.reset()
        self.feed.reset(self.registry)
        self.ledger.forget()
        self.configurations.forget()
        self.fetches.forget()
        self.signer.forget()
        self.faults.clear()
        self.calls = CallCounter()


def today() -> date:
    """The feed's day: UTC, not Italy's."""
    return datetime.now(UTC).date()
