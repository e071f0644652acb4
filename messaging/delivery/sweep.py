"""The periodic look for what nobody woke: the database is the queue, so a lost task loses nothing."""

from __future__ import annotations

import socket

from django.db.models import Q, QuerySet
from django.utils import timezone

from messaging.delivery import batches, claims, places, seal, submission
from messaging.delivery.moves import GROUP
from messaging.delivery.wake import wake_account
from messaging.enums import Status
from messaging.models import DeliveryLoop, Message, WorkerHeartbeat


def beat_heart() -> None:
    """Note that a worker of this host is alive, for /readyz."""
    WorkerHeartbeat.objects.update_or_create(worker=socket.gethostname(), defaults={"seen_at": timezone.now()})


def sweep() -> None:
    """Clear up behind loops that died, and wake a loop for every account with work and a free place."""
    alive = places.holders()
    _settle_stuck(alive)
    claims.take_back(alive)
    if seal.is_held():
        return
    batches.start_due()
    batches.finish()
    for account_id in claims.accounts_with_work():
        if places.has_free_place(account_id):
            wake_account(account_id)


def _settle_stuck(alive: QuerySet[DeliveryLoop, str]) -> None:
    """An attempt past its deadline, or of a loop that is no more: nobody will hear its answer."""
    stuck = Message.objects.filter(
        Q(sending_deadline__lt=timezone.now()) | ~Q(leased_by__in=alive),
        sending_deadline__isnull=False,
        status=Status.SENDING,
    )
    while group := list(stuck.select_related("service").order_by("pk")[:GROUP]):
        if not submission.give_up_waiting(group):
            break
