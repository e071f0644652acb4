"""One service with its people, and others who must not see it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from messaging.delivery import approval
from messaging.enums import ApprovalRule, Role, Status
from messaging.models import Message, Service, StatusChange, User
from tests import cast


@dataclass
class Office:
    """A service with a clerk, a supervisor and an administrator, beside another institution's clerk."""

    service: Service
    clerk: User
    supervisor: User
    administrator: User
    stranger: User
    clients: dict[int, Client] = field(default_factory=dict)

    def as_(self, person: User | None) -> Client:
        if person is None:
            return Client()
        if person.pk not in self.clients:
            self.clients[person.pk] = Client()
            self.clients[person.pk].force_login(person)
        return self.clients[person.pk]

    def message(self, status: Status = Status.QUEUED, **kw: Any) -> Message:
        kw.setdefault("author", self.clerk)
        kw.setdefault("submitted_by", self.clerk if status != Status.DRAFT else None)
        kw.setdefault("subject", "Avviso per il cittadino")
        return cast.make_message(service=self.service, status=status, **kw)

    def awaiting(self, **kw: Any) -> Message:
        """A message whose approval was really asked for."""
        self.service.approval = ApprovalRule.ALL
        self.service.save()
        message = self.message(Status.DRAFT, **kw)
        assert approval.send(message, message.author)
        assert message.status == Status.AWAITING_APPROVAL
        return message

    def page(self, message: Message, person: User | None = None) -> str:
        response = self.as_(person or self.clerk).get(reverse("message_detail", args=[message.public_id]))
        assert response.status_code == 200
        return str(response.content.decode())

    def post(self, name: str, message: Message, person: User | None, **data: Any) -> Any:
        return self.as_(person).post(reverse(name, args=[message.public_id]), data)

    def follow(self, name: str, message: Message, person: User, **data: Any) -> str:
        """Post, and the page to which that leads."""
        response = self.as_(person).post(reverse(name, args=[message.public_id]), data, follow=True)
        assert response.status_code == 200
        return str(response.content.decode())


@pytest.fixture
def office(db: None) -> Office:
    service = cast.make_service(name="Tributi", slug="tributi")
    return Office(
        service=service,
        clerk=cast.make_person("marta", first_name="Marta", last_name="Ruggeri", service=service),
        supervisor=cast.make_person(
            "giulia", first_name="Giulia", last_name="Ferri", service=service, role=Role.SUPERVISOR
        ),
        administrator=cast.make_administrator(service.institution, "sergio", first_name="Sergio", last_name="Lodi"),
        stranger=cast.make_person("altrove", service=cast.make_service()),
    )


def queries_of(office: Office, person: User, address: str) -> int:
    """How many queries a page costs once session and caches are warm."""
    office.as_(person).get(address)
    with CaptureQueriesContext(connection) as found:
        assert office.as_(person).get(address).status_code == 200
    return len(found)


def step(message: Message, reason: str, **kw: Any) -> StatusChange:
    """A row of a message's story, as the delivery would write it."""
    kw.setdefault("from_status", message.status)
    kw.setdefault("to_status", message.status)
    kw.setdefault("at", message.created_at)
    kw.setdefault("attempt_number", message.attempt_number)
    return StatusChange.objects.create(message=message, reason=reason, **kw)
