"""A sending's report: the columns of the file as they came, and beside them what became of each row."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

from django.utils.translation import gettext as _

from messaging.batches.cells import decode
from messaging.batches.fates import fate
from messaging.batches.listing import all_lines
from messaging.batches.progress import Filter
from messaging.delivery.tally import ROME
from messaging.models import Batch
from messaging.spreadsheets import outcomes
from messaging.spreadsheets.cells import Cell


def header(batch: Batch) -> list[str]:
    """The file's own header, the row's number in it, and four columns of ours."""
    ours = [_("riga del foglio"), _("esito"), _("cosa è successo"), _("ora"), _("codice IO")]
    return [*map(str, batch.header), *ours]


def rows(batch: Batch, wanted: Filter) -> Iterator[list[Cell]]:
    """Each row of the filter once, in the order of the file.

    Cells beyond the header, which only a wrong row has, are left out: our columns would no longer stand under theirs.
    """
    width = len(batch.header)
    for line in all_lines(batch, wanted):
        cells = decode(line.row.cells)[:width]
        cells += [None] * (width - len(cells))
        told = fate(batch, line)
        at = told.at.astimezone(ROME).replace(microsecond=0, tzinfo=None) if told.at else None
        yield [*cells, line.row.number, told.label, told.text, at, told.io_id or None]


def csv_pieces(batch: Batch, wanted: Filter) -> Iterator[bytes]:
    """The report as CSV, piece by piece."""
    return outcomes.csv_pieces(header(batch), rows(batch, wanted))


def write_xlsx(out: BinaryIO, batch: Batch, wanted: Filter) -> None:
    """The report as XLSX, no more than a group of rows in memory."""
    outcomes.write_xlsx(out, header(batch), rows(batch, wanted), sheet=_("Rapporto"))
