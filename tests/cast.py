"""The test cast: plain functions that make an institution, a service, a person, a message.

Everything not said is a sensible default; ``make_message(status=Status.ACCEPTED)`` fills in what such a row must have.
"""

from __future__ import annotations

import functools
import itertools
from datetime import timedelta
from typing import Any

from django.contrib.auth.hashers import make_password
from django.utils import timezone
from stdnum.it import codicefiscale

from messaging.enums import BatchStatus, KeySlot, Role, RowState, Status
from messaging.models import (
    Administrator,
    Batch,
    BatchRow,
    GatewayAccount,
    Institution,
    Membership,
    Message,
    Recipient,
    Service,
    ServiceKey,
    Template,
    User,
)

PASSWORD = "una frase lunga di prova"

BODY = "Questo è un testo di prova, lungo quanto basta perché IO lo accetti: ha infatti più di ottanta caratteri."

_numbers = itertools.count(1)


@functools.cache
def _hashed(password: str) -> str:
    """Hashing takes a third of a second on purpose: once is enough for the whole cast."""
    return make_password(password)


def make_fiscal_code(number: int | None = None) -> str:
    """A valid fiscal code that belongs to nobody; the same number gives the same one."""
    number = next(_numbers) if number is None else number
    day, month, year = number % 28 + 1, "ABCDEHLMPRST"[number // 28 % 12], 40 + number // 336 % 50
    place = 501 + number // 16_800 % 400
    start = f"PRVTST{year:02}{month}{day:02}H{place:03}"
    return start + codicefiscale.calc_check_digit(start)


def make_account(**kw: Any) -> GatewayAccount:
    """A gateway account with the general rate."""
    kw.setdefault("name", f"Utenza {next(_numbers)}")
    return GatewayAccount.objects.create(**kw)


def make_institution(**kw: Any) -> Institution:
    """An institution with a gateway account of its own."""
    number = next(_numbers)
    kw.setdefault("name", f"Comune di Prova {number}")
    kw.setdefault("fiscal_code", f"{80_000_000_000 + number}")
    if "account" not in kw:
        kw["account"] = make_account()
    return Institution.objects.create(**kw)


def make_service(*, key: str | None = "", **kw: Any) -> Service:
    """A live service that may ask for payments, with a primary key in use; ``key=None`` leaves it without."""
    number = next(_numbers)
    if "institution" not in kw:
        kw["institution"] = make_institution()
    kw.setdefault("name", f"Tributi {number}")
    kw.setdefault("slug", f"tributi-{number}")
    kw.setdefault("live", True)
    kw.setdefault("max_amount", 1_000_000)
    service = Service.objects.create(**kw)
    if key is not None:
        make_key(service=service, secret=key or f"{number:028x}{number:04d}")
    return service


def make_key(service: Service, slot: KeySlot = KeySlot.PRIMARY, **kw: Any) -> ServiceKey:
    """A key of the service; the first one is in use."""
    kw.setdefault("secret", f"{next(_numbers):032x}")
    kw.setdefault("in_use", not service.keys.filter(in_use=True).exists())
    return ServiceKey.objects.create(service=service, slot=slot, **kw)


def make_person(
    username: str | None = None, *, role: Role | None = None, service: Service | None = None, **kw: Any
) -> User:
    """A member of staff with PASSWORD; with a service also a role in it (clerk unless said), given by nobody."""
    username = username or f"persona{next(_numbers)}"
    kw.setdefault("first_name", "Marta")
    kw.setdefault("last_name", "Rossi")
    kw.setdefault("email", f"{username}@comune.example.it")
    user = User.objects.create(username=username, password=kw.pop("password", None) or _hashed(PASSWORD), **kw)
    if service is not None:
        give_role(user, service, role or Role.CLERK)
    return user


def give_role(user: User, service: Service, role: Role = Role.CLERK, *, granted_by: User | None = None) -> Membership:
    """Give or change a person's role in a service."""
    membership, _ = Membership.objects.update_or_create(
        user=user, service=service, defaults={"role": role, "granted_by": granted_by}
    )
    return membership


def make_administrator(institution: Institution, username: str | None = None, **kw: Any) -> User:
    """A person who configures the institution and has no role in any service."""
    user = make_person(username, **kw)
    Administrator.objects.create(user=user, institution=institution)
    return user


def make_recipient(institution: Institution, **kw: Any) -> Recipient:
    """A citizen of the institution."""
    kw.setdefault("fiscal_code", make_fiscal_code())
    return Recipient.objects.create(institution=institution, **kw)


def make_template(service: Service, **kw: Any) -> Template:
    """An informational template with the placeholder ((nome))."""
    number = next(_numbers)
    kw.setdefault("name", f"Modello {number}")
    kw.setdefault("slug", f"modello-{number}")
    kw.setdefault("subject", "Avviso dal Comune di Prova")
    kw.setdefault("body", f"Gentile ((nome)),\n\n{BODY}")
    return Template.objects.create(service=service, **kw)


def make_message(**kw: Any) -> Message:
    """A queued informational message; any other status gets what the database demands of it."""
    if "service" not in kw:
        kw["service"] = make_service()
    service: Service = kw["service"]
    status = Status(kw.setdefault("status", Status.QUEUED))
    if "author" not in kw:
        kw["author"] = _a_clerk_of(service)
    if "recipient" not in kw:
        kw["recipient"] = make_recipient(service.institution)
    kw.setdefault("subject", "Avviso dal Comune di Prova")
    kw.setdefault("body", BODY)
    for name, value in _what_the_status_demands(status).items():
        kw.setdefault(name, value)
    return Message.objects.create(**kw)


def make_batch(*, people: int = 0, **kw: Any) -> Batch:
    """A sending of an informational text to ``people`` rows that are good, ready unless another status is said.

    Its sheet has the columns codice_fiscale and nome; the rows begin with number 2, as under a header.
    """
    if "service" not in kw:
        kw["service"] = make_service()
    service: Service = kw["service"]
    if "author" not in kw:
        kw["author"] = _a_clerk_of(service)
    status = BatchStatus(kw.setdefault("status", BatchStatus.READY))
    now = timezone.now()
    if status not in BatchStatus.before_sending():
        for name, value in {"declared_at": now, "submitted_by": kw["author"], "submitted_at": now}.items():
            kw.setdefault(name, value)
    if status in {BatchStatus.SENDING, BatchStatus.PAUSED, BatchStatus.FINISHED}:
        kw.setdefault("started_at", now)
    if status is BatchStatus.SCHEDULED:
        kw.setdefault("starts_at", now + timedelta(hours=1))
    kw.setdefault("name", f"Invio {next(_numbers)}")
    kw.setdefault("subject", "Avviso dal Comune di Prova")
    kw.setdefault("body", f"Gentile ((nome)),\n\n{BODY}")
    kw.setdefault("header", ["codice_fiscale", "nome"])
    kw.setdefault("columns", {"fiscal_code": 0, "nome": 1})
    kw.setdefault("filename", "elenco.csv")
    batch = Batch.objects.create(rows_total=people, rows_good=people, **kw)
    for number in range(people):
        make_batch_row(batch, number + 2)
    return batch


def make_batch_row(batch: Batch, number: int, **kw: Any) -> BatchRow:
    """A good row of the batch; the batch's own counters are for the caller."""
    if "recipient" not in kw:
        kw["recipient"] = make_recipient(batch.service.institution)
    kw.setdefault("cells", [kw["recipient"].fiscal_code if kw["recipient"] else "", f"Persona {number}"])
    kw.setdefault("state", RowState.GOOD)
    return BatchRow.objects.create(batch=batch, number=number, **kw)


def _a_clerk_of(service: Service) -> User:
    membership = service.memberships.filter(role=Role.CLERK).select_related("user").first()
    return membership.user if membership else make_person(service=service)


def _what_the_status_demands(status: Status) -> dict[str, Any]:
    now = timezone.now()
    if status in {Status.DRAFT, Status.AWAITING_APPROVAL}:
        return {}
    if status in {Status.QUEUED, Status.UNREACHABLE, Status.CANCELLED}:
        return {"queued_at": now, "next_attempt_at": now if status is Status.QUEUED else None}
    fields: dict[str, Any] = {"queued_at": now, "attempt_number": 1}
    if status is Status.SENDING:
        fields["sending_deadline"] = now + timedelta(minutes=1)
    if status in {Status.ACCEPTED, Status.PROCESSED, Status.REJECTED, Status.FAILED, Status.NO_OUTCOME}:
        # IO's ids are ULIDs: 26 characters of Crockford's alphabet.
        fields["io_id"] = f"01K{next(_numbers):023d}"
        fields["accepted_at"] = now
        fields["next_attempt_at"] = now if status is Status.ACCEPTED else None
    return fields
