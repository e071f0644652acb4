"""The client of the IO platform: one method per operation, typed answers, and no exception for any network trouble."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar
from urllib.parse import quote

from urllib3 import BaseHTTPResponse
from urllib3.util import parse_url

from messaging.appio import answers
from messaging.appio.answers import KeyRejected, MessageAnswer, NotSent, ProfileAnswer, SubmitAnswer, Unanswered
from messaging.appio.bodies import remaining
from messaging.appio.transport import NETWORK_ERRORS, Connection, failure

#: Answers are a few hundred bytes; more than this is not an answer of the platform.
BODY_LIMIT = 1024 * 1024
#: Seconds after which a connection may have been closed by the other side without our knowing.
IDLE_LIMIT = 4.0

_KEY_HEADER = "Ocp-Apim-Subscription-Key"
_USABLE_KEY = re.compile(r"[!-~]{1,512}")
_HEADERS = {
    "Accept": "application/json, application/problem+json",
    "Accept-Encoding": "identity",
    "User-Agent": "ioportal",
}

AnswerT = TypeVar("AnswerT", covariant=True)


@dataclass(frozen=True, slots=True)
class Reply(Generic[AnswerT]):
    """An answer with what came along: calls left in the account's window, status code, seconds the call took."""

    answer: AnswerT
    remaining: int | None
    status: int | None
    seconds: float


@dataclass(frozen=True, slots=True)
class _Raw:
    status: int
    headers: Mapping[str, str]
    body: bytes | None


class Client:
    """One client per thread and base address ("https://api.io.pagopa.it/api/v1"); not safe to share.

    Time-outs are in seconds: `connect_timeout` for the connection and for the TLS handshake, `read_timeout` for the
    whole answer from the last byte written to the last byte read. Resolving a name is left to the system. Nothing
    is retried here, no redirect is followed and no proxy is taken from the environment.
    """

    def __init__(self, base_url: str, connect_timeout: float = 5.0, read_timeout: float = 15.0) -> None:
        self._path = (parse_url(base_url).path or "").rstrip("/")
        self._connection = Connection(base_url, connect_timeout, read_timeout)
        self._last_used = time.monotonic()

    def submit(self, key: str, payload: Mapping[str, object]) -> Reply[SubmitAnswer]:
        """Send a message built by `payloads.build_payload` with a service's key (notes, 1.3).

        `NotSent`, `Refused`, `KeyRejected`, `Forbidden` and `Throttled` prove that nothing was created. After
        `Unanswered` nobody knows: there is no idempotency key, so it must not be repeated blindly (notes, 6.3).
        """
        return self.call("POST", "/messages", key, answers.read_submit, payload)

    def profile(self, key: str, fiscal_code: str) -> Reply[ProfileAnswer]:
        """Ask whether the key's service may write to a citizen; the fiscal code travels in the body (notes, 4)."""
        return self.call("POST", "/profiles", key, answers.read_profile, {"fiscal_code": fiscal_code})

    def message(self, key: str, fiscal_code: str, message_id: str) -> Reply[MessageAnswer]:
        """Ask where a message stands, with a key of the service that sent it (notes, 3)."""
        place = f"/messages/{quote(fiscal_code, safe='')}/{quote(message_id, safe='')}"
        return self.call("GET", place, key, answers.read_message)

    def call(
        self,
        method: str,
        place: str,
        key: str,
        read: Callable[[int, Mapping[str, str], bytes | None], AnswerT],
        value: Mapping[str, object] | None = None,
    ) -> Reply[AnswerT | KeyRejected | NotSent | Unanswered]:
        """Make one call: `place` under the base address, `value` as its JSON body, the answer as `read` sees it.

        For operations that have a module of their own; `read` takes status, headers and body as `answers` does.
        """
        if not _USABLE_KEY.fullmatch(key):
            return Reply(KeyRejected("malformed"), None, None, 0.0)
        headers, body = {**_HEADERS, _KEY_HEADER: key}, None
        if value is not None:
            headers["Content-Type"] = "application/json; charset=utf-8"
            body = json.dumps(value, separators=(",", ":"), allow_nan=False).encode("ascii")
        started = time.monotonic()
        if started - self._last_used > IDLE_LIMIT:
            # The peer may be closing it just now: a POST written there would be uncertain for nothing.
            self._connection.close()
        raw = self._exchange(method, self._path + place, headers, body)
        self._last_used = time.monotonic()
        seconds = self._last_used - started
        if not isinstance(raw, _Raw):
            return Reply(raw, None, None, seconds)
        answer = read(raw.status, raw.headers, raw.body)
        return Reply(answer, remaining(raw.headers), raw.status, seconds)

    def close(self) -> None:
        """Close the connection; the client can be used again."""
        self._connection.close()

    def _exchange(
        self, method: str, target: str, headers: Mapping[str, str], body: bytes | None
    ) -> _Raw | NotSent | Unanswered:
        try:
            response = self._connection.call(method, target, headers, body)
        except NETWORK_ERRORS as error:
            return failure(error)
        whole = _read_whole(response)
        if whole is None:
            self._connection.close()
        return _Raw(response.status, response.headers, whole)


def _read_whole(response: BaseHTTPResponse) -> bytes | None:
    """Return the body, or None when it breaks off or is too long: the status has been read and holds all the same."""
    try:
        body = response.read(BODY_LIMIT + 1, decode_content=True)
    except NETWORK_ERRORS:
        return None
    return body if len(body) <= BODY_LIMIT else None
