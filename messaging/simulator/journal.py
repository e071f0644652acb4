"""The state file: one JSON line per event, appended, never rewritten."""

import fcntl
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from messaging.simulator.wire import dumps


class JournalError(Exception):
    """The state file cannot be used; the text is a sentence for whoever started the simulator."""


class Journal:
    """Appends events; without a path it remembers nothing."""

    def __init__(self, path: Path | None) -> None:
        self._descriptor: int | None = None
        self._path = path
        if path is not None:
            self._descriptor = _open(path)

    @property
    def kept(self) -> bool:
        """Whether events go anywhere."""
        return self._descriptor is not None

    def replay(self) -> Iterator[dict[str, Any]]:
        """The events so far; a torn last line, left by a crash, is cut off."""
        if self._descriptor is None or self._path is None:
            return
        complete = 0
        with self._path.open("rb") as file:
            for number, line in enumerate(file, 1):
                if not line.endswith(b"\n"):
                    break
                try:
                    event = json.loads(line)
                except ValueError as error:
                    raise JournalError(f"line {number} of the state file {self._path} cannot be read") from error
                complete += len(line)
                yield event
        os.ftruncate(self._descriptor, complete)

    def append(self, event: dict[str, Any]) -> None:
        """Write one event; the operating system has it when this returns."""
        if self._descriptor is not None:
            os.write(self._descriptor, dumps(event) + b"\n")

    def close(self) -> None:
        """Let go of the file."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def _open(path: Path) -> int:
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise JournalError(f"the state file {path} cannot be written: {error.strerror}") from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(descriptor)
        raise JournalError(f"the state file {path} is in use by another simulator") from error
    return descriptor
