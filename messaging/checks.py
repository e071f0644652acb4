"""What Django's system checks ask of this installation, and the proof that a commit is on the disk.

Invariant 2 of the design stands on it: the intention to send is committed before the message leaves, so a commit that a
power cut could undo would let a message go out twice.
"""

from __future__ import annotations

import stat
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core import checks
from django.core.checks import CheckMessage, Error, Tags, register
from django.db import DEFAULT_DB_ALIAS, connections
from django.db.backends.base.base import BaseDatabaseWrapper

from ioportal import environment

#: SQLite's words for PRAGMA synchronous that put every commit on the disk: FULL and EXTRA.
_SQLITE_DURABLE = {2, 3}
_POSTGRESQL_DURABLE = {"on", "remote_apply"}


def assert_durable(alias: str = DEFAULT_DB_ALIAS) -> None:
    """End a worker's start with one sentence if the database does not keep what it has committed."""
    if fault := durability_fault(connections[alias]):
        environment.stop(f"{fault} A message could be sent twice.")


def durability_fault(connection: BaseDatabaseWrapper) -> str | None:
    """Why this connection's commits might be lost, in a sentence; None when they are kept. Asks the server itself."""
    if connection.vendor == "sqlite":
        return _sqlite_fault(connection)
    if connection.vendor == "postgresql":
        return _postgresql_fault(connection)
    return f"the database {connection.vendor} is not supported: use SQLite or PostgreSQL."


def _sqlite_fault(connection: BaseDatabaseWrapper) -> str | None:
    journal = str(_ask(connection, "PRAGMA journal_mode")).lower()
    if journal != "wal":
        return f"SQLite keeps its journal in mode «{journal}», not in WAL."
    synchronous = int(_ask(connection, "PRAGMA synchronous"))
    if synchronous not in _SQLITE_DURABLE:
        return f"SQLite runs with synchronous={synchronous}, not with FULL, so a power cut can undo a commit."
    return None


def _postgresql_fault(connection: BaseDatabaseWrapper) -> str | None:
    commit = _ask(connection, "SHOW synchronous_commit")
    if commit not in _POSTGRESQL_DURABLE:
        return f"PostgreSQL runs with synchronous_commit={commit}, not with on, so a crash can undo a commit."
    if _ask(connection, "SHOW fsync") != "on":
        return "PostgreSQL runs with fsync=off, so a power cut can undo a commit."
    return None


def _ask(connection: BaseDatabaseWrapper, question: str) -> Any:
    with connection.cursor() as cursor:
        cursor.execute(question)
        return cursor.fetchone()[0]


@register(Tags.database)
def check_durable_commits(*, databases: Sequence[str] | None = None, **_kwargs: Any) -> list[CheckMessage]:
    """Commits are on the disk when they return."""
    faults = ((alias, durability_fault(connections[alias])) for alias in databases or [])
    return [
        Error(
            f"Database «{alias}»: {fault}",
            hint="A message could be sent twice. Look at the settings of the database server.",
            id="ioportal.E001",
        )
        for alias, fault in faults
        if fault
    ]


@register(Tags.security)
def check_debug(**_kwargs: Any) -> list[CheckMessage]:
    """Error pages show what was typed, keys and fiscal codes included: never beside the real IO."""
    if settings.DEBUG and not settings.DEMONSTRATION:
        return [Error("DEBUG is on while IO_API_URL is not this machine.", hint="Set DEBUG=no.", id="ioportal.E002")]
    return []


@register(Tags.files)
def check_secrets_apart(**_kwargs: Any) -> list[CheckMessage]:
    """A backup of the data must not carry the keys that open it."""
    secrets, data = Path(settings.SECRETS_DIR).resolve(), Path(settings.DATA_DIR).resolve()
    if secrets.is_relative_to(data):
        return [
            Error(
                f"The secrets folder {secrets} lies inside the data folder {data}.",
                hint="Set SECRETS_DIR to a folder that backups of the data leave out.",
                id="ioportal.E003",
            )
        ]
    return []


@register(Tags.files)
def check_secrets_private(**_kwargs: Any) -> list[CheckMessage]:
    """Nobody else on this machine reads the secrets."""
    return [
        checks.Warning(
            f"Others on this machine can read {path}.",
            hint=f"Run: chmod o-rwx {path}",
            id="ioportal.W001",
        )
        for path in _open_to_others(Path(settings.SECRETS_DIR))
    ]


def _open_to_others(folder: Path) -> Iterator[Path]:
    if not folder.stat().st_mode & stat.S_IXOTH:
        return  # nobody else gets as far as the files
    for path in sorted(folder.iterdir()):
        if path.is_file() and path.stat().st_mode & (stat.S_IROTH | stat.S_IWOTH):
            yield path


@register()
def check_broker_reach(**_kwargs: Any) -> list[CheckMessage]:
    """The filesystem broker serves one machine; PostgreSQL suggests several."""
    engine = settings.DATABASES[DEFAULT_DB_ALIAS]["ENGINE"]
    if engine.endswith("postgresql") and settings.CELERY_BROKER_URL.startswith("filesystem"):
        return [
            checks.Warning(
                "The broker is a folder of this machine while the database is PostgreSQL: workers on other hosts would "
                "not be woken, and would only find work by their periodic sweep.",
                hint="With more than one host set CELERY_BROKER_URL to Redis or RabbitMQ.",
                id="ioportal.W002",
            )
        ]
    return []
