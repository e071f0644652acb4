"""How fast a file of 100,000 rows is checked, and in how much memory: `python -m benchmarks.checking [--json FILE]`.

The floor reads the same file with csv or calamine and checks each fiscal code with stdnum. Pairs are taken in turn in
one process, and processor time is compared, so that neighbours on the machine touch both alike. The memory is that of
a process of its own for each size: the whole peak, library and reading and checking and the search for duplicates.
"""

from __future__ import annotations

import argparse
import csv
import gc
import json
import platform
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

import xlsxwriter  # type: ignore[import-untyped]
from python_calamine import CalamineWorkbook
from stdnum.it import codicefiscale

from messaging.spreadsheets.columns import match_columns
from messaging.spreadsheets.duplicates import DuplicateFinder
from messaging.spreadsheets.reading import open_sheet
from messaging.spreadsheets.rows import CheckPlan, Rules, check_row
from messaging.spreadsheets.texts import MessageText

ROWS, FEW_ROWS, PAIRS = 100_000, 1_000, 5
TARGET_RATIO, TARGET_MIB = 0.4, 64
HEADER = ["codice_fiscale", "nome", "indirizzo", "importo", "numero_avviso", "scadenza"]
NAMES = ["Laura", "Paolo", "Niccolò", "Maria Grazia", "D'Angelo"]
DUE = date(2026, 12, 16)
TEXT_SUBJECT = "Avviso TARI 2026: saldo da pagare"
TEXT_BODY = (
    "Ciao ((nome)),\n\nè pronto il saldo della **TARI 2026** per l’abitazione di ((indirizzo)). L’importo è di "
    "((importo)) e si paga entro il ((scadenza)).\n\nPuoi pagare qui sull’app, oppure con l’avviso ((numero_avviso))."
)
TEXT = MessageText(TEXT_SUBJECT, TEXT_BODY)
RULES = Rules(is_payment=True, needs_due_date=False, max_amount=10_000_000, today=date(2026, 11, 20))

Row = tuple[str, str, str, float, str]


def people(count: int) -> Iterator[Row]:
    """Yield made-up people with valid codes, and amounts and notice numbers."""
    chance = random.Random(1)
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    for _ in range(count):
        body = (
            "".join(chance.choices(letters, k=6))
            + f"{chance.randint(30, 99):02}{chance.choice('ABCDEHLMPRST')}{chance.randint(1, 28):02}"
            + f"{chance.choice('ABCDEFGHIL')}{chance.randint(0, 999):03}"
        )
        number = f"3{chance.randint(0, 10**15 - 1):015}"
        yield (
            body + codicefiscale.calc_check_digit(body),
            chance.choice(NAMES),
            f"via dei Tigli {chance.randint(1, 300)}",
            chance.randint(100, 99_999) / 100,
            f"{number}{int(number) % 93:02}",
        )


def write_csv(path: Path, count: int) -> None:
    """Write the people as tax software does: `;`, decimal comma, gg/mm/aaaa."""
    with path.open("w", newline="", encoding="utf-8-sig") as file:
        writer = csv.writer(file, delimiter=";")
        writer.writerow(HEADER)
        for code, name, street, euros, notice in people(count):
            writer.writerow([code, name, street, f"{euros:.2f}".replace(".", ","), notice, f"{DUE:%d/%m/%Y}"])


def write_xlsx(path: Path, count: int, *, shared: bool) -> None:
    """Write the people as Excel does (`shared` texts) or as most libraries do."""
    with xlsxwriter.Workbook(str(path), {"constant_memory": not shared}) as book:
        page = book.add_worksheet()
        day = book.add_format({"num_format": "dd/mm/yyyy"})
        page.write_row(0, 0, HEADER)
        for place, (code, name, street, euros, notice) in enumerate(people(count), start=1):
            page.write_string(place, 0, code)
            page.write_string(place, 1, name)
            page.write_string(place, 2, street)
            page.write_number(place, 3, euros)
            page.write_string(place, 4, notice)
            page.write_datetime(place, 5, DUE, day)


FORMATS: dict[str, Callable[[Path, int], None]] = {
    "csv": write_csv,
    "xlsx": lambda path, count: write_xlsx(path, count, shared=True),
    "xlsx, texts in cells": lambda path, count: write_xlsx(path, count, shared=False),
}


def check(path: Path) -> int:
    """Read and check a file as the portal does; return how many rows are good."""
    sheet = open_sheet(path, path.name)
    plan = CheckPlan(match_columns(sheet.header, RULES.wanted(TEXT)), TEXT, RULES)
    duplicates = DuplicateFinder()
    good = 0
    for number, cells in sheet.rows():
        row = check_row(number, cells, plan)
        duplicates.add(row)
        good += row.is_good
    return good


def floor(path: Path) -> int:
    """Read a file with csv or calamine and check each fiscal code with stdnum."""
    if path.suffix == ".csv":
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = csv.reader(file, delimiter=";")
            next(rows)
            return sum(codicefiscale.is_valid(row[0]) for row in rows)
    cells = CalamineWorkbook.from_path(path).get_sheet_by_index(0).iter_rows()
    next(cells)
    return sum(codicefiscale.is_valid(str(row[0])) for row in cells)


def timed(work: Callable[[Path], int], path: Path) -> float:
    """Return the processor seconds of `work`."""
    gc.collect()
    start = time.process_time()
    good = work(path)
    seconds = time.process_time() - start
    if good != ROWS:
        raise SystemExit(f"{work.__name__} found {good} good rows of {ROWS}")
    return seconds


def own_peak() -> float:
    """Return the MiB that this process has taken at most.

    Where Linux tells, from its own memory map: ru_maxrss is handed down from the process that started this one.
    """
    status = Path("/proc/self/status")
    if status.exists():
        (line,) = (line for line in status.read_text().splitlines() if line.startswith("VmHWM:"))
        return int(line.split()[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def peak(path: Path) -> float:
    """Return the MiB of memory that a process needs at most to check a file."""
    command = [sys.executable, "-m", "benchmarks.checking", "--peak", str(path)]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)  # noqa: S603


def measure(name: str, folder: Path) -> dict[str, object]:
    """Return the figures of one format."""
    suffix = name.split(",")[0]
    many, few = folder / f"many.{suffix}", folder / f"few.{suffix}"
    FORMATS[name](many, ROWS)
    FORMATS[name](few, FEW_ROWS)
    timed(floor, many)
    pairs = [(timed(floor, many), timed(check, many)) for _ in range(PAIRS)]
    more = peak(many) - peak(few)
    ratio = statistics.median(low / ours for low, ours in pairs)
    return {
        "format": name,
        "floor_s": round(statistics.median(low for low, _ in pairs), 3),
        "ours_s": round(statistics.median(ours for _, ours in pairs), 3),
        "ratio": round(ratio, 3),
        "more_mib": round(more, 1),
        "reached": ratio >= TARGET_RATIO and more <= TARGET_MIB,
    }


def main() -> None:
    """Measure, print a table, and write JSON where asked."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--json", type=Path)
    options.add_argument("--peak", type=Path, help=argparse.SUPPRESS)
    asked = options.parse_args()
    if asked.peak:
        check(asked.peak)
        print(own_peak())  # noqa: T201
        return
    with tempfile.TemporaryDirectory() as folder:
        figures = [measure(name, Path(folder)) for name in FORMATS]
    print(f"{'file of 100,000 rows':<24}{'floor s':>9}{'ours s':>9}{'ratio':>8}{'MiB more':>10}")  # noqa: T201
    for row in figures:
        line = f"{row['format']:<24}{row['floor_s']:>9}{row['ours_s']:>9}{row['ratio']:>8}{row['more_mib']:>10}"
        print(line + ("" if row["reached"] else "  not reached"))  # noqa: T201
    result = {
        "benchmark": "checking",
        "targets": {"ratio": TARGET_RATIO, "more_mib": TARGET_MIB},
        "pairs": PAIRS,
        "machine": f"{platform.machine()}, Python {platform.python_version()}",
        "figures": figures,
    }
    text = json.dumps(result, indent=2)
    if asked.json:
        asked.json.write_text(text + "\n")
    else:
        print(text)  # noqa: T201


if __name__ == "__main__":
    main()
