"""What the app asked IO for: a message that an institution hosts, on one of IO's addresses (platform notes, A5, 2)."""

from __future__ import annotations

import re
from collections.abc import Collection
from urllib.parse import SplitResult, urlsplit

from messaging.hosting.lollipop.errors import Code, Unproved

#: Where the app calls IO: the hosts in the app's published settings and in the published set-up of IO's gateway.
HOSTS = frozenset({"app-backend.io.italia.it", "api-app.io.pagopa.it"})

_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_PATH = re.compile(
    r"/api/(?:communication/)?v1/third-party-messages/(?P<message>[\w-]{1,64})(?:/precondition|/attachments/.+)?",
    re.ASCII,
)


def message_id(method: str, url: str, hosts: Collection[str]) -> str:
    """Return IO's own id of the message that the app asked for.

    `hosts` are host names, in lower case, without port. They are reached by https; one of the machine itself may be
    reached by http, and on any port, so that a demonstration can run. Raises `Unproved` with wrong_method or
    wrong_url.
    """
    if method != "GET":
        raise Unproved(Code.WRONG_METHOD)
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise Unproved(Code.WRONG_URL) from error
    path = _PATH.fullmatch(parts.path)
    if path is None or _is_devious(parts) or not _is_of_io(parts, port, hosts):
        raise Unproved(Code.WRONG_URL)
    return path["message"]


def _is_devious(parts: SplitResult) -> bool:
    steps = parts.path.split("/")
    return "." in steps or ".." in steps or "\\" in parts.geturl() or "@" in parts.netloc or bool(parts.fragment)


def _is_of_io(parts: SplitResult, port: int | None, hosts: Collection[str]) -> bool:
    if parts.hostname not in hosts:
        return False
    return parts.hostname in _LOOPBACK or (parts.scheme == "https" and port in {None, 443})
