"""The rows of a sending, page by page under their spreadsheet numbers: every filter is served by an index."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from django.db import connection
from django.db.models import QuerySet

from messaging.batches.progress import ALL, Filter, pending_filter
from messaging.enums import RowState
from messaging.models import Batch, BatchRow, Message, Recipient

PAGE = 50
_COLUMNS = (
    "public_id", "batch", "row", "status", "changed_at", "io_id", "refusal_cause", "refusal_owner", "read_status",
    "payment_status", "seen_at", "paid_at", "has_remote_content", "feature_level",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Line:
    """A row of the file with the message that it became, if it did."""

    row: BatchRow
    message: Message | None


@dataclass(frozen=True, slots=True)
class RowPage:
    """Some rows in the order of the file, and the numbers before and after which the others stand."""

    lines: list[Line]
    before: int | None
    after: int | None


def page(batch: Batch, wanted: Filter, *, after: int = 0, before: int | None = None, size: int = PAGE) -> RowPage:
    """The first rows after a number, or the last ones before one."""
    if before is not None:
        lines = lines_before(batch, wanted, before, size + 1)
        if len(lines) <= size:
            return page(batch, wanted, size=size)
        lines = lines[1:]
        return RowPage(lines, lines[0].row.number, lines[-1].row.number)
    lines = lines_after(batch, wanted, after, size + 1)
    if not lines and after:
        return page(batch, wanted, size=size)
    more, lines = len(lines) > size, lines[:size]
    return RowPage(lines, lines[0].row.number if after else None, lines[-1].row.number if more else None)


def lines_after(batch: Batch, wanted: Filter, after: int, limit: int) -> list[Line]:
    """Up to ``limit`` rows with numbers above ``after``."""
    if wanted is ALL:
        rows = BatchRow.objects.filter(batch=batch, number__gt=after).select_related("recipient").order_by("number")
        return _joined(batch, list(rows[:limit]))
    return lines_of(batch, _numbers(batch, wanted, {"gt": after}, limit, descending=False))


def lines_before(batch: Batch, wanted: Filter, before: int, limit: int) -> list[Line]:
    """Up to ``limit`` rows with numbers below ``before``, the highest of them."""
    return lines_of(batch, _numbers(batch, wanted, {"lt": before}, limit, descending=True))


def all_lines(batch: Batch, wanted: Filter, group: int = 1_000) -> Iterator[Line]:
    """Every row of a filter once, however many, without holding more than a group of them."""
    after = 0
    while lines := lines_after(batch, wanted, after, group):
        yield from lines
        after = lines[-1].row.number


def lines_of_person(batch: Batch, recipient: Recipient) -> list[Line]:
    """The rows that name this person."""
    rows = BatchRow.objects.filter(recipient=recipient, batch=batch).select_related("recipient").order_by("number")
    return _joined(batch, list(rows[:PAGE]))


def lines_of(batch: Batch, numbers: Iterable[int]) -> list[Line]:
    """The rows with these numbers."""
    rows = BatchRow.objects.filter(batch=batch, number__in=list(numbers)).select_related("recipient")
    return _joined(batch, list(rows.order_by("number")))


def _joined(batch: Batch, rows: list[BatchRow]) -> list[Line]:
    numbers = [row.number for row in rows]
    messages = Message.objects.filter(batch=batch, row__in=numbers).only(*_COLUMNS)
    by_row = {message.row: message for message in messages}
    return [Line(row, by_row.get(row.number)) for row in rows]


def _numbers(batch: Batch, wanted: Filter, bound: dict[str, int], limit: int, *, descending: bool) -> list[int]:
    """The numbers of the rows: one look into an index for each status, all in one query."""
    looks: list[QuerySet[Any, int]] = []

    def look(found: QuerySet[Any], column: str) -> None:
        bounded = found.filter(**{f"{column}__{sign}": number for sign, number in bound.items()})
        ordered = bounded.order_by(f"-{column}" if descending else column)
        looks.append(ordered.values_list(column, flat=True)[:limit])

    if wanted is ALL:
        look(BatchRow.objects.filter(batch=batch), "number")
    elif wanted.state is not None:
        look(BatchRow.objects.filter(batch=batch, state=wanted.state), "number")
    for status in wanted.statuses:
        look(Message.objects.filter(batch=batch, status=status), "row")
    if wanted.key == pending_filter(batch):
        pending = BatchRow.objects.filter(batch=batch, state=RowState.GOOD, number__gt=batch.expanded_to)
        look(pending, "number")
    # A row may be found twice while it becomes a message.
    return sorted(set(_together(looks)), reverse=descending)[:limit]


def _together(looks: list[QuerySet[Any, int]]) -> list[int]:
    """What all of them find. Django refuses a union of limited queries on SQLite, which takes them as sub-selects."""
    parts: list[str] = []
    values: list[Any] = []
    for place, look in enumerate(looks):
        statement, parameters = look.query.sql_with_params()
        parts.append(f"SELECT * FROM ({statement}) part{place}")  # noqa: S608 - Django's own statement
        values += parameters
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(parts), values)
        return [number for (number,) in cursor.fetchall()]
