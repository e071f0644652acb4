"""The control API: JSON, on a port of its own so that it answers while the API refuses.

    GET    /control/health                 how the simulator stands: ports, settings, is it listening
    GET    /control/faults                 the faults that are on, and those there are
    POST   /control/faults                 {"name", "operations"?, "count"?, "value"?, "service"?,
                                           "fiscal_code"?}: switch one on, answers 201 with its id
    DELETE /control/faults[/{id}]          switch all of them, or one, off
    GET    /control/ledger                 what was accepted; ?fiscal_code= ?service= ?after=ID ?limit=
    GET    /control/ledger/summary         messages per fiscal code
    GET    /control/calls                  calls per operation and status; per account the largest
                                           number of calls in any sliding window
    GET    /control/citizens               the cast
    GET    /control/citizens/load?count=N  fiscal codes of citizens on IO, for load runs
    POST   /control/citizens               {"fiscal_code", traits...}: add a citizen or change one
    POST   /control/settings               {"limit"?, "latency_ms"?, "jitter_ms"?, "settle_seconds"?,
                                           "old_notification"?, "lollipop_algorithm"?, "lollipop_encoding"?}: change how
                                           the simulator behaves
    POST   /control/feed                   {"date", "event": created, deleted, subscribed or
                                           unsubscribed, "fiscal_code", "service"?}
    GET    /control/fetches                what institutions were asked for, and what the app made of it;
                                           ?message=ID ?after=NUMBER
    POST   /control/messages/{id}/open     {"part"?: detail, precondition or attachment, "url"?}: the citizen
                                           opens it on the phone; what the app gets, in JSON
    POST   /control/messages/{id}/read     the citizen has read it; nothing is fetched
    POST   /control/messages/{id}/pay      the citizen has paid its notice
    POST   /control/settle                 give every message its final status now
    POST   /control/reset                  as after a start without state; settings as started

What makes no sense is answered 400 {"error": sentence}.
"""

import json
from collections.abc import Iterable
from itertools import islice
from typing import Any, Final

from aiohttp import web

from messaging.simulator import checks
from messaging.simulator.citizens import load_fiscal_code
from messaging.simulator.faults import KINDS
from messaging.simulator.ledger import Message
from messaging.simulator.listener import Listener
from messaging.simulator.wire import dumps
from messaging.simulator.world import World

_MOST_LOAD_CITIZENS: Final = 1_000_000


class Control:
    """The JSON side of the desk."""

    def __init__(self, world: World, listener: Listener, control_port: int) -> None:
        self._world = world
        self._listener = listener
        self._control_port = control_port

    def add_routes(self, router: web.UrlDispatcher) -> None:
        """Every address of the control API."""
        router.add_get("/control/health", self.health)
        router.add_get("/control/faults", self.faults)
        router.add_post("/control/faults", self.add_fault)
        router.add_delete("/control/faults", self.clear_faults)
        router.add_delete(r"/control/faults/{id:\d{1,9}}", self.clear_faults)
        router.add_get("/control/ledger", self.ledger)
        router.add_get("/control/ledger/summary", self.summary)
        router.add_get("/control/calls", self.calls)
        router.add_get("/control/citizens", self.citizens)
        router.add_get("/control/citizens/load", self.load_citizens)
        router.add_post("/control/citizens", self.alter_citizen)
        router.add_post("/control/settings", self.tune)
        router.add_post("/control/feed", self.add_feed_event)
        router.add_post("/control/settle", self.settle)
        router.add_post("/control/reset", self.reset)

    async def health(self, request: web.Request) -> web.Response:
        """Ports and settings."""
        return as_json(
            {
                "status": "ok",
                "port": self._listener.port,
                "control_port": self._control_port,
                "listening": self._listener.open,
                "settings": self._world.tuning.figures(),
                "messages": len(self._world.ledger.messages),
            }
        )

    async def faults(self, request: web.Request) -> web.Response:
        """What is on, and what there is."""
        return as_json(
            {
                "active": [fault.figures() for fault in self._world.faults.active],
                "known": {kind.name: kind.value_means for kind in KINDS.values()},
            }
        )

    async def add_fault(self, request: web.Request) -> web.Response:
        """Switch a fault on."""
        fault = self._world.faults.add(await read_body(request))
        await self._listener.follow(self._world.faults)
        return as_json(fault.figures(), 201)

    async def clear_faults(self, request: web.Request) -> web.Response:
        """Switch faults off."""
        identity = request.match_info.get("id")
        self._world.faults.clear(int(identity) if identity else None)
        await self._listener.follow(self._world.faults)
        return web.Response(status=204)

    async def ledger(self, request: web.Request) -> web.Response:
        """What was accepted, in order of arrival."""
        self._world.ledger.settle()
        query = request.query
        chosen: Iterable[Message] = self._world.ledger.messages.values()
        if code := query.get("fiscal_code"):
            chosen = self._world.ledger.by_citizen.get(code, [])
        if after := query.get("after"):
            chosen = _after(chosen, after)
        if slug := query.get("service"):
            chosen = (message for message in chosen if message.service.slug == slug)
        limit = whole_number(query.get("limit"), "limit")
        return as_json([message.figures() for message in islice(chosen, limit)])

    async def summary(self, request: web.Request) -> web.Response:
        """Messages per fiscal code."""
        return as_json(self._world.ledger.summary())

    async def calls(self, request: web.Request) -> web.Response:
        """How often and how fast the API was called."""
        accounts = {
            account.id: {
                "calls": account.meter.calls,
                "throttled": account.meter.throttled,
                "limit": str(account.meter.limit),
                "window_seconds": account.meter.limit.seconds,
                "largest_window": account.meter.largest_window,
                "largest_admitted": account.meter.largest_admitted,
            }
            for account in self._world.directory.accounts.values()
        }
        return as_json({"operations": self._world.calls.figures(), "accounts": accounts})

    async def citizens(self, request: web.Request) -> web.Response:
        """The cast."""
        return as_json([citizen.figures() for citizen in self._world.registry.cast()])

    async def load_citizens(self, request: web.Request) -> web.Response:
        """Fiscal codes for load runs."""
        count = whole_number(request.query.get("count"), "count") or 0
        if count > _MOST_LOAD_CITIZENS:
            raise ValueError(f"count must not exceed {_MOST_LOAD_CITIZENS}")
        return as_json([load_fiscal_code(number) for number in range(count)])

    async def alter_citizen(self, request: web.Request) -> web.Response:
        """Add or change a citizen."""
        return as_json(self._world.alter_citizen(await read_body(request)).figures())

    async def tune(self, request: web.Request) -> web.Response:
        """Change settings."""
        self._world.tune(await read_body(request))
        return as_json(self._world.tuning.figures())

    async def add_feed_event(self, request: web.Request) -> web.Response:
        """Put an event into the subscription feed of some day."""
        raw = await read_body(request)
        day = checks.parse_day(str(raw.get("date")))
        citizen = self._world.registry.find(str(raw.get("fiscal_code")))
        if day is None or citizen is None:
            raise ValueError("date must be a day and fiscal_code that of a known citizen")
        event = raw.get("event")
        if event in ("created", "deleted"):
            self._world.feed.account(day, citizen.digest, event == "created")
        elif event in ("subscribed", "unsubscribed"):
            slug = str(raw.get("service"))
            self._world.feed.service(day, citizen.digest, slug, event == "subscribed")
        else:
            raise ValueError("event is one of created, deleted, subscribed, unsubscribed")
        return web.Response(status=204)

    async def settle(self, request: web.Request) -> web.Response:
        """Give every message its final status."""
        return as_json({"settled": self._world.ledger.settle(everything=True)})

    async def reset(self, request: web.Request) -> web.Response:
        """Forget everything."""
        self._world.reset()
        await self._listener.follow(self._world.faults)
        return web.Response(status=204)


@web.middleware
async def plain_errors(request: web.Request, handler: Any) -> web.StreamResponse:
    """A ValueError of the rules is the caller's mistake, in a sentence."""
    try:
        answer: web.StreamResponse = await handler(request)
    except (ValueError, TypeError) as error:
        return as_json({"error": str(error)}, 400)
    return answer


async def read_body(request: web.Request) -> dict[str, Any]:
    """The JSON object of a request; ValueError with a sentence for anything else."""
    try:
        raw = json.loads(await request.read() or b"{}")
    except ValueError:
        raise ValueError("the body must be JSON") from None
    if not isinstance(raw, dict):
        raise ValueError("the body must be a JSON object")
    return raw


def as_json(value: object, status: int = 200) -> web.Response:
    """An answer of the desk."""
    return web.Response(body=dumps(value), status=status, content_type="application/json")


def whole_number(text: str | None, name: str) -> int | None:
    """A number of a query, None when it is left out; ValueError with a sentence."""
    if text is None:
        return None
    if not text.isdecimal():
        raise ValueError(f"{name} must be a whole number")
    return int(text)


def _after(messages: Iterable[Message], identity: str) -> Iterable[Message]:
    passed = False
    for message in messages:
        if passed:
            yield message
        passed = passed or message.id == identity
