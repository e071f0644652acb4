"""What runs within a stack, with its settings and database: `python -m benchmarks.inside NAME JSON`, answer in JSON."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from itertools import islice
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "ioportal.settings")
django.setup()

from celery import current_app  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.db import connection, transaction  # noqa: E402
from django.utils import timezone  # noqa: E402

import ioportal.celery  # noqa: E402, F401 - makes the application the current one
from benchmarks.expanding import expansion_pairs, upload  # noqa: E402
from messaging.delivery import births  # noqa: E402
from messaging.delivery.approval import send  # noqa: E402
from messaging.delivery.wake import wake_account  # noqa: E402
from messaging.enums import BatchStatus, KeySlot, ReachabilityAnswer, Status  # noqa: E402
from messaging.models import (  # noqa: E402
    Batch,
    GatewayAccount,
    Institution,
    Message,
    Reachability,
    Recipient,
    Service,
    ServiceKey,
    User,
)
from messaging.simulator.citizens import load_fiscal_code  # noqa: E402
from tests.simulator_process import BORGOFIORE  # noqa: E402

GROUP = 500
SUBJECT = "Avviso TARI 2026: saldo da pagare"
BODY = (
    "Ciao {name},\n\nè pronto il saldo della **TARI 2026** per la tua abitazione. Puoi pagare qui sull’app, oppure con "
    "l’avviso di carta che arriva per posta: è lo stesso avviso e si paga una volta sola."
)
#: Fiscal codes from here on are for single messages; below, for batches.
PERSONS_FROM = 2_000_000


def prepare() -> None:
    """Make the tables, the demonstration, and a second institution with an account of its own."""
    call_command("migrate", verbosity=0, interactive=False)
    call_command("createcachetable", verbosity=0)
    with open(os.devnull, "w") as nowhere:
        call_command("demo", quiet=True, stdout=nowhere)
    account = GatewayAccount.objects.create(name="Comune di Borgofiore")
    institution = Institution.objects.create(name="Comune di Borgofiore", fiscal_code="80087654321", account=account)
    service = Service.objects.create(institution=institution, name="Tributi", slug="tributi-borgofiore", live=True)
    ServiceKey.objects.create(service=service, slot=KeySlot.PRIMARY, secret=BORGOFIORE, in_use=True)
    # The simulator's own two services of one account count together there, so they do here.
    Service.objects.filter(slug="scuola").update(live=True)


def queue_batch(
    *, count: int, known: bool, first: int = 0, service: str = "tributi", at_once: bool = False, wakes: int = 1
) -> int:
    """Queue a batch for so many citizens on IO; ``known``: IO has said so today. Returns its number.

    ``at_once`` shows it to the workers only when it is whole; ``wakes`` are the calls by which they are told.
    """
    sender = Service.objects.select_related("institution").get(slug=service)
    clerk = User.objects.get(username="clerk")
    recipients = _recipients(sender, range(first, first + count), known)
    now = timezone.now()
    batch = Batch.objects.create(
        service=sender,
        author=clerk,
        name="Saldo TARI",
        subject=SUBJECT,
        body=BODY,
        status=BatchStatus.SENDING,
        rows_total=count,
        rows_good=count,
        declared_at=now,
        submitted_by=clerk,
        submitted_at=now,
        started_at=now,
        expanded_to=count + 1,
    )
    messages = (_message(batch, recipient, row) for row, recipient in enumerate(recipients, start=2))
    with transaction.atomic() if at_once else nullcontext():
        _create(batch, messages)
        # Only now: a batch whose messages are all made, and none of them moves, is finished.
        Batch.objects.filter(pk=batch.pk).update(expanded_at=timezone.now())
    for _ in range(wakes):
        wake_account(sender.institution.account_id)
    return batch.pk


def _create(batch: Batch, messages: Iterator[Message]) -> None:
    while group := list(islice(messages, GROUP)):
        with transaction.atomic():
            Batch.objects.select_for_update(no_key=True).get(pk=batch.pk)
            repeated = births.create(batch, group, {})
        if repeated:
            raise SystemExit("some of these citizens were written to before")


def _recipients(service: Service, numbers: Sequence[int], known: bool) -> list[Recipient]:
    codes = [load_fiscal_code(number) for number in numbers]
    Recipient.objects.bulk_create(
        [Recipient(institution=service.institution, fiscal_code=code) for code in codes],
        ignore_conflicts=True,
        batch_size=GROUP,
    )
    found: dict[str, Recipient] = {}
    for start in range(0, len(codes), GROUP):
        rows = Recipient.objects.filter(institution=service.institution, fiscal_code__in=codes[start : start + GROUP])
        found |= {row.fiscal_code: row for row in rows}
    recipients = [found[code] for code in codes]
    Reachability.objects.filter(service=service).delete()
    if known:
        now = timezone.now()
        answers = [
            Reachability(recipient=recipient, service=service, answer=ReachabilityAnswer.REACHABLE, asked_at=now)
            for recipient in recipients
        ]
        Reachability.objects.bulk_create(answers, batch_size=GROUP)
    return recipients


def _message(batch: Batch, recipient: Recipient, row: int) -> Message:
    body = BODY.format(name=f"cittadino {row} dell’invio {batch.pk}")
    return Message(
        service=batch.service,
        recipient=recipient,
        author=batch.author,
        batch=batch,
        row=row,
        subject=SUBJECT,
        body=body,
        submitted_by=batch.author,
    )


def persons(*, count: int, every: float, patience: float = 20.0) -> list[dict[str, Any]]:
    """Press Send for so many single persons, one every so many seconds; the seconds until each was taken in charge.

    Every second one was not asked about before: IO is asked first.
    """
    service = Service.objects.select_related("institution").get(slug="tributi")
    clerk = User.objects.get(username="clerk")
    # The first call to the broker connects; a desk that has been open for a while is connected.
    wake_account(service.institution.account_id)
    found = []
    for number in range(count):
        known = number % 2 == 0
        began = time.monotonic()
        message = _draft(service, clerk, PERSONS_FROM + number, known=known)
        pressed = time.monotonic()
        assert send(message, clerk, warnings_confirmed=True)
        seconds = _until_taken(message, pressed + patience) - pressed
        found.append({"known": known, "seconds": seconds})
        time.sleep(max(0.0, every - (time.monotonic() - began)))
    return found


def _draft(service: Service, clerk: User, number: int, *, known: bool) -> Message:
    recipient = Recipient.objects.create(institution=service.institution, fiscal_code=load_fiscal_code(number))
    if known:
        Reachability.objects.create(
            recipient=recipient, service=service, answer=ReachabilityAnswer.REACHABLE, asked_at=timezone.now()
        )
    body = BODY.format(name=f"persona {number}")
    return Message.objects.create(service=service, recipient=recipient, author=clerk, subject=SUBJECT, body=body)


def _until_taken(message: Message, until: float) -> float:
    while time.monotonic() < until:
        status = Message.objects.values_list("status", flat=True).get(pk=message.pk)
        if status in {Status.ACCEPTED, Status.PROCESSED}:
            return time.monotonic()
        time.sleep(0.01)
    return time.monotonic()


def finish() -> None:
    """Nothing is left to do for any message so far; rows stay, since a database that has lost some sends nothing."""
    Message.objects.exclude(next_attempt_at=None).update(status=Status.CANCELLED, next_attempt_at=None, leased_by="")
    Batch.objects.update(status=BatchStatus.FINISHED)
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("VACUUM ANALYZE messaging_message")


def send_tasks(*, task: str, queue: str) -> int:
    """One task for each queued message, as the usual design has it; returns how many."""
    ids = list(Message.objects.filter(status=Status.QUEUED).order_by("pk").values_list("pk", flat=True))
    with current_app.connection_for_write() as broker, current_app.amqp.Producer(broker) as producer:
        for pk in ids:
            current_app.send_task(task, args=[pk], queue=queue, producer=producer)
    return len(ids)


def main() -> None:
    """Run the named function."""
    name, arguments = sys.argv[1], json.loads(sys.argv[2])
    functions = (prepare, queue_batch, persons, finish, send_tasks, upload, expansion_pairs)
    known: dict[str, Callable[..., Any]] = {function.__name__: function for function in functions}
    print(json.dumps(known[name](**arguments)))  # noqa: T201


if __name__ == "__main__":
    main()
