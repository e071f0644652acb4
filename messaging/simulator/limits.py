"""The rate limit per account, exact, and a record of how near callers came to it (notes, 6)."""

import math
import re
from collections import deque
from dataclasses import dataclass, field
from typing import Final

_LIMIT: Final = re.compile(r"([1-9][0-9]{0,6})/([0-9]{1,5}(?:\.[0-9]+)?)")


@dataclass(frozen=True, slots=True)
class Limit:
    """So many calls in any window of so many seconds; no limit when `calls` is 0."""

    calls: int
    seconds: float

    def __str__(self) -> str:
        return f"{self.calls}/{self.seconds:g}" if self.calls else "none"


NO_LIMIT: Final = Limit(0, 5.0)
STANDARD: Final = Limit(150, 5.0)
FAST_PREMIUM: Final = Limit(250, 5.0)


def parse_limit(text: str) -> Limit:
    """`150/5` or `none`; anything else is a ValueError with a sentence."""
    if text == "none":
        return NO_LIMIT
    match = _LIMIT.fullmatch(text)
    if match is None or float(match[2]) <= 0:
        raise ValueError(f"the limit {text!r} must read CALLS/SECONDS, such as 150/5, or none")
    return Limit(int(match[1]), float(match[2]))


@dataclass(slots=True)
class AccountMeter:
    """One account's sliding window over all its keys and endpoints (notes, 6.1).

    `largest_window` counts every call that arrived, refused ones too, and `largest_admitted` those
    that were let through: a client that kept its pace never pushed the first over the limit.
    """

    limit: Limit
    calls: int = 0
    throttled: int = 0
    largest_window: int = 0
    largest_admitted: int = 0
    _arrived: deque[float] = field(default_factory=deque)
    _admitted: deque[float] = field(default_factory=deque)

    def arrive(self, now: float) -> None:
        """Count a call, whatever becomes of it."""
        self.calls += 1
        arrived = self._arrived
        _forget(arrived, now - self.limit.seconds)
        arrived.append(now)
        if len(arrived) > self.largest_window:
            self.largest_window = len(arrived)

    def admit(self, now: float) -> int | None:
        """How many calls remain after this one; None when it must be refused."""
        limit = self.limit
        admitted = self._admitted
        _forget(admitted, now - limit.seconds)
        if limit.calls and len(admitted) >= limit.calls:
            self.throttled += 1
            return None
        admitted.append(now)
        if len(admitted) > self.largest_admitted:
            self.largest_admitted = len(admitted)
        return limit.calls - len(admitted)

    def wait(self, now: float) -> int:
        """Whole seconds until a call would be let through again."""
        if not self._admitted:
            return 1
        return max(1, math.ceil(self._admitted[0] + self.limit.seconds - now))


def _forget(moments: deque[float], limit: float) -> None:
    while moments and moments[0] <= limit:
        moments.popleft()


class CallCounter:
    """Calls per operation and status; a connection dropped on purpose counts as `dropped`."""

    def __init__(self) -> None:
        self._counts: dict[str, dict[int, int]] = {}

    def count(self, operation: str, status: int) -> None:
        """Count one call; status 0 stands for a connection closed without an answer."""
        statuses = self._counts.setdefault(operation, {})
        statuses[status] = statuses.get(status, 0) + 1

    def figures(self) -> dict[str, dict[str, int]]:
        """The counts, ready for JSON."""
        return {
            operation: {str(status) if status else "dropped": n for status, n in statuses.items()}
            for operation, statuses in self._counts.items()
        }
