"""What a PDF says of itself in its XMP metadata: its part and level of PDF/A (ISO 19005, pdfaid)."""

from __future__ import annotations

import re
from xml.parsers import expat

_NAMESPACE = "http://www.aiim.org/pdfa/ns/id/"
_PART = f"{_NAMESPACE} part"
_CONFORMANCE = f"{_NAMESPACE} conformance"
_DECLARATION = re.compile(r"[1-9][abuef]?")


class _Refused(Exception):
    """The metadata has a document type, hence perhaps entities: nothing honest needs one."""


def declared(packet: bytes) -> str:
    """Return part and level such as "2a", "1b" or "4"; empty where the metadata has none or cannot be read.

    Both are attributes of rdf:Description, or elements within it.
    """
    found: dict[str, str] = {}
    open_names: list[str] = []

    def start(name: str, attributes: dict[str, str]) -> None:
        open_names.append(name)
        for key in (_PART, _CONFORMANCE):
            if key in attributes:
                found.setdefault(key, attributes[key])

    def text(characters: str) -> None:
        if open_names and open_names[-1] in (_PART, _CONFORMANCE):
            found[open_names[-1]] = found.get(open_names[-1], "") + characters

    parser = expat.ParserCreate(namespace_separator=" ")
    parser.buffer_text = True
    parser.StartDoctypeDeclHandler = _refuse
    parser.StartElementHandler = start
    parser.EndElementHandler = lambda _name: open_names.pop()
    parser.CharacterDataHandler = text
    try:
        # An XML declaration must come first, and some programs leave blanks before it.
        parser.Parse(packet.lstrip(b" \t\r\n"), True)
    except (expat.ExpatError, _Refused, ValueError, LookupError):
        return ""
    written = f"{found.get(_PART, '').strip()}{found.get(_CONFORMANCE, '').strip()}".lower()
    return written if _DECLARATION.fullmatch(written) else ""


def _refuse(*_: object) -> None:
    raise _Refused
