"""A desk at which messages are written: a service with its people, and what a browser would post."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass, field
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from messaging.enums import Kind, Role, Status
from messaging.models import Message, Service, User
from tests import cast

SUBJECT = "Orari nuovi degli sportelli"
BODY = "Da lunedì gli sportelli aprono alle 8:30. Per ogni dubbio chiama lo 0123 456789, dal lunedì al venerdì."
#: Its check pair is right.
NOTICE = f"3020000000004821{3020000000004821 % 93:02}"


@dataclass
class Desk:
    """One service, a clerk and a supervisor in it, and somebody from elsewhere."""

    service: Service
    clerk: User
    supervisor: User
    stranger: User
    clients: dict[int, Client] = field(default_factory=dict)

    def as_(self, person: User | None = None) -> Client:
        person = person or self.clerk
        if person.pk not in self.clients:
            self.clients[person.pk] = Client()
            self.clients[person.pk].force_login(person)
        return self.clients[person.pk]

    def draft(self, kind: Kind = Kind.INFORMATIONAL, **kw: Any) -> Message:
        """An empty draft, as the first step makes it."""
        columns = {"subject": "", "body": "", "recipient": None, "author": self.clerk, **kw}
        return cast.make_message(service=self.service, status=Status.DRAFT, kind=kind, **columns)

    def ready(self, kind: Kind = Kind.INFORMATIONAL, **typed: Any) -> Message:
        """A draft that has passed «Continua e controlla»."""
        draft = self.draft(kind)
        response = self.save(draft, action="check", **typed)
        assert response.status_code == 302, said(response)
        draft.refresh_from_db()
        return draft

    def form(self, message: Message, **typed: Any) -> dict[str, Any]:
        """What the page of a draft would post, complete and right unless ``typed`` says otherwise."""
        message.refresh_from_db()
        data = {
            "service": message.service_id,
            "kind": message.kind,
            "changed_at": message.changed_at.isoformat(),
            "fiscal_code": cast.make_fiscal_code(7),
            "subject": SUBJECT,
            "body": BODY,
            "button1_kind": "web",
            "button2_kind": "web",
        }
        if message.kind == Kind.PAYMENT:
            data |= {"amount": "148,50", "notice_number": NOTICE}
        if message.kind == Kind.DUE_DATE:
            data["due_date"] = "16/12/2099"
        return {**data, **typed}

    def save(self, message: Message, *, action: str = "save", person: User | None = None, **typed: Any) -> Any:
        return self.post("message_edit", message, person, **self.form(message, **typed), action=action)

    def send(self, message: Message, *, person: User | None = None, **data: Any) -> Any:
        message.refresh_from_db()
        data.setdefault("changed_at", message.changed_at.isoformat())
        return self.post("message_send", message, person, **data)

    def get(self, name: str, message: Message, person: User | None = None) -> Any:
        return self.as_(person).get(reverse(name, args=[message.public_id]))

    def post(self, name: str, message: Message, person: User | None = None, **data: Any) -> Any:
        headers = data.pop("headers", None)
        return self.as_(person).post(reverse(name, args=[message.public_id]), data, headers=headers)

    def live(self, message: Message, **typed: Any) -> str:
        """What HTMX gets while the person types."""
        response = self.post("message_preview", message, **self.form(message, **typed), headers={"HX-Request": "true"})
        assert response.status_code == 200
        return said(response)


def said(response: Any) -> str:
    """The words of a page, its entities read."""
    return html.unescape(response.content.decode())


def errors_of(response: Any) -> list[str]:
    """The sentences beside the fields."""
    found = re.findall(r'<p class="error"><svg.*?</svg>(.*?)</p>', response.content.decode(), re.DOTALL)
    return [html.unescape(sentence) for sentence in found]


@pytest.fixture
def desk(db: None) -> Desk:
    service = cast.make_service(name="Tributi")
    return Desk(
        service=service,
        clerk=cast.make_person("marta", service=service),
        supervisor=cast.make_person(
            "giulia", service=service, role=Role.SUPERVISOR, first_name="Giulia", last_name="Ferri"
        ),
        stranger=cast.make_person("estranea", service=cast.make_service()),
    )
