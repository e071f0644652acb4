"""Why a request is not believed: one code per check, for the log and the counters; never for the citizen."""

from __future__ import annotations

from enum import StrEnum


class Code(StrEnum):
    """The check that failed. The numbers are those of platform notes, A5."""

    # 1: presence and syntax
    MISSING_HEADER = "missing_header"
    MALFORMED_HEADER = "malformed_header"
    BAD_KEY = "bad_key"
    """The public key is no JWK of an RSA key, or of an elliptic curve point that is on its curve."""
    WEAK_KEY = "weak_key"
    """RSA below 2048 bits, or a curve other than P-256."""
    # 2: what the app asked IO for
    WRONG_METHOD = "wrong_method"
    WRONG_URL = "wrong_url"
    # 3: the signature
    NOT_COVERED = "not_covered"
    """No signature covers both the original method and the original url."""
    UNKNOWN_COMPONENT = "unknown_component"
    """The signature covers something that did not arrive with the request, or that this dialect does not know."""
    WRONG_ALGORITHM = "wrong_algorithm"
    """`alg` is missing, is neither of IO's two, or does not fit the key."""
    WRONG_SIGNATURE = "wrong_signature"
    # 4: which key it is
    WRONG_KEYID = "wrong_keyid"
    WRONG_ASSERTION_REF = "wrong_assertion_ref"
    # 5: who it is
    WRONG_USER = "wrong_user"
    # 6: the assertion of the identity provider
    UNSUPPORTED_ASSERTION = "unsupported_assertion"
    """OIDC: IO hands out SAML only."""
    ASSERTION_REFUSED = "assertion_refused"
    """IO answered 400, 401 or 403: token too old or for another assertion, or our key lacks the entitlement."""
    ASSERTION_GONE = "assertion_gone"
    ASSERTION_UNAVAILABLE = "assertion_unavailable"
    # 7: what it says
    BAD_ASSERTION = "bad_assertion"
    """No XML, with a DOCTYPE, or not one signed assertion with the elements of SPID and CIE."""
    WRONG_IN_RESPONSE_TO = "wrong_in_response_to"
    WRONG_FISCAL_NUMBER = "wrong_fiscal_number"
    ASSERTION_NOT_YET_VALID = "assertion_not_yet_valid"
    ASSERTION_TOO_OLD = "assertion_too_old"
    # 8: who says it
    CERTIFICATES_UNAVAILABLE = "certificates_unavailable"
    UNKNOWN_IDENTITY_PROVIDER = "unknown_identity_provider"
    WRONG_ASSERTION_SIGNATURE = "wrong_assertion_signature"
    # 9: freshness
    MISSING_NONCE = "missing_nonce"
    MISSING_CREATED = "missing_created"
    TOO_OLD = "too_old"
    FROM_THE_FUTURE = "from_the_future"
    EXPIRED = "expired"


#: Nothing was found to be wrong, somebody just did not answer: worth another attempt later.
PASSING = frozenset({Code.ASSERTION_UNAVAILABLE, Code.CERTIFICATES_UNAVAILABLE})


class Unproved(Exception):
    """The request does not prove that it comes from the citizen's app.

    `code` says which check failed, `about` which header or component it is about, or "". Neither holds a value of the
    request: both may be logged.
    """

    def __init__(self, code: Code, about: str = "") -> None:
        super().__init__(f"{code} {about}".rstrip())
        self.code = code
        self.about = about
