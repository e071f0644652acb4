"""Fiscal codes: the key of every citizen on IO, and personal data to be kept out of logs and URLs."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection

from stdnum.exceptions import InvalidChecksum, ValidationError
from stdnum.it import codicefiscale

#: The fake citizen allow-listed on every service (IO messages API notes, 8). Its date is impossible.
TEST_CODE = "AAAAAA00A00A000A"

LENGTH = 16
_PATTERN = re.compile(r"[A-Z]{6}[0-9LMNPQRSTUV]{2}[ABCDEHLMPRST][0-9LMNPQRSTUV]{2}[A-Z][0-9LMNPQRSTUV]{3}[A-Z]")
_ELEVEN_DIGITS = re.compile(r"[0-9]{11}")
_SUBSTITUTES = str.maketrans("LMNPQRSTUV", "0123456789")
_ASCII_UPPER = str.maketrans("abcdefghijklmnopqrstuvwxyz", "ABCDEFGHIJKLMNOPQRSTUVWXYZ")


def normalise(text: str) -> str:
    """Return `text` without white space or invisible characters, ASCII letters in upper case.

    Only ASCII is upper-cased: letters such as the long s would otherwise turn into valid ones.
    """
    kept = (c for c in text if not c.isspace() and unicodedata.category(c) not in {"Cc", "Cf"})
    return "".join(kept).translate(_ASCII_UPPER)


def matches_platform(code: str) -> bool:
    """Tell whether the platform's pattern takes `code` (IO messages API notes, 1.3): no check character."""
    return _PATTERN.fullmatch(code) is not None


def is_valid(code: str) -> bool:
    """Tell whether `code`, already normalised, is a person's code with the right check character and a real date.

    `TEST_CODE` is valid.
    """
    return problem(code) is None


def problem(code: str, allowed: Collection[str] = ()) -> str | None:
    """Say what is wrong with `code`, already normalised, or None.

    One of "empty", "eleven_digits" (a company's or a temporary code, which IO refuses: IO messages API
    notes, 10), "length", "pattern", "check_character", "date". A code in `allowed`, a service's
    allow-list, need only match the platform's pattern, as `TEST_CODE` does.
    """
    if not code:
        return "empty"
    if _ELEVEN_DIGITS.fullmatch(code):
        return "eleven_digits"
    if len(code) != LENGTH:
        return "length"
    if not matches_platform(code):
        return "pattern"
    if code == TEST_CODE or code in allowed:
        return None
    return _person_problem(code)


def _person_problem(code: str) -> str | None:
    try:
        codicefiscale.validate(code)
    except InvalidChecksum:
        return "check_character"
    except ValidationError:
        return "date"
    # stdnum reduces the day modulo 40, so that it takes 81 for the first of the month.
    return "date" if int(code[9:11].translate(_SUBSTITUTES)) > 71 else None


def _atom(letters: str) -> str:
    """One character of a code in either case, plain or percent-encoded up to four times over."""
    both = sorted(set(letters.upper() + letters.lower()))
    encoded = "|".join(f"{ord(c) >> 4:x}[{ord(c) & 15:x}{ord(c) & 15:X}]" for c in both)
    return f"(?:[{''.join(both)}]|%(?:25){{0,3}}(?:{encoded}))"


def _anywhere() -> re.Pattern[str]:
    letter = _atom("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
    digit = _atom("0123456789LMNPQRSTUV")
    month = _atom("ABCDEHLMPRST")
    percent = "%(?:25){0,3}"
    gap = rf"(?:[ \t\u00a0+\-]|{percent}2[0BbDd]|{percent}[Cc]2{percent}[Aa]0)?"
    # No quantifier is open: every start costs at most a fixed number of steps, so the whole is linear.
    return re.compile(
        f"({letter}{{3}}){gap}{letter}{{3}}{gap}{digit}{{2}}{month}{digit}{{2}}{gap}{letter}{digit}{{3}}{letter}"
    )


_ANYWHERE = _anywhere()
_ENCODED = re.compile(r"%(?:25){0,3}([0-9A-Fa-f]{2})")


def _masked(match: re.Match[str]) -> str:
    surname = _ENCODED.sub(lambda found: chr(int(found[1], 16)), match[1])
    return surname + "*" * (LENGTH - 3)


def mask(text: str) -> str:
    """Return `text` with every fiscal code in it reduced to its first three letters and asterisks.

    Finds codes in either case, inside paths and words, percent-encoded, and in groups (RSS MRA 85T10 A562S).
    Takes time in proportion to the length of `text`. Masking twice changes nothing.
    """
    return _ANYWHERE.sub(_masked, text)
