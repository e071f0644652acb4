"""The messages of a cancelled batch that have not left, group by group."""

from __future__ import annotations

from collections.abc import Callable

from messaging.delivery.moves import GROUP, Moves
from messaging.enums import Lane, Reason, Status
from messaging.models import Batch, BatchChange, Message


def cancel_queued(batch: Batch, go_on: Callable[[], bool]) -> None:
    """Cancel what is queued of a batch until nothing is, or ``go_on`` says no.

    What a person has put in the queue again by hand since then waits in the lane of persons and goes its way.
    """
    person = (
        BatchChange.objects.filter(batch=batch, to_status=batch.status).order_by("-id").select_related("actor").first()
    )
    actor = person.actor if person else None
    queued = Message.objects.filter(batch=batch, status=Status.QUEUED, lane=Lane.BATCH).order_by("row")
    last = -1
    while go_on():
        group = list(queued.filter(row__gt=last)[:GROUP])
        if not group:
            return
        with Moves() as moves:
            moves.move_all(group, Status.CANCELLED, Reason.CANCELLED, actor=actor)
        last = group[-1].row or last
