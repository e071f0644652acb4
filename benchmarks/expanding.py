"""Within a stack: a submitted batch becomes messages, again and again, beside the bare saving of its rows."""

from __future__ import annotations

import copy
import io
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.db import connection, models, transaction

from benchmarks.checking import write_csv
from benchmarks.figures import Pair, pairs
from messaging.batches import expansion, uploads, work
from messaging.delivery import batches
from messaging.enums import BatchStatus
from messaging.models import Batch, ContentFingerprint, Message, Service, StatusChange, Template, User

#: What belongs to the messages and not to the batch that they come from.
_TABLES = ("contentfingerprint", "statuschange", "message", "batchcount", "dailycount", "dailyspeed")


def upload(*, rows: int) -> int:
    """Upload a file of so many rows as a clerk does; the check begins in the background. Returns the batch's number."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "saldo.csv"
        write_csv(path, rows)
        content = path.read_bytes()
    template = Template.objects.get(slug="avviso-tari")
    service, clerk = Service.objects.get(slug="tributi"), User.objects.get(username="clerk")
    return uploads.upload(service, template, clerk, io.BytesIO(content), path.name).pk


def expansion_pairs(*, rows: int, count: int) -> list[dict[str, float]]:
    """Pairs of rows a second: bare saving before, expansion, bare saving after."""
    batch = _submitted(upload(rows=rows))
    _expand(batch)
    made = [list(rows) for rows in _made(batch)]
    return [asdict(pair) for pair in _pairs(batch, made, rows, count)]


def _pairs(batch: Batch, made: Sequence[list[Any]], rows: int, count: int) -> list[Pair]:
    def floor() -> float:
        _forget(batch)
        return rows / _timed(lambda: _save(made))

    def ours() -> float:
        _forget(batch)
        return rows / _timed(lambda: _expand(batch))

    return pairs(floor, ours, count)


def _submitted(pk: int) -> Batch:
    work.work_on(pk, lambda: False)
    batch = Batch.objects.get(pk=pk)
    clerk = User.objects.get(username="clerk")
    if batch.rows_good != batch.rows_total:
        raise SystemExit(f"{batch.status}: {batch.rows_good} good rows of {batch.rows_total}, {batch.problem}")
    assert batches.submit(batch, clerk, declared=True, warnings_confirmed=True)
    return batch


def _expand(batch: Batch) -> None:
    expansion.expand(Batch.objects.select_related("service__institution").get(pk=batch.pk), lambda: True)


def _made(batch: Batch) -> Iterator[models.QuerySet[Any]]:
    messages = Message.objects.filter(batch=batch)
    yield messages.order_by("pk")
    for model in (StatusChange, ContentFingerprint):
        yield model._default_manager.filter(message__in=messages).order_by("pk")


def _save(made: Sequence[list[Any]]) -> None:
    """bulk_create of the same rows in the same groups, and nothing else."""
    messages, changes, prints = made
    share = len(prints) // len(messages)
    for start in range(0, len(messages), expansion.GROUP):
        end = start + expansion.GROUP
        with transaction.atomic():
            born = _fresh(messages[start:end])
            Message.objects.bulk_create(born)
            for model, rows, each in ((StatusChange, changes, 1), (ContentFingerprint, prints, share)):
                of_these = _fresh(rows[start * each : end * each])
                for place, row in enumerate(of_these):
                    row.message = born[place // each]
                model._default_manager.bulk_create(of_these)


def _fresh(rows: Sequence[Any]) -> list[Any]:
    """The same rows, not saved yet."""
    found = []
    for row in rows:
        new = copy.copy(row)
        new._state = copy.copy(row._state)
        new._state.adding, new.pk = True, None
        found.append(new)
    return found


def _forget(batch: Batch) -> None:
    with connection.cursor() as cursor:
        for table in _TABLES:
            cursor.execute(f"DELETE FROM messaging_{table}")  # noqa: S608
        if connection.vendor == "postgresql":
            cursor.execute("VACUUM ANALYZE")
    Batch.objects.filter(pk=batch.pk).update(status=BatchStatus.SENDING, expanded_to=0, expanded_at=None)


def _timed(work_to_do: Callable[[], None]) -> float:
    began = time.perf_counter()
    work_to_do()
    return time.perf_counter() - began
