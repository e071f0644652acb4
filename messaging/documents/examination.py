"""The process that opens PDFs made by strangers: few rights, bounded memory and time, nothing of ours in reach.

Runs as `python -m messaging.documents.examination`: reads the path of a file a line, writes what it found a line, both
in JSON. A file that makes it hang or burst takes down this process and not the portal's (messaging.documents.pdf).
"""

from __future__ import annotations

import contextlib
import json
import resource
import sys
import zlib
from pathlib import Path
from typing import Any

import pikepdf
from pikepdf import settings

from messaging.documents import active, xmp
from messaging.documents.problems import PdfProblem

#: Bytes of address space, and of one stream of objects once unpacked.
MAX_MEMORY = 768 * 1024 * 1024
_MAX_UNPACKED = 64 * 1024 * 1024
#: Seconds of processor for one file.
MAX_SECONDS = 15
#: Bytes of metadata, packed or not; a packet has a few kilobytes.
MAX_METADATA = 1024 * 1024
_MAX_FILTERS = 4


def main() -> None:
    """Answer until the input ends."""
    _confine()
    for line in sys.stdin:
        _allow_seconds()
        sys.stdout.write(f"{json.dumps(answer(Path(json.loads(line))))}\n")
        sys.stdout.flush()


def answer(path: Path) -> dict[str, Any]:
    """Return {"pages": int, "declares": str}, or {"problem": code, "params": {...}}."""
    try:
        pages, declares = _examine(path)
    except PdfProblem as problem:
        return {"problem": problem.code, "params": problem.params}
    except (MemoryError, RecursionError, active.TooComplex):
        return {"problem": "too_complex", "params": {}}
    except Exception as error:  # a damaged file fails in the library in every way there is
        encrypted = isinstance(error, pikepdf.PasswordError) or "encrypt" in str(error).lower()
        return {"problem": "encrypted" if encrypted else "unreadable", "params": {}}
    return {"pages": pages, "declares": declares}


def _examine(path: Path) -> tuple[int, str]:
    # A file of which the table of contents has to be guessed is damaged: other programs would guess something else.
    with pikepdf.open(path, attempt_recovery=False, suppress_warnings=True) as pdf:
        if pdf.is_encrypted:
            raise PdfProblem("encrypted")
        found = active.found_in(pdf)
        if found:
            raise PdfProblem("javascript") if found == "javascript" else PdfProblem("embedded_files", found=found)
        pages = len(pdf.pages)
        declares = xmp.declared(_metadata(pdf))
        _refuse_hidden_objects([str(warning).replace(str(path), "") for warning in pdf.get_warnings()])
    if not pages:
        raise PdfProblem("no_pages")
    return pages, declares


def _refuse_hidden_objects(warnings: list[str]) -> None:
    """Objects in a stream that qpdf could not unpack look like none: another program may find a script in them."""
    if any("limit exceeded" in warning for warning in warnings):
        raise PdfProblem("too_complex")
    if any("object stream" in warning or "unfilterable stream" in warning for warning in warnings):
        raise PdfProblem("unreadable")


def _metadata(pdf: pikepdf.Pdf) -> bytes:
    stream = pdf.Root.get("/Metadata")
    if not isinstance(stream, pikepdf.Stream):
        return b""
    filters = stream.get("/Filter")
    names = [str(name) for name in filters] if isinstance(filters, pikepdf.Array) else [str(filters)] if filters else []
    packed = stream.read_raw_bytes()
    if len(packed) > MAX_METADATA:
        return b""
    if not names:
        return packed
    if names != ["/FlateDecode"]:
        return b""
    try:
        return zlib.decompressobj().decompress(packed, MAX_METADATA)
    except zlib.error:
        return b""


def _confine() -> None:
    settings.set_qpdf_limits(flate_max_memory=_MAX_UNPACKED, max_stream_filters=_MAX_FILTERS)
    for what, most in ((resource.RLIMIT_AS, MAX_MEMORY), (resource.RLIMIT_FSIZE, 0), (resource.RLIMIT_CORE, 0)):
        # Not every system knows every limit; the time that the portal waits is bounded in any case.
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(what, (most, most))


def _allow_seconds() -> None:
    used = resource.getrusage(resource.RUSAGE_SELF)
    soft = int(used.ru_utime + used.ru_stime) + MAX_SECONDS
    resource.setrlimit(resource.RLIMIT_CPU, (soft, resource.getrlimit(resource.RLIMIT_CPU)[1]))


if __name__ == "__main__":
    main()
