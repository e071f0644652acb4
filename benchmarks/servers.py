"""PostgreSQL and Redis servers of one's own, on free ports of this machine, with their data in a temporary folder."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import psycopg

#: initdb and postgres refuse to run as root; this account comes with the packages.
_POSTGRES_USER = "postgres"
_PATIENCE = 30.0


def free_port() -> int:
    """A port that the kernel gives."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def has_postgresql() -> bool:
    """Whether a PostgreSQL server could be started here."""
    return _postgresql("initdb") is not None


def has_redis() -> bool:
    """Whether a Redis server could be started here."""
    return shutil.which("redis-server") is not None


class PrivatePostgreSQL:
    """A server with the defaults of the packages: what is committed is on the disk."""

    def __init__(self) -> None:
        self._folder, self.port = Path(tempfile.mkdtemp(prefix="ioportal-postgresql-")), free_port()
        if os.geteuid() == 0:
            account = pwd.getpwnam(_POSTGRES_USER)
            os.chown(self._folder, account.pw_uid, account.pw_gid)
        self._run("initdb", "--auth", "trust", "--username", _POSTGRES_USER, "--encoding", "UTF8", *self._data)
        self.start()

    @property
    def url(self) -> str:
        """The server's own database, as Django writes it."""
        return f"postgres://{_POSTGRES_USER}@127.0.0.1:{self.port}/postgres"

    def start(self) -> None:
        """Start it and wait until it answers."""
        options = f"-p {self.port} -k {self._folder} -c listen_addresses=127.0.0.1"
        self._run("pg_ctl", *self._data, "--log", str(self._folder / "log"), "-w", "-o", options, "start")

    def stop(self, mode: str = "immediate") -> None:
        """Stop it: immediate is a crash for whoever is connected, and is recovered from at the next start."""
        self._run("pg_ctl", *self._data, "-w", "--mode", mode, "stop")

    def remove(self) -> None:
        """Stop it and leave nothing behind."""
        self.stop()
        shutil.rmtree(self._folder)

    @property
    def _data(self) -> tuple[str, str]:
        return ("--pgdata", str(self._folder / "data"))

    def _run(self, program: str, *arguments: str) -> None:
        path = _postgresql(program)
        assert path is not None, "PostgreSQL is not here"
        command = [str(path), *arguments]
        if os.geteuid() == 0:
            command = ["runuser", "-u", _POSTGRES_USER, "--", *command]
        # pg_ctl's server inherits what it prints to, so nobody may wait for the end of that.
        with (self._folder / "commands.log").open("ab") as log:
            done = subprocess.run(  # noqa: S603
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd="/", check=False
            )
        if done.returncode:
            said = (self._folder / "commands.log").read_text(errors="replace")
            raise RuntimeError(f"{program} failed:\n{said[-2000:]}")


class PrivateRedis:
    """A server that keeps nothing on the disk."""

    def __init__(self) -> None:
        self._folder, self.port = Path(tempfile.mkdtemp(prefix="ioportal-redis-")), free_port()
        command = ["redis-server", "--port", str(self.port), "--bind", "127.0.0.1", "--save", ""]
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603
                [*command, "--dir", str(self._folder)], stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        until = time.monotonic() + _PATIENCE
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > until:
                raise RuntimeError(f"no Redis: {(self._folder / 'log').read_text()}")
            time.sleep(0.05)

    @property
    def url(self) -> str:
        """Its first database."""
        return f"redis://127.0.0.1:{self.port}/0"

    def flush(self) -> None:
        """Forget everything."""
        command = ["redis-cli", "-p", str(self.port), "FLUSHALL"]
        subprocess.run(command, stdout=subprocess.DEVNULL, check=True)  # noqa: S603

    def remove(self) -> None:
        """Stop it and leave nothing behind."""
        self._process.terminate()
        self._process.wait(_PATIENCE)
        shutil.rmtree(self._folder)

    def _answers(self) -> bool:
        try:
            socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
        except OSError:
            return False
        return True


def maintain(url: str, statement: str) -> None:
    """Run a statement such as CREATE DATABASE on a server."""
    with psycopg.connect(libpq(url), autocommit=True) as connection:
        connection.execute(statement)


def libpq(url: str) -> str:
    """Django's way of writing an address as libpq's."""
    return url.replace("postgres://", "postgresql://", 1)


def _postgresql(program: str) -> Path | None:
    folders: Sequence[Path] = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    found = [folder / program for folder in folders if (folder / program).exists()]
    if found:
        return found[0]
    usual = shutil.which(program)
    return Path(usual) if usual else None
