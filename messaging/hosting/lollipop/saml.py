"""What an identity provider says of a citizen: a signed SAML assertion (platform notes, A5, 7 and 8).

Nothing is read but from the element that was signed, as signxml hands it back: an answer can carry any number of other
assertions around it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from cryptography import x509
from lxml import etree
from signxml.algorithms import DigestAlgorithm, SignatureMethod
from signxml.verifier import SignatureConfiguration, VerifyResult, XMLVerifier

from messaging.hosting.lollipop import markup
from messaging.hosting.lollipop.errors import Code, Unproved

SAML = "{urn:oasis:names:tc:SAML:2.0:assertion}"
PROTOCOL = "{urn:oasis:names:tc:SAML:2.0:protocol}"

#: SPID and CIE sign with RSA and SHA-256 or better.
_METHODS = frozenset(
    {
        SignatureMethod.RSA_SHA256,
        SignatureMethod.RSA_SHA384,
        SignatureMethod.RSA_SHA512,
        SignatureMethod.ECDSA_SHA256,
        SignatureMethod.ECDSA_SHA384,
        SignatureMethod.ECDSA_SHA512,
    }
)
_DIGESTS = frozenset({DigestAlgorithm.SHA256, DigestAlgorithm.SHA384, DigestAlgorithm.SHA512})
_PREFIX = "TINIT-"


@dataclass(frozen=True, slots=True)
class Claim:
    """Who is said to have signed, and when: good for nothing but finding the certificates."""

    issuer: str
    issued_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """What the identity provider signed."""

    claim: Claim
    in_response_to: str
    not_before: datetime
    fiscal_number: str = field(repr=False)


def parse(text: str) -> etree._Element:
    """Return the root of a SAML response. Raises `Unproved` with bad_assertion."""
    try:
        root = markup.parse(text)
    except markup.BadXml as error:
        raise Unproved(Code.BAD_ASSERTION) from error
    if root.tag != f"{PROTOCOL}Response" or len(root.findall(f"{SAML}Assertion")) != 1:
        raise Unproved(Code.BAD_ASSERTION)
    return root


def claim(response: etree._Element) -> Claim:
    """Return who is said to have signed the response's assertion. Raises `Unproved` with bad_assertion."""
    return _claim(_only(response, "Assertion"))


def statement(response: etree._Element, certificates: Iterable[x509.Certificate], signed_at: datetime) -> Statement:
    """Return what is signed by one of the certificates, each of which must have been valid at `signed_at`.

    Raises `Unproved` with wrong_assertion_signature or bad_assertion.
    """
    for certificate in certificates:
        signed = _signed(response, certificate, signed_at)
        if signed is not None:
            return _read(signed)
    raise Unproved(Code.WRONG_ASSERTION_SIGNATURE)


def _signed(response: etree._Element, certificate: x509.Certificate, signed_at: datetime) -> etree._Element | None:
    configuration = SignatureConfiguration(
        location=f"./{SAML}Assertion/",
        expect_references=1,
        signature_methods=_METHODS,
        digest_algorithms=_DIGESTS,
        verification_time=signed_at,
        # The key is that of the certificate found elsewhere: what the signature says about its own is of no interest.
        ignore_ambiguous_key_info=True,
    )
    try:
        verified = XMLVerifier().verify(response, x509_cert=certificate, expect_config=configuration)
    except Exception:
        # Not only SignXMLException: a signature of a strange form makes signxml fail in many ways. None of them is one.
        return None
    return verified.signed_xml if isinstance(verified, VerifyResult) else None


def _read(assertion: etree._Element) -> Statement:
    # A comment inside a text would split it, and only its first half would be read.
    if assertion.tag != f"{SAML}Assertion" or any(not isinstance(node.tag, str) for node in assertion.iter()):
        raise Unproved(Code.BAD_ASSERTION)
    confirmation = _only(_only(_only(assertion, "Subject"), "SubjectConfirmation"), "SubjectConfirmationData")
    return Statement(
        claim=_claim(assertion),
        in_response_to=confirmation.get("InResponseTo", ""),
        not_before=_time(_only(assertion, "Conditions").get("NotBefore", "")),
        fiscal_number=_fiscal_number(assertion),
    )


def _fiscal_number(assertion: etree._Element) -> str:
    attributes = [
        attribute
        for attribute in assertion.findall(f"{SAML}AttributeStatement/{SAML}Attribute")
        if attribute.get("Name") == "fiscalNumber"
    ]
    if len(attributes) != 1:
        raise Unproved(Code.BAD_ASSERTION)
    return (_only(attributes[0], "AttributeValue").text or "").strip().removeprefix(_PREFIX)


def _claim(assertion: etree._Element) -> Claim:
    issuer = (_only(assertion, "Issuer").text or "").strip()
    return Claim(issuer, _time(assertion.get("IssueInstant", "")))


def _only(parent: etree._Element, name: str) -> etree._Element:
    found = parent.findall(f"{SAML}{name}")
    if len(found) != 1:
        raise Unproved(Code.BAD_ASSERTION)
    return found[0]


def _time(text: str) -> datetime:
    try:
        time = datetime.fromisoformat(text.strip())
        # SAML: without a zone it is UTC.
        return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise Unproved(Code.BAD_ASSERTION) from error
