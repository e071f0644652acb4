"""The part of the citizen's phone and of IO, with nothing but the standard library and cryptography: signs requests.

It shares no code with what verifies them, and writes text as IO's app does: with format strings.
"""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import dataclass, field

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils

METHOD = "x-pagopa-lollipop-original-method"
URL = "x-pagopa-lollipop-original-url"

FISCAL_CODE = "AAAAAA89S20I111X"
HOST = "app-backend.io.italia.it"
IO_MESSAGE_ID = "01HQRS0Q3Y8Z6K7T5V4W2X1N0M"
ORIGINAL_URL = f"https://{HOST}/api/v1/third-party-messages/{IO_MESSAGE_ID}"
TOKEN = "aaaa.bbbb.cccc"


def number(value: int, length: int, *, plain: bool = False) -> str:
    """A number of a JWK: base64url without padding, or `plain` base64 with it, as phones write it."""
    data = value.to_bytes(length, "big")
    if plain:
        return base64.b64encode(data).decode()
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


class Phone:
    """A phone with a key pair on a curve."""

    algorithm = "ecdsa-p256-sha256"

    def __init__(self, curve: ec.EllipticCurve | None = None, *, plain: bool = False) -> None:
        self.private = ec.generate_private_key(curve or ec.SECP256R1())
        self.plain = plain

    def jwk(self) -> dict[str, str]:
        numbers = self.private.public_key().public_numbers()
        size = (self.private.curve.key_size + 7) // 8
        names = {"secp256r1": "P-256", "secp384r1": "P-384"}
        return {
            "kty": "EC",
            "y": number(numbers.y, size, plain=self.plain),
            "crv": names[self.private.curve.name],
            "x": number(numbers.x, size, plain=self.plain),
        }

    def thumbprint(self, algorithm: str = "sha256") -> str:
        jwk = self.jwk()
        text = f'{{"crv":"{jwk["crv"]}","kty":"EC","x":"{jwk["x"]}","y":"{jwk["y"]}"}}'
        return base64.urlsafe_b64encode(hashlib.new(algorithm, text.encode()).digest()).decode().rstrip("=")

    def sign(self, text: str) -> bytes:
        return self.private.sign(text.encode(), ec.ECDSA(hashes.SHA256()))


class RsaPhone(Phone):
    """A phone whose hardware knows RSA only."""

    algorithm = "rsa-pss-sha256"

    def __init__(self, bits: int = 2048, salt: int = 32) -> None:
        self.rsa = rsa.generate_private_key(65537, bits)
        self.salt = salt

    def jwk(self) -> dict[str, str]:
        numbers = self.rsa.public_key().public_numbers()
        return {"kty": "RSA", "e": "AQAB", "n": number(numbers.n, self.rsa.key_size // 8)}

    def thumbprint(self, algorithm: str = "sha256") -> str:
        text = f'{{"e":"AQAB","kty":"RSA","n":"{self.jwk()["n"]}"}}'
        return base64.urlsafe_b64encode(hashlib.new(algorithm, text.encode()).digest()).decode().rstrip("=")

    def sign(self, text: str) -> bytes:
        scheme = padding.PSS(padding.MGF1(hashes.SHA256()), self.salt)
        return self.rsa.sign(text.encode(), scheme, hashes.SHA256())


def raw(signature: bytes) -> bytes:
    """The other encoding of a signature on a curve: r and s, 32 bytes each."""
    r, s = utils.decode_dss_signature(signature)
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")


def mirrored(signature: bytes) -> bytes:
    """The other signature that verifies: anybody can make it of the first."""
    r, s = utils.decode_dss_signature(signature)
    return utils.encode_dss_signature(r, 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551 - s)


@dataclass
class Call:
    """What the app asks for, and how it says so; each part can be made wrong before `headers` signs and packs it."""

    created: int
    phone: Phone = field(default_factory=Phone)
    method: str = "GET"
    url: str = ORIGINAL_URL
    fiscal_code: str = FISCAL_CODE
    nonce: str | None = "3f1c7a52-9f1a-4a0e-8d2b-6f4f4a3f0a11"
    algorithm: str | None = None
    keyid: str | None = None
    hashed: str = "sha256"
    components: tuple[str, ...] = (METHOD, URL)
    more_headers: dict[str, str] = field(default_factory=dict)
    more_parameters: str = ""
    after: str = ";"

    def parameters(self) -> str:
        covered = " ".join(f'"{name}"' for name in self.components)
        keyid = self.phone.thumbprint(self.hashed) if self.keyid is None else self.keyid
        parts = [
            f"({covered})",
            f"created={self.created}",
            *([f'nonce="{self.nonce}"'] if self.nonce is not None else []),
            f'alg="{self.algorithm or self.phone.algorithm}"',
            f'keyid="{keyid}"',
        ]
        return self.after.join(parts) + self.more_parameters

    def base(self, parameters: str | None = None) -> str:
        values = {METHOD: self.method, URL: self.url, **self.more_headers}
        lines = [f'"{name}": {values[name]}\n' for name in self.components]
        return "".join(lines) + f'"@signature-params": {parameters or self.parameters()}'

    def signature(self) -> bytes:
        return self.phone.sign(self.base())

    def headers(self, signature: bytes | None = None) -> dict[str, str]:
        """The headers with which IO passes the call on."""
        value = base64.b64encode(self.signature() if signature is None else signature).decode()
        return {
            "fiscal_code": self.fiscal_code,
            METHOD: self.method,
            URL: self.url,
            **self.more_headers,
            "signature-input": f"sig1={self.parameters()}",
            "signature": f"sig1=:{value}:",
            "x-pagopa-lollipop-assertion-ref": f"{self.hashed}-{self.phone.thumbprint(self.hashed)}",
            "x-pagopa-lollipop-assertion-type": "SAML",
            "x-pagopa-lollipop-auth-jwt": TOKEN,
            "x-pagopa-lollipop-public-key": packed(self.phone.jwk()),
            "x-pagopa-lollipop-user-id": self.fiscal_code,
        }


def packed(jwk: object, *, plain: bool = False) -> str:
    """The header with the public key: base64url of the JWK, or `plain` base64 with padding."""
    data = json.dumps(jwk).encode()
    if plain:
        return base64.b64encode(data).decode()
    return base64.urlsafe_b64encode(data).decode().rstrip("=")
