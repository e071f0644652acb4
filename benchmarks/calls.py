"""A record of how a counterpart was called: its own counters, read ten times a second while something runs."""

from __future__ import annotations

import json
import threading
import time
import urllib.request
from bisect import bisect_left
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

_EVERY = 0.1


@dataclass(frozen=True, slots=True)
class Sample:
    """What had been counted at a moment (monotonic seconds)."""

    at: float
    calls: int
    throttled: int
    posts: int


class Recorder:
    """Reads the counters of a simulator's account in a thread of its own; use it in a ``with``."""

    def __init__(self, control_url: str, account: str = "valdoria") -> None:
        self._url, self._account = f"{control_url}/control/calls", account
        self.samples: list[Sample] = [self.look()]
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Recorder:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
        self.samples.append(self.look())

    def look(self) -> Sample:
        """The counters now."""
        began = time.monotonic()
        found = read(self._url)
        account = found["accounts"][self._account]
        posts = sum(found["operations"].get("submit", {}).values())
        return Sample((began + time.monotonic()) / 2, account["calls"], account["throttled"], posts)

    @property
    def last(self) -> Sample:
        """The newest sample."""
        return self.samples[-1]

    def _run(self) -> None:
        while not self._stop.wait(_EVERY):
            self.samples.append(self.look())


def read(url: str) -> Any:
    """JSON from one of this machine's own addresses."""
    with urllib.request.urlopen(url, timeout=30) as answer:  # noqa: S310
        return json.loads(answer.read())


def used(samples: list[Sample], until: float, limit: tuple[int, float]) -> float:
    """The share of the allowed calls over the long run, from the first call to ``until``.

    N calls over the mean time between call i and call i + N: a burst at the start does not flatter.
    """
    allowed, window = limit
    times = _times(samples, until)
    gaps = [later - earlier for earlier, later in zip(times, times[allowed:], strict=False)]
    return window / (sum(gaps) / len(gaps)) if gaps else 0.0


def _times(samples: list[Sample], until: float) -> list[float]:
    """When each admitted call came, evenly spread between two looks."""
    times: list[float] = []
    for before, after in pairwise(samples):
        if after.at > until:
            break
        count = (after.calls - after.throttled) - (before.calls - before.throttled)
        times += [before.at + (place + 1) / count * (after.at - before.at) for place in range(count)]
    return times


def rate(samples: list[Sample], measure: Callable[[Sample], int], first: int, last: int) -> float:
    """How many of ``measure`` a second between its ``first`` and its ``last``."""
    counted = [measure(sample) for sample in samples]
    begin, end = samples[bisect_left(counted, first)], samples[min(bisect_left(counted, last), len(samples) - 1)]
    return (measure(end) - measure(begin)) / (end.at - begin.at)


def longest_standstill(samples: list[Sample], until: float) -> float:
    """The longest time without any call, from the first call to ``until``."""
    longest, since = 0.0, None
    for before, after in pairwise(samples):
        if after.at > until:
            break
        if after.calls > before.calls:
            if since is not None:
                longest = max(longest, after.at - since)
            since = after.at
    return longest
