"""The nine headers: there, and of the right form (platform notes, A3.2 and A5, 1)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from messaging.hosting.lollipop.errors import Code, Unproved

METHOD = "x-pagopa-lollipop-original-method"
URL = "x-pagopa-lollipop-original-url"
SIGNATURE_INPUT = "signature-input"
SIGNATURE = "signature"
ASSERTION_REF = "x-pagopa-lollipop-assertion-ref"
ASSERTION_TYPE = "x-pagopa-lollipop-assertion-type"
AUTH_JWT = "x-pagopa-lollipop-auth-jwt"
PUBLIC_KEY = "x-pagopa-lollipop-public-key"
USER_ID = "x-pagopa-lollipop-user-id"

#: Characters of one header; servers take no more either.
LENGTH_LIMIT = 8190

#: A line break in a value would add lines of the sender's choice to what is verified.
_PRINTABLE = re.compile(r"[\t -~]*")

# Always with fullmatch, as `$` lets a line feed through. A plain http address passes here: `original` refuses it with
# a code of its own unless this is a demonstration.
_PATTERNS = {
    METHOD: re.compile(r"GET|POST|PUT|PATCH|DELETE"),
    URL: re.compile(r"https?://[!-~]+"),
    SIGNATURE_INPUT: re.compile(r"sig\d+=[^,]*(?:,\s*sig\d+=[^,]*)*", re.ASCII),
    SIGNATURE: re.compile(r"(?:sig[0-9]+=:[A-Za-z0-9+/=]*:(?:, ?)?)+"),
    ASSERTION_REF: re.compile(r"sha256-[\w=-]{1,44}|sha384-[\w=-]{1,66}|sha512-[\w=-]{1,88}", re.ASCII),
    ASSERTION_TYPE: re.compile(r"SAML|OIDC"),
    AUTH_JWT: re.compile(r"[!-~]+"),
    PUBLIC_KEY: re.compile(r"[A-Za-z0-9+/_=-]+"),
    USER_ID: re.compile(r"[A-Z]{6}[0-9LMNPQRSTUV]{2}[ABCDEHLMPRST][0-9LMNPQRSTUV]{2}[A-Z][0-9LMNPQRSTUV]{3}[A-Z]"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class LollipopHeaders:
    """The values of the nine headers, each of the right form."""

    method: str
    url: str
    signature_input: str
    signature: str
    assertion_ref: str
    assertion_type: str
    auth_jwt: str = field(repr=False)
    public_key: str
    user_id: str = field(repr=False)


def read(headers: Mapping[str, str]) -> LollipopHeaders:
    """Return the nine headers of a request; names in `headers` are in lower case.

    Raises `Unproved` with missing_header or malformed_header, about the first one that is wrong.
    """
    values = {name: _value(headers, name) for name in _PATTERNS}
    return LollipopHeaders(
        method=values[METHOD],
        url=values[URL],
        signature_input=values[SIGNATURE_INPUT],
        signature=values[SIGNATURE],
        assertion_ref=values[ASSERTION_REF],
        assertion_type=values[ASSERTION_TYPE],
        auth_jwt=values[AUTH_JWT],
        public_key=values[PUBLIC_KEY],
        user_id=values[USER_ID],
    )


def is_safe(value: str) -> bool:
    """Tell whether a header's value can be part of what is verified: printable ASCII, not endless."""
    return len(value) <= LENGTH_LIMIT and _PRINTABLE.fullmatch(value) is not None


def _value(headers: Mapping[str, str], name: str) -> str:
    value = headers.get(name, "").strip(" \t")
    if not value:
        raise Unproved(Code.MISSING_HEADER, name)
    if not is_safe(value) or not _PATTERNS[name].fullmatch(value):
        raise Unproved(Code.MALFORMED_HEADER, name)
    return value
