"""An office that sends spreadsheets: a service, its clerk, a template, and files with made-up people."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from messaging.batches import checking, counters, uploads
from messaging.enums import Kind
from messaging.models import Batch, BatchRow, Service, Template, User
from tests import cast

HEADER = ("codice_fiscale", "nome", "importo", "numero_avviso", "scadenza")
PAYMENT_BODY = "Ciao ((nome)), il saldo di ((importo)) si paga entro il ((scadenza)), con l’avviso ((numero_avviso))."


def never() -> bool:
    """Nobody asks the check to stop."""
    return False


def notice(number: int) -> str:
    """A notice number with the right check digits."""
    start = f"3{number:015}"
    return f"{start}{int(start) % 93:02}"


def csv_of(*rows: Sequence[str], header: Sequence[str] = HEADER) -> bytes:
    """A file as tax software writes it."""
    return "\r\n".join(";".join(row) for row in (header, *rows)).encode()


def person_row(number: int, **changed: str) -> list[str]:
    """A row without any fault, for the payment template."""
    cells = {
        "codice_fiscale": cast.make_fiscal_code(number),
        "nome": "Laura",
        "importo": "148,50",
        "numero_avviso": notice(number),
        "scadenza": "16/12/2099",
    }
    return list((cells | changed).values())


@dataclass
class Office:
    """A service with a clerk, a payment template and one with ((nome)) alone."""

    service: Service
    clerk: User
    template: Template
    greeting: Template

    def upload(self, content: bytes, filename: str = "elenco.csv", template: Template | None = None) -> Batch:
        """A batch as it is right after its upload."""
        stream = io.BytesIO(content)
        return uploads.upload(self.service, template or self.template, self.clerk, stream, filename)

    def checked(self, content: bytes, filename: str = "elenco.csv", template: Template | None = None) -> Batch:
        """A batch after its check."""
        batch = self.upload(content, filename, template)
        checking.check(batch, never)
        return Batch.objects.get(pk=batch.pk)


@pytest.fixture
def office(db: None) -> Office:
    return make_office()


def make_office() -> Office:
    service = cast.make_service(max_amount=10_000_000)
    payment = cast.make_template(service, kind=Kind.PAYMENT, subject="Avviso TARI 2026", body=PAYMENT_BODY)
    return Office(service, cast.make_person(service=service), payment, cast.make_template(service))


@pytest.fixture
def adds_up() -> Callable[[Batch], None]:
    """Fail when a counter of the batch is not what its rows say."""

    def check(batch: Batch) -> None:
        counted: dict[str, Any] = counters.none() | dict(counters.count(BatchRow.objects.filter(batch=batch)))
        kept = Batch.objects.values(*counters.COLUMNS).get(pk=batch.pk)
        assert kept == counted

    return check


def states(batch: Batch) -> dict[int, str]:
    """The state of each row, by number."""
    return dict(BatchRow.objects.filter(batch=batch).order_by("number").values_list("number", "state"))


def codes(batch: Batch, number: int, kind: str = "problems") -> list[tuple[str, str]]:
    """The problems, or the warnings, of a row as (field, code)."""
    row = BatchRow.objects.get(batch=batch, number=number)
    return [(found["field"], found["code"]) for found in getattr(row, kind)]
