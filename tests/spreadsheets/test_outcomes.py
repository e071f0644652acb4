from __future__ import annotations

import csv
import io
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from messaging.appio.fiscal_codes import TEST_CODE
from messaging.spreadsheets.cells import FORMULA_STARTS, Cell, CellError
from messaging.spreadsheets.columns import AMOUNT, DUE_DATE, FISCAL_CODE, NOTICE_NUMBER, Wanted, match_columns
from messaging.spreadsheets.outcomes import csv_pieces, example_file, write_xlsx
from messaging.spreadsheets.reading import Sheet, open_sheet
from messaging.spreadsheets.values import read_amount, read_day, read_fiscal_code, read_notice_number

Opened = Callable[..., Sheet]
HEADER = ["codice_fiscale", "importo", "esito"]
ROW: list[Cell] = [TEST_CODE, 148.5, "letto"]


def _csv(rows: list[list[Cell]], header: list[str] = HEADER) -> bytes:
    return b"".join(csv_pieces(header, rows))


def _xlsx(rows: list[list[Cell]], header: list[str] = HEADER) -> bytes:
    out = io.BytesIO()
    write_xlsx(out, header, rows)
    return out.getvalue()


def test_a_csv_is_what_an_italian_spreadsheet_opens() -> None:
    rows: list[list[Cell]] = [[TEST_CODE, 148.5, date(2026, 12, 16)], ["è", 3, True], [None, CellError("#N/D"), 'a;"b']]
    text = 'codice_fiscale;importo;esito\r\nAAAAAA00A00A000A;148,5;16/12/2026\r\nè;3;VERO\r\n;#N/D;"a;""b"\r\n'
    assert _csv(rows) == b"\xef\xbb\xbf" + text.encode()


@pytest.mark.parametrize("write", [_csv, _xlsx])
@pytest.mark.parametrize("text", ["=1+1", "+39 06", "-x", "@a", "\tx", "=cmd|' /C calc'!A0"])
def test_no_cell_begins_as_a_formula(opened: Opened, write: Callable[..., bytes], text: str) -> None:
    content = write([[text, -5, "ok"]], [text, "importo", "esito"])
    if content.startswith(b"\xef\xbb\xbf"):
        cells = next(csv.reader(io.StringIO(content.decode("utf-8-sig").splitlines()[1]), delimiter=";"))
        assert cells == [f"'{text}", "-5", "ok"]
    assert next(opened(content, "a").rows())[1] == [text, -5 if write is _xlsx else "-5", "ok"]


@given(st.lists(st.text(max_size=12), min_size=2, max_size=4))
def test_whatever_is_written_no_field_is_a_formula(texts: list[str]) -> None:
    for row in csv.reader(io.StringIO(_csv([list(texts)], list(texts)).decode("utf-8-sig"), newline=""), delimiter=";"):
        assert all(field[:1] not in FORMULA_STARTS for field in row if field)


_CELL = st.one_of(
    st.none(),
    st.text(
        st.characters(codec="utf-8", exclude_categories=["Cc"], exclude_characters="\ufeff\ufffe\uffff"), max_size=15
    ),
    st.integers(-(10**14), 10**14),
    st.integers(-(10**9), 10**9).map(lambda number: number / 100),
    st.booleans(),
    st.dates(date(1950, 1, 1), date(2150, 1, 1)),
)


@given(st.lists(st.lists(_CELL, min_size=3, max_size=3), min_size=1, max_size=5))
def test_an_xlsx_that_is_written_is_read_as_it_was(rows: list[list[Any]]) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "a.xlsx"
        write_xlsx(path, HEADER, [["sempre", 1, 2], *rows])
        found = dict(open_sheet(path, "a.xlsx").rows())
    for number, row in enumerate(rows, start=3):
        assert found.get(number, [None] * 3) == [_kept(cell) for cell in row]


def _kept(cell: Any) -> Any:
    if not isinstance(cell, str):
        return cell
    is_disarmed = cell[:1] == "'" and cell[1:2] in FORMULA_STARTS and len(cell) > 1
    return (cell[1:] if is_disarmed else cell) if cell.strip() else None


def test_numbers_longer_than_a_spreadsheet_keeps_are_written_as_text(opened: Opened) -> None:
    assert next(opened(_xlsx([["302000000004821733", 10**17, "x"]]), "a").rows())[1] == [
        "302000000004821733",
        "1" + "0" * 17,
        "x",
    ]


def test_dates_and_texts_beyond_what_a_spreadsheet_takes_are_still_written(opened: Opened) -> None:
    rows: list[list[Cell]] = [[date(1850, 1, 2), datetime(2026, 1, 2, 10, 30), "x" * 40_000]]
    assert next(opened(_xlsx(rows), "a").rows())[1] == ["02/01/1850", datetime(2026, 1, 2, 10, 30), "x" * 32_767]


def test_a_large_csv_comes_in_pieces() -> None:
    pieces = list(csv_pieces(HEADER, (ROW for _ in range(20_000))))
    assert len(pieces) > 5
    assert max(map(len, pieces)) < 100_000
    assert b"".join(pieces).count(b"\r\n") == 20_001


def test_the_example_can_be_read_and_keeps_the_digits(opened: Opened) -> None:
    fields = [FISCAL_CODE, AMOUNT, NOTICE_NUMBER, DUE_DATE, "nome"]
    sheet = opened(example_file(fields, date(2026, 12, 31)), "esempio.xlsx")
    assert sheet.header == ["codice_fiscale", "importo", "numero_avviso", "scadenza", "nome"]
    matching = match_columns(sheet.header, [Wanted(field) for field in fields])
    assert matching.problems == []
    ((_, cells),) = sheet.rows()
    assert read_fiscal_code(cells[0]) == TEST_CODE
    assert read_amount(cells[1]) == 14850
    assert read_notice_number(cells[2]) == "302000000004821733"
    assert read_day(cells[3]) == date(2026, 12, 31)
