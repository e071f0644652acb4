"""Twenty kills in a minute under a batch of 5,000: run by `make chaos` alone, for it takes several minutes.

Of three workers a random one is killed with everything it has started, every three seconds, and started again. Broker
and database are the test's own, so that they can be robbed and restarted too. What became of it is printed and kept
in var/chaos.json, from which docs/performance.md is written.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from benchmarks import figures, servers
from benchmarks.calls import Recorder, longest_standstill
from benchmarks.figures import Row
from benchmarks.pace import LATENCY, still_moving
from benchmarks.stack import Ground, Stack, Worker

CITIZENS = 5_000
LIMIT = "1500/5"
WORKERS, KILLS, EVERY = 3, 20, 3.0
#: After these kills the broker forgets everything, or the database crashes and comes back.
FLUSHES, RESTART = (5, 13), 9
#: A call is answered within a tenth of a second and settled at once: what is on its way for longer is nobody's.
ORPHANED_AFTER = 1.0
#: From the last kill to the last message's end: a lease, a sweep, the rest of the batch, IO's final word.
PATIENCE = 300.0

#: A place of a killed loop is free again after fifteen seconds: five kills later.
PLACES = {"DELIVERY_LOOPS": str(WORKERS + 6)}

Sent = tuple[int, int]


@dataclass
class Storm:
    """What was done, and what it left."""

    held: list[set[Sent]] = field(default_factory=list)
    working: int = 0
    seconds_after: float = 0.0


def on_its_way(stack: Stack) -> set[Sent]:
    """The attempts that are committed and not settled: message and number."""
    found = stack.rows("SELECT id, attempt_number FROM messaging_message WHERE status = 'sending'")
    return {(row[0], row[1]) for row in found}


def kill_one(stack: Stack, storm: Storm, victim: Worker) -> None:
    """Kill, start another one, and find out what the dead one held: what nobody settles any more."""
    stack.kill_worker(victim)
    at_the_kill = on_its_way(stack)
    storm.working += bool(stack.statuses().get("queued"))
    stack.start_worker()
    time.sleep(ORPHANED_AFTER)
    storm.held.append((at_the_kill & on_its_way(stack)).difference(*storm.held))


def rage(stack: Stack, flush: Callable[[], None], restart: Callable[[], None] | None) -> Storm:
    """Kill again and again, then wait until nothing moves any more."""
    storm, chance = Storm(), random.Random()
    for number in range(KILLS):
        following = time.monotonic() + EVERY
        kill_one(stack, storm, chance.choice(stack.workers))
        if number in FLUSHES:
            flush()
        if number == RESTART and restart:
            restart()
            stack.forget_connection()
        time.sleep(max(0.0, following - time.monotonic()))
    over = time.monotonic()
    stack.wait_until(lambda: not still_moving(stack), PATIENCE, "not all messages are settled", 0.5)
    storm.seconds_after = time.monotonic() - over
    return storm


def survive(stack: Stack, kept_as: str, flush: Callable[[], None], restart: Callable[[], None] | None = None) -> None:
    """The whole run: queue, rage, and see that each citizen got the message once, or somebody is told to look."""
    stack.simulator.tune(limit=LIMIT, **LATENCY)
    stack.start(WORKERS)
    with Recorder(stack.simulator.control_url) as recorder:
        stack.inside("queue_batch", count=CITIZENS, known=False)
        stack.wait_until(lambda: recorder.last.posts > 0, 30, "nothing is sent")
        storm = rage(stack, flush, restart)
        over = time.monotonic()
    taken = stack.simulator.taken()
    outcome = stack.rows(
        "SELECT m.id, m.attempt_number, m.status, r.fiscal_code FROM messaging_message m"
        " JOIN messaging_recipient r ON r.id = m.recipient_id"
    )
    uncertain = {(pk, number) for pk, number, status, _ in outcome if status == "uncertain"}
    arrived = {code for _, _, status, code in outcome if status == "processed"}
    lost = CITIZENS - len(uncertain) - len(arrived & taken.keys())
    doubled = sum(count > 1 for count in taken.values())
    of_kills = [len(uncertain & held) for held in storm.held]
    stray = uncertain.difference(*storm.held)
    standstill = longest_standstill(recorder.samples, over - storm.seconds_after)
    rows = [
        Row("messages, each to another citizen", f"{CITIZENS:,}"),
        Row("kills, and how many of them while messages were queued", f"{KILLS}, {storm.working}"),
        Row("lost", str(lost), target="0", met=lost == 0),
        Row("doubled, by the simulator's ledger", str(doubled), target="0", met=doubled == 0),
        Row(
            "uncertain, of those held by the killed",
            f"{sum(of_kills)} of {sum(map(len, storm.held))}, at most {max(of_kills)} by one kill",
            target="≤ what the killed process held",
            met=not stray,
        ),
        Row("uncertain for another reason", str(len(stray)), target="0", met=not stray),
        Row("longest time without a call during the kills", f"{standstill:.1f} s"),
        Row("from the last kill to the last message's end", f"{storm.seconds_after:.0f} s"),
        Row(
            "most calls in a window, and answered 429",
            f"{stack.simulator.meter()['largest_window']:,}, {recorder.last.throttled}",
        ),
    ]
    figures.show(kept_as, rows)
    figures.keep(figures.CHAOS, kept_as, rows, "make chaos", figures.machine(stack.ground))
    assert {status for _, _, status, _ in outcome} <= {"processed", "uncertain"}
    assert len(outcome) == CITIZENS
    assert lost == 0
    assert doubled == 0
    assert not stray, f"uncertain, and no killed process held them: {sorted(stray)}\n{stack.log[-4000:]}"


@pytest.mark.skipif(not servers.has_postgresql(), reason="PostgreSQL's programs are not here")
@pytest.mark.skipif(not servers.has_redis(), reason="Redis is not here")
def test_kills_with_an_emptied_broker_and_a_crashing_database_lose_and_repeat_nothing(tmp_path: Path) -> None:
    database = servers.PrivatePostgreSQL()
    broker = servers.PrivateRedis()

    def crash() -> None:
        database.stop("immediate")
        database.start()

    try:
        with Stack(tmp_path, Ground(database.url, broker.url), limit=LIMIT, **PLACES) as stack:
            survive(stack, "crash test on PostgreSQL and Redis", broker.flush, crash)
    finally:
        broker.remove()
        database.remove()


def test_kills_with_an_emptied_broker_on_the_embedded_stack_lose_and_repeat_nothing(tmp_path: Path) -> None:
    with Stack(tmp_path, Ground(), limit=LIMIT, **PLACES) as stack:

        def flush() -> None:
            for path in (stack.folder / "data" / "broker").iterdir():
                path.unlink(missing_ok=True)

        survive(stack, "crash test on SQLite and files", flush)
