"""The engine against its floor: how much of what bare calls reach is left with a database that forgets nothing."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.calls import Recorder, rate
from benchmarks.figures import PAIRS, Row, pairs, ratio_row
from benchmarks.stack import POSTGRESQL, REPOSITORY, Ground, Stack, end

TARGETS = {POSTGRESQL: 0.70, "SQLite": 0.75}
CEILING = 1.5
PROCESSES = 2
#: Sender threads of one process at this pace and without latency.
THREADS = 8
_MESSAGES = 7_000
_WARM_UP = 500
#: More than any process has threads that could take such a call: each process is woken.
_CALLS_TO_WAKE = 24


def measure(folder: Path, ground: Ground, *, quick: bool) -> list[Row]:
    """No limit, no latency: messages a second, each one asked about and posted."""
    messages = _MESSAGES // 3 if quick else _MESSAGES
    with _counterpart(folder) as port:
        url = f"http://127.0.0.1:{port}"
        command = [sys.executable, "-m", "benchmarks.counterpart", "--ceiling", port]
        done = subprocess.run(command, cwd=REPOSITORY, check=True, capture_output=True, text=True)  # noqa: S603
        ceiling = float(done.stdout)
        with Stack(folder, ground, limit="none", api=f"{url}/api/v1") as stack:
            stack.start(PROCESSES)
            # Not counted: by its end all processes have started, and no start is taken for a slow floor.
            _engine(stack, url, _WARM_UP)
            found = pairs(
                lambda: _floor(url, messages),
                lambda: _engine(stack, url, messages),
                1 if quick else PAIRS,
            )
            with_own_client = _floor(url, messages, "own")
    what = f"{ground.name}: engine, {PROCESSES} processes, floor with {PROCESSES} × {THREADS} threads"
    row = ratio_row(what, found, "messages/s", TARGETS[ground.database])
    ours = statistics.median(pair.ours for pair in found)
    stricter = Row(
        what=f"{ground.name}: the same, if the floor had the engine's own client in place of requests (one run)",
        measured=f"{ours:,.0f} messages/s",
        floor=f"{with_own_client:,.0f} messages/s",
        ratio=round(ours / with_own_client, 3),
    )
    floor_calls = 2 * max(with_own_client, *(pair.floor for pair in found))
    counterpart = Row(
        what=f"{ground.name}: the counterpart's own ceiling",
        measured=f"{ceiling:,.0f} calls/s",
        floor=f"{floor_calls:,.0f} calls/s",
        ratio=round(ceiling / floor_calls, 2),
        target=f"≥ {CEILING:g}",
        met=ceiling >= CEILING * floor_calls,
    )
    return [row, stricter, counterpart]


@contextmanager
def _counterpart(folder: Path) -> Iterator[str]:
    port_file = folder / "counterpart"
    command = [sys.executable, "-m", "benchmarks.counterpart", str(port_file)]
    process = subprocess.Popen(command, cwd=REPOSITORY, start_new_session=True)  # noqa: S603
    try:
        while not port_file.exists():
            if process.poll() is not None:
                raise RuntimeError("no counterpart")
            time.sleep(0.02)
        yield port_file.read_text()
    finally:
        end(process)
        port_file.unlink(missing_ok=True)


def _floor(url: str, messages: int, caller: str = "requests") -> float:
    with Recorder(url) as recorder:
        before = recorder.last.posts
        share = str(messages // PROCESSES)
        command = [sys.executable, "-m", "benchmarks.floor", f"{url}/api/v1", share, str(THREADS), caller]
        processes = [subprocess.Popen(command, cwd=REPOSITORY) for _ in range(PROCESSES)]  # noqa: S603
        for process in processes:
            if process.wait():
                raise RuntimeError("the floor failed")
    return _middle(recorder, before, messages)


def _engine(stack: Stack, url: str, messages: int) -> float:
    with Recorder(url) as recorder:
        before = recorder.last.posts
        stack.inside("queue_batch", count=messages, known=False, at_once=True, wakes=_CALLS_TO_WAKE)
        stack.wait_until(lambda: recorder.last.posts - before >= messages, 120, "the messages do not leave")
    if recorder.last.posts - before != messages:
        raise RuntimeError(f"{recorder.last.posts - before} posts for {messages} messages")
    stack.wait_until(lambda: not {"queued", "sending"} & set(stack.statuses()), 20, "not all is settled")
    stack.inside("finish")
    return _middle(recorder, before, messages)


def _middle(recorder: Recorder, before: int, messages: int) -> float:
    """Posts a second between the tenth and the ninetieth hundredth of the messages."""
    first, last = before + messages // 10, before + messages * 9 // 10
    return rate(recorder.samples, lambda sample: sample.posts, first, last)
