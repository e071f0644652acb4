"""Calls to IO's services around LolliPoP: one GET, an answer or the reason why there is none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from urllib3.util import parse_url

from messaging.appio.answers import NotSent
from messaging.appio.transport import NETWORK_ERRORS, Connection, failure

_HEADERS = {"Accept-Encoding": "identity", "User-Agent": "ioportal"}


@dataclass(frozen=True, slots=True)
class Answer:
    """Status code and whole body."""

    status: int
    body: bytes


@dataclass(frozen=True, slots=True)
class Unanswered:
    """No answer, or none that can be read; `reason` is a word for the log."""

    reason: str


class Fetcher:
    """Makes calls to one base address; any number of threads may share it.

    Time-outs are in seconds: for connecting, and for the whole answer. Each call has a connection of its own, as they
    are few and one that the other side closed meanwhile would cost the citizen a second attempt. No redirect is
    followed.
    """

    def __init__(self, base_url: str, connect_timeout: float, read_timeout: float) -> None:
        self._base_url, self._timeouts = base_url, (connect_timeout, read_timeout)
        self._path = (parse_url(base_url).path or "").rstrip("/")

    def get(self, place: str, headers: Mapping[str, str], limit: int) -> Answer | Unanswered:
        """Get a path below the base address, already quoted; a body of more than `limit` bytes is not read."""
        connection = Connection(self._base_url, *self._timeouts)
        try:
            response = connection.call("GET", self._path + place, {**_HEADERS, **headers}, None)
            body = response.read(limit + 1)
        except NETWORK_ERRORS as error:
            reason = failure(error)
            return Unanswered(f"not_sent:{reason.reason}" if isinstance(reason, NotSent) else reason.reason)
        finally:
            connection.close()
        return Answer(response.status, body) if len(body) <= limit else Unanswered("too_long")
