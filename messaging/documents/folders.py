"""A zip of PDFs that a stranger made: listed and read without unpacking it to a disk, within limits."""

from __future__ import annotations

import errno
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, BinaryIO

from messaging.documents.names import base_name, file_key
from messaging.documents.problems import DocumentProblem, FolderProblem, PdfProblem

MAX_FILES = 20_000
#: Bytes: of all files once unpacked, and of the table of contents.
MAX_UNPACKED = 4 * 1024**3
MAX_CONTENTS = 16 * 1024 * 1024
_CHUNK = 65_536
_METHODS = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED})
_BROKEN = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, ValueError, struct.error, UnicodeError)
_ARCHIVES = (".zip", ".7z", ".rar", ".tar", ".gz", ".tgz")
#: What systems leave beside the files of people.
_LITTER = frozenset({"thumbs.db", "desktop.ini"})
_PATHS_SHOWN = 3


@dataclass(frozen=True, slots=True)
class FolderFile:
    """A file of a folder; where `problem` is set it cannot be used, and is not to be opened."""

    name: str
    key: str
    #: Unpacked bytes, as the archive says.
    size: int
    problem: PdfProblem | None
    _folder: Folder = field(repr=False)
    _info: zipfile.ZipInfo = field(repr=False)

    def open(self) -> FolderStream:
        """The file's content; reading it raises PdfProblem "damaged_in_folder" or FolderProblem "zip_bomb"."""
        return FolderStream(self._folder, self._info)


class FolderStream:
    """The content of one file, unpacked piece by piece."""

    def __init__(self, folder: Folder, info: zipfile.ZipInfo) -> None:
        self._folder = folder
        self._info = info
        self._part: IO[bytes] | None = None
        self.size = info.file_size

    def __enter__(self) -> FolderStream:
        return self

    def __exit__(self, *_: object) -> None:
        if self._part is not None:
            self._part.close()

    def read(self, size: int = _CHUNK, /) -> bytes:
        """Return up to `size` bytes, never more than a bounded amount; none at the end."""
        with _broken_is(PdfProblem("damaged_in_folder")):
            if self._part is None:
                self._part = self._folder.archive.open(self._info)
            piece = self._part.read(min(size, _CHUNK) if size >= 0 else _CHUNK)
        self._folder.count(len(piece))
        return piece


class Folder:
    """An open zip with the files of people in it, one for each key, in the order of the archive."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self.archive = archive
        self._unpacked = 0
        infos = [info for info in archive.infolist() if not _is_folder(info) and not _is_litter(_path(info))]
        if not infos:
            raise FolderProblem("no_files")
        if len(infos) > MAX_FILES:
            raise FolderProblem("too_many_files", limit=MAX_FILES)
        if any(info.flag_bits & 1 for info in infos):
            raise FolderProblem("encrypted")
        self.files = self._files(infos)

    def count(self, size: int) -> None:
        """Take note of unpacked bytes; raises FolderProblem "zip_bomb"."""
        self._unpacked += size
        if self._unpacked > MAX_UNPACKED:
            raise FolderProblem("zip_bomb")

    def _files(self, infos: list[zipfile.ZipInfo]) -> list[FolderFile]:
        by_key: dict[str, list[zipfile.ZipInfo]] = {}
        for info in infos:
            by_key.setdefault(file_key(_path(info)), []).append(info)
        return [self._file(key, same) for key, same in by_key.items()]

    def _file(self, key: str, same: list[zipfile.ZipInfo]) -> FolderFile:
        info = same[0]
        name = base_name(_path(info))
        return FolderFile(name, key, info.file_size, _problem(name, same), self, info)


@contextmanager
def opened(source: Path | BinaryIO) -> Iterator[Folder]:
    """Open a zip, from a path or a seekable stream, for as long as its files are read.

    Raises FolderProblem: empty, not_zip, unreadable, encrypted, no_files, too_many_files, zip_bomb.
    """
    if isinstance(source, Path):
        with source.open("rb") as stream, opened(stream) as folder:
            yield folder
        return
    _refuse_strange(source)
    with _broken_is(FolderProblem("unreadable")):
        archive = zipfile.ZipFile(source)
    with archive:
        yield Folder(archive)


@contextmanager
def _broken_is(problem: DocumentProblem) -> Iterator[None]:
    """Raise this problem for whatever zipfile raises for a damaged archive; a fault of the disk goes through."""
    try:
        yield
    except _BROKEN as error:
        raise problem from error
    except OSError as error:
        # A place before the beginning of the file.
        if error.errno != errno.EINVAL:
            raise
        raise problem from error


def _refuse_strange(stream: BinaryIO) -> None:
    """Look at the archive's two ends, for zipfile makes an object of each entry before anybody can count them."""
    stream.seek(0, 2)
    size = stream.tell()
    if not size:
        raise FolderProblem("empty")
    stream.seek(0)
    start = stream.read(4)
    stream.seek(max(0, size - 65_557))
    tail = stream.read()
    stream.seek(0)
    if not start.startswith(b"PK"):
        raise FolderProblem("not_zip")
    at = tail.rfind(b"PK\x05\x06")
    if at < 0 or len(tail) < at + 22:
        raise FolderProblem("unreadable")
    (contents,) = struct.unpack_from("<L", tail, at + 12)
    at_64 = tail.rfind(b"PK\x06\x06")
    if at_64 >= 0 and len(tail) >= at_64 + 48:
        (contents,) = struct.unpack_from("<Q", tail, at_64 + 40)
    if contents > MAX_CONTENTS:
        raise FolderProblem("too_many_files", limit=MAX_FILES)


def _path(info: zipfile.ZipInfo) -> str:
    """A member's path; macOS writes UTF-8 without saying so, and zipfile then takes it for the IBM PC's letters."""
    if info.flag_bits & 0x800:
        return info.filename
    try:
        return info.filename.encode("cp437").decode("utf-8")
    except UnicodeError:
        return info.filename


def _is_folder(info: zipfile.ZipInfo) -> bool:
    return info.filename.endswith("/")


def _is_litter(path: str) -> bool:
    """What no person put there: the twin files of macOS, hidden files, previews of Windows."""
    name = base_name(path)
    return name.startswith(".") or "__MACOSX" in path.split("/") or name.lower() in _LITTER or not file_key(name)


def _problem(name: str, same: list[zipfile.ZipInfo]) -> PdfProblem | None:
    info = same[0]
    if len({(one.CRC, one.file_size) for one in same}) > 1:
        return PdfProblem("duplicate", paths=[_path(one)[-200:] for one in same[:_PATHS_SHOWN]])
    if name.lower().endswith(_ARCHIVES):
        return PdfProblem("nested")
    if info.compress_type not in _METHODS:
        return PdfProblem("damaged_in_folder")
    return PdfProblem("empty") if not info.file_size else None
