"""Cells as JSON, and back: a correction of one cell must not lose what its neighbours were typed as."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from messaging.spreadsheets.cells import Cell, CellError

_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


def storable(text: str) -> str:
    """A text without NUL and half characters, which PostgreSQL cannot store."""
    return text if text.isprintable() else _UNSTORABLE.sub("", text)


def cleaned(cells: Sequence[Cell]) -> list[Cell]:
    """Cells whose texts can be stored: what is checked is what is kept."""
    return [storable(cell) if isinstance(cell, str) else cell for cell in cells]


def encode(cells: Sequence[Cell]) -> list[Any]:
    """Cells of `cleaned` as values that JSON knows; dates, times and errors as an object with one key."""
    return [_encode(cell) for cell in cells]


def decode(values: Sequence[Any]) -> list[Cell]:
    """What `encode` made, as cells again."""
    return [_decode(value) if isinstance(value, dict) else value for value in values]


def _encode(cell: Cell) -> Any:
    if isinstance(cell, datetime):
        return {"time": cell.isoformat()}
    if isinstance(cell, date):
        return {"date": cell.isoformat()}
    if isinstance(cell, CellError):
        return {"error": cell.text}
    return cell


def _decode(value: dict[str, str]) -> Cell:
    if "date" in value:
        return date.fromisoformat(value["date"])
    if "time" in value:
        return datetime.fromisoformat(value["time"])
    return CellError(value["error"])
