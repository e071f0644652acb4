from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from messaging.spreadsheets.cells import CellError
from messaging.spreadsheets.reading import FileProblem, Sheet
from messaging.spreadsheets.xlsx_sheet import _CELL, _GROUPS, _parsed
from messaging.spreadsheets.xlsx_values import shows_a_date

from .files import raw_xlsx, written_xlsx, xlsx

Opened = Callable[..., Sheet]


@pytest.mark.parametrize("constant_memory", [True, False])
def test_cells_keep_their_kind(opened: Opened, constant_memory: bool) -> None:
    def write(book: Any) -> None:
        page = book.add_worksheet("Elenco")
        day = book.add_format({"num_format": "dd/mm/yyyy"})
        moment = book.add_format({"num_format": 22})
        page.write_row(0, 0, ["testo", "intero", "decimale", "giorno", "ora", "vero", "errore", "vuoto", "fine"])
        page.write_string(1, 0, "Rossi & C.")
        page.write_number(1, 1, 148)
        page.write_number(1, 2, 148.5)
        page.write_datetime(1, 3, datetime(2026, 12, 16), day)
        page.write_datetime(1, 4, datetime(2026, 12, 16, 10, 30), moment)
        page.write_boolean(1, 5, True)
        page.write_formula(1, 6, "=NA()", None, "#N/A")
        page.write_string(1, 8, "302000000004821733")

    sheet = opened(written_xlsx(write, constant_memory=constant_memory), "a.xlsx")
    assert (sheet.name, sheet.format) == ("Elenco", "xlsx")
    assert next(sheet.rows()) == (
        2,
        [
            "Rossi & C.",
            148,
            148.5,
            date(2026, 12, 16),
            datetime(2026, 12, 16, 10, 30),
            True,
            CellError("#N/A"),
            None,
            "302000000004821733",
        ],
    )
    assert type(next(sheet.rows())[1][1]) is int


def test_the_first_visible_sheet_is_read(opened: Opened) -> None:
    def write(book: Any) -> None:
        for name in ("nascosto", "grafico", "buono", "altro"):
            book.add_worksheet(name).write_row(0, 0, [name])
            book.get_worksheet_by_name(name).write_row(1, 0, ["x"])
        book.get_worksheet_by_name("altro").activate()
        book.get_worksheet_by_name("nascosto").hide()
        book.get_worksheet_by_name("grafico").very_hidden()

    sheet = opened(written_xlsx(write), "a.xlsx")
    assert (sheet.name, sheet.header) == ("buono", ["buono"])


def test_hidden_rows_and_columns_are_skipped(opened: Opened) -> None:
    def write(book: Any) -> None:
        page = book.add_worksheet()
        for row in range(6):
            page.write_row(row, 0, [f"{row}a", f"{row}b", f"{row}c"])
        page.set_column(1, 1, None, None, {"hidden": True})
        page.set_row(0, None, None, {"hidden": True})
        page.set_row(3, None, None, {"hidden": True})

    sheet = opened(written_xlsx(write), "a.xlsx")
    assert sheet.header == ["1a", "1c"]
    assert list(sheet.rows()) == [(3, ["2a", "2c"]), (5, ["4a", "4c"]), (6, ["5a", "5c"])]


def test_row_numbers_are_those_of_the_spreadsheet(opened: Opened) -> None:
    def write(book: Any) -> None:
        page = book.add_worksheet()
        page.write_row(4, 1, ["a", "b"])
        page.write_row(9, 1, [1, 2])
        page.set_row(7, 30)

    sheet = opened(written_xlsx(write), "a.xlsx")
    assert sheet.header == ["", "a", "b"]
    assert list(sheet.rows()) == [(10, [None, 1, 2])]


def test_merged_cells_come_as_they_are(opened: Opened) -> None:
    def write(book: Any) -> None:
        page = book.add_worksheet()
        page.write_row(0, 0, ["a", "b"])
        page.merge_range(1, 0, 2, 0, "insieme")
        page.write(1, 1, 1)
        page.write(2, 1, 2)

    assert [row for _, row in opened(written_xlsx(write), "a.xlsx").rows()] == [["insieme", 1], [None, 2]]


def test_dates_count_from_1904_where_the_workbook_says_so(opened: Opened) -> None:
    def write(book: Any) -> None:
        page = book.add_worksheet()
        page.write_row(0, 0, ["giorno"])
        page.write_datetime(1, 0, datetime(2026, 12, 16), book.add_format({"num_format": "d mmm yy"}))

    assert [row for _, row in opened(written_xlsx(write, date_1904=True), "a.xlsx").rows()] == [[date(2026, 12, 16)]]


@pytest.mark.parametrize("prefix", ["", "x"])
@pytest.mark.parametrize(
    ("cell", "value"),
    [
        ('<c r="B2" t="s"><v>1</v></c>', "due"),
        ('<c r="B2" t="s"><v>2</v></c>', "grassetto e no"),
        ('<c t="s" r="B2"><v>0</v></c>', "uno"),
        ('<c r="B2" t="inlineStr"><is><t>a</t></is></c>', "a"),
        ('<c r="B2" t="inlineStr"><is><r><t>a</t></r><r><t xml:space="preserve"> b</t></r></is></c>', "a b"),
        ('<c r="B2" t="inlineStr"><is><t>漢</t><rPh sb="0" eb="1"><t>kan</t></rPh></is></c>', "漢"),
        ('<c r="B2" t="str"><f>A1&amp;"x"</f><v>a&lt;b</v></c>', "a<b"),
        ('<c r="B2"><f>1+1</f><v>2</v></c>', 2),
        ('<c r="B2" t="n"><v>1.5E2</v></c>', 150),
        ('<c r="B2"><v>3.0200000000482176E+17</v></c>', 302000000004821760),
        ('<c r="B2"><v>1E999</v></c>', "1E999"),
        ('<c r="B2" t="d"><v>2026-12-16T00:00:00</v></c>', date(2026, 12, 16)),
        ('<c r="B2" t="b"><v>0</v></c>', False),
        ('<c r="B2" t="e"><v>#N/D</v></c>', CellError("#N/D")),
        ('<c r="B2" t="inlineStr"><is><t>a_x000D_b</t></is></c>', "a\rb"),
        ('<c r="B2"><!-- nota --><v>7</v></c>', 7),
        ('<c r="B2" t="str"><v><![CDATA[a<b]]></v></c>', "a<b"),
    ],
)
def test_each_way_of_writing_a_cell_is_understood(opened: Opened, cell: str, value: object, prefix: str) -> None:
    strings = (
        "<si><t>uno</t></si><si><t>due</t></si><si><r><t>grassetto</t></r><r><t xml:space='preserve'> e no</t></r></si>"
    )
    rows = f'<row r="1"><c r="A1" t="str"><v>h</v></c></row>\n<row r="2"><c r="A2"/>{cell}</row>'
    if prefix:
        for tag in ("row", "c", "v", "is", "t", "r", "rPh", "f"):
            rows = (
                rows.replace(f"<{tag}>", f"<x:{tag}>")
                .replace(f"<{tag} ", f"<x:{tag} ")
                .replace(f"</{tag}>", f"</x:{tag}>")
            )
            rows = rows.replace(f"<{tag}/>", f"<x:{tag}/>")
    sheet = opened(raw_xlsx(rows, strings=strings, prefix=prefix), "a.xlsx")
    assert list(sheet.rows()) == [(2, [None, value])]


def test_rows_and_cells_without_references_follow_one_another(opened: Opened) -> None:
    sheet = opened(
        raw_xlsx('<row><c t="str"><v>a</v></c><c t="str"><v>b</v></c></row><row/><row><c/><c><v>2</v></c></row>'),
        "a.xlsx",
    )
    assert sheet.header == ["a", "b"]
    assert list(sheet.rows()) == [(3, [None, 2])]


def test_many_empty_rows_are_passed_over(opened: Opened) -> None:
    empty = "".join(f'<row r="{number}" spans="1:1" customHeight="1" ht="15"/>' for number in range(2, 200_000))
    head = '<row r="1"><c r="A1" t="str"><v>a</v></c></row>'
    last = '<row r="300000"><c r="A300000"><v>1</v></c></row>'
    assert list(opened(raw_xlsx(head + empty + last), "a.xlsx").rows()) == [(300_000, [1])]


@pytest.mark.parametrize(
    ("code", "is_date"),
    [
        ("dd/mm/yyyy", True),
        ("[$-410]d mmmm yyyy;@", True),
        ("[h]:mm", True),
        ('#,##0.00 "giorni"', False),
        ("[Red]0.00", False),
        ("0.00\\d", False),
        ('"€" #,##0.00', False),
        ("@", False),
        ("General", False),
    ],
)
def test_a_format_shows_a_date_or_not(code: str, is_date: bool) -> None:
    assert shows_a_date(code) is is_date


_VALUES = st.one_of(
    st.none(),
    st.text(st.characters(codec="utf-8", exclude_categories=["Cc"], exclude_characters="\ufffe\uffff"), max_size=12),
    st.integers(-(10**14), 10**14),
    st.floats(-1e9, 1e9, allow_nan=False),
    st.booleans(),
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(st.lists(_VALUES, min_size=2, max_size=2), min_size=1, max_size=6), constant=st.booleans())
def test_what_is_written_is_read(opened: Opened, rows: list[list[Any]], constant: bool) -> None:
    def write(book: Any) -> None:
        page = book.add_worksheet()
        page.write_row(0, 0, ["a", "b"])
        for number, row in enumerate(rows, start=1):
            for column, value in enumerate(row):
                if isinstance(value, str):
                    page.write_string(number, column, value)
                elif value is not None:
                    page.write(number, column, value)

    wanted = [[_as_read(value) for value in row] for row in rows]
    content = written_xlsx(write, constant_memory=constant)
    if not any(value is not None for row in wanted for value in row):
        return
    found = dict(opened(content, "a.xlsx").rows())
    for number, row in enumerate(wanted, start=2):
        assert found.get(number, [None, None]) == [pytest.approx(v) if type(v) is float else v for v in row]


def _as_read(value: Any) -> Any:
    if isinstance(value, str):
        if not value.strip():
            return None
        return value[1:] if value[:1] == "'" and value[1:2] in set("=+-@") and len(value) > 1 else value
    return value


@given(
    st.lists(
        st.sampled_from(
            [
                '<c r="A1"/>',
                '<c r="B1" s="1"><v>2</v></c>',
                '<c r="C1" t="str"><v>x</v></c>',
                '<c r="D1" t="inlineStr"><is><t>y</t></is></c>',
                '<c r="E1"><f>A1</f><v>3</v></c>',
            ]
        )
    )
)
def test_cutting_cells_out_gives_what_parsing_gives(cells: list[str]) -> None:
    pieces = _CELL.split("".join(cells))
    assert "".join(pieces[::_GROUPS]) == ""
    cut = list(zip(*(pieces[group::_GROUPS] for group in range(1, _GROUPS)), strict=True))
    assert cut == _parsed("".join(cells))


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (xlsx([]), "empty"),
        (xlsx([["a", "b"]]), "no_rows"),
        (xlsx([["a"], [1], [2], [3]]), "too_many_rows"),
        (raw_xlsx('<row r="2"><c r="A2"><v>1</v></c></row><row r="1"><c r="A1"><v>1</v></c></row>'), "unreadable"),
        (raw_xlsx('<row r="1"><c r="B1"><v>1</v></c><c r="A1"><v>1</v></c></row>'), "unreadable"),
        (raw_xlsx('<row r="1"><c r="A1"><v>1</v></row>'), "unreadable"),
        (raw_xlsx('<row r="1"><c r="A1" t="s"><v>9</v></c></row>'), "unreadable"),
        (raw_xlsx('<row r="1"><c r="A1" t="s"><v>-1</v></c></row>', strings="<si><t>a</t></si>"), "unreadable"),
        (raw_xlsx('<row r="1048577"><c r="A1048577"><v>1</v></c></row>'), "unreadable"),
        (raw_xlsx('<row r="1"><c r="XFD1"><v>1</v></c></row>'), "too_many_columns"),
        (raw_xlsx('<row r="1"><c r="A1" t="str"><v>' + "a" * 200_000 + "</v></c></row>"), "cell_too_long"),
        (raw_xlsx("", before="</worksheet>"), "unreadable"),
    ],
)
def test_what_cannot_be_read_is_said(opened: Opened, content: bytes, code: str) -> None:
    with pytest.raises(FileProblem) as caught:
        list(opened(content, "a.xlsx", max_rows=2).rows())
    assert caught.value.code == code


def test_a_workbook_without_a_visible_sheet_says_so(opened: Opened) -> None:
    book = (
        '<workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" '
        'xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"><sheets>'
        '<sheet name="a" sheetId="1" state="hidden" r:id="rId1"/></sheets></workbook>'
    )
    with pytest.raises(FileProblem) as caught:
        opened(raw_xlsx("", **{"xl/workbook.xml": book}), "a.xlsx")
    assert caught.value.code == "no_visible_sheet"
