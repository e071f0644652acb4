"""What keeps a PDF, or a folder of them, from being used, and what is only advised against."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


class DocumentProblem(ValueError):
    """What is wrong: `code` and its parameters, worded by the web layer."""

    def __init__(self, code: str, **params: Any) -> None:
        super().__init__(code)
        self.code = code
        self.params = params

    def __str__(self) -> str:
        return f"{self.code} {self.params}" if self.params else self.code


class PdfProblem(DocumentProblem):
    """A file that citizens cannot be given.

    empty; too_large (size, limit: bytes); not_pdf (found: bom, blanks, before (bytes stand before the PDF), image,
    office, html, other); unreadable (damaged or half uploaded); encrypted (with any password, the empty one too);
    javascript; embedded_files (found: files, launch, rich_media, xfa); no_pages; too_complex (examining it would take
    too much time or memory); no_room (the disk is full). Of a file in a folder also: nested (an archive in the
    archive); duplicate (paths: some of those that have its name and are not the same); damaged_in_folder.
    """


class FolderProblem(DocumentProblem):
    """A whole zip that cannot be used.

    empty; too_large (size, limit: bytes); not_zip; unreadable; encrypted; no_files; too_many_files (limit); zip_bomb;
    waiting (the files of an earlier one are still being taken out); lost (it is not in the storage); no_room.
    """


@dataclass(frozen=True, slots=True)
class Advice:
    """What works, but is advised against: a code and its parameters.

    Of a file: not_pdfa; other_pdfa (declares); large (size, limit: bytes); many_pages (pages, limit). Of a name:
    name_characters (characters: those that the app would drop); name_cut (limit); name_long (length, limit).
    """

    code: str
    params: dict[str, Any] = field(default_factory=dict)
