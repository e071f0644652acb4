"""Files for people to download: original columns beside outcomes, the wrong rows alone, an example to fill in.

No cell begins as a formula does (OWASP, "CSV Injection"). A CSV opened in a spreadsheet program and saved there loses
the digits of notice numbers, as any CSV: XLSX keeps them.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import BinaryIO

import xlsxwriter  # type: ignore[import-untyped]
from xlsxwriter.format import Format  # type: ignore[import-untyped]
from xlsxwriter.worksheet import Worksheet  # type: ignore[import-untyped]

from messaging.appio.fiscal_codes import TEST_CODE
from messaging.spreadsheets.cells import FORMULA_STARTS, Cell, shown
from messaging.spreadsheets.columns import AMOUNT, ATTACHMENT, DUE_DATE, FISCAL_CODE, NOTICE_NUMBER

_BOM = b"\xef\xbb\xbf"
_PIECE = 64 * 1024
#: What a spreadsheet takes: characters of a cell, and digits that a number keeps.
_MAX_CHARACTERS = 32_767
_MAX_EXACT = 10**15
_FIRST_DAY = date(1900, 3, 1)

_EXAMPLE_NOTICE = "302000000004821733"
_EXAMPLE_FILE = "avviso-0001.pdf"
#: The Italian header of each field in an example.
_HEADERS = {
    FISCAL_CODE: "codice_fiscale",
    AMOUNT: "importo",
    NOTICE_NUMBER: "numero_avviso",
    DUE_DATE: "scadenza",
    ATTACHMENT: "allegato",
}


def neutral(text: str) -> str:
    """Return a text that no spreadsheet takes for a formula; `cells.text_cell` takes the apostrophe off again."""
    return f"'{text}" if text[:1] in FORMULA_STARTS and text else text


def csv_pieces(header: Sequence[str], rows: Iterable[Sequence[Cell]]) -> Iterator[bytes]:
    """Yield a CSV in pieces: UTF-8 with BOM, `;`, decimal comma, dates gg/mm/aaaa."""
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, delimiter=";", lineterminator="\r\n")
    writer.writerow([neutral(name) for name in header])
    yield _BOM
    for row in rows:
        writer.writerow([_csv_value(cell) for cell in row])
        if buffer.tell() > _PIECE:
            yield _taken(buffer)
    yield _taken(buffer)


def _taken(buffer: io.StringIO) -> bytes:
    piece = buffer.getvalue().encode("utf-8", "replace")
    buffer.seek(0)
    buffer.truncate()
    return piece


def _csv_value(cell: Cell) -> str:
    is_number = isinstance(cell, int | float)
    return shown(cell) if is_number else neutral(shown(cell).replace("\0", ""))


def write_xlsx(out: BinaryIO | Path, header: Sequence[str], rows: Iterable[Sequence[Cell]], *, sheet: str = "") -> None:
    """Write an XLSX of one sheet, keeping no more than a row in memory; numbers and dates stay what they are."""
    target = str(out) if isinstance(out, Path) else out
    with xlsxwriter.Workbook(target, {"constant_memory": True}) as book:
        page = book.add_worksheet(sheet or None)
        bold = book.add_format({"bold": True})
        day = book.add_format({"num_format": "dd/mm/yyyy"})
        moment = book.add_format({"num_format": "dd/mm/yyyy hh:mm"})
        page.freeze_panes(1, 0)
        for place, name in enumerate(header):
            page.write_string(0, place, neutral(name)[:_MAX_CHARACTERS], bold)
            page.set_column(place, place, 22)
        for number, row in enumerate(rows, start=1):
            for place, cell in enumerate(row):
                _write(page, number, place, cell, day, moment)


def _write(page: Worksheet, row: int, place: int, cell: Cell, day: Format, moment: Format) -> None:
    if cell is None:
        return
    if isinstance(cell, bool):
        page.write_boolean(row, place, cell)
    elif isinstance(cell, int | float) and abs(cell) < _MAX_EXACT:
        page.write_number(row, place, cell)
    elif isinstance(cell, datetime) and cell.date() >= _FIRST_DAY:
        page.write_datetime(row, place, _naive(cell), moment)
    elif isinstance(cell, date) and not isinstance(cell, datetime) and cell >= _FIRST_DAY:
        page.write_datetime(row, place, cell, day)
    else:
        page.write_string(row, place, neutral(shown(cell))[:_MAX_CHARACTERS])


def _naive(moment: datetime) -> datetime:
    return moment.replace(tzinfo=None)


def example_file(fields: Sequence[str], due_date: date) -> bytes:
    """Return an XLSX to fill in: a column for each of `fields` (see `columns`; placeholders under their own names).

    One row shows how, addressed to the citizen that exists for tests. Codes and notice numbers are in columns of text,
    so that a spreadsheet keeps their digits.
    """
    out = io.BytesIO()
    with xlsxwriter.Workbook(out, {"in_memory": True}) as book:
        page = book.add_worksheet("Elenco")
        bold = book.add_format({"bold": True})
        text = book.add_format({"num_format": "@"})
        euros = book.add_format({"num_format": "0.00"})
        day = book.add_format({"num_format": "dd/mm/yyyy"})
        page.freeze_panes(1, 0)
        formats = {AMOUNT: euros, DUE_DATE: day}
        for place, name in enumerate(fields):
            page.set_column(place, place, 24, formats.get(name, text))
            page.write_string(0, place, neutral(_HEADERS.get(name, name)), bold)
            page.write(1, place, _example(name, due_date), formats.get(name, text))
    return out.getvalue()


def _example(name: str, due_date: date) -> str | float | date:
    known: dict[str, str | float | date] = {
        FISCAL_CODE: TEST_CODE,
        NOTICE_NUMBER: _EXAMPLE_NOTICE,
        AMOUNT: 148.5,
        DUE_DATE: due_date,
        ATTACHMENT: _EXAMPLE_FILE,
    }
    return known.get(name, "…")
