"""What waits for a person, and what stands still, as queries that the desk and the supervisor's list share."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, F, OuterRef, Q, QuerySet, Subquery

from messaging import permissions
from messaging.enums import MOVING, Lane, Reason, Role, Status
from messaging.models import Message, ServicePause, StatusChange, User

#: Reasons for which a draft is back on its author's desk.
SENT_BACK = (Reason.SENT_BACK, Reason.CONTENT_CHANGED)
#: Statuses that ask somebody to act after IO, or the portal, has said no.
STOPPED = (Status.REFUSED, Status.FAILED)


# A database that does not know how much a person writes would walk through all of their messages, newest first, to find
# the few of one status. The sums keep it from the author's index: it reads those of that status, and sorts them.
NEWEST = (F("pk") + 0).desc()


def apart(*columns: str) -> dict[str, Subquery]:
    """Columns of a message's own row as annotations ``own_...``, so that no index is chosen for their sake."""
    own = Message.objects.filter(pk=OuterRef("pk"))
    return {f"own_{name}": Subquery(own.values(name)[:1]) for name in columns}


def my_services(user: User) -> list[int]:
    """The ids of the services in which the person writes or supervises."""
    return [membership.service_id for membership in user.roles]


def supervised(user: User) -> list[int]:
    """The ids of the services in which the person is a supervisor."""
    return [membership.service_id for membership in user.roles if membership.role == Role.SUPERVISOR]


def to_approve(user: User) -> QuerySet[Message]:
    """The messages that this supervisor may approve, without their long columns."""
    return _without_long_columns(permissions.to_approve(user))


def uncertain(user: User) -> QuerySet[Message]:
    """The messages about whose uncertain outcome this supervisor decides."""
    return _light(supervised(user), Status.UNCERTAIN)


def _mine(user: User, *statuses: Status) -> QuerySet[Message]:
    rows = _light(my_services(user), *statuses).alias(writer=F("author") + 0)
    return rows.filter(writer=user.pk).order_by(NEWEST)


def drafts(user: User) -> QuerySet[Message]:
    """The person's drafts, newest first."""
    return _mine(user, Status.DRAFT)


def came_back(user: User) -> QuerySet[Message]:
    """The drafts that somebody gave back to the person; ``last_change`` is the id of the step that tells why."""
    last = StatusChange.objects.filter(message=OuterRef("pk")).exclude(reason=Reason.SAVED).order_by("-pk")
    told = drafts(user).annotate(
        last_change=Subquery(last.values("pk")[:1]), last_reason=Subquery(last.values("reason")[:1])
    )
    return told.filter(last_reason__in=SENT_BACK)


def to_correct(user: User) -> QuerySet[Message]:
    """The person's messages that IO refused for something the person can put right."""
    return _mine(user, Status.REFUSED).filter(refusal_owner="clerk")


def running(user: User) -> QuerySet[Message]:
    """The person's single messages that the portal is at work on, newest first; sendings have a place of their own.

    The lane leads to what waits in the queue for a person: a sending's thousands are not read.
    """
    queued = Q(status=Status.QUEUED, lane=Lane.PERSON, next_attempt_at__isnull=False)
    return _mine(user, *MOVING).filter(queued | Q(status__in=MOVING - {Status.QUEUED}), batch__isnull=True)


def latest(user: User, limit: int) -> QuerySet[Message]:
    """The single messages that the person sent last, newest first.

    Status and service are asked of each row apart, so that the person's own index holds all else: PostgreSQL would
    rather walk through everybody's newest messages, be there a sending's hundred thousand among them.
    """
    single = Message.objects.filter(author=user, batch__isnull=True).alias(**apart("status", "service"))
    sent = single.filter(Q(own_status__in=set(Status) - {Status.DRAFT}, own_service__in=my_services(user)))
    rows = Message.objects.filter(pk__in=sent.order_by("-pk").values("pk")[:limit])
    return rows.select_related("service").defer("body", "buttons", "typed").order_by("-pk")


@dataclass(frozen=True, slots=True)
class Standstill:
    """How many messages stand still for one cause."""

    status: str
    cause: str
    owner: str
    count: int
    service_id: int | None = None


def standstills(services: Iterable[int], *, by_service: bool = False) -> list[Standstill]:
    """What IO refused or gave no good end, by cause and whose job it is; the most frequent first."""
    names = ["status", "refusal_cause", "refusal_owner", *(["service_id"] if by_service else [])]
    rows: Any = Message.objects.filter(service__in=list(services), status__in=STOPPED).order_by().values(*names)
    counted = rows.annotate(count=Count("pk")).order_by("-count", *names)
    return [
        Standstill(row["status"], row["refusal_cause"], row["refusal_owner"], row["count"], row.get("service_id"))
        for row in counted
    ]


def open_pauses(services: Iterable[int]) -> QuerySet[ServicePause]:
    """The pauses of these services that nobody has lifted, oldest first."""
    pauses = ServicePause.objects.filter(lifted_at__isnull=True, service__in=list(services))
    return pauses.select_related("service__institution__account").order_by("since")


def held_services(services: Iterable[int]) -> list[int]:
    """The ids of those services whose whole queue stands still."""
    whole = open_pauses(services).filter(whole_service=True).select_related(None).order_by("service")
    return list(whole.values_list("service", flat=True).distinct())


def _light(services: Iterable[int], *statuses: Status) -> QuerySet[Message]:
    return _without_long_columns(Message.objects.filter(service__in=list(services), status__in=statuses))


def _without_long_columns(rows: QuerySet[Message]) -> QuerySet[Message]:
    return rows.select_related("service", "author").defer("body", "buttons", "typed")
