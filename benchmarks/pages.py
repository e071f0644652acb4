"""How long pages take at a million messages: `python -m benchmarks.pages [--json FILE] [--keep] [--sizes N N]`.

Two databases, of 10,000 and 1,000,000 messages, are filled by `benchmarks.million`: SQLite files in DATA_DIR, or
databases named pages_... beside the one of DATABASE_URL if that is PostgreSQL. A process for each asks for every page
as a signed-in person does, at the server, without network. The two take turns, page by page, so that neighbours on the
machine touch both alike; the ratio is the median of the pairs.
The databases are removed afterwards; with --keep they stay and the next run finds them filled.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

FLOOR, MANY = 10_000, 1_000_000
PAIRS = 15
TARGET_RATIO, TARGET_QUERIES, TARGET_MS, TARGET_OVERVIEW_MS = 1.5, 15, 100, 200
OVERVIEW = "supervisor's page"


# The process that measures one database


def serve(count: int) -> None:
    """Fill the database where it is empty; then ask for the page that each line names, and tell how long it took."""
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "ioportal.settings")
    django.setup()
    from django.core.management import call_command

    from benchmarks.million import fill
    from messaging.models import DailyCount, Message

    call_command("migrate", verbosity=0)
    call_command("createcachetable", verbosity=0)
    call_command("collectstatic", verbosity=0, interactive=False)
    if not DailyCount.objects.exists():
        if Message.objects.exists():
            raise SystemExit("A filling was interrupted: remove that database and try again.")
        start = time.monotonic()
        fill(count)
        print(f"filled with {count} messages in {time.monotonic() - start:.0f} s", file=sys.stderr)  # noqa: T201
    pages = _pages()
    queries = {name: _queries(ask) for name, ask in pages.items()}
    print(json.dumps(queries), flush=True)  # noqa: T201
    for line in sys.stdin:
        start = time.perf_counter()
        pages[line.strip()]()
        print((time.perf_counter() - start) * 1000, flush=True)  # noqa: T201


def _queries(ask: Callable[[], Any]) -> int:
    """How many queries a page costs once caches are warm."""
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    for _ in range(3):
        response = ask()
        if response.status_code not in {200, 302}:
            raise SystemExit(f"{response.status_code} at {response.request['PATH_INFO']}")
    with CaptureQueriesContext(connection) as found:
        ask()
    return len(found)


def _pages() -> dict[str, Callable[[], Any]]:
    """Every page to ask for, by name."""
    from datetime import timedelta

    from django.conf import settings
    from django.test import Client
    from django.urls import NoReverseMatch, reverse
    from django.utils import timezone

    from benchmarks.million import fiscal_code
    from messaging.models import Batch, Message, User

    settings.ALLOWED_HOSTS = ["testserver"]
    clients = {}
    for name in ("clerk1", "clerk0", "supervisor", "administrator"):
        clients[name] = Client()
        clients[name].force_login(User.objects.get(username=name))
    count = Message.objects.order_by("-pk").values_list("pk", flat=True)[0]
    middle, today = Message.objects.get(pk=count // 2), timezone.localdate()
    batch = Batch.objects.get()
    of_batch = Message.objects.filter(batch=batch).order_by("pk")[0]
    dates = f"since={today - timedelta(days=210)}&until={today - timedelta(days=200)}"
    sent = f"sent_since={today - timedelta(days=90)}&sent_until={today}"
    listed = {
        "list": "",
        "list, deep": f"?before={count // 3}",
        "list, by status": "?status=refused",
        "list, by frequent status": f"?status=processed&before={count // 3}",
        "list, with dates": f"?{dates}",
        "list, status and dates": f"?status=rejected&{dates}",
        "list, of a service": "?service=tributi",
        "list, delivered of a period": f"?outcome=delivered&{sent}",
        "list, stopped of a period": f"?outcome=stopped&{sent}",
        "list, seen of a period": f"?outcome=seen&{sent}",
        "list, paid of a period": f"?outcome=paid&{sent}",
        "list, seen of the batch": f"?batch={batch.public_id}&outcome=seen",
        "list, sent of the batch": f"?batch={batch.public_id}&outcome=left",
    }
    addresses = [
        *[(name, "supervisor", "message_list", [], query) for name, query in listed.items()],
        ("message", "clerk1", "message_detail", [middle.public_id], ""),
        ("message of the batch", "clerk1", "message_detail", [of_batch.public_id], ""),
        ("batch list", "clerk1", "batch_list", [], ""),
        ("batch", "clerk1", "batch_detail", [batch.public_id], ""),
        ("batch, live", "clerk1", "batch_live", [batch.public_id], ""),
        (OVERVIEW, "supervisor", "overview", [], "?period=90"),
        ("supervisor's page, year", "supervisor", "overview", [], "?period=year"),
        ("what waits", "supervisor", "waiting_list", [], ""),
        ("desk", "clerk1", "desk", [], ""),
        ("desk of the batch's author", "clerk0", "desk", [], ""),
        ("admin list", "administrator", "admin:messaging_message_changelist", [], ""),
    ]
    pages: dict[str, Callable[[], Any]] = {}
    for name, who, url, arguments, query in addresses:
        try:
            address = reverse(url, args=arguments) + query
        except NoReverseMatch:
            continue
        pages[name] = lambda who=who, address=address: clients[who].get(address)
    person = {"query": fiscal_code(middle.recipient_id or 0)}
    pages["search by fiscal code"] = lambda: clients["clerk1"].post(reverse("message_search"), person, follow=True)
    return pages


# The process that starts them and compares


class Store:
    """Where the database of one size is: a file in DATA_DIR, or a database of the PostgreSQL server."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.folder = Path(os.environ.get("DATA_DIR", "var/benchmarks")).absolute() / f"pages_{size}"
        self.folder.mkdir(parents=True, exist_ok=True)
        given = urlsplit(os.environ.get("DATABASE_URL", ""))
        self.server = given if given.scheme.startswith("postgres") else None
        self.name = f"pages_{size}"

    def environment(self) -> dict[str, str]:
        """What the measuring process reads; DATABASE_URL decides, as everywhere."""
        own = {"DATA_DIR": str(self.folder), "STATIC_ROOT": str(self.folder / "static")}
        own["SECRETS_DIR"] = os.environ.get("SECRETS_DIR", str(self.folder / "secrets"))
        if self.server:
            own["DATABASE_URL"] = self.server._replace(path=f"/{self.name}").geturl()
        else:
            own["DATABASE_URL"] = f"sqlite:///{self.folder}/pages.sqlite3"
        return {**os.environ, **own}

    def open(self) -> None:
        """Make the database where there is none."""
        if self.server and not self._says("SELECT 1 FROM pg_database WHERE datname = %s", self.name):
            self._says(f'CREATE DATABASE "{self.name}"')

    def remove(self) -> None:
        """Leave nothing behind."""
        if self.server:
            self._says(f'DROP DATABASE IF EXISTS "{self.name}" WITH (FORCE)')
        for file in self.folder.glob("pages.sqlite3*"):
            file.unlink()

    def _says(self, statement: str, *values: str) -> bool:
        import psycopg

        assert self.server
        address = self.server._replace(scheme="postgresql", path="/postgres", query="").geturl()
        with psycopg.connect(address, autocommit=True) as connection:
            found = connection.execute(statement, values)  # type: ignore[call-overload]
            return bool(found.description and found.fetchone())


class Asker:
    """A process that asks one database for pages."""

    def __init__(self, store: Store) -> None:
        store.open()
        command = [sys.executable, "-m", "benchmarks.pages", "--serve", str(store.size)]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        self._process = subprocess.Popen(command, text=True, env=store.environment(), **pipes)  # noqa: S603
        self.queries: dict[str, int] = json.loads(self._answer())

    def milliseconds(self, page: str) -> float:
        """How long the page took."""
        assert self._process.stdin
        self._process.stdin.write(f"{page}\n")
        self._process.stdin.flush()
        return float(self._answer())

    def _answer(self) -> str:
        assert self._process.stdout
        line = self._process.stdout.readline()
        if not line:
            raise SystemExit("A measuring process ended early; what it said stands above.")
        return line

    def stop(self) -> None:
        """The process ends when nothing more is asked."""
        self._process.communicate()


def compare(few: Asker, many: Asker) -> list[dict[str, Any]]:
    """A line for each page: both times, their ratio, the queries, and whether the targets are reached."""
    rows = []
    for page, queries in many.queries.items():
        pairs = [(few.milliseconds(page), many.milliseconds(page)) for _ in range(PAIRS)]
        ratio = statistics.median(large / small for small, large in pairs)
        milliseconds = statistics.median(large for _, large in pairs)
        most = TARGET_OVERVIEW_MS if page.startswith(OVERVIEW) else TARGET_MS
        row = {
            "page": page,
            "floor_ms": round(statistics.median(small for small, _ in pairs), 1),
            "ms": round(milliseconds, 1),
            "ratio": round(ratio, 2),
            "queries": queries,
            "reached": ratio <= TARGET_RATIO and milliseconds <= most and queries <= TARGET_QUERIES,
        }
        rows.append(row)
    return rows


def main() -> None:
    """Measure, print a table, and write JSON where asked."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--json", type=Path)
    options.add_argument("--keep", action="store_true", help="leave the filled databases for the next run")
    options.add_argument("--sizes", type=int, nargs=2, default=[FLOOR, MANY], metavar=("FEW", "MANY"))
    options.add_argument("--serve", type=int, help=argparse.SUPPRESS)
    asked = options.parse_args()
    if asked.serve:
        serve(asked.serve)
        return
    stores = [Store(size) for size in asked.sizes]
    try:
        askers = [Asker(store) for store in stores]
        rows = compare(*askers)
        for asker in askers:
            asker.stop()
    finally:
        if not asked.keep:
            for store in stores:
                store.remove()
    title = f"{stores[0].size:,} and {stores[1].size:,} messages, {'PostgreSQL' if stores[0].server else 'SQLite'}"
    print(f"{title:<44}{'floor ms':>10}{'ms':>9}{'ratio':>8}{'queries':>9}")  # noqa: T201
    for row in rows:
        line = f"{row['page']:<44}{row['floor_ms']:>10}{row['ms']:>9}{row['ratio']:>8}{row['queries']:>9}"
        print(line + ("" if row["reached"] else "  not reached"))  # noqa: T201
    result = {
        "benchmark": "pages",
        "database": "PostgreSQL" if stores[0].server else "SQLite",
        "sizes": asked.sizes,
        "targets": {
            "ratio": TARGET_RATIO,
            "queries": TARGET_QUERIES,
            "ms": TARGET_MS,
            "supervisors_page_ms": TARGET_OVERVIEW_MS,
        },
        "pairs": PAIRS,
        "machine": f"{platform.machine()}, Python {platform.python_version()}",
        "figures": rows,
    }
    if asked.json:
        asked.json.write_text(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main()
