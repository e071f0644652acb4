"""What a clerk changes in a checked batch: cells, columns, rows left out or moved to a draft of their own.

Every change holds the batch's row until it is committed, so that two clerks at once lose nothing; it moves the counters
by what it changes, and `changed_at`, so that nothing is submitted that has changed meanwhile.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from messaging.batches import asking, checking, counters, folders, judging, plans, uploads
from messaging.batches.cells import cleaned, decode, encode
from messaging.delivery import batches
from messaging.delivery.wake import wake_batch
from messaging.enums import BatchStatus, RowState
from messaging.models import Batch, BatchChange, BatchFilePart, BatchRow, RememberedColumn, User
from messaging.spreadsheets.cells import text_cell
from messaging.spreadsheets.columns import column_labels
from messaging.spreadsheets.duplicates import DuplicateFinder
from messaging.spreadsheets.rows import CheckedRow

#: In place of a field: the cells beyond the header may go.
SURPLUS = ""

_TOGETHER = 200
_JUDGED = ("cells", *checking.JUDGED)
_COMPARED = ("state", "problems", "warnings", "reachability", "ask_at", "leased_by")
_COPIED = (
    *("service", "template", "corrects", "kind", "subject", "body", "buttons", "feature_level"),
    *("require_secure_channels", "invalid_after_due_date", "payee", "reference", "filename", "sheet_name"),
    *("header", "columns", "folder_name", *plans.REMOTE_NAMES),
)


class NoLongerOpen(Exception):
    """The batch can no longer be changed: it is being checked, waits for approval, has left, or was discarded."""


class CannotChange(Exception):
    """The change makes no sense; ``code`` is one of no_such_column (``field``), nothing_wrong."""

    def __init__(self, code: str, field: str = "") -> None:
        super().__init__(code)
        self.code = code
        self.field = field


def correct(batch: Batch, person: User, typed: Mapping[int, Mapping[str, str]]) -> dict[int, list[dict[str, Any]]]:
    """Put what a clerk typed into cells, by row number and by field or placeholder key, and judge those rows again.

    Rows left out or moved are not touched. Returns the problems of those that are still wrong, by number.
    """
    with _held(batch, person) as held:
        rows = list(_rows(held).filter(number__in=list(typed), state__in=counters.LIVE))
        for row in rows:
            _type_in(row, typed[row.number], held)
        _judge_again(held, rows)
    wrong = _rows(batch).filter(number__in=list(typed), state=RowState.WRONG)
    return dict(wrong.values_list("number", "problems"))


def exclude(batch: Batch, person: User, numbers: Iterable[int]) -> int:
    """Leave rows out: nothing is sent for them. Returns how many."""
    with _held(batch, person) as held:
        return _leave_out(held, _rows(held).filter(number__in=list(numbers), state__in=counters.LIVE))


def exclude_all_wrong(batch: Batch, person: User) -> int:
    """Leave out all rows that are wrong. Returns how many."""
    with _held(batch, person) as held:
        # None of the others is what it is because of a wrong row: duplicates point to the first, which is not wrong.
        return _take_wrong(held, RowState.EXCLUDED)


def include(batch: Batch, person: User, numbers: Iterable[int]) -> None:
    """Take back rows that were left out, as their cells make them now."""
    with _held(batch, person) as held:
        rows = list(_rows(held).filter(number__in=list(numbers), state=RowState.EXCLUDED))
        _judge_again(held, rows)


def split_off_wrong(batch: Batch, person: User) -> Batch:
    """Move the wrong rows to a new draft with the same text and columns, to be put right later; returns it.

    In the old batch they stay as moved, so that its rows still add up. Their problems stay with them until somebody
    corrects them, duplicates of rows in the old batch too.
    """
    with _held(batch, person) as held:
        if not held.rows_wrong:
            raise CannotChange("nothing_wrong")
        count = held.rows_wrong
        draft = Batch(
            **{name: getattr(held, name) for name in _COPIED},
            author=person,
            name=_("%(name)s, righe da correggere") % {"name": held.name[:70]},
            rows_total=count,
            rows_wrong=count,
        )
        draft.save()
        for group in _in_groups(_rows(held).filter(state=RowState.WRONG)):
            BatchRow.objects.bulk_create(_copy(row, draft) for row in group)
        if held.has_attachments:
            # A name that was mistyped may mean any file that no other row names.
            folders.copy(held, draft, besides=folders.keys_of_others(held, RowState.WRONG))
        _take_wrong(held, RowState.MOVED)
        # Nothing is left to be checked: these rows are wrong, and why stands in them.
        batches.move(draft, BatchStatus.CHECKING, actor=person)
        batches.move(draft, BatchStatus.NEEDS_ATTENTION, actor=person, progress=1000)
    return draft


def set_columns(batch: Batch, person: User, chosen: Mapping[str, int], *, remember: bool = True) -> None:
    """Match fields and placeholder keys to columns, by their place from 0, and check again.

    With ``remember`` the next file for the template with such a header needs no hand. Raises CannotChange for a column
    that the file does not have.
    """
    with _held(batch, person) as held:
        labels = column_labels(held.header)
        for field, place in chosen.items():
            if not 0 <= place < len(labels):
                raise CannotChange("no_such_column", field)
            held.columns[field] = place
            if remember and held.template_id is not None:
                RememberedColumn.objects.update_or_create(
                    template_id=held.template_id, field=field[:100], defaults={"header": labels[place][:200]}
                )
        _check_again(held, person, columns=held.columns)


def add_folder(batch: Batch, person: User, folder: uploads.Folder) -> None:
    """Add the PDFs of a zip, in place of those with the same names, and judge all rows again in the background.

    Raises FolderProblem, and changes nothing.
    """
    before = Batch.objects.values("status", "problem").get(pk=batch.pk)
    with _held(batch, person) as held:
        # From here on nothing is sent of it, and nobody checks it before the folder is there.
        _check_again(held, person, **uploads.reserved())
    try:
        # Not within the transaction: the storage may be far away.
        uploads.store_folder(batch, folder)
    except BaseException:
        batches.move(batch, BatchStatus(before["status"]), actor=person, problem=before["problem"], **uploads.free())
        raise


def recheck(batch: Batch, person: User) -> None:
    """Check all rows again in the background, as when the service's rules have changed, or after a full disk."""
    with _held(batch, person) as held:
        _check_again(held, person)


def discard(batch: Batch, person: User) -> None:
    """Give up a batch that was not submitted; its file goes at once."""
    with transaction.atomic():
        held = _lock(batch)
        if held.status not in {BatchStatus.UPLOADED, BatchStatus.CHECKING, *batches.OPEN}:
            raise NoLongerOpen
        asking.stop(held)
        BatchFilePart.objects.filter(batch=held).delete()
        batches.move(held, BatchStatus.CANCELLED, actor=person)
    folders.forget_of_discarded(held)
    _follow(batch, held)


# Holding the batch


@contextmanager
def _held(batch: Batch, person: User) -> Iterator[Batch]:
    """The batch as it is now, held until the change is committed; then status, record and the caller's copy follow."""
    with transaction.atomic():
        held = _lock(batch)
        if held.status not in batches.OPEN:
            raise NoLongerOpen
        yield held
        held.refresh_from_db(fields=counters.COLUMNS)
        if held.status in batches.OPEN and not held.problem:
            _move_to(held, counters.status_for(held), person)
    _follow(batch, held)


def _lock(batch: Batch) -> Batch:
    batches_ = Batch.objects.select_for_update(of=("self",))
    return batches_.select_related("service__institution__account", "author", "template").get(pk=batch.pk)


def _move_to(held: Batch, status: BatchStatus, person: User) -> None:
    if held.status != status:
        batches.move(held, status, actor=person)
        return
    held.changed_at = timezone.now()
    Batch.objects.filter(pk=held.pk).update(changed_at=held.changed_at)
    # Who changed a batch is no second person for it (permissions.batches_to_approve), and one step says so.
    if held.author_id != person.pk:
        step = {"batch": held, "actor": person, "to_status": status, "note": ""}
        if not BatchChange.objects.filter(**step).exists():
            BatchChange.objects.create(**step, from_status=status, at=held.changed_at)


def _follow(batch: Batch, held: Batch) -> None:
    for name in (*counters.COLUMNS, "status", "changed_at", "progress", "problem", "columns"):
        setattr(batch, name, getattr(held, name))


def _check_again(held: Batch, person: User, **columns: Any) -> None:
    asking.stop(held)
    if held.rows_total:
        # The rows are what counts from now on, with the clerk's corrections; the file says what it was before them.
        BatchFilePart.objects.filter(batch=held).delete()
    batches.move(held, BatchStatus.CHECKING, actor=person, problem={}, progress=0, **columns)
    wake_batch(held.pk)


# Rows


def _rows(batch: Batch) -> QuerySet[BatchRow]:
    return BatchRow.objects.filter(batch=batch).order_by("number")


def _in_groups(rows: QuerySet[BatchRow]) -> Iterator[list[BatchRow]]:
    last = -1
    while group := list(rows.filter(number__gt=last)[: checking.GROUP]):
        last = group[-1].number
        yield group


def _type_in(row: BatchRow, typed: Mapping[str, str], batch: Batch) -> None:
    cells = decode(row.cells)
    if SURPLUS in typed:
        del cells[len(batch.header) :]
    for field, text in typed.items():
        if field in batch.columns:
            cells[batch.columns[field]] = text_cell(text)
    row.cells = encode(cleaned(cells))


def _judge_again(held: Batch, rows: list[BatchRow]) -> None:
    """Judge rows by themselves, then those with which they have, or had, the content in common."""
    if not rows:
        return
    before, keys = counters.count(rows), {row.content_key for row in rows}
    judging.Judge(held).judge(rows, None)
    BatchRow.objects.bulk_update(rows, _JUDGED, batch_size=_TOGETHER)
    _change(held, counters.difference(before, counters.count(rows)))
    _compare(held, keys | {row.content_key for row in rows})


def _leave_out(held: Batch, rows: Iterable[BatchRow]) -> int:
    rows = list(rows)
    before = counters.count(rows)
    for row in rows:
        row.state = RowState.EXCLUDED
        judging.forget_reachability(row)
    BatchRow.objects.bulk_update(rows, ["state", "reachability", "ask_at", "leased_by"], batch_size=_TOGETHER)
    _change(held, counters.difference(before, counters.count(rows)))
    _compare(held, {row.content_key for row in rows})
    return len(rows)


def _take_wrong(held: Batch, state: RowState) -> int:
    count = _rows(held).filter(state=RowState.WRONG).order_by().update(state=state)
    _change(held, {"rows_wrong": -count, f"rows_{state}": count})
    return count


def _compare(held: Batch, keys: Collection[str]) -> None:
    """Say again which of the rows with these contents are duplicates; of each content the first row is the one."""
    rows = _rows(held).filter(content_key__in=[key for key in keys if key], state__in=counters.LIVE)
    changed, finder = [], DuplicateFinder()
    change: Counter[str] = Counter()
    for row in rows.defer("cells"):
        # Rows with a content have no problem of their own: whatever is in them comes from their likes.
        alike = CheckedRow(row.number, str(row.recipient_id), notice_number=row.notice_number or row.content_key)
        finder.add(alike)
        problems = [{**judging.stored(found), "shown": row.notice_number} for found in alike.problems]
        own = [warning for warning in row.warnings if warning["code"] != "same_notice"]
        warnings = own + [judging.stored(found) for found in alike.warnings]
        if problems == row.problems and warnings == row.warnings:
            continue
        before = counters.count([row])
        row.problems, row.warnings = problems, warnings
        judging.set_state(row)
        change.update(counters.difference(before, counters.count([row])))
        changed.append(row)
    BatchRow.objects.bulk_update(changed, _COMPARED, batch_size=_TOGETHER)
    _change(held, change)


def _change(held: Batch, change: Mapping[str, int]) -> None:
    if columns := counters.added(change):
        Batch.objects.filter(pk=held.pk).update(**columns)


def _copy(row: BatchRow, draft: Batch) -> BatchRow:
    return BatchRow(
        batch=draft,
        number=row.number,
        cells=row.cells,
        state=RowState.WRONG,
        problems=row.problems,
        warnings=row.warnings,
        recipient_id=row.recipient_id,
    )
