"""Real servers on loopback that misbehave in one way each."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

Handler = Callable[[socket.socket, bytes], bool]


@dataclass
class Wire:
    """What a server saw: its port, the connections it took, the requests it read to their end."""

    port: int
    connections: int = 0
    requests: list[bytes] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/api/v1"


def read_request(connection: socket.socket) -> bytes:
    """Return one whole request, or nothing when the client closed the connection."""
    data = b""
    while b"\r\n\r\n" not in data:
        piece = connection.recv(65_536)
        if not piece:
            return b""
        data += piece
    head, _, body = data.partition(b"\r\n\r\n")
    length = 0
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            length = int(value)
    while len(body) < length:
        body += connection.recv(65_536)
    return head + b"\r\n\r\n" + body


def answer(status: int, body: bytes = b"", *headers: str, length: int | None = None) -> bytes:
    """Return the bytes of an answer; `length` to announce another length than that of `body`."""
    size = len(body) if length is None else length
    lines = [f"HTTP/1.1 {status} Reason", f"Content-Length: {size}", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def reset(connection: socket.socket) -> None:
    """Make the coming close a reset instead of an orderly end."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


@contextlib.contextmanager
def serving(handle: Handler) -> Iterator[Wire]:
    """Serve until the end of the block: `handle` gets each request and says whether to keep the connection."""
    listener = socket.create_server(("127.0.0.1", 0))
    listener.settimeout(0.05)
    wire = Wire(listener.getsockname()[1])
    stop = threading.Event()
    threads: list[threading.Thread] = []

    def converse(connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            connection.settimeout(5)
            while request := read_request(connection):
                wire.requests.append(request)
                if not handle(connection, request):
                    return

    def accept() -> None:
        while not stop.is_set():
            try:
                connection, _ = listener.accept()
            except TimeoutError:
                continue
            wire.connections += 1
            threads.append(threading.Thread(target=converse, args=(connection,), daemon=True))
            threads[-1].start()

    acceptor = threading.Thread(target=accept, daemon=True)
    acceptor.start()
    try:
        yield wire
    finally:
        stop.set()
        acceptor.join()
        listener.close()


def always(data: bytes, keep: bool = True) -> Handler:
    """Answer every request with the same bytes."""

    def handle(connection: socket.socket, _request: bytes) -> bool:
        connection.sendall(data)
        return keep

    return handle


def free_port() -> int:
    """Return a port on which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
