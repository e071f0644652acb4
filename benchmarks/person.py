"""Somebody presses Send while a batch, a second institution's batch and the check of a file are under way."""

from __future__ import annotations

import statistics
from pathlib import Path

from benchmarks.calls import Recorder
from benchmarks.figures import Row, at_least, at_most
from benchmarks.pace import LATENCY
from benchmarks.stack import Ground, Stack

LIMIT, CALLS_A_SECOND = "150/5", 30
SECONDS = 1.0
OTHER_INSTITUTION = 0.90
_EVERY = 1.5


def measure(folder: Path, ground: Ground, *, quick: bool) -> list[Row]:
    """150/5 for each of two institutions: seconds from Send to taken in charge, 95th percentile."""
    count = 10 if quick else 60
    with Stack(folder, ground, limit=LIMIT) as stack:
        stack.simulator.tune(limit=LIMIT, **LATENCY)
        stack.start(2, files=True)
        citizens = round(CALLS_A_SECOND * (count * _EVERY + 25) / 2)
        with Recorder(stack.simulator.control_url, "borgofiore") as other:
            for service in ("tributi", "tributi-borgofiore"):
                stack.inside("queue_batch", count=citizens, known=False, service=service)
            stack.wait_until(lambda: other.last.calls > CALLS_A_SECOND, 30, "nothing is sent")
            check = stack.inside("upload", rows=20_000 if quick else 100_000)
            first = other.look()
            found = stack.inside("persons", count=count, every=_EVERY)
            last = other.look()
            progress = stack.rows("SELECT status, progress FROM messaging_batch WHERE id = ?", check) if check else []
    waited = [item["seconds"] for item in found]
    known = [item["seconds"] for item in found if item["known"]]
    asked = [item["seconds"] for item in found if not item["known"]]
    around = "batch, second institution's batch" + (" and a file being checked" if check else "")
    name = f"{ground.name}, from Send to taken in charge, beside a {around}"
    pace = (last.calls - first.calls) / (CALLS_A_SECOND * (last.at - first.at))
    return [
        at_most(f"{name}: 95th percentile of {len(waited)}", _percentile(waited), SECONDS, "s"),
        Row(f"{name}: median where IO had been asked at the screen", f"{statistics.median(known):.2f} s"),
        Row(f"{name}: median where IO had yet to be asked", f"{statistics.median(asked):.2f} s"),
        Row(f"{name}: slowest", f"{max(waited):.2f} s"),
        at_least(f"{ground.name}: the second institution's use of its own pace meanwhile", pace, OTHER_INSTITUTION),
        *(Row(f"{ground.name}: the file at the end", f"{status}, {done / 10:.0f} %") for status, done in progress),
    ]


def _percentile(values: list[float]) -> float:
    return statistics.quantiles(values, n=20, method="inclusive")[-1]
