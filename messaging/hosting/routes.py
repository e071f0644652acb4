"""The three addresses that IO asks for, as the contract writes them (platform notes, A3.1)."""

from __future__ import annotations

import re
from dataclasses import dataclass

from messaging.enums import OpenedPart

_UUID = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
_PATH = re.compile(f"/messages/({_UUID})(?:/(precondition)|/attachments/({_UUID}))?")


@dataclass(frozen=True, slots=True)
class Target:
    """What a request asks for: a message by its `third_party_data.id`, and which part of it. Ids are as they came."""

    message: str
    part: OpenedPart
    attachment: str | None = None


def parse(path: str) -> Target | None:
    """What stands at a path (WSGI's PATH_INFO), or None where nothing can.

    Ids are UUIDs in the one spelling that IO was given; a slash too many is another address, not the same one.
    """
    found = _PATH.fullmatch(path)
    if found is None:
        return None
    message, precondition, attachment = found.groups()
    if attachment:
        return Target(message, OpenedPart.FILE, attachment)
    return Target(message, OpenedPart.PRECONDITION if precondition else OpenedPart.DETAIL)


def address_of(attachment: str) -> str:
    """The `url` of a file in a detail: IO appends it to the message's own address (platform notes, A3.4)."""
    return f"attachments/{attachment}"
