"""Formats of single values, restated from the notes on the messages API (1.3, 2.1 and 2.2)."""

import re
from datetime import UTC, date, datetime, timedelta
from typing import Final

FISCAL_CODE_PATTERN: Final = "^[A-Z]{6}[0-9LMNPQRSTUV]{2}[ABCDEHLMPRST][0-9LMNPQRSTUV]{2}[A-Z][0-9LMNPQRSTUV]{3}[A-Z]$"
FISCAL_CODE_TYPE: Final = f'string that matches the pattern "{FISCAL_CODE_PATTERN}"'
ULID_PATTERN: Final = "^[0-9a-hjkmnp-tv-zA-HJKMNP-TV-Z]{26}$"
NOTICE_NUMBER_PATTERN: Final = "^[0123][0-9]{17}$"
ORGANIZATION_PATTERN: Final = "^[0-9]{11}$"

# fullmatch throughout: Python's `$` would let a trailing line break pass, JavaScript's does not.
is_fiscal_code: Final = re.compile(FISCAL_CODE_PATTERN[1:-1]).fullmatch
is_ulid: Final = re.compile(ULID_PATTERN[1:-1]).fullmatch
is_notice_number: Final = re.compile(NOTICE_NUMBER_PATTERN[1:-1]).fullmatch
is_organization_code: Final = re.compile(ORGANIZATION_PATTERN[1:-1]).fullmatch
is_email: Final = re.compile(r"[^@\s]+@[^@\s.]+(?:\.[^@\s.]+)+").fullmatch

_MOMENT: Final = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})T([0-9]{2}):([0-9]{2}):([0-9]{2})(?:\.([0-9]+))?"
    r"(?:Z|([+-])([0-9]{2}):([0-9]{2}))?"
)
_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def utf16_length(text: str) -> int:
    """Length as JavaScript counts it: an emoji outside the BMP counts 2 (notes, 2.1)."""
    if text.isascii():
        return len(text)
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def parse_moment(text: str) -> datetime | None:
    """A Timestamp as the server reads it, or None (notes, 2.2).

    Without `Z` it is read in the server's zone, which is UTC. A day beyond the end of its month
    rolls over into the next one, as in JavaScript.
    """
    match = _MOMENT.fullmatch(text)
    if match is None:
        return None
    year, month, day, hour, minute, second = (int(match[n]) for n in range(1, 7))
    if not (1 <= month <= 12 and 1 <= day <= 31 and hour < 24 and minute < 60 and second < 60):
        return None
    milliseconds = int(((match[7] or "") + "000")[:3])
    since_first = timedelta(days=day - 1, hours=hour, minutes=minute, seconds=second, milliseconds=milliseconds)
    offset = timedelta(hours=int(match[9] or 0), minutes=int(match[10] or 0))
    try:
        local = datetime(year, month, 1, tzinfo=UTC) + since_first
        return local + offset if match[8] == "-" else local - offset
    except (ValueError, OverflowError):
        return None


def parse_day(text: str) -> date | None:
    """The day of a subscription feed, or None (notes, 5)."""
    if _DAY.fullmatch(text) is None:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def iso_milliseconds(moment: datetime) -> str:
    """UTC with milliseconds, as `toISOString` writes it (notes, 2.2)."""
    utc = moment.astimezone(UTC)
    return f"{utc:%Y-%m-%dT%H:%M:%S}.{utc.microsecond // 1000:03d}Z"


def iso_timestamp(seconds: float) -> str:
    """An instant in seconds since 1970, as `toISOString` writes it."""
    return iso_milliseconds(datetime.fromtimestamp(seconds, UTC))
