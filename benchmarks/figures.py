"""Rows of figures: the table on the screen, the JSON beside it, and the table of docs/performance.md."""

from __future__ import annotations

import json
import os
import platform
import sqlite3
import statistics
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import psycopg

from benchmarks import servers
from benchmarks.stack import REPOSITORY, Ground

#: Floors before and after ours that differ by more than this share of the smaller one: a neighbour was busy.
STEADY = 0.25
PAIRS = 5
#: So many pairs may be dropped for that before a benchmark makes do with those it has.
MOST_DROPPED = 5

RESULTS = REPOSITORY / "var" / "benchmarks.json"
CHAOS = REPOSITORY / "var" / "chaos.json"
_BEGIN, _END = "<!-- figures: begin -->", "<!-- figures: end -->"
_TITLE = "### "


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table; ``met`` is None where nothing was asked for."""

    what: str
    measured: str
    floor: str = ""
    ratio: float | None = None
    target: str = ""
    met: bool | None = None


@dataclass(frozen=True, slots=True)
class Pair:
    """One run of ours between two of its floor, in units of speed."""

    before: float
    ours: float
    after: float

    @property
    def floor(self) -> float:
        """The floor of these minutes."""
        return (self.before + self.after) / 2

    @property
    def steady(self) -> bool:
        """Whether the machine stayed the same meanwhile."""
        return max(self.before, self.after) <= (1 + STEADY) * min(self.before, self.after)


def pairs(floor: Callable[[], float], ours: Callable[[], float], count: int = PAIRS) -> list[Pair]:
    """Run floor, ours, floor, ours, ..., floor until ``count`` pairs are steady; both are speeds."""
    found: list[Pair] = []
    dropped: list[Pair] = []
    before = floor()
    while len(found) < count and len(dropped) < MOST_DROPPED:
        speed = ours()
        after = floor()
        pair = Pair(before, speed, after)
        (found if pair.steady else dropped).append(pair)
        say(f"  floor {before:.0f} and {after:.0f}, ours {speed:.0f}{'' if pair.steady else ': dropped, not steady'}")
        before = after
    return found or dropped


def ratio_row(what: str, found: Sequence[Pair], unit: str, at_least: float) -> Row:
    """The row of a ratio to a floor: medians."""
    ratio = statistics.median(pair.ours / pair.floor for pair in found)
    ratios = sorted(pair.ours / pair.floor for pair in found)
    return Row(
        what=f"{what} (median of {len(found)} pairs, {ratios[0]:.2f} to {ratios[-1]:.2f})",
        measured=f"{statistics.median(pair.ours for pair in found):,.0f} {unit}",
        floor=f"{statistics.median(pair.floor for pair in found):,.0f} {unit}",
        ratio=round(ratio, 3),
        target=f"≥ {at_least:g}",
        met=ratio >= at_least,
    )


def at_least(what: str, share: float, target: float, note: str = "") -> Row:
    """A share that is to reach a target; both as parts of one."""
    return Row(what, f"{100 * share:.1f} %{note}", target=f"≥ {100 * target:g} %", met=share >= target)


def at_most(what: str, value: float, target: float, unit: str = "", digits: int = 2, note: str = "") -> Row:
    """A value that is not to be above a target."""
    space = f" {unit}" if unit else ""
    return Row(what, f"{value:.{digits}f}{space}{note}", target=f"≤ {target:g}{space}", met=value <= target)


def machine(ground: Ground) -> dict[str, Any]:
    """What the figures were taken on."""
    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "memory_gb": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9),
        "python": platform.python_version(),
        "databases": [f"SQLite {sqlite3.sqlite_version}", *_postgresql(ground)],
        "broker": "Redis" if ground.redis else "file system",
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())


def _postgresql(ground: Ground) -> list[str]:
    if not ground.postgresql:
        return []
    with psycopg.connect(servers.libpq(ground.postgresql)) as connection:
        version = connection.info.server_version
    return [f"PostgreSQL {version // 10_000}.{version % 10_000}"]


def say(text: str) -> None:
    """Print at once."""
    print(text, flush=True)  # noqa: T201


def show(name: str, rows: Sequence[Row]) -> None:
    """Print a benchmark's rows."""
    say(f"\n{name}")
    for row in rows:
        verdict = {True: "reached", False: "NOT REACHED", None: ""}[row.met]
        floor = f"  floor {row.floor}" if row.floor else ""
        ratio = f"  ratio {row.ratio:g}" if row.ratio is not None else ""
        say(f"  {row.what}: {row.measured}{floor}{ratio}  {row.target}  {verdict}".rstrip())


def keep(path: Path, name: str, rows: Sequence[Row], command: str, on: dict[str, Any]) -> None:
    """Put a benchmark's rows into the file, in place of those of an earlier run."""
    path.parent.mkdir(parents=True, exist_ok=True)
    found = json.loads(path.read_text()) if path.exists() else {}
    found[name] = {
        "date": datetime.now().astimezone().isoformat(timespec="minutes"),
        "command": command,
        "machine": on,
        "rows": [asdict(row) for row in rows],
    }
    path.write_text(json.dumps(found, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def write(document: Path, results: Path = RESULTS) -> None:
    """Put the figures of the last run of each benchmark, and of the crash test, into a document.

    A section of a benchmark that has not run here stays as it is: it tells its own date and machine.
    """
    found: dict[str, Any] = {}
    for path in (results, CHAOS):
        if path.exists():
            found |= json.loads(path.read_text(encoding="utf-8"))
    text = document.read_text(encoding="utf-8")
    before, _, rest = text.partition(_BEGIN)
    known, _, after = rest.partition(_END)
    sections = {part.partition("\n")[0]: part for part in known.split(_TITLE)[1:]}
    sections |= {name.capitalize(): _section(name, run) for name, run in found.items()}
    written = "\n\n".join(_TITLE + section.strip() for section in sections.values()) or "No run yet."
    document.write_text(f"{before}{_BEGIN}\n\n{written}\n\n{_END}{after}", encoding="utf-8")


def _section(name: str, run: dict[str, Any]) -> str:
    on = run["machine"]
    return (
        f"{name.capitalize()}\n\n"
        f"{run['date'].replace('T', ', ')}, `{run['command']}`, on {on['processor']}, {on['cores']} cores, "
        f"{on['memory_gb']} GB, Python {on['python']}, {', '.join(on['databases'])}, broker {on['broker']}.\n\n"
        "| what | measured | floor | ratio | target | reached |\n|---|---|---|---|---|---|\n"
        + "".join(_line(row) for row in run["rows"])
    )


def _line(row: dict[str, Any]) -> str:
    met = {True: "yes", False: "**no**", None: ""}[row["met"]]
    ratio = "" if row["ratio"] is None else f"{row['ratio']:g}"
    return f"| {row['what']} | {row['measured']} | {row['floor']} | {ratio} | {row['target']} | {met} |\n"
