"""Benchmarks that are programs of their own: run with `--json`, their figures as rows of the common table."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.figures import Row
from benchmarks.stack import REPOSITORY, Ground

PROGRAMS = ("checking", "saving", "pages")


#: The others touch no database.
ON_DATABASES = ("saving", "pages")


def run(name: str, folder: Path, grounds: Sequence[Ground]) -> list[Row]:
    """Run the program, on each database by its DATABASE_URL where it uses one."""
    rows: list[Row] = []
    for ground in grounds if name in ON_DATABASES else grounds[:1]:
        result = folder / f"{name}.json"
        variables = {key: value for key, value in os.environ.items() if key != "DATABASE_URL"}
        if ground.postgresql:
            variables["DATABASE_URL"] = ground.postgresql
        command = [sys.executable, "-m", f"benchmarks.{name}", "--json", str(result)]
        subprocess.run(command, cwd=REPOSITORY, env=variables, check=True)  # noqa: S603
        found = json.loads(result.read_text())
        rows += [_row(found, figure) for figure in found["figures"]]
    return rows


def _row(found: dict[str, Any], figure: dict[str, Any]) -> Row:
    """``reached`` and ``ratio``, and seconds or milliseconds of ours and of the floor; texts name what was measured."""
    unit = "ms" if "floor_ms" in figure else "s"
    ours, floor = (figure.get(f"ours_{unit}", figure.get(unit)), figure.get(f"floor_{unit}"))
    known = {"reached", "ratio", f"ours_{unit}", unit, f"floor_{unit}"}
    names = [found.get("database"), *(v for k, v in figure.items() if isinstance(v, str) and k not in known)]
    numbers = {k: v for k, v in figure.items() if k not in known and isinstance(v, int | float)}
    times = [] if ours is None else [f"{ours:g} {unit}"]
    return Row(
        what=", ".join(name for name in names if name),
        measured=", ".join([*times, *(_said(key, value) for key, value in numbers.items())]),
        floor="" if floor is None else f"{floor:g} {unit}",
        ratio=figure.get("ratio"),
        target=", ".join(_said(key, value) for key, value in found.get("targets", {}).items()),
        met=figure.get("reached"),
    )


def _said(key: str, value: float) -> str:
    return f"{key.replace('_', ' ')} {value:g}"
