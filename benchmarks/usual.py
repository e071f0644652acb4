"""The engine against the usual design, 60 ms away and without a limit: messages a second of each."""

from __future__ import annotations

import statistics
import sys
from pathlib import Path

from benchmarks.calls import Recorder, rate
from benchmarks.figures import PAIRS, Row, say
from benchmarks.pace import LATENCY
from benchmarks.stack import Ground, Stack, end

#: Celery's pool and how often the engine is to be faster; the default pool has a process for each core: two here.
RIVALS = (("prefork", 2, 10.0, 240), ("threads", 32, 1.2, 2_000))
_ENGINE_MESSAGES = 2_000


def measure(folder: Path, ground: Ground, *, quick: bool) -> list[Row]:
    """Rival and engine in turn; the ratio is the engine's speed by the rival's."""
    times = 1 if quick else PAIRS
    with Stack(folder, ground, limit="none") as stack:
        stack.simulator.tune(**LATENCY)
        engine, rivals = [], {pool: list[float]() for pool, *_ in RIVALS}
        for _ in range(times):
            engine.append(_engine(stack))
            for pool, size, _, messages in RIVALS:
                rivals[pool].append(_rival(stack, pool, size, messages // (3 if quick else 1)))
            say(f"  engine {engine[-1]:.0f}, " + ", ".join(f"{pool} {r[-1]:.0f}" for pool, r in rivals.items()))
    return [_row(ground, f"{pool} pool of {size}", engine, rivals[pool], wanted) for pool, size, wanted, _ in RIVALS]


def _row(ground: Ground, name: str, engine: list[float], rival: list[float], wanted: float) -> Row:
    ratio = statistics.median(ours / theirs for ours, theirs in zip(engine, rival, strict=True))
    return Row(
        what=f"{ground.name}: engine with two workers, rival with a {name} (median of {len(engine)})",
        measured=f"{statistics.median(engine):,.0f} messages/s",
        floor=f"{statistics.median(rival):,.0f} messages/s",
        ratio=round(ratio, 2),
        target=f"≥ {wanted:g}",
        met=ratio >= wanted,
    )


def _engine(stack: Stack) -> float:
    stack.inside("finish")
    stack.start(2)
    try:
        return _speed(stack, _ENGINE_MESSAGES, lambda: None)
    finally:
        stack.stop()


def _rival(stack: Stack, pool: str, size: int, messages: int) -> float:
    stack.inside("finish")
    queue = f"{stack.queue}-rival"
    command = [sys.executable, "-W", "ignore", "-m", "celery", "-A", "benchmarks.rival", "--quiet", "worker"]
    command += ["--queues", queue, "--pool", pool, "--concurrency", str(size), "--loglevel", "WARNING"]
    worker = stack.launch([*command, "--without-gossip", "--without-mingle", "--without-heartbeat"])
    try:
        return _speed(stack, messages, lambda: stack.inside("send_tasks", task="benchmarks.rival.send", queue=queue))
    finally:
        end(worker)


def _speed(stack: Stack, messages: int, then: object) -> float:
    """Posts a second between the tenth and the ninetieth hundredth of the messages."""
    before = stack.simulator.posts()
    with Recorder(stack.simulator.control_url) as recorder:
        stack.inside("queue_batch", count=messages, known=False, at_once=True)
        if callable(then):
            then()
        stack.wait_until(lambda: recorder.last.posts - before >= messages, 120, "the messages do not leave")
    first, last = before + messages // 10, before + messages * 9 // 10
    return rate(recorder.samples, lambda sample: sample.posts, first, last)
