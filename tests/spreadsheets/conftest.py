from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import settings

from messaging.spreadsheets.cells import Cell
from messaging.spreadsheets.reading import Sheet, open_sheet

# A busy machine is no fault of the code: what must be quick has a test of its own.
settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")

Saved = Callable[[bytes, str], Path]
Rows = list[tuple[int, list[Cell]]]


@pytest.fixture
def saved(tmp_path: Path) -> Saved:
    """``saved(content, "a.csv")`` writes a file and returns where."""

    def save(content: bytes, name: str) -> Path:
        path = tmp_path / name
        path.write_bytes(content)
        return path

    return save


@pytest.fixture
def opened(saved: Saved) -> Callable[..., Sheet]:
    """``opened(content, "a.csv")`` is the sheet of a file with this content."""

    def open_(content: bytes, name: str = "file.csv", **options: int) -> Sheet:
        return open_sheet(saved(content, name), name, **options)

    return open_
