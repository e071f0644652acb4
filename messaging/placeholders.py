"""The ``((placeholders))`` of a text: which there are, and what takes their place."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from datetime import date

from django.utils.translation import override

from messaging.templatetags.portal import day, euros, grouped

#: Always available, formatted for reading (design, "Files").
AMOUNT, NOTICE_NUMBER, DUE_DATE = "importo", "numero_avviso", "scadenza"
BUILT_IN = (AMOUNT, NOTICE_NUMBER, DUE_DATE)

_FOUND = re.compile(r"\(\(([^()\r\n]{1,60})\)\)")
_CURRENCY_BEFORE = re.compile(r"(?:€|\beuro)[\s*_]*$", re.IGNORECASE)
_CURRENCY_AFTER = re.compile(r"[\s*_]*(?:€|euro\b)", re.IGNORECASE)


def key(name: str) -> str:
    """The name as it is compared: without regard to case, spaces, accents, underscores and hyphens."""
    bare = "".join(c for c in unicodedata.normalize("NFKD", name.casefold()) if not unicodedata.combining(c))
    plain = re.sub(r"[\s_-]+", "", bare)
    return _ENGLISH.get(plain, plain)


_ENGLISH = {"amount": "importo", "noticenumber": "numeroavviso", "duedate": "scadenza"}
_AMOUNT_KEY = key(AMOUNT)


def found(texts: Iterable[str]) -> list[str]:
    """The names of the placeholders in ``texts``, as they are written there, in order, each once."""
    names: dict[str, str] = {}
    for text in texts:
        for match in _FOUND.finditer(text):
            if name := match[1].strip():
                names.setdefault(key(name), name)
    return list(names.values())


def is_built_in(name: str) -> bool:
    """Whether the portal fills this placeholder by itself, from the payment's own values."""
    return key(name) in {key(built_in) for built_in in BUILT_IN}


def payment_values(amount: int | None, notice_number: str, due_date: date | None) -> dict[str, str]:
    """What the placeholders of the payment say, in Italian like the message; those without a value are left out."""
    with override("it"):
        values = {
            AMOUNT: euros(amount),
            NOTICE_NUMBER: grouped(notice_number),
            DUE_DATE: day(due_date),
        }
    return {name: value for name, value in values.items() if value}


def fill(text: str, values: Mapping[str, str]) -> str:
    """``text`` with each known placeholder replaced; the others stay as they are.

    An amount comes with its currency, unless «euro» or «€» stands beside the placeholder already.
    """
    known = {key(name): value for name, value in values.items()}

    def replace(match: re.Match[str]) -> str:
        name = key(match[1])
        value = known.get(name)
        if value is None:
            return match[0]
        return value if name != _AMOUNT_KEY or _has_currency(text, match) else f"{value} euro"

    return _FOUND.sub(replace, text)


def _has_currency(text: str, match: re.Match[str]) -> bool:
    before, after = text[max(0, match.start() - 12) : match.start()], text[match.end() : match.end() + 12]
    return bool(_CURRENCY_BEFORE.search(before) or _CURRENCY_AFTER.match(after))
