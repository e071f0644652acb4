"""How much of the allowed pace is used, alone: two workers against a simulator that answers after 30 to 90 ms."""

from __future__ import annotations

import time
from pathlib import Path

from benchmarks.calls import Recorder, longest_standstill, used
from benchmarks.figures import Row, at_least, at_most
from benchmarks.stack import Ground, Stack

LATENCY = {"latency_ms": 30, "jitter_ms": 60}
USED, THROTTLED, CALLS = 0.98, 0.001, 3.05
#: Of the last message's final word; IO is asked ten seconds after it took the message, and then less often.
_PATIENCE = 240.0
_MOVING = ("queued", "sending", "accepted")


def measure(folder: Path, ground: Ground, *, quick: bool) -> list[Row]:
    """150/5 for a minute, then 1,500/5 for 5,000 citizens about whom nothing is known."""
    found = _run(folder, ground, "150/5", citizens=250 if quick else 850, seconds=20.0 if quick else 60.0)
    return found + _run(folder, ground, "1500/5", citizens=1_500 if quick else 5_000, seconds=0.0)


def _run(folder: Path, ground: Ground, limit: str, *, citizens: int, seconds: float) -> list[Row]:
    calls, window = (float(part) for part in limit.split("/"))
    with Stack(folder, ground, limit=limit) as stack:
        stack.simulator.tune(limit=limit, **LATENCY)
        stack.start(2)
        with Recorder(stack.simulator.control_url) as recorder:
            stack.inside("queue_batch", count=citizens, known=False)
            stack.wait_until(lambda: recorder.last.calls > 0, 30, "nothing is sent")
            began = time.monotonic()
            over = _work_ends(stack, began + (seconds or _PATIENCE))
            stack.wait_until(lambda: not still_moving(stack), _PATIENCE, "not all messages are settled", 0.5)
        settled = stack.statuses()
        last = recorder.last
        name = f"{ground.name}, {limit.replace('/', ' calls in ')} s"
        share = used(recorder.samples, over, (int(calls), window))
        window_note = f", most in a window {stack.simulator.meter()['largest_window']}"
    still = longest_standstill(recorder.samples, over)
    return [
        at_least(f"{name}: use of the pace over {over - began:.0f} s", share, USED, window_note),
        at_most(f"{name}: answered 429", 100 * last.throttled / last.calls, 100 * THROTTLED, "%"),
        at_most(f"{name}: calls per message settled", last.calls / sum(settled.values()), CALLS),
        Row(f"{name}: longest time without a call", f"{still:.1f} s"),
    ]


def _work_ends(stack: Stack, at_the_latest: float) -> float:
    """When nothing was queued any more, or the time was over: from then on there may be less to do than allowed."""
    while time.monotonic() < at_the_latest and _queued(stack):
        time.sleep(0.2)
    return time.monotonic()


def _queued(stack: Stack) -> int:
    return int(stack.rows("SELECT count(*) FROM messaging_message WHERE status = 'queued'")[0][0])


def still_moving(stack: Stack) -> bool:
    """Whether a message is queued, in flight or without IO's final word."""
    statuses = stack.statuses()
    return any(statuses.get(name) for name in _MOVING)
