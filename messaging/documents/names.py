"""What attachments are called: by the platform's rules (platform notes, A3.3), and how a spreadsheet names them."""

from __future__ import annotations

import hashlib
import unicodedata

from messaging.documents.problems import Advice

#: Characters of a whole name that the platform takes.
MAX_NAME = 127
#: Characters that the app shows: on one line, or on two of 26 where a blank lets it break.
SHOWN = 35
SHOWN_WITH_BLANKS = 52
SUFFIX = ".pdf"
#: The app drops them.
DROPPED = frozenset('/\\:*?"<>|')
_NAMELESS = "documento"


def base_name(path: str) -> str:
    """The last part of a path, of this system or of another: "C:\\a\\b.pdf" and "a/b.pdf" are "b.pdf"."""
    return path.replace("\\", "/").rsplit("/", 1)[-1]


def clean_name(filename: str) -> str:
    """The name that a citizen sees, from a file's: without folders, by the platform's rules, always with ".pdf"."""
    return mended(base_name(filename))


def mended(name: str) -> str:
    """A name that somebody typed, by the platform's rules: what the app would drop becomes a blank, ".pdf" is added."""
    stem = _without_suffix(_plain("".join(" " if c in DROPPED else c for c in name)))
    return f"{stem[: MAX_NAME - len(SUFFIX)].rstrip(' .') or _NAMELESS}{SUFFIX}"


def name_advice(name: str) -> list[Advice]:
    """What a person may want to know about a name: that it was changed by `mended`, or that the app cuts it."""
    advice = []
    dropped = sorted(DROPPED & set(name))
    if dropped:
        advice.append(Advice("name_characters", {"characters": dropped}))
    if len(_plain(name)) > MAX_NAME:
        advice.append(Advice("name_cut", {"limit": MAX_NAME}))
    shown = mended(name)
    limit = SHOWN_WITH_BLANKS if " " in shown else SHOWN
    if len(shown) > limit:
        advice.append(Advice("name_long", {"length": len(shown), "limit": limit}))
    return advice


def file_key(name: str) -> str:
    """What a cell of a spreadsheet and a file of a folder have in common, of at most 127 characters.

    Without case, folders, surrounding blanks and ".pdf", and with accents written in one way. The key of a key is
    itself. Empty for a name that is nothing else.
    """
    key = _without_suffix(_plain(unicodedata.normalize("NFKC", base_name(name))).casefold())
    key = unicodedata.normalize("NFKC", key).strip()
    if len(key) <= MAX_NAME:
        return key
    return f"{key[: MAX_NAME - 33]} {hashlib.sha256(key.encode(errors='replace')).hexdigest()[:32]}"


def _plain(name: str) -> str:
    """Composed accents, one blank at a time, nothing invisible nor half a character."""
    categories = [(c, unicodedata.category(c)) for c in unicodedata.normalize("NFC", name)]
    return " ".join("".join(" " if of == "Cc" else c for c, of in categories if of not in {"Cs", "Cf"}).split())


def _without_suffix(name: str) -> str:
    while name.lower().endswith(SUFFIX):
        name = name[: -len(SUFFIX)].rstrip()
    return name
