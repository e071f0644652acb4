"""Cells as what they are to mean: amounts, days, notice numbers, fiscal codes. Nothing is ever guessed."""

from __future__ import annotations

import re
from datetime import date, datetime
from functools import lru_cache

from messaging.appio import fiscal_codes, rules
from messaging.appio.rules import AMOUNT_MAX, AMOUNT_MIN, AmountError, parse_euros
from messaging.spreadsheets.cells import INVISIBLE, Cell, CellError, bare_text

_SCIENTIFIC = re.compile(r"[0-9]+(?:[.,][0-9]+)?[eE]\+?[0-9]{1,3}", re.ASCII)
_TYPED_DAY = re.compile(r"([0-9]{1,2})[/.\- ]([0-9]{1,2})[/.\- ]([0-9]{4}|[0-9]{2})")
_ISO_DAY = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})")
#: The hours that exports add to a day: its beginning or its end.
_IDLE_HOUR = re.compile(r"[T ](?:0?0[:.]00(?:[:.]00(?:\.0+)?)?|23[:.]59(?:[:.]59)?)Z?$")
_YEARS = range(2000, 2100)
#: How far a number of cents may be from a whole one, as 0.1 + 0.2 is from 30: spreadsheets calculate in binary.
_CENTS_TOLERANCE = 1e-4


class CellFault(ValueError):
    """A cell that cannot be taken: `code` and parameters."""

    def __init__(self, code: str, **params: object) -> None:
        super().__init__(code)
        self.code = code
        self.params = params


def _text(cell: Cell) -> str:
    """Return the text of a cell; raises `CellFault` for an empty one, "cell_error" and "not_text" (yes or no)."""
    if isinstance(cell, str):
        # Letters and digits alone, as most codes: nothing to take off.
        if cell.isalnum():
            return cell
        if text := bare_text(cell).strip(INVISIBLE):
            return text
        raise CellFault("empty")
    if cell is None:
        raise CellFault("empty")
    if isinstance(cell, CellError):
        raise CellFault("cell_error", error=cell.text)
    if isinstance(cell, bool):
        raise CellFault("not_text")
    return str(cell)


def read_fiscal_code(cell: Cell, allowed: frozenset[str] = frozenset()) -> str:
    """Return the fiscal code of a cell, in whatever case and with whatever spaces.

    Raises `CellFault` with the codes of `fiscal_codes.problem`, "cell_error" or "not_text".
    """
    code = _text(cell)
    # Most codes come as they should be, and the general way looks at each character.
    if not (code.isalnum() and code.isascii() and code.isupper()):
        code = fiscal_codes.normalise(code)
    if problem := fiscal_codes.problem(code, allowed):
        raise CellFault(problem, length=len(code))
    return code


def read_amount(cell: Cell) -> int:
    """Return the eurocents of a cell with euros: a number, or a text as `parse_euros` takes it.

    Raises `CellFault` with the codes of `AmountError`, "cell_error", or "amount_is_date" (a spreadsheet took 12.5 for
    the twelfth of May).
    """
    if isinstance(cell, int | float) and not isinstance(cell, bool):
        return _cents(cell)
    if isinstance(cell, date):
        raise CellFault("amount_is_date")
    if isinstance(cell, bool):
        raise CellFault("not_a_number")
    try:
        # Digits at both ends: nothing to take off.
        is_bare = isinstance(cell, str) and cell[:1].isdigit() and cell[-1:].isdigit()
        return parse_euros(cell if is_bare else _text(cell))  # type: ignore[arg-type]  # bare is text
    except AmountError as error:
        raise CellFault(error.code) from error


def _cents(euros: float) -> int:
    # Far out of range first: huge numbers have no cents to speak of.
    if not 0 < euros <= AMOUNT_MAX:
        raise CellFault("range")
    cents = round(euros * 100)
    if abs(euros * 100 - cents) > _CENTS_TOLERANCE:
        raise CellFault("too_many_decimals")
    if not AMOUNT_MIN <= cents <= AMOUNT_MAX:
        raise CellFault("range")
    return cents


def read_notice_number(cell: Cell) -> str:
    """Return the notice number of a cell.

    Raises `CellFault` with the codes of `rules.notice_number_problem`, "cell_error", "numeric_cell" (a number keeps
    fifteen digits of eighteen and no leading zero: the column must be text before the numbers come into it) or
    "scientific" ("3,01E+17": the same, written back as text).
    """
    if isinstance(cell, int | float | date) and not isinstance(cell, bool):
        raise CellFault("numeric_cell")
    number = rules.normalise_notice_number(_text(cell))
    if problem := rules.notice_number_problem(number):
        if _SCIENTIFIC.fullmatch(number):
            raise CellFault("scientific")
        raise CellFault(problem, length=len(number))
    return number


def notice_number_doubt(number: str) -> str | None:
    """Say what is doubtful in a notice number, or None: "check_digits", or "rounded" when they look lost.

    Fifteen digits and three zeros are what a spreadsheet leaves of eighteen digits.
    """
    if rules.notice_number_check_matches(number) is not False:
        return None
    return "rounded" if number.endswith("000") else "check_digits"


def read_day(cell: Cell) -> date:
    """Return the day of a date cell, or of a text gg/mm/aaaa, gg-mm-aaaa, gg.mm.aaaa or aaaa-mm-gg.

    Raises `CellFault`: "empty", "cell_error", "date_is_number" (a date that lost its format: what it counts from is
    not known), "not_a_date", "short_year", "no_such_day", "year" (outside 2000 to 2099).
    """
    if isinstance(cell, date):
        return _in_range(cell.date() if isinstance(cell, datetime) else cell)
    if isinstance(cell, int | float) and not isinstance(cell, bool):
        raise CellFault("date_is_number")
    return _day_of(cell) if isinstance(cell, str) else _day_of(_text(cell))


@lru_cache(maxsize=1_024)
def _day_of(typed_text: str) -> date:
    text = " ".join(_text(typed_text).split())
    if text.isdecimal():
        raise CellFault("date_is_number")
    day = _IDLE_HOUR.sub("", text) if len(text) > 10 else text
    if iso := _ISO_DAY.fullmatch(day):
        return _day(iso[1], iso[2], iso[3])
    typed = _TYPED_DAY.fullmatch(day)
    if typed is None:
        raise CellFault("not_a_date")
    if len(typed[3]) == 2:
        raise CellFault("short_year")
    return _day(typed[3], typed[2], typed[1])


def _day(year: str, month: str, day: str) -> date:
    try:
        return _in_range(date(int(year), int(month), int(day)))
    except CellFault:
        raise
    except ValueError as error:
        raise CellFault("no_such_day") from error


def _in_range(day: date) -> date:
    if day.year not in _YEARS:
        raise CellFault("year")
    return day
