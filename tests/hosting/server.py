"""The process that IO fetches from, started by the command of production on the database of the test."""

from __future__ import annotations

import http.client
import os
import signal
import socket
import subprocess
import time
from pathlib import Path
from urllib.parse import urlsplit

from django.db import connection

from ioportal.processes import free_port
from messaging.management.commands import run_portal
from tests.hosting.scene import Reply
from tests.simulator_process import REPOSITORY

_PATIENCE = 30.0


class HostingProcess:
    """gunicorn with ``ioportal.hosting_wsgi``; ``data`` holds the folder of the files, ``media``."""

    def __init__(self, data: Path) -> None:
        self.port = free_port()
        self._log = data / "hosting.log"
        variables = dict(os.environ) | {"DATABASE_URL": _database(), "DATA_DIR": str(data), "LOG_LEVEL": "WARNING"}
        variables.pop("DJANGO_SETTINGS_MODULE", None)
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                run_portal._hosting(self.port), cwd=REPOSITORY, env=variables, stdout=log, stderr=log
            )
        until = time.monotonic() + _PATIENCE
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > until:
                self.stop()
                raise AssertionError(f"hosting does not come up: {self.log}")
            time.sleep(0.05)

    @property
    def log(self) -> str:
        """What it has printed."""
        return self._log.read_text(errors="replace")

    def _answers(self) -> bool:
        try:
            return self.get("/").status == 401
        except OSError:
            return False

    def get(self, path: str, *headers: tuple[str, str], method: str = "GET", port: int = 0) -> Reply:
        """Ask over HTTP, with exactly these headers; redirects are answers. ``port`` is that of a proxy before it."""
        asking = http.client.HTTPConnection("127.0.0.1", port or self.port, timeout=20)
        try:
            asking.putrequest(method, path, skip_accept_encoding=True)
            for name, value in headers:
                asking.putheader(name, value)
            asking.endheaders()
            answer = asking.getresponse()
            return Reply(answer.status, dict(answer.getheaders()), answer.read())
        finally:
            asking.close()

    def send(self, request: bytes) -> bytes:
        """Send these bytes; returns all that comes back until the connection is closed."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=20) as asking:
            asking.sendall(request)
            found = b""
            while piece := asking.recv(65536):
                found += piece
            return found

    def stop(self, number: int = signal.SIGTERM) -> int:
        """End it as a deployment does; returns the exit status."""
        if self._process.poll() is None:
            self._process.send_signal(number)
        try:
            return self._process.wait(30)
        except subprocess.TimeoutExpired:
            self._process.kill()
            return self._process.wait()


def _database() -> str:
    name = connection.settings_dict["NAME"]
    if connection.vendor == "sqlite":
        return f"sqlite:///{name}"
    return urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{name}").geturl()
