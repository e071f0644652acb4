"""The public key of the app: a JSON web key in base64, its strength, its thumbprint (platform notes, A5, 1 and 4)."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwcrypto.common import JWException
from jwcrypto.jwk import JWK

from messaging.hosting.lollipop.errors import Code, Unproved

#: Bits. Below, RSA is no longer held safe; above, verifying costs more than a phone would ever ask for.
RSA_SHORTEST, RSA_LONGEST = 2048, 8192

#: The members that make up a key of a kind: these, and no others, are in its thumbprint (RFC 7638, 3.2).
_MEMBERS = {"EC": ("crv", "kty", "x", "y"), "RSA": ("e", "kty", "n")}
_NUMBER = re.compile(r"[A-Za-z0-9+/_-]{1,1400}={0,2}")
_HASHES = {"sha256": hashlib.sha256, "sha384": hashlib.sha384, "sha512": hashlib.sha512}


@dataclass(frozen=True, slots=True)
class Key:
    """A public key that is strong enough, and the members of its JWK as they were written."""

    public: ec.EllipticCurvePublicKey | rsa.RSAPublicKey
    members: Mapping[str, str]

    def thumbprint(self, algorithm: str) -> str:
        """Return the RFC 7638 thumbprint in base64url without padding; `algorithm` is sha256, sha384 or sha512.

        It is of the members as they were written: phones write the numbers of a key in plain base64 with its padding,
        and that text is what app and IO hash. A library that writes them anew finds another thumbprint.
        """
        text = json.dumps(dict(sorted(self.members.items())), separators=(",", ":"))
        return base64.urlsafe_b64encode(_HASHES[algorithm](text.encode()).digest()).rstrip(b"=").decode()


def read(value: str) -> Key:
    """Read the header with the public key: base64 or base64url, with padding or without, of a JWK.

    Raises `Unproved` with bad_key or weak_key.
    """
    members = _members(_decoded(value))
    if members["kty"] == "EC" and members["crv"] != "P-256":
        raise Unproved(Code.WEAK_KEY)
    try:
        public = JWK(**{name: _canonical(name, text) for name, text in members.items()}).get_op_key("verify")
    except (JWException, ValueError, TypeError) as error:
        raise Unproved(Code.BAD_KEY) from error
    if isinstance(public, rsa.RSAPublicKey) and not RSA_SHORTEST <= public.key_size <= RSA_LONGEST:
        raise Unproved(Code.WEAK_KEY)
    return Key(public, members)


def _decoded(value: str) -> object:
    plain = value.rstrip("=").replace("-", "+").replace("_", "/")
    try:
        return json.loads(base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True))
    except (binascii.Error, ValueError, RecursionError) as error:
        raise Unproved(Code.BAD_KEY) from error


def _members(jwk: object) -> dict[str, str]:
    if not isinstance(jwk, dict) or jwk.get("kty") not in ("EC", "RSA"):
        raise Unproved(Code.BAD_KEY)
    names = _MEMBERS[jwk["kty"]]
    members = {name: text for name in names if isinstance(text := jwk.get(name), str) and _NUMBER.fullmatch(text)}
    if len(members) != len(names):
        raise Unproved(Code.BAD_KEY)
    return members


def _canonical(name: str, text: str) -> str:
    if name in {"kty", "crv"}:
        return text
    return text.rstrip("=").replace("+", "-").replace("/", "_")
