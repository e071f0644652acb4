"""What the platform accepts: lengths, amounts, notice numbers, due dates."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

#: Limits of the payload schema, both ends included (IO messages API notes, 1.3 and 2.1).
SUBJECT_MIN = 10
SUBJECT_MAX = 120
MARKDOWN_MIN = 80
MARKDOWN_MAX = 10_000
AMOUNT_MIN = 1
AMOUNT_MAX = 9_999_999_999
TIME_TO_LIVE_MIN = 3_600
TIME_TO_LIVE_MAX = 604_800

NOTICE_NUMBER_LENGTH = 18
ROME = ZoneInfo("Europe/Rome")
_NOT_TEXT = re.compile("[\x00\ud800-\udfff]")


@dataclasses.dataclass(frozen=True, slots=True)
class Problem:
    """Something wrong with one field of a message: a code and its parameters, worded by the web layer.

    A `warning` asks to be confirmed and does not prevent sending.
    """

    field: str
    code: str
    params: Mapping[str, object] = dataclasses.field(default_factory=dict)
    warning: bool = False


class AmountError(ValueError):
    """An amount that cannot be read: `code` is one of those of `parse_euros`."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def utf16_length(text: str) -> int:
    """Return the length of `text` as the platform counts it, in UTF-16 units (IO messages API notes, 2.1)."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def text_problems(field: str, text: str, shortest: int, longest: int) -> Iterator[Problem]:
    """Yield what the platform would refuse of a text: too_short, too_long (with length and limit), not_text."""
    length = utf16_length(text)
    if length < shortest:
        yield Problem(field, "too_short", {"length": length, "limit": shortest})
    if length > longest:
        yield Problem(field, "too_long", {"length": length, "limit": longest})
    if _NOT_TEXT.search(text):
        yield Problem(field, "not_text")


def normalise_notice_number(text: str) -> str:
    """Return `text` without any white space; a notice is printed in groups of four digits."""
    return "".join(text.replace("\u200b", "").replace("\ufeff", "").split())


def notice_number_problem(number: str) -> str | None:
    """Say why the platform would refuse a notice number, already normalised, or None.

    One of "empty", "not_digits", "length" (18 wanted), "aux_digit" (0 to 3 wanted): IO messages API notes, 1.3.
    """
    if not number:
        return "empty"
    if not (number.isascii() and number.isdigit()):
        return "not_digits"
    if len(number) != NOTICE_NUMBER_LENGTH:
        return "length"
    return None if number[0] in "0123" else "aux_digit"


def notice_number_check_matches(number: str) -> bool | None:
    """Tell whether the last two digits are the first sixteen modulo 93, as pagoPA prescribes.

    None when aux digit 1 (which has no check pair) or when the number is not a notice number at all.
    """
    if notice_number_problem(number) or number[0] == "1":
        return None
    return int(number[:16]) % 93 == int(number[16:])


_CURRENCY = re.compile(r"^(?:€|euro|eur)|(?:€|euro|eur)$", re.IGNORECASE)
_MINUS = "-\u2212\u2013"
_PLAIN = re.compile(r"(?P<units>[0-9]+)(?:[.,](?P<decimals>[0-9]+))?", re.ASCII)
_GROUPED = re.compile(
    r"(?P<units>[1-9][0-9]{0,2}(?:(?P<mark>[. '’])[0-9]{3})(?:(?P=mark)[0-9]{3})*),(?P<decimals>[0-9]+)"
)
_GROUPED_ENGLISH = re.compile(r"(?P<units>[1-9][0-9]{0,2}(?:,[0-9]{3})+)\.(?P<decimals>[0-9]+)")
_GROUPED_WHOLE = re.compile(
    r"(?P<units>[1-9][0-9]{0,2}(?:(?:\.[0-9]{3}){2,}|(?: [0-9]{3})+|(?:['’][0-9]{3})+))(?P<decimals>)"
)
_AMBIGUOUS = re.compile(r"[1-9][0-9]{0,2}[.,][0-9]{3}")


def parse_euros(text: str) -> int:
    """Return the eurocents of an amount in euros as people write it in Italy.

    "148,50", "148.5", "1.234,00", "1 234,00", "€ 12". Raises `AmountError` with a code: "empty"; "ambiguous"
    ("1.234" and "1,234" alone may be a thousand or one and a bit); "not_a_number"; "too_many_decimals" (more than
    two); "range" (outside 0.01 to 99,999,999.99, negative included).
    """
    spaced = " ".join(text.split())
    if not spaced:
        raise AmountError("empty")
    bare = _CURRENCY.sub("", spaced, count=1).strip()
    if bare[:1] and bare[0] in _MINUS:
        _parse_unsigned(bare[1:].strip())
        raise AmountError("range")
    cents = _parse_unsigned(bare)
    if not AMOUNT_MIN <= cents <= AMOUNT_MAX:
        raise AmountError("range")
    return cents


def _parse_unsigned(text: str) -> int:
    if _AMBIGUOUS.fullmatch(text):
        raise AmountError("ambiguous")
    for pattern in (_PLAIN, _GROUPED, _GROUPED_ENGLISH, _GROUPED_WHOLE):
        if found := pattern.fullmatch(text):
            return _cents(found["units"], found["decimals"] or "")
    raise AmountError("not_a_number")


def _cents(units: str, decimals: str) -> int:
    if len(decimals) > 2:
        raise AmountError("too_many_decimals")
    digits = "".join(c for c in units if c in "0123456789").lstrip("0") or "0"
    if len(digits) > 12:
        # Far out of range, and int() refuses thousands of digits with an error of its own.
        raise AmountError("range")
    return int(digits) * 100 + int(decimals.ljust(2, "0"))


def due_date_to_utc(day: date) -> datetime:
    """Return the last second of `day` in Italy, 23:59:59 Europe/Rome, as an aware UTC datetime.

    A deadline that is a day runs to the end of that day in Italy (IO messages API notes, 2.2).
    """
    return datetime.combine(day, time(23, 59, 59), tzinfo=ROME).astimezone(UTC)


def format_timestamp(moment: datetime) -> str:
    """Return an aware datetime as the platform's timestamp: UTC, whole seconds, "2026-12-16T22:59:59Z".

    Raises ValueError for a naive datetime: the server would read one in its own zone (notes, 2.2).
    """
    if moment.tzinfo is None:
        raise ValueError("a timestamp needs a time zone")
    return moment.astimezone(UTC).replace(microsecond=0, tzinfo=None).isoformat() + "Z"
