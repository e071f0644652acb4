"""Threads that do HTTP and nothing else: they hold no database connection."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import Any

from messaging.appio.answers import NotSent, Unanswered
from messaging.appio.client import Client, Reply
from messaging.delivery.submission import LATE
from messaging.delivery.work import Job, Stage
from messaging.enums import Lane

#: Answers are settled together that come within so long (seconds).
LINGER = 0.02
#: Calls are handed over ahead as many as came back in the last moment (seconds), and never more than this.
AHEAD = 0.25
AHEAD_AT_MOST = 256


@dataclass(slots=True)
class Call:
    """One call to make: not before ``start`` and, for a POST, not after ``start_by`` (monotonic seconds)."""

    work: Job
    stage: Stage
    key: str
    fiscal_code: str
    payload: dict[str, object]
    io_id: str
    start: float = 0.0
    start_by: float = 0.0


@dataclass(slots=True)
class Done:
    """A call and what came of it."""

    call: Call
    reply: Reply[Any]


class Senders:
    """Threads, each with one client and its connection; their number can grow."""

    def __init__(self, count: int, make_client: Callable[[], Client]) -> None:
        self._calls: SimpleQueue[Call | None] = SimpleQueue()
        self._done: SimpleQueue[Done] = SimpleQueue()
        self._make_client = make_client
        self._under_way: dict[int, Call] = {}
        self._threads: list[threading.Thread] = []
        self._came_back: deque[float] = deque(maxlen=AHEAD_AT_MOST)
        self.grow(count)

    def grow(self, count: int) -> None:
        """Have at least so many threads."""
        for number in range(len(self._threads), count):
            thread = threading.Thread(target=self._work, daemon=True, name=f"sender-{number}")
            self._threads.append(thread)
            thread.start()

    def __len__(self) -> int:
        return len(self._threads)

    @property
    def free(self) -> int:
        """How many more calls can be handed over: one a thread, and what the threads will get through at once.

        What waits for a thread is marked as being sent: when IO slows down, nothing does any more.
        """
        since = time.monotonic() - AHEAD
        ahead = sum(at > since for at in self._came_back)
        return len(self._threads) + ahead - len(self._under_way)

    @property
    def busy(self) -> int:
        """How many calls are under way or wait for their time."""
        return len(self._under_way)

    @property
    def idle(self) -> bool:
        """Whether a thread waits for a call, or soon will."""
        return self._calls.empty()

    def slow_posts(self, seconds: float) -> int:
        """How many POSTs of messages have been without an answer for longer than ``seconds``."""
        before = time.monotonic() - seconds
        return sum(call.stage is Stage.SUBMIT and call.start < before for call in self._under_way.values())

    def works(self) -> list[Job]:
        """The work whose calls are under way."""
        return [call.work for call in self._under_way.values()]

    def start(self, call: Call) -> None:
        """Hand a call to the next free thread."""
        self._under_way[id(call)] = call
        self._calls.put(call)

    def collect(self, wait: float, most: int, linger: Callable[[], bool]) -> list[Done]:
        """The calls that have come back: waits up to ``wait`` seconds for the first, then a moment for others.

        ``linger`` says whether there is nothing better to do meanwhile; nobody makes a person wait for others.
        """
        found: list[Done] = []
        with suppress(Empty):
            found.append(self._done.get(timeout=wait) if wait > 0 else self._done.get_nowait())
        until = time.monotonic() + LINGER
        while found:
            found += self._come_back(most - len(found))
            left = until - time.monotonic()
            if (
                len(found) >= most
                or left <= 0
                or any(done.call.work.lane is Lane.PERSON for done in found)
                or not linger()
            ):
                break
            # Asleep, not waiting for the next answer: to be woken by each costs as much as the call.
            time.sleep(min(left, LINGER / 10))
        for done in found:
            del self._under_way[id(done.call)]
            self._came_back.append(time.monotonic())
        return found

    def _come_back(self, most: int) -> list[Done]:
        found: list[Done] = []
        with suppress(Empty):
            while len(found) < most:
                found.append(self._done.get_nowait())
        return found

    def stop(self) -> None:
        """Let the threads end once their calls are through."""
        for _ in self._threads:
            self._calls.put(None)

    def _work(self) -> None:
        client = self._make_client()
        try:
            while (call := self._calls.get()) is not None:
                if (wait := call.start - time.monotonic()) > 0:
                    time.sleep(wait)
                self._done.put(Done(call, _make(client, call)))
        finally:
            client.close()


def _make(client: Client, call: Call) -> Reply[Any]:
    try:
        match call.stage:
            case Stage.CHECK | Stage.DECIDE | Stage.ASK:
                return client.profile(call.key, call.fiscal_code)
            case Stage.POLL | Stage.PROBE:
                return client.message(call.key, call.fiscal_code, call.io_id)
            case Stage.SUBMIT:
                # The answer must be able to come before the deadline that was committed with the intention.
                if time.monotonic() > call.start_by:
                    return Reply(NotSent(LATE), None, None, 0.0)
                return client.submit(call.key, call.payload)
    except Exception as error:
        # A mistake of ours after the intention was committed: nobody knows what left.
        return Reply(Unanswered(f"client fault: {type(error).__name__}", None), None, None, 0.0)
