"""What the platform asked institutions for, and what it made of the answers: on record for whoever looks."""

import itertools
from collections import deque
from dataclasses import dataclass, field
from typing import Any, Final

from messaging.simulator.checks import iso_timestamp

_KEPT: Final = 10_000


@dataclass(frozen=True, slots=True)
class Fetch:
    """One request to an institution's server; no fiscal code is in it.

    `status` is None when nobody answered or nothing was asked; `path` is what was asked for, with its query.
    `app_status` is what the app got for it, `error` the platform's word for what is wrong and empty when all is well.
    """

    number: int
    at: float
    message: str
    part: str
    path: str
    environment: str | None
    status: int | None
    milliseconds: int
    size: int
    signed: bool
    app_status: int
    error: str

    def figures(self) -> dict[str, Any]:
        """The entry, ready for JSON."""
        return {
            "number": self.number,
            "at": iso_timestamp(self.at),
            "message": self.message,
            "part": self.part,
            "path": self.path,
            "environment": self.environment,
            "status": self.status,
            "milliseconds": self.milliseconds,
            "size": self.size,
            "lollipop": self.signed,
            "app_status": self.app_status,
            "error": self.error,
        }


@dataclass(slots=True)
class FetchRecord:
    """The last ten thousand fetches, oldest first."""

    entries: deque[Fetch] = field(default_factory=lambda: deque(maxlen=_KEPT))
    _numbers: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1))

    def next_number(self) -> int:
        """The number of the fetch that begins."""
        return next(self._numbers)

    def add(self, fetch: Fetch) -> None:
        """Put one on record."""
        self.entries.append(fetch)

    def of(self, message: str | None, after: int) -> list[Fetch]:
        """Those of a message, or all; only those with a number above `after`."""
        return [f for f in self.entries if f.number > after and (message is None or f.message == message)]

    def latest(self, count: int) -> list[Fetch]:
        """The last so many, oldest first."""
        return list(self.entries)[-count:]

    def forget(self) -> None:
        """Nothing was ever asked."""
        self.entries.clear()
