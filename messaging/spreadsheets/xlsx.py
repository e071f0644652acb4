"""XLSX files, streamed: a library that loads a sheet at once takes memory with every row and column, and tells of
neither hidden rows nor hidden columns (ECMA-376, part 1, section 18)."""

from __future__ import annotations

import posixpath
from collections.abc import Generator
from pathlib import Path
from typing import Any

from messaging.spreadsheets.archives import Archive, feed, new_parser
from messaging.spreadsheets.cells import Cell
from messaging.spreadsheets.problems import FileProblem
from messaging.spreadsheets.xlsx_sheet import SheetReader
from messaging.spreadsheets.xlsx_strings import StringPool, read_strings
from messaging.spreadsheets.xlsx_values import Styles, is_true

_WORKBOOK = "xl/workbook.xml"


class XlsxSource:
    """The first visible sheet of an XLSX; see `reading.Source`."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.fraction = 0.0
        with Archive(path) as archive:
            book = _Workbook(archive)
            self.sheet_name, self._part = book.first_visible_sheet()
            self._styles = Styles(archive, book.part_of_kind("styles"), epoch_1904=book.epoch_1904)
            self._strings_part = book.part_of_kind("sharedStrings")
        self._strings: StringPool | None = None

    def rows(self) -> Generator[tuple[int, list[Cell]]]:
        """Yield the visible rows that have cells, without hidden columns."""
        with Archive(self._path) as archive:
            if self._strings is None:
                self._strings = read_strings(archive, self._strings_part)
            sheet = SheetReader(archive.stream(self._part), self._strings, self._styles)
            for row in sheet.rows():
                self.fraction = archive.fraction
                yield row


class _Workbook:
    """What the workbook part and its relationships say."""

    def __init__(self, archive: Archive) -> None:
        self._part = _main_part(archive)
        folder, name = posixpath.split(self._part)
        self._kinds: dict[str, str] = {}
        self._targets: dict[str, tuple[str, str]] = {}
        for identifier, kind, target in _relationships(archive, f"{folder}/_rels/{name}.rels"):
            part = posixpath.normpath(posixpath.join("/", folder, target)).lstrip("/")
            self._kinds.setdefault(kind, part)
            self._targets[identifier] = (kind, part)
        self.epoch_1904 = False
        self._sheets: list[dict[str, str]] = []
        parser = new_parser(namespaces=True)
        parser.StartElementHandler = self._element
        feed(parser, archive, self._part)

    def _element(self, name: str, attributes: dict[str, str]) -> None:
        local = name.rpartition(" ")[2]
        if local == "sheet":
            self._sheets.append({key.rpartition(" ")[2]: value for key, value in attributes.items()})
        elif local == "workbookPr":
            self.epoch_1904 = is_true(attributes.get("date1904", ""))

    def part_of_kind(self, kind: str) -> str | None:
        """Return the part that the workbook relates to as "styles", "sharedStrings" and so on, or None."""
        return self._kinds.get(kind)

    def first_visible_sheet(self) -> tuple[str, str]:
        """Return name and part of the first sheet of cells that is not hidden."""
        for sheet in self._sheets:
            kind, part = self._targets.get(sheet.get("id", ""), ("", ""))
            if kind == "worksheet" and sheet.get("state", "visible") == "visible":
                return sheet.get("name", ""), part
        raise FileProblem("no_visible_sheet")


def _main_part(archive: Archive) -> str:
    if _WORKBOOK in archive:
        return _WORKBOOK
    for _, kind, target in _relationships(archive, "_rels/.rels"):
        if kind == "officeDocument":
            return target.lstrip("/")
    raise FileProblem("unreadable")


def _relationships(archive: Archive, part: str) -> list[tuple[str, str, str]]:
    """Return identifier, last word of the kind's address, and target of each relationship."""
    found: list[tuple[str, str, str]] = []

    def element(name: str, attributes: dict[str, Any]) -> None:
        if name.rpartition(" ")[2] == "Relationship":
            kind = attributes.get("Type", "").rpartition("/")[2]
            found.append((attributes.get("Id", ""), kind, attributes.get("Target", "")))

    parser = new_parser(namespaces=True)
    parser.StartElementHandler = element
    feed(parser, archive, part)
    return found
