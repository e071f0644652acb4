"""What there is to be fetched of a message: one question to the database for each request."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeAlias

from messaging.appio import rules
from messaging.appio.buttons import buttons_from
from messaging.appio.markdown import with_buttons
from messaging.enums import OpenedPart, Precondition, Status
from messaging.hosting import database
from messaging.hosting.routes import Target, address_of
from messaging.remote.contents import CORRECTABLE

#: Where IO may have the message. After an uncertain attempt a person may have given up, or queued it once more.
SERVED = CORRECTABLE | {Status.ABANDONED}

_FROM = """
FROM messaging_message m
JOIN messaging_recipient r ON r.id = m.recipient_id
JOIN messaging_remotecontent c ON c.message_id = m.id
"""
_STATUSES = ", ".join(f"'{status}'" for status in sorted(SERVED))
_WHERE = f"""
WHERE m.public_id = %s AND r.fiscal_code = %s AND r.institution_id IN (%s) AND c.erased_at IS NULL
AND (m.has_remote_content OR m.has_attachments)
AND (m.status IN ({_STATUSES}) OR (m.status = '{Status.QUEUED}' AND m.attempt_number > 0))
"""
#: IO's id of the message is sure where it was posted once.
_WHOSE = "m.id, r.institution_id, CASE WHEN m.attempt_number = 1 THEN m.io_id ELSE '' END"
_DETAIL = f"""
SELECT {_WHOSE}, m.has_remote_content, m.has_attachments, c.subject, c.body, m.buttons,
a.attachment_id, a.name {_FROM}
LEFT JOIN messaging_messageattachment a ON m.has_attachments AND a.message_id = m.id AND a.removed_at IS NULL
{_WHERE} ORDER BY a.position
"""
_PRECONDITION = f"""
SELECT {_WHOSE}, m.precondition, c.precondition_title, c.precondition_body {_FROM} {_WHERE}
"""
_FILE = f"""
SELECT {_WHOSE}, f.id, f.file, f.size, a.removed_at {_FROM}
LEFT JOIN messaging_messageattachment a ON m.has_attachments AND a.message_id = m.id AND a.attachment_id = %s
LEFT JOIN messaging_attachment f ON f.id = a.attachment_id
{_WHERE} ORDER BY CASE WHEN a.removed_at IS NULL THEN 0 ELSE 1 END LIMIT 1
"""
_QUERIES = {OpenedPart.DETAIL: _DETAIL, OpenedPart.PRECONDITION: _PRECONDITION, OpenedPart.FILE: _FILE}


class Incoherent(Exception):
    """The message promised IO something that is not there, or that the app would not show."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a file lies in the storage, and how many bytes it has."""

    name: str
    size: int


Said: TypeAlias = dict[str, object] | Place | Incoherent | None


@dataclass(frozen=True, slots=True)
class Found:
    """A message that IO may have, of the person and of one of the institutions asked for, and what it says.

    ``says`` is the JSON of a detail or of a precondition, or the place of a file; None where the message has no such
    part (any more). ``attachment`` is set for a file that the message has or had.
    """

    message: int
    institution: int
    #: IO's own id of it; empty where that is not known for sure.
    io_id: str
    says: Said
    attachment: str | None = None


def find(target: Target, fiscal_code: str, institutions: Collection[int]) -> Found | None:
    """What a request asks for; None for a wrong id, a wrong person and a wrong institution alike.

    ``fiscal_code`` is the recipient's, ``institutions`` the numbers of those that the caller may ask for. Raises what
    Django raises while the database is away.
    """
    values = [database.key(target.message), fiscal_code, *institutions]
    if target.attachment is not None:
        values.insert(0, database.key(target.attachment))
    rows = database.rows(_query(target.part, len(institutions)), values)
    if not rows:
        return None
    message, institution, io_id = rows[0][:3]
    says, attachment = _said(target.part, [row[3:] for row in rows])
    return Found(message, institution, io_id, says, attachment)


@lru_cache(maxsize=64)
def _query(part: OpenedPart, institutions: int) -> str:
    return _QUERIES[part].replace("IN (%s)", f"IN ({', '.join(['%s'] * institutions)})")


def _said(part: OpenedPart, rows: Sequence[Sequence[Any]]) -> tuple[Said, str | None]:
    if part is OpenedPart.FILE:
        attachment, *place = rows[0]
        return (_place(*place), database.uuid_of(attachment)) if attachment else (None, None)
    if part is OpenedPart.PRECONDITION:
        return _precondition(*rows[0]), None
    try:
        return _detail(rows), None
    except Incoherent as error:
        return error, None


def _detail(rows: Sequence[Sequence[Any]]) -> dict[str, object]:
    has_remote_content, has_attachments, subject, body, buttons = rows[0][:5]
    said: dict[str, object] = {}
    if has_remote_content:
        said["details"] = _texts(subject, body, buttons)
    if has_attachments:
        said["attachments"] = _files([(database.uuid_of(row[5]), row[6]) for row in rows if row[5]])
    return said


def _texts(subject: str, body: str, buttons: str) -> dict[str, str]:
    markdown = body if buttons == "[]" else with_buttons(body, buttons_from(json.loads(buttons)))
    if not rules.SUBJECT_MIN <= rules.utf16_length(subject) <= rules.SUBJECT_MAX:
        raise Incoherent("the protected subject is too short or too long")
    if not rules.MARKDOWN_MIN <= rules.utf16_length(markdown) <= rules.MARKDOWN_MAX:
        raise Incoherent("the protected text is too short or too long")
    return {"subject": subject, "markdown": markdown}


def _files(attached: Sequence[tuple[str, str]]) -> list[dict[str, str]]:
    if not attached:
        raise Incoherent("the message promised attachments and has none")
    # An id stands once in a message, so the same file twice is one.
    names: dict[str, str] = {}
    for attachment, name in attached:
        names.setdefault(attachment, name if name.lower().endswith(".pdf") else f"{name}.pdf")
    return [
        {
            "id": attachment,
            "name": name,
            "content_type": "application/pdf",
            "category": "DOCUMENT",
            "url": address_of(attachment),
        }
        for attachment, name in names.items()
    ]


def _precondition(precondition: str, title: str, body: str) -> dict[str, object] | None:
    if precondition == Precondition.NEVER or not title or not body:
        return None
    return {"title": title, "markdown": body}


def _place(name: str, size: int, removed_at: object) -> Place | None:
    return Place(name, size) if removed_at is None else None
