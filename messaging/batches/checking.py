"""The check of a batch in the background: its file becomes rows, each good, wrong or sent before.

Group by group, each with its counters in one transaction, so that the page shows true figures meanwhile. Interrupted,
it begins anew and does no harm.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from itertools import islice
from typing import Any

from django.conf import settings
from django.db import OperationalError, transaction
from django.db.models import QuerySet
from django.utils import timezone

from messaging.batches import counters, folders, plans, uploads
from messaging.batches.cells import cleaned, encode, storable
from messaging.batches.inserting import insert
from messaging.batches.judging import Judge
from messaging.delivery import batches
from messaging.delivery.notices import tell
from messaging.documents.problems import FolderProblem
from messaging.enums import BatchStatus, NoticeKind
from messaging.models import Batch, BatchRow, RememberedColumn
from messaging.remote import attachments, room
from messaging.spreadsheets.cells import Cell
from messaging.spreadsheets.columns import Matching, column_labels, match_columns
from messaging.spreadsheets.duplicates import DuplicateFinder
from messaging.spreadsheets.problems import FileProblem
from messaging.spreadsheets.reading import open_sheet

GROUP = 2_000
#: The problem of the folder of attachments; its parameters are the folder's own code and parameters.
FOLDER = "folder"
#: Whoever waited so long for a check may have gone on to something else, and gets an e-mail.
LONG = timedelta(seconds=20)
#: All that a check writes into a row that was there before.
JUDGED = (
    *("state", "problems", "warnings", "recipient", "amount", "notice_number", "due_date"),
    *("content_key", "repeats", "reachability", "ask_at", "leased_by"),
)


class _Lost(Exception):
    """The batch is no longer ours to check: it was discarded, or another worker has taken it over."""


def check(batch: Batch, should_stop: Callable[[], bool]) -> None:
    """Check an uploaded batch until it is ready or needs attention; stopped between two groups it is left as it is.

    ``should_stop`` is asked before each group.
    """
    if batch.status == BatchStatus.UPLOADED:
        batches.move(batch, BatchStatus.CHECKING, progress=0)
    if batch.status != BatchStatus.CHECKING:
        return
    try:
        if code := uploads.what_keeps(batch, batch.service):
            _set_aside(batch, {"code": code, "params": {}})
        elif _has_files(batch, should_stop):
            _check(batch, should_stop)
    except _Lost:
        folders.forget_of_discarded(batch)
    except FolderProblem as problem:
        _set_aside(batch, {"code": FOLDER, "params": {"code": problem.code, "params": problem.params}})
    except FileProblem as problem:
        _refuse(batch, problem.code, **problem.params)
    except (OSError, OperationalError) as error:
        if not room.is_full(error):
            raise
        _refuse(batch, "no_room")


def _has_files(batch: Batch, should_stop: Callable[[], bool]) -> bool:
    """Take the files out of the folder that came with the spreadsheet; False when stopped before all were."""
    if not batch.folder:
        return True

    def tell(share: float) -> None:
        _ours(batch).update(progress=int(share * 1000))

    attachments.take_folder(batch, batch.author, lambda: not should_stop() and _ours(batch).exists(), tell)
    if not _ours(batch).exists():
        raise _Lost
    return not batch.folder


def _check(batch: Batch, should_stop: Callable[[], bool]) -> None:
    if batch.file_parts.exists():
        _check_file(batch, should_stop)
    else:
        check_rows(batch, should_stop)


def check_rows(batch: Batch, should_stop: Callable[[], bool]) -> None:
    """Check a batch without a file from its rows; those left out or moved away stay so."""
    if not _begin(batch, batch.header):
        return
    judge, duplicates = Judge(batch), DuplicateFinder()
    done = 0
    for group in _groups_of(batch):
        if should_stop():
            return
        done += len(group)
        live = [row for row in group if row.state in counters.LIVE]
        before = counters.count(live)
        judge.judge(live, duplicates)
        for row in live:
            # Without its id a row is found again by its number (unique_fields).
            row.pk = None
        progress = done * 1000 // max(done, batch.rows_total)
        with _counted(batch, min(999, progress), counters.difference(before, counters.count(live))):
            BatchRow.objects.bulk_create(
                live, update_conflicts=True, unique_fields=["batch", "number"], update_fields=JUDGED
            )
    _finish(batch)


def _groups_of(batch: Batch) -> Iterator[list[BatchRow]]:
    last = -1
    while group := list(BatchRow.objects.filter(batch=batch, number__gt=last).order_by("number")[:GROUP]):
        last = group[-1].number
        yield group


def _check_file(batch: Batch, should_stop: Callable[[], bool]) -> None:
    with uploads.as_path(batch) as path:
        sheet = open_sheet(path, batch.filename, max_rows=settings.SPREADSHEET_MAX_ROWS, max_bytes=uploads.max_bytes())
        header = [storable(name) for name in sheet.header]
        if not _begin(batch, header, anew=True, sheet_name=storable(sheet.name)[:255]):
            return
        judge, duplicates = Judge(batch), DuplicateFinder()
        rows = sheet.rows()
        while group := list(islice(rows, GROUP)):
            if should_stop():
                return
            _add(batch, judge, duplicates, group, min(999, int(sheet.fraction * 1000)))
    _finish(batch)


def _add(
    batch: Batch,
    judge: Judge,
    duplicates: DuplicateFinder,
    group: Sequence[tuple[int, list[Cell]]],
    progress: int,
) -> None:
    cells = [cleaned(values) for _, values in group]
    rows = [
        BatchRow(batch_id=batch.pk, number=number, cells=encode(values))
        for (number, _), values in zip(group, cells, strict=True)
    ]
    judge.judge(rows, duplicates, cells)
    with _counted(batch, progress, counters.count(rows)):
        insert(rows)


@contextmanager
def _counted(batch: Batch, progress: int, change: Mapping[str, int]) -> Iterator[None]:
    """A transaction that begins with the counters and so holds the batch; raises _Lost when it is no longer ours."""
    with transaction.atomic():
        if not _ours(batch).update(progress=progress, **counters.added(change)):
            raise _Lost
        yield


def _ours(batch: Batch) -> QuerySet[Batch]:
    return Batch.objects.filter(pk=batch.pk, status=BatchStatus.CHECKING, worked_by=batch.worked_by)


def _begin(batch: Batch, header: list[str], *, anew: bool = False, **columns: Any) -> bool:
    """Match the columns and keep them; with ``anew`` rows of an earlier run go. False when somebody must match some."""
    matching, names = match(batch, header)
    columns |= {"header": header, "columns": matching.columns, "problem": {}, "progress": 0}
    if anew:
        columns |= counters.none()
    with transaction.atomic():
        if not _ours(batch).update(**columns):
            raise _Lost
        if anew:
            BatchRow.objects.filter(batch=batch).delete()
    for name, value in columns.items():
        setattr(batch, name, value)
    if not matching.problems:
        return True
    problems = [
        {"field": found.field, "code": found.code, "params": dict(found.params), "name": names.get(found.field, "")}
        for found in matching.problems
    ]
    batches.move(batch, BatchStatus.NEEDS_ATTENTION, problem={"code": "columns", "params": {"problems": problems}})
    return False


def match(batch: Batch, header: list[str]) -> tuple[Matching, dict[str, str]]:
    """Which field is in which column, and the placeholders' names as the text has them.

    What was chosen by hand for this batch wins, then what is remembered for its template.
    """
    text = plans.text_of(batch)
    labels = column_labels(header)
    remembered = RememberedColumn.objects.filter(template=batch.template_id).values_list("field", "header")
    chosen = {field: labels[place] for field, place in batch.columns.items() if header == batch.header}
    matching = match_columns(header, plans.rules_of(batch).wanted(text), {**dict(remembered), **chosen})
    return matching, {found.key: found.name for found in text.placeholders}


def _finish(batch: Batch) -> None:
    began = batch.changed_at
    batch.refresh_from_db(fields=counters.COLUMNS)
    with transaction.atomic():
        moved = batches.move(batch, counters.status_for(batch), progress=1000)
        if moved and timezone.now() - began > LONG:
            tell([batch.author], NoticeKind.BATCH_CHECKED, batch.service)


def _set_aside(batch: Batch, problem: dict[str, Any]) -> None:
    """Keep what keeps the whole batch from being sent, beside file and rows, which serve again when it is gone."""
    with transaction.atomic():
        if not _ours(batch).exists():
            raise _Lost
        batches.move(batch, BatchStatus.NEEDS_ATTENTION, problem=problem)


def _refuse(batch: Batch, code: str, **params: object) -> None:
    """Keep what is wrong with the whole file, and none of its rows."""
    problem = {"code": code, "params": params}
    with transaction.atomic():
        if _ours(batch).update(progress=0, **counters.none()):
            BatchRow.objects.filter(batch=batch).delete()
            batches.move(batch, BatchStatus.NEEDS_ATTENTION, problem=problem)
