"""The supervisor's figures: what waits for a person, what became of the messages of some days, how long it took.

They come from the counters that move with the messages, so that a million of them cost no more than a hundred.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property

from django.db.models import Count, Min, Sum

from messaging import permissions
from messaging.enums import DeliverySpeed, Milestone, Role, Status
from messaging.listing import Outcome, midnight, together
from messaging.models import DailyCount, DailyMilestone, DailySpeed, Message, Service, User

#: Causes are told of so many of a service's newest refused messages; the older ones are counted together.
TOLD = 2_000


@dataclass(frozen=True, slots=True)
class Waiting:
    """What waits for this supervisor: approvals, with the people they are for, and uncertain outcomes."""

    messages: int
    batches: int
    recipients: int
    since: datetime | None
    uncertain: int

    @property
    def approvals(self) -> int:
        """How many times somebody has to say yes or no."""
        return self.messages + self.batches


def supervised_services(user: User) -> list[Service]:
    """The services that the person supervises, by name."""
    mine = Service.objects.filter(memberships__user=user, memberships__role=Role.SUPERVISOR)
    return list(mine.order_by("name"))


def waiting(user: User) -> Waiting:
    """What waits for the person now, however old it is."""
    messages = permissions.to_approve(user).order_by().aggregate(count=Count("pk"), since=Min("changed_at"))
    batches = (
        permissions.batches_to_approve(user)
        .order_by()
        .aggregate(count=Count("pk"), recipients=Sum("rows_good"), since=Min("submitted_at"))
    )
    return Waiting(
        messages=messages["count"],
        batches=batches["count"],
        recipients=messages["count"] + (batches["recipients"] or 0),
        since=min(filter(None, [messages["since"], batches["since"]]), default=None),
        uncertain=permissions.supervised_messages(user).filter(status=Status.UNCERTAIN).count(),
    )


@dataclass(frozen=True, slots=True)
class Refusal:
    """How many of a service's refused messages have one cause; none named: they are older, of any cause."""

    service: int
    cause: str
    owner: str
    count: int


class Figures:
    """What became of the messages first queued from ``first`` to ``last`` (days in Rome, both counted)."""

    def __init__(self, services: Sequence[Service], first: date, last: date, held: Iterable[int] = ()) -> None:
        """``held`` are the services whose queue stands still."""
        self.services, self.first, self.last, self.held = services, first, last, frozenset(held)

    @cached_property
    def _counted(self) -> dict[tuple[int, str], tuple[int, int]]:
        """For each service and status how many, and no id among them is lower."""
        rows = DailyCount.objects.filter(service__in=self.services, day__range=(self.first, self.last), count__gt=0)
        sums = rows.order_by().values_list("service", "status").annotate(n=Sum("count"), lowest=Min("lowest_message"))
        return {(service, status): (count, lowest) for service, status, count, lowest in sums}

    def count(self, *statuses: str, service: int | None = None) -> int:
        """How many stand in these statuses now, in one service or in all."""
        services = [service] if service is not None else [one.pk for one in self.services]
        return sum(self._counted.get((one, status), (0, 0))[0] for one in services for status in statuses)

    def sent(self, service: int | None = None) -> int:
        """How many IO has taken in charge."""
        return self.count(*Outcome.SENT.statuses, service=service)

    def delivered(self, service: int | None = None) -> int:
        """How many are in the citizens' apps."""
        return self.count(*Outcome.DELIVERED.statuses, service=service)

    @cached_property
    def _reached(self) -> dict[tuple[int, str], int]:
        rows = DailyMilestone.objects.filter(service__in=self.services, day__range=(self.first, self.last))
        sums = rows.order_by().values_list("service", "milestone").annotate(n=Sum("count"))
        return {(service, milestone): count for service, milestone, count in sums}

    def reached(self, milestone: Milestone, service: int | None = None) -> int:
        """How many delivered messages have reached a milestone, or can be known to (`messaging.enums.Milestone`)."""
        services = [service] if service is not None else [one.pk for one in self.services]
        return sum(self._reached.get((one, milestone), 0) for one in services)

    def stopped(self, service: int | None = None) -> int:
        """How many were rejected or refused, failed, or wait in a queue that stands still."""
        if service is None:
            return sum(self.stopped(one.pk) for one in self.services)
        return self.count(*Outcome.STOPPED.statuses, service=service) + self.waiting_in(service)

    def waiting_in(self, service: int) -> int:
        """How many wait in the queue of a service, if that stands still."""
        return self.count(Status.QUEUED, service=service) if service in self.held else 0

    def by_status(self, *, sent: bool) -> list[tuple[Status, int]]:
        """Where the sent ones stand that were not delivered, or the others; the most frequent first."""
        group = set(Outcome.SENT.statuses)
        left = (group - set(Outcome.DELIVERED.statuses)) if sent else set(Status) - group
        counted = [(status, self.count(status)) for status in Status if status in left]
        return sorted((one for one in counted if one[1]), key=lambda one: -one[1])

    def refusals(self) -> list[Refusal]:
        """Why IO refused messages, service by service: TOLD of each, and how many more there are."""
        refused = {one.pk: self._counted[one.pk, Status.REFUSED] for one in self.services if self._refused(one.pk)}
        looks = [
            Message.objects.filter(service=service, status=Status.REFUSED, pk__gte=lowest)
            .filter(queued_at__gte=midnight(self.first))
            .order_by("-pk")
            .values_list("service_id", "refusal_cause", "refusal_owner")[:TOLD]
            for service, (_count, lowest) in refused.items()
        ]
        causes = Counter(together(looks))
        told = Counter(dict.fromkeys(refused, 0))
        for (service, _cause, _owner), count in causes.items():
            told[service] += count
        rest = [Refusal(one, "", "", count - told[one]) for one, (count, _) in refused.items() if count > told[one]]
        named = [Refusal(service, cause, owner, count) for (service, cause, owner), count in causes.most_common()]
        return named + rest

    def _refused(self, service: int) -> bool:
        return bool(self.count(Status.REFUSED, service=service))

    @cached_property
    def speeds(self) -> dict[DeliverySpeed, int]:
        """How many were delivered within which time, every class named."""
        rows = DailySpeed.objects.filter(service__in=self.services, day__range=(self.first, self.last))
        sums = dict(rows.order_by().values_list("speed").annotate(n=Sum("count")))
        return {speed: sums.get(speed, 0) for speed in DeliverySpeed}

    def within(self, hundredths: int) -> DeliverySpeed | None:
        """The class by whose end so many of a hundred had been delivered; None without any."""
        total, reached = sum(self.speeds.values()), 0
        for speed, count in self.speeds.items():
            reached += count
            if total and reached * 100 >= total * hundredths:
                return speed
        return None


def share(part: int, whole: int) -> int | None:
    """A share in hundredths, rounded down, so that a hundred means all; None of nothing."""
    return part * 100 // whole if whole else None
