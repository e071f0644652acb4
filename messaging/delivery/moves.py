"""The only writer of a message's status: conditional updates, each with its row in the message's story."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from types import TracebackType
from typing import Any, NamedTuple

from django.db import transaction
from django.utils import timezone

from messaging.delivery import statements
from messaging.delivery.statements import Script
from messaging.delivery.tally import Tally
from messaging.enums import DeliverySpeed, Reason, Status
from messaging.models import Message, StatusChange, User

#: Where many messages are to be moved, so many are in one transaction.
GROUP = 500

#: Every move there is; anything else is a mistake of ours.
ALLOWED: Mapping[Status, frozenset[Status]] = {
    Status.DRAFT: frozenset({Status.AWAITING_APPROVAL, Status.QUEUED}),
    Status.AWAITING_APPROVAL: frozenset({Status.QUEUED, Status.DRAFT}),
    Status.QUEUED: frozenset(
        {
            Status.SENDING,
            Status.UNREACHABLE,
            Status.REFUSED,
            Status.CANCELLED,
            Status.DRAFT,
            Status.UNCERTAIN,
            # A late answer to an attempt that a person had decided to repeat.
            Status.ACCEPTED,
            Status.CONFIRMED,
        }
    ),
    Status.SENDING: frozenset({Status.ACCEPTED, Status.CONFIRMED, Status.REFUSED, Status.QUEUED, Status.UNCERTAIN}),
    Status.UNCERTAIN: frozenset({Status.ACCEPTED, Status.CONFIRMED, Status.REFUSED, Status.QUEUED, Status.ABANDONED}),
    Status.ACCEPTED: frozenset({Status.PROCESSED, Status.REJECTED, Status.FAILED, Status.NO_OUTCOME}),
    Status.REFUSED: frozenset({Status.DRAFT, Status.QUEUED}),
    Status.FAILED: frozenset({Status.QUEUED}),
    Status.UNREACHABLE: frozenset({Status.QUEUED}),
}


class ImpossibleMove(Exception):
    """A move that the life of a message does not know: a mistake in the program."""


class Step(NamedTuple):
    """A row of a message's story, by the names of StatusChange."""

    message: int
    from_status: Status
    to_status: Status
    reason: Reason
    attempt_number: int
    detail: str
    note: str
    actor: int | None


class Moves:
    """Moves made together: one transaction, its story rows and counts written in bulk at the end."""

    def __init__(self, at: datetime | None = None) -> None:
        self.at = at or timezone.now()
        self._atomic = transaction.atomic()
        self._changes: list[Step] = []
        self._tally = Tally()

    def __enter__(self) -> Moves:
        self._atomic.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            try:
                self._write()
            except BaseException as failure:
                self._atomic.__exit__(type(failure), failure, failure.__traceback__)
                raise
        self._atomic.__exit__(kind, error, trace)

    def move(
        self,
        message: Message,
        to: Status,
        reason: Reason,
        *,
        where: Mapping[str, Any] | None = None,
        detail: str = "",
        note: str = "",
        actor: User | None = None,
        **columns: Any,
    ) -> bool:
        """Move a message from the status it has in memory, if it still has it in the database.

        ``where`` adds conditions to the UPDATE, ``columns`` what else it sets; both are Django field names. Returns
        whether the row was changed; the object in memory follows the row.
        """
        origin = Status(message.status)
        if to not in ALLOWED.get(origin, frozenset()):
            raise ImpossibleMove(f"{origin} -> {to}")
        columns = {"status": to, "changed_at": self.at, **_resting(to), **columns}
        if to is Status.PROCESSED:
            columns["delivery_speed"] = self._speed(message)
        changed = Message.objects.filter(pk=message.pk, status=origin, **(where or {})).update(**columns)
        if not changed:
            return False
        self._follow(message, columns)
        self.note(message, reason, origin=origin, detail=detail, note=note, actor=actor)
        return True

    def move_all(
        self,
        messages: Sequence[Message],
        to: Status,
        reason: Reason,
        *,
        match: Sequence[str] = (),
        each: Mapping[str, Sequence[Any]] | None = None,
        actor: User | None = None,
        **columns: Any,
    ) -> list[Message]:
        """Move messages that have one status in memory, as ``move`` does each, in one statement.

        ``match`` names fields that must stand in the row as in memory, ``each`` what is set by message, ``columns``
        what is set for all. Returns those whose rows were changed; these objects follow their rows.
        """
        if not messages:
            return []
        origins = {Status(message.status) for message in messages}
        if len(origins) > 1 or to not in ALLOWED.get(min(origins), frozenset()):
            raise ImpossibleMove(f"{', '.join(sorted(origins))} -> {to}")
        origin = origins.pop()
        columns = {"status": to, "changed_at": self.at, **_resting(to), **columns}
        lists = dict(each or {})
        if to is Status.PROCESSED:
            lists["delivery_speed"] = [self._speed(message) for message in messages]
        changed = set(
            statements.update(
                Message,
                match={name: [getattr(message, name) for message in messages] for name in ("id", *match)},
                where={"status": origin},
                common={name: value for name, value in columns.items() if name not in lists},
                each=lists,
            )
        )
        moved = []
        for place, message in enumerate(messages):
            if message.pk in changed:
                own = {name: values[place] for name, values in lists.items()}
                self._follow(message, {**columns, **own})
                self.note(message, reason, origin=origin, actor=actor)
                moved.append(message)
        return moved

    def note(
        self,
        message: Message,
        reason: Reason,
        *,
        origin: Status | None = None,
        detail: str = "",
        note: str = "",
        actor: User | None = None,
    ) -> None:
        """Add a step to a message's story; without ``origin`` the status stays as it is."""
        self._changes.append(
            Step(
                message.pk,
                origin or Status(message.status),
                Status(message.status),
                reason,
                message.attempt_number,
                detail[:200],
                note,
                actor.pk if actor else None,
            )
        )

    def watch(self, message: Message) -> None:
        """Count what this row, read and locked in this transaction, is to reach: opened or read, paid."""
        self._tally.watch(message)

    def _follow(self, message: Message, columns: Mapping[str, Any]) -> None:
        self._tally.leave(message)
        for name, value in columns.items():
            setattr(message, name, value)
        self._tally.arrive(message)

    def _speed(self, message: Message) -> DeliverySpeed | None:
        if message.accepted_at is None:
            return None
        return DeliverySpeed.of((self.at - message.accepted_at).total_seconds())

    def _write(self) -> None:
        script = Script()
        if self._changes:
            each = dict(zip(Step._fields, zip(*self._changes, strict=True), strict=True))
            script.insert(StatusChange, common={"at": self.at}, each=each)
        self._tally.add_to(script)
        script.run()


def _resting(to: Status) -> dict[str, Any]:
    """What a status needs none of is cleared, so that nothing due or leased is left behind."""
    columns: dict[str, Any] = {"leased_by": ""}
    if to is not Status.SENDING:
        columns["sending_deadline"] = None
    if to not in {Status.QUEUED, Status.ACCEPTED}:
        columns["next_attempt_at"] = None
    return columns
