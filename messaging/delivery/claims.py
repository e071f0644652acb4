"""What is due in an account, and taking it as a lease: ``next_attempt_at`` moves on, the status stays as it is."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import timedelta
from typing import Any

from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone

from messaging.delivery import outage
from messaging.delivery.pauses import not_paused, pause_service
from messaging.delivery.reachability import SERVES_FOR
from messaging.delivery.work import Lanes, Stage, Work
from messaging.enums import Lane, PauseReason, ReachabilityAnswer, Status
from messaging.models import DeliveryLoop, Installation, Message, Reachability, Service, ServiceKey, ServicePause

#: What a loop has leased is due again after this time, whatever happened to the loop.
LEASE = timedelta(seconds=60)


def due(account_id: int) -> QuerySet[Message]:
    """The messages of the account whose time has come and that nothing pauses."""
    services = list(Service.objects.filter(institution__account_id=account_id).values_list("pk", flat=True))
    return Message.objects.filter(
        not_paused(account_id), service__in=services, next_attempt_at__isnull=False, next_attempt_at__lte=timezone.now()
    )


def is_anything_due(account_id: int) -> bool:
    """Whether a loop would find work at this moment."""
    return due(account_id).exists() or undecided(account_id).exists() or outage.is_probe_due(account_id)


def accounts_with_work() -> Iterator[int]:
    """The accounts in which something is due."""
    for account_id in Service.objects.values_list("institution__account_id", flat=True).distinct():
        if is_anything_due(account_id):
            yield account_id


def undecided(account_id: int) -> QuerySet[ServicePause]:
    """The holds about which a harmless call is to decide."""
    return ServicePause.objects.filter(
        service__institution__account_id=account_id, undecided=True, lifted_at__isnull=True
    )


def claim(account_id: int, holder: str, lanes: Lanes, room: int) -> Iterator[Work]:
    """Lease due messages until each lane of the loop holds ``room``, and tell what call each needs."""
    if Installation.objects.filter(held_at__isnull=False).exists():
        return
    waiting = due(account_id)
    for lane in Lane:
        wanted = room - lanes.waiting(lane)
        if wanted > 0:
            for message in _lease(waiting.filter(lane=lane), holder, wanted):
                yield Work(message, _stage(message), lane)
    yield from _questions(account_id, holder)


def one_message(account_id: int, holder: str) -> Work | None:
    """One queued message with the call it needs, to probe a paused account; rather one that can go at once."""
    waiting = due(account_id).filter(status=Status.QUEUED)
    checked = waiting.filter(
        Exists(_fresh_answers(OuterRef("recipient"), OuterRef("service")).filter(answer=ReachabilityAnswer.REACHABLE))
    )
    found = _lease(checked, holder, 1) or _lease(waiting, holder, 1)
    return Work(found[0], _stage(found[0]), Lane.PERSON) if found else None


def own_message(account_id: int) -> Work | None:
    """A message of ours that IO has taken, to read as a harmless probe; else the next one to send, to ask about.

    Profiles are served by another backend than messages: reading a message tells more.
    """
    own = Message.objects.filter(service__institution__account_id=account_id).select_related(
        "service__institution", "recipient"
    )
    if message := own.exclude(io_id="").order_by("-id").first():
        return Work(message, Stage.PROBE, Lane.PERSON)
    message = own.filter(status=Status.QUEUED, leased_by="").order_by("id").first()
    return Work(message, Stage.DECIDE, Lane.PERSON) if message else None


def give_back(holder: str, besides: Collection[int] = ()) -> None:
    """Make what this loop has leased and not begun due at once, besides what it is asking about."""
    Message.objects.filter(leased_by=holder).exclude(status=Status.SENDING).exclude(pk__in=besides).update(
        next_attempt_at=timezone.now(), leased_by=""
    )


def take_back(alive: QuerySet[DeliveryLoop, str]) -> None:
    """Make due at once what loops had leased that are no more."""
    orphaned = Message.objects.exclude(leased_by="").exclude(leased_by__in=alive).exclude(status=Status.SENDING)
    orphaned.filter(next_attempt_at__isnull=False).update(next_attempt_at=timezone.now(), leased_by="")


def release(message: Message, seconds: float = 0.0) -> None:
    """Give one lease back: due again after ``seconds``. A message that was not leased keeps its time."""
    leased = Message.objects.filter(pk=message.pk, leased_by=message.leased_by).exclude(leased_by="")
    leased.filter(next_attempt_at__isnull=False).update(
        next_attempt_at=timezone.now() + timedelta(seconds=seconds), leased_by=""
    )


def has_key(message: Message, keys: dict[int, ServiceKey]) -> bool:
    """Whether the message's service has a key in use; if not, the service pauses and the lease goes back."""
    if message.service_id in keys:
        return True
    pause_service(message.service, PauseReason.KEY)
    release(message)
    return False


def _lease(waiting: QuerySet[Message], holder: str, most: int) -> list[Message]:
    ids = list(waiting.order_by("next_attempt_at").values_list("pk", flat=True)[:most])
    if not ids:
        return []
    until = timezone.now() + LEASE
    taken = Message.objects.filter(pk__in=ids, next_attempt_at__lte=timezone.now())
    taken.update(next_attempt_at=until, leased_by=holder)
    mine = Message.objects.filter(pk__in=ids, leased_by=holder, next_attempt_at=until)
    return list(mine.select_related("service__institution", "recipient").order_by("pk"))


def _stage(message: Message) -> Stage:
    if message.status != Status.QUEUED:
        return Stage.POLL
    answers = _fresh_answers(message.recipient_id, message.service_id)
    return Stage.SUBMIT if answers.filter(answer=ReachabilityAnswer.REACHABLE).exists() else Stage.CHECK


def _fresh_answers(recipient: Any, service: Any) -> QuerySet[Reachability]:
    return Reachability.objects.filter(recipient=recipient, service=service, asked_at__gt=timezone.now() - SERVES_FOR)


def _questions(account_id: int, holder: str) -> Iterator[Work]:
    """For each undecided hold one of its own messages, about whose recipient there is something to ask anyway."""
    for hold in undecided(account_id).select_related("service"):
        held = Message.objects.filter(
            service=hold.service, features=hold.features, status=Status.QUEUED, next_attempt_at__lte=timezone.now()
        )
        found = _lease(held, holder, 1)
        if found:
            yield Work(found[0], Stage.DECIDE, Lane.PERSON)
