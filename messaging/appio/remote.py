"""What IO fetches from the institution at each opening: its part of the submission, and what IO would refuse of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from messaging.appio import rules
from messaging.appio.rules import Problem


@dataclass(frozen=True, slots=True, kw_only=True)
class ThirdParty:
    """`third_party_data` of a submission (platform notes, A2).

    `id` is the institution's own id of this content for this citizen, pasted by IO into the address unquoted: a UUID.
    `configuration_id` is IO's ULID of where to fetch.
    """

    id: str
    configuration_id: str
    has_remote_content: bool
    has_attachments: bool
    precondition: Literal["ALWAYS", "ONCE", "NEVER"]


def third_party_data(third_party: ThirdParty) -> dict[str, object]:
    """Return the JSON object of `content.third_party_data`."""
    return {
        "id": third_party.id,
        "configuration_id": third_party.configuration_id,
        "has_remote_content": third_party.has_remote_content,
        "has_attachments": third_party.has_attachments,
        "has_precondition": third_party.precondition,
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """What IO will fetch: texts with placeholders filled, buttons merged into `markdown`, how many files there are."""

    subject: str = ""
    markdown: str = ""
    precondition_title: str = ""
    precondition_markdown: str = ""
    files: int = 0


def check(third_party: ThirdParty, fetched: Fetched, *, advanced: bool) -> list[Problem]:
    """Return all that would keep the citizen from opening the message, or IO from taking it (notes, A2 and A3.3).

    `advanced` says whether the message itself is Premium. Fields and codes: remote (not_registered);
    protected_subject and protected_body (too_short, too_long with length and limit; not_text); precondition_title
    and precondition_body (empty, not_text); attachments (missing, not_allowed).
    """
    return list(_problems(third_party, fetched, advanced))


def _problems(third_party: ThirdParty, fetched: Fetched, advanced: bool) -> Iterator[Problem]:
    if not third_party.configuration_id:
        yield Problem("remote", "not_registered")
    if third_party.has_remote_content:
        yield from rules.text_problems("protected_subject", fetched.subject, rules.SUBJECT_MIN, rules.SUBJECT_MAX)
        yield from rules.text_problems("protected_body", fetched.markdown, rules.MARKDOWN_MIN, rules.MARKDOWN_MAX)
    if third_party.precondition != "NEVER":
        yield from _page("precondition_title", fetched.precondition_title, rules.SUBJECT_MAX)
        yield from _page("precondition_body", fetched.precondition_markdown, rules.MARKDOWN_MAX)
    if third_party.has_attachments:
        if not fetched.files:
            yield Problem("attachments", "missing")
        if not advanced:
            yield Problem("attachments", "not_allowed")


def _page(field: str, text: str, longest: int) -> Iterator[Problem]:
    """IO sets no limits here; an empty page is of no use, and a text may not be longer than a message's."""
    if not text:
        yield Problem(field, "empty")
    yield from rules.text_problems(field, text, 0, longest)
