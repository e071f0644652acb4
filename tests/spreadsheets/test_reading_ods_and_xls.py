from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime

import pytest

from messaging.spreadsheets.cells import CellError
from messaging.spreadsheets.reading import FileProblem, Sheet

from .files import ods, ods_row, ods_text, xls, xls_sheet

Opened = Callable[..., Sheet]
CALCEXT = 'xmlns:calcext="urn:org:documentfoundation:names:experimental:calc:xmlns:calcext:1.0"'
HEADER = ods_row(ods_text("a"), ods_text("b"))


def _table(*rows: str, attributes: str = 'table:name="Elenco"', columns: str = "") -> str:
    return f"<table:table {attributes}>{columns}{''.join(rows)}</table:table>"


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        (ods_text("Niccolò"), "Niccolò"),
        (ods_text("a<text:s text:c='2'/>b<text:span>c</text:span>"), "a  bc"),
        (ods_text("prima</text:p><text:p>seconda"), "prima\nseconda"),
        (
            '<table:table-cell office:value-type="float" office:value="148.5"><text:p>1</text:p></table:table-cell>',
            148.5,
        ),
        (
            '<table:table-cell office:value-type="currency" office:value="12"><text:p>12 €</text:p></table:table-cell>',
            12,
        ),
        ('<table:table-cell office:value-type="date" office:date-value="2026-12-16"/>', date(2026, 12, 16)),
        (
            '<table:table-cell office:value-type="date" office:date-value="2026-12-16T10:30:00"/>',
            datetime(2026, 12, 16, 10, 30),
        ),
        ('<table:table-cell office:value-type="boolean" office:boolean-value="true"/>', True),
        (
            f'<table:table-cell {CALCEXT} calcext:value-type="error"><text:p>#N/D</text:p></table:table-cell>',
            CellError("#N/D"),
        ),
        (
            ods_text("vero").replace(
                "<text:p>", "<office:annotation><text:p>nota</text:p></office:annotation><text:p>"
            ),
            "vero",
        ),
    ],
)
def test_cells_of_an_ods_keep_their_kind(opened: Opened, cell: str, value: object) -> None:
    sheet = opened(ods(_table(HEADER, ods_row(ods_text("x"), cell))), "a.ods")
    assert (sheet.name, sheet.format) == ("Elenco", "ods")
    assert list(sheet.rows()) == [(2, ["x", value])]


def test_hidden_tables_rows_and_columns_of_an_ods_are_skipped(opened: Opened) -> None:
    styles = '<style:style style:name="ta1"><style:table-properties table:display="false"/></style:style>'
    hidden = _table(HEADER, attributes='table:name="no" table:style-name="ta1"')
    columns = '<table:table-column/><table:table-column table:visibility="collapse"/><table:table-column/>'
    rows = [
        ods_row(*(ods_text(f"{row}{column}") for column in "abc"), attributes=attributes)
        for row, attributes in enumerate(
            ["", 'table:visibility="collapse"', 'table:visibility="filter" table:number-rows-repeated="3"', ""]
        )
    ]
    sheet = opened(ods(hidden + _table(*rows, columns=columns), styles=styles), "a.ods")
    assert sheet.header == ["0a", "0c"]
    assert list(sheet.rows()) == [(6, ["3a", "3c"])]


def test_what_an_ods_repeats_is_repeated(opened: Opened) -> None:
    content = ods(
        _table(
            HEADER,
            ods_row(ods_text("x", 'table:number-columns-repeated="2"'), attributes='table:number-rows-repeated="2"'),
            ods_row(
                "<table:table-cell table:number-columns-repeated='16384'/>", attributes='table:number-rows-repeated="7"'
            ),
            ods_row("<table:table-cell/>", ods_text("y"), "<table:table-cell table:number-columns-repeated='16382'/>"),
            ods_row("<table:table-cell/>", attributes='table:number-rows-repeated="1048566"'),
        )
    )
    assert list(opened(content, "a.ods").rows()) == [(2, ["x", "x"]), (3, ["x", "x"]), (11, [None, "y"])]


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (ods(_table()), "empty"),
        (ods(_table(HEADER)), "no_rows"),
        (ods(""), "no_visible_sheet"),
        (ods(_table(HEADER, ods_row(ods_text("x"), attributes='table:number-rows-repeated="9"'))), "too_many_rows"),
        (
            ods(_table(HEADER, ods_row(ods_text("x"), attributes='table:number-rows-repeated="900000"'))),
            "too_many_rows",
        ),
        (ods(_table(ods_row(ods_text("x", 'table:number-columns-repeated="2000"')))), "too_many_columns"),
        (ods(_table(HEADER, ods_row(ods_text("x" * 200_000)))), "cell_too_long"),
        (ods(_table(HEADER), **{"META-INF/manifest.xml": "<m><manifest:encryption-data/></m>"}), "encrypted"),
    ],
)
def test_what_of_an_ods_cannot_be_read_is_said(opened: Opened, content: bytes, code: str) -> None:
    with pytest.raises(FileProblem) as caught:
        list(opened(content, "a.ods", max_rows=5).rows())
    assert caught.value.code == code


CELLS = {(0, 0): "cf", (0, 1): "importo", (1, 0): "X", (1, 1): 148.5, (2, 0): "Niccolò", (2, 1): 12.0}


def test_an_xls_is_read(opened: Opened) -> None:
    sheet = opened(xls([("Elenco", 0, xls_sheet(CELLS))]), "a.xls")
    assert (sheet.name, sheet.format, sheet.header) == ("Elenco", "xls", ["cf", "importo"])
    assert list(sheet.rows()) == [(2, ["X", 148.5]), (3, ["Niccolò", 12])]


def test_hidden_sheets_rows_and_columns_of_an_xls_are_skipped(opened: Opened) -> None:
    cells = {(row, column): f"{row}{column}" for row in range(2, 6) for column in range(1, 4)}
    visible = xls_sheet(cells, hidden_rows=[3], hidden_columns=[2])
    sheet = opened(xls([("no", 1, xls_sheet(CELLS)), ("buono", 0, visible)]), "a.xls")
    assert (sheet.name, sheet.header) == ("buono", ["", "21", "23"])
    assert list(sheet.rows()) == [(5, [None, "41", "43"]), (6, [None, "51", "53"])]


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (xls([("a", 0, xls_sheet({}))]), "empty"),
        (xls([("a", 1, xls_sheet(CELLS))]), "no_visible_sheet"),
        (xls([("a", 0, xls_sheet(CELLS))], extra=b"\x2f\x00\x02\x00\x00\x00"), "encrypted"),
        (xls([("a", 0, xls_sheet({**CELLS, (65_535, 16_000): "x"}))]), "zip_bomb"),
        (xls([("a", 0, xls_sheet(CELLS))])[:2_000], "unreadable"),
    ],
)
def test_what_of_an_xls_cannot_be_read_is_said(opened: Opened, content: bytes, code: str) -> None:
    with pytest.raises(FileProblem) as caught:
        list(opened(content, "a.xls").rows())
    assert caught.value.code == code
