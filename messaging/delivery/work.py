"""What a delivery loop holds in memory: pieces of work in their lanes, matched with permits as late as possible."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum, auto

from messaging.enums import Lane
from messaging.models import BatchRow, Message, Service

#: When questions and messages both wait, every third permit goes to a question.
POLL_EVERY = 3


class Stage(StrEnum):
    """The call that a piece of work needs next."""

    CHECK = auto()
    SUBMIT = auto()
    POLL = auto()
    DECIDE = auto()
    PROBE = auto()
    ASK = auto()


@dataclass(slots=True)
class Work:
    """A message and the call it needs; ``alone`` marks the one POST by which a paused account is probed."""

    message: Message
    stage: Stage
    lane: Lane
    alone: bool = False

    @property
    def service(self) -> Service:
        """Whose key the call needs."""
        return self.message.service

    @property
    def batch_id(self) -> int | None:
        """The batch that it is a part of."""
        return self.message.batch_id

    @property
    def name(self) -> str:
        """What the log may say of it."""
        return f"message {self.message.public_id}"

    @property
    def fiscal_code(self) -> str:
        """Whom it is about."""
        assert self.message.recipient is not None  # the database holds it for every status but draft
        return self.message.recipient.fiscal_code


@dataclass(slots=True)
class Question:
    """A row of a batch that is not sent yet, and the call that tells whether its person can be reached."""

    row: BatchRow
    stage: Stage = Stage.ASK
    lane: Lane = Lane.BATCH
    alone: bool = False

    @property
    def service(self) -> Service:
        """Whose key the call needs."""
        return self.row.batch.service

    @property
    def batch_id(self) -> int | None:
        """The batch that it is a part of."""
        return self.row.batch_id

    @property
    def name(self) -> str:
        """What the log may say of it."""
        return f"row {self.row.pk}"

    @property
    def fiscal_code(self) -> str:
        """Whom it is about."""
        assert self.row.recipient is not None  # the database holds it for every good row
        return self.row.recipient.fiscal_code


Job = Work | Question


class Lanes:
    """Work by lane: persons first, then questions about fates and batches by weight, the batches in turns."""

    def __init__(self) -> None:
        self._persons: deque[Job] = deque()
        self._polls: deque[Job] = deque()
        #: By batch, the one whose turn is next first.
        self._batches: dict[int | None, deque[Job]] = {}
        self._turn = 0

    def __len__(self) -> int:
        return sum(map(self.waiting, Lane))

    def waiting(self, lane: Lane) -> int:
        """How much waits in one lane."""
        if lane is Lane.BATCH:
            return sum(map(len, self._batches.values()))
        return len(self._persons if lane is Lane.PERSON else self._polls)

    def waiting_of(self, batch_id: int | None) -> int:
        """How much of one batch waits in the lane of batches."""
        return len(self._batches.get(batch_id, ()))

    def add(self, work: Job) -> None:
        """Put work at the end of its lane."""
        self._line(work).append(work)

    def add_first(self, work: Job) -> None:
        """Put work at the head of its lane: a checked message goes on before unchecked ones."""
        self._line(work).appendleft(work)

    def next(self) -> Job | None:
        """Take the work for the next permit."""
        if self._persons:
            return self._persons.popleft()
        if self._polls and self._batches:
            self._turn = (self._turn + 1) % POLL_EVERY
            return self._polls.popleft() if self._turn == 0 else self._next_of_a_batch()
        if self._polls:
            return self._polls.popleft()
        return self._next_of_a_batch() if self._batches else None

    def take_out(self, is_out: Callable[[Job], bool]) -> list[Job]:
        """Take out of the lane of batches what is not to be done now."""
        out = [work for line in self._batches.values() for work in line if is_out(work)]
        if out:
            kept = {batch: deque(work for work in line if not is_out(work)) for batch, line in self._batches.items()}
            self._batches = {batch: line for batch, line in kept.items() if line}
        return out

    def _line(self, work: Job) -> deque[Job]:
        if work.lane is Lane.BATCH:
            return self._batches.setdefault(work.batch_id, deque())
        return self._persons if work.lane is Lane.PERSON else self._polls

    def _next_of_a_batch(self) -> Job:
        batch_id = next(iter(self._batches))
        line = self._batches.pop(batch_id)
        work = line.popleft()
        if line:
            self._batches[batch_id] = line
        return work
