"""A counterpart that is much faster than what is measured against it, and a client that shows how fast it is.

`python -m benchmarks.counterpart PORT_FILE` answers profiles, messages and their statuses without a limit and without
looking at them, and GET /control/calls as the simulator does. Where the figure is our own speed, the simulator would
be what is measured.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from pathlib import Path

_PROFILE = b'{"sender_allowed":true,"preferred_languages":["it_IT"]}'
_HEAD = b"HTTP/1.1 %s\r\nContent-Type: application/json; charset=utf-8\r\nContent-Length: %d\r\n\r\n%s"
_STATE = (
    b'{"message":{"id":"%s","fiscal_code":"AAAAAA00A00A000A","sender_service_id":"01","created_at":'
    b'"2026-01-01T00:00:00.000Z"},"notification":{"email":"SENT","webhook":"SENT"},"status":"PROCESSED"}'
)
#: Load for the ceiling: so many connections, each with one call under way, for so long (seconds).
_CONNECTIONS, _SECONDS = 16, 3.0


class Counterpart(asyncio.Protocol):
    """One connection; calls are taken as they come, bodies are skipped."""

    counts = {"profile": 0, "submit": 0, "get": 0}
    _fixed = _HEAD % (b"200 OK", len(_PROFILE), _PROFILE)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        self._waiting = b""

    def data_received(self, data: bytes) -> None:
        data = self._waiting + data if self._waiting else data
        while (end := data.find(b"\r\n\r\n")) >= 0:
            size = end + 4 + _length(data, end)
            if len(data) < size:
                break
            self._transport.write(self._answer(data))  # type: ignore[attr-defined]
            data = data[size:]
        self._waiting = data

    def _answer(self, data: bytes) -> bytes:
        counts = self.counts
        if data.startswith(b"POST /api/v1/profiles"):
            counts["profile"] += 1
            return self._fixed
        if data.startswith(b"POST /api/v1/messages"):
            counts["submit"] += 1
            body = b'{"id":"01K%023d"}' % counts["submit"]
            return _HEAD % (b"201 Created", len(body), body)
        if data.startswith(b"GET /control/calls"):
            operations = {name: {"200": count} for name, count in counts.items()}
            account = {"calls": sum(counts.values()), "throttled": 0}
            body = json.dumps({"operations": operations, "accounts": {"valdoria": account}}).encode()
            return _HEAD % (b"200 OK", len(body), body)
        counts["get"] += 1
        body = _STATE % data.split(b" ", 2)[1].rpartition(b"/")[2]
        return _HEAD % (b"200 OK", len(body), body)


def _length(data: bytes, end: int) -> int:
    if data.startswith(b"GET"):
        return 0
    at = data.lower().find(b"content-length:", 0, end)
    return int(data[at + 15 : data.index(b"\r\n", at)]) if at >= 0 else 0


async def serve(port_file: Path) -> None:
    """Listen on a free port until the process ends."""
    server = await asyncio.get_running_loop().create_server(Counterpart, "127.0.0.1", 0)
    draft = port_file.with_suffix(".draft")
    draft.write_text(str(server.sockets[0].getsockname()[1]))
    draft.replace(port_file)
    await server.serve_forever()


async def ceiling(port: int) -> float:
    """Calls a second that the counterpart answers to a client that does next to nothing."""
    body = json.dumps({"fiscal_code": "A" * 16, "content": {"subject": "s" * 40, "markdown": "m" * 200}}).encode()
    request = (
        b"POST /api/v1/messages HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: ioportal\r\nAccept: application/json\r\n"
        b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)
    )
    until = time.monotonic() + _SECONDS
    done = await asyncio.gather(*(_call(port, request, until) for _ in range(_CONNECTIONS)))
    return sum(done) / _SECONDS


async def _call(port: int, request: bytes, until: float) -> int:
    loop = asyncio.get_running_loop()
    ended: asyncio.Future[int] = loop.create_future()
    await loop.create_connection(lambda: _Caller(request, until, ended), "127.0.0.1", port)
    return await ended


class _Caller(asyncio.Protocol):
    def __init__(self, request: bytes, until: float, ended: asyncio.Future[int]) -> None:
        self._request, self._until, self._ended, self._count = request, until, ended, 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        transport.write(self._request)  # type: ignore[attr-defined]

    def data_received(self, data: bytes) -> None:
        self._count += 1
        if time.monotonic() < self._until:
            self._transport.write(self._request)  # type: ignore[attr-defined]
            return
        self._transport.close()
        if not self._ended.done():
            self._ended.set_result(self._count)


def main() -> None:
    """Serve, or with `--ceiling PORT` load the one that serves there and print its calls a second."""
    if sys.argv[1] == "--ceiling":
        print(asyncio.run(ceiling(int(sys.argv[2]))))  # noqa: T201
        return
    try:
        asyncio.run(serve(Path(sys.argv[1])))
    except KeyboardInterrupt:
        os._exit(0)


if __name__ == "__main__":
    main()
