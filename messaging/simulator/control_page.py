"""The control page: faults switched by hand, in plain Italian, without JavaScript."""

from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from aiohttp import web

from messaging.simulator.coherence import ATTACHMENT, DETAIL, PRECONDITION
from messaging.simulator.faults import FETCH, KINDS, OPERATIONS, Fault
from messaging.simulator.fetches import Fetch
from messaging.simulator.listener import Listener
from messaging.simulator.templating import page
from messaging.simulator.world import World

_OPERATION_NAMES = {
    "submit": "Inviare un messaggio",
    "profile": "Chiedere se una persona è raggiungibile",
    "get": "Leggere lo stato di un messaggio",
    "feed": "Leggere le iscrizioni del giorno",
    "configurations": "Registrare un contenuto remoto",
    "assertions": "Chiedere chi ha firmato",
}

_PARTS: Final = {DETAIL: "Testo", PRECONDITION: "Precondizione", ATTACHMENT: "File"}
_ENVIRONMENTS: Final = {"test": "di prova", "production": "di produzione", None: "nessuno"}
_FETCHES_SHOWN: Final = 20
_ROME: Final = ZoneInfo("Europe/Rome")


class ControlPage:
    """The HTML side of the desk."""

    def __init__(self, world: World, listener: Listener) -> None:
        self._world = world
        self._listener = listener

    def add_routes(self, router: web.UrlDispatcher) -> None:
        """The page and its forms."""
        router.add_get("/", self.home)
        router.add_get("/control", self.show)
        router.add_post("/control/forms/fault", self.add_fault)
        router.add_post("/control/forms/clear", self.clear)
        router.add_post("/control/forms/settle", self.settle)
        router.add_post("/control/forms/reset", self.reset)

    async def home(self, request: web.Request) -> web.Response:
        """There is one page."""
        raise web.HTTPFound("/control")

    async def show(self, request: web.Request) -> web.Response:
        """The page."""
        return self._page(request)

    async def add_fault(self, request: web.Request) -> web.Response:
        """Switch a fault on; a mistake is explained on the page."""
        form = await request.post()
        count = str(form.get("count", "")).strip()
        slug = str(form.get("citizen", ""))
        citizen = self._world.registry.by_slug(slug)
        raw: dict[str, Any] = {
            "name": form.get("name"),
            "value": str(form.get("value", "")).strip().replace(",", "."),
            "operations": [str(value) for value in form.getall("operations", [])],
            "service": form.get("service"),
            "fiscal_code": citizen.fiscal_code if citizen else None,
            "count": int(count) if count.isdecimal() else (count or None),
        }
        try:
            self._world.faults.add(raw)
        except ValueError:
            return self._page(request, wrong=_explain(raw), status=400)
        await self._listener.follow(self._world.faults)
        raise web.HTTPSeeOther("/control")

    async def clear(self, request: web.Request) -> web.Response:
        """Switch one fault off, or all."""
        form = await request.post()
        identity = str(form.get("id", ""))
        self._world.faults.clear(int(identity) if identity.isdecimal() else None)
        await self._listener.follow(self._world.faults)
        raise web.HTTPSeeOther("/control")

    async def settle(self, request: web.Request) -> web.Response:
        """Give every message its final status."""
        self._world.ledger.settle(everything=True)
        raise web.HTTPSeeOther("/control")

    async def reset(self, request: web.Request) -> web.Response:
        """Forget everything."""
        self._world.reset()
        await self._listener.follow(self._world.faults)
        raise web.HTTPSeeOther("/control")

    def _page(self, request: web.Request, wrong: str = "", status: int = 200) -> web.Response:
        world = self._world
        host = request.url.host or "127.0.0.1"
        if ":" in host:
            host = f"[{host}]"
        context = {
            "wrong": wrong,
            "phone": f"http://{host}:{self._listener.port}/phone",
            "listening": self._listener.open,
            "active": [self._shown(fault) for fault in world.faults.active],
            "kinds": [_kind(name) for name in KINDS],
            "operations": [{"name": name, "label": _OPERATION_NAMES[name]} for name in OPERATIONS],
            "services": [
                {
                    "slug": service.slug,
                    "name": service.name,
                    "who": service.account.organization_name,
                }
                for service in world.directory.services.values()
            ],
            "people": [{"slug": citizen.slug, "name": citizen.name} for citizen in world.registry.cast()],
            "messages": str(len(world.ledger.messages)),
            "fetches": [_fetch(fetch) for fetch in reversed(world.fetches.latest(_FETCHES_SHOWN))],
            "accounts": [
                {
                    "name": account.organization_name,
                    "calls": str(account.meter.calls),
                    "limit": _limit(account.meter.limit.calls, account.meter.limit.seconds),
                    "largest": str(account.meter.largest_window),
                    "throttled": str(account.meter.throttled),
                }
                for account in world.directory.accounts.values()
            ],
        }
        return page("control.html", context, status)

    def _shown(self, fault: Fault) -> dict[str, str]:
        kind = KINDS[fault.name]
        everywhere = fault.operations == frozenset(OPERATIONS) or fault.name == "refuse" or FETCH in fault.operations
        where = "" if everywhere else ", ".join(_OPERATION_NAMES[o].lower() for o in sorted(fault.operations))
        people = {citizen.fiscal_code: citizen.name for citizen in self._world.registry.cast()}
        value = f"{fault.value:g}" if isinstance(fault.value, float) else fault.value or ""
        return {
            "id": str(fault.id),
            "label": kind.label,
            "value": f"{value} {kind.value_means}".strip(),
            "where": where,
            "service": fault.service or "",
            "person": people.get(fault.fiscal_code or "", "una persona sola") if fault.fiscal_code else "",
            "left": "" if fault.left is None else str(fault.left),
            "taken": str(fault.taken),
        }


def _kind(name: str) -> dict[str, str]:
    kind = KINDS[name]
    meaning = " | ".join(kind.words) if kind.words else kind.value_means
    default = "" if kind.default_value is None else f"{kind.default_value:g}"
    return {
        "name": name,
        "label": kind.label,
        "explanation": kind.explanation,
        "meaning": meaning,
        "default": kind.words[0] if kind.words else default,
    }


def _fetch(fetch: Fetch) -> dict[str, str]:
    return {
        "when": f"{datetime.fromtimestamp(fetch.at, _ROME):%H:%M:%S}",
        "part": _PARTS[fetch.part],
        "environment": _ENVIRONMENTS[fetch.environment],
        "path": fetch.path,
        "status": "nessuna risposta" if fetch.status is None else str(fetch.status),
        "milliseconds": f"{fetch.milliseconds:,}".replace(",", "."),
        "app": f"{fetch.app_status} {fetch.error}" if fetch.app_status == 502 else str(fetch.app_status),
    }


def _limit(calls: int, seconds: float) -> str:
    return f"{calls} ogni {seconds:g} s" if calls else "nessuno"


def _explain(raw: dict[str, Any]) -> str:
    """The mistakes a form can hold, in Italian."""
    kind = KINDS.get(str(raw["name"]))
    if kind is None:
        return "Scegli un guasto dall’elenco."
    count = raw["count"]
    if count is not None and (not isinstance(count, int) or count < 1):
        return "Il numero di volte è un numero intero da 1, oppure vuoto."
    if kind.words:
        return f"Il valore è uno di questi: {', '.join(kind.words)}."
    if kind.value_means:
        return f"Il valore non va bene: serve un numero ({kind.value_means})."
    return "Questo guasto non ha un valore: lascia il campo vuoto."
