"""Questions to the database that cost little, on a connection that each thread keeps.

No request of Django's begins or ends here, so nothing closes a connection that has broken: whoever asks does. And no
cursor of Django's or psycopg's is made for a question, which would take more time than the answer.
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any, TypeVar

import psycopg
from django.db import DEFAULT_DB_ALIAS, InterfaceError, OperationalError, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from psycopg.pq import ExecStatus
from psycopg.pq.abc import PGconn, PGresult

_Rows = list[tuple[Any, ...]]
_Result = TypeVar("_Result")

#: How PostgreSQL writes what is no text: booleans and the three integers, by the numbers of their types.
_READ: Mapping[int, Callable[[bytes], Any]] = {16: b"t".__eq__, 20: int, 21: int, 23: int}
_numbers = itertools.count(1)


class _Prepared(threading.local):
    """The statements that this thread's connection knows."""

    connection: PGconn | None = None
    names: set[bytes] = set()


_prepared = _Prepared()


def rows(sql: str, values: Sequence[object]) -> _Rows:
    """The rows of a SELECT with ``%s`` for its values; once more on a new connection where the old one has broken.

    Integers, booleans, text and NULL come as Python has them, anything else as text. Raises what Django raises while
    the database is away.
    """
    return _persistently(lambda wrapper: _ask(wrapper, sql, values))


def changed(sql: str, values: Sequence[object]) -> int:
    """Run a statement that may safely run twice; returns how many rows the last run changed."""
    return _persistently(lambda wrapper: _change(wrapper, sql, values))


def _persistently(do: Callable[[BaseDatabaseWrapper], _Result]) -> _Result:
    wrapper = connections[DEFAULT_DB_ALIAS]
    try:
        return do(wrapper)
    except (OperationalError, InterfaceError):
        wrapper.close()
        return do(wrapper)


def _change(wrapper: BaseDatabaseWrapper, sql: str, values: Sequence[Any]) -> int:
    with wrapper.cursor() as cursor:
        cursor.execute(sql, values)
        return int(cursor.rowcount)


def _ask(wrapper: BaseDatabaseWrapper, sql: str, values: Sequence[object]) -> _Rows:
    wrapper.ensure_connection()
    connection = wrapper.connection
    if isinstance(connection, psycopg.Connection):
        return _ask_postgresql(connection.pgconn, sql, values)
    with wrapper.wrap_database_errors:
        found: _Rows = connection.execute(_for_sqlite(sql), values).fetchall()
        return found


@lru_cache(maxsize=64)
def _for_sqlite(sql: str) -> str:
    return sql.replace("%s", "?")


def _ask_postgresql(connection: PGconn, sql: str, values: Sequence[object]) -> _Rows:
    """Ask by a prepared statement: PostgreSQL takes far longer to plan such a question than to answer it."""
    name, spelt = _for_postgresql(sql)
    if _prepared.connection is not connection:
        _prepared.connection, _prepared.names = connection, set()
    if name not in _prepared.names:
        _check(connection.prepare(name, spelt), ExecStatus.COMMAND_OK)
        _prepared.names.add(name)
    result = connection.exec_prepared(name, [str(value).encode() for value in values])
    _check(result, ExecStatus.TUPLES_OK)
    columns = [(number, _READ.get(result.ftype(number), bytes.decode)) for number in range(result.nfields)]
    return [
        tuple(None if (value := result.get_value(row, number)) is None else read(value) for number, read in columns)
        for row in range(result.ntuples)
    ]


@lru_cache(maxsize=64)
def _for_postgresql(sql: str) -> tuple[bytes, bytes]:
    """A name for the statement, and the statement with numbers in the places of its values."""
    first, *rest = sql.split("%s")
    spelt = first + "".join(f"${number}{piece}" for number, piece in enumerate(rest, start=1))
    return f"hosting_{next(_numbers)}".encode(), spelt.encode()


def _check(result: PGresult, expected: ExecStatus) -> None:
    if result.status != expected:
        raise OperationalError(result.error_message.decode(errors="replace"))


def key(value: str) -> str:
    """A UUID as the database compares it with its own."""
    return value if connections[DEFAULT_DB_ALIAS].features.has_native_uuid_field else value.replace("-", "")


def uuid_of(value: str) -> str:
    """A UUID of the database in the spelling that everybody uses."""
    return value if "-" in value else f"{value[:8]}-{value[8:12]}-{value[12:16]}-{value[16:20]}-{value[20:]}"


def moment(value: datetime) -> Any:
    """A time as the database keeps it."""
    return connections[DEFAULT_DB_ALIAS].ops.adapt_datetimefield_value(value)
