"""The system checks, and the proof of durability at a worker's start."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as site
from django.core.checks import run_checks
from django.db.utils import ConnectionHandler

from messaging import checks

# pytest-django lets no connection be opened without it, not even one to a file of the test's own.
pytestmark = pytest.mark.django_db


def sqlite(folder: Path, commands: str) -> Any:
    """A connection of its own to a real file."""
    options = {"init_command": commands}
    handler = ConnectionHandler(
        {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": folder / "file.sqlite3", "OPTIONS": options}}
    )
    return handler["default"]


@pytest.fixture
def postgresql(monkeypatch: pytest.MonkeyPatch) -> Any:
    """What a PostgreSQL server would answer."""
    answers = {"SHOW synchronous_commit": "on", "SHOW fsync": "on"}
    monkeypatch.setattr(checks, "_ask", lambda _connection, question: answers[question])
    return answers


class Server:
    vendor = "postgresql"


@pytest.mark.parametrize("mode", ["FULL", "EXTRA"])
def test_sqlite_with_wal_and_full_is_durable(tmp_path: Path, mode: str) -> None:
    connection = sqlite(tmp_path, f"PRAGMA journal_mode=WAL; PRAGMA synchronous={mode};")
    assert checks.durability_fault(connection) is None
    connection.close()


@pytest.mark.parametrize(
    ("commands", "word"),
    [
        ("PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;", "synchronous=1"),
        ("PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF;", "synchronous=0"),
        ("PRAGMA journal_mode=DELETE; PRAGMA synchronous=FULL;", "delete"),
    ],
)
def test_sqlite_with_less_is_not(tmp_path: Path, commands: str, word: str) -> None:
    connection = sqlite(tmp_path, commands)
    assert word in (checks.durability_fault(connection) or "")
    connection.close()


def test_the_portals_own_settings_are_durable(tmp_path: Path) -> None:
    options = site.DATABASES["default"].get("OPTIONS", {})
    if "init_command" not in options:
        pytest.skip("this run is on PostgreSQL")
    connection = sqlite(tmp_path, options["init_command"])
    assert checks.durability_fault(connection) is None
    connection.close()


def test_postgresql_is_asked_for_what_holds_there(postgresql: dict[str, str]) -> None:
    assert checks.durability_fault(Server()) is None  # type: ignore[arg-type]
    postgresql["SHOW fsync"] = "off"
    assert "fsync=off" in (checks.durability_fault(Server()) or "")  # type: ignore[arg-type]
    postgresql["SHOW synchronous_commit"] = "off"
    assert "synchronous_commit=off" in (checks.durability_fault(Server()) or "")  # type: ignore[arg-type]


def test_another_database_is_refused() -> None:
    class Other:
        vendor = "oracle"

    assert "not supported" in (checks.durability_fault(Other()) or "")  # type: ignore[arg-type]


def test_a_worker_does_not_start_on_a_database_that_may_lose_commits(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(checks, "durability_fault", lambda _connection: "SQLite forgets.")
    with pytest.raises(SystemExit) as stopped:
        checks.assert_durable()
    assert stopped.value.code == "IO Portal cannot start: SQLite forgets. A message could be sent twice."


def test_a_worker_starts_on_one_that_keeps_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "durability_fault", lambda _connection: None)
    checks.assert_durable()


def test_the_database_check_runs_only_where_databases_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "durability_fault", lambda _connection: "Fault.")
    assert "ioportal.E001" not in _ids()
    assert "ioportal.E001" in _ids(databases=["default"])


def test_debug_beside_the_real_io_is_an_error(settings: Any) -> None:
    settings.DEBUG, settings.DEMONSTRATION = True, True
    assert "ioportal.E002" not in _ids()
    settings.DEMONSTRATION = False
    assert "ioportal.E002" in _ids()
    settings.DEBUG = False
    assert "ioportal.E002" not in _ids()


@pytest.mark.parametrize(
    ("place", "wrong"), [("data", True), ("data/deep", True), ("secrets", False), ("data-2", False)]
)
def test_secrets_lie_outside_the_data(settings: Any, tmp_path: Path, place: str, wrong: bool) -> None:
    settings.DATA_DIR, settings.SECRETS_DIR = tmp_path / "data", tmp_path / place
    settings.SECRETS_DIR.mkdir(parents=True)
    assert ("ioportal.E003" in _ids()) is wrong


def test_a_link_does_not_hide_that_they_lie_inside(settings: Any, tmp_path: Path) -> None:
    settings.DATA_DIR = tmp_path / "data"
    (tmp_path / "data" / "secrets").mkdir(parents=True)
    settings.SECRETS_DIR = tmp_path / "link"
    settings.SECRETS_DIR.symlink_to(tmp_path / "data" / "secrets")
    assert "ioportal.E003" in _ids()


def test_secrets_that_others_read_are_named(settings: Any, tmp_path: Path) -> None:
    settings.SECRETS_DIR = tmp_path / "secrets"
    settings.SECRETS_DIR.mkdir(mode=0o755)
    key = settings.SECRETS_DIR / "secret_key"
    key.write_text("x")
    key.chmod(0o600)
    assert "ioportal.W001" not in _ids()
    key.chmod(0o644)
    assert str(key) in " ".join(fault.msg for fault in checks.check_secrets_private())
    settings.SECRETS_DIR.chmod(0o700)
    assert "ioportal.W001" not in _ids()


@pytest.mark.parametrize(
    ("engine", "broker", "warned"),
    [("postgresql", "filesystem://", True), ("postgresql", "redis://x", False), ("sqlite3", "filesystem://", False)],
)
def test_a_folder_as_broker_beside_postgresql_is_pointed_out(
    monkeypatch: pytest.MonkeyPatch, settings: Any, engine: str, broker: str, warned: bool
) -> None:
    monkeypatch.setitem(site.DATABASES["default"], "ENGINE", f"django.db.backends.{engine}")
    settings.CELERY_BROKER_URL = broker
    assert ("ioportal.W002" in [fault.id for fault in checks.check_broker_reach()]) is warned


def _ids(databases: list[str] | None = None) -> set[str | None]:
    return {fault.id for fault in run_checks(databases=databases)}
