"""The counters that move with the rows they count: a batch's, and a service's by day of queueing (Europe/Rome)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from django.db import models

from messaging.delivery.statements import NO_MESSAGE, Script
from messaging.models import BatchCount, DailyCount, DailySpeed, Message

ROME = ZoneInfo("Europe/Rome")


@lru_cache(maxsize=1024)
def day_of(moment: datetime) -> date:
    """The day in Italy on which a message counts."""
    return moment.astimezone(ROME).date()


class Tally:
    """What a group of moves changes in the counters; written once, at the end of their transaction."""

    def __init__(self) -> None:
        self._batches: Counter[tuple[int, str]] = Counter()
        self._days: Counter[tuple[int, date, str]] = Counter()
        self._speeds: Counter[tuple[int, date, int]] = Counter()
        self._lowest: dict[Any, int] = {}

    def leave(self, message: Message) -> None:
        """The message leaves the status, and the day, that it has in memory."""
        self._add(message, -1)

    def arrive(self, message: Message) -> None:
        """The message has come to the status, and the day, that it has in memory."""
        self._add(message, 1)
        if message.queued_at and message.delivery_speed is not None:
            self._count(self._speeds, (message.service_id, day_of(message.queued_at), message.delivery_speed), message)

    def born(self, messages: Iterable[Message]) -> None:
        """New messages of a batch, queued or final from the start."""
        for message in messages:
            self._add(message, 1)

    def write(self) -> None:
        """Add all to the rows."""
        script = Script()
        self.add_to(script)
        script.run()

    def add_to(self, script: Script) -> None:
        """Have all added to the rows, in one order in every process, so that two groups never wait for each other."""
        _add_to(script, BatchCount, ("batch", "status"), self._batches)
        _add_to(script, DailyCount, ("service", "day", "status"), self._days, self._lowest)
        _add_to(script, DailySpeed, ("service", "day", "speed"), self._speeds, self._lowest)

    def _add(self, message: Message, change: int) -> None:
        if message.batch_id is not None:
            self._batches[message.batch_id, str(message.status)] += change
        if message.queued_at:
            key = (message.service_id, day_of(message.queued_at), str(message.status))
            if change > 0:
                self._count(self._days, key, message)
            else:
                self._days[key] -= 1

    def _count(self, counter: Counter[Any], key: Any, message: Message) -> None:
        counter[key] += 1
        self._lowest[key] = min(self._lowest.get(key, message.pk), message.pk)


def _add_to(
    script: Script,
    model: type[models.Model],
    key: tuple[str, ...],
    counter: Counter[Any],
    lowest: Mapping[Any, int] | None = None,
) -> None:
    rows = sorted(row for row, change in counter.items() if change)
    if not rows:
        return
    each: dict[str, Any] = dict(zip(key, zip(*rows, strict=True), strict=True))
    each["count"] = [counter[row] for row in rows]
    if lowest is not None:
        each["lowest_message"] = [lowest.get(row, NO_MESSAGE) for row in rows]
    script.add(model, key, each, lowest=lowest is not None)
