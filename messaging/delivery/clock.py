"""The database's clock, the one clock that all processes and hosts share."""

from __future__ import annotations

from typing import Any

from django.db.models import FloatField, Func


class DatabaseNow(Func):
    """Seconds since 1970 by the database server, at the moment the row is read.

    On PostgreSQL ``now()`` would stand still behind a row lock, and ``extract`` alone would give a Decimal.
    """

    output_field = FloatField()

    def as_postgresql(self, compiler: Any, connection: Any, **extra: Any) -> Any:
        return self.as_sql(compiler, connection, template="extract(epoch from clock_timestamp())::float8", **extra)

    def as_sqlite(self, compiler: Any, connection: Any, **extra: Any) -> Any:
        return self.as_sql(compiler, connection, template="((julianday('now') - 2440587.5) * 86400.0)", **extra)
