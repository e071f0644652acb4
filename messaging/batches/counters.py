"""The counters of a batch's rows: always changed together, by the difference that a group of rows makes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from django.db.models import F

from messaging.enums import BatchStatus, ReachabilityAnswer, RowState
from messaging.models import Batch, BatchRow

COLUMNS = (
    "rows_total",
    *(f"rows_{state}" for state in RowState.values),
    "rows_warned",
    *(f"rows_{answer}" for answer in ReachabilityAnswer.values),
    "amount_total",
)
#: Rows that the clerk has neither left out nor moved away.
LIVE = (RowState.GOOD, RowState.WRONG, RowState.REPEATED)
#: Rows that may leave with a warning: those sent before go again when somebody says why.
_MAY_LEAVE = (RowState.GOOD, RowState.REPEATED)


def count(rows: Iterable[BatchRow]) -> Counter[str]:
    """What these rows add to the counters of their batch."""
    found: Counter[str] = Counter()
    for row in rows:
        found["rows_total"] += 1
        found[f"rows_{row.state}"] += 1
        if row.warnings and row.state in _MAY_LEAVE:
            found["rows_warned"] += 1
        if row.state == RowState.GOOD:
            found["amount_total"] += row.amount or 0
            if row.reachability:
                found[f"rows_{row.reachability}"] += 1
    return found


def difference(before: Mapping[str, int], after: Mapping[str, int]) -> Counter[str]:
    """What is to be added to the counters when rows that counted ``before`` now count ``after``."""
    return Counter({name: after.get(name, 0) - before.get(name, 0) for name in {*before, *after}})


def added(change: Mapping[str, int]) -> dict[str, F]:
    """The change as columns of an UPDATE."""
    return {name: F(name) + number for name, number in change.items() if number}  # type: ignore[misc]


def none() -> dict[str, int]:
    """The counters of a batch without rows, as columns of an UPDATE."""
    return dict.fromkeys(COLUMNS, 0)


def status_for(batch: Batch) -> BatchStatus:
    """Ready when nothing is wrong and something may leave, be it only what was sent before, for a reason."""
    may_leave = batch.rows_good or batch.rows_repeated
    return BatchStatus.READY if may_leave and not batch.rows_wrong else BatchStatus.NEEDS_ATTENTION
