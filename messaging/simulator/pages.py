"""The citizen's phone: the inbox and the messages as the app would show them (notes, 7 and 9)."""

import time
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import quote
from zoneinfo import ZoneInfo

from aiohttp import web
from django.utils.safestring import mark_safe

from messaging.simulator import checks, markdown
from messaging.simulator.citizens import Citizen
from messaging.simulator.coherence import View
from messaging.simulator.fetching import Fetcher
from messaging.simulator.front_matter import read_letter
from messaging.simulator.ledger import PROCESSED, Message
from messaging.simulator.templating import page
from messaging.simulator.world import World

_ROME: Final = ZoneInfo("Europe/Rome")
_MONTHS: Final = ("gen", "feb", "mar", "apr", "mag", "giu", "lug", "ago", "set", "ott", "nov", "dic")
_SHOWN: Final = 100
_RELOAD_SECONDS: Final = 10


class Phone:
    """Pages under /phone; addresses carry slugs, never fiscal codes."""

    def __init__(self, world: World, fetcher: Fetcher, control_port: int) -> None:
        self._world = world
        self._fetcher = fetcher
        self._control_port = control_port

    def add_routes(self, router: web.UrlDispatcher) -> None:
        """Every page and form of the phone."""
        router.add_get("/", self.home)
        router.add_get("/phone", self.people)
        router.add_get("/phone/{slug}", self.inbox)
        router.add_post("/phone/{slug}/services/{service}", self.choose)
        router.add_get("/phone/{slug}/{message}", self.message)
        router.add_get("/phone/{slug}/{message}/content", self.content)
        router.add_get("/phone/{slug}/{message}/attachments/{url:.+}", self.attachment)
        router.add_post("/phone/{slug}/{message}/pay", self.pay)

    async def home(self, request: web.Request) -> web.Response:
        """The phone is what there is to see."""
        raise web.HTTPFound("/phone")

    async def people(self, request: web.Request) -> web.Response:
        """Who do you want to be?"""
        self._world.ledger.settle()
        now = time.time()
        people = [
            {
                "slug": citizen.slug,
                "name": citizen.name,
                "story": citizen.story,
                "initials": "".join(word[0] for word in citizen.name.split()[:2]).upper(),
                "unread": self._unread(citizen, now),
            }
            for citizen in self._world.registry.cast()
        ]
        return self._page(request, "people.html", {"people": people})

    async def inbox(self, request: web.Request) -> web.Response:
        """What has arrived, newest first."""
        citizen = self._citizen(request)
        self._world.ledger.settle()
        now = time.time()
        arrived = self._arrived(citizen)
        context = {
            "citizen": _person(citizen),
            "rows": [_row(message, now) for message in reversed(arrived[-_SHOWN:])],
            "services": self._services(citizen),
            # Only for who asks: a page that reloads by itself is a barrier (WCAG 2.2.1).
            "refresh": _RELOAD_SECONDS if "live" in request.query else 0,
        }
        return self._page(request, "inbox.html", context)

    async def message(self, request: web.Request) -> web.Response:
        """One message, or the precondition that stands before it."""
        citizen, message = self._opened(request)
        if not self._fetcher.asks_first(message):
            return await self._letter(request, citizen, message)
        view = await self._fetcher.precondition(message)
        if view.status != 200:
            return self._trouble(request, citizen, message, view)
        context = {
            "citizen": _person(citizen),
            "message": _row(message, time.time()),
            "title": view.title,
            # Cleaned by nh3 just before.
            "body": mark_safe(markdown.draw(view.markdown)),  # noqa: S308
        }
        return self._page(request, "precondition.html", context)

    async def content(self, request: web.Request) -> web.Response:
        """The message after its precondition."""
        citizen, message = self._opened(request)
        return await self._letter(request, citizen, message)

    async def _letter(self, request: web.Request, citizen: Citizen, message: Message) -> web.Response:
        """The message as its institution tells it now; showing it marks it as read."""
        view = await self._fetcher.detail(message)
        if view.status != 200:
            return self._trouble(request, citizen, message, view)
        self._world.ledger.open(message)
        message.file_names = {file.url.removeprefix("/"): file.name for file in view.files}
        language = "en" if citizen.languages[:1] == ["en_GB"] else "it"
        letter = read_letter(view.markdown, language)
        context = {
            "citizen": _person(citizen),
            "message": {**_row(message, time.time()), "subject": view.title},
            "files": [{"name": name, "url": url} for url, name in message.file_names.items()],
            "remote": _is_remote(message),
            "due": _due(message),
            "broken": letter.broken,
            "raw": view.markdown,
            # Cleaned by nh3 just before.
            "body": mark_safe(markdown.draw(letter.body)),  # noqa: S308
            "buttons": letter.buttons,
            "payment": self._payment(message),
            "service": {
                "slug": message.service.slug,
                "name": message.service.name,
                "allowed": citizen.allows(message.service),
            },
        }
        return self._page(request, "message.html", context)

    async def attachment(self, request: web.Request) -> web.Response:
        """A file of a message; one that is not ready is asked for again, as the app does."""
        citizen, message = self._opened(request)
        url = request.match_info["url"]
        if request.query_string:
            url = f"{url}?{request.query_string}"
        view = await self._fetcher.attachment(message, url)
        if view.status != 200:
            return self._trouble(request, citizen, message, view, file=message.file_names.get(url, "Allegato"))
        name = quote(message.file_names.get(url, "allegato.pdf"))
        return web.Response(
            body=view.content,
            headers={
                "Content-Type": "application/pdf",
                "Content-Disposition": f"inline; filename*=UTF-8''{name}",
                "X-Content-Type-Options": "nosniff",
                "Cache-Control": "no-store",
            },
        )

    def _trouble(
        self, request: web.Request, citizen: Citizen, message: Message, view: View, file: str = ""
    ) -> web.Response:
        """What the app shows instead of the message or of a file."""
        context = {
            "citizen": _person(citizen),
            "message": _row(message, time.time()),
            "view": view,
            "wait": "1 secondo" if view.wait == 1 else f"{view.wait} secondi",
            "file": file,
            "again": request.path_qs,
            "refresh": view.wait,
        }
        return self._page(request, "trouble.html", context)

    async def pay(self, request: web.Request) -> web.Response:
        """The citizen pays the notice of a message."""
        citizen, message = self._opened(request)
        if message.notice is not None:
            self._world.ledger.pay(message.notice)
        raise web.HTTPSeeOther(f"/phone/{citizen.slug}/{message.id}")

    async def choose(self, request: web.Request) -> web.Response:
        """The citizen switches a service on or off."""
        citizen = self._citizen(request)
        service = self._world.directory.services.get(request.match_info["service"])
        if service is None:
            raise self._nothing()
        form = await request.post()
        self._world.choose(citizen, service, form.get("allowed") == "yes")
        back = str(form.get("message", ""))
        known = any(message.id == back for message in self._arrived(citizen))
        raise web.HTTPSeeOther(f"/phone/{citizen.slug}" + (f"/{back}" if known else ""))

    def _citizen(self, request: web.Request) -> Citizen:
        citizen = self._world.registry.by_slug(request.match_info["slug"])
        if citizen is None:
            raise self._nothing()
        return citizen

    def _opened(self, request: web.Request) -> tuple[Citizen, Message]:
        citizen = self._citizen(request)
        self._world.ledger.settle()
        message = self._world.ledger.messages.get(request.match_info["message"])
        if message is None or message.fiscal_code != citizen.fiscal_code or message.status != PROCESSED:
            raise self._nothing()
        return citizen, message

    def _arrived(self, citizen: Citizen) -> list[Message]:
        sent = self._world.ledger.by_citizen.get(citizen.fiscal_code, [])
        return [message for message in sent if message.status == PROCESSED]

    def _unread(self, citizen: Citizen, now: float) -> str:
        unread = sum(not message.is_read(now) for message in self._arrived(citizen))
        if not unread:
            return ""
        return "1 nuovo messaggio" if unread == 1 else f"{unread} nuovi messaggi"

    def _services(self, citizen: Citizen) -> list[dict[str, Any]]:
        return [
            {
                "slug": service.slug,
                "name": service.name,
                "organization": service.account.organization_name,
                "allowed": citizen.allows(service),
            }
            for service in self._world.directory.services.values()
        ]

    def _payment(self, message: Message) -> dict[str, Any] | None:
        payment = message.new.payment
        if payment is None or message.notice is None:
            return None
        number = payment["notice_number"]
        return {
            "number": " ".join(number[start : start + 4] for start in range(0, len(number), 4)),
            "amount": _euros(payment["amount"]),
            "paid": self._world.ledger.is_paid(message.notice, time.time()),
        }

    def _page(self, request: web.Request, template: str, context: dict[str, Any]) -> web.Response:
        host = request.url.host or "127.0.0.1"
        if ":" in host:
            host = f"[{host}]"
        control = f"http://{host}:{self._control_port}/control"
        return page(template, {**context, "control": control})

    def _nothing(self) -> web.HTTPNotFound:
        shown = page("nothing.html", {})
        return web.HTTPNotFound(
            text=shown.body.decode() if isinstance(shown.body, bytes) else "",
            headers={k: v for k, v in shown.headers.items() if k != "Content-Type"},
            content_type="text/html",
        )


def _person(citizen: Citizen) -> dict[str, str]:
    return {"slug": citizen.slug, "name": citizen.name, "story": citizen.story}


def _is_remote(message: Message) -> bool:
    third_party = message.new.third_party
    return third_party is not None and bool(third_party["has_remote_content"])


def _row(message: Message, now: float) -> dict[str, Any]:
    moment = datetime.fromtimestamp(message.settled or message.received, UTC).astimezone(_ROME)
    return {
        "id": message.id,
        "subject": message.new.content["subject"],
        "organization": message.service.account.organization_name,
        "service": message.service.name,
        "unread": not message.is_read(now),
        "moment": f"{moment.day} {_MONTHS[moment.month - 1]} {moment.year}, {moment:%H:%M}",
        "short": _short(moment, datetime.fromtimestamp(now, _ROME)),
    }


def _short(moment: datetime, now: datetime) -> str:
    if moment.date() == now.date():
        return f"{moment:%H:%M}"
    return f"{moment.day} {_MONTHS[moment.month - 1]}"


def _due(message: Message) -> dict[str, Any] | None:
    text = message.new.content.get("due_date")
    due = checks.parse_moment(text) if isinstance(text, str) else None
    if due is None:
        return None
    # The app uses the zone of the device; an Italian phone here.
    local = due.astimezone(_ROME)
    return {"past": due < datetime.now(UTC), "when": f"{local:%d/%m/%Y} alle {local:%H:%M}"}


def _euros(cents: int) -> str:
    whole, rest = divmod(cents, 100)
    return f"{whole:,}".replace(",", ".") + f",{rest:02d} €"
