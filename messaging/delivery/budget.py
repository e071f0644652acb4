"""The call budget that all keys, services and processes of one gateway account share.

The row of the account is a schedule: its ``next_at`` is the time of the next free call, and moves on by one interval
for each permit given. Nothing can burst, so no window of the platform's, wherever it starts, holds more than the
limit. ``x-rate-limit-remaining`` tells what other software of the same account uses, and the interval gives way.
"""

from __future__ import annotations

import time
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import accumulate
from math import floor

from django.db.models import F, FloatField
from django.db.models.functions import Greatest

from messaging.delivery.clock import DatabaseNow
from messaging.models import GatewayAccount

#: Added to the platform's window: it covers the spread of the time from permit to arrival (seconds).
MARGIN = 0.05
#: How far ahead of now permits are given to work that nobody watches, and to a person (seconds).
LOOK_AHEAD = 0.1
PERSON_LOOK_AHEAD = 1.0
#: How long a person waits at the screen for a permit before we say that IO is busy (seconds).
LONGEST_WAIT = 3.0
#: Less than this share of the limit is taken for our own calls under way, not for a stranger.
DEAD_BAND = 0.06
#: While there is a stranger, this share of the limit stays free: neither evenness is perfect, and each 429 stops all of
#: our calls for a second, which is more than is kept.
KEPT_FREE = 0.02
#: The estimate of a stranger's calls falls by this share of the limit each second; it rises at once.
FALL_PER_SECOND = 0.02
#: A stranger who takes everything still leaves us this share, so that we notice when they stop.
LEAST_SHARE = 0.02
BUCKET = 0.05
TRIES = 50


@dataclass(frozen=True, slots=True)
class Grant:
    """Permits, as times of this process's monotonic clock, or how long to wait before asking again (seconds)."""

    starts: tuple[float, ...]
    wait: float
    paused: bool = False


@dataclass(frozen=True, slots=True)
class Observation:
    """What one answer said of the account: calls left, and when (monotonic) its call had been permitted."""

    remaining: int
    sent_at: float


class NoPermit(Exception):
    """A person at a screen would wait too long: the account is ``paused``, or others take its calls."""

    def __init__(self, *, paused: bool) -> None:
        super().__init__("paused" if paused else "busy")
        self.paused = paused


def wait_for_permit(account_id: int) -> None:
    """Return when a call that a person waits for may start; raises NoPermit after LONGEST_WAIT at most."""
    until = time.monotonic() + LONGEST_WAIT
    while True:
        grant = lease(account_id, 1, person=True)
        if grant.paused:
            raise NoPermit(paused=True)
        if grant.starts:
            time.sleep(max(0.0, grant.starts[0] - time.monotonic()))
            return
        if time.monotonic() + grant.wait > until:
            raise NoPermit(paused=False)
        time.sleep(grant.wait)


def lease(account_id: int, wanted: int, *, person: bool = False, seen: Iterable[Observation] = ()) -> Grant:
    """Ask for up to ``wanted`` permits of the account.

    A person's permit ignores the look-ahead and takes the next free time. No call may start before its permit's time.
    ``seen`` are the answers since the last question; they correct the estimate of what others use.
    """
    seen = tuple(seen)
    for _ in range(TRIES):
        account = GatewayAccount.objects.annotate(clock=DatabaseNow()).get(pk=account_id)
        monotonic = time.monotonic()
        schedule = _Schedule(account, account.clock, monotonic)
        schedule.observe(seen)
        times, wait = schedule.take(wanted, PERSON_LOOK_AHEAD if person else LOOK_AHEAD)
        paused = account.paused_at is not None
        if not times and not seen:
            return Grant((), wait, paused)
        if _store(account, schedule):
            offset = monotonic - account.clock
            return Grant(tuple(at + offset for at in times), wait, paused)
    return Grant((), LOOK_AHEAD)


def block(account_id: int, seconds: float) -> None:
    """Stop every process of the account for ``seconds``: the platform answered 429."""
    until = Greatest(F("blocked_until"), DatabaseNow() + seconds, output_field=FloatField())
    GatewayAccount.objects.filter(pk=account_id).update(blocked_until=until, version=F("version") + 1)


def interval_of(account: GatewayAccount, now: float) -> float:
    """Seconds between two calls of ours at this moment (``now`` by the database's clock)."""
    calls, window = account.rate
    foreign = _decayed(account, now, calls)
    usable = calls - foreign - KEPT_FREE * calls if foreign > DEAD_BAND * calls else float(calls)
    return (window + MARGIN) / max(usable, LEAST_SHARE * calls)


def _decayed(account: GatewayAccount, now: float, calls: int) -> float:
    return max(0.0, account.foreign_calls - FALL_PER_SECOND * calls * max(0.0, now - account.foreign_seen_at))


def _store(account: GatewayAccount, schedule: _Schedule) -> bool:
    return bool(
        GatewayAccount.objects.filter(pk=account.pk, version=account.version).update(
            next_at=schedule.next_at,
            own_calls=schedule.own_calls,
            foreign_calls=schedule.foreign_calls,
            foreign_seen_at=schedule.foreign_seen_at,
            version=account.version + 1,
        )
    )


class _Schedule:
    """One reading of the account's row, changed in memory before it is written back under its version."""

    def __init__(self, account: GatewayAccount, now: float, monotonic: float) -> None:
        self.account, self.now, self.monotonic = account, now, monotonic
        self.calls, self.window = account.rate
        oldest = int((now - self.window - 1) / BUCKET)
        own: Mapping[str, int] = account.own_calls
        self.own_calls = {bucket: count for bucket, count in own.items() if int(bucket) >= oldest}
        self.next_at = account.next_at
        self.foreign_calls, self.foreign_seen_at = account.foreign_calls, account.foreign_seen_at

        numbers = sorted((int(bucket), count) for bucket, count in self.own_calls.items())
        self._buckets = [bucket for bucket, _ in numbers]
        self._sums = [0, *accumulate(count for _, count in numbers)]

    def observe(self, seen: Iterable[Observation]) -> None:
        samples = [self._foreign(observation) for observation in seen]
        if samples:
            self.foreign_calls = max(_decayed(self.account, self.now, self.calls), *samples)
            self.foreign_seen_at = self.now
            self.account.foreign_calls, self.account.foreign_seen_at = self.foreign_calls, self.foreign_seen_at

    def _foreign(self, observation: Observation) -> float:
        sent_at = observation.sent_at - self.monotonic + self.now
        first, last = int((sent_at - self.window) / BUCKET), int(sent_at / BUCKET)
        own = self._sums[bisect_right(self._buckets, last)] - self._sums[bisect_left(self._buckets, first)]
        return float(max(0, self.calls - observation.remaining - own))

    def take(self, wanted: int, look_ahead: float) -> tuple[list[float], float]:
        interval = interval_of(self.account, self.now)
        start = max(self.next_at, self.now, self.account.blocked_until)
        room = self.now + look_ahead - start
        if wanted <= 0 or room < 0:
            return [], max(0.0, -room)
        count = min(wanted, floor(room / interval) + 1)
        times = [start + position * interval for position in range(count)]
        self.next_at = start + count * interval
        for at in times:
            bucket = str(int(at / BUCKET))
            self.own_calls[bucket] = self.own_calls.get(bucket, 0) + 1
        return times, max(0.0, self.next_at - self.now - look_ahead)
