"""Answers as the platform writes them: two shapes of error, and none at all (notes, 1.1 and 1.5)."""

import json
from typing import Final

from aiohttp import web

# The functions add a helmet-like set to whatever they answer (notes, 1.1).
FUNCTION_HEADERS: Final = {
    "Strict-Transport-Security": "max-age=15552000; includeSubDomains",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Content-Security-Policy": "default-src 'none'",
}
_JSON_HEADERS: Final = {"Content-Type": "application/json; charset=utf-8", **FUNCTION_HEADERS}
_PROBLEM_HEADERS: Final = {
    "Content-Type": "application/problem+json; charset=utf-8",
    **FUNCTION_HEADERS,
}
_GATEWAY_HEADERS: Final = {"Content-Type": "application/json"}


def dumps(value: object) -> bytes:
    """JSON in UTF-8; a lone surrogate stays an escape, as `JSON.stringify` leaves it."""
    try:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
    except UnicodeEncodeError:
        return json.dumps(value, separators=(",", ":")).encode()


def success(status: int, body: object, location: str | None = None) -> web.Response:
    """An answer of a function that went well."""
    response = web.Response(status=status, body=dumps(body), headers=_JSON_HEADERS)
    if location is not None:
        response.headers["Location"] = location
    return response


def gateway_error(status: int, message: str) -> web.Response:
    """The gateway's own shape: `statusCode` and `message`, never problem+json (notes, 1.5)."""
    body = dumps({"statusCode": status, "message": message})
    return web.Response(status=status, body=body, headers=_GATEWAY_HEADERS)


def bare(status: int, reason: str) -> web.Response:
    """An empty body whose only words are the reason phrase (notes, 1.1, client certificates)."""
    return web.Response(status=status, reason=reason)


class RefusalError(Exception):
    """A problem+json of the functions: exactly title, status and detail (notes, 1.5)."""

    def __init__(self, status: int, title: str, detail: str) -> None:
        super().__init__(title)
        self.status = status
        self.title = title
        self.detail = detail

    def response(self) -> web.Response:
        """The refusal as an answer."""
        body = dumps({"title": self.title, "status": self.status, "detail": self.detail})
        return web.Response(status=self.status, body=body, headers=_PROBLEM_HEADERS)


def internal_error(detail: str) -> RefusalError:
    """500 of the functions, with free text (notes, 1.6)."""
    return RefusalError(500, "Internal server error", detail)


def query_error(detail: str) -> RefusalError:
    """500 for a failed query; the stray `$` is the platform's own (notes, 1.6)."""
    title = "Query error (COSMOS_ERROR_RESPONSE)$ (503/Service Unavailable)"
    return RefusalError(500, title, detail)


class HungUpError(Exception):
    """The connection is closed and nobody answers."""


class LateError(Exception):
    """The answer is ready but kept back for some seconds."""

    def __init__(self, response: web.Response, seconds: float) -> None:
        super().__init__(seconds)
        self.response = response
        self.seconds = seconds
