"""Large XML documents that are one long list, handed on in blocks of whole items.

Parsing every element in Python takes twice the time that a file may take. Here a real parser reads what comes before
the list and refuses whatever could do harm; the list is then cut at the ends of its items, which XML allows: "<" stands
in no text. Whoever takes a block must account for every character of it, or have it parsed (`parse_fragment`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from xml.parsers import expat

from messaging.spreadsheets.archives import new_parser
from messaging.spreadsheets.problems import MAX_CELL, FileProblem

#: Bytes before the list, and of one item.
_MAX_HEAD = 4 * 1024 * 1024
_MAX_ITEM = 4 * 1024 * 1024
_UTF_8 = frozenset({"utf-8", "utf8", "us-ascii", "ascii"})

_Start = Callable[[str, dict[str, str]], None]


class XmlStream:
    """A document in UTF-8, from `pieces`, whose items are in the element `container`.

    `before` is called with each element that precedes it, its name without prefix.
    """

    def __init__(self, pieces: Iterator[bytes], container: str, before: _Start = lambda name, attributes: None) -> None:
        self._pieces = pieces
        self._container = container
        self._before = before
        self._prefix = ""
        self._begins_at: int | None = None
        self._rest = self._read_head()

    def _read_head(self) -> bytes:
        parser = new_parser()
        parser.XmlDeclHandler = _refuse_other_encodings
        parser.StartElementHandler = lambda name, attributes: self._element(parser, name, attributes)
        head = b""
        try:
            for piece in self._pieces:
                head += piece
                if head[:2] in {b"\xff\xfe", b"\xfe\xff"} or len(head) > _MAX_HEAD:
                    raise FileProblem("unreadable")
                parser.Parse(piece)
                if self._begins_at is not None:
                    # What is in the list is for others: nothing may keep this object and the file.
                    parser.StartElementHandler = None
                    return head[self._begins_at :]
        except expat.ExpatError as error:
            raise FileProblem("unreadable") from error
        raise FileProblem("unreadable")

    def _element(self, parser: expat.XMLParserType, name: str, attributes: dict[str, str]) -> None:
        if self._begins_at is not None:
            return
        prefix, colon, local = name.rpartition(":")
        if local == self._container:
            self._prefix = prefix + colon
            self._begins_at = parser.CurrentByteIndex
        else:
            self._before(local, attributes)

    def blocks(self, item: str) -> Iterator[str]:
        """Yield texts of whole items, one or more each, tags without prefix; then the end is well or "unreadable"."""
        end_of_item = f"</{self._prefix}{item}>".encode()
        end_of_list = f"</{self._prefix}{self._container}".encode()
        tail = self._after_opening()
        while True:
            cut = tail.rfind(end_of_item)
            if cut >= 0:
                cut += len(end_of_item)
                yield self._text(tail[:cut])
                tail = tail[cut:]
            if end_of_list in tail:
                return
            piece = next(self._pieces, None)
            if piece is None:
                raise FileProblem("unreadable")
            if len(tail) > _MAX_ITEM:
                tail = self._without_empty(tail, item)
            tail += piece

    def _after_opening(self) -> bytes:
        tail = self._rest
        while b">" not in tail and len(tail) < _MAX_ITEM:
            tail += next(self._pieces, b"/>")
        opening, _, tail = tail.partition(b">")
        return f"</{self._prefix}{self._container}>".encode() if opening.endswith(b"/") else tail

    def _without_empty(self, tail: bytes, item: str) -> bytes:
        """Drop empty items from an item's beginning that has not ended for long."""
        cut = tail.rfind(f"<{self._prefix}{item}".encode())
        if cut <= 0 or len(tail) - cut > _MAX_ITEM // 2:
            raise FileProblem("cell_too_long", limit=MAX_CELL)
        return tail[cut:]

    def _text(self, block: bytes) -> str:
        try:
            text = block.decode()
        except UnicodeDecodeError as error:
            raise FileProblem("unreadable") from error
        if self._prefix:
            text = text.replace(f"<{self._prefix}", "<").replace(f"</{self._prefix}", "</")
        return text


def _refuse_other_encodings(_: str, encoding: str | None, __: int) -> None:
    if encoding is not None and encoding.lower() not in _UTF_8:
        raise FileProblem("unreadable")


def parse_fragment(text: str, start: _Start, end: Callable[[str], None], characters: Callable[[str], object]) -> None:
    """Parse a text of whole elements without a common root; raises `FileProblem` when malformed."""
    parser = new_parser()
    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = characters
    try:
        parser.Parse(f"<x>{text}</x>", True)
    except (expat.ExpatError, UnicodeError) as error:
        raise FileProblem("unreadable") from error
