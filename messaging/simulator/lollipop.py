"""The app's signature on its calls, as IO passes it on to institutions (platform notes, A3.2 and A5).

The dialect is the draft of HTTP Message Signatures that the app speaks: two headers are covered, in this order,
`x-pagopa-lollipop-original-method` and `x-pagopa-lollipop-original-url`.
"""

import base64
import hashlib
import hmac
import json
import secrets
import time
from dataclasses import dataclass
from typing import Any, Final

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils

from messaging.simulator.identifiers import new_ulid

ECDSA: Final = "ecdsa-p256-sha256"
RSA: Final = "rsa-pss-sha256"
ALGORITHMS: Final = (ECDSA, RSA)
ENCODINGS: Final = ("der", "raw")
METHOD: Final = "x-pagopa-lollipop-original-method"
URL: Final = "x-pagopa-lollipop-original-url"
USER: Final = "x-pagopa-lollipop-user-id"
HEADERS: Final = (
    "signature",
    "signature-input",
    METHOD,
    URL,
    "x-pagopa-lollipop-assertion-ref",
    "x-pagopa-lollipop-assertion-type",
    "x-pagopa-lollipop-auth-jwt",
    "x-pagopa-lollipop-public-key",
    USER,
)
_TOKEN_SECONDS: Final = 900
_COORDINATE: Final = 32

PrivateKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


@dataclass(frozen=True, slots=True)
class DeviceKey:
    """The key pair that a citizen's app made when they signed in."""

    private: PrivateKey
    jwk: dict[str, str]
    thumbprint: str

    @property
    def reference(self) -> str:
        """The assertion reference: how the platform names the sign-in that knew this key."""
        return f"sha256-{self.thumbprint}"

    @property
    def algorithm(self) -> str:
        """What it signs with."""
        return ECDSA if isinstance(self.private, ec.EllipticCurvePrivateKey) else RSA

    def sign(self, text: bytes, encoding: str) -> bytes:
        """The signature; `encoding` is `der` or `raw` (r and s, 32 bytes each) and means nothing to RSA."""
        if isinstance(self.private, rsa.RSAPrivateKey):
            pss = padding.PSS(padding.MGF1(hashes.SHA256()), padding.PSS.DIGEST_LENGTH)
            return self.private.sign(text, pss, hashes.SHA256())
        signature = self.private.sign(text, ec.ECDSA(hashes.SHA256()))
        if encoding == "der":
            return signature
        r, s = utils.decode_dss_signature(signature)
        return r.to_bytes(_COORDINATE, "big") + s.to_bytes(_COORDINATE, "big")


@dataclass(frozen=True, slots=True)
class SignIn:
    """Who signed in with a key, and when, in seconds since 1970."""

    reference: str
    fiscal_code: str
    at: float


@dataclass(frozen=True, slots=True)
class Flaws:
    """What is wrong with a signature on purpose."""

    forged: bool = False
    older_by: float = 0.0
    without: str = ""
    user: str = ""


SOUND: Final = Flaws()


class Signer:
    """Signs as the citizens' apps do; a citizen's keys are made when they are first needed."""

    def __init__(self) -> None:
        self._keys: dict[tuple[str, str], DeviceKey] = {}
        self._sign_ins: dict[str, SignIn] = {}
        self._last: dict[tuple[str, str], dict[str, str]] = {}
        self._secret = secrets.token_bytes(32)

    def forget(self) -> None:
        """Everybody signs in anew."""
        self._keys.clear()
        self._sign_ins.clear()
        self._last.clear()

    def key(self, fiscal_code: str, algorithm: str) -> DeviceKey:
        """A citizen's key for an algorithm."""
        found = self._keys.get((fiscal_code, algorithm))
        if found is None:
            found = self._keys[fiscal_code, algorithm] = _new_key(algorithm)
            self._sign_ins[found.reference] = SignIn(found.reference, fiscal_code, time.time())
        return found

    def sign_in(self, reference: str) -> SignIn | None:
        """The sign-in that an assertion reference names, unless it is forgotten."""
        return self._sign_ins.get(reference)

    def accepts(self, token: str, reference: str) -> bool:
        """Whether a token is one of ours, for this reference, and not yet expired."""
        signed, _, signature = token.rpartition(".")
        if not hmac.compare_digest(signature.encode(), self._seal(signed).encode()):
            return False
        claims = json.loads(base64.urlsafe_b64decode(signed.partition(".")[2] + "=="))
        return bool(claims["assertionRef"] == reference and claims["exp"] > time.time())

    def last(self, fiscal_code: str, url: str) -> dict[str, str] | None:
        """The headers of this citizen's last signed call of an address."""
        return self._last.get((fiscal_code, url))

    def headers(
        self, fiscal_code: str, url: str, algorithm: str, encoding: str, flaws: Flaws = SOUND
    ) -> dict[str, str]:
        """The nine headers for a GET of `url`, the address that the app called at IO."""
        key = self.key(fiscal_code, algorithm)
        covered = {METHOD: "GET", URL: url}
        created = int(time.time() - flaws.older_by)
        names = " ".join(f'"{name}"' for name in covered)
        nonce = secrets.token_urlsafe(16)
        parameters = f'({names});created={created};nonce="{nonce}";alg="{key.algorithm}";keyid="{key.thumbprint}"'
        lines = [f'"{name}": {value}' for name, value in covered.items()]
        text = "\n".join([*lines, f'"@signature-params": {parameters}']).encode()
        signature = key.sign(b"another text" if flaws.forged else text, encoding)
        made = {
            "signature": f"sig1=:{base64.b64encode(signature).decode()}:",
            "signature-input": f"sig1={parameters}",
            **covered,
            "x-pagopa-lollipop-assertion-ref": key.reference,
            "x-pagopa-lollipop-assertion-type": "SAML",
            "x-pagopa-lollipop-auth-jwt": self._token(key.reference),
            "x-pagopa-lollipop-public-key": _base64url(json.dumps(key.jwk, separators=(",", ":")).encode()),
            USER: flaws.user or fiscal_code,
        }
        made.pop(flaws.without, None)
        self._last[fiscal_code, url] = made
        return made

    def _token(self, reference: str) -> str:
        """The token with which an institution may fetch the assertion: 15 minutes, bound to the reference."""
        now = int(time.time())
        claims = {"assertionRef": reference, "operationId": new_ulid(), "iat": now, "exp": now + _TOKEN_SECONDS}
        parts = [json.dumps(part, separators=(",", ":")).encode() for part in ({"alg": "HS256", "typ": "JWT"}, claims)]
        signed = ".".join(_base64url(part) for part in parts)
        return f"{signed}.{self._seal(signed)}"

    def _seal(self, text: str) -> str:
        return _base64url(hmac.digest(self._secret, text.encode(), "sha256"))


def _new_key(algorithm: str) -> DeviceKey:
    private: PrivateKey
    if algorithm == RSA:
        private = rsa.generate_private_key(65_537, 2048)
        numbers = private.public_key().public_numbers()
        jwk = {"kty": "RSA", "e": _number(numbers.e, 3), "n": _number(numbers.n, 256)}
    else:
        private = ec.generate_private_key(ec.SECP256R1())
        point = private.public_key().public_numbers()
        jwk = {"kty": "EC", "crv": "P-256", "x": _number(point.x, _COORDINATE), "y": _number(point.y, _COORDINATE)}
    return DeviceKey(private, jwk, _thumbprint(jwk))


def _thumbprint(jwk: dict[str, Any]) -> str:
    """RFC 7638: the required members in the order of their names, without spaces."""
    canonical = json.dumps(jwk, sort_keys=True, separators=(",", ":")).encode()
    return _base64url(hashlib.sha256(canonical).digest())


def _number(value: int, length: int) -> str:
    return _base64url(value.to_bytes(length, "big"))


def _base64url(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()
