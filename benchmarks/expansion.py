"""A batch becomes messages, checked row by row once more and with their story: against bulk_create of the same rows."""

from __future__ import annotations

from pathlib import Path

from benchmarks.figures import PAIRS, Pair, Row, ratio_row
from benchmarks.stack import Ground, Stack

TARGET = 0.6


def measure(folder: Path, ground: Ground, *, quick: bool) -> list[Row]:
    """Rows a second of the expansion; the floor saves messages, first steps and fingerprints alone."""
    with Stack(folder, ground) as stack:
        found = stack.inside("expansion_pairs", rows=1_000 if quick else 10_000, count=1 if quick else PAIRS)
    what = f"{ground.name}: rows of a batch become messages"
    return [ratio_row(what, [Pair(**pair) for pair in found], "rows/s", TARGET)]
