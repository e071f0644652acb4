"""What stands in a cell, and how it reads."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class CellError:
    """A formula without a result: `text` is what the spreadsheet shows, such as "#N/D"."""

    text: str


#: None is an empty cell. Whole numbers are int however the file stores them, so that none is shown with ".0".
Cell: TypeAlias = str | int | float | bool | date | datetime | CellError | None

#: The starts by which a spreadsheet takes a text for a formula (OWASP, "CSV Injection").
FORMULA_STARTS = frozenset("=+-@\t\r")

#: Characters that are there and are not seen, at the ends of a pasted text.
INVISIBLE = "\u200b\u200e\u200f\u2060\ufeff"

_MONTHS = (
    *("gennaio", "febbraio", "marzo", "aprile", "maggio", "giugno"),
    *("luglio", "agosto", "settembre", "ottobre", "novembre", "dicembre"),
)


def text_cell(text: str) -> str | None:
    """Return a text as a cell: None when blank; the apostrophe with which `outcomes` disarms a formula is taken off."""
    if not text or text.isspace():
        return None
    if text[0] == "'" and text[1:2] in FORMULA_STARTS and len(text) > 1:
        return text[1:]
    return text


def bare_text(text: str) -> str:
    """Return a text without outer white space and without the `="..."` by which exports protect digits."""
    text = text.strip()
    return text[2:-1].strip() if text[:1] == "=" and text[1:2] == text[-1] == '"' and len(text) > 3 else text


def shown(cell: Cell) -> str:
    """Return a cell as the clerk sees it: decimal comma, dates gg/mm/aaaa, VERO and FALSO."""
    if isinstance(cell, str):
        return cell
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return "VERO" if cell else "FALSO"
    if isinstance(cell, CellError):
        return cell.text
    if isinstance(cell, date):
        return _date_shown(cell)
    return _number_shown(cell)


def _date_shown(day: date) -> str:
    text = f"{day.day:02}/{day.month:02}/{day.year:04}"
    has_time = isinstance(day, datetime) and (day.hour or day.minute or day.second)
    return f"{text} {day:%H:%M}" if has_time else text


def _number_shown(number: float) -> str:
    # A spreadsheet shows fifteen digits at most: the rest is the artefact of binary fractions.
    return str(number) if isinstance(number, int) else f"{number:.15G}".replace(".", ",")


def for_reading(cell: Cell) -> str:
    """Return a cell as a sentence has it: a date as "16 dicembre 2026", "sì" and "no", otherwise as `shown`."""
    if isinstance(cell, str):
        return cell
    if isinstance(cell, bool):
        return "sì" if cell else "no"
    if isinstance(cell, date):
        return day_in_words(cell)
    return shown(cell)


@lru_cache(maxsize=1_024)
def day_in_words(day: date) -> str:
    """Return a date as a sentence has it, with its hour when it has one: "16 dicembre 2026"."""
    words = f"{day.day} {_MONTHS[day.month - 1]} {day.year}"
    if not isinstance(day, datetime) or not (day.hour or day.minute):
        return words
    return f"{words} {'all’' if day.hour == 1 else 'alle '}{day.hour}:{day.minute:02}"


def euros_in_words(cents: int) -> str:
    """Return eurocents as euros with comma and thousands: "1.234,50"."""
    whole, rest = divmod(cents, 100)
    return f"{whole},{rest:02}" if whole < 1_000 else f"{whole:,}".replace(",", ".") + f",{rest:02}"


def grouped_digits(number: str) -> str:
    """Return a notice number in groups of four digits, as a paper notice prints it."""
    return f"{number[:4]} {number[4:8]} {number[8:12]} {number[12:16]} {number[16:]}".rstrip()
