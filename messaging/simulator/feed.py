"""The subscription feed: who came and who went, day by day (notes, 5)."""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date

from messaging.simulator.citizens import REGISTERED_ON, Registry


@dataclass(slots=True)
class _Day:
    created: set[str] = field(default_factory=set)
    deleted: set[str] = field(default_factory=set)
    subscribed: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    unsubscribed: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))


class Feed:
    """Account and service events of each UTC day."""

    def __init__(self, registry: Registry) -> None:
        self._days: dict[date, _Day] = defaultdict(_Day)
        self.reset(registry)

    def reset(self, registry: Registry) -> None:
        """Only the cast, all registered on one day."""
        self._days.clear()
        for citizen in registry.cast():
            if citizen.on_io:
                self.account(REGISTERED_ON, citizen.digest, created=True)

    def account(self, day: date, digest: str, created: bool) -> None:
        """Somebody joined IO or left it."""
        events = self._days[day]
        (events.created if created else events.deleted).add(digest)

    def service(self, day: date, digest: str, slug: str, subscribed: bool) -> None:
        """Somebody switched a service; opposite changes on one day cancel out."""
        events = self._days[day]
        here, there = events.subscribed[slug], events.unsubscribed[slug]
        if not subscribed:
            here, there = there, here
        if digest in there:
            there.remove(digest)
        else:
            here.add(digest)

    def read(self, day: date, slug: str) -> tuple[list[str], list[str]]:
        """Subscriptions and unsubscriptions of one day for one service, merged."""
        events = self._days.get(day)
        if events is None:
            return [], []
        came, went = events.subscribed.get(slug, set()), events.unsubscribed.get(slug, set())
        touched = events.created | events.deleted
        subscriptions = (events.created - went) | (came - touched)
        unsubscriptions = (events.deleted - came) | (went - touched)
        return sorted(subscriptions), sorted(unsubscriptions)
