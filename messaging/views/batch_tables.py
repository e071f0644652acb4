"""The rows that want to be looked at: the wrong ones with their cells, the doubtful, repeated and left out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest

from messaging.batches.cells import decode
from messaging.cell_words import sentence
from messaging.enums import RowState
from messaging.models import Batch, BatchRow
from messaging.spreadsheets.cells import Cell, shown
from messaging.spreadsheets.columns import FISCAL_CODE, NOTICE_NUMBER, column_labels, header_key

#: Wrong rows on a page.
PAGE = 50
#: Of the rows that are only to be looked at, so many are shown; all are in the download.
FEW = 50
#: Of those that stay out without anybody's doing, fewer.
FEWEST = 10
_CODES = frozenset({FISCAL_CODE, NOTICE_NUMBER})


@dataclass(slots=True)
class CellToCorrect:
    """A cell with what is wrong in it, under the name that its field in the page has."""

    name: str
    label: str
    value: str
    is_code: bool
    sentences: list[str] = field(default_factory=list)


@dataclass(slots=True)
class RowToCorrect:
    """A wrong row: the cells to correct, and what no cell of it can put right."""

    number: int
    person: str
    cells: list[CellToCorrect]
    sentences: list[str]
    #: What stands beyond the last column, and may go.
    surplus: str = ""

    @property
    def height(self) -> int:
        """How many lines of the table it takes."""
        return len(self.cells) + bool(self.sentences)


@dataclass(frozen=True, slots=True)
class RowToSee:
    """A row with what is to be said of it."""

    number: int
    person: str
    sentences: list[str]
    row: BatchRow


def tables_of(request: HttpRequest, batch: Batch) -> dict[str, Any]:
    """The tables of the page, each empty when it has nothing to show."""
    return {**wrong_rows(batch, request.GET.get("page")), **seen_rows(batch)}


def wrong_rows(batch: Batch, wanted: str | None) -> dict[str, Any]:
    """A page of the rows to correct, and where it stands among the others."""
    pages = max(1, -(-batch.rows_wrong // PAGE))
    page = min(pages, int(wanted)) if wanted and wanted.isdecimal() and 0 < len(wanted) < 7 and int(wanted) else 1
    rows = _rows(batch, RowState.WRONG)[(page - 1) * PAGE : page * PAGE] if batch.rows_wrong else []
    labels = column_labels(batch.header)
    return {
        "wrong": [_to_correct(row, batch, labels) for row in rows],
        "page": page,
        "pages": pages,
        "previous_page": page - 1 if page > 1 else None,
        "next_page": page + 1 if page < pages else None,
    }


def seen_rows(batch: Batch) -> dict[str, Any]:
    """The first of the rows with a doubt, sent before, and left out."""
    doubtful = _doubtful(batch) if batch.rows_warned else BatchRow.objects.none()
    repeated = _rows(batch, RowState.REPEATED) if batch.rows_repeated else BatchRow.objects.none()
    excluded = _rows(batch, RowState.EXCLUDED) if batch.rows_excluded else BatchRow.objects.none()
    return {
        "doubtful": [_to_see(row, batch, row.warnings) for row in doubtful[:FEW]],
        "repeated": [_to_see(row, batch, []) for row in repeated.select_related("repeats")[:FEWEST]],
        "excluded": [_to_see(row, batch, row.problems) for row in excluded[:FEW]],
    }


def _rows(batch: Batch, state: RowState) -> QuerySet[BatchRow]:
    return BatchRow.objects.filter(batch=batch, state=state).order_by("number")


def _doubtful(batch: Batch) -> QuerySet[BatchRow]:
    """Those that `rows_warned` counts: what was sent before may go again, too."""
    may_leave = BatchRow.objects.filter(batch=batch, state__in=[RowState.GOOD, RowState.REPEATED])
    return may_leave.exclude(warnings=[]).order_by("number")


def _to_see(row: BatchRow, batch: Batch, told: Sequence[Mapping[str, Any]]) -> RowToSee:
    return RowToSee(row.number, name_of(batch, decode(row.cells)), [sentence(one) for one in told], row)


def _to_correct(row: BatchRow, batch: Batch, labels: Sequence[str]) -> RowToCorrect:
    cells = decode(row.cells)
    found: dict[int, CellToCorrect] = {}
    made = RowToCorrect(row.number, name_of(batch, cells), [], [])
    for problem in row.problems:
        if problem["code"] == "too_many_cells":
            made.surplus = ", ".join(shown(cell) for cell in cells[len(labels) :] if cell is not None)[:200]
        place = batch.columns.get(problem["field"])
        if place is None or place >= len(labels):
            made.sentences.append(sentence(problem))
            continue
        if place not in found:
            value = shown(cells[place]) if place < len(cells) else ""
            name = cell_name(row.number, place)
            found[place] = CellToCorrect(name, labels[place], value, problem["field"] in _CODES)
        found[place].sentences.append(sentence(problem))
    made.cells = [found[place] for place in sorted(found)]
    return made


def cell_name(number: int, place: int) -> str:
    """The name of a cell in the form: its row in the spreadsheet, and its column from 0."""
    return f"cell-{number}-{place}"


def name_of(batch: Batch, cells: Sequence[Cell]) -> str:
    """Whom a row is about, as far as its columns say: «Paola F.», «Paola», or nothing."""
    named = {header_key(str(name)): place for place, name in enumerate(batch.header)}

    def text(*keys: str) -> str:
        place = next((named[key] for key in keys if key in named), None)
        return shown(cells[place]).strip()[:60] if place is not None and place < len(cells) else ""

    first, last = text("nome", "firstname"), text("cognome", "surname", "lastname")
    if first and last:
        return f"{first.title()} {last[:1].upper()}."
    return (first or last or text("nominativo", "cognomeenome", "nomeecognome", "nomecognome", "cognomenome")).title()
