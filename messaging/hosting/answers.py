"""What IO is answered: exactly the statuses and bodies of the contract (platform notes, A3.3 and A3.5)."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from http import HTTPStatus

_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))
#: What is served is for one person: nothing on the way may keep it.
_ALWAYS = (("Cache-Control", "no-store"),)
_LINES = {status.value: f"{status.value} {status.phrase}" for status in HTTPStatus}
#: Statuses for which the contract has no body.
_WITHOUT_BODY = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN})


@dataclass(frozen=True, slots=True)
class Answer:
    """A status, its headers and the body: bytes, or what WSGI sends piece by piece."""

    status: int
    headers: list[tuple[str, str]]
    body: Iterable[bytes]

    @property
    def line(self) -> str:
        """The status as WSGI wants it."""
        return _LINES[self.status]


def content(value: dict[str, object]) -> Answer:
    """200 with a detail or a precondition."""
    body = _ENCODER.encode(value).encode()
    return _with_body(HTTPStatus.OK, "application/json; charset=utf-8", body)


def file(pieces: Iterable[bytes], size: int) -> Answer:
    """200 with the bytes of a file."""
    headers = [("Content-Type", "application/octet-stream"), ("Content-Length", str(size)), *_ALWAYS]
    return Answer(HTTPStatus.OK, headers, pieces)


def refusal(status: HTTPStatus, detail: str = "", *more: tuple[str, str]) -> Answer:
    """Any status but 200, with a problem for its body where the contract has one.

    ``detail`` is a sentence for engineers, in which nothing of the request stands; ``more`` are headers. The
    ``instance`` is new each time: the same 404 says nothing of why.
    """
    if status in _WITHOUT_BODY:
        return Answer(status, [("Content-Length", "0"), *_ALWAYS, *more], (b"",))
    problem: dict[str, object] = {
        "type": "about:blank",
        "title": status.phrase,
        "status": status.value,
        "detail": detail,
        "instance": f"urn:uuid:{uuid.uuid4()}",
    }
    answer = _with_body(status, "application/problem+json", _ENCODER.encode(problem).encode())
    answer.headers.extend(more)
    return answer


def _with_body(status: HTTPStatus, content_type: str, body: bytes) -> Answer:
    return Answer(status, [("Content-Type", content_type), ("Content-Length", str(len(body))), *_ALWAYS], (body,))
