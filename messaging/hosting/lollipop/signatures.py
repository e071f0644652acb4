"""The signature over the app's own call to IO: HTTP Message Signatures as IO's app makes them (platform notes, A5, 3).

docs/lollipop.md says where that differs from RFC 9421.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, PSS
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from http_sfv.dictionary import Dictionary
from http_sfv.item import InnerList, Item

from messaging.hosting.lollipop import headers as names
from messaging.hosting.lollipop.errors import Code, Unproved
from messaging.hosting.lollipop.keys import Key

#: What a signature must cover at least.
REQUIRED = frozenset({names.METHOD, names.URL})
#: The app makes one; services that have more signed add one per document.
SIGNATURES_LIMIT = 8

_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
_HALF = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """One signature: what it covers and by which parameters, as text and read, and its bytes."""

    raw: str
    covered: InnerList
    value: bytes

    @property
    def parameters(self) -> Mapping[str, object]:
        """Its parameters by name: `created`, `nonce`, `alg`, `keyid`, maybe others."""
        return self.covered.params

    def texts(self) -> Iterator[str]:
        """Yield what ends the signed text: as it arrived, which is what the app signs, then as RFC 9421 writes it."""
        yield self.raw
        with suppress(ValueError):
            if str(self.covered) != self.raw:
                yield str(self.covered)


def covering(signature_input: str, signature: str) -> Signature:
    """Return the signature that covers method and url; others, of documents, are not looked at.

    Two of them are refused: the app makes one, and whoever owns two could leave out the one that was seen before.
    Raises `Unproved` with malformed_header, not_covered or unknown_component.
    """
    inputs = dict(_inputs(signature_input))
    values = _parsed(signature, names.SIGNATURE)
    if inputs.keys() != values.keys() or len(inputs) > SIGNATURES_LIMIT:
        raise Unproved(Code.MALFORMED_HEADER, names.SIGNATURE)
    found = [label for label, (_, covered) in inputs.items() if _covers_enough(covered)]
    if not found:
        raise Unproved(Code.NOT_COVERED)
    if len(found) > 1:
        raise Unproved(Code.MALFORMED_HEADER, names.SIGNATURE_INPUT)
    return _signature(*inputs[found[0]], values[found[0]])


def verify(signature: Signature, key: Key, headers: Mapping[str, str]) -> bytes:
    """Check a signature over the request's headers, and return it in the one form that all its forms share.

    A signature on an elliptic curve can be written in two encodings, and by anybody as its mirror image: all of them
    come out as the same bytes here, so that a replay cannot disguise itself. Raises `Unproved` with wrong_algorithm,
    unknown_component or wrong_signature.
    """
    algorithm = signature.parameters.get("alg")
    covered = [_line(item.value, headers) for item in signature.covered]
    for text in signature.texts():
        base = "\n".join([*covered, f'"@signature-params": {text}']).encode("ascii")
        if isinstance(key.public, ec.EllipticCurvePublicKey) and algorithm == "ecdsa-p256-sha256":
            verified = _verified_ecdsa(key.public, signature.value, base)
        elif isinstance(key.public, rsa.RSAPublicKey) and algorithm == "rsa-pss-sha256":
            verified = _verified_rsa(key.public, signature.value, base)
        else:
            raise Unproved(Code.WRONG_ALGORITHM)
        if verified is not None:
            return verified
    raise Unproved(Code.WRONG_SIGNATURE)


def _inputs(text: str) -> Iterator[tuple[str, tuple[str, InnerList]]]:
    # No comma can be inside a member: the platform's pattern sees to it, and the header has been held against it.
    seen = set()
    for member in text.split(","):
        label, _, raw = member.strip(" \t").partition("=")
        covered = _parsed(f"{label}={raw}", names.SIGNATURE_INPUT).get(label)
        if label in seen or not isinstance(covered, InnerList):
            raise Unproved(Code.MALFORMED_HEADER, names.SIGNATURE_INPUT)
        seen.add(label)
        yield label, (raw, covered)


def _parsed(text: str, about: str) -> Mapping[str, Item | InnerList]:
    parsed = Dictionary()
    try:
        parsed.parse(text.encode("ascii"))
    except ValueError as error:
        raise Unproved(Code.MALFORMED_HEADER, about) from error
    return parsed


def _covers_enough(covered: InnerList) -> bool:
    plain = {item.value for item in covered if type(item.value) is str and not item.params}
    return plain.issuperset(REQUIRED)


def _signature(raw: str, covered: InnerList, value: Item | InnerList) -> Signature:
    # Parameters of a component ask for a derived value, which needs the app's own request: it stays with IO.
    if any(item.params or type(item.value) is not str for item in covered):
        raise Unproved(Code.UNKNOWN_COMPONENT)
    if len({item.value for item in covered}) != len(covered):
        raise Unproved(Code.MALFORMED_HEADER, names.SIGNATURE_INPUT)
    if not isinstance(value, Item) or not isinstance(value.value, bytes):
        raise Unproved(Code.MALFORMED_HEADER, names.SIGNATURE)
    return Signature(raw=raw, covered=covered, value=value.value)


def _line(component: str, headers: Mapping[str, str]) -> str:
    value = headers.get(component)
    if value is None or component != component.lower() or not names.is_safe(value):
        raise Unproved(Code.UNKNOWN_COMPONENT, component)
    return '"{}": {}'.format(component, value.strip(" \t"))


def _verified_ecdsa(public: ec.EllipticCurvePublicKey, value: bytes, base: bytes) -> bytes | None:
    for encoded in _der_forms(value):
        with suppress(InvalidSignature):
            public.verify(encoded, base, ec.ECDSA(SHA256()))
            r, s = decode_dss_signature(encoded)
            return r.to_bytes(_HALF, "big") + min(s, _ORDER - s).to_bytes(_HALF, "big")
    return None


def _der_forms(value: bytes) -> Iterator[bytes]:
    if len(value) == 2 * _HALF:
        yield encode_dss_signature(int.from_bytes(value[:_HALF], "big"), int.from_bytes(value[_HALF:], "big"))
    yield value


def _verified_rsa(public: rsa.RSAPublicKey, value: bytes, base: bytes) -> bytes | None:
    # Neither the notes nor IO's own verifier fix the length of the salt.
    with suppress(InvalidSignature):
        public.verify(value, base, PSS(MGF1(SHA256()), PSS.AUTO), SHA256())
        return value
    return None
