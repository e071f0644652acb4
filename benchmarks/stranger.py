"""Another program of the same institution asks for half of the account's calls: who gets what."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import requests

from benchmarks.calls import Recorder
from benchmarks.figures import Row, at_least, at_most
from benchmarks.pace import LATENCY
from benchmarks.stack import Ground, Stack
from tests.simulator_process import REGULAR, SCUOLA

CALLS, WINDOW = 150, 5.0
OUR_429, USED, OUR_SHARE = 0.02, 0.95, 0.90
#: We are alone for so long; then the stranger comes, and is noticed, before counting begins (seconds).
_ALONE, _TOGETHER = 5.0, 10.0


class Stranger:
    """Asks for a fixed number of calls a second, evenly, whatever it is answered."""

    def __init__(self, url: str, calls_a_second: float) -> None:
        self._url, self._every = f"{url}/profiles", 1 / calls_a_second
        self.calls = self.throttled = 0
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Stranger:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        following = time.monotonic()
        with ThreadPoolExecutor(8) as threads:
            while not self._stop.is_set():
                threads.submit(self._call)
                following += self._every
                time.sleep(max(0.0, following - time.monotonic()))

    def _call(self) -> None:
        headers = {"Ocp-Apim-Subscription-Key": SCUOLA}
        status = requests.post(self._url, json={"fiscal_code": REGULAR}, headers=headers, timeout=20).status_code
        with self._lock:
            self.calls += 1
            self.throttled += status == 429


def measure(folder: Path, ground: Ground, *, quick: bool) -> list[Row]:
    """150/5, our batch against a stranger's even half, for a minute."""
    seconds = 20.0 if quick else 60.0
    with Stack(folder, ground, limit=f"{CALLS}/{WINDOW:g}") as stack:
        stack.simulator.tune(limit=f"{CALLS}/{WINDOW:g}", **LATENCY)
        stack.start(2)
        with Recorder(stack.simulator.control_url) as recorder:
            stack.inside("queue_batch", count=round(30 * (seconds + 30)), known=False)
            stack.wait_until(lambda: recorder.last.calls > 0, 30, "nothing is sent")
            time.sleep(_ALONE)
            with Stranger(stack.simulator.url, CALLS / WINDOW / 2) as stranger:
                time.sleep(_TOGETHER)
                first, theirs = recorder.look(), (stranger.calls, stranger.throttled)
                time.sleep(seconds)
                last, theirs_then = recorder.look(), (stranger.calls, stranger.throttled)
    calls, throttled = last.calls - first.calls, last.throttled - first.throttled
    their_calls, their_throttled = theirs_then[0] - theirs[0], theirs_then[1] - theirs[1]
    ours, our_429 = calls - their_calls, throttled - their_throttled
    allowed = CALLS / WINDOW * (last.at - first.at)
    name = ground.name
    return [
        at_most(f"{name}: our calls answered 429", 100 * our_429 / ours, 100 * OUR_429, "%"),
        at_least(f"{name}: use of the account", (calls - throttled) / allowed, USED),
        at_least(f"{name}: our share of our half", (ours - our_429) / (allowed / 2), OUR_SHARE),
        Row(f"{name}: the stranger's calls answered 429", f"{100 * their_throttled / their_calls:.1f} %"),
    ]
