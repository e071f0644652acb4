"""Two institutions side by side: what one administers must not exist for the other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from messaging.delivery.pauses import pause_service
from messaging.enums import BatchStatus, PauseReason, Role, Status
from messaging.models import (
    AllowedRecipient,
    Batch,
    BatchChange,
    BatchCount,
    Institution,
    Message,
    Service,
    ServicePause,
    StatusChange,
    Template,
    User,
)
from tests import cast


@dataclass
class Place:
    """One institution with one of everything, all with names of its own."""

    secret: str
    institution: Institution
    service: Service
    administrator: User
    clerk: User
    supervisor: User
    template: Template
    message: Message
    batch: Batch
    pause: ServicePause

    def rows(self) -> dict[str, Any]:
        """A row for each model of the administration, by the model's name in addresses."""
        return {
            "institution": self.institution,
            "gatewayaccount": self.institution.account,
            "service": self.service,
            "user": self.clerk,
            "template": self.template,
            "servicepause": self.pause,
            "message": self.message,
            "batch": self.batch,
        }


def make_place(name: str) -> Place:
    """Everything is called after the place, so that a page can be searched for it."""
    institution = cast.make_institution(name=f"Comune di {name}", account=cast.make_account(name=f"Utenza {name}"))
    secret = f"{name}-chiave-da-non-mostrare-mai"
    service = cast.make_service(institution=institution, name=f"Servizio {name}", slug=name.lower(), key=secret)
    clerk = cast.make_person(f"addetta.{name}", service=service, first_name=name, last_name="Addetta")
    message = cast.make_message(service=service, author=clerk, subject=f"Oggetto {name}", status=Status.PROCESSED)
    StatusChange.objects.create(
        message=message,
        from_status=Status.ACCEPTED,
        to_status=Status.PROCESSED,
        reason="delivered",
        note=f"Nota {name}",
        at=message.created_at,
    )
    batch = Batch.objects.create(
        service=service,
        author=clerk,
        name=f"Invio {name}",
        subject=f"Oggetto {name}",
        body=cast.BODY,
        filename=f"{name}.csv",
        status=BatchStatus.SENDING,
        declared_at=message.created_at,
        rows_total=3,
        rows_good=2,
        rows_wrong=1,
    )
    BatchCount.objects.create(batch=batch, status=Status.QUEUED, count=2)
    BatchChange.objects.create(
        batch=batch,
        from_status=BatchStatus.READY,
        to_status=BatchStatus.SENDING,
        actor=clerk,
        note=f"Nota {name}",
        at=message.created_at,
    )
    AllowedRecipient.objects.create(service=service, fiscal_code=cast.make_fiscal_code(), label=f"Prova {name}")
    pause_service(service, PauseReason.PERSON)
    return Place(
        secret=secret,
        institution=institution,
        service=service,
        administrator=cast.make_administrator(institution, f"admin.{name}", first_name=name, last_name="Capo"),
        clerk=clerk,
        supervisor=cast.make_person(f"resp.{name}", service=service, role=Role.SUPERVISOR),
        template=cast.make_template(service, name=f"Modello {name}"),
        message=message,
        batch=batch,
        pause=service.pauses.get(),
    )


@pytest.fixture
def here(db: None) -> Place:
    return make_place("Qui")


@pytest.fixture
def elsewhere(db: None) -> Place:
    return make_place("Altrove")


@pytest.fixture
def superuser(db: None) -> User:
    return cast.make_person("capo", is_superuser=True)
