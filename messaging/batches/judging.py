"""Rows of a batch, read and judged group by group: their state, their person, and whether they were sent before."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import date
from typing import Any

from django.conf import settings

from messaging.batches import plans
from messaging.batches.cells import decode, storable
from messaging.batches.repeats import RepeatFinder
from messaging.enums import RowState
from messaging.models import Batch, BatchRow, Recipient
from messaging.spreadsheets.cells import Cell
from messaging.spreadsheets.duplicates import DuplicateFinder
from messaging.spreadsheets.rows import CellProblem, CheckedRow, check_row


class Judge:
    """Judges the rows of one batch whose columns are matched."""

    def __init__(self, batch: Batch) -> None:
        self._batch = batch
        self._plan = plans.plan_of(batch)
        self._repeats = RepeatFinder(batch, self._plan)
        self._key = hashlib.blake2b(settings.SECRET_KEY.encode()).digest()

    def judge(
        self,
        rows: Sequence[BatchRow],
        duplicates: DuplicateFinder | None,
        cells: Sequence[Sequence[Cell]] | None = None,
    ) -> None:
        """Write into rows what their cells make of them. Saves the people, and not the rows.

        ``duplicates`` has seen the rows before these; without it a duplicate is not looked for. ``cells`` are those of
        the rows, where they need not be decoded. Never inside a transaction that another one may wait for.
        """
        given = cells if cells is not None else [decode(row.cells) for row in rows]
        plans.look_up_files(self._plan, given)
        checked = [check_row(row.number, values, self._plan) for row, values in zip(rows, given, strict=True)]
        keys = [self._content_key(found) for found in checked]
        if duplicates is not None:
            for found in checked:
                duplicates.add(found)
        people = recipient_ids(self._batch, {found.fiscal_code for found in checked if found.fiscal_code})
        repeats = self._repeats.find(found for found in checked if found.is_good)
        for row, found, key in zip(rows, checked, keys, strict=True):
            row.content_key = key
            row.repeats_id = repeats.get(found.number)
            _write(row, found, people.get(found.fiscal_code or ""))

    def _content_key(self, row: CheckedRow) -> str:
        """The same for rows that `DuplicateFinder` compares: one notice number, or one content to one person."""
        if row.problems or row.fiscal_code is None:
            return ""
        said = row.notice_number or repr((row.fiscal_code, row.due_date, *row.values.values()))
        return hashlib.blake2b(said.encode("utf-8", "surrogatepass"), digest_size=16, key=self._key).hexdigest()


def _write(row: BatchRow, found: CheckedRow, recipient_id: int | None) -> None:
    if row.recipient_id != recipient_id:
        row.recipient_id = recipient_id
        row.reachability = ""
    row.amount, row.notice_number, row.due_date = found.amount, found.notice_number or "", found.due_date
    row.problems = [stored(problem) for problem in found.problems]
    row.warnings = [stored(problem) for problem in found.warnings]
    set_state(row)


def set_state(row: BatchRow) -> None:
    """The state that follows from a row's problems and repeats; of one that is not good nobody is asked about."""
    row.state = RowState.WRONG if row.problems else RowState.REPEATED if row.repeats_id else RowState.GOOD
    if row.state != RowState.GOOD:
        forget_reachability(row)


def forget_reachability(row: BatchRow) -> None:
    """The person of a row is not to be asked about, and what was answered no longer counts."""
    row.reachability, row.ask_at, row.leased_by = "", None, ""


def stored(problem: CellProblem) -> dict[str, Any]:
    """A problem as a row keeps it."""
    params = {name: _storable(value) for name, value in problem.params.items()}
    shown = _storable(problem.value_shown)
    return {"field": problem.field, "code": problem.code, "params": params, "shown": shown}


def _storable(value: object) -> Any:
    if isinstance(value, str):
        return storable(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, list | tuple):
        return [_storable(item) for item in value]
    return value


def recipient_ids(batch: Batch, codes: set[str]) -> dict[str, int]:
    """The ids of the institution's people with these fiscal codes; those not known yet are made."""
    people = Recipient.objects.filter(institution=batch.service.institution_id)

    def known(wanted: set[str]) -> dict[str, int]:
        return dict(people.filter(fiscal_code__in=wanted).values_list("fiscal_code", "pk")) if wanted else {}

    ids = known(codes)
    missing = codes - ids.keys()
    # In one order, so that two files with the same people do not wait for each other.
    Recipient.objects.bulk_create(
        (Recipient(institution_id=batch.service.institution_id, fiscal_code=code) for code in sorted(missing)),
        ignore_conflicts=True,
    )
    return ids | known(missing)
