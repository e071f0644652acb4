"""Pictures of numbers, drawn on the server: where each column stands, in whole units of the picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

WIDTH = 560


@dataclass(frozen=True, slots=True)
class Column:
    """One column, with its number above and its name in one or two lines below."""

    x: int
    y: int
    width: int
    height: int
    value: int
    lines: tuple[str, ...]

    @property
    def middle(self) -> int:
        """Where texts are centred."""
        return self.x + self.width // 2

    @property
    def above(self) -> int:
        """Where the number stands."""
        return self.y - 10


@dataclass(frozen=True, slots=True)
class Chart:
    """Columns on one line, from left to right."""

    columns: list[Column]
    base: int

    @property
    def links(self) -> list[str]:
        """The surfaces that lead from each column to the next, as paths."""
        return [
            f"M{one.x + one.width} {one.y}L{other.x} {other.y}V{self.base}H{one.x + one.width}z"
            for one, other in zip(self.columns, self.columns[1:], strict=False)
        ]


def columns(values: Sequence[tuple[int, tuple[str, ...]]], *, base: int, highest: int, gap: int) -> Chart:
    """Columns of these values and names, standing on ``base``; the largest is ``highest`` units tall.

    What is more than nothing is at least three units tall, so that it can be seen.
    """
    most = max((value for value, _ in values), default=0) or 1
    width = (WIDTH - gap * (len(values) - 1)) // max(len(values), 1)
    drawn = []
    for place, (value, lines) in enumerate(values):
        height = max(value * highest // most, 3) if value else 0
        drawn.append(Column(place * (width + gap), base - height, width, height, value, lines))
    return Chart(drawn, base)
