"""The simulator's phones and identity provider, which know nothing of us, convince what verifies them."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest

from messaging.hosting.lollipop.assertions import AssertionSource, verify_assertion
from messaging.hosting.lollipop.certificates import IdentityProviderCertificates
from messaging.hosting.lollipop.errors import Code, Unproved
from messaging.hosting.lollipop.verification import verify
from messaging.simulator.identity_provider import IdentityProvider
from messaging.simulator.lollipop import ECDSA, RSA, Flaws, Signer
from tests.hosting.lollipop.provider import Serving
from tests.hosting.lollipop.signer import FISCAL_CODE, ORIGINAL_URL


@pytest.mark.parametrize(("algorithm", "encoding"), [(ECDSA, "der"), (ECDSA, "raw"), (RSA, "der")])
def test_a_simulated_phone_is_believed_to_the_end(algorithm: str, encoding: str) -> None:
    phones, provider = Signer(), IdentityProvider()
    headers = phones.headers(FISCAL_CODE, ORIGINAL_URL, algorithm, encoding)
    proof = verify(headers, FISCAL_CODE, datetime.now(UTC))
    sign_in = phones.sign_in(proof.assertion_ref)
    assert sign_in
    with Serving() as io:
        io.answer("/idp-keys/spid", ["latest"])
        io.answer("/idp-keys/spid/latest", _metadata(provider))
        io.answer(f"/lollipop/api/v1/assertions/{proof.assertion_ref}", {"response_xml": provider.response(sign_in)})
        certificates = IdentityProviderCertificates(io.url, 1, 1)
        verify_assertion(proof, FISCAL_CODE, AssertionSource("key", io.url), certificates, datetime.now(UTC))


@pytest.mark.parametrize(
    ("flaws", "code"),
    [
        (Flaws(forged=True), Code.WRONG_SIGNATURE),
        (Flaws(older_by=600), Code.TOO_OLD),
        (Flaws(without="signature"), Code.MISSING_HEADER),
        (Flaws(user="BBBBBB89S20I111X"), Code.WRONG_USER),
    ],
)
def test_each_flaw_that_the_simulator_can_make_is_seen(flaws: Flaws, code: Code) -> None:
    headers = Signer().headers(FISCAL_CODE, ORIGINAL_URL, ECDSA, "der", flaws)
    with pytest.raises(Unproved) as caught:
        verify(headers, FISCAL_CODE, datetime.now(UTC))
    assert caught.value.code == code


def _metadata(provider: IdentityProvider) -> str:
    """In a thread of its own: a browser's tests leave a running loop in theirs."""
    with ThreadPoolExecutor(1) as thread:
        return str(thread.submit(lambda: asyncio.run(provider.metadata(None))).result().body.decode())
