"""What this person may do with this message now: the one place that pages and actions ask."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from messaging.delivery import content
from messaging.enums import Role, Status
from messaging.models import Message, User
from messaging.permissions import may_approve, role_in
from messaging.remote import contents


@dataclass
class Abilities:
    """Answers depend on the message's status and on the person's role in its service."""

    person: User
    message: Message

    @cached_property
    def role(self) -> Role | None:
        """The person's role in the service."""
        return role_in(self.person, self.message.service)

    @property
    def supervises(self) -> bool:
        """Whether the person is a supervisor of the service."""
        return self.role is Role.SUPERVISOR

    def _is(self, *statuses: Status) -> bool:
        return self.message.status in statuses

    @cached_property
    def approve(self) -> bool:
        """Approve, or send back with a note."""
        return self._is(Status.AWAITING_APPROVAL) and may_approve(self.person, self.message)

    @property
    def send_back(self) -> bool:
        """Whoever may say yes may say no."""
        return self.approve

    @property
    def withdraw(self) -> bool:
        """Take it back from approval; a colleague may too, for instance for somebody on leave."""
        return self._is(Status.AWAITING_APPROVAL) and self.role is not None and not self.approve

    @property
    def cancel(self) -> bool:
        """Stop it while it is in the queue."""
        return self._is(Status.QUEUED) and self.role is not None

    @property
    def resolve(self) -> bool:
        """Decide about an uncertain outcome."""
        return self._is(Status.UNCERTAIN) and self.supervises

    @property
    def reopen(self) -> bool:
        """Correct what IO refused."""
        return self._is(Status.REFUSED) and self.role is not None

    @property
    def retry(self) -> bool:
        """Queue it again as it is; after a fault of IO that is a supervisor's choice."""
        if self._is(Status.FAILED):
            return self.supervises
        return self._is(Status.REFUSED, Status.UNREACHABLE) and self.role is not None

    @property
    def correct(self) -> bool:
        """Replace what the citizen finds at the next opening."""
        return content.is_fetched(self.message) and self._is(*contents.CORRECTABLE) and self.role is not None

    @property
    def edit(self) -> bool:
        """Go on writing."""
        return self._is(Status.DRAFT) and self.role is not None
