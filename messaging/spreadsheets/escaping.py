"""Values made harmless: a cell says something in a message and never alters how the message is built."""

from __future__ import annotations

import re
from urllib.parse import quote

#: Word joiner: invisible, and no part of any address.
_GUARD = "\u2060"
#: Control characters, line ends of any script, direction overrides, half characters, marks of byte order.
_UNSEEN = re.compile(
    "[\x00-\x1f\x7f-\x9f\u2028\u2029\u200b\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff\ufffe\uffff\ud800-\udfff]"
)
_SPACES = re.compile(r"\s+")
#: Has something that `_escape` would touch. Plain names, numbers and streets have nothing.
_SUSPECT = re.compile(
    r"[\\`*_\[\]<>#~|&]|^[-+=.:/(!)]|^(?:t{0,2}p)?s?:/|^w{1,2}\.|^[0-9]+[.)](?:\s|$)|!$|http|www", re.IGNORECASE
)
_ALWAYS = re.compile(r"[\\*_\[\]<>#~|&]")
_LIST_NUMBER = re.compile(r"^([0-9]+)([.)])(?=\s|$)")
_ADDRESS = re.compile(r"(https?:)(?=//)|(www)(?=\.)", re.IGNORECASE)
#: The end of "https://" or of "www." at the start of a value, its beginning at the end: with what stands beside the
#: value in the text they could make an address.
_ADDRESS_END = re.compile(r"(?:(?:t{0,2}p)?s?:)?//?|w{0,2}\.", re.IGNORECASE)
_ADDRESS_START = re.compile(r"(?:https?(?::/?)?|www)$", re.IGNORECASE)


def one_line(text: str) -> str:
    """Return a value as it may stand in a line: runs of white space are one space, nothing invisible is left."""
    if text.isascii() and text.isprintable() and "  " not in text:
        return text.strip()
    return _SPACES.sub(" ", _UNSEEN.sub(" ", text)).strip()


def for_markdown(value: str) -> str:
    """Return a value of `one_line` escaped for the text of a message.

    CommonMark takes a backslash before punctuation for the character itself. Backticks become apostrophes, since
    within code a backslash escapes nothing. Addresses get an invisible character, which keeps the app from making
    links of them (IO messages API notes, 7.1).
    """
    return _escape(value) if _SUSPECT.search(value) else value


def _escape(value: str) -> str:
    text = _ALWAYS.sub(r"\\\g<0>", value.replace("`", "'"))
    text = _LIST_NUMBER.sub(r"\1\\\2", text)
    if len(text) > 1 and text[-1] == "!":
        text = text[:-1] + "\\!"
    if text[0] in "-+=.:(!)":
        text = "\\" + text
    text = _ADDRESS.sub(lambda found: found[0] + _GUARD, text)
    if _ADDRESS_END.match(value):
        text = _GUARD + text
    if _ADDRESS_START.search(value):
        text += _GUARD
    return text


def for_address(value: str, keep: str = "") -> str:
    """Return a value of `one_line` percent-encoded, so that within an address it stays what it is: a part of it.

    `keep` are the characters left as they are: "@" in an e-mail address, "+" in a phone number.
    """
    return quote(value, safe=keep).replace("_", "%5F").replace("~", "%7E")
