"""Places for running delivery loops: a lease each, so that no account has more loops than it should."""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils import timezone

from messaging.models import DeliveryLoop

#: A killed process frees its place after this time.
LEASE = timedelta(seconds=15)


def take(account_id: int, holder: str) -> int | None:
    """Take a free place among the account's DELIVERY_LOOPS; None when all are taken."""
    for slot in range(settings.DELIVERY_LOOPS):
        if _take_slot(account_id, slot, holder):
            return slot
    return None


def keep(account_id: int, slot: int, holder: str) -> bool:
    """Extend the lease; False when it was lost to another process."""
    mine = DeliveryLoop.objects.filter(account_id=account_id, slot=slot, holder=holder)
    return bool(mine.update(expires_at=timezone.now() + LEASE))


def leave(account_id: int, slot: int, holder: str) -> None:
    """Give the place back."""
    DeliveryLoop.objects.filter(account_id=account_id, slot=slot, holder=holder).update(
        holder="", expires_at=timezone.now()
    )


def holders() -> QuerySet[DeliveryLoop, str]:
    """The loops that are alive: any other's leases and attempts belong to nobody.

    Use it within the query about those, so that a loop that begins meanwhile is not taken for a dead one.
    """
    alive = DeliveryLoop.objects.filter(expires_at__gt=timezone.now()).exclude(holder="")
    return alive.values_list("holder", flat=True)


def has_free_place(account_id: int) -> bool:
    """Whether another loop of the account could start."""
    taken = DeliveryLoop.objects.filter(account_id=account_id, expires_at__gt=timezone.now()).exclude(holder="")
    return taken.count() < settings.DELIVERY_LOOPS


def _take_slot(account_id: int, slot: int, holder: str) -> bool:
    now = timezone.now()
    place = DeliveryLoop.objects.filter(account_id=account_id, slot=slot)
    if place.filter(expires_at__lte=now).update(holder=holder, expires_at=now + LEASE):
        return True
    if place.exists():
        return False
    try:
        with transaction.atomic():
            DeliveryLoop.objects.create(account_id=account_id, slot=slot, holder=holder, expires_at=now + LEASE)
    except IntegrityError:
        return False
    return True
