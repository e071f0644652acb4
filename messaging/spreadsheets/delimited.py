"""CSV files: encoding and separator are found out, since nothing in the file says them."""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Generator, Iterator
from pathlib import Path

from messaging.spreadsheets.cells import Cell, text_cell
from messaging.spreadsheets.problems import MAX_CELL, FileProblem

#: In the order in which a tie is decided: Italian spreadsheets export with the semicolon.
_DELIMITERS = (";", "\t", ",")
_SAMPLE = 65_536
_SAMPLE_ROWS = 200
_PIECE = 1 << 20
#: Characters of a row: a line of separators alone is as many cells.
_MAX_ROW = 1_000_000
#: The first line by which Excel is told the separator; it does not show it as a row.
_DIRECTIVE = re.compile(r'"?sep=([;,|\t:^~])"?[\r\n]+', re.IGNORECASE)
#: UTF-8 pairs that as Windows-1252 would read "Ã¨", "Â°" or "â€™", which no Italian text has.
_UTF_8_PAIR = re.compile(rb"\xc3[\x80-\xbf]|\xc2[\xa0-\xbf]|\xe2\x80[\x80-\xbf]")


class DelimitedSource:
    """The rows of a CSV file; see `reading.Source`."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._size = max(path.stat().st_size, 1)
        self.encoding = _encoding(path)
        self.delimiter, self._skip = self._dialect()
        self.sheet_name = ""
        self.fraction = 0.0

    def rows(self) -> Generator[tuple[int, list[Cell]]]:
        """Yield every row with its number; a blank line is a row, as in a spreadsheet that opens the file."""
        with self._path.open("rb") as binary:
            text = io.TextIOWrapper(binary, encoding=self.encoding, newline="")
            text.read(self._skip)
            lines = _BoundedLines(text)
            rows = csv.reader(lines, delimiter=self.delimiter, skipinitialspace=True, strict=True)
            number = 0
            try:
                for number, cells in enumerate(rows, start=1):
                    lines.since_row = 0
                    if number % 1_000 == 1:
                        self.fraction = min(1.0, binary.tell() / self._size)
                    # What begins with a letter or a digit is neither blank nor disarmed: most cells are spared a call.
                    yield number, [text if "(" <= text < "\x7f" else text_cell(text) for text in cells]
            except csv.Error as error:
                raise _csv_problem(error, number + 1) from error
            except UnicodeError as error:
                raise FileProblem("encoding", row=number + 1) from error

    def _dialect(self) -> tuple[str, int]:
        try:
            with self._path.open(encoding=self.encoding, newline="") as file:
                sample = file.read(_SAMPLE)
        except UnicodeError as error:
            raise FileProblem("encoding") from error
        if told := _DIRECTIVE.match(sample):
            return told[1], told.end()
        return _likeliest_delimiter(sample), 0


class _BoundedLines:
    """The lines of a file, as long as they make no endless row."""

    def __init__(self, text: io.TextIOWrapper) -> None:
        self._text = text
        self.since_row = 0

    def __iter__(self) -> Iterator[str]:
        while line := self._text.readline(_MAX_ROW):
            self.since_row += len(line)
            if self.since_row >= _MAX_ROW:
                raise FileProblem("cell_too_long", limit=MAX_CELL)
            yield line


def _csv_problem(error: csv.Error, row: int) -> FileProblem:
    if "field limit" in str(error):
        return FileProblem("cell_too_long", row=row, limit=MAX_CELL)
    return FileProblem("quotes", row=row)


def _encoding(path: Path) -> str:
    with path.open("rb") as file:
        head = file.read(4)
    if head.startswith(codecs.BOM_UTF8):
        return _checked(path, "utf-8-sig")
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return _checked(path, "utf-16")
    if _decodes(path, "utf-8") is None:
        return "utf-8"
    if (row := _row_of_utf_8_pair(path)) is not None:
        raise FileProblem("mixed_encodings", row=row)
    return _checked(path, "cp1252")


def _checked(path: Path, encoding: str) -> str:
    row = _decodes(path, encoding)
    if row is not None:
        raise FileProblem("encoding", row=row)
    return encoding


def _decodes(path: Path, encoding: str) -> int | None:
    """Return None when a whole file is of this encoding, else the line in which it is not."""
    decoder = codecs.getincrementaldecoder(encoding)()
    lines = 1
    with path.open("rb") as file:
        while piece := file.read(_PIECE):
            try:
                decoder.decode(piece)
            except UnicodeDecodeError as error:
                return lines + error.object.count(b"\n", 0, error.start)
            lines += piece.count(b"\n")
    try:
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return lines
    return None


def _row_of_utf_8_pair(path: Path) -> int | None:
    lines, kept = 1, b""
    with path.open("rb") as file:
        while piece := file.read(_PIECE):
            whole = kept + piece
            if found := _UTF_8_PAIR.search(whole):
                return lines + whole.count(b"\n", 0, found.start())
            kept = whole[-2:]
            lines += whole.count(b"\n") - kept.count(b"\n")
    return None


def _likeliest_delimiter(sample: str) -> str:
    best, best_score = _DELIMITERS[0], (0.0, 0)
    for delimiter in _DELIMITERS:
        score = _score(sample, delimiter)
        if score > best_score:
            best, best_score = delimiter, score
    return best


def _score(sample: str, delimiter: str) -> tuple[float, int]:
    """Return which share of the rows is as wide as the header, and that width; nothing for a single column."""
    widths: list[int] = []
    try:
        for cells in csv.reader(io.StringIO(sample, newline=""), delimiter=delimiter, skipinitialspace=True):
            if any(cell.strip() for cell in cells):
                widths.append(len(cells))
            if len(widths) > _SAMPLE_ROWS:
                break
    except csv.Error:
        return 0.0, 0
    # The sample may end within its last row.
    whole = widths[:-1] if len(sample) == _SAMPLE and len(widths) > 1 else widths
    if not whole or whole[0] < 2:
        return 0.0, 0
    return sum(width == whole[0] for width in whole) / len(whole), whole[0]
