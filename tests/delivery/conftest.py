"""A service that the simulator knows, and messages to citizens who are there."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from messaging.delivery import outage
from messaging.enums import BatchStatus, Lane, ReachabilityAnswer, Role, Status
from messaging.models import Batch, GatewayAccount, Message, Reachability, Recipient, Service, User
from tests import cast
from tests.simulator_process import SCUOLA, TRIBUTI, SimulatorProcess


@dataclass
class Desk:
    """One institution with a service that IO knows as Tributi, a clerk and a supervisor."""

    simulator: SimulatorProcess
    account: GatewayAccount
    service: Service
    clerk: User
    supervisor: User
    codes: list[str] = field(default_factory=list)
    _rows: Iterator[int] = field(default_factory=lambda: itertools.count(2))

    def batch(self, service: Service | None = None) -> Batch:
        """The batch of a service that is sending."""
        found = Batch.objects.filter(service=service or self.service, status=BatchStatus.SENDING).first()
        return found or cast.make_batch(service=service or self.service, author=self.clerk, status=BatchStatus.SENDING)

    def message(
        self, fiscal_code: str = "", *, service: Service | None = None, known: bool = False, **kw: Any
    ) -> Message:
        """A message, queued unless said, to a citizen on IO; ``known`` citizens need not be asked about."""
        service = service or self.service
        if kw.get("lane") == Lane.BATCH and "batch" not in kw:
            kw["batch"], kw["row"] = self.batch(service), next(self._rows)
        code = fiscal_code or self.codes.pop()
        recipient, _ = Recipient.objects.get_or_create(institution=service.institution, fiscal_code=code)
        if known:
            self.know(recipient, service)
        return cast.make_message(service=service, recipient=recipient, author=self.clerk, **kw)

    def messages(self, count: int, *, lane: Lane = Lane.BATCH, **kw: Any) -> list[Message]:
        """So many messages, to a citizen each."""
        return [self.message(lane=lane, **kw) for _ in range(count)]

    def know(self, recipient: Recipient, service: Service | None = None) -> None:
        """IO has just said that this citizen can be reached."""
        Reachability.objects.update_or_create(
            recipient=recipient,
            service=service or self.service,
            defaults={"answer": ReachabilityAnswer.REACHABLE, "asked_at": timezone.now()},
        )

    def another_service(self, key: str = SCUOLA, **kw: Any) -> Service:
        """One more service of the same institution, and so of the same gateway account."""
        return cast.make_service(institution=self.service.institution, key=key, **kw)


@pytest.fixture
def desk(simulator: SimulatorProcess, request: pytest.FixtureRequest) -> Desk:
    """A desk whose account may call as fast as anybody in a test wants to."""
    request.getfixturevalue("transactional_db" if "transactional_db" in request.fixturenames else "db")
    account = cast.make_account(calls=1500, seconds=5)
    service = cast.make_service(institution=cast.make_institution(account=account), key=TRIBUTI)
    supervisor = cast.make_person(service=service, role=Role.SUPERVISOR)
    codes = simulator.citizens(300)
    return Desk(simulator, account, service, cast.make_person(service=service), supervisor, codes)


@pytest.fixture
def quick_probes(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first probe of an outage comes after 0.3 seconds instead of 5; the wait doubles as ever."""
    monkeypatch.setattr(outage, "FIRST_WAIT", 0.3)


@pytest.fixture
def in_a_while() -> Callable[[Message], None]:
    """Make a message due now that waits for its next turn."""

    def hasten(message: Message) -> None:
        Message.objects.filter(pk=message.pk).update(next_attempt_at=timezone.now() - timedelta(seconds=1))

    return hasten


def status_of(message: Message) -> Status:
    """Where the message stands in the database."""
    return Status(Message.objects.values_list("status", flat=True).get(pk=message.pk))


def statuses() -> dict[str, int]:
    """How many messages stand where."""
    found: dict[str, int] = {}
    for status in Message.objects.values_list("status", flat=True):
        found[status] = found.get(status, 0) + 1
    return found
