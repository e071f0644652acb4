"""What an answer of the platform means for us.

Every operation has its closed union of answers, to be told apart with `match`. The readers are pure functions of
status, headers and body. Titles decide, being part of the contract; detail text is a hint only, because it changes
between versions (IO messages API notes, 1.6). No answer carries a fiscal code in clear.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from messaging.appio.bodies import Body, Shape, header, parse_json, read_body, retry_after


class Cause(StrEnum):
    """Why the platform refused this message, whatever the others do."""

    INVALID_CONTENT = "invalid_content"
    AMOUNT_OVER_LIMIT = "amount_over_limit"
    BAD_PARAMETERS = "bad_parameters"
    RECIPIENT_FORBIDDEN = "recipient_forbidden"
    PAYEE_NOT_ALLOWED = "payee_not_allowed"
    PREMIUM_NOT_ALLOWED = "premium_not_allowed"
    THIRD_PARTY_NOT_ALLOWED = "third_party_not_allowed"
    ATTACHMENTS_NOT_ALLOWED = "attachments_not_allowed"
    REMOTE_CONTENT_UNKNOWN = "remote_content_unknown"
    REMOTE_CONTENT_NOT_OURS = "remote_content_not_ours"
    REMOTE_CONTENT_MISSING = "remote_content_missing"
    NOT_FOUND = "not_found"
    UNKNOWN = "unknown"


class Owner(StrEnum):
    """Whose job it is to put a refusal right."""

    CLERK = "clerk"
    ADMINISTRATOR = "administrator"
    PAGOPA = "pagopa"


@dataclass(frozen=True, slots=True)
class Accepted:
    """201: taken in charge under this id. Not delivered yet."""

    message_id: str


@dataclass(frozen=True, slots=True)
class AcceptedWithoutId:
    """201 without a usable id: the message exists and cannot be followed."""


@dataclass(frozen=True, slots=True)
class Refused:
    """The platform refused this message: nothing was created, and the same again would be refused again."""

    cause: Cause
    owner: Owner
    status: int
    title: str


@dataclass(frozen=True, slots=True)
class KeyRejected:
    """401, or a key that no header can carry. `reason`: missing, invalid, malformed or unknown."""

    reason: str


@dataclass(frozen=True, slots=True)
class Forbidden:
    """A 403 that may blame the key, its groups or the caller's address; harmless calls tell which."""

    title: str


@dataclass(frozen=True, slots=True)
class Throttled:
    """429: nothing was created; no call of this account for `retry_after` seconds (1 to 300)."""

    retry_after: float


@dataclass(frozen=True, slots=True)
class NotSent:
    """Proof that nothing was written, since no connection came about.

    `reason`: refused, dns, tls, connect_time_out, no_route or connect.
    """

    reason: str


@dataclass(frozen=True, slots=True)
class Unanswered:
    """No answer to rely on: after a submit nobody knows whether the message exists; a read is simply repeated.

    `reason`: time_out, reset, closed, tls, unreadable, server_error, redirect, unexpected_status, wrong_address.
    """

    reason: str
    status: int | None = None


@dataclass(frozen=True, slots=True)
class Profile:
    """Whether the service may write to this citizen, and the languages they prefer, best first ("it_IT")."""

    sender_allowed: bool
    preferred_languages: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class NoProfile:
    """The citizen has no IO account, or switched the inbox off (IO messages API notes, 4)."""


@dataclass(frozen=True, slots=True)
class MessageState:
    """Where a message stands, in the platform's own words (IO messages API notes, 3.3 and 3.6)."""

    status: str
    read_status: str | None = None
    payment_status: str | None = None


@dataclass(frozen=True, slots=True)
class MessageUnknown:
    """No message with this id and fiscal code (IO messages API notes, 3.7)."""


_Common = Refused | KeyRejected | Forbidden | Throttled | NotSent | Unanswered
SubmitAnswer = Accepted | AcceptedWithoutId | _Common
ProfileAnswer = Profile | NoProfile | _Common
MessageAnswer = MessageState | MessageUnknown | _Common

STATUSES = frozenset({"ACCEPTED", "THROTTLED", "PROCESSED", "REJECTED", "FAILED"})
READ_STATUSES = frozenset({"UNAVAILABLE", "UNREAD", "READ"})
PAYMENT_STATUSES = frozenset({"NOT_PAID", "PAID"})

_USABLE_ID = re.compile(r"[0-9A-Za-z_-]{1,64}")
_ULID = re.compile(r"[0-9A-HJKMNP-TV-Z]{26}", re.IGNORECASE)

# Titles of IO messages API notes, 1.6, in lower case.
_REFUSALS: Mapping[tuple[int, str], tuple[Cause, Owner]] = {
    (400, "invalid message structure"): (Cause.INVALID_CONTENT, Owner.CLERK),
    (400, "error while sending payment metadata"): (Cause.AMOUNT_OVER_LIMIT, Owner.ADMINISTRATOR),
    (400, "bad parameters"): (Cause.BAD_PARAMETERS, Owner.ADMINISTRATOR),
    (400, "validation error"): (Cause.REMOTE_CONTENT_UNKNOWN, Owner.ADMINISTRATOR),
    (403, "recipient forbidden"): (Cause.RECIPIENT_FORBIDDEN, Owner.ADMINISTRATOR),
    (403, "no configuration id for remote content"): (Cause.REMOTE_CONTENT_MISSING, Owner.ADMINISTRATOR),
    (403, "not your configuration"): (Cause.REMOTE_CONTENT_NOT_OURS, Owner.ADMINISTRATOR),
    (403, "attachments call forbidden"): (Cause.ATTACHMENTS_NOT_ALLOWED, Owner.ADMINISTRATOR),
    (404, "remote content configuration not found"): (Cause.REMOTE_CONTENT_UNKNOWN, Owner.ADMINISTRATOR),
}
_GENERIC_FORBIDDEN = "you are not allowed here"
# Missing grants share one title; only the detail tells them apart. A changed wording falls back to Forbidden.
_HINTS = (
    ("with payee", Cause.PAYEE_NOT_ALLOWED),
    ("premium message", Cause.PREMIUM_NOT_ALLOWED),
    ("third party message", Cause.THIRD_PARTY_NOT_ALLOWED),
)


def read_submit(status: int, headers: Mapping[str, str], body: bytes | None) -> SubmitAnswer:
    """Say what the answer to POST /messages means; `body` is None when it could not be read to its end.

    400, 401, 403, 404 and 429 come before anything is written (IO messages API notes, 2.3), whatever their body.
    """
    if status == 201:
        return _created(headers, body)
    shape = read_body(body)
    if status == 403:
        return _forbidden(shape)
    if status in {400, 404}:
        return _refused(status, shape)
    return _other(status, headers, shape)


def read_profile(status: int, headers: Mapping[str, str], body: bytes | None) -> ProfileAnswer:
    """Say what the answer to POST /profiles means (IO messages API notes, 4); arguments as in `read_submit`."""
    if status == 200:
        return _profile(parse_json(body))
    shape = read_body(body)
    if status == 404:
        return NoProfile() if shape.kind is Shape.PROBLEM else Unanswered("wrong_address", 404)
    if status == 400:
        return _refused(status, shape)
    if status == 403:
        return _forbidden(shape)
    return _other(status, headers, shape)


def read_message(status: int, headers: Mapping[str, str], body: bytes | None) -> MessageAnswer:
    """Say what the answer to GET /messages/{fiscal_code}/{id} means (notes, 3); arguments as in `read_submit`."""
    if status == 200:
        return _message_state(parse_json(body))
    shape = read_body(body)
    if status == 404:
        return MessageUnknown() if shape.kind is Shape.PROBLEM else Unanswered("wrong_address", 404)
    if status == 400:
        return _refused(status, shape)
    if status == 403:
        return Forbidden(shape.title)
    return _other(status, headers, shape)


def _created(headers: Mapping[str, str], body: bytes | None) -> Accepted | AcceptedWithoutId:
    found = parse_json(body)
    message_id = found.get("id") if isinstance(found, dict) else None
    if isinstance(message_id, str) and _USABLE_ID.fullmatch(message_id):
        return Accepted(message_id)
    # The Location header ends with the same id (notes, 1.4): it saves a message whose body was cut.
    last = header(headers, "location").rstrip("/").rpartition("/")[2]
    return Accepted(last) if _ULID.fullmatch(last) else AcceptedWithoutId()


def _refused(status: int, shape: Body) -> Refused:
    cause, owner = _REFUSALS.get((status, shape.title.lower()), (None, Owner.ADMINISTRATOR))
    if cause is None and status == 404:
        cause = Cause.NOT_FOUND
    elif cause is None and shape.kind is Shape.PROBLEM and shape.title.lower().startswith("invalid "):
        # Other versions name the type that did not match (notes, 1.5 and 1.6).
        cause, owner = Cause.INVALID_CONTENT, Owner.CLERK
    return Refused(cause or Cause.UNKNOWN, owner, status, shape.title)


def _forbidden(shape: Body) -> Refused | Forbidden:
    title = shape.title.lower()
    if shape.kind is not Shape.PROBLEM:
        return Forbidden(shape.title)
    if known := _REFUSALS.get((403, title)):
        return Refused(*known, 403, shape.title)
    if title == _GENERIC_FORBIDDEN:
        for words, cause in _HINTS:
            if words in shape.detail.lower():
                return Refused(cause, Owner.PAGOPA, 403, shape.title)
    return Forbidden(shape.title)


def _other(status: int, headers: Mapping[str, str], shape: Body) -> KeyRejected | Throttled | Unanswered:
    if status == 401:
        return KeyRejected(_key_reason(shape))
    if status == 429:
        return Throttled(retry_after(headers, shape))
    if 300 <= status < 400:
        return Unanswered("redirect", status)
    if 500 <= status < 600:
        return Unanswered("server_error", status)
    return Unanswered("unreadable" if status in {200, 201} else "unexpected_status", status)


def _key_reason(shape: Body) -> str:
    words = f"{shape.title} {shape.detail}".lower()
    return next((reason for reason in ("missing", "invalid") if reason in words), "unknown")


def _profile(found: object) -> Profile | Unanswered:
    allowed = found.get("sender_allowed") if isinstance(found, dict) else None
    if not isinstance(found, dict) or not isinstance(allowed, bool):
        return Unanswered("unreadable", 200)
    languages = found.get("preferred_languages")
    listed = languages if isinstance(languages, list) else []
    return Profile(allowed, tuple(word for word in listed if isinstance(word, str) and len(word) <= 16))


def _message_state(found: object) -> MessageState | Unanswered:
    status = _word(found, "status", STATUSES)
    if not isinstance(found, dict) or status is None:
        return Unanswered("unreadable", 200)
    # An unknown secondary word is as good as none: it must not hide the final status.
    read = _word(found, "read_status", READ_STATUSES)
    return MessageState(status, read, _word(found, "payment_status", PAYMENT_STATUSES))


def _word(found: object, key: str, known: frozenset[str]) -> str | None:
    word = found.get(key) if isinstance(found, dict) else None
    return word if isinstance(word, str) and word in known else None
