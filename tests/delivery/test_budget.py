"""The call budget: no window over the limit wherever it starts, strangers give way to nobody, persons go first."""

from __future__ import annotations

import math
import random
import threading
import time
from dataclasses import dataclass, field
from itertools import pairwise

import pytest
from django.db import connection
from hypothesis import given, settings
from hypothesis import strategies as st

from messaging.delivery import budget
from messaging.delivery.budget import KEPT_FREE, LOOK_AHEAD, MARGIN, Observation
from messaging.delivery.work import Lanes, Stage, Work
from messaging.enums import Lane
from messaging.models import GatewayAccount, Message
from tests import cast


def largest_window(times: list[float], seconds: float) -> int:
    """The most calls in any window of so many seconds, whatever its start."""
    times, first, most = sorted(times), 0, 0
    for last, at in enumerate(times):
        while times[first] <= at - seconds:
            first += 1
        most = max(most, last - first + 1)
    return most


@dataclass
class Gateway:
    """The account's row and the platform's sliding window, on a clock of our own."""

    calls: int
    seconds: float
    now: float = 1_800_000_000.0
    account: GatewayAccount = field(init=False)
    ours: list[float] = field(default_factory=list)
    admitted: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.account = GatewayAccount(calls=self.calls, seconds=self.seconds)

    def lease(
        self, wanted: int, *, person: bool = False, seen: tuple[Observation, ...] = ()
    ) -> tuple[list[float], float]:
        """What messaging.delivery.budget.lease does, without a database between."""
        schedule = budget._Schedule(self.account, self.now, self.now)
        schedule.observe(seen)
        times, wait = schedule.take(wanted, budget.PERSON_LOOK_AHEAD if person else LOOK_AHEAD)
        for name in ("next_at", "own_calls", "foreign_calls", "foreign_seen_at"):
            setattr(self.account, name, getattr(schedule, name))
        self.ours += times
        return times, wait

    def arrive(self, at: float) -> int | None:
        """A call of anybody's: x-rate-limit-remaining after it, or None for a 429, which blocks the account."""
        self.admitted = [earlier for earlier in self.admitted if earlier > at - self.seconds]
        if len(self.admitted) >= self.calls:
            return None
        self.admitted.append(at)
        return self.calls - len(self.admitted)

    def block(self) -> None:
        """What we do after a 429."""
        wait = max(1, math.ceil(self.admitted[0] + self.seconds - self.now))
        self.account.blocked_until = max(self.account.blocked_until, self.now + wait)


_limits = st.tuples(st.integers(1, 300), st.sampled_from([0.5, 1.0, 5.0, 10.0]))
_asks = st.tuples(st.integers(1, 64), st.booleans(), st.floats(0, 3, allow_nan=False))


@given(limit=_limits, asks=st.lists(_asks, min_size=10, max_size=120))
@settings(max_examples=150, deadline=None)
def test_no_window_holds_more_calls_than_the_limit_whatever_is_asked_when_and_by_whom(
    limit: tuple[int, float], asks: list[tuple[int, bool, float]]
) -> None:
    gateway = Gateway(*limit)
    for wanted, person, pause in asks:
        times, wait = gateway.lease(wanted, person=person)
        assert all(at >= gateway.now for at in times)
        assert all(earlier < later for earlier, later in pairwise(times))
        assert wait >= 0
        gateway.now += pause * random.random()
    assert largest_window(gateway.ours, gateway.seconds) <= gateway.calls


@given(limit=_limits, delays=st.lists(st.floats(0, MARGIN * 0.9), min_size=50, max_size=50))
@settings(max_examples=50, deadline=None)
def test_calls_that_arrive_unevenly_late_stay_within_the_limit_too(
    limit: tuple[int, float], delays: list[float]
) -> None:
    """From permit to arrival passes between nothing and nearly the margin."""
    gateway = Gateway(*limit)
    for _ in range(200):
        gateway.lease(random.randint(1, 8))
        gateway.now += random.random() * 0.3
    arrivals = [at + delays[number % len(delays)] for number, at in enumerate(gateway.ours)]
    assert largest_window(arrivals, gateway.seconds) <= gateway.calls


def test_two_leasers_who_always_want_more_use_nearly_all_of_the_limit() -> None:
    gateway = Gateway(150, 5)
    end = gateway.now + 60
    while gateway.now < end:
        gateway.lease(4)
        gateway.now += 0.01
    used = len(gateway.ours) / 60 * 5 / 150
    assert 0.97 <= used <= 1.0
    assert largest_window(gateway.ours, 5) <= 150


def test_nothing_starts_until_the_time_that_io_named_is_over_and_then_there_is_no_burst() -> None:
    gateway = Gateway(150, 5)
    gateway.lease(4)
    gateway.account.blocked_until = gateway.now + 7
    blocked_at = gateway.now
    assert gateway.lease(4)[0] == []
    assert gateway.lease(1, person=True)[0] == []
    del gateway.ours[:]
    while gateway.now < blocked_at + 20:
        gateway.lease(8)
        gateway.now += 0.02
    assert min(gateway.ours) >= blocked_at + 7
    assert largest_window(gateway.ours, 1) <= 31


def test_a_long_silence_earns_no_burst() -> None:
    gateway = Gateway(30, 1)
    gateway.lease(1)
    gateway.now += 3600
    times, _ = gateway.lease(30)
    assert len(times) <= 4


def test_a_person_takes_the_next_free_time_while_a_batch_runs_at_full_pace() -> None:
    gateway = Gateway(150, 5)
    waits = []
    for turn in range(3000):
        gateway.lease(4)
        if turn % 50 == 0:
            times, _ = gateway.lease(1, person=True)
            waits.append(times[0] - gateway.now)
        gateway.now += 0.01
    assert max(waits) <= LOOK_AHEAD + 4 * (5 + MARGIN) / 150


def test_it_gives_way_to_a_stranger_and_takes_the_room_back() -> None:
    """Somebody else on the account makes 60 calls in each 5 seconds, for a while."""
    gateway = Gateway(150, 5)
    start = gateway.now
    refused: list[float] = []
    seen: list[Observation] = []
    pending: list[float] = []
    for step in range(9000):
        if 2000 < step < 5000 and step % 8 == 0:
            gateway.arrive(gateway.now)
        times, _ = gateway.lease(4, seen=tuple(seen))
        seen = []
        pending += times
        while pending and pending[0] <= gateway.now:
            at = pending.pop(0)
            remaining = gateway.arrive(at)
            seen.append(Observation(remaining or 0, at))
            if remaining is None:
                refused.append(at)
                gateway.block()
        gateway.now += 0.01

    def share(begin: float, end: float) -> float:
        return sum(start + begin <= at < start + end for at in gateway.ours) / (end - begin) * 5 / 150

    assert share(0, 20) > 0.95
    assert 0.45 < share(25, 50) < 0.65
    assert share(80, 90) > 0.90
    assert len(refused) < 0.02 * len(gateway.ours)


def test_a_stranger_who_takes_everything_leaves_us_the_least_share() -> None:
    gateway = Gateway(150, 5)
    gateway.lease(1, seen=(Observation(0, gateway.now),))
    interval = budget.interval_of(gateway.account, gateway.now)
    assert interval == pytest.approx((5 + MARGIN) / (0.02 * 150), rel=0.1)


def test_beside_a_stranger_a_little_of_the_limit_stays_free() -> None:
    gateway = Gateway(150, 5)
    gateway.lease(0, seen=(Observation(150 - 75, gateway.now),))
    interval = budget.interval_of(gateway.account, gateway.now)
    assert interval == pytest.approx((5 + MARGIN) / (150 - 75 - KEPT_FREE * 150))


def test_our_own_calls_under_way_are_not_taken_for_a_stranger() -> None:
    gateway = Gateway(150, 5)
    before = budget.interval_of(gateway.account, gateway.now)
    gateway.lease(1, seen=(Observation(150 - 9, gateway.now),))
    assert budget.interval_of(gateway.account, gateway.now) == before


# On the real row, with the real clock


@pytest.fixture
def account(db: None) -> GatewayAccount:
    return cast.make_account(calls=40, seconds=1)


def test_permits_are_times_of_this_process_in_the_near_future(account: GatewayAccount) -> None:
    grant = budget.lease(account.pk, 3)
    assert len(grant.starts) == 3
    assert all(abs(at - time.monotonic()) < 0.5 for at in grant.starts)
    assert not grant.paused


def test_who_asks_again_at_once_is_told_how_long_to_wait(account: GatewayAccount) -> None:
    while (grant := budget.lease(account.pk, 8)).starts:
        pass
    assert 0 < grant.wait < 0.2


def test_a_block_holds_for_everybody_and_is_never_shortened(account: GatewayAccount) -> None:
    budget.block(account.pk, 30)
    budget.block(account.pk, 5)
    grant = budget.lease(account.pk, 1)
    assert grant.starts == ()
    assert 28 < grant.wait <= 30
    assert budget.lease(account.pk, 1, person=True).starts == ()


def test_two_accounts_know_nothing_of_each_other(account: GatewayAccount) -> None:
    budget.block(account.pk, 30)
    assert budget.lease(cast.make_account(calls=40, seconds=1).pk, 1).starts


@pytest.mark.django_db(transaction=True)
def test_four_processes_that_ask_at_once_never_get_more_than_the_limit() -> None:
    account = cast.make_account(calls=40, seconds=1)
    got: list[float] = []

    def ask_and_ask() -> None:
        end = time.monotonic() + 2.5
        while time.monotonic() < end:
            grant = budget.lease(account.pk, 4)
            got.extend(grant.starts)
            time.sleep(max(0.01, grant.wait))
        connection.close()

    threads = [threading.Thread(target=ask_and_ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert largest_window(got, 1.0) <= 40
    assert len(got) >= 0.8 * 2.5 * 40


# Whose turn it is


def work(lane: Lane) -> Work:
    return Work(Message(), Stage.SUBMIT, lane)


def test_persons_are_served_before_questions_and_batches() -> None:
    lanes = Lanes()
    for lane in (Lane.BATCH, Lane.POLL, Lane.PERSON, Lane.BATCH, Lane.PERSON):
        lanes.add(work(lane))
    served = [found.lane for _ in range(5) if (found := lanes.next())]
    assert served[:2] == [Lane.PERSON, Lane.PERSON]
    assert lanes.next() is None


def test_every_third_permit_goes_to_questions_while_both_wait() -> None:
    lanes = Lanes()
    for _ in range(30):
        lanes.add(work(Lane.BATCH))
        lanes.add(work(Lane.POLL))
    served = [found.lane for _ in range(30) if (found := lanes.next())]
    assert served.count(Lane.POLL) == 10
    assert all(Lane.POLL in served[turn : turn + 3] for turn in range(0, 30, 3))


@pytest.mark.parametrize("lane", [Lane.BATCH, Lane.POLL])
def test_who_waits_alone_gets_every_permit(lane: Lane) -> None:
    lanes = Lanes()
    for _ in range(5):
        lanes.add(work(lane))
    assert [found.lane for _ in range(5) if (found := lanes.next())] == [lane] * 5


def test_what_has_been_checked_goes_on_before_what_has_not() -> None:
    lanes = Lanes()
    unchecked, checked = work(Lane.BATCH), work(Lane.BATCH)
    lanes.add(unchecked)
    lanes.add_first(checked)
    assert lanes.next() is checked
