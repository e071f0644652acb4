"""How fast the rows of a file of 100,000 people are saved: `python -m benchmarks.saving [--json FILE]`.

The floor is one `bulk_create` of the same rows, ready in memory, and of the people where those are new. Ours is the
whole check of an uploaded CSV: out of the database, read, judged, people found or made, compared with what was sent in
the last days, saved group by group with its counters, and the status at the end. "Saving" is ours without what reading
and judging alone take in memory (`benchmarks.checking`). Floor and ours in turn in one process on a database of its
own; the peak of memory is that of a process for each size.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from messaging.models import Batch

ROWS, FEW_ROWS, PAIRS = 100_000, 1_000, 5
TARGET_SAVING, TARGET_MIB = 0.6, 64


def prepare(folder: Path) -> None:
    """A new database of the engine that the settings name, with an institution; removed with its process."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "ioportal.settings")
    os.environ.setdefault("DATA_DIR", str(folder / "data"))
    os.environ.setdefault("SECRETS_DIR", str(folder / "secrets"))
    import django

    django.setup()
    from django.conf import settings
    from django.db import connection

    sqlite = connection.vendor == "sqlite"
    name = str(folder / f"saving{os.getpid()}.sqlite3") if sqlite else f"ioportal_saving_{os.getpid()}"
    settings.DATABASES["default"].setdefault("TEST", {})["NAME"] = connection.settings_dict["TEST"]["NAME"] = name
    connection.creation.create_test_db(verbosity=0, serialize=False)


def remove() -> None:
    """Drop what `prepare` made."""
    from django.db import connection

    connection.creation.destroy_test_db("", verbosity=0)


def uploaded(path: Path) -> Batch:
    """A batch of a new institution with this file."""
    from benchmarks.checking import TEXT_BODY, TEXT_SUBJECT
    from messaging.batches import uploads
    from messaging.enums import Kind
    from messaging.models import GatewayAccount, Institution, Service, Template, User

    number = Institution.objects.count()
    account = GatewayAccount.objects.create(name=f"Utenza {number}")
    place = Institution.objects.create(name="Comune", fiscal_code=f"{80_000_000_000 + number}", account=account)
    service = Service.objects.create(
        institution=place, name="Tributi", slug=f"tributi{number}", live=True, max_amount=10_000_000
    )
    template = Template.objects.create(
        service=service, name="TARI", slug="tari", kind=Kind.PAYMENT, subject=TEXT_SUBJECT, body=TEXT_BODY
    )
    person = User.objects.create(username=f"persona{number}")
    with path.open("rb") as file:
        return uploads.upload(service, template, person, file, path.name)


def checked(batch: Batch) -> None:
    """The whole check."""
    from messaging.batches import checking
    from messaging.enums import BatchStatus

    checking.check(batch, lambda: False)
    if batch.status != BatchStatus.READY:
        raise SystemExit(f"the batch is {batch.status}: {batch.problem}")


def timed(work: Callable[[], object]) -> float:
    """Seconds of work."""
    gc.collect()
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def saved_alone(batch: Batch) -> tuple[float, float]:
    """Seconds of one bulk_create of a batch's rows, which are gone afterwards, and of one of its people."""
    from messaging.models import BatchRow, Recipient

    rows = list(BatchRow.objects.filter(batch=batch))
    people = list(Recipient.objects.filter(institution=batch.service.institution))
    BatchRow.objects.filter(batch=batch).delete()
    Recipient.objects.filter(institution=batch.service.institution).delete()
    of_people = timed(lambda: Recipient.objects.bulk_create(people))
    for row in rows:
        row.pk = None
    of_rows = timed(lambda: BatchRow.objects.bulk_create(rows))
    BatchRow.objects.filter(batch=batch).delete()
    return of_rows, of_people


def measure(folder: Path) -> list[dict[str, Any]]:
    """The figures of a file whose people the institution knows, and of one whose people are new."""
    from benchmarks.checking import check, write_csv
    from messaging.models import BatchRow

    path = folder / "people.csv"
    write_csv(path, ROWS)
    reading = statistics.median(timed(lambda: check(path)) for _ in range(PAIRS))
    found: dict[str, list[tuple[float, float]]] = {"people known": [], "people new": []}
    for _ in range(PAIRS):
        batch = uploaded(path)
        new = timed(lambda batch=batch: checked(batch))  # type: ignore[misc]
        floor, floor_of_people = saved_alone(batch)
        again = uploaded(path)
        again.service = batch.service
        again.save()
        known = timed(lambda again=again: checked(again))  # type: ignore[misc]
        BatchRow.objects.filter(batch=again).delete()
        found["people new"].append((floor + floor_of_people, new))
        found["people known"].append((floor, known))
    return [_figure(name, pairs, reading) for name, pairs in found.items()]


def _figure(name: str, pairs: list[tuple[float, float]], reading: float) -> dict[str, Any]:
    saving = statistics.median(floor / (ours - reading) for floor, ours in pairs)
    return {
        "what": f"{ROWS:,} rows, {name}",
        "floor_s": round(statistics.median(floor for floor, _ in pairs), 2),
        "ours_s": round(statistics.median(ours for _, ours in pairs), 2),
        "reading_alone_s": round(reading, 2),
        "whole_check": round(statistics.median(floor / ours for floor, ours in pairs), 3),
        "ratio": round(saving, 3),
        "reached": saving >= TARGET_SAVING,
    }


def peak(count: int) -> float:
    """MiB that a process takes at most to check so many rows; without what it takes before."""
    command = [sys.executable, "-m", "benchmarks.saving", "--peak", str(count)]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()[-1])  # noqa: S603


def measure_peak(folder: Path, count: int) -> float:
    """The peak of this process after a check."""
    from benchmarks.checking import own_peak, write_csv

    path = folder / "people.csv"
    write_csv(path, count)
    checked(uploaded(path))
    return own_peak()


def main() -> None:
    """Measure, print, and write JSON where asked."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--json", type=Path)
    options.add_argument("--peak", type=int, help=argparse.SUPPRESS)
    asked = options.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        prepare(folder)
        try:
            if asked.peak:
                print(measure_peak(folder, asked.peak))  # noqa: T201
                return
            figures = measure(folder)
            more = round(peak(ROWS) - peak(FEW_ROWS), 1)
            figures.append(
                {"what": f"memory above that at {FEW_ROWS:,} rows", "mib": more, "reached": more <= TARGET_MIB}
            )
            from django.db import connection

            database = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}[connection.vendor]
        finally:
            remove()
    targets = {"ratio": TARGET_SAVING, "more_mib": TARGET_MIB}
    result = {"benchmark": "saving", "database": database, "targets": targets, "pairs": PAIRS, "figures": figures}
    text = json.dumps(result, indent=2)
    print(text)  # noqa: T201
    if asked.json:
        asked.json.write_text(text + "\n")


if __name__ == "__main__":
    main()
