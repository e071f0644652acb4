"""`python -m benchmarks [NAMES]`, which is `make bench`: measures, prints a table, and keeps it in var/benchmarks.json.

PostgreSQL and Redis are those of BENCH_POSTGRESQL_URL (or DATABASE_URL) and BENCH_REDIS_URL (or CELERY_BROKER_URL);
without them servers of one's own are started where their programs are here. A short run (`--quick`) shows that all
works and is kept only where `--json` says so. `--write docs/performance.md` runs nothing: it puts the last figures
into the document.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks import servers
from benchmarks.stack import Ground

#: In the order of docs/performance.md. ``measure(folder, ground, quick=...)`` runs once for each ground; a module
#: without it is a program of its own that takes `--json`.
NAMES = ("pace", "stranger", "person", "engine", "usual", "checking", "saving", "expansion", "pages", "serving")
#: Compared only on the servers of production: a rival on files would be slow for the files' sake.
ON_SERVERS_ONLY = ("usual",)


def main(arguments: list[str]) -> int:
    """Run what was asked for; the exit status is 1 when a target was not reached."""
    options = _options(arguments)
    # Read by Django as soon as anything of it is imported: nothing of ours may touch the portal's own data.
    with tempfile.TemporaryDirectory(prefix="ioportal-bench-") as temporary:
        folder = Path(temporary)
        for name in ("DATA_DIR", "SECRETS_DIR", "STATIC_ROOT"):
            os.environ[name] = str(folder / name.lower())
        from benchmarks import figures

        if options.write:
            figures.write(options.write, options.json or figures.RESULTS)
            return 0
        kept = options.json or (None if options.quick else figures.RESULTS)
        command = " ".join(["python -m benchmarks", *options.names, *(["--quick"] if options.quick else [])])
        with _grounds() as grounds:
            return _run(options, folder, grounds, kept, command)


def _run(options: argparse.Namespace, folder: Path, grounds: list[Ground], kept: Path | None, command: str) -> int:
    from benchmarks import figures, programs

    missed = False
    machine = figures.machine(grounds[-1])
    for name in options.names or [name for name in NAMES if _exists(name)]:
        module = importlib.import_module(f"benchmarks.{name}")
        figures.say(f"{name} ...")
        if hasattr(module, "measure") and name not in programs.PROGRAMS:
            rows = []
            for ground in grounds:
                if ground.postgresql or name not in ON_SERVERS_ONLY:
                    rows += module.measure(folder, ground, quick=options.quick)
        else:
            rows = programs.run(name, folder, grounds)
        figures.show(name, rows)
        missed = missed or any(row.met is False for row in rows)
        if kept:
            figures.keep(kept, name, rows, command, machine)
    return int(missed)


def _options(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(NAMES)}; all without any")
    parser.add_argument("--json", type=Path, help="the file for the figures, instead of var/benchmarks.json")
    parser.add_argument("--quick", action="store_true", help="short runs, one pair")
    parser.add_argument("--write", type=Path, metavar="DOCUMENT", help="put the last figures there; runs nothing")
    options = parser.parse_args(arguments)
    for name in options.names:
        if name not in NAMES or not _exists(name):
            parser.error(f"there is no benchmark called {name}")
    return options


def _exists(name: str) -> bool:
    return importlib.util.find_spec(f"benchmarks.{name}") is not None


@contextmanager
def _grounds() -> Iterator[list[Ground]]:
    """SQLite with the broker of the file system, and PostgreSQL with Redis where they can be had."""
    postgresql = os.environ.get("BENCH_POSTGRESQL_URL") or os.environ.get("DATABASE_URL", "")
    redis = os.environ.get("BENCH_REDIS_URL") or os.environ.get("CELERY_BROKER_URL", "")
    own: list[servers.PrivatePostgreSQL | servers.PrivateRedis] = []
    try:
        if not postgresql.startswith("postgres"):
            postgresql = ""
            if servers.has_postgresql():
                own.append(server := servers.PrivatePostgreSQL())
                postgresql = server.url
        if not redis.startswith("redis"):
            redis = ""
            if postgresql and servers.has_redis():
                own.append(broker := servers.PrivateRedis())
                redis = broker.url
        yield [Ground(), Ground(postgresql, redis)] if postgresql else [Ground()]
    finally:
        for started in own:
            started.remove()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
