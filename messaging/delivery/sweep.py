"""The periodic look for what nobody woke: the database is the queue, so a lost task loses nothing."""

from __future__ import annotations

import socket

from django.utils import timezone

from messaging.delivery import claims, places, seal, submission
from messaging.delivery.wake import wake_account
from messaging.enums import Status
from messaging.models import Message, WorkerHeartbeat

GROUP = 500


def beat_heart() -> None:
    """Note that a worker of this host is alive, for /readyz."""
    WorkerHeartbeat.objects.update_or_create(worker=socket.gethostname(), defaults={"seen_at": timezone.now()})


def sweep() -> None:
    """Make stuck attempts uncertain, and wake a loop for every account with work and a free place."""
    overdue = Message.objects.filter(sending_deadline__lt=timezone.now(), status=Status.SENDING)
    while group := list(overdue.select_related("service").order_by("pk")[:GROUP]):
        if not submission.give_up_waiting(group, timezone.now()):
            break
    if seal.is_held():
        return
    for account_id in claims.accounts_with_work():
        if places.has_free_place(account_id):
            wake_account(account_id)
