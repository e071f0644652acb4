"""The placeholders of a text for one person: the portal fills those of the payment, a person the others by hand.

What a placeholder is, and how a value is written where it stands, is decided once, in messaging.spreadsheets.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date

from messaging.spreadsheets.cells import day_in_words, euros_in_words, grouped_digits
from messaging.spreadsheets.columns import AMOUNT, DUE_DATE, FISCAL_CODE, NOTICE_NUMBER
from messaging.spreadsheets.placeholders import Use, placeholder_key, take_apart
from messaging.spreadsheets.placeholders import found as marks

BUILT_IN = frozenset({AMOUNT, NOTICE_NUMBER, DUE_DATE, FISCAL_CODE})


def found(texts: Iterable[str]) -> list[str]:
    """The names of the placeholders in ``texts``, as they are first written there, in order, each once."""
    return [mark.name for mark in marks(texts)]


def is_built_in(name: str) -> bool:
    """Whether the portal fills this placeholder by itself, from the message's own values."""
    return placeholder_key(name) in BUILT_IN


def own_values(amount: int | None, notice_number: str, due_date: date | None, fiscal_code: str) -> dict[str, str]:
    """What a message's own placeholders say, by key and in Italian like the message; the unknown are left out."""
    values = {
        AMOUNT: euros_in_words(amount) if amount is not None else "",
        NOTICE_NUMBER: grouped_digits(notice_number),
        DUE_DATE: day_in_words(due_date) if due_date else "",
        FISCAL_CODE: fiscal_code,
    }
    return {key: value for key, value in values.items() if value}


def fill(text: str, values: Mapping[str, str], use: Use) -> str:
    """``text`` with the message's own values in place of their placeholders; the others stay as they are."""
    # A passage that depends on a value which only a person knows would vanish unseen: it waits for them.
    if any(mark.key not in BUILT_IN and not mark.required for mark in marks([text])):
        return text
    return take_apart(text, use).fill(values)
