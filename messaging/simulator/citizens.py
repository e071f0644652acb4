"""Synthetic citizens: who is on IO, who is not, and who makes life hard (notes, 3.3 and 4).

All are invented and born in place Z999, which does not exist; check characters are right.

================  ==================  ===========================================================
fiscal code       slug                what is special
================  ==================  ===========================================================
BNCLRA85T50Z999B  laura-bianchi       on IO, everything regular
RSSMRC78C12Z999Q  marco-rossi         on IO, regular
CRTMLY90D55Z999Q  emily-carter        on IO with the app in English
FRRPLA61H08Z999D  paolo-ferri         not on IO: profile 404, a message ends REJECTED
GLLNNA49B47Z999W  anna-galli          inbox off: the same 404, REJECTED
MNTSFN72R20Z999N  stefano-monti       opted out of the service `tributi`
RVIGLI95L61Z999W  giulia-riva         manual mode, never enabled a service
LNTGNN55E03Z999Y  gianni-lenti        slow: PROCESSED only after 20 seconds
LTTCHR88M45Z999D  chiara-lettori      reads a Premium message 5 seconds after it arrives
PGNLCU80A14Z999P  luca-paganti        reads after 4 seconds and pays after 8
RSRVNC70P52Z999B  veronica-riservi    denied read receipts: read_status UNAVAILABLE
FLLRRT66S19Z999V  roberto-fallaci     processing fails: FAILED
AAAAAA00A00A000A  codice-di-prova     the platform's test code: always reachable
================  ==================  ===========================================================

GET /control/citizens lists them as JSON. Any other code is unknown: profile 404, POST 201 and
then REJECTED. Codes that start with LDX are citizens on IO with nothing special, for load runs:
GET /control/citizens/load?count=N lists as many as wanted.
"""

import hashlib
import re
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Any, Final

from stdnum.it import codicefiscale

from messaging.simulator import checks
from messaging.simulator.accounts import TEST_FISCAL_CODE, Service

LOAD_PREFIX: Final = "LDX"
REGISTERED_ON: Final = date(2026, 1, 15)


class Mode(StrEnum):
    """How a citizen's app treats a service without an explicit choice (notes, 4)."""

    AUTO = "AUTO"
    MANUAL = "MANUAL"
    LEGACY = "LEGACY"


@dataclass(slots=True)
class Citizen:
    """One citizen: where they stand with IO, and how they behave."""

    fiscal_code: str
    slug: str = ""
    name: str = ""
    story: str = ""
    on_io: bool = True
    inbox: bool = True
    mode: Mode = Mode.AUTO
    blocked: set[str] = field(default_factory=set)
    enabled: set[str] = field(default_factory=set)
    activations: dict[str, str] = field(default_factory=dict)
    languages: list[str] = field(default_factory=lambda: ["it_IT"])
    read_receipts: bool = True
    fails: bool = False
    settle_after: float | None = None
    reads_after: float | None = None
    pays_after: float | None = None

    @property
    def reachable(self) -> bool:
        """Whether the platform admits that this person exists: on IO, with the inbox on."""
        return self.on_io and self.inbox

    def allows(self, service: Service) -> bool:
        """Whether `service` may write: `sender_allowed` of the profile (notes, 4)."""
        if service.slug in self.blocked:
            return False
        if service.special:
            # A pending activation counts for a day; the simulator gives it longer.
            return self.activations.get(service.slug) in ("ACTIVE", "PENDING")
        return self.mode is not Mode.MANUAL or service.slug in self.enabled

    def choose(self, service: Service, allowed: bool) -> None:
        """The citizen switches `service` on or off in the app."""
        self.blocked.discard(service.slug)
        self.enabled.discard(service.slug)
        (self.enabled if allowed else self.blocked).add(service.slug)

    @property
    def digest(self) -> str:
        """The fiscal code as the subscription feed names it (notes, 5)."""
        return hashlib.sha256(self.fiscal_code.encode()).hexdigest()

    def figures(self) -> dict[str, Any]:
        """Everything about this citizen, ready for JSON."""
        return {
            "fiscal_code": self.fiscal_code,
            "slug": self.slug,
            "name": self.name,
            "story": self.story,
            "on_io": self.on_io,
            "inbox": self.inbox,
            "mode": self.mode.value,
            "blocked": sorted(self.blocked),
            "enabled": sorted(self.enabled),
            "activations": dict(self.activations),
            "languages": list(self.languages),
            "read_receipts": self.read_receipts,
            "fails": self.fails,
            "settle_after": self.settle_after,
            "reads_after": self.reads_after,
            "pays_after": self.pays_after,
        }


def with_check_character(body: str) -> str:
    """A fiscal code of 15 characters, completed."""
    return body + codicefiscale.calc_check_digit(body)


def load_fiscal_code(number: int) -> str:
    """The n-th citizen for load runs; more than forty million of them differ."""
    number, day = divmod(number, 28)
    number, year = divmod(number, 100)
    letters = ""
    for _ in range(3):
        number, letter = divmod(number, 26)
        letters += chr(ord("A") + letter)
    return with_check_character(f"{LOAD_PREFIX}{letters}{year:02d}A{day + 1:02d}Z999")


def _cast() -> list[Citizen]:
    def person(body: str, name: str, story: str, **traits: Any) -> Citizen:
        slug = name.lower().replace(" ", "-")
        return Citizen(with_check_character(body), slug, name, story, **traits)

    test_code = Citizen(
        TEST_FISCAL_CODE,
        "codice-di-prova",
        "Codice di prova",
        "Il codice di prova della piattaforma: riceve sempre.",
        languages=[],
    )
    return [
        person("BNCLRA85T50Z999", "Laura Bianchi", "Usa l’app IO, tutto regolare."),
        person("RSSMRC78C12Z999", "Marco Rossi", "Usa l’app IO, tutto regolare."),
        person(
            "CRTMLY90D55Z999",
            "Emily Carter",
            "Usa l’app in inglese: vede i pulsanti solo se ci sono anche in inglese.",
            languages=["en_GB", "it_IT"],
        ),
        person("FRRPLA61H08Z999", "Paolo Ferri", "Non usa l’app IO.", on_io=False),
        person("GLLNNA49B47Z999", "Anna Galli", "Ha spento la posta di IO.", inbox=False),
        person(
            "MNTSFN72R20Z999",
            "Stefano Monti",
            "Ha disattivato il servizio Tributi.",
            blocked={"tributi"},
        ),
        person(
            "RVIGLI95L61Z999",
            "Giulia Riva",
            "Sceglie i servizi uno per uno e non ne ha attivato nessuno.",
            mode=Mode.MANUAL,
        ),
        person(
            "LNTGNN55E03Z999",
            "Gianni Lenti",
            "I suoi messaggi arrivano dopo 20 secondi.",
            settle_after=20.0,
        ),
        person(
            "LTTCHR88M45Z999",
            "Chiara Lettori",
            "Apre ogni messaggio dopo 5 secondi.",
            reads_after=5.0,
        ),
        person(
            "PGNLCU80A14Z999",
            "Luca Paganti",
            "Apre i messaggi dopo 4 secondi e paga dopo 8.",
            reads_after=4.0,
            pays_after=8.0,
        ),
        person(
            "RSRVNC70P52Z999",
            "Veronica Riservi",
            "Non fa sapere se ha letto.",
            read_receipts=False,
        ),
        person(
            "FLLRRT66S19Z999",
            "Roberto Fallaci",
            "I messaggi per lui non riescono: la lavorazione fallisce.",
            fails=True,
        ),
        test_code,
    ]


class Registry:
    """The citizens that the platform knows, by fiscal code and by slug."""

    def __init__(self) -> None:
        self._by_code: dict[str, Citizen] = {}
        self._by_slug: dict[str, Citizen] = {}
        self.reset()

    def reset(self) -> None:
        """Back to the cast."""
        self._by_code.clear()
        self._by_slug.clear()
        for citizen in _cast():
            self.add(citizen)

    def add(self, citizen: Citizen) -> None:
        """Put a citizen in; one with a name can be looked up by slug."""
        self._by_code[citizen.fiscal_code] = citizen
        if citizen.slug:
            self._by_slug[citizen.slug] = citizen

    def find(self, fiscal_code: str) -> Citizen | None:
        """Who has this fiscal code, if IO has ever heard of them."""
        citizen = self._by_code.get(fiscal_code)
        if citizen is None and fiscal_code.startswith(LOAD_PREFIX):
            return Citizen(fiscal_code)
        return citizen

    def by_slug(self, slug: str) -> Citizen | None:
        """Who goes by this slug in the phone's addresses."""
        return self._by_slug.get(slug)

    def cast(self) -> list[Citizen]:
        """Everybody with a name, in order."""
        return list(self._by_slug.values())

    def alter(self, raw: dict[str, Any]) -> Citizen:
        """Add a citizen or change one; ValueError with a sentence when the traits make no sense."""
        code = raw.get("fiscal_code")
        if not isinstance(code, str) or checks.is_fiscal_code(code) is None:
            raise ValueError("fiscal_code must be an upper-case fiscal code")
        citizen = self._by_code.get(code) or Citizen(code, slug=f"persona-{len(self._by_slug) + 1}")
        values = {name: _trait(name, value) for name, value in raw.items() if name != "fiscal_code"}
        owner = self._by_slug.get(values.get("slug", citizen.slug))
        if owner is not None and owner is not citizen:
            raise ValueError("another citizen has this slug")
        self._by_slug.pop(citizen.slug, None)
        for name, value in values.items():
            setattr(citizen, name, value)
        citizen.name = citizen.name or citizen.slug
        self.add(citizen)
        return citizen


_SLUG: Final = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_SWITCHES: Final = ("on_io", "inbox", "read_receipts", "fails")
_SECONDS: Final = ("settle_after", "reads_after", "pays_after")


def _trait(name: str, value: Any) -> Any:
    if name in ("name", "story") and isinstance(value, str):
        return value
    if name == "slug" and isinstance(value, str) and _SLUG.fullmatch(value):
        return value
    if name in _SWITCHES and isinstance(value, bool):
        return value
    if name in _SECONDS and (value is None or isinstance(value, int | float)):
        return value
    if name == "mode":
        return Mode(value)
    if name in ("blocked", "enabled") and isinstance(value, list):
        return {str(item) for item in value}
    if name == "languages" and isinstance(value, list):
        return [str(item) for item in value]
    if name == "activations" and isinstance(value, dict):
        return {str(key): str(item) for key, item in value.items()}
    raise ValueError(f"{name} is not a trait of a citizen, or its value is of the wrong kind")
