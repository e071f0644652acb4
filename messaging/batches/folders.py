"""The files that came beside a spreadsheet: found by the names that rows use, and compared with what rows name."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from messaging.batches.cells import decode
from messaging.documents.names import file_key
from messaging.enums import BatchStatus, RowState
from messaging.models import Attachment, Batch, BatchAttachment, BatchRow
from messaging.remote import attachments
from messaging.spreadsheets.attached import KnownFile, names_in
from messaging.spreadsheets.cells import Cell
from messaging.spreadsheets.columns import ATTACHMENT

#: Rows whose file has to be there; one that was left out still names its own.
_NEEDING = frozenset({RowState.GOOD, RowState.WRONG, RowState.REPEATED})
_TOGETHER = 1_000


@dataclass(frozen=True, slots=True)
class FolderFile(KnownFile):
    """A file of a batch's folder, under the name that citizens will read."""

    name: str = ""
    attachment: Attachment | None = None


class FolderFiles:
    """The files of one batch, looked up as rows name them: those of a group of rows in one query."""

    def __init__(self, batch: Batch) -> None:
        self._batch = batch
        self._place = batch.columns.get(ATTACHMENT)
        self._known: dict[str, FolderFile | None] = {}

    def load(self, rows: Iterable[Sequence[Cell]]) -> None:
        """Look up what the cells of these rows name, and forget the rows before them."""
        self._known = {}
        if self._place is None:
            return
        cells = (cells[self._place] for cells in rows if self._place < len(cells))
        self._look_up({file_key(name) for cell in cells for name in names_in(cell)})

    def find(self, name: str) -> FolderFile | None:
        """The file that this name means, None when there is none."""
        key = file_key(name)
        if key not in self._known:
            self._look_up({key})
        return self._known[key]

    def _look_up(self, keys: set[str]) -> None:
        self._known |= dict.fromkeys(keys)
        wanted = sorted(keys)
        for start in range(0, len(wanted), _TOGETHER):
            found = BatchAttachment.objects.filter(batch=self._batch, key__in=wanted[start : start + _TOGETHER])
            self._known |= {file.key: _file(file) for file in found.select_related("attachment")}


def _file(row: BatchAttachment) -> FolderFile:
    digest = row.attachment.digest if row.attachment else ""
    return FolderFile(row.key, digest, row.problem, row.name, row.attachment)


def sendable(files: Iterable[KnownFile]) -> list[tuple[str, Attachment]]:
    """The names and attachments of a good row's files, in their order."""
    return [(file.name, file.attachment) for file in files if isinstance(file, FolderFile) and file.attachment]


@dataclass(slots=True)
class Comparison:
    """What rows and folder make of each other; lists of names as they are written, each once.

    ``missing``: named by a row and not there; ``surplus``: there, and named by no row; ``wrong``: of no use, with the
    problem's code and parameters. ``good``: how many files can be sent.
    """

    good: int = 0
    missing: list[str] = field(default_factory=list)
    surplus: list[str] = field(default_factory=list)
    wrong: list[BatchAttachment] = field(default_factory=list)


def compare(batch: Batch) -> Comparison:
    """Compare what the rows of a checked batch name with the files of its folder."""
    needed: dict[str, str] = {}
    named: set[str] = set()
    for state, name in _named(batch):
        key = file_key(name)
        named.add(key)
        if state in _NEEDING:
            needed.setdefault(key, name)
    found = Comparison()
    there: set[str] = set()
    files = BatchAttachment.objects.filter(batch=batch).order_by("name")
    for file in files.only("key", "name", "problem", "attachment_id").iterator(chunk_size=5_000):
        there.add(file.key)
        if file.problem:
            found.wrong.append(file)
        else:
            found.good += 1
        if file.key not in named:
            found.surplus.append(file.name)
    found.missing = [name for key, name in needed.items() if key not in there]
    return found


def _named(batch: Batch, **which: Any) -> Iterator[tuple[RowState, str]]:
    """The states of rows beside the names in their cells; only that cell is read from the database."""
    place = batch.columns.get(ATTACHMENT)
    if place is None:
        return
    rows = BatchRow.objects.filter(batch=batch, **which).exclude(state=RowState.MOVED).order_by("number")
    for state, value in rows.values_list("state", f"cells__{place}").iterator(chunk_size=5_000):
        for name in names_in(decode([value])[0]):
            yield RowState(state), name


def forget_of_discarded(batch: Batch) -> None:
    """Files and folder of a batch that was thrown away go; of any other nothing happens."""
    discarded = Batch.objects.filter(pk=batch.pk, status=BatchStatus.CANCELLED, started_at__isnull=True)
    for found in discarded.only("pk", "folder"):
        BatchAttachment.objects.filter(batch=found).delete()
        attachments.forget_folder(found)


def copy(batch: Batch, to: Batch, *, besides: Iterable[str] = ()) -> None:
    """Give another batch the same files, without those with the keys ``besides``."""
    left_out = set(besides)
    files = BatchAttachment.objects.filter(batch=batch).iterator(chunk_size=_TOGETHER)
    BatchAttachment.objects.bulk_create(
        (
            BatchAttachment(
                batch=to, key=file.key, name=file.name, attachment_id=file.attachment_id, problem=file.problem
            )
            for file in files
            if file.key not in left_out
        ),
        batch_size=_TOGETHER,
    )


def keys_of_others(batch: Batch, state: RowState) -> set[str]:
    """The keys of the files that rows in other states name, and none in this one."""
    own: set[str] = set()
    others: set[str] = set()
    for found, name in _named(batch):
        (own if found == state else others).add(file_key(name))
    return others - own
