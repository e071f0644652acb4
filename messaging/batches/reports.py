"""A sending's report: the columns of the file as they came, and beside them what became of each row."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import BinaryIO

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy

from messaging.batches.cells import decode
from messaging.batches.fates import fate
from messaging.batches.listing import all_lines
from messaging.batches.progress import Filter
from messaging.delivery.tally import ROME
from messaging.enums import FeatureLevel
from messaging.models import Batch, Message
from messaging.spreadsheets import outcomes
from messaging.spreadsheets.cells import Cell

#: IO's words, in ours; where it gives none, nobody can say.
_UNKNOWN = lazy("non disponibile")
_READ = {"READ": lazy("sì"), "UNREAD": lazy("no")}
_PAID = {"PAID": lazy("sì"), "NOT_PAID": lazy("no")}


def header(batch: Batch) -> list[str]:
    """The file's own header, the row's number in it, and our columns; read and paid only where one may be told."""
    ours = [_("riga del foglio"), _("esito"), _("cosa è successo"), _("ora"), _("codice IO")]
    if _is_followed(batch):
        ours += [_("aperto o letto il"), _("letto, dice IO"), _("pagato, dice IO"), _("pagato, saputo il")]
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
        ours: list[Cell] = [line.row.number, told.label, told.text, _time(told.at), told.io_id or None]
        yield [*cells, *ours, *(_followed(line.message) if _is_followed(batch) else ())]


def _is_followed(batch: Batch) -> bool:
    """Whether anything is known of opening, reading or paying its messages."""
    return batch.has_remote_content or batch.feature_level == FeatureLevel.ADVANCED


def _followed(message: Message | None) -> list[Cell]:
    if message is None:
        return [None] * 4
    told = message.feature_level == FeatureLevel.ADVANCED
    read = _READ.get(message.read_status, _UNKNOWN) if told else _UNKNOWN
    paid = _PAID.get(message.payment_status, _UNKNOWN) if told else _UNKNOWN
    return [_time(message.seen_at), str(read), str(paid), _time(message.paid_at)]


def _time(moment: datetime | None) -> datetime | None:
    return moment.astimezone(ROME).replace(microsecond=0, tzinfo=None) if moment else None


def csv_pieces(batch: Batch, wanted: Filter) -> Iterator[bytes]:
    """The report as CSV, piece by piece."""
    return outcomes.csv_pieces(header(batch), rows(batch, wanted))


def write_xlsx(out: BinaryIO, batch: Batch, wanted: Filter) -> None:
    """The report as XLSX, no more than a group of rows in memory."""
    outcomes.write_xlsx(out, header(batch), rows(batch, wanted), sheet=_("Rapporto"))
