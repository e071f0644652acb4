"""``((placeholders))`` and ``((?optional: passages ((of)) a text))``: which there are, and the text with their values.

A passage is shown when the cell it is named after is not empty. Passages do not nest.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

from messaging.appio.rules import utf16_length
from messaging.spreadsheets.columns import AMOUNT, DUE_DATE, FISCAL_CODE, NOTICE_NUMBER, header_key
from messaging.spreadsheets.escaping import for_address, for_markdown

#: Where a text goes: `plain` is shown as it is (subject, words on a button), `markdown` is drawn, `address` is opened.
Use = Literal["plain", "markdown", "address"]

_NAME = r"[^()\r\n]{1,60}"
_PLACEHOLDER = rf"\(\((?P<name>{_NAME})\)\)"
#: Of several closing marks in a row the last two end the passage.
_WITHIN = rf"(?:\(\({_NAME}\)\)|[^()]|\((?!\()|\)(?!\)(?!\))))*+"
_MARKS = re.compile(rf"\(\(\?(?P<condition>[^():\r\n]{{1,60}}):(?P<passage>{_WITHIN})\)\)|{_PLACEHOLDER}")

_BUILT_IN = {
    **dict.fromkeys(("codicefiscale", "fiscalcode"), FISCAL_CODE),
    **dict.fromkeys(("importo", "amount"), AMOUNT),
    **dict.fromkeys(("numeroavviso", "noticenumber"), NOTICE_NUMBER),
    **dict.fromkeys(("scadenza", "duedate"), DUE_DATE),
}
_CURRENCY_BEFORE = re.compile(r"(?:€|\beuro)[\s*_]*$", re.IGNORECASE)
_CURRENCY_AFTER = re.compile(r"[\s*_]*(?:€|euro\b)", re.IGNORECASE)
_NEAR = 12

#: What of a line means that the placeholder after it stands in an address: of a link, written out, between angle
#: brackets, or of a reference.
_IN_ADDRESS = re.compile(
    r"(?:\]\([^)]*|(?:https?://|www\.)[^\s<>\"]*|<[^\s<>]*|^ {0,3}\[[^\]]+\]:\s*\S*)$", re.IGNORECASE
)
_SLOT_MARK = "\0"
_IN_EMAIL = re.compile(r"mailto:[^\s)>]*$", re.IGNORECASE)
_IN_PHONE = re.compile(r"(?:tel|sms):[^\s)>]*$", re.IGNORECASE)


def placeholder_key(name: str) -> str:
    """Return the field that a placeholder shows ("amount" for `importo`), or its name as names are compared."""
    key = header_key(name)
    return _BUILT_IN.get(key, key)


@dataclass(frozen=True, slots=True)
class Found:
    """A placeholder of some texts, as it was first written. `required`: it stands outside every passage."""

    key: str
    name: str
    required: bool


def found(texts: Iterable[str]) -> list[Found]:
    """Return the placeholders of `texts`, those that only a passage has included, in order, each once."""
    names: dict[str, Found] = {}

    def see(name: str, *, required: bool) -> None:
        key = placeholder_key(name)
        if not key:
            return
        known = names.setdefault(key, Found(key, name.strip(), required))
        if required and not known.required:
            names[key] = replace(known, required=True)

    for text in texts:
        for mark in _MARKS.finditer(text):
            if mark["name"] is not None:
                see(mark["name"], required=True)
                continue
            see(mark["condition"], required=False)
            for inner in _MARKS.finditer(mark["passage"]):
                see(inner["name"] or inner["condition"], required=False)
    return list(names.values())


@dataclass(frozen=True, slots=True)
class _Slot:
    key: str
    written: str
    encode: Callable[[str], str] | None
    suffix: str = ""

    def render(self, values: Mapping[str, str]) -> str:
        value = values.get(self.key)
        if value is None:
            return self.written
        return (self.encode(value) if self.encode and value else value) + self.suffix


@dataclass(frozen=True, slots=True)
class _Passage:
    key: str
    parts: tuple[str | _Slot, ...]


_Part: TypeAlias = str | _Slot | _Passage


@dataclass(slots=True)
class _Line:
    """What precedes a placeholder in its line: it decides how the value is written."""

    text: str = ""

    def add(self, literal: str) -> None:
        self.text = literal.rpartition("\n")[2] if "\n" in literal else self.text + literal


#: UTF-16 units that a character of a value becomes at most: as it is, and percent-encoded (four bytes, three each).
_UNITS_PLAIN, _UNITS_ENCODED = 2, 12
#: Units that encoding adds at most at the ends of a value.
_GUARDS = 8


@dataclass(frozen=True, slots=True)
class _Bounds:
    """Between which lengths a text will be: units without any value, and the keys of the slots that show surely."""

    least: int = 0
    most: int = 0
    units: int = _UNITS_PLAIN
    keys: tuple[str, ...] = ()
    has_passages: bool = False


@dataclass(frozen=True, slots=True)
class MergeText:
    """A text taken apart once, to be filled many times.

    `fill(values)` takes values by key (see `placeholder_key`), each already on one line; a placeholder without a
    value stays as it is written, one with an empty value vanishes. An amount gets " euro" unless a currency stands
    beside it in the text.
    """

    parts: tuple[_Part, ...]
    passages: tuple[tuple[str, tuple[str, ...]], ...] = ()
    _bounds: _Bounds = _Bounds()

    @property
    def is_fixed(self) -> bool:
        """Whether the text is the same for everybody."""
        return all(isinstance(part, str) for part in self.parts)

    def fill(self, values: Mapping[str, str]) -> str:
        """Return the text with `values` in place of its placeholders."""
        return "".join(_rendered(self.parts, values))

    def is_within(self, values: Mapping[str, str], low: int, high: int) -> bool:
        """Tell whether the filled text has `low` to `high` UTF-16 units; it is only built when that is a near thing."""
        bounds = self._bounds
        if not bounds.has_passages:
            count = 0
            for key in bounds.keys:
                count += len(values.get(key, ""))
            if bounds.least + count >= low and bounds.most + count * bounds.units <= high:
                return True
        return low <= utf16_length(self.fill(values)) <= high

    def missing(self, values: Mapping[str, str]) -> Iterator[str]:
        """Yield the keys that a shown passage needs and whose value is empty."""
        for condition, inner in self.passages:
            if values.get(condition):
                yield from (key for key in inner if not values.get(key))


def _rendered(parts: Iterable[_Part], values: Mapping[str, str]) -> Iterator[str]:
    for part in parts:
        if isinstance(part, str):
            yield part
        elif isinstance(part, _Slot):
            yield part.render(values)
        elif values.get(part.key):
            yield from _rendered(part.parts, values)


def take_apart(text: str, use: Use, keep: str = "") -> MergeText:
    """Return a text ready to be filled; `keep` are the characters that an address keeps as they are."""
    parts = tuple(_parts(text, use, keep, _Line()))
    passages = tuple(
        (part.key, tuple(inner.key for inner in part.parts if isinstance(inner, _Slot)))
        for part in parts
        if isinstance(part, _Passage)
    )
    return MergeText(parts, passages, _bounds(parts))


def _bounds(parts: Sequence[_Part]) -> _Bounds:
    slots = [part for part in parts if isinstance(part, _Slot)]
    least = sum(utf16_length(part) for part in parts if isinstance(part, str))
    most = least + sum(len(slot.suffix) + (_GUARDS if slot.encode else 0) for slot in slots)
    units = _UNITS_ENCODED if any(slot.encode for slot in slots) else _UNITS_PLAIN
    return _Bounds(least, most, units, tuple(slot.key for slot in slots), len(parts) > len(slots) + _literals(parts))


def _literals(parts: Iterable[_Part]) -> int:
    return sum(isinstance(part, str) for part in parts)


def _parts(text: str, use: Use, keep: str, line: _Line) -> Iterator[_Part]:
    end = 0
    after_slot = False
    for mark in _MARKS.finditer(text):
        literal = text[end : mark.start()]
        end = mark.end()
        if literal or not after_slot:
            yield from _literal(literal, use, line, after_slot=after_slot, before_slot=True)
        after_slot = True
        if mark["name"] is None:
            inner = _parts(mark["passage"].strip(" "), use, keep, line)
            kept = tuple(part for part in inner if not isinstance(part, _Passage))
            yield _Passage(placeholder_key(mark["condition"]), kept)
        else:
            yield _slot(mark, use, keep, line.text)
            line.add(_SLOT_MARK)
    yield from _literal(text[end:], use, line, after_slot=after_slot, before_slot=False)


def _literal(text: str, use: Use, line: _Line, *, after_slot: bool, before_slot: bool) -> Iterator[str]:
    begins_line = after_slot and not line.text.strip(f" >{_SLOT_MARK}")
    line.add(text)
    if use == "markdown":
        # A number and the dot after it would begin a list; a backslash would undo the one before a value's sign.
        if begins_line and text[:1] in {".", ")"}:
            text = "\\" + text
        if before_slot and (len(text) - len(text.rstrip("\\"))) % 2:
            text += "\\"
    if text:
        yield text


def _slot(mark: re.Match[str], use: Use, keep: str, before: str) -> _Slot:
    key, written = placeholder_key(mark["name"]), mark[0]
    if use == "address" or (use == "markdown" and _IN_ADDRESS.search(before)):
        kept = keep or _kept(before)
        return _Slot(key, written, lambda value: for_address(value, kept))
    suffix = " euro" if key == AMOUNT and not _has_currency(mark) else ""
    return _Slot(key, written, for_markdown if use == "markdown" else None, suffix)


def _kept(before: str) -> str:
    if _IN_EMAIL.search(before):
        return "@"
    return "+" if _IN_PHONE.search(before) else ""


def _has_currency(mark: re.Match[str]) -> bool:
    text = mark.string
    before, after = text[max(0, mark.start() - _NEAR) : mark.start()], text[mark.end() : mark.end() + _NEAR]
    return bool(_CURRENCY_BEFORE.search(before) or _CURRENCY_AFTER.match(after))
