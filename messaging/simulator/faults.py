"""Everything that can go wrong on purpose, and when it does."""

import itertools
import random
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final

from messaging.simulator.lollipop import HEADERS

OPERATIONS: Final = ("submit", "profile", "get", "feed", "configurations", "assertions")
FETCH: Final = "fetch"
_EVERYTHING: Final = frozenset(OPERATIONS)
_SUBMIT: Final = frozenset(["submit"])
_FETCH: Final = frozenset([FETCH])


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of trouble: where it strikes by default and what its value means."""

    name: str
    label: str
    explanation: str
    value_means: str = ""
    default_value: float | None = None
    operations: frozenset[str] = _EVERYTHING
    words: tuple[str, ...] = ()


_PROBABILITY: Final = "probabilità, da 0 a 1"
_KINDS: Final = (
    Kind(
        "latency",
        "Risposte lente",
        "Ogni risposta parte dopo i millisecondi indicati.",
        "millisecondi",
        1000.0,
    ),
    Kind(
        "jitter",
        "Ritardi irregolari",
        "Ogni risposta tarda ancora, a caso, fino ai millisecondi indicati.",
        "millisecondi",
        500.0,
    ),
    Kind(
        "throttle",
        "Troppe chiamate (429)",
        "IO dice di rallentare e di riprovare dopo i secondi indicati.",
        "secondi",
        5.0,
    ),
    Kind(
        "error-500",
        "Errore interno (500)",
        "IO si guasta dopo i controlli e non registra niente.",
        _PROBABILITY,
        1.0,
    ),
    Kind(
        "error-502",
        "Porta d’ingresso rotta (502)",
        "L’ingresso di IO non trova chi serve la richiesta. Niente è registrato.",
        _PROBABILITY,
        1.0,
    ),
    Kind(
        "error-503",
        "Servizio sospeso (503)",
        "L’ingresso di IO è in manutenzione. Niente è registrato.",
        _PROBABILITY,
        1.0,
    ),
    Kind(
        "accept-then-drop",
        "Accetta, poi cade la linea",
        "Il messaggio è registrato, ma chi lo ha inviato non riceve risposta.",
        operations=_SUBMIT,
    ),
    Kind(
        "accept-then-500",
        "Accetta, poi dice errore (500)",
        "Il messaggio è registrato, ma la risposta dice il contrario.",
        operations=_SUBMIT,
    ),
    Kind(
        "accept-then-hang",
        "Accetta, poi tace",
        "Il messaggio è registrato; la risposta arriva solo dopo i secondi indicati.",
        "secondi",
        60.0,
        _SUBMIT,
    ),
    Kind(
        "accept-garbage",
        "Accetta, ma la risposta è illeggibile",
        "Il messaggio è registrato; il corpo del 201 è troncato.",
        operations=_SUBMIT,
    ),
    Kind(
        "drop-before",
        "La linea cade subito",
        "La connessione si chiude senza risposta e niente è registrato.",
    ),
    Kind(
        "refuse",
        "IO irraggiungibile",
        "La porta dell’API non ascolta più, per i secondi indicati o finché non si spegne.",
        "secondi, 0 finché non si spegne",
        0.0,
    ),
    Kind("unauthorised", "Chiave rifiutata (401)", "IO non riconosce più la chiave."),
    Kind(
        "forbidden",
        "Permesso negato (403)",
        "IO dice che manca un permesso.",
        words=("generic", "scopes", "production", "recipient", "anonymous"),
    ),
    Kind(
        "payment-500",
        "Stato del pagamento guasto (500)",
        "Leggere un messaggio Premium con pagamento dà errore, anche se il messaggio sta bene.",
    ),
    Kind(
        "lollipop-signature",
        "LolliPoP: firma che non torna",
        "La richiesta di contenuto remoto porta la firma di un altro testo.",
        operations=_FETCH,
    ),
    Kind(
        "lollipop-old",
        "LolliPoP: firma vecchia",
        "La firma della richiesta di contenuto remoto è nata i secondi indicati prima.",
        "secondi",
        3600.0,
        _FETCH,
    ),
    Kind(
        "lollipop-replay",
        "LolliPoP: firma già usata",
        "La richiesta di contenuto remoto ripete le intestazioni della precedente, per la stessa persona e la stessa "
        "pagina.",
        operations=_FETCH,
    ),
    Kind(
        "lollipop-header",
        "LolliPoP: manca un’intestazione",
        "La richiesta di contenuto remoto arriva senza l’intestazione indicata.",
        operations=_FETCH,
        words=HEADERS,
    ),
    Kind(
        "lollipop-user",
        "LolliPoP: la firma è di un’altra persona",
        "La richiesta di contenuto remoto nomina come firmatario un altro cittadino.",
        operations=_FETCH,
    ),
    Kind(
        "lollipop-none",
        "LolliPoP: l’app non firma",
        "IO mostra un errore al cittadino e non chiede niente all’ente.",
        operations=_FETCH,
    ),
)
KINDS: Final = {kind.name: kind for kind in _KINDS}


@dataclass(slots=True, eq=False)
class Fault:
    """One fault switched on; `left` is None until it is cleared."""

    id: int
    name: str
    operations: frozenset[str]
    value: float | str | None
    left: int | None
    service: str | None
    fiscal_code: str | None
    taken: int = 0

    @property
    def number(self) -> float:
        """The value as a number."""
        return float(self.value) if isinstance(self.value, int | float) else 0.0

    def strikes(self, operation: str, service: str | None, fiscal_code: str | None) -> bool:
        """Whether this fault is meant for such a call."""
        return (
            operation in self.operations
            and (self.service is None or self.service == service)
            and (self.fiscal_code is None or self.fiscal_code == fiscal_code)
        )

    def figures(self) -> dict[str, Any]:
        """The fault, ready for JSON."""
        return {
            "id": self.id,
            "name": self.name,
            "operations": sorted(self.operations),
            "value": self.value,
            "count": self.left,
            "service": self.service,
            "fiscal_code": self.fiscal_code,
            "taken": self.taken,
        }


class Matched:
    """The faults that concern one call; each is spent only where it strikes."""

    __slots__ = ("_faults", "_owner")

    def __init__(self, owner: "Faults | None", faults: list[Fault]) -> None:
        self._owner = owner
        self._faults = faults

    def take(self, name: str) -> Fault | None:
        """The fault of this name if it strikes now; counts it off."""
        for fault in self._faults:
            if fault.name == name and self._owner is not None and self._owner.spend(fault):
                return fault
        return None


UNTROUBLED: Final = Matched(None, [])


@dataclass(slots=True)
class Faults:
    """The faults that are on."""

    active: list[Fault] = field(default_factory=list)
    _ids: Iterable[int] = field(default_factory=lambda: itertools.count(1))
    _chance: random.Random = field(default_factory=random.Random)

    def add(self, raw: dict[str, Any]) -> Fault:
        """Switch a fault on; ValueError with a sentence when it makes no sense."""
        kind = KINDS.get(str(raw.get("name")))
        if kind is None:
            raise ValueError(f"no fault is called {raw.get('name')!r}; there are {', '.join(KINDS)}")
        count = raw.get("count")
        if count is not None and (not isinstance(count, int) or count < 1):
            raise ValueError("count must be a whole number from 1, or absent")
        fault = Fault(
            id=next(iter(self._ids)),
            name=kind.name,
            operations=_operations(raw.get("operations"), kind),
            value=_value(raw.get("value"), kind),
            left=count,
            service=raw.get("service") or None,
            fiscal_code=raw.get("fiscal_code") or None,
        )
        self.active.append(fault)
        return fault

    def clear(self, identity: int | None = None) -> None:
        """Switch one fault off, or all of them."""
        self.active = [f for f in self.active if identity is not None and f.id != identity]

    def has(self, name: str) -> bool:
        """Whether a fault of this name is on."""
        return any(fault.name == name for fault in self.active)

    def match(self, operation: str, service: str | None, fiscal_code: str | None) -> Matched:
        """What is on for such a call."""
        return Matched(self, [f for f in self.active if f.strikes(operation, service, fiscal_code)])

    def spend(self, fault: Fault) -> bool:
        """Count one use; False when chance, or an exhausted count, spares this call."""
        if fault not in self.active:
            return False
        if KINDS[fault.name].value_means == _PROBABILITY and self._chance.random() >= fault.number:
            return False
        fault.taken += 1
        if fault.left is not None:
            fault.left -= 1
            if fault.left == 0:
                self.active = [other for other in self.active if other is not fault]
        return True


def parse_option(text: str) -> dict[str, Any]:
    """`NAME` or `NAME=VALUE`, as given to `--fault`."""
    name, _, value = text.partition("=")
    return {"name": name, "value": value or None}


def _operations(raw: Any, kind: Kind) -> frozenset[str]:
    if not raw or kind.operations == _FETCH:
        return kind.operations
    chosen = frozenset([raw] if isinstance(raw, str) else raw)
    if not chosen <= _EVERYTHING:
        raise ValueError(f"operations are {', '.join(OPERATIONS)}")
    return chosen


def _value(raw: Any, kind: Kind) -> float | str | None:
    if raw is None or raw == "":
        return kind.words[0] if kind.words else kind.default_value
    if kind.words:
        if raw not in kind.words:
            raise ValueError(f"the value of {kind.name} is one of {', '.join(kind.words)}")
        return str(raw)
    if not kind.value_means:
        raise ValueError(f"{kind.name} takes no value")
    try:
        number = float(raw)
    except (TypeError, ValueError):
        raise ValueError(f"the value of {kind.name} must be a number") from None
    ceiling = 1.0 if kind.value_means == _PROBABILITY else 86_400_000.0
    if not 0 <= number <= ceiling:
        raise ValueError(f"the value of {kind.name} must lie between 0 and {ceiling:g}")
    return number
