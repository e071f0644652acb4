"""What calamine does not tell of an XLS, and what must be known before it is let at one.

The records of the first visible sheet are walked for hidden rows and columns and for the place of the outermost cells:
calamine makes room for the whole rectangle, which in a file made to do harm is far larger than what is in it.
Formats: MS-CFB 2.2 to 2.6; MS-XLS 2.4.28 (BoundSheet8), 2.4.53 (ColInfo), 2.4.221 (Row).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from messaging.spreadsheets.problems import FileProblem

_END = 0xFFFFFFFA
_EOF, _BOUND_SHEET, _FILE_PASS, _ROW, _COL_INFO = 0x0A, 0x85, 0x2F, 0x208, 0x7D
#: Records of a cell begin with its row and column; see MS-XLS 2.5.22.
_CELL_RECORDS = frozenset({0x06, 0x203, 0x204, 0x205, 0xFD, 0x27E, 0xD6, 0xBD, 0xBE, 0x01})
_MAX_AREA = 20_000_000
_WORK_SHEET = 0


@dataclass(slots=True)
class Hidden:
    """The hidden rows and columns of a sheet, from 0."""

    rows: set[int] = field(default_factory=set)
    columns: set[int] = field(default_factory=set)


def scan(path: Path) -> Hidden:
    """Return what is hidden in the first visible sheet of an XLS.

    Raises `FileProblem`: encrypted, unreadable, no_visible_sheet, or zip_bomb when its cells lie senselessly far apart.
    """
    try:
        stream = _workbook_stream(path.read_bytes())
        return _sheet(stream, _first_visible(stream))
    except (struct.error, IndexError, UnicodeDecodeError) as error:
        raise FileProblem("unreadable") from error


def _records(stream: bytes, start: int) -> Iterator[tuple[int, int, int]]:
    """Yield kind, place and size of each record from `start` to the end of its part of the workbook."""
    at, end = start, len(stream)
    while at + 4 <= end:
        kind, size = struct.unpack_from("<HH", stream, at)
        if kind == _EOF:
            return
        yield kind, at + 4, size
        at += 4 + size


def _first_visible(stream: bytes) -> int:
    for kind, at, _ in _records(stream, 0):
        if kind == _FILE_PASS:
            raise FileProblem("encrypted")
        if kind == _BOUND_SHEET:
            start, state, sort = struct.unpack_from("<LBB", stream, at)
            if state & 3 == 0 and sort == _WORK_SHEET:
                return int(start)
    raise FileProblem("no_visible_sheet")


def _sheet(stream: bytes, start: int) -> Hidden:
    hidden = Hidden()
    rows: list[int] = []
    columns: list[int] = []
    for kind, at, size in _records(stream, start):
        if kind in _CELL_RECORDS and size >= 4:
            row, column = struct.unpack_from("<HH", stream, at)
            _widen(rows, row)
            _widen(columns, column)
        elif kind == _ROW and size >= 16:
            row, options = struct.unpack_from("<H10xH", stream, at)
            if options & 0x20:
                hidden.rows.add(row)
        elif kind == _COL_INFO and size >= 10:
            first, last, options = struct.unpack_from("<HH4xH", stream, at)
            if options & 1:
                hidden.columns.update(range(first, min(last, 255) + 1))
    if rows and (rows[1] - rows[0] + 1) * (columns[1] - columns[0] + 1) > _MAX_AREA:
        raise FileProblem("zip_bomb")
    return hidden


def _widen(bounds: list[int], place: int) -> None:
    if not bounds:
        bounds += [place, place]
    elif place < bounds[0]:
        bounds[0] = place
    elif place > bounds[1]:
        bounds[1] = place


# The compound file


def _workbook_stream(content: bytes) -> bytes:
    sector = 1 << struct.unpack_from("<H", content, 30)[0]
    if sector not in {512, 4096}:
        raise FileProblem("unreadable")
    table = _sector_table(content, sector)
    (first_directory, cutoff) = struct.unpack_from("<L4xL", content, 48)
    directory = _chain(content, sector, table, first_directory)
    for at in range(0, len(directory) - 127, 128):
        (length,) = struct.unpack_from("<H", directory, at + 64)
        name = directory[at : at + max(0, length - 2)].decode("utf-16-le", "replace")
        if name in {"Workbook", "Book"}:
            start, size = struct.unpack_from("<LL", directory, at + 116)
            # A workbook with a cell is never among the small streams, which are kept apart.
            if size < cutoff:
                raise FileProblem("unreadable")
            stream = _chain(content, sector, table, start)
            if len(stream) < size:
                raise FileProblem("unreadable")
            return stream[:size]
    raise FileProblem("unreadable")


def _sector_table(content: bytes, sector: int) -> list[int]:
    (count,) = struct.unpack_from("<L", content, 44)
    places = list(struct.unpack_from("<109L", content, 76))
    (following, more) = struct.unpack_from("<LL", content, 68)
    per_sector = sector // 4
    for _ in range(min(more, len(content) // sector)):
        numbers = struct.unpack_from(f"<{per_sector}L", content, (following + 1) * sector)
        places += numbers[:-1]
        following = numbers[-1]
    table: list[int] = []
    for place in places[: min(count, len(content) // sector)]:
        if place < _END:
            table += struct.unpack_from(f"<{per_sector}L", content, (place + 1) * sector)
    return table


def _chain(content: bytes, sector: int, table: list[int], first: int) -> bytes:
    pieces: list[bytes] = []
    at = first
    # A chain that bites its tail ends at the size of the file.
    while at < _END and len(pieces) <= len(content) // sector:
        pieces.append(content[(at + 1) * sector : (at + 2) * sector])
        at = table[at]
    return b"".join(pieces)
