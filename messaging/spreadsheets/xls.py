"""XLS files, through calamine: at most 65,536 rows, loaded at once."""

from __future__ import annotations

from collections.abc import Generator
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

from python_calamine import CalamineError, CalamineSheet, CalamineWorkbook, PasswordError, SheetTypeEnum
from python_calamine import SheetVisibleEnum as Visibility

from messaging.spreadsheets.biff import Hidden, scan
from messaging.spreadsheets.cells import Cell, CellError, text_cell
from messaging.spreadsheets.problems import MAX_CELL, MAX_COLUMNS, FileProblem

_ERRORS = frozenset({"#DIV/0!", "#N/A", "#NAME?", "#NULL!", "#NUM!", "#REF!", "#VALUE!", "#GETTING_DATA"})


class XlsSource:
    """The first visible sheet of an XLS; see `reading.Source`."""

    def __init__(self, path: Path) -> None:
        self.fraction = 0.0
        self._hidden: Hidden = scan(path)
        try:
            self._sheet = _first_visible_sheet(path)
        except PasswordError as error:
            raise FileProblem("encrypted") from error
        except (CalamineError, OSError, ValueError) as error:
            if isinstance(error, FileProblem):
                raise
            raise FileProblem("unreadable") from error
        except BaseException as error:
            # A panic of the Rust library is no Exception, so that none of its own is caught by accident.
            if type(error).__name__ != "PanicException":
                raise
            raise FileProblem("unreadable") from error
        self.sheet_name = self._sheet.name

    def rows(self) -> Generator[tuple[int, list[Cell]]]:
        """Yield the visible rows from the first that is used, without hidden columns."""
        start = self._sheet.start
        if start is None:
            return
        # calamine begins with the first row of all, but with the first column that is used.
        _, first_column = start
        height = max(self._sheet.total_height, 1)
        if first_column + self._sheet.width > MAX_COLUMNS:
            raise FileProblem("too_many_columns", limit=MAX_COLUMNS)
        for place, values in enumerate(self._sheet.iter_rows()):
            self.fraction = min(1.0, (place + 1) / height)
            if place in self._hidden.rows:
                continue
            cells: list[Cell] = [None] * first_column
            cells += [_cell(value) for value in values]
            if self._hidden.columns:
                cells = [cell for column, cell in enumerate(cells) if column not in self._hidden.columns]
            yield place + 1, cells


def _first_visible_sheet(path: Path) -> CalamineSheet:
    with CalamineWorkbook.from_path(path) as book:
        for place, sheet in enumerate(book.sheets_metadata):
            if sheet.typ == SheetTypeEnum.WorkSheet and sheet.visible == Visibility.Visible:
                return book.get_sheet_by_index(place)
    raise FileProblem("no_visible_sheet")


def _cell(value: Any) -> Cell:
    if isinstance(value, str):
        if len(value) > MAX_CELL:
            raise FileProblem("cell_too_long", limit=MAX_CELL)
        return CellError(value) if value in _ERRORS else text_cell(value)
    if isinstance(value, float):
        return int(value) if value.is_integer() else value
    if isinstance(value, datetime):
        return value if value.time() != time() else value.date()
    if isinstance(value, time):
        return f"{value.hour}:{value.minute:02}"
    if isinstance(value, timedelta):
        minutes = round(value.total_seconds() / 60)
        return f"{minutes // 60}:{minutes % 60:02}"
    return value if isinstance(value, bool | int | date) else None
