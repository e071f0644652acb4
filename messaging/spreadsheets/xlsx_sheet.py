"""The rows of an XLSX sheet (ECMA-376, part 1, 18.3.1)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from messaging.spreadsheets.cells import Cell
from messaging.spreadsheets.problems import MAX_COLUMNS, FileProblem
from messaging.spreadsheets.xlsx_strings import StringPool
from messaging.spreadsheets.xlsx_values import Styles, column_index, date_of_serial, is_true, number_cell, typed_cell
from messaging.spreadsheets.xml_blocks import XmlStream, parse_fragment

_MAX_ROWS = 1_048_576
_LAST_COLUMN = 16_384
_END = "</row>"
_ROW = re.compile(r"\s*<row\b([^<>]*?)(/?)>")
_NUMBER = re.compile(r'\br="([0-9]{1,9})"')
_HIDDEN = re.compile(r'\bhidden="([a-z0-9]+)"')
#: A cell as spreadsheet programs write it: place, style, kind, value or text of its own. Whatever a row has besides is
#: a reason to parse it.
_CELL = re.compile(
    r'<c r="([A-Z]{1,3})[0-9]{1,7}"(?: s="([0-9]+)")?(?: t="([a-zA-Z]+)")?'
    r'(?:/>|>(?:<f>[^<]*</f>)?(?:<v>([^<]*)</v>|<is><t(?: xml:space="preserve")?>([^<]*)</t></is>)?</c>)'
)
_GROUPS = 6

#: Letters of the column, style, kind, value, text of its own: None where a cell has none.
_Found = tuple[str | None, str | None, str | None, str | None, str | None]


class SheetReader:
    """Reads one sheet once."""

    def __init__(self, pieces: Iterator[bytes], strings: StringPool, styles: Styles) -> None:
        self._strings = strings
        self._dates = styles.dates
        self._epoch = styles.epoch
        self._columns: dict[str, int] = {}
        self._hidden: set[int] = set()
        self._last = 0
        self._document = XmlStream(pieces, "sheetData", self._before)

    def _before(self, name: str, attributes: dict[str, str]) -> None:
        if name == "col" and is_true(attributes.get("hidden", "")):
            self._hidden.update(_places(attributes))

    def rows(self) -> Iterator[tuple[int, list[Cell]]]:
        """Yield each visible row that has cells, with its number, without hidden columns."""
        for block in self._document.blocks("row"):
            for text in block.split(_END)[:-1]:
                is_hidden, cells = self._opened(text)
                if not is_hidden:
                    yield self._last, self._row(cells)

    def _opened(self, text: str) -> tuple[bool, str]:
        """Note the number of a row, and of empty ones before it; return whether it is hidden, and its cells."""
        at = 0
        while opening := _ROW.match(text, at):
            at = opening.end()
            attributes = opening[1]
            number = _NUMBER.search(attributes)
            self._step_to(int(number[1]) if number else self._last + 1)
            if not opening[2]:
                hidden = _HIDDEN.search(attributes) if "hidden" in attributes else None
                return hidden is not None and is_true(hidden[1]), text[at:]
        raise FileProblem("unreadable")

    def _step_to(self, number: int) -> None:
        # A row that goes back could overwrite another unseen.
        if not self._last < number <= _MAX_ROWS:
            raise FileProblem("unreadable")
        self._last = number

    def _row(self, text: str) -> list[Cell]:
        pieces = _CELL.split(text)
        if "&" in text or "\r" in text or "".join(pieces[::_GROUPS]).strip():
            row = self._cells(_parsed(text))
        else:
            row = self._cells(zip(*(pieces[group::_GROUPS] for group in range(1, _GROUPS)), strict=True))
        return [cell for place, cell in enumerate(row) if place not in self._hidden] if self._hidden else row

    def _cells(self, found: Iterable[_Found]) -> list[Cell]:
        row: list[Cell] = []
        columns, shared, dates = self._columns, self._strings.text_at, self._dates
        for letters, style, kind, value, text in found:
            if value is None and text is None:
                if letters is None:
                    row.append(None)
                continue
            if letters is not None:
                column = columns[letters] if letters in columns else column_index(letters, columns)
                if column != len(row):
                    _fill(row, column)
            if kind == "s":
                row.append(shared(value or ""))
            elif kind is None or kind == "n":
                number = number_cell(value or "")
                row.append(self._date(number) if style in dates else number)
            else:
                row.append(typed_cell(kind, (value if text is None else text) or ""))
        return row

    def _date(self, number: Cell) -> Cell:
        return date_of_serial(number, self._epoch) if isinstance(number, int | float) else number


def _fill(row: list[Cell], width: int) -> None:
    if width < len(row):
        raise FileProblem("unreadable")
    row += [None] * (width - len(row))


def _parsed(text: str) -> list[_Found]:
    """Return the cells of a row with whatever else is in them: formulas, rich text, entities, any order."""
    found: list[_Found] = []
    characters: list[str] = []
    cell: dict[str, str] = {}
    value: str | None = None
    own: str | None = None
    phonetic = False

    def start(name: str, attributes: dict[str, str]) -> None:
        nonlocal cell, value, own, phonetic
        if name == "c":
            cell, value, own = attributes, None, None
        elif name in {"v", "t"}:
            characters.clear()
        elif name == "rPh":
            phonetic = True

    def end(name: str) -> None:
        nonlocal value, own, phonetic
        if name == "c":
            letters = cell["r"].rstrip("0123456789") if "r" in cell else None
            found.append((letters, cell.get("s"), cell.get("t"), value, own))
        elif name == "v":
            value = "".join(characters)
        elif name == "t" and not phonetic:
            own = (own or "") + "".join(characters)
        elif name == "rPh":
            phonetic = False

    parse_fragment(text, start, end, characters.append)
    return found


def _places(attributes: dict[str, str]) -> range:
    """Return the places, from 0, of the columns that a `col` element describes."""
    try:
        first, last = int(attributes["min"]), int(attributes["max"])
    except (KeyError, ValueError) as error:
        raise FileProblem("unreadable") from error
    if not 1 <= first <= last <= _LAST_COLUMN:
        raise FileProblem("unreadable")
    return range(first - 1, min(last, MAX_COLUMNS))
