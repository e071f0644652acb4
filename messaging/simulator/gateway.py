"""The API's front door: paths, keys, rate limit, then the function behind (notes, 1 and 2.3)."""

import asyncio
import json
import random
import time
from dataclasses import dataclass, replace
from typing import Final

from aiohttp import web

from messaging.simulator import checks, configurations_api, permissions
from messaging.simulator.accounts import CONFIGURATION_WRITE, Service
from messaging.simulator.assertions import get_assertion
from messaging.simulator.faults import UNTROUBLED, Matched
from messaging.simulator.messages import get_message, parse_body, submit
from messaging.simulator.profiles import get_feed, get_profile, require_profile_group
from messaging.simulator.schema import bad_parameter, decode_fiscal_code_payload
from messaging.simulator.wire import HungUpError, LateError, RefusalError, bare, gateway_error
from messaging.simulator.world import World

PREFIX: Final = "/api/v1/"
ASSERTIONS: Final = "/lollipop/api/v1/assertions/"
KEY_HEADER: Final = "Ocp-Apim-Subscription-Key"
_NO_KEY: Final = (
    "Access denied due to missing subscription key. Make sure to include subscription key when "
    "making requests to an API."
)
_WRONG_KEY: Final = (
    "Access denied due to invalid subscription key. Make sure to provide a valid key for an active subscription."
)
_BAD_GATEWAY: Final = (
    b"<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n"
    b"<center><h1>502 Bad Gateway</h1></center>\r\n</body>\r\n</html>\r\n"
)


@dataclass(frozen=True, slots=True)
class Call:
    """A call that the gateway recognises."""

    operation: str
    method: str
    fiscal_code: str | None = None
    rest: str = ""
    token: str = ""


def recognise(method: str, path: str) -> Call | None:
    """The operation behind a method and a path, if there is one (notes, 1.2)."""
    if path.startswith(ASSERTIONS):
        return Call("assertions", method, rest=path[len(ASSERTIONS) :]) if method == "GET" else None
    match method, path[len(PREFIX) :].split("/"):
        case "POST", ["messages"] | ["messages", ""]:
            return _SUBMIT
        case "POST", ["messages", code]:
            return Call("submit", method, code)
        case "GET", ["messages", code, identity] if identity:
            return Call("get", method, code, identity)
        case "POST", ["profiles"]:
            return Call("profile", method)
        case "GET", ["profiles", code] if code:
            return Call("profile", method, code)
        case "GET", ["subscriptions-feed", day] if day:
            return Call("feed", method, rest=day)
        case "POST" | "GET", ["messages-sending", "remote-contents", "configurations"]:
            return Call("configurations", method)
        case "GET" | "PUT", ["messages-sending", "remote-contents", "configurations", identity] if identity:
            return Call("configurations", method, rest=identity)
    return None


_SUBMIT: Final = Call("submit", "POST")


class Gateway:
    """Answers every request under /api/v1, and those for assertions."""

    def __init__(self, world: World) -> None:
        self._world = world

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """One request, from the key to the last byte of the answer."""
        world = self._world
        call = recognise(request.method, request.path)
        if call is None:
            world.calls.count("unknown path", 404)
            return gateway_error(404, "Resource not found")
        if call.operation == "assertions":
            call = replace(call, token=request.headers.get("x-pagopa-lollipop-auth", ""))
        body = await request.read() if call.method in ("POST", "PUT") else b""
        key = request.headers.get(KEY_HEADER)
        service = world.directory.by_key.get(key) if key else None
        faults = UNTROUBLED
        if world.faults.active:
            slug = service.slug if service else None
            faults = world.faults.match(call.operation, slug, _fiscal_code(call, body))
            if faults.take("drop-before"):
                return self._hang_up(request, call)
        try:
            answer = self._answer(call, service, key, body, request.remote, faults)
        except HungUpError:
            return self._hang_up(request, call)
        except LateError as late:
            answer = late.response
            await asyncio.sleep(late.seconds)
        await self._dawdle(faults)
        world.calls.count(call.operation, answer.status)
        return answer

    def _answer(
        self,
        call: Call,
        service: Service | None,
        key: str | None,
        body: bytes,
        remote: str | None,
        faults: Matched,
    ) -> web.Response:
        """Key (401), rate limit (429), client certificate (403), then the function."""
        if service is None or faults.take("unauthorised"):
            return gateway_error(401, _WRONG_KEY if key else _NO_KEY)
        meter = service.account.meter
        now = time.monotonic()
        meter.arrive(now)
        if throttle := faults.take("throttle"):
            meter.throttled += 1
            return _too_many(max(1, int(throttle.number)))
        remaining = meter.admit(now)
        if remaining is None:
            return _too_many(meter.wait(now))
        try:
            answer = self._closed_door(call, service, faults) or self._function(call, service, body, remote, faults)
        except RefusalError as refusal:
            answer = refusal.response()
        except LateError as late:
            _show_remaining(late.response, meter.limit.calls, remaining)
            raise
        _show_remaining(answer, meter.limit.calls, remaining)
        return answer

    def _closed_door(self, call: Call, service: Service, faults: Matched) -> web.Response | None:
        """What the gateway itself refuses after counting (notes, 1.1, 1.2 and 1.5)."""
        if "apiauthenticationclientcertificate" in service.groups:
            return bare(403, "Invalid client certificate")
        by_path = call.operation == "submit" and call.fiscal_code is not None
        if by_path and "apimessagewriteeucovidcert" in service.groups:
            return bare(403, "Use submitMessageforUserWithFiscalCodeInBody")
        if call.operation == "configurations" and CONFIGURATION_WRITE not in service.groups:
            return bare(403, "Invalid key")
        if faults.take("error-502"):
            return web.Response(status=502, body=_BAD_GATEWAY, content_type="text/html")
        if faults.take("error-503"):
            return gateway_error(503, "Service Unavailable")
        return None

    def _function(self, call: Call, service: Service, body: bytes, remote: str | None, faults: Matched) -> web.Response:
        if denied := faults.take("forbidden"):
            raise permissions.forbidden(str(denied.value))
        world = self._world
        if call.operation == "submit":
            return submit(world, service, call.fiscal_code, body, remote, faults)
        if call.operation == "get":
            code = call.fiscal_code or ""
            return get_message(world, service, code, call.rest, remote, faults)
        if call.operation == "configurations":
            return configurations_api.answer(world, service, call.method, call.rest, body, faults)
        if call.operation == "assertions":
            return get_assertion(world, service, call.rest, call.token, faults)
        if call.operation == "feed":
            return get_feed(world, service, call.rest, remote, faults)
        payload = parse_body(body) if call.fiscal_code is None else None
        require_profile_group(service)
        if call.fiscal_code is None:
            code = decode_fiscal_code_payload(payload)
        elif checks.is_fiscal_code(call.fiscal_code):
            code = call.fiscal_code
        else:
            raise bad_parameter(call.fiscal_code, checks.FISCAL_CODE_TYPE)
        return get_profile(world, service, code, remote, faults)

    async def _dawdle(self, faults: Matched) -> None:
        """Latency, then a random addition; a fault replaces the standing value."""
        tuning = self._world.tuning
        slow, uneven = faults.take("latency"), faults.take("jitter")
        latency = slow.number if slow else tuning.latency_ms
        jitter = uneven.number if uneven else tuning.jitter_ms
        if latency or jitter:
            await asyncio.sleep((latency + random.random() * jitter) / 1000)

    def _hang_up(self, request: web.Request, call: Call) -> web.StreamResponse:
        self._world.calls.count(call.operation, 0)
        if request.transport is not None:
            request.transport.close()
        # Never written: the transport is closed.
        return web.Response(status=500)


def _too_many(seconds: int) -> web.Response:
    """429: the wait stands in a header of its own name, `Retry-After` is absent (notes, 6.2)."""
    answer = gateway_error(429, f"Rate limit is exceeded. Try again in {seconds} seconds.")
    answer.headers["x-rate-limit-retry-after"] = str(seconds)
    answer.headers["x-rate-limit-remaining"] = "0"
    return answer


def _show_remaining(answer: web.Response, limit: int, remaining: int) -> None:
    if limit:
        answer.headers["x-rate-limit-remaining"] = str(remaining)


def _fiscal_code(call: Call, body: bytes) -> str | None:
    """Whom a call concerns; only asked for while a fault is on."""
    if call.fiscal_code is not None:
        return call.fiscal_code
    try:
        payload = json.loads(body)
    except (ValueError, RecursionError):
        return None
    code = payload.get("fiscal_code") if isinstance(payload, dict) else None
    return code if isinstance(code, str) else None
