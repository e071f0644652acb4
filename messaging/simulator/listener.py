"""The API's listening socket, which can be closed and opened again on the same port."""

import asyncio
import contextlib
import socket

from aiohttp import web

from messaging.simulator.faults import Faults


class PortError(Exception):
    """A port cannot be listened on; the text is a sentence."""


def bind(host: str, port: int) -> socket.socket:
    """A bound TCP socket; port 0 lets the kernel choose."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        sock = socket.socket(family, kind, protocol)
    except OSError as error:
        raise PortError(f"cannot listen on {host}: {error.strerror}") from error
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(address)
        sock.listen(1024)
    except (OSError, OverflowError) as error:
        sock.close()
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise PortError(f"cannot listen on {host} port {port}: {reason}") from error
    return sock


class Listener:
    """Opens and closes the API port as the fault `refuse` says."""

    def __init__(self, runner: web.AppRunner, host: str, sock: socket.socket) -> None:
        self._runner = runner
        self._host = host
        self._sock: socket.socket | None = sock
        self._site: web.SockSite | None = None
        self._timer: asyncio.Task[None] | None = None
        self._lock = asyncio.Lock()
        self.port: int = sock.getsockname()[1]

    @property
    def open(self) -> bool:
        """Whether anybody is listening."""
        return self._site is not None

    async def start(self) -> None:
        """Listen."""
        if self._site is None:
            sock = self._sock or await self._bind_again()
            self._site = web.SockSite(self._runner, sock)
            self._sock = None
            await self._site.start()

    async def _bind_again(self) -> socket.socket:
        for _ in range(50):
            with contextlib.suppress(PortError):
                return bind(self._host, self.port)
            await asyncio.sleep(0.1)
        return bind(self._host, self.port)

    async def _stop(self) -> None:
        if self._site is not None:
            await self._site.stop()
            self._site = None
        server = self._runner.server
        if server is not None:
            # A kept-alive connection would get past a closed door.
            for connection in server.connections:
                connection.force_close()
                if connection.transport is not None:
                    connection.transport.abort()

    async def follow(self, faults: Faults) -> None:
        """Listen unless `refuse` is on; for a number of seconds if it has one."""
        async with self._lock:
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None
            refusals = [fault for fault in faults.active if fault.name == "refuse"]
            if not refusals:
                await self.start()
                return
            await self._stop()
            if refusals[-1].number > 0:
                self._timer = asyncio.create_task(self._relent(faults, refusals[-1].number))

    async def _relent(self, faults: Faults, seconds: float) -> None:
        await asyncio.sleep(seconds)
        self._timer = None
        for fault in [fault for fault in faults.active if fault.name == "refuse"]:
            faults.clear(fault.id)
        await self.follow(faults)
