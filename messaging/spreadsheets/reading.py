"""A spreadsheet of whatever format as a header and rows of typed cells."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import closing
from pathlib import Path
from typing import Protocol

from messaging.spreadsheets.cells import Cell, shown
from messaging.spreadsheets.delimited import DelimitedSource
from messaging.spreadsheets.formats import Format, recognise
from messaging.spreadsheets.ods import OdsSource
from messaging.spreadsheets.problems import MAX_BYTES, MAX_COLUMNS, MAX_ROWS, FileProblem
from messaging.spreadsheets.xls import XlsSource
from messaging.spreadsheets.xlsx import XlsxSource

__all__ = ["MAX_BYTES", "MAX_ROWS", "Cell", "FileProblem", "Sheet", "Source", "open_sheet"]


class Source(Protocol):
    """One format: its first visible sheet, without hidden rows and columns."""

    sheet_name: str
    #: How much of the file `rows` has read, 0 to 1.
    fraction: float

    def rows(self) -> Generator[tuple[int, list[Cell]]]:
        """Yield each visible row with the spreadsheet's own number, from 1; empty ones may be left out."""
        ...


class Sheet:
    """The first visible sheet of a file.

    `header` has the texts of the first row that is not empty, one for each column; `format` is csv, xlsx, xls or ods;
    `name` is the sheet's, empty for CSV.
    """

    def __init__(self, source: Source, kind: Format, max_rows: int) -> None:
        self._source = source
        self._max_rows = max_rows
        self.format = kind
        self.name = source.sheet_name
        self.header_row, self.header = self._read_header()

    @property
    def fraction(self) -> float:
        """How much of the file the rows taken so far were, 0 to 1: for a progress bar."""
        return self._source.fraction

    def rows(self) -> Generator[tuple[int, list[Cell]]]:
        """Yield the rows under the header that are not empty, with the numbers that the spreadsheet shows.

        A row has at least as many cells as the header, and more only when something stands beyond it. May be called
        again. Raises `FileProblem`: what is wrong further down is only met on the way.
        """
        width, limit, count = len(self.header), self._max_rows, 0
        with closing(self._source.rows()) as rows:
            for number, cells in rows:
                if number <= self.header_row:
                    continue
                beyond = len(cells) - width
                if beyond < 0:
                    cells.extend([None] * -beyond)
                elif beyond:
                    _trim(cells, width)
                if cells.count(None) == len(cells):
                    continue
                count += 1
                if count > limit:
                    raise FileProblem("too_many_rows", limit=limit)
                yield number, cells

    def _read_header(self) -> tuple[int, list[str]]:
        header: tuple[int, list[str]] | None = None
        with closing(self._source.rows()) as rows:
            for number, cells in rows:
                _trim(cells, 0)
                if not cells:
                    continue
                if header is not None:
                    self._source.fraction = 0.0
                    return header
                header = number, [" ".join(shown(cell).split()) for cell in cells]
                if len(cells) > MAX_COLUMNS:
                    raise FileProblem("too_many_columns", limit=MAX_COLUMNS)
        raise FileProblem("no_rows" if header else "empty")


def _trim(cells: list[Cell], width: int) -> None:
    while len(cells) > width and cells[-1] is None:
        cells.pop()


def open_sheet(path: Path, filename: str, *, max_rows: int = MAX_ROWS, max_bytes: int = MAX_BYTES) -> Sheet:
    """Return the first visible sheet of the file at `path`, uploaded as `filename`.

    The content says what the file is, not the name's ending. Raises `FileProblem`; so may the iteration over rows.
    A CSV or XLSX is read in pieces, an ODS too; an XLS (at most 65,536 rows) as a whole.
    """
    if Path(filename).name.startswith("~$"):
        raise FileProblem("lock_file")
    size = path.stat().st_size
    if size > max_bytes:
        raise FileProblem("too_large", size=size, limit=max_bytes)
    kind = recognise(path)
    return Sheet(_SOURCES[kind](path), kind, max_rows)


_SOURCES: dict[Format, Callable[[Path], Source]] = {
    "csv": DelimitedSource,
    "xlsx": XlsxSource,
    "xls": XlsSource,
    "ods": OdsSource,
}
