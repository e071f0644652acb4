"""Running several processes in the foreground as one: start, restart what dies, stop all of it."""

from __future__ import annotations

import ctypes
import os
import signal
import socket
import subprocess
import sys
import time
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

#: A process that dies this often within this time (seconds) will not recover by being started again.
DEATHS = 5
DEATHS_WITHIN = 60.0
STOP_PATIENCE = 30.0
_PARENT_DEATH_SIGNAL = 1  # prctl's PR_SET_PDEATHSIG


@dataclass(slots=True)
class Child:
    """One process: its name for people, its command and its present life."""

    name: str
    command: Sequence[str]
    called: bool = False
    process: subprocess.Popen[bytes] | None = None
    deaths: deque[float] = field(default_factory=lambda: deque(maxlen=DEATHS))


class Processes:
    """Children of this process, ended with it in every case: each in a group of its own, so that Ctrl-C reaches us
    alone and each child is told in its turn."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = dict(environment)
        self._children: list[Child] = []
        self._stopping = False

    def start(self, name: str, command: Sequence[str], *, called: bool = False) -> None:
        """Start a child and keep it running; one that is ``called`` by the others ends after them."""
        child = Child(name, command, called)
        self._children.append(child)
        self._launch(child)

    def watch(self) -> int:
        """Wait until a stop is asked for (SIGINT, SIGTERM) or a child cannot be kept alive; returns the exit status."""
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._ask_to_stop)
        while not self._stopping:
            time.sleep(0.2)
            for child in self._children:
                if self._stopping or child.process is None or child.process.poll() is None:
                    continue
                if not self._revive(child):
                    return 1
        return 0

    def stop(self) -> None:
        """End all children and wait for them: first those that may be calling others, then the others."""
        until = time.monotonic() + STOP_PATIENCE
        for called in (False, True):
            processes = [child.process for child in self._children if child.called is called and child.process]
            for process in processes:
                if process.poll() is None:
                    process.terminate()
            for process in processes:
                _wait_or_kill(process, until)

    def alive(self) -> bool:
        """Whether no child has died."""
        return all(child.process and child.process.poll() is None for child in self._children)

    def _launch(self, child: Child) -> None:
        child.process = subprocess.Popen(  # noqa: S603 - our own commands
            child.command, env=self._environment, start_new_session=True, preexec_fn=_die_with_parent
        )

    def _revive(self, child: Child) -> bool:
        assert child.process is not None  # it has just been polled
        now = time.monotonic()
        child.deaths.append(now)
        if len(child.deaths) == DEATHS and now - child.deaths[0] < DEATHS_WITHIN:
            print(f"{child.name} keeps ending (status {child.process.returncode}): stopping.", file=sys.stderr)  # noqa: T201
            return False
        print(f"{child.name} ended (status {child.process.returncode}): starting it again.", file=sys.stderr)  # noqa: T201
        time.sleep(0.5)
        self._launch(child)
        return True

    def _ask_to_stop(self, number: int, frame: object) -> None:
        self._stopping = True


def _wait_or_kill(process: subprocess.Popen[bytes], until: float) -> None:
    try:
        process.wait(timeout=max(0.1, until - time.monotonic()))
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def is_free(host: str, port: int) -> bool:
    """Whether this process could listen there."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def free_port(host: str = "127.0.0.1") -> int:
    """A port that the kernel says is free now."""
    with socket.socket() as probe:
        probe.bind((host, 0))
        port: int = probe.getsockname()[1]
        return port


def _die_with_parent() -> None:
    """Linux: a killed parent leaves no orphan. Elsewhere nothing happens."""
    parent = os.getppid()
    try:
        ctypes.CDLL(None).prctl(_PARENT_DEATH_SIGNAL, signal.SIGTERM)
    except (OSError, AttributeError):
        return
    if os.getppid() != parent:
        os._exit(1)
