"""What in a PDF does something by itself, or carries another file: looked for in every object, wherever it stands."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pikepdf

#: Dictionaries and arrays that are looked at: an attachment of a few megabytes has some ten thousand.
MAX_CONTAINERS = 300_000

_ACTIONS = {"/JavaScript": "javascript", "/Launch": "launch"}
_SUBTYPES = {"/FileAttachment": "files", "/RichMedia": "rich_media", "/3D": "rich_media"}
_EMBEDDED = ("/F", "/UF", "/DOS", "/Mac", "/Unix")


class TooComplex(Exception):
    """More objects than an honest document has."""


def found_in(pdf: pikepdf.Pdf) -> str | None:
    """Return the first of javascript, launch, files, rich_media, xfa that the document has; None where it has none.

    No stream is decoded but those of objects. Raises TooComplex; what pikepdf raises for a damaged object goes through.
    """
    form = pdf.Root.get("/AcroForm")
    if isinstance(form, pikepdf.Dictionary) and "/XFA" in form:
        return "xfa"
    for entries in _dictionaries(pdf):
        if found := _found_here(entries):
            return found
    return None


def _dictionaries(pdf: pikepdf.Pdf) -> Iterator[dict[str, Any]]:
    """The entries of every dictionary, those of streams too: of indirect objects, and what stands directly in them."""
    count = 0
    for top in pdf.objects:
        waiting: list[Any] = [top]
        while waiting:
            one = waiting.pop()
            if isinstance(one, pikepdf.Dictionary | pikepdf.Stream):
                entries = dict(one.items())
                yield entries
                children: list[Any] = list(entries.values())
            elif isinstance(one, pikepdf.Array):
                children = list(one)
            else:
                continue
            count += 1
            if count > MAX_CONTAINERS:
                raise TooComplex
            # What is indirect comes by itself, and so no loop goes on for ever.
            waiting += [child for child in children if isinstance(child, pikepdf.Object) and not child.is_indirect]


def _found_here(entries: Mapping[str, Any]) -> str | None:
    action, subtype = _name(entries, "/S"), _name(entries, "/Subtype")
    if action in _ACTIONS:
        return _ACTIONS[action]
    if subtype in _SUBTYPES:
        return _SUBTYPES[subtype]
    if _has_script(entries):
        return "javascript"
    return "files" if _has_files(entries) else None


def _has_script(entries: Mapping[str, Any]) -> bool:
    """A script of an action or of the document; a picture that pages call /JS is none."""
    script = entries.get("/JS")
    if isinstance(script, pikepdf.String):
        return True
    if isinstance(script, pikepdf.Stream) and "/Subtype" not in script:
        return True
    if _has_names(entries.get("/JavaScript")):
        return True
    address = entries.get("/URI")
    return isinstance(address, pikepdf.String) and str(address).strip().lower().startswith("javascript:")


def _has_files(entries: Mapping[str, Any]) -> bool:
    if _name(entries, "/Type") == "/EmbeddedFile" or _has_names(entries.get("/EmbeddedFiles")):
        return True
    files = entries.get("/EF")
    if not isinstance(files, pikepdf.Dictionary):
        return False
    return any(isinstance(files.get(key), pikepdf.Stream) for key in _EMBEDDED)


def _has_names(tree: Any) -> bool:
    """Whether a tree of names has any; some programs write an empty one."""
    if not isinstance(tree, pikepdf.Dictionary):
        return False
    return any(isinstance(tree.get(key), pikepdf.Array) and len(tree[key]) > 0 for key in ("/Names", "/Kids"))


def _name(entries: Mapping[str, Any], key: str) -> str:
    value = entries.get(key)
    return str(value) if isinstance(value, pikepdf.Name) else ""
