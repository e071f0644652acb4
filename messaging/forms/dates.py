"""Days as people type them in Italy."""

from __future__ import annotations

import re
from datetime import date

_TYPED = re.compile(r"(\d{1,2})[/.\- ](\d{1,2})[/.\- ](\d{2}|\d{4})", re.ASCII)
_ISO = re.compile(r"(\d{4})-(\d{2})-(\d{2})", re.ASCII)
_YEARS = range(2000, 2100)


class DayError(ValueError):
    """A day that cannot be read; ``code`` is one of empty, not_a_date, short_year, no_such_day, year."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def parse_day(text: str) -> date:
    """The day of «16/12/2026», «16-12-2026», «16.12.2026» or «2026-12-16». Raises DayError."""
    wanted = " ".join(text.split())
    if not wanted:
        raise DayError("empty")
    if iso := _ISO.fullmatch(wanted):
        return _day(int(iso[1]), int(iso[2]), int(iso[3]))
    typed = _TYPED.fullmatch(wanted)
    if typed is None:
        raise DayError("not_a_date")
    if len(typed[3]) == 2:
        raise DayError("short_year")
    return _day(int(typed[3]), int(typed[2]), int(typed[1]))


def _day(year: int, month: int, day: int) -> date:
    try:
        found = date(year, month, day)
    except ValueError as error:
        raise DayError("no_such_day") from error
    if year not in _YEARS:
        raise DayError("year")
    return found


def typed_day(day: date | None) -> str:
    """A day as it is typed: «16/12/2026»."""
    return f"{day:%d/%m/%Y}" if day else ""
