"""Zip archives that were made by strangers: read in pieces, never more than a bounded amount."""

from __future__ import annotations

import struct
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import IO, Self
from xml.parsers import expat

from messaging.spreadsheets.problems import FileProblem

CHUNK = 65_536
#: Unpacked bytes: of a part that is read whole, and of one that is read in pieces.
MAX_PART = 16 * 1024 * 1024
MAX_STREAM = 384 * 1024 * 1024
#: A part that is past the first size and unpacks to more than so many times its own is made to do harm.
_SUSPECT_SIZE = 32 * 1024 * 1024
_SUSPECT_RATIO = 300
#: The table of contents of an office file takes a few kilobytes.
_MAX_CONTENTS = 4 * 1024 * 1024
_METHODS = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED})
_BROKEN = (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError, ValueError, struct.error)


class Archive:
    """A zip file; `fraction` of the part being streamed has been read, for a progress bar."""

    def __init__(self, path: Path) -> None:
        _refuse_huge_contents(path)
        try:
            self._zip = zipfile.ZipFile(path)
        except _BROKEN as error:
            raise FileProblem("unreadable") from error
        self._names = {name.lower(): name for name in self._zip.namelist()}
        self._open: list[IO[bytes]] = []
        self.fraction = 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        # A part that was not read to its end would keep the file open.
        for part in self._open:
            part.close()
        self._zip.close()

    def __contains__(self, name: str) -> bool:
        return name.lower() in self._names

    def read(self, name: str) -> bytes:
        """Return a small part, unpacked."""
        return b"".join(self.stream(name, MAX_PART))

    def stream(self, name: str, limit: int = MAX_STREAM) -> Iterator[bytes]:
        """Yield a part in pieces, unpacked; raises `FileProblem` "zip_bomb" past `limit` bytes or a wild ratio."""
        info = self._info(name)
        done = 0
        try:
            part = self._zip.open(info)
            self._open.append(part)
            while piece := part.read(CHUNK):
                done += len(piece)
                if done > limit or (done > _SUSPECT_SIZE and done > info.compress_size * _SUSPECT_RATIO):
                    raise FileProblem("zip_bomb")
                self.fraction = min(1.0, done / max(info.file_size, 1))
                yield piece
        except FileProblem:
            raise
        except _BROKEN as error:
            raise FileProblem("unreadable") from error

    def _info(self, name: str) -> zipfile.ZipInfo:
        known = self._names.get(name.lower())
        if known is None:
            raise FileProblem("unreadable")
        info = self._zip.getinfo(known)
        if info.flag_bits & 1:
            raise FileProblem("encrypted")
        if info.compress_type not in _METHODS:
            raise FileProblem("unreadable")
        return info


def _refuse_huge_contents(path: Path) -> None:
    # zipfile makes an object for each entry, and a million of them fit in the largest file that is taken.
    with path.open("rb") as file:
        size = file.seek(0, 2)
        file.seek(max(0, size - 65_557))
        tail = file.read()
    at = tail.rfind(b"PK\x05\x06")
    if at < 0 or len(tail) < at + 22:
        raise FileProblem("unreadable")
    (contents,) = struct.unpack_from("<L", tail, at + 12)
    at_64 = tail.rfind(b"PK\x06\x06")
    if at_64 >= 0 and len(tail) >= at_64 + 48:
        (contents,) = struct.unpack_from("<Q", tail, at_64 + 40)
    if contents > _MAX_CONTENTS:
        raise FileProblem("zip_bomb")


def new_parser(*, namespaces: bool = False) -> expat.XMLParserType:
    """Return an XML parser that joins neighbouring text and refuses any document type, hence every entity."""
    parser = expat.ParserCreate(namespace_separator=" " if namespaces else None)
    parser.buffer_text = True
    parser.buffer_size = CHUNK
    parser.StartDoctypeDeclHandler = _refuse_document_type
    return parser


def _refuse_document_type(*_: object) -> None:
    raise FileProblem("unreadable")


def feed(parser: expat.XMLParserType, archive: Archive, name: str) -> None:
    """Parse a small part."""
    for _ in feeding(parser, archive.stream(name, MAX_PART)):
        pass


def feeding(parser: expat.XMLParserType, pieces: Iterator[bytes]) -> Iterator[int]:
    """Parse a document, yielding the bytes of each piece after it was parsed; raises `FileProblem` when malformed."""
    try:
        for piece in pieces:
            parser.Parse(piece)
            yield len(piece)
        parser.Parse(b"", True)
    except (expat.ExpatError, ValueError) as error:
        if isinstance(error, FileProblem):
            raise
        raise FileProblem("unreadable") from error
