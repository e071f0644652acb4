"""What only institutions with the assertion entitlement can check: that the key belongs to the citizen.

Checks 6 to 8 of platform notes, A5. At the citizen's login the identity provider of SPID or CIE signed who it is,
together with the thumbprint of the app's key; IO hands that assertion out to those whose subscription key is in its
group ApiLollipopAssertionRead.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from urllib.parse import quote

from messaging.hosting.lollipop import saml
from messaging.hosting.lollipop.certificates import IdentityProviderCertificates
from messaging.hosting.lollipop.errors import Code, Unproved
from messaging.hosting.lollipop.fetching import Fetcher, Unanswered
from messaging.hosting.lollipop.verification import Proof

BASE_URL = "https://api.io.pagopa.it"
#: IO's own library takes no older ones: citizens log in again at least once a year.
OLDEST = timedelta(days=365)
#: Bytes; an assertion with its certificates is about ten thousand.
LENGTH_LIMIT = 1024 * 1024

_USABLE_KEY = re.compile(r"[!-~]{1,512}")


@dataclass(frozen=True, slots=True)
class Assertion:
    """The answer of the identity provider at the citizen's login: XML, not yet verified."""

    xml: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class OpenIdAssertion:
    """An answer of OpenID Connect: the specification has it, IO does not hand it out, and we cannot verify it."""


@dataclass(frozen=True, slots=True)
class Refused:
    """400, 401 or 403: the token is older than 15 minutes or for another assertion, or the key lacks its group."""

    status: int


@dataclass(frozen=True, slots=True)
class Gone:
    """404 or 410: IO does not know it, or has deleted it."""


@dataclass(frozen=True, slots=True)
class Unavailable:
    """No answer, or not one of the above; `reason` is a word for the log."""

    reason: str


class AssertionSource:
    """IO's service that hands out assertions; any number of threads may share it.

    `key` is the institution's subscription key in the group ApiLollipopAssertionRead. Time-outs are in seconds: a
    citizen waits for 8 seconds at most, for everything.
    """

    def __init__(
        self, key: str, base_url: str = BASE_URL, connect_timeout: float = 2.0, read_timeout: float = 3.0
    ) -> None:
        self._key = key
        self._fetcher = Fetcher(base_url, connect_timeout, read_timeout)

    def fetch(self, assertion_ref: str, auth_jwt: str) -> Assertion | OpenIdAssertion | Refused | Gone | Unavailable:
        """Ask for an assertion with the token that came with the citizen's request. Raises nothing."""
        if not _USABLE_KEY.fullmatch(self._key):
            return Unavailable("malformed_key")
        headers = {
            "Accept": "application/json",
            "Ocp-Apim-Subscription-Key": self._key,
            "x-pagopa-lollipop-auth": f"Bearer {auth_jwt}",
        }
        place = f"/lollipop/api/v1/assertions/{quote(assertion_ref, safe='=')}"
        answer = self._fetcher.get(place, headers, LENGTH_LIMIT)
        if isinstance(answer, Unanswered):
            return Unavailable(answer.reason)
        if answer.status in {400, 401, 403}:
            return Refused(answer.status)
        if answer.status in {404, 410}:
            return Gone()
        return _read(answer.body) if answer.status == 200 else Unavailable(f"status_{answer.status}")


def verify_assertion(
    proof: Proof,
    fiscal_code: str,
    source: AssertionSource,
    certificates: IdentityProviderCertificates,
    now: datetime,
) -> None:
    """Check that an identity provider vouches for the citizen's key; makes calls, so never inside a transaction.

    `proof` is what `verification.verify` returned for the request, `fiscal_code` that of its header, `now` aware.
    Raises `Unproved`, and nothing else; a code in `errors.PASSING` says that somebody did not answer.
    """
    if proof.assertion_type != "SAML":
        raise Unproved(Code.UNSUPPORTED_ASSERTION)
    response = saml.parse(_fetched(proof, source))
    claim = saml.claim(response)
    signed = saml.statement(response, certificates.of(claim.issuer, claim.issued_at), claim.issued_at)
    if signed.claim != claim:
        # The certificates were looked up for somebody else.
        raise Unproved(Code.WRONG_ASSERTION_SIGNATURE)
    if signed.in_response_to != proof.assertion_ref:
        raise Unproved(Code.WRONG_IN_RESPONSE_TO)
    if signed.fiscal_number != fiscal_code:
        raise Unproved(Code.WRONG_FISCAL_NUMBER)
    if signed.not_before > now:
        raise Unproved(Code.ASSERTION_NOT_YET_VALID)
    if now - signed.not_before > OLDEST:
        raise Unproved(Code.ASSERTION_TOO_OLD)


def _fetched(proof: Proof, source: AssertionSource) -> str:
    answer = source.fetch(proof.assertion_ref, proof.auth_jwt)
    if isinstance(answer, Assertion):
        return answer.xml
    codes = {
        OpenIdAssertion: Code.UNSUPPORTED_ASSERTION,
        Refused: Code.ASSERTION_REFUSED,
        Gone: Code.ASSERTION_GONE,
        Unavailable: Code.ASSERTION_UNAVAILABLE,
    }
    raise Unproved(codes[type(answer)])


def _read(body: bytes) -> Assertion | OpenIdAssertion | Unavailable:
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):
        return Unavailable("unreadable")
    if not isinstance(answer, dict):
        return Unavailable("unreadable")
    if "id_token" in answer or "claims_token" in answer:
        return OpenIdAssertion()
    text = answer.get("response_xml")
    return Assertion(text) if isinstance(text, str) and text else Unavailable("unreadable")
