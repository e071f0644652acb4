"""The two shapes of the platform's error bodies, and the headers that come with them (IO messages API notes, 1.1)."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from messaging.appio.fiscal_codes import mask

_TEXT_LIMIT = 300
_WAIT_DEFAULT = 5.0
_WAIT_MIN = 1.0
_WAIT_MAX = 300.0
_SECONDS = re.compile(r"\b([0-9]{1,9}) second", re.IGNORECASE)


class Shape(Enum):
    """Who wrote a body: a function of the platform, the gateway before it, or neither."""

    PROBLEM = "problem"
    GATEWAY = "gateway"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Body:
    """An error body: its title (the gateway's message) and detail, masked and shortened."""

    kind: Shape
    title: str = ""
    detail: str = ""


def parse_json(body: bytes | None) -> object:
    """Return the value of a JSON body, or None when it is not there, broken, or nested beyond reason."""
    if not body:
        return None
    try:
        found: object = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return found


def read_body(body: bytes | None) -> Body:
    """Tell problem+json (`title`) from the gateway's `{"statusCode", "message"}` and from anything else.

    The functions never send `instance` (notes, 1.5): a body that has it comes from somebody else's server.
    """
    found = parse_json(body)
    if not isinstance(found, dict):
        return Body(Shape.NONE)
    if isinstance(found.get("title"), str) and "instance" not in found:
        return Body(Shape.PROBLEM, _clean(found["title"]), _clean(found.get("detail")))
    if "statusCode" in found and isinstance(found.get("message"), str):
        return Body(Shape.GATEWAY, _clean(found["message"]))
    return Body(Shape.NONE)


def _clean(text: object) -> str:
    # Masked before it is cut: half a fiscal code would no longer be recognised.
    return mask(" ".join(text.split()))[:_TEXT_LIMIT] if isinstance(text, str) else ""


def header(headers: Mapping[str, str], name: str) -> str:
    """Return a header's value whatever its case, or an empty string; `name` in lower case."""
    return next((value for key, value in headers.items() if key.lower() == name), "")


def retry_after(headers: Mapping[str, str], body: Body) -> float:
    """Return how many seconds a 429 asks to wait, between 1 and 300, and 5, the window, when it does not say.

    x-rate-limit-retry-after comes first, then the message; it replaces Retry-After (notes, 6.2).
    """
    spoken = _SECONDS.search(body.title) or _SECONDS.search(body.detail)
    sources = (
        header(headers, "x-rate-limit-retry-after"),
        spoken[1] if spoken else "",
        header(headers, "retry-after"),
    )
    wait = next((found for source in sources if (found := _number(source)) is not None), _WAIT_DEFAULT)
    return min(max(wait, _WAIT_MIN), _WAIT_MAX)


def remaining(headers: Mapping[str, str]) -> int | None:
    """Return the calls left to the account in this window (x-rate-limit-remaining), or None."""
    found = _number(header(headers, "x-rate-limit-remaining"))
    return None if found is None or found < 0 else int(found)


def _number(text: str) -> float | None:
    try:
        found = float(text)
    except ValueError:
        return None
    return found if math.isfinite(found) else None
