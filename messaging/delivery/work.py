"""What a delivery loop holds in memory: pieces of work in their lanes, matched with permits as late as possible."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from enum import StrEnum, auto

from messaging.enums import Lane
from messaging.models import Message

#: When questions and messages both wait, every third permit goes to a question.
POLL_EVERY = 3


class Stage(StrEnum):
    """The call that a piece of work needs next."""

    CHECK = auto()
    SUBMIT = auto()
    POLL = auto()
    DECIDE = auto()
    PROBE = auto()


@dataclass(slots=True)
class Work:
    """A message and the call it needs; ``alone`` marks the one POST by which a paused account is probed."""

    message: Message
    stage: Stage
    lane: Lane
    alone: bool = False


class Lanes:
    """Work by lane: persons first, then questions and batches by weight."""

    def __init__(self) -> None:
        self._lanes: dict[Lane, deque[Work]] = {lane: deque() for lane in Lane}
        self._turn = 0

    def __len__(self) -> int:
        return sum(map(len, self._lanes.values()))

    def waiting(self, lane: Lane) -> int:
        """How much waits in one lane."""
        return len(self._lanes[lane])

    def add(self, work: Work) -> None:
        """Put work at the end of its lane."""
        self._lanes[work.lane].append(work)

    def add_first(self, work: Work) -> None:
        """Put work at the head of its lane: a checked message goes on before unchecked ones."""
        self._lanes[work.lane].appendleft(work)

    def next(self) -> Work | None:
        """Take the work for the next permit."""
        persons, polls, batch = (self._lanes[lane] for lane in (Lane.PERSON, Lane.POLL, Lane.BATCH))
        if persons:
            return persons.popleft()
        if polls and batch:
            self._turn = (self._turn + 1) % POLL_EVERY
            return polls.popleft() if self._turn == 0 else batch.popleft()
        lane = polls or batch
        return lane.popleft() if lane else None
