"""The lease by which one worker at a time works on a batch: its holder extends it while it goes on."""

from __future__ import annotations

from datetime import timedelta

from django.utils import timezone

from messaging.models import Batch

#: After this time without a sign of life another worker may go on.
LEASE = timedelta(seconds=30)


def keep(batch: Batch) -> bool:
    """Extend the lease of whoever holds the batch; False when it was lost to somebody else. Call it group by group."""
    mine = Batch.objects.filter(pk=batch.pk, worked_by=batch.worked_by).exclude(worked_by="")
    return bool(mine.update(worked_until=timezone.now() + LEASE))
