"""What keeps a whole file from being read."""

from __future__ import annotations

from typing import Final

#: Rows of data, bytes of the file, columns, and characters of one cell that are read.
MAX_ROWS: Final = 100_000
MAX_BYTES: Final = 50 * 1024 * 1024
MAX_COLUMNS: Final = 1_000
MAX_CELL: Final = 131_072


class FileProblem(ValueError):
    """A file that cannot be read as a spreadsheet: `code` and its parameters, worded by the web layer.

    empty; too_large (size, limit: bytes); too_many_rows (limit); too_many_columns (limit); cell_too_long (row, limit:
    characters); unreadable (damaged or half uploaded); encrypted (needs a password); lock_file (the "~$" file that an
    office program leaves beside an open one); unknown_format (found: html, pdf, image, word, presentation, document,
    xlsb, xml, rtf, archive, binary); no_rows (a header at most); encoding (row, when known); mixed_encodings (row);
    quotes (row: a quotation mark is opened and not closed); zip_bomb; no_visible_sheet.
    """

    def __init__(self, code: str, **params: object) -> None:
        super().__init__(code)
        self.code = code
        self.params = params

    def __str__(self) -> str:
        return f"{self.code} {self.params}" if self.params else self.code
