"""What a file is, told by its content: names are often wrong."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Literal

from messaging.spreadsheets.archives import Archive
from messaging.spreadsheets.problems import FileProblem

Format = Literal["csv", "xlsx", "xls", "ods"]

_HEAD = 4_096
_SIGNATURES = (
    (b"%PDF", "pdf"),
    (b"\x89PNG", "image"),
    (b"\xff\xd8\xff", "image"),
    (b"GIF8", "image"),
    (b"BM", "image"),
    (b"II*\x00", "image"),
    (b"MM\x00*", "image"),
    (b"RIFF", "binary"),
    (b"{\\rtf", "rtf"),
    (b"\x1f\x8b", "archive"),
    (b"7z\xbc\xaf", "archive"),
    (b"Rar!", "archive"),
)
_NUL_INSIDE = frozenset({b"BM", b"RIFF"})
_COMPOUND_FILE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_HTML = re.compile(rb"<(?:!doctype\s+html|html|head|body|table|meta|script|style)\b", re.IGNORECASE)
_ODS = b"application/vnd.oasis.opendocument.spreadsheet"


def recognise(path: Path) -> Format:
    """Return the format of a file by its content; raises `FileProblem` with empty, encrypted or unknown_format."""
    with path.open("rb") as file:
        head = file.read(_HEAD)
    if not head:
        raise FileProblem("empty")
    if head.startswith(b"PK\x03\x04"):
        return _archive_format(path)
    if head.startswith(_COMPOUND_FILE):
        return _compound_format(path)
    if other := _other_format(head):
        raise FileProblem("unknown_format", found=other)
    return "csv"


def _other_format(head: bytes) -> str:
    for signature, name in _SIGNATURES:
        # Two letters may well begin a header: such a file is binary only if it looks so.
        if head.startswith(signature) and (signature not in _NUL_INSIDE or b"\0" in head):
            return name
    text = head.lstrip(b"\xef\xbb\xbf \t\r\n")
    if text.startswith(b"<"):
        return _markup_format(text)
    is_utf_16 = head.startswith((b"\xff\xfe", b"\xfe\xff"))
    return "binary" if b"\0" in head and not is_utf_16 else ""


def _markup_format(text: bytes) -> str:
    if _HTML.search(text):
        return "html"
    return "xml" if text.startswith((b"<?xml", b"<!")) or re.match(rb"<[A-Za-z][\w:]*[ >]", text) else ""


def _archive_format(path: Path) -> Format:
    with Archive(path) as archive:
        if "xl/workbook.xml" in archive:
            return "xlsx"
        if "mimetype" in archive and "content.xml" in archive:
            return _open_document_format(archive)
        for part, name in (
            ("xl/workbook.bin", "xlsb"),
            ("word/document.xml", "word"),
            ("ppt/presentation.xml", "presentation"),
        ):
            if part in archive:
                raise FileProblem("unknown_format", found=name)
        if "_rels/.rels" in archive and b"officeDocument" in archive.read("_rels/.rels"):
            return "xlsx"
    raise FileProblem("unknown_format", found="archive")


def _open_document_format(archive: Archive) -> Format:
    if not archive.read("mimetype").strip().startswith(_ODS):
        raise FileProblem("unknown_format", found="document")
    if "META-INF/manifest.xml" in archive and b"encryption-data" in archive.read("META-INF/manifest.xml"):
        raise FileProblem("encrypted")
    return "ods"


def _compound_format(path: Path) -> Format:
    content = path.read_bytes()
    # The names of the streams are in the directory, as UTF-16 padded with NULs. A workbook may hold other documents.
    if _has_stream(content, "EncryptedPackage"):
        raise FileProblem("encrypted")
    if _has_stream(content, "Workbook") or _has_stream(content, "Book"):
        return "xls"
    for stream, found in (("WordDocument", "word"), ("PowerPoint Document", "presentation")):
        if _has_stream(content, stream):
            raise FileProblem("unknown_format", found=found)
    raise FileProblem("unknown_format", found="binary")


def _has_stream(content: bytes, name: str) -> bool:
    return name.encode("utf-16-le") + b"\0\0" in content
