"""The counters that move with the rows they count: a batch's, and a service's by day of queueing (Europe/Rome).

What is counted of delivered messages beside their status, their milestones, follows from a row alone (`reached`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from django.db import models

from messaging.delivery.statements import NO_MESSAGE, Script
from messaging.enums import FeatureLevel, Milestone, Status
from messaging.models import BatchCount, BatchMilestone, DailyCount, DailyMilestone, DailySpeed, Message

ROME = ZoneInfo("Europe/Rome")

#: The columns that say which milestones a message has reached, and where that counts.
WATCHED = (
    *("service", "batch", "queued_at", "status", "feature_level", "amount", "has_remote_content", "has_attachments"),
    *("read_status", "payment_status", "seen_at", "paid_at"),
)


@lru_cache(maxsize=1024)
def day_of(moment: datetime) -> date:
    """The day in Italy on which a message counts."""
    return moment.astimezone(ROME).date()


def reached(message: Message) -> frozenset[Milestone]:
    """The milestones of a message: none before its delivery, and each with the one that it is a part of.

    Openings are known of what IO fetches from us; reading and paying is what IO says of Premium messages, where the
    agreement lets it and the person does (IO messages API notes, 3.6).
    """
    if message.status != Status.PROCESSED:
        return frozenset()
    found = set()
    if message.seen_at is not None:
        found |= {Milestone.OBSERVED, Milestone.SEEN}
    elif message.has_remote_content or message.has_attachments or message.read_status in {"READ", "UNREAD"}:
        found.add(Milestone.OBSERVED)
    if message.paid_at is not None:
        found |= {Milestone.PAYABLE, Milestone.PAID}
    elif message.amount is not None and message.payment_status:
        found.add(Milestone.PAYABLE)
    return frozenset(found)


class Tally:
    """What a group of moves changes in the counters; written once, at the end of their transaction."""

    def __init__(self) -> None:
        self._batches: Counter[tuple[int, str]] = Counter()
        self._days: Counter[tuple[int, date, str]] = Counter()
        self._speeds: Counter[tuple[int, date, int]] = Counter()
        self._batch_milestones: Counter[tuple[int, str]] = Counter()
        self._milestones: Counter[tuple[int, date, str]] = Counter()
        self._lowest: dict[Any, int] = {}
        #: What the rows had reached when this transaction came to them.
        self._before: dict[int, frozenset[Milestone]] = {}

    def leave(self, message: Message) -> None:
        """The message leaves the status, and the day, that it has in memory."""
        self._add(message, -1)

    def arrive(self, message: Message) -> None:
        """The message has come to the status, and the day, that it has in memory."""
        self._add(message, 1)
        if message.queued_at and message.delivery_speed is not None:
            self._count(self._speeds, (message.service_id, day_of(message.queued_at), message.delivery_speed), message)
        if message.status == Status.PROCESSED and _may_be_known(message):
            self._before.setdefault(message.pk, frozenset())

    def watch(self, message: Message) -> None:
        """The row of this message, as it is in memory and locked by this transaction, may reach milestones in it."""
        self._before.setdefault(message.pk, reached(message))

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
        if self._before:
            self._compare()
            _add_to(script, BatchMilestone, ("batch", "milestone"), self._batch_milestones)
            _add_to(script, DailyMilestone, ("service", "day", "milestone"), self._milestones, self._lowest)

    def _compare(self) -> None:
        """What the rows have reached by now: an opening may have been committed since the message was read."""
        for message in Message.objects.filter(pk__in=self._before).only(*WATCHED):
            before, after = self._before[message.pk], reached(message)
            for milestone in after ^ before:
                self._mark(message, milestone, 1 if milestone in after else -1)
        self._before.clear()

    def _mark(self, message: Message, milestone: Milestone, change: int) -> None:
        if message.batch_id is not None:
            self._batch_milestones[message.batch_id, str(milestone)] += change
        if message.queued_at:
            key = (message.service_id, day_of(message.queued_at), str(milestone))
            if change > 0:
                self._count(self._milestones, key, message)
            else:
                self._milestones[key] -= 1

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


def _may_be_known(message: Message) -> bool:
    """Whether anything beyond the delivery can ever be known of it; files need the Premium level."""
    return message.has_remote_content or message.feature_level == FeatureLevel.ADVANCED


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
