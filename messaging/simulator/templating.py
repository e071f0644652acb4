"""HTML pages: the simulator's own templates, headers and files."""

import importlib.util
import re
from pathlib import Path
from typing import Any, Final

from aiohttp import web
from django.conf import settings
from django.template import Engine

_ROOT: Final = Path(__file__).resolve().parents[2]
_HEADERS: Final = {
    "Content-Type": "text/html; charset=utf-8",
    "Content-Security-Policy": ("default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
_FONT: Final = re.compile(r"titillium-web-v10-latin-ext_latin-(?:regular|600|700)\.woff2")
_engine: Final = Engine(dirs=[str(_ROOT / "templates")])


def prepare_templates() -> None:
    """Django's templates want settings; without a project around, the bare ones do."""
    if not settings.configured:
        settings.configure(USE_I18N=False)


def page(template: str, context: dict[str, Any], status: int = 200) -> web.Response:
    """A page; a lone surrogate of some message must not take it down."""
    text = _engine.render_to_string(f"simulator/{template}", context)
    return web.Response(body=text.encode("utf-8", "replace"), status=status, headers=_HEADERS)


async def stylesheet(request: web.Request) -> web.Response:
    """The one stylesheet."""
    body = (Path(__file__).parent / "static" / "simulator.css").read_bytes()
    return web.Response(body=body, headers={"Content-Type": "text/css; charset=utf-8"})


async def no_icon(request: web.Request) -> web.Response:
    """Browsers ask for it on their own."""
    return web.Response(status=204)


async def font(request: web.Request) -> web.StreamResponse:
    """Titillium Web from the design kit; without it the page falls back to the system's font."""
    name = request.match_info["name"]
    kit = importlib.util.find_spec("bootstrap_italia_template")
    if _FONT.fullmatch(name) is None or kit is None or kit.origin is None:
        raise web.HTTPNotFound
    path = Path(kit.origin).parent / "static" / "fonts" / "Titillium_Web" / name
    if not path.is_file():
        raise web.HTTPNotFound
    return web.FileResponse(path, headers={"Content-Type": "font/woff2"})


def add_static(router: web.UrlDispatcher) -> None:
    """Files that both listeners serve themselves."""
    router.add_get("/favicon.ico", no_icon)
    router.add_get("/static/simulator/simulator.css", stylesheet)
    router.add_get("/static/simulator/fonts/{name}", font)


@web.middleware
async def own_pages_only(request: web.Request, handler: Any) -> web.StreamResponse:
    """Other sites open in the same browser may not press these buttons."""
    if request.method in ("POST", "DELETE"):
        site = request.headers.get("Sec-Fetch-Site", "none")
        if site not in ("none", "same-origin"):
            raise web.HTTPForbidden(text="This form belongs to another site.")
    answer: web.StreamResponse = await handler(request)
    return answer
