"""The raw SQL of the delivery loop: one statement for a group of rows, in the dialects of PostgreSQL and SQLite.

Rows travel as arrays (``unnest``) on PostgreSQL and as one JSON text (``json_each``) on SQLite. Names in the arguments
are those of Django's fields; a foreign key takes ids.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import Enum
from functools import cache
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import connection, models
from django.db.models.base import ModelState

from messaging.enums import BatchStatus, Lane, Status
from messaging.models import Batch, Message, Recipient, Service

#: Stands for "no message" where the lowest id is kept: it is never the lowest.
NO_MESSAGE = 2**62

#: What goes to the database as it is, most of what does.
_PLAIN = frozenset({int, str, type(None)})

Columns = Mapping[str, Any]
Lists = Mapping[str, Sequence[Any]]


@dataclass(frozen=True, slots=True)
class Waiting:
    """A queryset on one table, compiled once; ``due`` is the column that says when a row's time comes."""

    model: type[models.Model]
    due: str
    sql: str
    params: tuple[Any, ...]

    @classmethod
    def of(cls, rows: models.QuerySet[Any], due: str) -> Waiting | None:
        """Compile a queryset with at least one condition; None when it can never find anything."""
        try:
            sql, params = rows.order_by().values_list("id", flat=True).query.sql_with_params()
        except EmptyResultSet:
            return None
        return cls(rows.model, due, sql, params)


def lease(waiting: Waiting, now: datetime, until: datetime, holder: str, most: int, names: Sequence[str]) -> list[Any]:
    """Take up to ``most`` rows that are due, the oldest first: ``due`` moves on, ``leased_by`` is the holder.

    Rows that another process is just taking are passed over. Returns the rows with these fields, by id.
    """
    table, due = _table(waiting.model), f"{_table(waiting.model)}.{_column(waiting.model, waiting.due)}"
    sql = f"{waiting.sql} AND {due} <= %s ORDER BY {due}, {table}.id LIMIT %s"
    params = [*waiting.params, _value(now), most]
    columns = ", ".join(f"{table}.{column}" for column in _columns(waiting.model, ("id", *names)))
    assignments = f"{_column(waiting.model, waiting.due)} = %s, leased_by = %s"
    if _on_postgresql():
        # MATERIALIZED: a sub-select with LIMIT may otherwise run twice, and take more.
        statement = (
            f"WITH due (id) AS MATERIALIZED ({sql} FOR NO KEY UPDATE OF {table} SKIP LOCKED)"  # noqa: S608
            f" UPDATE {table} SET {assignments} FROM due WHERE {table}.id = due.id RETURNING {columns}"
        )
        params = [*params, _value(until), holder]
    else:
        # A look first: mostly nothing is due, and only a writer waits for other writers.
        if not _ids(sql, params):
            return []
        statement = f"UPDATE {table} SET {assignments} WHERE id IN ({sql}) RETURNING {columns}"  # noqa: S608
        params = [_value(until), holder, *params]
    rows = [row for row, _ in _objects(waiting.model, ("id", *names), statement, params)]
    return sorted(rows, key=lambda row: row.pk)


def lock_for_sending(ids: Sequence[int], holder: str, names: Sequence[str]) -> list[tuple[Message, bool, str]]:
    """Messages with these fields that are queued, leased by the holder, and not of a batch that does not send.

    They are locked, and come by id, each with whether its service is live and the recipient's fiscal code.
    """
    if not ids:
        return []
    columns = ", ".join(f"message.{column}" for column in _columns(Message, ("id", *names)))
    lock = "FOR NO KEY UPDATE OF message" if _on_postgresql() else ""
    marks = ", ".join(["%s"] * len(ids))
    rows = _objects(
        Message,
        ("id", *names),
        f"SELECT {columns}, service.live, recipient.fiscal_code FROM {_table(Message)} AS message"  # noqa: S608
        f" JOIN {_table(Service)} AS service ON service.id = message.service_id"
        f" JOIN {_table(Recipient)} AS recipient ON recipient.id = message.recipient_id"
        f" LEFT JOIN {_table(Batch)} AS batch ON batch.id = message.batch_id"
        f" WHERE message.id IN ({marks}) AND message.status = %s AND message.leased_by = %s"
        f" AND (message.lane <> %s OR batch.status = %s) ORDER BY message.id {lock}",
        [*ids, Status.QUEUED.value, holder, Lane.BATCH.value, BatchStatus.SENDING.value],
    )
    return [(message, bool(live), code) for message, (live, code) in rows]


def update(model: type[models.Model], *, match: Lists, where: Columns, common: Columns, each: Lists) -> list[int]:
    """Update rows if they are still as they should be; returns the ids of those that were.

    ``match`` says by row, and ``where`` for all rows, what must stand in a row; ``each`` by row, and ``common`` for all
    rows, what it is set to.
    """
    table = _table(model)
    given, rows = _given(model, {f"match_{name}": (name, values) for name, values in match.items()} | _named(each))
    setting = [f"{column} = {cast}" for column, cast in _casts(model, common)]
    setting += [f"{_column(model, name)} = given.{name}" for name in each]
    conditions = [f"{table}.{_column(model, name)} = given.match_{name}" for name in match]
    conditions += [f"{table}.{column} = {cast}" for column, cast in _casts(model, where)]
    return _ids(
        f"UPDATE {table} SET {', '.join(setting)} FROM {given}"  # noqa: S608
        f" WHERE {' AND '.join(conditions)} RETURNING {table}.id",
        [*_plain(model, common), *rows, *_plain(model, where)],
    )


def insert(model: type[models.Model], *, common: Columns, each: Lists) -> list[int]:
    """Insert rows; every column that has no default in the database must be named. Returns their ids."""
    sql, params = _insert(model, common, each)
    return _ids(f"{sql} RETURNING id", params)


def insert_or_replace(model: type[models.Model], key: Sequence[str], *, common: Columns, each: Lists) -> None:
    """Insert rows; of a row that is there already with the same ``key`` the other columns are replaced."""
    sql, params = _insert(model, common, each)
    columns = [_column(model, name) for name in (*common, *each) if name not in key]
    replaced = ", ".join(f"{column} = excluded.{column}" for column in columns)
    _run(f"{sql} ON CONFLICT ({', '.join(_columns(model, key))}) DO UPDATE SET {replaced}", params)


class Script:
    """Statements of which nobody needs an answer, run in their order; on PostgreSQL in one round trip."""

    def __init__(self) -> None:
        self._statements: list[tuple[str, list[Any]]] = []

    def insert(self, model: type[models.Model], *, common: Columns, each: Lists) -> None:
        """Insert rows; every column that has no default in the database must be named."""
        self._statements.append(_insert(model, common, each))

    def add(self, model: type[models.Model], key: Sequence[str], each: Lists, *, lowest: bool) -> None:
        """Add ``count`` to counters, which are made where they are missing; ``lowest_message`` only ever goes down.

        The rows are locked in the order given.
        """
        table = _table(model)
        sql, params = _insert(model, {}, each)
        changes = f"count = {table}.count + excluded.count"
        if lowest:
            least = "least" if _on_postgresql() else "min"
            changes += f", lowest_message = {least}({table}.lowest_message, excluded.lowest_message)"
        sql += f" ON CONFLICT ({', '.join(_columns(model, key))}) DO UPDATE SET {changes}"
        self._statements.append((sql, params))

    def run(self) -> None:
        """Run them all."""
        if _on_postgresql() and self._statements:
            sql = "; ".join(sql for sql, _ in self._statements)
            self._statements = [(sql, [param for _, params in self._statements for param in params])]
        for sql, params in self._statements:
            _run(sql, params)


def _insert(model: type[models.Model], common: Columns, each: Lists) -> tuple[str, list[Any]]:
    given, rows = _given(model, _named(each))
    columns = _columns(model, (*common, *each))
    values = [*(cast for _, cast in _casts(model, common)), *(f"given.{name}" for name in each)]
    # "WHERE true": SQLite would take ON CONFLICT for the condition of a join.
    sql = f"INSERT INTO {_table(model)} ({', '.join(columns)}) SELECT {', '.join(values)} FROM {given} WHERE true"  # noqa: S608
    return sql, [*_plain(model, common), *rows]


def _named(each: Lists) -> dict[str, tuple[str, Sequence[Any]]]:
    return {name: (name, values) for name, values in each.items()}


def _given(model: type[models.Model], lists: Mapping[str, tuple[str, Sequence[Any]]]) -> tuple[str, list[Any]]:
    """A table ``given`` with these columns: alias -> (the field whose type it has, values)."""
    if _on_postgresql():
        types = ", ".join(f"%s::{_type(model, field)}[]" for field, _ in lists.values())
        return f"unnest({types}) AS given({', '.join(lists)})", [_listed(values) for _, values in lists.values()]
    columns = ", ".join(f"json_extract(value, '$[{place}]') AS {alias}" for place, alias in enumerate(lists))
    rows = json.dumps(list(zip(*(_listed(values) for _, values in lists.values()), strict=True)))
    return f"(SELECT {columns} FROM json_each(%s)) AS given", [rows]  # noqa: S608


def _casts(model: type[models.Model], columns: Columns) -> list[tuple[str, str]]:
    cast = "%s::{}" if _on_postgresql() else "%s"
    return [(_column(model, name), cast.format(_type(model, name))) for name in columns]


def _plain(model: type[models.Model], columns: Columns) -> list[Any]:
    return [_value(value) for value in columns.values()]


def _listed(values: Sequence[Any]) -> list[Any]:
    return [value if type(value) in _PLAIN else _value(value) for value in values]


def _value(value: Any) -> Any:
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, datetime):
        return connection.ops.adapt_datetimefield_value(value)
    if isinstance(value, date):
        return connection.ops.adapt_datefield_value(value)
    return value


def _field(model: type[models.Model], name: str) -> models.Field[Any, Any]:
    field = model._meta.get_field(name)
    assert isinstance(field, models.Field)
    return field


@cache
def _column(model: type[models.Model], name: str) -> str:
    column = _field(model, name).column
    assert column is not None
    return column


def _columns(model: type[models.Model], names: Sequence[str]) -> list[str]:
    return [_column(model, name) for name in names]


@cache
def _type(model: type[models.Model], name: str) -> str:
    kind = model._meta.get_field(name).db_type(connection)
    assert kind is not None
    return kind


@cache
def _table(model: type[models.Model]) -> str:
    return connection.ops.quote_name(model._meta.db_table)


def _on_postgresql() -> bool:
    return connection.vendor == "postgresql"


def _objects(
    model: type[models.Model], names: Sequence[str], sql: str, params: Sequence[Any]
) -> Iterator[tuple[Any, list[Any]]]:
    """The rows as objects with these fields, the others deferred, and what else the statement selects.

    Made as `Model.from_db` makes them, but that goes through all sixty fields of a message for each row, which costs
    twenty times as much.
    """
    fields = [_field(model, name) for name in names]
    attributes = [field.attname for field in fields]
    compiler = model._default_manager.all().query.get_compiler(connection.alias)
    converters = compiler.get_converters([field.get_col(model._meta.db_table) for field in fields])
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        rows = cursor.fetchall()
    for row in compiler.apply_converters(rows, converters):
        made = model.__new__(model)
        made._state = ModelState()
        made._state.adding, made._state.db = False, connection.alias
        vars(made).update(zip(attributes, row, strict=False))
        yield made, row[len(attributes) :]


def _ids(sql: str, params: Sequence[Any]) -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        return [row[0] for row in cursor.fetchall()]


def _run(sql: str, params: Sequence[Any]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
