"""What is known of delivered messages beyond their delivery: here, that somebody has opened them.

The counters of all milestones move in messaging.delivery.tally; what IO says of reading and paying is taken down in
messaging.delivery.tracking.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from django.db import transaction

from messaging.delivery.tally import WATCHED, Tally
from messaging.models import Message


@transaction.atomic(savepoint=False)
def seen(message_ids: Collection[int], at: datetime) -> None:
    """Take down, within the caller's transaction, that these messages have been opened at this moment (aware).

    Only a first opening counts. A message that is not known to be delivered yet counts when it becomes so; no status
    is moved.
    """
    unseen = Message.objects.filter(pk__in=list(message_ids), seen_at__isnull=True)
    # In the order in which every process locks them.
    first = list(unseen.select_for_update(no_key=True).only(*WATCHED).order_by("pk"))
    if not first:
        return
    tally = Tally()
    for message in first:
        tally.watch(message)
    Message.objects.filter(pk__in=[message.pk for message in first]).update(seen_at=at)
    tally.write()
