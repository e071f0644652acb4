"""What the cells of an XLSX hold: numbers, dates by their style, texts (ECMA-376, part 1, 18.3.1.4 and 18.8.30)."""

from __future__ import annotations

import math
import re
from datetime import date, datetime, timedelta
from functools import lru_cache

from messaging.spreadsheets.archives import Archive, feed, new_parser
from messaging.spreadsheets.cells import Cell, CellError, text_cell
from messaging.spreadsheets.problems import MAX_CELL, MAX_COLUMNS, FileProblem
from messaging.spreadsheets.xlsx_strings import plain_text

#: Number formats that every spreadsheet knows without their being written in the file, and that show a date or time.
_DATE_FORMATS = frozenset({*range(14, 23), *range(27, 37), *range(45, 48), *range(50, 59)})
#: What in a number format is no code: quoted and escaped text, colours and conditions, fillers.
_NOT_CODES = re.compile(r'"[^"]*"|\\.|_.|\*.|\[(?!h+\]|m+\]|s+\])[^\]]*\]', re.IGNORECASE)
_DATE_CODES = re.compile(r"[dmyhs]", re.IGNORECASE)
_MAX_STYLES = 100_000
EPOCH_1900 = datetime(1899, 12, 30)  # noqa: DTZ001  # spreadsheets know no time zones
EPOCH_1904 = datetime(1904, 1, 1)  # noqa: DTZ001
#: Serial 60 is 29 February 1900, which never was: before it the count is one day off.
_FALSE_LEAP_DAY = 60


def is_true(text: str) -> bool:
    """Tell whether an attribute is true as XML schemas write it."""
    return text in {"1", "true", "on"}


def shows_a_date(code: str) -> bool:
    """Tell whether a number format such as "dd/mm/yyyy" shows a date or a time."""
    return _DATE_CODES.search(_NOT_CODES.sub("", code.partition(";")[0])) is not None


class Styles:
    """Which cell styles show their number as a date."""

    def __init__(self, archive: Archive, part: str | None, *, epoch_1904: bool) -> None:
        self.dates: set[str] = set()
        self.epoch = EPOCH_1904 if epoch_1904 else EPOCH_1900
        self._formats: dict[str, bool] = {}
        self._in_cell_styles = False
        self._count = 0
        if part is not None and part in archive:
            parser = new_parser(namespaces=True)
            parser.StartElementHandler = self._start
            parser.EndElementHandler = self._end
            feed(parser, archive, part)

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        local = name.rpartition(" ")[2]
        if local == "numFmt":
            self._formats[attributes.get("numFmtId", "")] = shows_a_date(attributes.get("formatCode", ""))
        elif local == "cellXfs":
            self._in_cell_styles = True
        elif local == "xf" and self._in_cell_styles:
            if self._is_date(attributes.get("numFmtId", "0")):
                self.dates.add(str(self._count))
            self._count += 1
            if self._count > _MAX_STYLES:
                raise FileProblem("unreadable")

    def _end(self, name: str) -> None:
        if name.rpartition(" ")[2] == "cellXfs":
            self._in_cell_styles = False

    def _is_date(self, number: str) -> bool:
        known = self._formats.get(number)
        return known if known is not None else number.isdecimal() and int(number[:4]) in _DATE_FORMATS


def typed_cell(kind: str, text: str) -> Cell:
    """Return the value of a cell that is neither a number nor a shared text; `kind` is the file's word for it."""
    if kind in {"str", "inlineStr"}:
        if len(text) > MAX_CELL:
            raise FileProblem("cell_too_long", limit=MAX_CELL)
        return text_cell(plain_text(text))
    if kind == "b":
        return is_true(text.strip())
    if kind == "e":
        return CellError(text)
    if kind == "d":
        return iso_date(text)
    return text_cell(text)


def number_cell(text: str) -> int | float | str | None:
    """Return a number written with a point, whole ones as int; what is none stays text."""
    if text.isdecimal() and text.isascii() and len(text) < 16:
        return int(text)
    try:
        number = float(text)
    except ValueError:
        return text_cell(text)
    if not math.isfinite(number):
        return text_cell(text)
    return int(number) if number.is_integer() else number


@lru_cache(maxsize=4_096)
def date_of_serial(number: float, epoch: datetime) -> Cell:
    """Return the day that a serial number shows: a date, a datetime when it has hours, "8:30" for hours alone."""
    if not 0 <= number < 2_958_466:
        return number
    if number < 1:
        minutes = round(number * 1440)
        return f"{minutes // 60}:{minutes % 60:02}" if number else number
    if epoch == EPOCH_1900 and number < _FALSE_LEAP_DAY:
        number += 1
    # Serial numbers hold no more than seconds with any certainty.
    try:
        moment = epoch + timedelta(seconds=round(number * 86_400))
    except OverflowError:
        return number
    return moment if moment.time() != datetime.min.time() else moment.date()


def iso_date(text: str) -> Cell:
    """Return a date or datetime written in ISO 8601; what is none stays text."""
    try:
        moment = datetime.fromisoformat(text.strip()).replace(tzinfo=None)
    except ValueError:
        return text_cell(text)
    has_time = (moment.hour, moment.minute, moment.second, moment.microsecond) != (0, 0, 0, 0)
    return moment if has_time else date(moment.year, moment.month, moment.day)


def column_index(letters: str, known: dict[str, int]) -> int:
    """Return the place, from 0, of the column "A" to "XFD", and remember it in `known`."""
    place = 0
    if not (letters.isascii() and letters.isalpha() and len(letters) <= 3):
        raise FileProblem("unreadable")
    for letter in letters.upper():
        place = place * 26 + ord(letter) - 64
    if place > MAX_COLUMNS:
        raise FileProblem("too_many_columns", limit=MAX_COLUMNS)
    known[letters] = place - 1
    return place - 1
