"""Pictures of numbers, drawn on the server: where each column stands, in whole units of the picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

WIDTH = 560


@dataclass(frozen=True, slots=True)
class Column:
    """One column, with its number above and its name in one or two lines below; nothing stands for what is not known.

    ``whole`` is the height of what it is a part of, if that is shown behind it.
    """

    x: int
    y: int
    width: int
    height: int
    value: int | None
    lines: tuple[str, ...]
    base: int
    whole: int = 0

    @property
    def middle(self) -> int:
        """Where texts are centred."""
        return self.x + self.width // 2

    @property
    def whole_y(self) -> int:
        """Where the whole ends."""
        return self.base - self.whole

    @property
    def above(self) -> int:
        """Where the number stands."""
        return min(self.y, self.whole_y) - 10


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
            if one.value is not None and other.value is not None
        ]


def columns(
    values: Sequence[tuple[int | None, tuple[str, ...]]],
    *,
    base: int,
    highest: int,
    gap: int,
    wholes: Sequence[int] = (),
) -> Chart:
    """Columns of these values and names, standing on ``base``; the largest is ``highest`` units tall.

    What is more than nothing is at least three units tall, so that it can be seen. ``wholes`` says of each value what
    it is a part of; 0 shows none.
    """
    wholes = wholes or [0] * len(values)
    most = max([value or 0 for value, _ in values] + list(wholes), default=0) or 1
    width = (WIDTH - gap * (len(values) - 1)) // max(len(values), 1)

    def tall(value: int | None) -> int:
        return max(value * highest // most, 3) if value else 0

    return Chart(
        [
            Column(place * (width + gap), base - tall(value), width, tall(value), value, lines, base, tall(whole))
            for place, ((value, lines), whole) in enumerate(zip(values, wholes, strict=True))
        ],
        base,
    )
