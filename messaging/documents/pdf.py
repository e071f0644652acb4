"""Whether a PDF can be given to citizens, and what it says of itself.

Rules: platform notes, A3.3 (`%PDF` at byte 0, PDF/A-2a asked) and A3.6 (no limit of size is known, a few seconds are).
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Timer
from types import TracebackType
from typing import Any, BinaryIO, Protocol, Self

from messaging.documents.problems import Advice, PdfProblem

MEGABYTE = 1024 * 1024
#: Bytes: the most that is taken unless another limit is said, and from where on smaller is advised.
MAX_BYTES = 5 * MEGABYTE
LARGE = 2 * MEGABYTE
MANY_PAGES = 50
#: What IO's guide asks for.
ASKED = "2a"
#: Seconds that the examination of one file may take, all in all.
PATIENCE = 30.0

_PIECE = 65_536
_MAGIC = b"%PDF-"
#: Where programs look for the beginning of a PDF that something was put before.
_SEARCHED = 1024
_BOMS = (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")
_KINDS = {
    b"\x89PNG": "image",
    b"\xff\xd8\xff": "image",
    b"GIF8": "image",
    b"II*\0": "image",
    b"MM\0*": "image",
    b"PK\3\4": "office",
    b"\xd0\xcf\x11\xe0": "office",
    b"{\\rtf": "office",
}
_PROJECT = Path(__file__).resolve().parents[2]


class Readable(Protocol):
    """An open file, of Python or of a web framework."""

    def read(self, size: int, /) -> bytes:
        """Return up to `size` bytes; none at the end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PdfFacts:
    """A file that was found good. `declares` is as "2a", empty where it does not call itself PDF/A; `size` is in bytes,
    `digest` the SHA-256 in hexadecimal."""

    pages: int
    declares: str
    size: int
    digest: str
    advice: list[Advice] = field(default_factory=list)


def inspect(source: Path | BinaryIO | Readable, limit: int = MAX_BYTES) -> PdfFacts:
    """Examine one file of at most `limit` bytes, from where its stream stands; raises PdfProblem. Takes about 0.2 s."""
    with Inspector() as inspector, kept(source, limit) as path:
        return inspector.inspect(path, limit)


class Inspector:
    """Examines files one after the other, some milliseconds each, in a process of its own."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._end()

    def inspect(self, path: Path, limit: int = MAX_BYTES) -> PdfFacts:
        """Examine a file of at most `limit` bytes; raises PdfProblem."""
        size, digest, start = _read_through(path, limit)
        _refuse_other_kinds(start)
        found = self._ask(path)
        if "problem" in found:
            raise PdfProblem(found["problem"], **found["params"])
        pages, declares = int(found["pages"]), str(found["declares"])
        advice = advice_on(pages, declares, size)
        return PdfFacts(pages=pages, declares=declares, size=size, digest=digest, advice=advice)

    def _ask(self, path: Path) -> dict[str, Any]:
        process = self._running()
        assert process.stdin is not None
        assert process.stdout is not None
        timer = Timer(PATIENCE, process.kill)
        timer.start()
        try:
            process.stdin.write(f"{json.dumps(str(path.resolve()))}\n")
            process.stdin.flush()
            line = process.stdout.readline()
        except BrokenPipeError:
            line = ""
        finally:
            timer.cancel()
        if not line.endswith("\n"):
            # It took too much of something, and was ended; the next file gets another process.
            self._end()
            raise PdfProblem("too_complex")
        found: dict[str, Any] = json.loads(line)
        return found

    def _running(self) -> subprocess.Popen[str]:
        if self._process is None:
            # Of our environment, where secrets may stand, only what finds libraries.
            kept_names = {name: os.environ[name] for name in ("LD_LIBRARY_PATH",) if name in os.environ}
            self._process = subprocess.Popen(
                [sys.executable, "-m", "messaging.documents.examination"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                cwd=_PROJECT,
                env={"LANG": "C.UTF-8", "PYTHONDONTWRITEBYTECODE": "1", **kept_names},
                encoding="utf-8",
            )
        return self._process

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.communicate()


@contextmanager
def kept(source: Path | BinaryIO | Readable, limit: int = MAX_BYTES) -> Iterator[Path]:
    """A file as a path that ends in ".pdf": a copy that is gone afterwards, unless it is a path already.

    Raises PdfProblem "too_large" without reading further.
    """
    if isinstance(source, Path):
        yield source
        return
    with tempfile.TemporaryDirectory(prefix="ioportal-") as folder:
        path = Path(folder) / "file.pdf"
        with path.open("wb") as copy:
            size = 0
            while piece := source.read(_PIECE):
                size += len(piece)
                if size > limit:
                    raise PdfProblem("too_large", size=_whole_size(source, size), limit=limit)
                copy.write(piece)
        yield path


def _whole_size(source: object, read: int) -> int:
    size = getattr(source, "size", None)
    return size if isinstance(size, int) else read


def _read_through(path: Path, limit: int) -> tuple[int, str, bytes]:
    """Size, digest and beginning."""
    size = path.stat().st_size
    if not size:
        raise PdfProblem("empty")
    if size > limit:
        raise PdfProblem("too_large", size=size, limit=limit)
    with path.open("rb") as file:
        start = file.read(_SEARCHED)
        file.seek(0)
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return size, digest, start


def _refuse_other_kinds(start: bytes) -> None:
    if start.startswith(_MAGIC):
        return
    before, magic, _rest = start.partition(_MAGIC)
    raise PdfProblem("not_pdf", found=_what_is_before(before) if magic else _kind(start))


def _what_is_before(before: bytes) -> str:
    if before.startswith(_BOMS):
        return "bom"
    return "before" if before.strip() else "blanks"


def _kind(start: bytes) -> str:
    for magic, kind in _KINDS.items():
        if start.startswith(magic):
            return kind
    return "html" if start.lstrip()[:1] == b"<" else "other"


def advice_on(pages: int, declares: str, size: int) -> list[Advice]:
    """What is advised of a good file with so many pages and bytes; `declares` is as in `PdfFacts`."""
    advice = []
    if not declares:
        advice.append(Advice("not_pdfa"))
    elif declares != ASKED:
        advice.append(Advice("other_pdfa", {"declares": declares}))
    if size > LARGE:
        advice.append(Advice("large", {"size": size, "limit": LARGE}))
    if pages > MANY_PAGES:
        advice.append(Advice("many_pages", {"pages": pages, "limit": MANY_PAGES}))
    return advice
