"""What of an account may go at this moment: services that no pause stops, batches that send, rows to ask about."""

from __future__ import annotations

from dataclasses import dataclass, field

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from messaging.delivery.batches import sending_batches
from messaging.delivery.pauses import not_paused
from messaging.delivery.statements import Waiting
from messaging.enums import BatchStatus, Lane
from messaging.models import Batch, BatchRow, Installation, Message, Service, ServicePause

#: Until it is sent, a batch's people can be asked about.
ASKING = (BatchStatus.NEEDS_ATTENTION, BatchStatus.READY, BatchStatus.AWAITING_APPROVAL, BatchStatus.SCHEDULED)


@dataclass(frozen=True, slots=True)
class Scope:
    """One look at the account."""

    account_id: int
    held: bool
    services: dict[int, Service]
    unpaused: Q
    undecided: bool
    #: The batches that may send, in the order in which they set off.
    sending: list[int]
    #: The batches of whose rows some are to be asked about now, by id.
    asking: dict[int, Batch] = field(default_factory=dict)
    _compiled: dict[tuple[Lane, int | None], Waiting | None] = field(default_factory=dict)

    @classmethod
    def of(cls, account_id: int) -> Scope:
        """Look at the account as it is now."""
        services = Service.objects.filter(institution__account_id=account_id).select_related("institution")
        pauses = ServicePause.objects.filter(lifted_at__isnull=True, service__institution__account_id=account_id)
        stopped = set(pauses.filter(whole_service=True).values_list("service_id", flat=True))
        return cls(
            account_id=account_id,
            held=Installation.objects.filter(held_at__isnull=False).exists(),
            services={service.pk: service for service in services},
            unpaused=not_paused(account_id),
            undecided=pauses.filter(undecided=True).exists(),
            sending=[batch.pk for batch in sending_batches(account_id) if batch.service_id not in stopped],
            asking={batch.pk: batch for batch in _asking(account_id) if batch.service_id not in stopped},
        )

    def open(self, lane: Lane, batch_id: int | None = None) -> QuerySet[Message]:
        """The messages of a lane, due now or later, that nothing stops; those of batches batch by batch, or all."""
        waiting = Message.objects.filter(self.unpaused, lane=lane, next_attempt_at__isnull=False)
        if lane is not Lane.BATCH:
            return waiting.filter(service__in=list(self.services))
        return waiting.filter(batch__in=self.sending) if batch_id is None else waiting.filter(batch=batch_id)

    def due(self, lane: Lane) -> QuerySet[Message]:
        """The messages of a lane whose time has come and that nothing stops."""
        return self.open(lane).filter(next_attempt_at__lte=timezone.now())

    def waiting(self, lane: Lane, batch_id: int | None = None) -> Waiting | None:
        """`open`, compiled once for all looks of this scope."""
        if (lane, batch_id) not in self._compiled:
            self._compiled[lane, batch_id] = Waiting.of(self.open(lane, batch_id), "next_attempt_at")
        return self._compiled[lane, batch_id]

    def is_anything_due(self) -> bool:
        """Whether a loop would find work, besides what is undecided and the probes of a pause."""
        return bool(self.asking) or any(self.due(lane).exists() for lane in Lane)


def rows_to_ask(batch_id: int) -> Waiting | None:
    """The rows of a batch about whose people IO is to be asked."""
    return Waiting.of(BatchRow.objects.filter(batch=batch_id, ask_at__isnull=False), "ask_at")


def _asking(account_id: int) -> QuerySet[Batch]:
    rows = BatchRow.objects.filter(batch=OuterRef("pk"), ask_at__isnull=False, ask_at__lte=timezone.now())
    batches = Batch.objects.filter(Exists(rows), status__in=ASKING, service__institution__account_id=account_id)
    return (
        batches.select_related("service__institution")
        .only("service__live", "service__institution__account")
        .order_by("pk")
    )
