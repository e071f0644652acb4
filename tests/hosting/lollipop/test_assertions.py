"""Whether an identity provider vouches for the citizen's key, over real HTTP and with certificates of its own."""

from __future__ import annotations

import re
from collections.abc import Iterator
from copy import deepcopy
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree

from messaging.hosting.lollipop.assertions import AssertionSource, verify_assertion
from messaging.hosting.lollipop.certificates import IdentityProviderCertificates, around
from messaging.hosting.lollipop.errors import PASSING, Code, Unproved
from messaging.hosting.lollipop.verification import Proof, verify
from tests.hosting.lollipop.provider import (
    CIE_ISSUER,
    ISSUER,
    LOGIN,
    NOW,
    SAML,
    Login,
    Provider,
    Service,
    Serving,
    entity,
    instant,
    metadata,
    wrapped,
)
from tests.hosting.lollipop.signer import FISCAL_CODE, TOKEN, Call, Phone

PHONE = Phone()
REF = f"sha256-{PHONE.thumbprint()}"
PLACE = f"/lollipop/api/v1/assertions/{REF}"
PROVIDER = Provider()
STRANGER = Provider()
BEFORE, AFTER = (str(int((LOGIN + timedelta(days=days)).timestamp())) for days in (-10, 10))
KEY = "a-subscription-key"
SIGNED = PROVIDER.signed(Login(REF).response())


@pytest.fixture
def io() -> Iterator[Service]:
    with Serving() as service:
        service.answer("/idp-keys/spid", ["latest", AFTER, BEFORE])
        service.answer(f"/idp-keys/spid/{BEFORE}", metadata(**{ISSUER: [PROVIDER]}))
        service.answer(f"/idp-keys/spid/{AFTER}", metadata(**{ISSUER: [PROVIDER]}))
        service.answer(PLACE, {"response_xml": SIGNED})
        yield service


def proof(**changes: str) -> Proof:
    headers = Call(created=int(NOW.timestamp()), phone=PHONE).headers()
    return verify({**headers, **changes}, FISCAL_CODE, NOW)


def check(io: Service, now: datetime = NOW, fiscal_code: str = FISCAL_CODE, **changes: str) -> None:
    certificates = IdentityProviderCertificates(io.url, 1, 1)
    verify_assertion(proof(**changes), fiscal_code, AssertionSource(KEY, io.url, 1, 1), certificates, now)


def code(io: Service, now: datetime = NOW, **changes: str) -> Code:
    with pytest.raises(Unproved) as caught:
        check(io, now, **changes)
    return caught.value.code


def told(io: Service, response: str) -> Service:
    io.answer(PLACE, {"response_xml": response})
    return io


# What is believed


def test_an_assertion_of_the_citizens_login_vouches_for_the_key(io: Service) -> None:
    check(io)
    path, headers = io.requests[0]
    assert path == PLACE
    assert headers["ocp-apim-subscription-key"] == KEY
    assert headers["x-pagopa-lollipop-auth"] == f"Bearer {TOKEN}"


def test_an_assertion_may_stand_behind_the_address_of_a_gateway(io: Service) -> None:
    io.answers[f"/io{PLACE}"] = io.answers[PLACE]
    source = AssertionSource(KEY, f"{io.url}/io/", 1, 1)
    verify_assertion(proof(), FISCAL_CODE, source, IdentityProviderCertificates(io.url, 1, 1), NOW)


def test_the_electronic_identity_card_has_a_list_of_its_own(io: Service) -> None:
    root = 'xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" xmlns:ds="http://www.w3.org/2000/09/xmldsig#"'
    io.answer("/idp-keys/cie", ["latest"])
    io.answer("/idp-keys/cie/latest", entity(CIE_ISSUER, [PROVIDER], use="", root=root))
    check(told(io, PROVIDER.signed(Login(REF, issuer=CIE_ISSUER).response())))
    assert all("/spid" not in path for path, _ in io.requests)


def test_one_of_several_certificates_of_a_provider_is_enough(io: Service) -> None:
    io.answer(f"/idp-keys/spid/{BEFORE}", metadata(**{ISSUER: [STRANGER, PROVIDER]}))
    check(io)


def test_a_certificate_that_has_expired_since_the_login_still_counts(io: Service) -> None:
    old = Provider(LOGIN - timedelta(days=300), LOGIN + timedelta(days=1))
    io.answer(f"/idp-keys/spid/{BEFORE}", metadata(**{ISSUER: [old]}))
    check(told(io, old.signed(Login(REF).response())))


@pytest.mark.parametrize("algorithm", ["rsa-sha384", "rsa-sha512"])
def test_stronger_digests_are_welcome(io: Service, algorithm: str) -> None:
    check(told(io, PROVIDER.signed(Login(REF).response(), signature_algorithm=algorithm)))


def test_a_time_without_a_zone_is_utc(io: Service) -> None:
    login = Login(REF, not_before=instant(NOW).removesuffix("Z"))
    check(told(io, PROVIDER.signed(login.response())))


# What IO answers


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (400, Code.ASSERTION_REFUSED),
        (401, Code.ASSERTION_REFUSED),
        (403, Code.ASSERTION_REFUSED),
        (404, Code.ASSERTION_GONE),
        (410, Code.ASSERTION_GONE),
        (302, Code.ASSERTION_UNAVAILABLE),
        (429, Code.ASSERTION_UNAVAILABLE),
        (500, Code.ASSERTION_UNAVAILABLE),
    ],
)
def test_each_answer_of_io_has_its_meaning(io: Service, status: int, expected: Code) -> None:
    io.answer(PLACE, {"status": status}, status)
    assert code(io) == expected
    assert (expected in PASSING) == (expected == Code.ASSERTION_UNAVAILABLE)


@pytest.mark.parametrize("body", ["", "{", "[]", "[" * 100000, "{}", '{"response_xml": ""}', '{"response_xml": 5}'])
def test_an_answer_without_assertion_is_none(io: Service, body: str) -> None:
    io.answer(PLACE, body)
    assert code(io) == Code.ASSERTION_UNAVAILABLE


def test_an_endless_answer_is_not_read(io: Service) -> None:
    io.answer(PLACE, " " * (1024 * 1024 + 1))
    assert code(io) == Code.ASSERTION_UNAVAILABLE


def test_nobody_there_is_no_proof(io: Service) -> None:
    nowhere = AssertionSource(KEY, "http://127.0.0.1:9", 1, 1)
    with pytest.raises(Unproved) as caught:
        verify_assertion(proof(), FISCAL_CODE, nowhere, IdentityProviderCertificates(io.url), NOW)
    assert caught.value.code == Code.ASSERTION_UNAVAILABLE


def test_a_key_that_cannot_be_a_header_is_not_sent(io: Service) -> None:
    source = AssertionSource("a\r\nb: c", io.url, 1, 1)
    with pytest.raises(Unproved) as caught:
        verify_assertion(proof(), FISCAL_CODE, source, IdentityProviderCertificates(io.url), NOW)
    assert (caught.value.code, io.requests) == (Code.ASSERTION_UNAVAILABLE, [])


def test_openid_connect_is_not_supported(io: Service) -> None:
    assert code(io, **{"x-pagopa-lollipop-assertion-type": "OIDC"}) == Code.UNSUPPORTED_ASSERTION
    assert io.requests == []
    io.answer(PLACE, {"id_token": "a", "claims_token": "b"})
    assert code(io) == Code.UNSUPPORTED_ASSERTION


# What the assertion says


def test_an_assertion_is_for_one_key(io: Service) -> None:
    other = f"sha256-{Phone().thumbprint()}"
    assert code(told(io, PROVIDER.signed(Login(other).response()))) == Code.WRONG_IN_RESPONSE_TO


@pytest.mark.parametrize("number", ["TINIT-BBBBBB89S20I111X", "", f"TINIT-TINIT-{FISCAL_CODE}", f"{FISCAL_CODE}X"])
def test_an_assertion_is_for_one_citizen(io: Service, number: str) -> None:
    login = Login(REF, fiscal_number=number)
    assert code(told(io, PROVIDER.signed(login.response()))) == Code.WRONG_FISCAL_NUMBER


def test_an_assertion_serves_for_a_year_from_its_start(io: Service) -> None:
    check(io, LOGIN + timedelta(days=365))
    assert code(io, LOGIN + timedelta(days=365, seconds=1)) == Code.ASSERTION_TOO_OLD
    assert code(io, LOGIN - timedelta(seconds=1)) == Code.ASSERTION_NOT_YET_VALID


@pytest.mark.parametrize(
    "login",
    [
        Login(REF, not_before="2023-02-30"),
        Login(REF, not_before=""),
        Login(REF, not_before="9999-99-99T00:00:00Z"),
        Login(REF, not_before="0001-01-01T00:00:00+14:00"),
        Login(REF, attribute="name"),
        Login(REF, attribute="other"),
    ],
)
def test_an_assertion_must_say_everything_in_the_form_of_spid(io: Service, login: Login) -> None:
    assert code(told(io, PROVIDER.signed(login.response()))) == Code.BAD_ASSERTION


@pytest.mark.parametrize("element", ["Issuer", "Subject", "SubjectConfirmationData", "Conditions"])
def test_each_element_must_be_there_once(io: Service, element: str) -> None:
    for copies in ([], [0, 1]):
        root = etree.fromstring(Login(REF).response())
        found = root.find(f".//{{{SAML}}}{element}")
        found.getparent().extend(deepcopy(found) for _ in copies)
        found.getparent().remove(found)
        assert code(told(io, PROVIDER.signed(etree.tostring(root).decode()))) == Code.BAD_ASSERTION


def test_a_second_fiscal_number_is_one_too_many(io: Service) -> None:
    more = '<saml:Attribute Name="fiscalNumber"><saml:AttributeValue>x</saml:AttributeValue></saml:Attribute>'
    response = Login(REF).response().replace("<saml:AttributeStatement>", f"<saml:AttributeStatement>{more}")
    assert code(told(io, PROVIDER.signed(response))) == Code.BAD_ASSERTION


@pytest.mark.parametrize("extra", ["<!-- x -->", "<?x y?>"])
def test_nothing_can_split_a_value(io: Service, extra: str) -> None:
    login = Login(REF, fiscal_number=f"TINIT-{FISCAL_CODE}{extra}X")
    comments = "http://www.w3.org/2001/10/xml-exc-c14n#WithComments"
    response = PROVIDER.signed(login.response(), c14n_algorithm=comments)
    assert code(told(io, response)) == Code.BAD_ASSERTION


# Who says it


def test_a_signature_of_somebody_else_is_none(io: Service) -> None:
    assert code(told(io, STRANGER.signed(Login(REF).response()))) == Code.WRONG_ASSERTION_SIGNATURE


def test_a_provider_signs_for_itself_only(io: Service) -> None:
    io.answer(f"/idp-keys/spid/{BEFORE}", metadata(**{ISSUER: [PROVIDER], "https://other.it": [STRANGER]}))
    assert code(told(io, STRANGER.signed(Login(REF).response()))) == Code.WRONG_ASSERTION_SIGNATURE
    unknown = Login(REF, issuer="https://unknown.it")
    assert code(told(io, PROVIDER.signed(unknown.response()))) == Code.UNKNOWN_IDENTITY_PROVIDER


def test_a_certificate_must_have_been_valid_at_the_login(io: Service) -> None:
    late = Provider(LOGIN + timedelta(days=1), LOGIN + timedelta(days=300))
    io.answer(f"/idp-keys/spid/{AFTER}", metadata(**{ISSUER: [late]}))
    assert code(told(io, late.signed(Login(REF).response()))) == Code.WRONG_ASSERTION_SIGNATURE


def test_a_weak_digest_is_no_signature(io: Service) -> None:
    signed = PROVIDER.signed(Login(REF).response())
    for old, new in (("2001/04/xmldsig-more#rsa-sha256", "2000/09/xmldsig#rsa-sha1"), ("rsa-sha256", "hmac-sha256")):
        assert old in signed
        assert code(told(io, signed.replace(old, new))) == Code.WRONG_ASSERTION_SIGNATURE


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (FISCAL_CODE, "BBBBBB89S20I111X"),
        (instant(LOGIN) + '"/>', instant(NOW) + '"/>'),
        ('ID="_a1"', 'ID="_a2"'),
        ("<ds:SignatureValue>", "<ds:SignatureValue>AAAA"),
        ("<ds:DigestValue>", "<ds:DigestValue>AAAA"),
        ("<ds:SignatureValue>", "<ds:SignatureValue>é"),
        ('URI="#_a1"', 'URI="#_nowhere"'),
        ('URI="#_a1"', 'URI="https://evil.example/"'),
        ('URI="#_a1"', 'URI="file:///etc/passwd"'),
        ("<ds:SignedInfo>", "<ds:SignedInfo><ds:Bad/>"),
        ("ds:SignatureValue", "ds:Other"),
    ],
)
def test_each_change_of_what_was_signed_shows(io: Service, old: str, new: str) -> None:
    signed = PROVIDER.signed(Login(REF).response())
    assert old in signed
    assert code(told(io, signed.replace(old, new))) == Code.WRONG_ASSERTION_SIGNATURE


def test_an_unsigned_assertion_is_none(io: Service) -> None:
    assert code(told(io, Login(REF).response())) == Code.WRONG_ASSERTION_SIGNATURE


def _parts() -> tuple[str, str, str]:
    """An attacker's assertion without signature, an honest one that says nothing of this key, and its signature."""
    forged = Login(REF, identifier="_evil").assertion()
    honest = PROVIDER.signed(Login("sha256-other", fiscal_number="TINIT-BBBBBB89S20I111X").response())
    found = re.search(r"<saml:Assertion.*</saml:Assertion>", honest, re.DOTALL)
    signature = re.search(r"<ds:Signature .*</ds:Signature>", honest, re.DOTALL)
    assert found
    assert signature
    return forged, found.group(), signature.group()


def _end(assertion: str, extra: str) -> str:
    return assertion.replace("</saml:Assertion>", f"{extra}</saml:Assertion>")


def test_a_signed_assertion_cannot_be_wrapped_into_another_one() -> None:
    forged, honest, signature = _parts()
    bare = honest.replace(signature, "")
    inside_signature = signature.replace("</ds:Signature>", f"<ds:Object>{bare}</ds:Object></ds:Signature>")
    wrappings = {
        "beside, forged first": wrapped(forged, honest),
        "beside, honest first": wrapped(honest, forged),
        "honest in an extension": wrapped(f"<samlp:Extensions>{honest}</samlp:Extensions>", forged),
        "honest inside the forged one": wrapped(_end(forged, honest)),
        "signature in the forged one, honest elsewhere": wrapped(
            f"<samlp:Extensions>{bare}</samlp:Extensions>", _end(forged, signature)
        ),
        "honest one in the forged one's signature": wrapped(_end(forged, inside_signature)),
        "same name twice": wrapped(
            f"<samlp:Extensions>{bare}</samlp:Extensions>", _end(forged, signature).replace("_evil", "_a1")
        ),
    }
    with Serving() as service:
        service.answer("/idp-keys/spid", ["latest"])
        service.answer("/idp-keys/spid/latest", metadata(**{ISSUER: [PROVIDER]}))
        codes = {name: code(told(service, response)) for name, response in wrappings.items()}
    # Two of them are proper signatures: they are believed, of what they say, which is not what the attacker wants.
    assert set(codes.values()) <= {
        Code.BAD_ASSERTION,
        Code.WRONG_ASSERTION_SIGNATURE,
        Code.WRONG_IN_RESPONSE_TO,
    }, codes


@pytest.mark.parametrize(
    "response",
    [
        "<",
        "x",
        "<a/>",
        "\ud800",
        "\x00",
        wrapped(),
        f"<!DOCTYPE r>{Login(REF).response()}",
        f'<!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/passwd">]>{Login(REF).response()}',
        Login(REF).assertion(),
        "<a>" * 5000,
    ],
)
def test_what_is_no_saml_response_is_not_one(io: Service, response: str) -> None:
    assert code(told(io, response)) == Code.BAD_ASSERTION


def test_a_declared_encoding_cannot_hide_a_doctype(io: Service) -> None:
    hidden = '<?xml version="1.0" encoding="UTF-7"?>+ADwAIQ-DOCTYPE r+AD4-' + Login(REF).response()
    assert code(told(io, hidden)) == Code.BAD_ASSERTION


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_whatever_io_answers_is_either_believed_or_not(io: Service, data: st.DataObject) -> None:
    signed = SIGNED
    start = data.draw(st.integers(0, len(signed) - 1))
    end = data.draw(st.integers(start, min(start + 40, len(signed))))
    response = signed[:start] + data.draw(st.text(max_size=8)) + signed[end:]
    try:
        check(told(io, response))
    except Unproved as error:
        assert error.code in Code


# Certificates


@pytest.mark.parametrize(
    ("tags", "moment", "expected"),
    [
        (["latest"], 50, ["latest"]),
        (["latest", "100", "20", "3"], 50, ["20", "100"]),
        (["100", "20", "latest"], 100, ["100", "latest"]),
        (["100", "20", "latest"], 500, ["100", "latest"]),
        (["100", "latest"], 50, ["100"]),
        ([], 50, ["latest"]),
    ],
)
def test_the_snapshots_around_a_time_are_looked_into(tags: list[str], moment: int, expected: list[str]) -> None:
    assert around(tags, datetime.fromtimestamp(moment, UTC)) == expected


def test_certificates_are_asked_for_once(io: Service) -> None:
    certificates = IdentityProviderCertificates(io.url, 1, 1)
    for _ in range(3):
        assert certificates.of(ISSUER, LOGIN) == (PROVIDER.certificate,)
    assert len(io.requests) == 3


def test_the_list_and_the_latest_are_asked_for_again_and_serve_on_while_nobody_answers(
    io: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificates = IdentityProviderCertificates(io.url, 1, 1)
    io.answer("/idp-keys/spid/latest", metadata(**{ISSUER: [PROVIDER]}))
    now = LOGIN + timedelta(days=20)
    certificates.of(ISSUER, now)
    seen = len(io.requests)
    monkeypatch.setattr("messaging.hosting.lollipop.certificates.time.monotonic", lambda: 1e12)
    io.answer("/idp-keys/spid", "", 500)
    io.answer("/idp-keys/spid/latest", "", 500)
    assert certificates.of(ISSUER, now) == (PROVIDER.certificate,)
    assert [path for path, _ in io.requests[seen:]] == ["/idp-keys/spid", "/idp-keys/spid/latest"]


@pytest.mark.parametrize("body", ["", "{}", "{", '"latest"'])
def test_a_list_that_cannot_be_read_is_not_believed(io: Service, body: str) -> None:
    io.answer("/idp-keys/spid", body)
    assert code(io) == Code.CERTIFICATES_UNAVAILABLE
    assert Code.CERTIFICATES_UNAVAILABLE in PASSING


@pytest.mark.parametrize(("status", "body"), [(500, ""), (404, "{}"), (200, "x"), (200, "<!DOCTYPE r><r/>")])
def test_a_snapshot_that_cannot_be_read_is_not_believed(io: Service, status: int, body: str) -> None:
    io.answer(f"/idp-keys/spid/{AFTER}", body, status)
    assert code(io) == Code.CERTIFICATES_UNAVAILABLE


def test_a_certificate_that_cannot_be_read_does_no_harm_to_the_others(io: Service) -> None:
    text = metadata(**{ISSUER: [PROVIDER, STRANGER]})
    first = text.index("<ds:X509Certificate>") + len("<ds:X509Certificate>")
    io.answer(f"/idp-keys/spid/{BEFORE}", text[:first] + "!" + text[first:])
    certificates = IdentityProviderCertificates(io.url, 1, 1)
    assert certificates.of(ISSUER, LOGIN) == (STRANGER.certificate, PROVIDER.certificate)


def test_odd_names_in_the_list_lead_nowhere(io: Service) -> None:
    io.answer("/idp-keys/spid", ["../../x", "1e5", 5, None, BEFORE, AFTER, "latest"])
    check(io)
