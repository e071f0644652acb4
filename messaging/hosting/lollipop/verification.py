"""Proof that a request comes from the app of the citizen whom it names: checks 1 to 5 and 9 of platform notes, A5."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from messaging.hosting.lollipop import freshness, keys, original, signatures
from messaging.hosting.lollipop import headers as nine
from messaging.hosting.lollipop.errors import Code, Unproved
from messaging.hosting.lollipop.keys import Key
from messaging.hosting.lollipop.original import HOSTS
from messaging.hosting.lollipop.signatures import Signature

__all__ = ["HOSTS", "Proof", "Unproved", "verify"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """What a request has proved.

    `replay_key` (64 hexadecimal digits) is the same for each copy of this signed request, however its signature is
    written, and for no other. It need not be remembered after `forget_at`: the request is too old by then.
    `io_message_id` is IO's id of the message that the app asked for. `thumbprint` is that of the app's key, by the
    algorithm that `assertion_ref` names. `assertion_ref`, `assertion_type` and `auth_jwt` are for
    `assertions.verify_assertion`.
    """

    replay_key: str
    forget_at: datetime
    io_message_id: str
    assertion_ref: str
    assertion_type: str
    auth_jwt: str = field(repr=False)
    thumbprint: str


def verify(
    headers: Mapping[str, str],
    fiscal_code: str,
    now: datetime,
    hosts: Collection[str] = HOSTS,
    oldest: timedelta = freshness.OLDEST,
) -> Proof:
    """Check a request of IO and return what it proves.

    `headers` have names in lower case; `fiscal_code` is that of the header `fiscal_code`, which the caller
    has compared with the intended recipient; `now` is aware; `hosts` are those of IO that the original url may
    name, without port. Whether `replay_key` was seen before is for the caller to find out: it keeps the store.

    Raises `Unproved`, and nothing else whatever the request holds.
    """
    given = nine.read(headers)
    if given.user_id != fiscal_code:
        raise Unproved(Code.WRONG_USER)
    io_message_id = original.message_id(given.method, given.url, hosts)
    key = keys.read(given.public_key)
    thumbprint = _bound(given.assertion_ref, key)
    signature = signatures.covering(given.signature_input, given.signature)
    _check_key_id(signature, given.assertion_ref, thumbprint)
    verified = signatures.verify(signature, key, headers)
    freshness.check(signature.parameters, now, oldest)
    return Proof(
        replay_key=_replay_key(thumbprint, signature, verified),
        forget_at=now + oldest + freshness.FUTURE,
        io_message_id=io_message_id,
        assertion_ref=given.assertion_ref,
        assertion_type=given.assertion_type,
        auth_jwt=given.auth_jwt,
        thumbprint=thumbprint,
    )


def _bound(assertion_ref: str, key: Key) -> str:
    algorithm, _, claimed = assertion_ref.partition("-")
    thumbprint = key.thumbprint(algorithm)
    if claimed.rstrip("=") != thumbprint:
        raise Unproved(Code.WRONG_ASSERTION_REF)
    return thumbprint


def _check_key_id(signature: Signature, assertion_ref: str, thumbprint: str) -> None:
    keyid = signature.parameters.get("keyid")
    # The app gives the bare thumbprint; the samples of IO's own library give the whole assertion ref.
    if type(keyid) is not str or keyid.rstrip("=") not in {thumbprint, assertion_ref.rstrip("=")}:
        raise Unproved(Code.WRONG_KEYID)


def _replay_key(thumbprint: str, signature: Signature, verified: bytes) -> str:
    parts = (thumbprint.encode(), str(signature.parameters["nonce"]).encode(), verified)
    return hashlib.sha256(b"".join(len(part).to_bytes(4, "big") + part for part in parts)).hexdigest()
