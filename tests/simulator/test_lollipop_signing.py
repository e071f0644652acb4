"""The app's signature on what it asks, judged with nothing but the headers and a library of cryptography."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import time
from datetime import datetime
from typing import Any

import pytest
import requests
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils
from lxml import etree
from signxml import SignatureConfiguration, XMLVerifier

from tests.simulator.box import BORGOFIORE, LAURA, TRIBUTI, Box
from tests.simulator.institution import DETAIL, PDF, Institution, Reply, environment, registered, remote_message

HOME = "/io/messages/pratica-1"
MARCO = "RSSMRC78C12Z999Q"
APP = "https://api-app.io.pagopa.it/api/communication/v1/third-party-messages"
NAMES = {
    "signature",
    "signature-input",
    "x-pagopa-lollipop-original-method",
    "x-pagopa-lollipop-original-url",
    "x-pagopa-lollipop-assertion-ref",
    "x-pagopa-lollipop-assertion-type",
    "x-pagopa-lollipop-auth-jwt",
    "x-pagopa-lollipop-public-key",
    "x-pagopa-lollipop-user-id",
}
INPUT = re.compile(
    r'sig1=(\("x-pagopa-lollipop-original-method" "x-pagopa-lollipop-original-url"\)'
    r';created=(\d+);nonce="([^"]+)";alg="([^"]+)";keyid="([^"]+)")'
)


def decoded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


class Signed:
    """The LolliPoP headers of one request."""

    def __init__(self, headers: dict[str, str]) -> None:
        self.headers = {name: value for name, value in headers.items() if name in NAMES}
        parts = INPUT.fullmatch(headers["signature-input"])
        assert parts is not None
        self.parameters, created, self.nonce, self.algorithm, self.key_id = parts.groups()
        self.created = int(created)
        self.jwk: dict[str, str] = json.loads(decoded(headers["x-pagopa-lollipop-public-key"]))
        self.signature = base64.b64decode(headers["signature"].removeprefix("sig1=:").removesuffix(":"))

    @property
    def text(self) -> bytes:
        covered = ("x-pagopa-lollipop-original-method", "x-pagopa-lollipop-original-url")
        lines = [f'"{name}": {self.headers[name]}' for name in covered]
        return "\n".join([*lines, f'"@signature-params": {self.parameters}']).encode()

    @property
    def thumbprint(self) -> str:
        canonical = json.dumps(self.jwk, sort_keys=True, separators=(",", ":")).encode()
        return base64.urlsafe_b64encode(hashlib.sha256(canonical).digest()).decode().rstrip("=")

    def verify(self, raw: bool = False) -> None:
        numbers = {name: int.from_bytes(decoded(self.jwk[name]), "big") for name in self.jwk if name in "xyne"}
        if self.jwk["kty"] == "RSA":
            key = rsa.RSAPublicNumbers(numbers["e"], numbers["n"]).public_key()
            key.verify(self.signature, self.text, padding.PSS(padding.MGF1(hashes.SHA256()), 32), hashes.SHA256())
            return
        signature = self.signature
        if raw:
            assert len(signature) == 64
            halves = (int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big"))
            signature = utils.encode_dss_signature(*halves)
        point = ec.EllipticCurvePublicNumbers(numbers["x"], numbers["y"], ec.SECP256R1())
        point.public_key().verify(signature, self.text, ec.ECDSA(hashes.SHA256()))


@pytest.fixture
def signed_configuration(box: Box, institution: Institution) -> str:
    """A configuration with LolliPoP on, except for Marco."""
    institution.replies[HOME] = Reply(200, json.dumps(DETAIL).encode())
    return registered(
        box, is_lollipop_enabled=True, disable_lollipop_for=[MARCO], prod_environment=environment(institution.url)
    )


@pytest.fixture
def sent(box: Box, signed_configuration: str) -> str:
    """A message to Laura."""
    return remote_message(box, signed_configuration)


def asked(box: Box, institution: Institution, identity: str, **part: Any) -> dict[str, str]:
    before = len(institution.asked)
    box.control("POST", f"/messages/{identity}/open", part)
    assert len(institution.asked) == before + 1
    return institution.asked[-1].headers


@pytest.mark.parametrize(
    ("algorithm", "encoding"),
    [("ecdsa-p256-sha256", "der"), ("ecdsa-p256-sha256", "raw"), ("rsa-pss-sha256", "der")],
)
def test_all_nine_headers_are_there_and_the_signature_holds(
    box: Box, institution: Institution, sent: str, algorithm: str, encoding: str
) -> None:
    box.control("POST", "/settings", {"lollipop_algorithm": algorithm, "lollipop_encoding": encoding})
    signed = Signed(asked(box, institution, sent))
    assert set(signed.headers) == NAMES
    signed.verify(raw=encoding == "raw")
    assert signed.algorithm == algorithm
    assert signed.key_id == signed.thumbprint
    assert signed.headers["x-pagopa-lollipop-assertion-ref"] == f"sha256-{signed.thumbprint}"
    assert signed.headers["x-pagopa-lollipop-assertion-type"] == "SAML"
    assert signed.headers["x-pagopa-lollipop-original-method"] == "GET"
    assert signed.headers["x-pagopa-lollipop-original-url"] == f"{APP}/{sent}"
    assert signed.headers["x-pagopa-lollipop-user-id"] == LAURA
    assert abs(signed.created - time.time()) < 5
    assert box.control("GET", "/fetches")[0]["lollipop"] is True


def test_headers_have_the_form_of_the_contract(box: Box, institution: Institution, sent: str) -> None:
    headers = asked(box, institution, sent)
    assert re.fullmatch(r"(?:sig\d+=[^,]*)(?:,\s*(?:sig\d+=[^,]*))*", headers["signature-input"])
    assert re.fullmatch(r"((sig[0-9]+)=:[A-Za-z0-9+/=]*:(, ?)?)+", headers["signature"])
    assert re.fullmatch(r"sha256-[A-Za-z0-9-_=]{1,44}", headers["x-pagopa-lollipop-assertion-ref"])
    claims = json.loads(decoded(headers["x-pagopa-lollipop-auth-jwt"].split(".")[1]))
    assert claims["assertionRef"] == headers["x-pagopa-lollipop-assertion-ref"]
    assert claims["exp"] - claims["iat"] == 900


def test_each_part_is_signed_with_the_address_that_the_app_called(
    box: Box, institution: Institution, sent: str
) -> None:
    institution.replies[f"{HOME}/files/a.pdf"] = Reply(200, PDF)
    addresses = [
        asked(box, institution, sent, **part)["x-pagopa-lollipop-original-url"]
        for part in ({}, {"part": "precondition"}, {"part": "attachment", "url": "/files/a.pdf"})
    ]
    assert addresses == [f"{APP}/{sent}", f"{APP}/{sent}/precondition", f"{APP}/{sent}/attachments/files/a.pdf"]


def test_a_citizen_keeps_their_key_and_never_repeats_a_nonce(
    box: Box, institution: Institution, sent: str, signed_configuration: str
) -> None:
    first, second = (Signed(asked(box, institution, sent)) for _ in range(2))
    emily = remote_message(box, signed_configuration, "CRTMLY90D55Z999Q")
    other = Signed(asked(box, institution, emily))
    assert first.key_id == second.key_id != other.key_id
    assert first.nonce != second.nonce


def test_nobody_signs_for_who_is_excluded_or_where_it_is_off(
    box: Box, institution: Institution, signed_configuration: str
) -> None:
    off = registered(box, prod_environment=environment(institution.url))
    for identity in (remote_message(box, signed_configuration, MARCO), remote_message(box, off)):
        assert not NAMES & set(asked(box, institution, identity))
        assert box.control("GET", f"/fetches?message={identity}")[0]["lollipop"] is False


@pytest.mark.parametrize("algorithm", ["ecdsa-p256-sha256", "rsa-pss-sha256"])
def test_a_forged_signature_does_not_hold(box: Box, institution: Institution, sent: str, algorithm: str) -> None:
    box.control("POST", "/settings", {"lollipop_algorithm": algorithm})
    box.fault("lollipop-signature", count=1)
    with pytest.raises(InvalidSignature):
        Signed(asked(box, institution, sent)).verify()
    Signed(asked(box, institution, sent)).verify()


def test_an_old_signature_holds_but_was_made_long_ago(box: Box, institution: Institution, sent: str) -> None:
    box.fault("lollipop-old", value=7200)
    signed = Signed(asked(box, institution, sent))
    signed.verify()
    assert 7195 < time.time() - signed.created < 7205


def test_a_replay_repeats_every_header(box: Box, institution: Institution, sent: str) -> None:
    box.fault("lollipop-replay", count=1)
    first = Signed(asked(box, institution, sent))
    assert Signed(asked(box, institution, sent)).headers == first.headers
    assert Signed(asked(box, institution, sent)).nonce != first.nonce


@pytest.mark.parametrize("name", sorted(NAMES))
def test_any_header_can_be_missing(box: Box, institution: Institution, sent: str, name: str) -> None:
    box.fault("lollipop-header", value=name, count=1)
    assert NAMES - set(asked(box, institution, sent)) == {name}


@pytest.mark.parametrize("person", [LAURA, "CRTMLY90D55Z999Q"])
def test_the_user_can_be_somebody_else(
    box: Box, institution: Institution, signed_configuration: str, person: str
) -> None:
    box.fault("lollipop-user")
    headers = asked(box, institution, remote_message(box, signed_configuration, person))
    assert headers["fiscal_code"] == person
    assert headers["x-pagopa-lollipop-user-id"] not in ("", person)
    Signed(headers).verify()


def test_an_app_that_does_not_sign_gets_an_error_and_the_institution_is_not_asked(
    box: Box, institution: Institution, sent: str
) -> None:
    box.fault("lollipop-none", fiscal_code=LAURA)
    view = box.control("POST", f"/messages/{sent}/open", {})
    assert (view["status"], view["error"]) == (500, "not signed")
    assert institution.asked == []


def test_a_setting_is_one_of_its_words(box: Box) -> None:
    for body in ({"lollipop_algorithm": "rsa-pss-sha512"}, {"lollipop_encoding": "pem"}):
        answer = box.session.post(f"{box.control_address}/settings", json=body, timeout=5)
        assert answer.status_code == 400


class Asking:
    """What an institution asks IO and PagoPA about a signature."""

    def __init__(self, box: Box, headers: dict[str, str]) -> None:
        self.box = box
        self.reference = headers["x-pagopa-lollipop-assertion-ref"]
        self.token = headers["x-pagopa-lollipop-auth-jwt"]

    def answer(self, key: str = TRIBUTI, reference: str = "", token: str = "") -> requests.Response:
        return self.box.session.get(
            f"{self.box.address}/lollipop/api/v1/assertions/{reference or self.reference}",
            headers={
                "Ocp-Apim-Subscription-Key": key,
                "x-pagopa-lollipop-auth": f"Bearer {token or self.token}",
            },
            timeout=5,
        )

    def certificate(self) -> bytes:
        assert self.box.session.get(f"{self.box.address}/idp-keys/spid", timeout=5).json() == ["latest"]
        metadata = self.box.session.get(f"{self.box.address}/idp-keys/spid/latest", timeout=5).content
        return base64.b64decode("".join(etree.fromstring(metadata).itertext()))


def test_the_identity_provider_vouches_for_the_key(box: Box, institution: Institution, sent: str) -> None:
    asking = Asking(box, asked(box, institution, sent))
    response = etree.fromstring(asking.answer().json()["response_xml"])
    certificate = x509.load_der_x509_certificate(asking.certificate())
    where = SignatureConfiguration(location="./{urn:oasis:names:tc:SAML:2.0:assertion}Assertion/")
    signed = XMLVerifier().verify(response, x509_cert=certificate, expect_config=where).signed_xml
    assert signed is not None
    (confirmation,) = signed.iter("{*}SubjectConfirmationData")
    assert confirmation.get("InResponseTo") == asking.reference
    assert signed.findtext(".//{*}AttributeValue") == f"TINIT-{LAURA}"
    assert abs(datetime.fromisoformat(signed.get("IssueInstant", "")).timestamp() - time.time()) < 60


def test_an_assertion_needs_the_group_and_the_token_that_came_with_it(
    box: Box, institution: Institution, sent: str, signed_configuration: str
) -> None:
    asking = Asking(box, asked(box, institution, sent))
    emily = asked(box, institution, remote_message(box, signed_configuration, "CRTMLY90D55Z999Q"))
    other = Asking(box, emily)
    body, _, seal = asking.token.rpartition(".")
    assert asking.answer("nobody's").status_code == 401
    assert asking.answer(BORGOFIORE).status_code == 403
    assert asking.answer(token=other.token).status_code == 403
    assert asking.answer(reference=other.reference).status_code == 403
    assert asking.answer(token=f"{body}.{seal[::-1]}").status_code == 403
    assert asking.answer(token="x").status_code == 403
    assert asking.answer().status_code == 200


def test_a_forgotten_sign_in_is_gone(box: Box, institution: Institution, sent: str) -> None:
    asking = Asking(box, asked(box, institution, sent))
    box.control("POST", "/reset")
    assert asking.answer().status_code == 410
