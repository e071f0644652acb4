"""ODS files, streamed (OpenDocument 1.3, part 3, chapter 9)."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from pathlib import Path

from messaging.spreadsheets.archives import Archive, feeding, new_parser
from messaging.spreadsheets.cells import Cell, CellError, text_cell
from messaging.spreadsheets.problems import MAX_CELL, MAX_COLUMNS, FileProblem
from messaging.spreadsheets.xlsx_values import iso_date, number_cell

_OASIS = "urn:oasis:names:tc:opendocument:xmlns:"
_TABLE = f"{_OASIS}table:1.0 "
_OFFICE = f"{_OASIS}office:1.0 "
_TEXT = f"{_OASIS}text:1.0 "
_STYLE = f"{_OASIS}style:1.0 "
_EXTENDED_TYPE = "urn:org:documentfoundation:names:experimental:calc:xmlns:calcext:1.0 value-type"
_CELLS = frozenset({_TABLE + "table-cell", _TABLE + "covered-table-cell"})
_HIDDEN = frozenset({"collapse", "filter"})
_NUMBERS = frozenset({"float", "currency", "percentage"})
_BREAKS = {_TEXT + "tab": "\t", _TEXT + "line-break": "\n"}
_MAX_ROWS = 1_048_576
_MAX_QUIET = 16 * 1024 * 1024
#: Rows and columns to the sheet's end are one element repeated; filled ones are repeated so often at most.
_MAX_REPEATED = 100_001


class OdsSource:
    """The first visible sheet of an ODS; see `reading.Source`."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.fraction = 0.0
        self.sheet_name = ""
        for _ in self._parsed(stop_at_first_row=True):
            break

    def rows(self) -> Generator[tuple[int, list[Cell]]]:
        """Yield the visible rows that have cells, without hidden columns."""
        number = 0
        for times, is_hidden, cells in self._parsed(stop_at_first_row=False):
            if cells and not is_hidden:
                if times > _MAX_REPEATED:
                    raise FileProblem("too_many_rows", limit=_MAX_REPEATED - 1)
                for repeated in range(number + 1, number + times + 1):
                    yield repeated, list(cells)
            number += times
            if number > _MAX_ROWS:
                return

    def _parsed(self, *, stop_at_first_row: bool) -> Iterator[_Row]:
        with Archive(self._path) as archive:
            table = _TableParser()
            quiet = 0
            for size in feeding(table.parser, archive.stream("content.xml")):
                self.fraction = archive.fraction
                quiet = 0 if table.rows else quiet + size
                if quiet > _MAX_QUIET:
                    raise FileProblem("cell_too_long", limit=MAX_CELL)
                if table.found:
                    self.sheet_name = table.name
                yield from table.rows
                table.rows.clear()
                if table.ended or (stop_at_first_row and table.found):
                    return
            raise FileProblem("no_visible_sheet")


_Row = tuple[int, bool, list[Cell]]


class _TableParser:
    """Collects the rows of the first visible table: how often each is repeated, whether it is hidden, its cells."""

    def __init__(self) -> None:
        self.rows: list[_Row] = []
        self.name = ""
        self.found = self.ended = False
        self.parser = new_parser(namespaces=True)
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self._hidden_styles: set[str] = set()
        self._style = ""
        self._hidden_columns: set[int] = set()
        self._columns = 0
        self._row: dict[str, str] = {}
        self._cells: list[Cell] = []
        self._pending = 0
        self._cell: dict[str, str] | None = None
        self._paragraphs: list[list[str]] = []
        self._depth = 0
        self._aside = 0

    # Elements, by where we are

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        if self.ended:
            return
        if not self.found:
            self._before_table(name, attributes)
        elif self._cell is not None:
            self._inside_cell(name, attributes)
        elif name in _CELLS:
            self._cell, self._paragraphs = attributes, []
        elif name == _TABLE + "table-row":
            self._row, self._cells, self._pending = attributes, [], 0
        elif name == _TABLE + "table-column":
            self._column(attributes)

    def _end(self, name: str) -> None:
        if not self.found or self.ended:
            return
        if self._cell is not None:
            self._leave(name)
        elif name == _TABLE + "table-row":
            is_hidden = self._row.get(_TABLE + "visibility") in _HIDDEN
            cells = [cell for place, cell in enumerate(self._cells) if place not in self._hidden_columns]
            self.rows.append((_repeated(self._row, "number-rows-repeated"), is_hidden, cells))
        elif name == _TABLE + "table":
            self.ended = True

    def _before_table(self, name: str, attributes: dict[str, str]) -> None:
        if name == _STYLE + "style":
            self._style = attributes.get(_STYLE + "name", "")
        elif name == _STYLE + "table-properties" and attributes.get(_TABLE + "display") == "false":
            self._hidden_styles.add(self._style)
        elif name == _TABLE + "table" and attributes.get(_TABLE + "style-name") not in self._hidden_styles:
            self.found, self.name = True, attributes.get(_TABLE + "name", "")

    def _column(self, attributes: dict[str, str]) -> None:
        times = _repeated(attributes, "number-columns-repeated")
        if attributes.get(_TABLE + "visibility") in _HIDDEN:
            self._hidden_columns.update(range(self._columns, min(self._columns + times, MAX_COLUMNS)))
        self._columns += times

    # Text of a cell

    def _inside_cell(self, name: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        if self._aside or name == _OFFICE + "annotation":
            self._aside += 1
        elif name == _TEXT + "p":
            self._paragraphs.append([])
            self.parser.CharacterDataHandler = self._paragraphs[-1].append
        elif self._paragraphs and name == _TEXT + "s":
            count = attributes.get(_TEXT + "c", "1")
            self._paragraphs[-1].append(" " * min(int(count) if count.isdecimal() and len(count) < 5 else 1, 1_000))
        elif self._paragraphs and name in _BREAKS:
            self._paragraphs[-1].append(_BREAKS[name])

    def _leave(self, name: str) -> None:
        if self._depth == 0:
            self._finish_cell()
            return
        self._depth -= 1
        if self._aside:
            self._aside -= 1
        elif name == _TEXT + "p":
            self.parser.CharacterDataHandler = None

    def _finish_cell(self) -> None:
        attributes = self._cell or {}
        self._cell = None
        times = _repeated(attributes, "number-columns-repeated")
        text = "\n".join("".join(paragraph) for paragraph in self._paragraphs)
        if len(text) > MAX_CELL:
            raise FileProblem("cell_too_long", limit=MAX_CELL)
        value = _value(attributes, text)
        place = len(self._cells) + self._pending
        if value is None:
            self._pending += times
            return
        if place + times > MAX_COLUMNS:
            raise FileProblem("too_many_columns", limit=MAX_COLUMNS)
        self._cells += [None] * self._pending + [value] * times
        self._pending = 0


def _repeated(attributes: dict[str, str], name: str) -> int:
    text = attributes.get(_TABLE + name, "1")
    return max(1, int(text)) if text.isdecimal() and len(text) < 9 else 1


def _value(attributes: dict[str, str], text: str) -> Cell:
    if attributes.get(_EXTENDED_TYPE) == "error":
        return CellError(text)
    kind = attributes.get(_OFFICE + "value-type", "")
    if kind in _NUMBERS:
        return number_cell(attributes.get(_OFFICE + "value", ""))
    if kind == "date":
        return iso_date(attributes.get(_OFFICE + "date-value", ""))
    if kind == "boolean":
        return attributes.get(_OFFICE + "boolean-value") == "true"
    return text_cell(text or attributes.get(_OFFICE + "string-value", ""))
