"""docs/settings.md has every setting that the code reads, and no other."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

import pytest

from tests.docs import documents
from tests.docs.documents import REPOSITORY

SETTINGS = REPOSITORY / "docs" / "settings.md"
_ROW = re.compile(r"^\| `([A-Z0-9_]+)` \|(.*)\|$", re.MULTILINE)


def settings_read() -> Iterator[str]:
    """The names in calls such as ``environment.read_number("PORT", 8000)``."""
    for folder in ("ioportal", "messaging"):
        for path in sorted((REPOSITORY / folder).rglob("*.py")):
            for node in ast.walk(ast.parse(documents.read(path))):
                if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
                    continue
                of_environment = isinstance(node.func.value, ast.Name) and node.func.value.id == "environment"
                if not (of_environment and node.func.attr.startswith("read")):
                    continue
                name = node.args[0]
                assert isinstance(name, ast.Constant), f"{path} reads a setting whose name cannot be seen"
                yield str(name.value)


def test_settings_are_exactly_those_that_the_code_reads() -> None:
    documented = [name for name, _rest in _ROW.findall(documents.read(SETTINGS))]
    assert len(documented) == len(set(documented)), "a setting stands there twice"
    assert set(documented) == set(settings_read())


def test_every_setting_has_meaning_default_and_example() -> None:
    for name, rest in _ROW.findall(documents.read(SETTINGS)):
        cells = [cell.strip() for cell in rest.split("|")]
        assert len(cells) == 3, name
        assert all(cells), f"{name} has an empty cell"


@pytest.mark.parametrize(
    "name", ["IO_RATE_LIMIT", "IO_CONNECT_TIMEOUT", "IO_READ_TIMEOUT", "DELIVERY_LOOPS", "PORT", "SPREADSHEET_MAX_ROWS"]
)
def test_defaults_written_are_those_of_the_code(name: str) -> None:
    source = documents.read(REPOSITORY / "ioportal" / "settings.py")
    found = re.search(rf'environment\.read_\w+\("{name}", "?([^",)]+)"?', source)
    assert found, name
    default = dict(_ROW.findall(documents.read(SETTINGS)))[name].split("|")[1].strip()
    assert default == f"`{found[1]}`"
