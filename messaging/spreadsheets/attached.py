"""The names of files in a cell, and what is known of the files that came beside the spreadsheet."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from messaging.spreadsheets.cells import Cell, CellError, shown

#: A cell may name several files.
_BETWEEN = re.compile(r"[;\r\n]")


@dataclass(frozen=True, slots=True)
class KnownFile:
    """A file that came with the spreadsheet; `fault` is what keeps it from being sent: {"code": ..., "params": ...}."""

    key: str
    digest: str = ""
    fault: Mapping[str, Any] = field(default_factory=dict)


class Files(Protocol):
    """The files that rows may name."""

    def find(self, name: str) -> KnownFile | None:
        """Return the file of this name, None when there is none."""


def names_in(cell: Cell) -> list[str]:
    """Return the names that a cell lists, each once; none of an empty cell or of a formula without a result."""
    if cell is None or isinstance(cell, CellError):
        return []
    names = (name.strip() for name in _BETWEEN.split(shown(cell)))
    return list(dict.fromkeys(name for name in names if name))
