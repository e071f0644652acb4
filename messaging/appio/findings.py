"""What an Italian text mentions: names, health, family, amounts, dates, numbers that are nobody's business."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date

from stdnum import iban, luhn

from messaging.appio import fiscal_codes, words
from messaging.appio.rules import AmountError, parse_euros

_NAME = r"[A-ZÀ-Ý][A-Za-zÀ-ÿ'’]+"
_NOBODY = rf"(?!(?i:{words.alternatives(words.NOBODY)})\b)"
_GREETED = re.compile(rf"\b(?i:gentil\w*|gent\.\w*|egregi\w*|egr\.|car[oa]|spett\w*\.?)\s+{_NOBODY}{_NAME}\s+{_NAME}")
_TITLES = (
    r"sig\.\s?(?:ra\b|na\b)?\.?|sig\.?ra\b\.?|signora?|signorina|dott\.(?:ssa\b\.?)?|dottoressa|dottor|avv\.|ing\."
)
_TITLED = re.compile(rf"\b(?i:{_TITLES})\s*{_NOBODY}{_NAME}")
_MONEY = re.compile(r"(?:€|\beuro\b|\beur\b)\s*[0-9]|[0-9]\s*(?:€|euro\b|eur\b)", re.IGNORECASE)
_HEALTH = words.any_of(words.HEALTH, words.HEALTH_PHRASES)
_FAMILY = words.any_of(words.FAMILY, words.FAMILY_PHRASES)
_HELP = words.any_of(words.HELP)
_IBAN = re.compile(r"\b(?:IT|SM) ?[0-9]{2} ?[A-Z](?: ?[0-9]){10}(?: ?[A-Z0-9]){12}\b", re.IGNORECASE)
_DIGITS = re.compile(r"(?<![0-9])[0-9](?:[ -]?[0-9]){12,}")
_CARD_LENGTHS = frozenset({13, 14, 15, 16, 19})
_PHONE = re.compile(
    r"(?<![\w,./-])(?:(?:\+|00)39[ ./-]?)?(?:0[0-9]{1,3}|3[0-9]{2}|80[03]|199|848)"
    r"[ ./-]?[0-9](?:[ ./-]?[0-9]){3,8}(?![\w,])"
)
_EMAIL = re.compile(r"(?<![\w.+-])[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,4}")
_SITE = re.compile(r"\b(?:https?://|www\.)\S", re.IGNORECASE)
_STREETS = "via|viale|piazza|piazzale|piazzetta|corso|largo|vicolo|strada|borgo|contrada|lungomare|località"
_STREET = re.compile(
    rf"\b(?i:{_STREETS})\s(?:[\w'’.]+\s){{0,4}}?[A-ZÀ-Ý0-9][\w'’]*,?\s(?:n\.?\s?)?[0-9]{{1,4}}(?:/?[A-Za-z])?\b"
)
_TAG = re.compile(r"<(?!br\s*/?>|!--)", re.IGNORECASE)

_NUMBER = r"[0-9]{1,3}(?:[.'’ ][0-9]{3})+(?:,[0-9]{1,2})?|[0-9]{1,10}(?:[.,][0-9]{1,2})?"
_AMOUNT = re.compile(
    rf"(?:€|\beuro\b|\beur\b)\s?({_NUMBER})(?![0-9])|(?<![0-9.,])({_NUMBER})\s?(?:€|euro\b|eur\b)", re.IGNORECASE
)
_MONTHS = (
    *("gennaio", "febbraio", "marzo", "aprile", "maggio", "giugno"),
    *("luglio", "agosto", "settembre", "ottobre", "novembre", "dicembre"),
)
_DATE = re.compile(
    rf"(?<![0-9/.])(?:(?P<day>[0-3]?[0-9])[°º]?\s(?P<month>{'|'.join(_MONTHS)})\b(?:\s(?P<year>[0-9]{{4}})\b)?"
    r"|(?P<dd>[0-3]?[0-9])(?P<mark>[/.-])(?P<mm>[01]?[0-9])(?P=mark)(?P<yyyy>[0-9]{4})(?![0-9]))",
    re.IGNORECASE,
)
_DEADLINE = re.compile(r"entro|scad|termine|fino a|non oltre|ultimo giorno", re.IGNORECASE)
_CUE_DISTANCE = 40


def subject_faults(subject: str) -> Iterator[str]:
    """Yield the codes of what a subject should not say: it is read on locked screens."""
    if fiscal_codes.mask(subject) != subject:
        yield "subject_fiscal_code"
    if _GREETED.search(subject) or _TITLED.search(subject):
        yield "subject_name"
    if _MONEY.search(subject):
        yield "subject_amount"
    if _HEALTH.search(subject):
        yield "subject_health"
    if _FAMILY.search(subject):
        yield "subject_family"


def private_numbers(text: str) -> Iterator[str]:
    """Yield "body_iban" and "body_card_number" when a number with the right check digits stands in `text`."""
    if any(iban.is_valid(found[0]) for found in _IBAN.finditer(text)):
        yield "body_iban"
    if any(_is_card(found[0]) for found in _DIGITS.finditer(text)):
        yield "body_card_number"


def _is_card(text: str) -> bool:
    digits = re.sub(r"[ -]", "", text)
    return len(digits) in _CARD_LENGTHS and digits[0] in "3456" and bool(luhn.is_valid(digits))


def shouts(text: str, at_least: int) -> bool:
    """Tell whether most of a text of `at_least` letters is in capitals."""
    letters = [c for c in text if c.isalpha()]
    return len(letters) >= at_least and sum(c.isupper() for c in letters) > 0.6 * len(letters)


def has_tag(html: str) -> bool:
    """Tell whether `html` has any tag but `<br>`, which the app draws, and comments."""
    return _TAG.search(html) is not None


def names_a_contact(text: str) -> bool:
    """Tell whether `text` gives a phone number, an e-mail address, a site, or a street with its number."""
    return any(pattern.search(text) for pattern in (_EMAIL, _SITE, _PHONE, _STREET))


def speaks_of_help(text: str) -> bool:
    """Tell whether a button's Italian text promises somebody to turn to."""
    return _HELP.search(text) is not None


def amounts(text: str) -> list[int]:
    """Return the eurocents of the amounts in an Italian text, in order, each once."""
    found = (_cents(match[1] or match[2]) for match in _AMOUNT.finditer(text))
    return list(dict.fromkeys(cents for cents in found if cents is not None))


def _cents(number: str) -> int | None:
    # In a sentence "1.234 euro" can only be a thousand.
    grouped = re.fullmatch(r"[0-9]{1,3}(?:[.'’ ][0-9]{3})+", number)
    try:
        return parse_euros(re.sub(r"[.'’ ]", "", number) if grouped else number)
    except AmountError:
        return None


def dates(text: str, year: int) -> tuple[list[date], list[date]]:
    """Return the dates in an Italian text, each once: all of them, and those that it calls a deadline.

    "16 dicembre 2026", "16/12/2026", and "16 dicembre" read in `year`.
    """
    every: dict[date, None] = {}
    deadlines: dict[date, None] = {}
    for found in _DATE.finditer(text):
        day = _day(found, year)
        if day is None:
            continue
        every[day] = None
        if _DEADLINE.search(text[max(0, found.start() - _CUE_DISTANCE) : found.start()]):
            deadlines[day] = None
    return list(every), list(deadlines)


def _day(found: re.Match[str], year: int) -> date | None:
    try:
        if found["month"]:
            return date(int(found["year"] or year), _MONTHS.index(found["month"].lower()) + 1, int(found["day"]))
        return date(int(found["yyyy"]), int(found["mm"]), int(found["dd"]))
    except ValueError:
        return None
