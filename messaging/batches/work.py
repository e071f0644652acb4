"""What happens to a batch in the background, by one worker at a time: its lease, and the next step."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from messaging.batches import checking, expansion
from messaging.batches.leases import LEASE, keep
from messaging.delivery import cancelling, seal
from messaging.enums import BatchStatus, Status
from messaging.models import Batch, BatchCount

#: Where messages have yet to be made, or, of a cancelled batch, to be stopped.
_EXPANDING = (BatchStatus.SENDING, BatchStatus.PAUSED, BatchStatus.CANCELLED)
#: What somebody has just woken need not be woken again.
WOKEN = timedelta(seconds=15)


def waiting() -> QuerySet[Batch]:
    """The batches with something to be done in the background and nobody at it."""
    to_check = Q(status__in=[BatchStatus.UPLOADED, BatchStatus.CHECKING])
    to_expand = Q(status__in=_EXPANDING, started_at__isnull=False, expanded_at__isnull=True)
    queued = BatchCount.objects.filter(batch=OuterRef("pk"), status=Status.QUEUED, count__gt=0)
    to_cancel = Q(Exists(queued), status=BatchStatus.CANCELLED)
    now = timezone.now()
    idle = Q(worked_until__isnull=True, changed_at__lt=now - WOKEN) | Q(worked_until__lt=now)
    return Batch.objects.filter(idle).filter(to_check | to_expand | to_cancel)


@contextmanager
def held(batch_id: int) -> Iterator[Batch | None]:
    """The batch, with nobody else working on it meanwhile; None when somebody is."""
    holder = uuid.uuid4().hex
    now = timezone.now()
    free = Batch.objects.filter(Q(worked_until__isnull=True) | Q(worked_until__lt=now), pk=batch_id)
    if not free.update(worked_by=holder, worked_until=now + LEASE):
        yield None
        return
    try:
        yield Batch.objects.select_related("service__institution__account", "author", "template").get(pk=batch_id)
    finally:
        Batch.objects.filter(pk=batch_id, worked_by=holder).update(worked_by="", worked_until=None)


def work_on(batch_id: int, should_stop: Callable[[], bool]) -> None:
    """Take the batch as far as it goes without a person; harmless when repeated, and resumed when interrupted."""
    with held(batch_id) as batch:
        if batch is not None:
            take_on(batch, should_stop)


def take_on(batch: Batch, should_stop: Callable[[], bool]) -> None:
    """The steps of a batch that is held: check, expand, cancel."""

    def go_on() -> bool:
        return not should_stop() and keep(batch)

    if batch.status in {BatchStatus.UPLOADED, BatchStatus.CHECKING}:
        checking.check(batch, lambda: not go_on())
    if seal.is_held():
        # What this copy of the database takes for unsent may have left long ago.
        return
    if batch.status in _EXPANDING and batch.started_at is not None:
        expansion.expand(batch, go_on)
    if batch.status == BatchStatus.CANCELLED and batch.started_at is not None:
        cancelling.cancel_queued(batch, go_on)
