"""A whole running portal, as ``make run`` runs it, with folders, ports, database and queue of its own."""

from __future__ import annotations

import atexit
import fcntl
import itertools
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg

from tests import servers
from tests.settings import RUN_DIR, TOKEN
from tests.simulator_process import REPOSITORY, Desk

PASSWORD = "una frase lunga per la dimostrazione"
START_PATIENCE = 120.0
STOP_PATIENCE = 40.0

_numbers = itertools.count(1)
_WORDS = {
    "simulator": "simulate_io",
    "hosting": "ioportal.hosting_wsgi",
    "web": "gunicorn",
    "files": "-files\0--pool",
    "worker": "\0worker\0",
    "scheduler": "\0beat\0",
}
#: What a stack of this name runs on: whether PostgreSQL, and which broker.
_STACKS = {
    "sqlite+filesystem": (False, lambda: ""),
    "postgresql+redis": (True, servers.redis_url),
    "postgresql+rabbitmq": (True, servers.rabbitmq_url),
}


class PortalProcess:
    """``manage.py run_portal`` and what a test does to it.

    ``stack`` is one of sqlite+filesystem, postgresql+redis, postgresql+rabbitmq; without it the run's own
    DATABASE_URL and CELERY_BROKER_URL decide. Other settings are given as ``variables``. Unless it is to be ``fresh``
    it finds an empty database whose migrations have run once for all: each takes ten seconds of processor for them.
    """

    def __init__(self, folder: Path, *, stack: str | None = None, fresh: bool = False, **variables: str) -> None:
        self.folder = folder
        self.number = next(_numbers)
        folder.mkdir(parents=True)
        on_postgresql = os.environ.get("DATABASE_URL", "").startswith("postgres")
        self.broker_url = os.environ.get("CELERY_BROKER_URL", "")
        if stack is not None:
            on_postgresql, broker = _STACKS[stack]
            self.broker_url = broker()
        self.queue = f"ioportal_test_{TOKEN}_{self.number}"
        self._database = f"ioportal_test_{TOKEN}_{self.number}" if on_postgresql else ""
        self.port = _a_port_with_room()
        self.password = PASSWORD
        self.variables = self._variables(variables)
        self._process: subprocess.Popen[bytes] | None = None
        if self._database:
            template = "" if fresh else f' TEMPLATE "{_migrated_on_postgresql()}"'
            maintain(f'CREATE DATABASE "{self._database}"{template}')
        elif not fresh:
            (folder / "data").mkdir()
            shutil.copy(_migrated_on_sqlite(), folder / "data" / "ioportal.sqlite3")

    def _variables(self, given: dict[str, str]) -> dict[str, str]:
        ours = ("DJANGO_", "IOPORTAL_", "IO_", "PYTEST_")
        variables = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
        for name in ("DATABASE_URL", "CELERY_BROKER_URL", "LOG_LEVEL"):
            variables.pop(name, None)
        variables |= {
            "DATA_DIR": str(self.folder / "data"),
            "SECRETS_DIR": str(self.folder / "secrets"),
            "STATIC_ROOT": str(self.folder / "static"),
            "PORT": str(self.port),
            "DEMO_PASSWORD": self.password,
            "CELERY_QUEUE": self.queue,
            "PYTHONUNBUFFERED": "1",
        }
        if self._database:
            variables["DATABASE_URL"] = urlsplit(servers.postgresql_url())._replace(path=f"/{self._database}").geturl()
        if self.broker_url:
            variables["CELERY_BROKER_URL"] = self.broker_url
        return variables | given

    # Life

    @property
    def url(self) -> str:
        """The address of the portal, without a slash at its end."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def simulator(self) -> Desk:
        """The control desk of the portal's own simulator."""
        return Desk(f"http://127.0.0.1:{self.port + 100}/api/v1", f"http://127.0.0.1:{self.port + 101}")

    @property
    def log(self) -> str:
        """Everything that the portal's processes have printed."""
        path = self.folder / "portal.log"
        return path.read_text(errors="replace") if path.exists() else ""

    def start(self, *, wait: bool = True) -> float:
        """Start it, and wait until it serves and all its parts run; returns the seconds that took."""
        began = time.monotonic()
        with (self.folder / "portal.log").open("ab") as log:
            log.write(b"---- start\n")
            self._process = subprocess.Popen(
                [sys.executable, "manage.py", "run_portal"],
                cwd=REPOSITORY,
                env=self.variables,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        if wait:
            self._wait_until_up(began)
        return time.monotonic() - began

    def _wait_until_up(self, began: float) -> None:
        while not self._is_up():
            if self._process is None or self._process.poll() is not None or time.monotonic() - began > START_PATIENCE:
                self.stop(signal.SIGKILL)
                raise AssertionError(f"the portal does not come up:\n{self.log[-4000:]}")
            time.sleep(0.05)

    def _is_up(self) -> bool:
        said_so = "Ctrl-C stops" in self.log.rpartition("---- start")[2]
        own_simulator = "IO_API_URL" not in self.variables
        return said_so and self.answers("/healthz") and (not own_simulator or self.simulator.answers())

    def answers(self, path: str) -> bool:
        """Whether the address answers 200."""
        try:
            with urllib.request.urlopen(self.url + path, timeout=5) as answer:  # noqa: S310
                return bool(answer.status == 200)
        except (urllib.error.URLError, OSError):
            return False

    def wait_until_ready(self, seconds: float = 30.0) -> None:
        """Wait for /readyz: database, broker and a worker's heartbeat."""
        wait_for(lambda: self.answers("/readyz"), seconds, "the portal is never ready", self)

    def stop(self, number: int = signal.SIGTERM) -> float:
        """Signal the main process and wait for its end; returns the seconds that took."""
        began = time.monotonic()
        process, self._process = self._process, None
        if process is None:
            return 0.0
        if process.poll() is None:
            process.send_signal(number)
        try:
            process.wait(STOP_PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        seconds = time.monotonic() - began
        if number == signal.SIGKILL:
            self._kill_everything()
        return seconds

    def kill_main(self) -> None:
        """SIGKILL to the main process alone."""
        process, self._process = self._process, None
        assert process is not None, "the portal does not run"
        process.kill()
        process.wait()

    def _kill_everything(self) -> None:
        for pid in self.everything():
            _kill(pid, signal.SIGKILL)
        wait_for(lambda: not self.everything(), 10, "a process survives SIGKILL")

    def remove(self) -> None:
        """Stop it and take away its database and queue."""
        self.stop()
        self._kill_everything()
        if self.broker_url:
            from tests.conftest import remove_queue

            for queue in (self.queue, f"{self.queue}-files"):
                remove_queue(self.broker_url, queue)
        if self._database:
            maintain(f'DROP DATABASE IF EXISTS "{self._database}" WITH (FORCE)')

    # Its processes

    @property
    def pid(self) -> int:
        """The main process."""
        assert self._process is not None, "the portal does not run"
        return self._process.pid

    @property
    def exit_status(self) -> int | None:
        """The main process's exit status, or None while it runs."""
        return None if self._process is None else self._process.poll()

    def pids(self) -> dict[str, int]:
        """The processes that the main one runs now, by name: simulator, web, worker, scheduler."""
        found: dict[str, int] = {}
        for child in _read(f"/proc/{self.pid}/task/{self.pid}/children").split():
            command = _read(f"/proc/{child}/cmdline")
            name = next((name for name, word in _WORDS.items() if word in command), None)
            found |= {name: int(child)} if name else {}
        return found

    def everything(self) -> list[int]:
        """Every process on this machine that was started with this portal's folder, whoever its parent is now."""
        mark = f"DATA_DIR={self.folder / 'data'}\0"
        found = (path for path in Path("/proc").glob("[0-9]*/environ") if mark in _read(str(path)))
        return [int(path.parent.name) for path in found]

    def kill(self, name: str, number: int = signal.SIGKILL) -> int:
        """Signal one of its processes, and with SIGKILL what it has started; returns its number."""
        pid = self.pids()[name]
        if number == signal.SIGKILL:
            for child in _read(f"/proc/{pid}/task/{pid}/children").split():
                _kill(int(child), number)
        _kill(pid, number)
        return pid

    def wait_for_another(self, name: str, pid: int, seconds: float = 15.0) -> int:
        """Wait until ``name`` runs again as another process than ``pid``."""
        wait_for(lambda: self.pids().get(name, pid) != pid, seconds, f"no new {name}", self)
        return self.pids()[name]

    # Its database

    @contextmanager
    def connection(self) -> Iterator[Any]:
        """A connection of one's own to its database, in autocommit."""
        if self._database:
            with psycopg.connect(_libpq(self.variables["DATABASE_URL"]), autocommit=True) as connection:
                yield connection
            return
        connection = sqlite3.connect(self.sqlite_file, timeout=20, isolation_level=None)
        try:
            yield connection
        finally:
            connection.close()

    @property
    def sqlite_file(self) -> Path:
        """The database, on SQLite."""
        return self.folder / "data" / "ioportal.sqlite3"

    @property
    def on_sqlite(self) -> bool:
        """Whether its database is SQLite."""
        return not self._database

    def rows(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        """Run one statement with ``?`` for its values; returns the rows, if it gives any."""
        with self.connection() as connection:
            cursor = connection.execute(sql.replace("?", "%s") if self._database else sql, values)
            return list(cursor.fetchall()) if cursor.description else []

    def statuses(self) -> dict[str, int]:
        """How many messages stand in each status."""
        return dict(self.rows("SELECT status, count(*) FROM messaging_message GROUP BY status"))

    def wait_for_statuses(self, seconds: float, **expected: int) -> None:
        """Wait until the messages stand exactly so; fails saying how they stood."""
        wait_for(lambda: self.statuses() == expected, seconds, lambda: f"{self.statuses()}, not {expected}", self)

    def manage(self, *command: str, timeout: float = 60.0) -> subprocess.CompletedProcess[str]:
        """Run ``manage.py`` with the portal's settings; the result holds status and output."""
        return subprocess.run(
            [sys.executable, "manage.py", *command],
            cwd=REPOSITORY,
            env=self.variables | {"IO_API_URL": self.simulator.url},
            capture_output=True,
            text=True,
            timeout=timeout,
            stdin=subprocess.DEVNULL,
            check=False,
        )

    def python(self, code: str) -> str:
        """Run Python with the portal's models at hand; returns what it printed."""
        done = self.manage("shell", "-v0", "-c", code)
        assert done.returncode == 0, done.stderr[-3000:]
        return done.stdout


def maintain(statement: str) -> None:
    """Run a statement about databases on the PostgreSQL server of the tests."""
    with psycopg.connect(servers.maintenance_url(), autocommit=True) as connection:
        connection.execute(statement)


@cache
def _migrated_on_sqlite() -> Path:
    """An empty database of this run, made by whichever process of it comes first."""
    folder = RUN_DIR / "migrated"
    with (RUN_DIR / "migrated.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "done").exists():
            _migrate(f"sqlite:///{folder}/ioportal.sqlite3", folder)
            (folder / "done").touch()
    return folder / "ioportal.sqlite3"


@cache
def _migrated_on_postgresql() -> str:
    """The name of an empty database of this process, which takes it away at its end."""
    name = f"ioportal_test_{TOKEN}_migrated"
    maintain(f'CREATE DATABASE "{name}"')
    atexit.register(maintain, f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
    _migrate(urlsplit(servers.postgresql_url())._replace(path=f"/{name}").geturl(), RUN_DIR / name)
    return name


def _migrate(url: str, folder: Path) -> None:
    folder.mkdir(exist_ok=True)
    names = {"DATABASE_URL": url, "DATA_DIR": str(folder), "SECRETS_DIR": f"{folder}-secrets"}
    environment = {name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"}
    subprocess.run(
        [sys.executable, "manage.py", "migrate", "--verbosity", "0"],
        cwd=REPOSITORY,
        env=environment | names,
        check=True,
    )


def wait_for(condition: Any, seconds: float, otherwise: Any, portal: PortalProcess | None = None) -> None:
    """Look again and again until ``condition()`` is true; fail with ``otherwise`` after ``seconds``."""
    until = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > until:
            text = otherwise() if callable(otherwise) else otherwise
            raise AssertionError(f"{text}\n{portal.log[-3000:] if portal else ''}")
        time.sleep(0.05)


def _libpq(url: str) -> str:
    return urlsplit(url)._replace(scheme="postgresql").geturl()


def _read(path: str) -> str:
    try:
        return Path(path).read_text(errors="replace")
    except OSError:
        return ""


def _kill(pid: int, number: int) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return


def _a_port_with_room() -> int:
    """A port that the kernel gives, whose neighbours for hosting and the simulator are free too."""
    for _ in range(100):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port: int = probe.getsockname()[1]
        if port < 65_000 and all(_is_free(port + more) for more in (50, 100, 101)):
            return port
    raise AssertionError("no free ports")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
