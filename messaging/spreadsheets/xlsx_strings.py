"""The texts that the cells of an XLSX share, kept small: one for each cell of a long column of codes is usual."""

from __future__ import annotations

import re
from array import array
from collections.abc import Iterable
from itertools import accumulate, islice

from messaging.spreadsheets.archives import Archive
from messaging.spreadsheets.cells import text_cell
from messaging.spreadsheets.problems import MAX_CELL, FileProblem
from messaging.spreadsheets.xml_blocks import XmlStream, parse_fragment

_MAX_XML = 256 * 1024 * 1024
_MAX_TEXT = 128 * 1024 * 1024
_MAX_COUNT = 5_000_000


class StringPool:
    """A list of texts in one block of bytes: a third of the memory of as many Python strings."""

    def __init__(self) -> None:
        self._bytes = bytearray()
        self._ends = array("L", [0])

    def extend(self, texts: Iterable[str]) -> None:
        """Add texts; raises `FileProblem` when one or all of them are too long."""
        encoded = [text.encode("utf-8", "replace") for text in texts]
        if max(map(len, encoded), default=0) > MAX_CELL:
            raise FileProblem("cell_too_long", limit=MAX_CELL)
        self._ends.extend(islice(accumulate(map(len, encoded), initial=len(self._bytes)), 1, None))
        self._bytes += b"".join(encoded)
        if len(self._bytes) > _MAX_TEXT or len(self._ends) > _MAX_COUNT:
            raise FileProblem("zip_bomb")

    def __len__(self) -> int:
        return len(self._ends) - 1

    def text_at(self, place: str) -> str | None:
        """Return the text at a place, from "0", as a cell; raises `FileProblem` when there is none."""
        ends = self._ends
        try:
            index = int(place)
            text = self._bytes[ends[index] : ends[index + 1]].decode()
        except (ValueError, IndexError) as error:
            raise FileProblem("unreadable") from error
        if index < 0:
            raise FileProblem("unreadable")
        return text if "(" <= text < "\x7f" and "_x" not in text else text_cell(plain_text(text))


_ESCAPED = re.compile("_x([0-9A-Fa-f]{4})_")
_ITEM = re.compile(r'\s*<si><t(?: xml:space="preserve")?>([^<&\r]*)</t></si>')


def plain_text(text: str) -> str:
    """Return a text without the escapes `_x000D_` for what XML cannot hold (ECMA-376, part 1, 22.9.2.19)."""
    return _ESCAPED.sub(lambda found: chr(int(found[1], 16)), text) if "_x" in text else text


def read_strings(archive: Archive, part: str | None) -> StringPool:
    """Return the shared texts of a workbook, their formatting and phonetic marks left out."""
    pool = StringPool()
    if part is None or part not in archive:
        return pool
    document = XmlStream(archive.stream(part, _MAX_XML), "sst")
    for block in document.blocks("si"):
        # What is simple is cut out by one expression, which leaves nothing but gaps; anything else is parsed.
        pieces = _ITEM.split(block)
        if "".join(pieces[::2]).strip():
            _parse_items(block, pool)
        else:
            pool.extend(pieces[1::2])
    return pool


def _parse_items(block: str, pool: StringPool) -> None:
    text: list[str] = []
    value = kept = ""

    def start(name: str, _: dict[str, str]) -> None:
        nonlocal value, kept
        if name == "t":
            text.clear()
        elif name == "si":
            value = ""
        elif name == "rPh":
            kept = value

    def end(name: str) -> None:
        nonlocal value
        if name == "t":
            value += "".join(text)
        elif name == "si":
            pool.extend([value])
        elif name == "rPh":
            value = kept

    parse_fragment(block, start, end, text.append)
