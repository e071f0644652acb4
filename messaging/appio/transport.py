"""A kept-alive connection that knows whether anything was written, and never waits for ever.

It is urllib3's connection without its pool, or a session of requests around that: each thread has one peer and one
connection, and half of the time of a call went into choosing it. A refused connection and one closed by the peer after
the request are told apart by the connection itself: only where it says that it did not come about is it proved that
nothing was written.
"""

from __future__ import annotations

import errno
import http.client
import io
import logging
import math
import socket
import ssl
import time
import weakref
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any

import certifi
from urllib3 import BaseHTTPResponse
from urllib3 import exceptions as causes
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.util import parse_url

from messaging.appio.answers import NotSent, Unanswered
from messaging.appio.fiscal_codes import mask

#: What a call may raise because of the network or of the other side.
NETWORK_ERRORS = (causes.HTTPError, http.client.HTTPException, OSError)

_NO_ROUTE = frozenset({errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN, errno.EHOSTDOWN, errno.EADDRNOTAVAIL})


class NotConnectedError(causes.NewConnectionError):
    """Raised only while connecting, TLS handshake included: no byte of a request has been written."""

    def __init__(self, connection: HTTPConnection, reason: str) -> None:
        super().__init__(connection, reason)
        self.reason = reason


def failure(error: BaseException) -> NotSent | Unanswered:
    """Say what an exception of `NETWORK_ERRORS` proves.

    `NotSent` when the connection never came about; anything else, and anything doubtful, is `Unanswered`.
    """
    chain = list(_causes(error))
    for cause in chain:
        if isinstance(cause, NotConnectedError):
            return NotSent(cause.reason)
    return Unanswered(_broken_reason(chain))


def _causes(error: BaseException) -> Iterator[BaseException]:
    # Not __context__: it may lead to an older error that a caller was handling when this one came up.
    pending: list[object] = [error]
    seen: set[int] = set()
    while pending:
        found = pending.pop(0)
        if isinstance(found, BaseException) and id(found) not in seen:
            seen.add(id(found))
            yield found
            pending += [found.__cause__, getattr(found, "reason", None), *found.args]


def _broken_reason(chain: list[BaseException]) -> str:
    words = (
        ("time_out", (TimeoutError, causes.TimeoutError)),
        ("tls", (ssl.SSLError, causes.SSLError)),
        ("closed", (http.client.RemoteDisconnected, BrokenPipeError)),
        ("reset", (ConnectionError,)),
    )
    return next((word for word, kinds in words if any(isinstance(c, kinds) for c in chain)), "unreadable")


def _connect_reason(error: Exception) -> str:
    chain = list(_causes(error))
    if any(isinstance(c, causes.NameResolutionError | socket.gaierror | causes.LocationParseError) for c in chain):
        return "dns"
    if any(isinstance(c, ConnectionRefusedError) for c in chain):
        return "refused"
    if any(isinstance(c, ssl.SSLError | ssl.CertificateError | causes.SSLError) for c in chain):
        return "tls"
    if any(isinstance(c, TimeoutError) for c in chain):
        return "connect_time_out"
    if any(isinstance(c, OSError) and c.errno in _NO_ROUTE for c in chain):
        return "no_route"
    return "connect"


class _TimedReader(io.RawIOBase):
    """Reads a socket until a deadline: its own time-out counts from one byte to the next, for ever if they trickle."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._file = sock.makefile("rb", buffering=0)
        self._deadline = time.monotonic() + (sock.gettimeout() or math.inf)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("the answer takes too long")
        if left < math.inf:
            self._sock.settimeout(left)
        return self._file.readinto(buffer)

    def close(self) -> None:
        if not self.closed:
            self._file.close()
        super().close()


class _TimedSocket:
    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock

    def makefile(self, _mode: str) -> io.BufferedReader:
        return io.BufferedReader(_TimedReader(self._sock))


class _TimedResponse(http.client.HTTPResponse):
    """An answer whose head and body together arrive within the read time-out, or not at all."""

    def __init__(self, sock: Any, *args: Any, **kwargs: Any) -> None:
        super().__init__(_TimedSocket(sock), *args, **kwargs)  # type: ignore[arg-type]  # only makefile is used


class _PlainConnection(HTTPConnection):
    response_class = _TimedResponse

    def connect(self) -> None:
        try:
            super().connect()
        except Exception as error:
            self.close()
            raise NotConnectedError(self, _connect_reason(error)) from error


class _SecureConnection(HTTPSConnection):
    response_class = _TimedResponse

    def connect(self) -> None:
        try:
            super().connect()
        except Exception as error:
            self.close()
            raise NotConnectedError(self, _connect_reason(error)) from error


class Connection:
    """The connection of one thread to one address; it is opened when it is needed, and again when the peer left.

    No proxy or setting is taken from the environment, no redirect followed, nothing retried, no cookie kept.
    ``base_url`` gives scheme, host and port; time-outs are in seconds.
    """

    def __init__(self, base_url: str, connect_timeout: float, read_timeout: float) -> None:
        url = parse_url(base_url)
        self._connect_timeout, self._read_timeout = connect_timeout, read_timeout
        self._wire: HTTPConnection
        if url.scheme == "https":
            self._wire = _SecureConnection(url.hostname or "", url.port, ca_certs=certifi.where())
        else:
            self._wire = _PlainConnection(url.hostname or "", url.port)
        # A thread that ends takes its connection along.
        weakref.finalize(self, self._wire.close)

    def call(self, method: str, target: str, headers: Mapping[str, str], body: bytes | None) -> BaseHTTPResponse:
        """Send a request and return the answer, its body not yet read; raises one of NETWORK_ERRORS."""
        wire = self._wire
        try:
            if not wire.is_connected:
                wire.close()
                wire.timeout = self._connect_timeout
                wire.connect()
                wire.timeout = self._read_timeout
            wire.sock.settimeout(self._read_timeout)
            # The peer may have answered before it had read everything.
            with suppress(BrokenPipeError):
                wire.request(method, target, body=body, headers=headers, preload_content=False)
            return wire.getresponse()
        except BaseException:
            wire.close()
            raise

    def close(self) -> None:
        """Close it; the next call opens it again."""
        self._wire.close()


class _Masking(logging.Filter):
    """Masks what urllib3 logs: it puts addresses into its messages, and IO's addresses hold fiscal codes."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg, record.args = mask(record.getMessage()), ()
        record.exc_info = record.exc_text = None
        return True


_MASKING = _Masking()
for _name in ("urllib3.connection", "urllib3.connectionpool"):
    logging.getLogger(_name).addFilter(_MASKING)
