"""The only writer of a message's status: conditional updates, each with its row in the message's story."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from types import TracebackType
from typing import Any
from zoneinfo import ZoneInfo

from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils import timezone

from messaging.enums import Reason, Status
from messaging.models import DailyCount, Message, StatusChange, User

ROME = ZoneInfo("Europe/Rome")

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


class Moves:
    """Moves made together: one transaction, its story rows and daily counts written in bulk at the end."""

    def __init__(self, at: datetime | None = None) -> None:
        self.at = at or timezone.now()
        self._atomic = transaction.atomic()
        self._changes: list[StatusChange] = []
        self._counts: Counter[tuple[int, str]] = Counter()

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
        changed = Message.objects.filter(pk=message.pk, status=origin, **(where or {})).update(**columns)
        if not changed:
            return False
        for name, value in columns.items():
            setattr(message, name, value)
        self.note(message, reason, origin=origin, detail=detail, note=note, actor=actor)
        self._counts[message.service_id, to] += 1
        return True

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
            StatusChange(
                message_id=message.pk,
                from_status=origin or message.status,
                to_status=message.status,
                reason=reason,
                attempt_number=message.attempt_number,
                detail=detail[:200],
                note=note,
                actor=actor,
                at=self.at,
            )
        )

    def _write(self) -> None:
        StatusChange.objects.bulk_create(self._changes)
        day = self.at.astimezone(ROME).date()
        # In one order in every process, so that two groups never wait for each other's rows.
        for (service_id, status), count in sorted(self._counts.items()):
            _add(service_id, day, status, count)


def _resting(to: Status) -> dict[str, Any]:
    """What a status needs none of is cleared, so that nothing due or leased is left behind."""
    columns: dict[str, Any] = {"leased_by": ""}
    if to is not Status.SENDING:
        columns["sending_deadline"] = None
    if to not in {Status.QUEUED, Status.ACCEPTED}:
        columns["next_attempt_at"] = None
    return columns


def _add(service_id: int, day: Any, status: str, count: int) -> None:
    counter = DailyCount.objects.filter(service_id=service_id, day=day, status=status)
    if counter.update(count=F("count") + count):
        return
    try:
        with transaction.atomic():
            DailyCount.objects.create(service_id=service_id, day=day, status=status, count=count)
    except IntegrityError:
        counter.update(count=F("count") + count)
