"""Asking institutions for what they keep at home, as the platform's backend does (platform notes, A1.3 and A3)."""

import time
from typing import Final

import aiohttp
from yarl import URL

from messaging.simulator.coherence import (
    ATTACHMENT,
    DETAIL,
    PRECONDITION,
    Answer,
    View,
    view_attachment,
    view_detail,
    view_precondition,
)
from messaging.simulator.configurations import Configuration, Environment
from messaging.simulator.faults import FETCH, Matched
from messaging.simulator.fetches import Fetch
from messaging.simulator.ledger import Message
from messaging.simulator.lollipop import Flaws
from messaging.simulator.world import World

APP_CALLS: Final = "https://api-app.io.pagopa.it/api/communication/v1/third-party-messages"
# The platform's client has no time-out of its own; its gateway gives up after this (A3.6).
_SECONDS: Final = 10.0
_SOMEBODY_ELSE: Final = "RSSMRC78C12Z999Q"
_SOMEBODY: Final = "BNCLRA85T50Z999B"


class UnsignedError(Exception):
    """The app signed nothing although it should have: the institution is not called."""


class Fetcher:
    """One client for all institutions: no redirects, no cookies, no cache."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._session: aiohttp.ClientSession | None = None

    async def close(self) -> None:
        """Let go of the connections."""
        if self._session is not None:
            await self._session.close()

    def asks_first(self, message: Message) -> bool:
        """Whether the app shows a precondition before this message: always, or once while it is unread."""
        third_party = message.new.third_party
        if third_party is None:
            return False
        configuration = self._configuration(message)
        wanted = third_party.get("has_precondition") or (configuration.precondition if configuration else "NEVER")
        return wanted == "ALWAYS" or (wanted == "ONCE" and not message.is_read(time.time()))

    async def detail(self, message: Message) -> View:
        """The message as its institution tells it now; a message that keeps nothing at home is as it was sent."""
        third_party, public = message.new.third_party, message.new.content
        if third_party is None or not (third_party["has_remote_content"] or third_party["has_attachments"]):
            return View(200, title=public["subject"], markdown=public["markdown"])
        return await self._fetch(message, DETAIL, "")

    async def precondition(self, message: Message) -> View:
        """The page before the message."""
        return await self._fetch(message, PRECONDITION, "precondition")

    async def attachment(self, message: Message, url: str) -> View:
        """A file of the message; `url` is as the detail gives it, the app takes one slash off its front (A3.4)."""
        return await self._fetch(message, ATTACHMENT, url.removeprefix("/"))

    def _configuration(self, message: Message) -> Configuration | None:
        third_party = message.new.third_party or {}
        return self._world.configurations.find(third_party.get("configuration_id", ""))

    async def _fetch(self, message: Message, part: str, tail: str) -> View:
        configuration = self._configuration(message)
        environment = configuration.environment_for(message.fiscal_code) if configuration else None
        number, began, clock = self._world.fetches.next_number(), time.time(), time.monotonic()
        signed: dict[str, str] = {}
        path, answer = "", Answer(None)
        if configuration is None or environment is None:
            view = View(500, "no environment", "La configurazione di questo messaggio non dice dove chiedere.")
        else:
            url = _institution_url(environment, message, tail)
            path = url.raw_path_qs if url is not None else ""
            try:
                signed = self._signed(configuration, message, part, tail)
                answer = await self._ask(url, environment, message.fiscal_code, signed)
                view = _view(part, message, answer)
            except UnsignedError:
                view = View(500, "not signed", "L’app non ha firmato la richiesta: IO non chiede niente all’ente.")
        self._world.fetches.add(
            Fetch(
                number,
                began,
                message.id,
                part,
                path,
                environment.kind if environment else None,
                answer.status,
                round((time.monotonic() - clock) * 1000),
                len(answer.body),
                bool(signed),
                view.status,
                view.error,
            )
        )
        return view

    async def _ask(self, url: URL | None, environment: Environment, fiscal_code: str, signed: dict[str, str]) -> Answer:
        if url is None:
            return Answer(None)
        if self._session is None:
            self._session = aiohttp.ClientSession(
                timeout=aiohttp.ClientTimeout(total=_SECONDS), cookie_jar=aiohttp.DummyCookieJar()
            )
        headers = {"fiscal_code": fiscal_code, environment.header: environment.key, **signed}
        try:
            async with self._session.get(url, headers=headers, allow_redirects=False) as answer:
                return Answer(answer.status, await answer.read(), answer.headers.get("Retry-After", ""))
        except (aiohttp.ClientError, ValueError, OSError):
            return Answer(None)

    def _signed(self, configuration: Configuration, message: Message, part: str, tail: str) -> dict[str, str]:
        """The nine headers of LolliPoP, or none; UnsignedError when the app is made to forget them."""
        code, world = message.fiscal_code, self._world
        if not configuration.signs_for(code):
            return {}
        faults = world.faults.match(FETCH, message.service.slug, code)
        if faults.take("lollipop-none"):
            raise UnsignedError
        tail = f"/attachments/{tail}" if part == ATTACHMENT else f"/{tail}" if tail else ""
        url = str(URL(f"{APP_CALLS}/{message.id}{tail}"))
        earlier = world.signer.last(code, url)
        if earlier is not None and faults.take("lollipop-replay"):
            return earlier
        tuning = world.tuning
        return world.signer.headers(
            code, url, tuning.lollipop_algorithm, tuning.lollipop_encoding, _flaws(faults, code)
        )


def _institution_url(environment: Environment, message: Message, tail: str) -> URL | None:
    """Pasted together without a look, as the platform does; None for what is no address at all (A1.2 and A2)."""
    third_party = message.new.third_party or {}
    path = f"{environment.base_url}/messages/{third_party.get('id', '')}"
    try:
        return URL(f"{path}/{tail}" if tail else path)
    except ValueError:
        return None


def _view(part: str, message: Message, answer: Answer) -> View:
    if part == ATTACHMENT:
        return view_attachment(answer)
    if part == PRECONDITION:
        return view_precondition(answer)
    return view_detail(answer, message.new.third_party or {}, message.new.content)


def _flaws(faults: Matched, fiscal_code: str) -> Flaws:
    old, header = faults.take("lollipop-old"), faults.take("lollipop-header")
    wrong_user = _SOMEBODY if fiscal_code == _SOMEBODY_ELSE else _SOMEBODY_ELSE
    return Flaws(
        forged=faults.take("lollipop-signature") is not None,
        older_by=old.number if old else 0.0,
        without=str(header.value) if header else "",
        user=wrong_user if faults.take("lollipop-user") else "",
    )
