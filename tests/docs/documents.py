"""The documents, and what they name."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent.parent
DOCUMENTS = sorted([*REPOSITORY.glob("*.md"), *(REPOSITORY / "docs").glob("*.md")])
UNITS = sorted((REPOSITORY / "deploy" / "systemd").glob("*.service"))
ENVIRONMENT_EXAMPLE = REPOSITORY / "deploy" / "ioportal.env.example"
#: Every text that an operator is given.
TEXTS = [*DOCUMENTS, *UNITS, ENVIRONMENT_EXAMPLE, *sorted((REPOSITORY / "deploy" / "nginx").glob("*.conf"))]

_FENCE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
_SPAN = re.compile(r"(?<!`)`([^`\n]+)`(?!`)")
_LINK = re.compile(r"\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)


def name_of(path: Path) -> str:
    """The path as people write it."""
    return path.relative_to(REPOSITORY).as_posix()


def read(path: Path) -> str:
    """The whole text."""
    return path.read_text(encoding="utf-8")


def prose(path: Path) -> str:
    """The text without its blocks of commands."""
    return _FENCE.sub("", read(path))


def blocks(path: Path) -> str:
    """The blocks of commands alone."""
    return "\n".join(_FENCE.findall(read(path)))


def spans(path: Path) -> Iterator[str]:
    """What stands between backquotes in the running text."""
    yield from _SPAN.findall(prose(path))


def links(path: Path) -> Iterator[tuple[str, str]]:
    """The relative links as (path, anchor); either may be empty."""
    for target in _LINK.findall(prose(path)):
        if not re.match(r"[a-z]+:", target):
            place, _, anchor = target.partition("#")
            yield place, anchor


def anchors(path: Path) -> set[str]:
    """What can stand behind # in a link to this document."""
    found = set()
    for heading in _HEADING.findall(prose(path)):
        words = re.sub(r"[^\w\- ]", "", heading.replace("`", "").lower())
        found.add(words.replace(" ", "-"))
    return found


def commands(path: Path) -> str:
    """All that a reader could type."""
    return blocks(path) + "\n" + "\n".join(spans(path))
