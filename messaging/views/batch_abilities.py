"""What this person may do with this sending now: the one place that its pages and actions ask."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from messaging.batches.progress import Figures
from messaging.delivery.batches import ALLOWED
from messaging.enums import BatchStatus, Role
from messaging.models import Batch, User
from messaging.permissions import may_approve_batch, role_in


@dataclass
class SendingAbilities:
    """Answers depend on the sending's status and on the person's role; any role in the service lets see it at all.

    Whoever sees a sending may pause, resume, cancel, withdraw and correct it, for instance for somebody on leave.
    """

    person: User
    batch: Batch

    @cached_property
    def role(self) -> Role | None:
        """The person's role in the service."""
        return role_in(self.person, self.batch.service)

    @property
    def supervises(self) -> bool:
        """Whether the person is a supervisor of the service."""
        return self.role is Role.SUPERVISOR

    @property
    def pause(self) -> bool:
        """Stop it for a while."""
        return self.batch.status == BatchStatus.SENDING

    @property
    def resume(self) -> bool:
        """Let it go on."""
        return self.batch.status == BatchStatus.PAUSED

    @property
    def cancel(self) -> bool:
        """Stop it for good."""
        return self._may_become(BatchStatus.CANCELLED)

    @cached_property
    def approve(self) -> bool:
        """Approve, or send back with a note."""
        return self.batch.status == BatchStatus.AWAITING_APPROVAL and may_approve_batch(self.person, self.batch)

    @property
    def withdraw(self) -> bool:
        """Take it back from approval or from its hour."""
        waits = self.batch.status in {BatchStatus.AWAITING_APPROVAL, BatchStatus.SCHEDULED}
        return waits and not self.approve

    def correct(self, figures: Figures) -> bool:
        """Write a correction: once nothing more leaves, or whoever is written to later would never get it."""
        over = self.batch.status in {BatchStatus.FINISHED, BatchStatus.CANCELLED}
        still = figures.queued or figures.is_moving
        return over and not still and bool(figures.received)

    def _may_become(self, status: BatchStatus) -> bool:
        return status in ALLOWED.get(BatchStatus(self.batch.status), frozenset())
