"""New rows of a batch, in a third of the time of `bulk_create`, most of which goes into putting SQL together."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

from django.db import connection, connections
from django.db.models import DateField, Field, JSONField

from messaging.models import BatchRow


def insert(rows: Sequence[BatchRow]) -> None:
    """Insert rows, which do not get their ids; the database's constraints hold as ever."""
    fields = [field for field in BatchRow._meta.local_concrete_fields if not field.primary_key]
    name = connection.ops.quote_name
    columns = ", ".join(name(str(field.column)) for field in fields)
    places = ", ".join(["%s"] * len(fields))
    table = name(BatchRow._meta.db_table)
    writers = [(field.attname, _writer(field)) for field in fields]
    values = [
        [write(getattr(row, attname)) if write else getattr(row, attname) for attname, write in writers] for row in rows
    ]
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            with cursor.copy(f"COPY {table} ({columns}) FROM STDIN") as copy:
                for value in values:
                    copy.write_row(value)
        else:
            cursor.executemany(f"INSERT INTO {table} ({columns}) VALUES ({places})", values)  # noqa: S608


def _writer(field: Field[Any, Any]) -> Callable[[Any], Any] | None:
    """How a value of a field is handed to the database; None for those that go as they are."""
    if isinstance(field, JSONField):
        # The text that the field would make, without asking the connection how for each value; all are lists.
        encode = json.JSONEncoder().encode
        return lambda value: encode(value) if value else "[]"
    if isinstance(field, DateField):
        database = connections[connection.alias]
        return lambda value: None if value is None else field.get_db_prep_value(value, database)
    return str if field.choices else None
