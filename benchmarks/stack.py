"""A portal without its pages, of real processes started as `make run` starts them: simulator, workers, scheduler."""

from __future__ import annotations

import copy
import itertools
import json
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg

from benchmarks import servers
from messaging.management.commands import run_portal
from messaging.simulator import accounts
from tests.simulator_process import SimulatorProcess

REPOSITORY = Path(__file__).resolve().parent.parent
SQLITE, POSTGRESQL = "SQLite", "PostgreSQL"

_numbers = itertools.count(1)
_STOP_PATIENCE = 40.0


@dataclass(frozen=True, slots=True)
class Ground:
    """What a stack stands on: a database server (none: SQLite) and a broker (none: the file system)."""

    postgresql: str = ""
    redis: str = ""

    @property
    def database(self) -> str:
        """The database's name for people."""
        return POSTGRESQL if self.postgresql else SQLITE

    @property
    def name(self) -> str:
        """Database and broker for people."""
        return f"{self.database} + {'Redis' if self.redis else 'file system'}"


@dataclass(slots=True)
class Worker:
    """One worker process; the leader of a group of its own."""

    process: subprocess.Popen[bytes]
    name: str
    queue: str
    threads: int
    started_at: float = field(default_factory=time.monotonic)


class Stack:
    """Prepared when made: a database with the demonstration and a second institution, and a running simulator.

    ``limit`` is both the simulator's and the portal's; ``api`` is another counterpart than the simulator. Use it in
    a ``with``.
    """

    def __init__(self, folder: Path, ground: Ground, *, limit: str = "150/5", api: str = "", **variables: str) -> None:
        number = next(_numbers)
        self.folder, self.ground = folder / f"stack{number}", ground
        self.folder.mkdir(parents=True)
        self.limit = limit
        self.workers: list[Worker] = []
        self._scheduler: subprocess.Popen[bytes] | None = None
        self._connections = threading.local()
        self._database = f"ioportal_bench_{uuid.uuid4().hex[:12]}" if ground.postgresql else ""
        known = self.folder / "accounts.json"
        known.write_text(json.dumps(_accounts()))
        self.simulator = SimulatorProcess(
            self.folder, "--limit", limit, "--settle-seconds", "1", "--accounts", str(known)
        )
        self.variables = self._variables(api or self.simulator.url) | variables
        try:
            if self._database:
                servers.maintain(ground.postgresql, f'CREATE DATABASE "{self._database}"')
            self.inside("prepare")
        except BaseException:
            self.close()
            raise

    def _variables(self, api: str) -> dict[str, str]:
        ours = ("DJANGO_", "IOPORTAL_", "IO_", "PYTEST_", "CELERY_")
        given = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
        given.pop("DATABASE_URL", None)
        calls = self.limit if self.limit != "none" else "1000000/5"
        given |= {
            "DATA_DIR": str(self.folder / "data"),
            "SECRETS_DIR": str(self.folder / "secrets"),
            "STATIC_ROOT": str(self.folder / "static"),
            "DEMO_PASSWORD": "una frase lunga per la dimostrazione",
            "CELERY_QUEUE": f"bench_{uuid.uuid4().hex[:12]}",
            "IO_API_URL": api,
            "IO_RATE_LIMIT": calls,
            "PYTHONUNBUFFERED": "1",
        }
        if self._database:
            given["DATABASE_URL"] = urlsplit(self.ground.postgresql)._replace(path=f"/{self._database}").geturl()
        if self.ground.redis:
            given["CELERY_BROKER_URL"] = self.ground.redis
        return given

    def __enter__(self) -> Stack:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # Its processes

    @property
    def queue(self) -> str:
        """The queue of the delivery tasks."""
        return self.variables["CELERY_QUEUE"]

    @property
    def log(self) -> str:
        """Everything that its processes have printed."""
        path = self.folder / "stack.log"
        return path.read_text(errors="replace") if path.exists() else ""

    def start(self, workers: int = 2, *, files: bool = False) -> None:
        """Start so many workers, the scheduler and, where asked, a worker for files."""
        for _ in range(workers):
            self.start_worker()
        if files:
            self.start_worker(f"{self.queue}-files", threads=2)
        self._scheduler = self._launch(run_portal._scheduler())

    def start_worker(self, queue: str = "", threads: int = 8) -> Worker:
        """Start one more worker of a queue, by default of that for delivery."""
        name = f"worker{next(_numbers)}"
        command = run_portal._worker(queue or self.queue, threads=threads)
        worker = Worker(self._launch([*command, "--hostname", f"{name}@%h"]), name, queue or self.queue, threads)
        self.workers.append(worker)
        return worker

    def kill_worker(self, worker: Worker) -> None:
        """SIGKILL to a worker and everything it has started."""
        self.workers.remove(worker)
        os.killpg(worker.process.pid, signal.SIGKILL)
        worker.process.wait()

    def launch(self, command: list[str]) -> subprocess.Popen[bytes]:
        """Start something else among the stack's processes; whoever calls ends it."""
        return self._launch(command)

    def _launch(self, command: list[str]) -> subprocess.Popen[bytes]:
        with (self.folder / "stack.log").open("ab") as log:
            return subprocess.Popen(  # noqa: S603
                command,
                cwd=REPOSITORY,
                env=self.variables,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def stop(self) -> None:
        """SIGTERM to workers and scheduler, as a deployment does."""
        processes = [worker.process for worker in self.workers] + ([self._scheduler] if self._scheduler else [])
        self.workers, self._scheduler = [], None
        for process in processes:
            end(process)

    def close(self) -> None:
        """Stop everything and take the database away."""
        self.stop()
        self.simulator.stop()
        if connection := getattr(self._connections, "one", None):
            connection.close()
        if self._database:
            servers.maintain(self.ground.postgresql, f'DROP DATABASE IF EXISTS "{self._database}" WITH (FORCE)')

    # Its database

    def rows(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        """Run one statement with ``?`` for its values in autocommit; a connection for each thread that asks."""
        cursor = self._connection().execute(sql.replace("?", "%s") if self._database else sql, values)
        return list(cursor.fetchall()) if cursor.description else []

    def forget_connection(self) -> None:
        """Make the next question of this thread connect anew, after the database was restarted."""
        if connection := getattr(self._connections, "one", None):
            connection.close()
            del self._connections.one

    def _connection(self) -> Any:
        if not hasattr(self._connections, "one"):
            if self._database:
                made: Any = psycopg.connect(servers.libpq(self.variables["DATABASE_URL"]), autocommit=True)
            else:
                file = self.folder / "data" / "ioportal.sqlite3"
                made = sqlite3.connect(file, timeout=20, isolation_level=None)
            self._connections.one = made
        return self._connections.one

    def statuses(self) -> dict[str, int]:
        """How many messages stand in each status."""
        return dict(self.rows("SELECT status, count(*) FROM messaging_message GROUP BY status"))

    def inside(self, name: str, **arguments: Any) -> Any:
        """Run one of the functions of benchmarks.inside with the stack's own settings; returns what it returned."""
        done = subprocess.run(  # noqa: S603
            [sys.executable, "-m", "benchmarks.inside", name, json.dumps(arguments)],
            cwd=REPOSITORY,
            env=self.variables,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"{name}: {done.stderr[-4000:]}\n{self.log[-2000:]}")
        return json.loads(done.stdout.splitlines()[-1])

    def wait_until(self, condition: Callable[[], bool], seconds: float, otherwise: str, every: float = 0.1) -> None:
        """Look again and again; RuntimeError with ``otherwise`` and the log's end after ``seconds``."""
        until = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > until:
                raise RuntimeError(f"{otherwise}: {self.statuses()}\n{self.log[-4000:]}")
            time.sleep(every)


def _accounts() -> dict[str, Any]:
    """The simulator's own, but the second institution may write to everybody too, as the first one may."""
    found = copy.deepcopy(accounts.DEFAULT)
    for account in found["accounts"]:
        account["groups"] = found["accounts"][0]["groups"]
    return found


def end(process: subprocess.Popen[bytes]) -> None:
    """SIGTERM, and SIGKILL to its whole group if that does not end it."""
    if process.poll() is None:
        process.terminate()
    try:
        process.wait(_STOP_PATIENCE)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
