"""The desk's side for what citizens do with their messages: open, read, pay, and what was fetched for it."""

import time
from typing import Any

from aiohttp import web

from messaging.simulator.coherence import DETAIL, PARTS, PRECONDITION, View
from messaging.simulator.control import as_json, read_body, whole_number
from messaging.simulator.fetching import Fetcher
from messaging.simulator.ledger import PROCESSED, Message
from messaging.simulator.world import World


class ControlCitizens:
    """JSON instead of the pages of the phone; `control` lists the addresses."""

    def __init__(self, world: World, fetcher: Fetcher) -> None:
        self._world = world
        self._fetcher = fetcher

    def add_routes(self, router: web.UrlDispatcher) -> None:
        """Every address."""
        router.add_get("/control/fetches", self.fetches)
        router.add_post("/control/messages/{id}/open", self.open)
        router.add_post("/control/messages/{id}/read", self.read)
        router.add_post("/control/messages/{id}/pay", self.pay)

    async def fetches(self, request: web.Request) -> web.Response:
        """What institutions were asked for."""
        after = whole_number(request.query.get("after"), "after") or 0
        return as_json([fetch.figures() for fetch in self._world.fetches.of(request.query.get("message"), after)])

    async def open(self, request: web.Request) -> web.Response:
        """Open a message, or one part of it, as the app does; the detail marks it as read."""
        message = self._arrived(request)
        raw = await read_body(request)
        part, url = raw.get("part", DETAIL), raw.get("url")
        if part not in PARTS:
            raise ValueError(f"part is one of {', '.join(PARTS)}")
        if part == DETAIL:
            asks_first = self._fetcher.asks_first(message)
            view = await self._fetcher.detail(message)
            if view.status == 200:
                self._world.ledger.open(message)
            return as_json({**_shown(view), "asks_first": asks_first})
        if part == PRECONDITION:
            return as_json(_shown(await self._fetcher.precondition(message)))
        if not isinstance(url, str) or not url:
            raise ValueError("url is that of the attachment, as the detail gives it")
        return as_json(_shown(await self._fetcher.attachment(message, url)))

    async def read(self, request: web.Request) -> web.Response:
        """Mark a message as read."""
        message = self._arrived(request)
        self._world.ledger.open(message)
        return as_json({"id": message.id, "read": True})

    async def pay(self, request: web.Request) -> web.Response:
        """Pay the notice of a message."""
        message = self._arrived(request)
        if message.notice is None:
            raise ValueError("this message asks for no payment")
        self._world.ledger.pay(message.notice)
        return as_json({"id": message.id, "paid": self._world.ledger.is_paid(message.notice, time.time())})

    def _arrived(self, request: web.Request) -> Message:
        self._world.ledger.settle()
        message = self._world.ledger.messages.get(request.match_info["id"])
        if message is None or message.status != PROCESSED:
            raise ValueError("no message with this id has reached its citizen")
        return message


def _shown(view: View) -> dict[str, Any]:
    return {
        "status": view.status,
        "error": view.error,
        "explanation": view.explanation,
        "wait": view.wait,
        "title": view.title,
        "markdown": view.markdown,
        "attachments": [{"name": file.name, "url": file.url} for file in view.files],
        "size": len(view.content),
    }
