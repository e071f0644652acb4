"""Which requests prove that they come from the citizen's app, and by which check the others fail."""

from __future__ import annotations

import base64
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given, settings
from hypothesis import strategies as st

from messaging.hosting.lollipop.errors import Code, Unproved
from messaging.hosting.lollipop.verification import HOSTS, Proof, verify
from tests.hosting.lollipop.signer import (
    FISCAL_CODE,
    HOST,
    IO_MESSAGE_ID,
    METHOD,
    ORIGINAL_URL,
    TOKEN,
    URL,
    Call,
    Phone,
    RsaPhone,
    mirrored,
    number,
    packed,
    raw,
)

NOW = datetime(2026, 3, 2, 10, 30, tzinfo=UTC)
SECOND = int(NOW.timestamp())
PHONE = Phone()
RSA_PHONE = RsaPhone()
SMALL_RSA_PHONE = RsaPhone(1024)

Headers = dict[str, str]


def call(**changes: object) -> Call:
    return Call(**{"created": SECOND - 2, "phone": PHONE, **changes})


def proved(headers: Headers, **changes: object) -> Proof:
    return verify(headers, **{"fiscal_code": FISCAL_CODE, "now": NOW, "hosts": HOSTS, **changes})


def code(headers: Headers, **changes: object) -> Code:
    with pytest.raises(Unproved) as caught:
        proved(headers, **changes)
    return caught.value.code


# What is believed


def test_a_signed_call_proves_who_made_it_and_what_for() -> None:
    proof = proved(call().headers())
    assert proof.assertion_ref == f"sha256-{PHONE.thumbprint()}"
    assert (proof.assertion_type, proof.auth_jwt, proof.thumbprint) == ("SAML", TOKEN, PHONE.thumbprint())
    assert proof.io_message_id == IO_MESSAGE_ID
    assert TOKEN not in repr(proof)


def test_a_signature_may_be_written_as_two_numbers() -> None:
    signed = call()
    assert proved(signed.headers(raw(signed.signature()))).thumbprint == PHONE.thumbprint()


@pytest.mark.parametrize("salt", [20, 32, 222])
def test_a_key_may_be_rsa_with_any_length_of_salt(salt: int) -> None:
    RSA_PHONE.salt = salt
    assert proved(call(phone=RSA_PHONE).headers()).thumbprint == RSA_PHONE.thumbprint()


@pytest.mark.parametrize("hashed", ["sha256", "sha384", "sha512"])
def test_a_key_may_be_named_by_each_of_three_digests(hashed: str) -> None:
    assert proved(call(hashed=hashed).headers()).assertion_ref == f"{hashed}-{PHONE.thumbprint(hashed)}"


def test_a_key_may_be_named_by_the_whole_assertion_ref() -> None:
    proved(call(keyid=f"sha256-{PHONE.thumbprint()}").headers())


def test_numbers_of_a_key_may_be_in_plain_base64_and_are_hashed_as_they_are_written() -> None:
    phones = [Phone(plain=True) for _ in range(8)]
    assert any("+" in phone.jwk()["x"] or "/" in phone.jwk()["x"] for phone in phones)
    for phone in phones:
        assert proved(call(phone=phone).headers()).thumbprint == phone.thumbprint()


def test_the_header_with_the_key_may_be_in_plain_base64() -> None:
    headers = call().headers()
    proved({**headers, "x-pagopa-lollipop-public-key": packed(PHONE.jwk(), plain=True)})


@pytest.mark.parametrize(
    "url",
    [
        f"https://api-app.io.pagopa.it/api/v1/third-party-messages/{IO_MESSAGE_ID}",
        f"https://{HOST}/api/communication/v1/third-party-messages/{IO_MESSAGE_ID}",
        f"{ORIGINAL_URL}/precondition",
        f"{ORIGINAL_URL}/attachments/attachments/9b2c?part=1",
        f"https://{HOST}:443/api/v1/third-party-messages/{IO_MESSAGE_ID}",
    ],
)
def test_each_address_of_io_for_a_hosted_message_is_known(url: str) -> None:
    assert proved(call(url=url).headers()).io_message_id == IO_MESSAGE_ID


def test_a_demonstration_on_this_machine_needs_no_https() -> None:
    url = f"http://127.0.0.1:8123/api/v1/third-party-messages/{IO_MESSAGE_ID}"
    proved(call(url=url).headers(), hosts={"127.0.0.1"})


def test_more_headers_may_be_covered_if_they_arrived() -> None:
    proved(call(components=("content-type", URL, METHOD), more_headers={"content-type": "application/json"}).headers())


def test_signatures_of_documents_may_stand_beside_the_one_of_the_call() -> None:
    headers = call().headers()
    other = '("x-pagopa-lollipop-custom-tos");created=1;nonce="n";alg="ecdsa-p256-sha256";keyid="k"'
    headers["signature-input"] = f"sig2={other}, {headers['signature-input']}"
    headers["signature"] = f"sig2=:AAAA:, {headers['signature']}"
    proved(headers)


def test_parameters_that_were_signed_with_a_blank_after_each_semicolon_are_verified_as_they_arrived() -> None:
    proved(call(after="; ").headers())


def test_parameters_that_were_signed_as_the_rfc_writes_them_are_verified_however_they_arrived() -> None:
    spaced, tight = call(after="; "), call()
    proved(spaced.headers(PHONE.sign(spaced.base(tight.parameters()))))


def test_an_expiry_to_come_does_no_harm() -> None:
    proved(call(more_parameters=f";expires={SECOND + 1}").headers())


# Replays


def test_one_signed_request_has_one_replay_key_however_its_signature_is_written() -> None:
    signed = call()
    signature = signed.signature()
    forms = [signature, raw(signature), mirrored(signature), raw(mirrored(signature))]
    keys = {proved(signed.headers(form)).replay_key for form in forms}
    relabelled = {
        name: value.replace("sig1", "sig9") if name.startswith("signature") else value
        for name, value in signed.headers(signature).items()
    }
    assert {proved(relabelled).replay_key} == keys
    assert len(keys.pop()) == 64


def test_the_same_call_signed_again_has_another_replay_key() -> None:
    signed = call()
    assert proved(signed.headers()).replay_key != proved(signed.headers()).replay_key


def test_a_replay_key_is_kept_for_as_long_as_the_request_would_be_believed() -> None:
    headers = call(created=SECOND + 60).headers()
    forget_at = proved(headers).forget_at
    assert proved(headers, now=forget_at)
    assert code(headers, now=forget_at + timedelta(seconds=1)) == Code.TOO_OLD


# Tampering


def _without(name: str) -> Callable[[Headers], Headers]:
    return lambda headers: {key: value for key, value in headers.items() if key != name}


def _with(name: str, value: str) -> Callable[[Headers], Headers]:
    return lambda headers: {**headers, name: value}


NINE = [name for name in call().headers() if name != "fiscal_code"]


@pytest.mark.parametrize("name", NINE)
def test_each_of_the_nine_headers_must_be_there(name: str) -> None:
    assert len(NINE) == 9
    headers = call().headers()
    with pytest.raises(Unproved) as caught:
        proved(_without(name)(headers))
    assert (caught.value.code, caught.value.about) == (Code.MISSING_HEADER, name)
    assert code({**headers, name: " "}) == Code.MISSING_HEADER


@pytest.mark.parametrize("name", NINE)
@pytest.mark.parametrize("bad", ["\n", "\r\nx: y", "\x00", "é", "\ud800", "x" * 9000])
def test_nothing_can_be_hidden_in_a_header(name: str, bad: str) -> None:
    headers = call().headers()
    assert code({**headers, name: headers[name] + bad + "x"}) == Code.MALFORMED_HEADER
    assert code({**headers, name: bad + headers[name]}) in {Code.MALFORMED_HEADER, Code.BAD_KEY}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        (METHOD, "get"),
        (METHOD, "HEAD"),
        (URL, "ftp://x"),
        ("signature-input", "sig=(1)"),
        ("signature-input", "sig1=("),
        ("signature-input", "sig1=5"),
        ("signature-input", "sig1=(),sig1=()"),
        ("signature", "sig1=AAAA"),
        ("signature", "sig1=:A:"),
        ("signature", "sig2=:AAAA:"),
        ("signature", "sig1=:AAAA:,sig2=:AAAA:"),
        ("x-pagopa-lollipop-assertion-ref", "md5-AAAA"),
        ("x-pagopa-lollipop-assertion-ref", "sha256-" + "A" * 45),
        ("x-pagopa-lollipop-assertion-type", "saml"),
        ("x-pagopa-lollipop-auth-jwt", "a b"),
        ("x-pagopa-lollipop-public-key", "{}"),
        ("x-pagopa-lollipop-user-id", FISCAL_CODE.lower()),
    ],
)
def test_each_header_must_have_its_form(name: str, value: str) -> None:
    assert code({**call().headers(), name: value}) == Code.MALFORMED_HEADER


def test_the_citizen_must_be_the_one_of_the_request() -> None:
    other = "BBBBBB89S20I111X"
    assert code(call().headers(), fiscal_code=other) == Code.WRONG_USER
    assert code(call(fiscal_code=other).headers()) == Code.WRONG_USER
    assert code(_with("x-pagopa-lollipop-user-id", other)(call().headers())) == Code.WRONG_USER


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_only_reading_is_asked_of_us(method: str) -> None:
    assert code(call(method=method).headers()) == Code.WRONG_METHOD


@pytest.mark.parametrize(
    "url",
    [
        f"https://evil.example/api/v1/third-party-messages/{IO_MESSAGE_ID}",
        f"https://{HOST}.evil.example/api/v1/third-party-messages/{IO_MESSAGE_ID}",
        f"https://{HOST}@evil.example/api/v1/third-party-messages/{IO_MESSAGE_ID}",
        f"https://evil.example@{HOST}/api/v1/third-party-messages/{IO_MESSAGE_ID}",
        f"https://evil.example\\@{HOST}/api/v1/third-party-messages/{IO_MESSAGE_ID}",
        f"https://{HOST}:8443/api/v1/third-party-messages/{IO_MESSAGE_ID}",
        f"https://{HOST}:x/api/v1/third-party-messages/{IO_MESSAGE_ID}",
        f"https://[{HOST}/api/v1/third-party-messages/{IO_MESSAGE_ID}",
        f"http://{HOST}/api/v1/third-party-messages/{IO_MESSAGE_ID}",
        f"http://127.0.0.1/api/v1/third-party-messages/{IO_MESSAGE_ID}",
        f"https://{HOST}/api/v2/third-party-messages/{IO_MESSAGE_ID}",
        f"https://{HOST}/api/v1/messages/{IO_MESSAGE_ID}",
        f"https://{HOST}/api/v1/third-party-messages/",
        f"{ORIGINAL_URL}/",
        f"{ORIGINAL_URL}/other",
        f"{ORIGINAL_URL}/attachments/",
        f"{ORIGINAL_URL}/attachments/../../../profile",
        f"{ORIGINAL_URL}#part",
        f"https://{HOST}/first-lollipop/sign",
    ],
)
def test_the_app_must_have_asked_io_for_a_hosted_message(url: str) -> None:
    assert code(call(url=url).headers()) == Code.WRONG_URL


def test_a_signature_is_for_one_address_and_one_method() -> None:
    headers = call().headers()
    assert code({**headers, URL: f"{ORIGINAL_URL}/precondition"}) == Code.WRONG_SIGNATURE
    assert code(call(method="POST").headers() | {METHOD: "GET"}) == Code.WRONG_SIGNATURE


@pytest.mark.parametrize("phone", [PHONE, RSA_PHONE], ids=["curve", "rsa"])
def test_each_changed_byte_of_a_signature_shows(phone: Phone) -> None:
    signed = call(phone=phone)
    signature = bytearray(signed.signature())
    for place in (0, 10, len(signature) // 2, len(signature) - 1):
        changed = bytearray(signature)
        changed[place] ^= 1
        assert code(signed.headers(bytes(changed))) == Code.WRONG_SIGNATURE
    for other in (b"\0", b"\0" * 64, b"\xff" * 64, bytes(signature[:-1]), bytes(signature) + b"\0"):
        assert code(signed.headers(other)) == Code.WRONG_SIGNATURE


@pytest.mark.parametrize("change", [("created=", "created=1"), ('nonce="', 'nonce="x'), (";alg", ";tag=1;alg")])
def test_each_parameter_is_signed(change: tuple[str, str]) -> None:
    headers = call().headers()
    headers["signature-input"] = headers["signature-input"].replace(*change)
    assert code(headers) == Code.WRONG_SIGNATURE


def test_a_covered_header_is_signed() -> None:
    headers = call(components=("content-type", METHOD, URL), more_headers={"content-type": "a/b"}).headers()
    assert code({**headers, "content-type": "a/c"}) == Code.WRONG_SIGNATURE


def test_another_key_does_not_fit() -> None:
    other = Phone()
    headers = call().headers()
    assert code({**headers, "x-pagopa-lollipop-public-key": packed(other.jwk())}) == Code.WRONG_ASSERTION_REF
    headers["x-pagopa-lollipop-assertion-ref"] = f"sha256-{other.thumbprint()}"
    assert code({**headers, "x-pagopa-lollipop-public-key": packed(other.jwk())}) == Code.WRONG_KEYID
    signed_by_other = call(phone=PHONE)
    assert code(signed_by_other.headers(other.sign(signed_by_other.base()))) == Code.WRONG_SIGNATURE


# The keys are new in every process: the names of tests must not depend on them.
@pytest.mark.parametrize(
    "ref",
    ["sha256-AAAA", f"sha384-{PHONE.thumbprint()}", f"sha256-{Phone().thumbprint()}"],
    ids=["short", "other hash", "other key"],
)
def test_the_assertion_ref_must_be_the_thumbprint_of_the_key(ref: str) -> None:
    assert code(_with("x-pagopa-lollipop-assertion-ref", ref)(call().headers())) == Code.WRONG_ASSERTION_REF


@pytest.mark.parametrize(
    "keyid",
    ["", "x", Phone().thumbprint(), f"sha384-{PHONE.thumbprint()}"],
    ids=["empty", "short", "other key", "other hash"],
)
def test_the_signature_must_name_the_key(keyid: str) -> None:
    assert code(call(keyid=keyid).headers()) == Code.WRONG_KEYID


@pytest.mark.parametrize(
    ("phone", "algorithm"),
    [
        (PHONE, "rsa-pss-sha256"),
        (PHONE, "ecdsa-p384-sha384"),
        (PHONE, "hmac-sha256"),
        (PHONE, "none"),
        (RSA_PHONE, "rsa-pss-sha512"),
        (RSA_PHONE, "rsa-v1_5-sha256"),
        (RSA_PHONE, "ecdsa-p256-sha256"),
    ],
)
def test_only_the_algorithms_of_io_are_believed_each_for_its_kind_of_key(phone: Phone, algorithm: str) -> None:
    assert code(call(phone=phone, algorithm=algorithm).headers()) == Code.WRONG_ALGORITHM


def test_the_algorithm_must_be_named() -> None:
    headers = call().headers()
    headers["signature-input"] = headers["signature-input"].replace(';alg="ecdsa-p256-sha256"', "")
    assert code(headers) == Code.WRONG_ALGORITHM


@pytest.mark.parametrize("components", [(METHOD,), (URL,), (), ("@method", "@path")])
def test_method_and_address_must_both_be_covered(components: tuple[str, ...]) -> None:
    more = {"@method": "GET", "@path": "/"}
    assert code(call(components=components, more_headers=more).headers()) == Code.NOT_COVERED


@pytest.mark.parametrize("extra", ["content-digest", "@method", "X-Upper"])
def test_nothing_can_be_covered_that_did_not_arrive(extra: str) -> None:
    signed = call(components=(METHOD, URL, extra), more_headers={extra: "GET"})
    headers = signed.headers()
    del headers[extra]
    assert code(headers) == Code.UNKNOWN_COMPONENT


@pytest.mark.parametrize("extra", ['"content-type";sf', "token", "5", ":AAAA:"])
def test_components_of_other_kinds_are_unknown(extra: str) -> None:
    headers = call().headers()
    headers["signature-input"] = headers["signature-input"].replace(")", f" {extra})", 1)
    assert code({**headers, "content-type": "a/b"}) == Code.UNKNOWN_COMPONENT


def test_a_covered_header_cannot_bring_lines_of_its_own() -> None:
    headers = call(components=(METHOD, URL, "x-more"), more_headers={"x-more": "a\nb"}).headers()
    assert code(headers) == Code.UNKNOWN_COMPONENT


def test_a_component_is_covered_once() -> None:
    assert code(call(components=(METHOD, URL, URL)).headers()) == Code.MALFORMED_HEADER


def test_two_signatures_of_the_call_are_one_too_many() -> None:
    headers, again = call().headers(), call().headers()
    for name in ("signature-input", "signature"):
        headers[name] += "," + again[name].replace("sig1", "sig2")
    assert code(headers) == Code.MALFORMED_HEADER


def test_a_header_holds_no_more_signatures_than_anybody_needs() -> None:
    headers = call().headers()
    headers["signature-input"] += "".join(f",sig{n}=()" for n in range(2, 12))
    headers["signature"] += "".join(f",sig{n}=:AAAA:" for n in range(2, 12))
    assert code(headers) == Code.MALFORMED_HEADER


# Freshness


@pytest.mark.parametrize(
    ("offset", "expected"),
    [(-301, Code.TOO_OLD), (-(10**9), Code.TOO_OLD), (61, Code.FROM_THE_FUTURE), (10**12, Code.FROM_THE_FUTURE)],
)
def test_a_signature_must_be_of_now(offset: int, expected: Code) -> None:
    assert code(call(created=SECOND + offset).headers()) == expected


@pytest.mark.parametrize("offset", [-300, 0, 60])
def test_clocks_may_differ_a_little(offset: int) -> None:
    proved(call(created=SECOND + offset).headers())


def test_how_old_a_signature_may_be_can_be_set() -> None:
    assert code(call(created=SECOND - 11).headers(), oldest=timedelta(seconds=10)) == Code.TOO_OLD


@pytest.mark.parametrize("expires", [str(SECOND), str(SECOND - 1), '"never"', "1.5"])
def test_an_expired_signature_is_not_believed(expires: str) -> None:
    assert code(call(more_parameters=f";expires={expires}").headers()) == Code.EXPIRED


@pytest.mark.parametrize("nonce", [None, ""])
def test_a_signature_needs_a_nonce(nonce: str | None) -> None:
    assert code(call(nonce=nonce).headers()) == Code.MISSING_NONCE


@pytest.mark.parametrize("created", ["", "=1.5", '="x"', "=?1"])
def test_a_signature_needs_a_time(created: str) -> None:
    signed = call()
    parameters = signed.parameters().replace(f"created={SECOND - 2}", f"created{created}")
    headers = signed.headers(PHONE.sign(signed.base(parameters)))
    assert code({**headers, "signature-input": f"sig1={parameters}"}) == Code.MISSING_CREATED


# Keys


JWK = PHONE.jwk()


@pytest.mark.parametrize(
    "jwk",
    [
        [],
        "x",
        {},
        {"kty": ["EC"]},
        {"kty": "oct", "k": "AAAA"},
        {"kty": "OKP", "crv": "Ed25519", "x": "AAAA"},
        {**JWK, "x": 5},
        {**JWK, "x": ""},
        {**JWK, "x": "A"},
        {**JWK, "x": "é"},
        {**JWK, "x": "A" * 43},
        {**JWK, "x": "A" * 5000},
        {name: text for name, text in JWK.items() if name != "y"},
        {"kty": "RSA", "e": "AQAB"},
        {"kty": "RSA", "e": "AA", "n": RSA_PHONE.jwk()["n"]},
    ],
)
def test_what_is_no_key_is_not_one(jwk: object) -> None:
    assert code(_with("x-pagopa-lollipop-public-key", packed(jwk))(call().headers())) == Code.BAD_KEY


@pytest.mark.parametrize("text", [b"{", b"\xff", b"[" * 3000, b"nan"])
def test_a_key_that_is_no_json_is_not_one(text: bytes) -> None:
    value = base64.urlsafe_b64encode(text).decode().rstrip("=")
    assert code(_with("x-pagopa-lollipop-public-key", value)(call().headers())) == Code.BAD_KEY


def test_a_short_rsa_key_is_weak() -> None:
    assert code(call(phone=SMALL_RSA_PHONE).headers()) == Code.WEAK_KEY


def test_an_endless_rsa_key_is_refused() -> None:
    jwk = {"kty": "RSA", "e": "AQAB", "n": number((1 << 8200) + 1, 1026)}
    assert code(_with("x-pagopa-lollipop-public-key", packed(jwk))(call().headers())) in {Code.WEAK_KEY, Code.BAD_KEY}


def test_only_one_curve_is_believed() -> None:
    assert code(call(phone=Phone(ec.SECP384R1())).headers()) == Code.WEAK_KEY


# Whatever comes


TEXTS = st.one_of(
    st.text(max_size=80),
    st.from_regex(r"sig1=\([ -~]{0,60}\)[ -~]{0,60}", fullmatch=True),
    st.from_regex(r"sig1=\(\"x-pagopa-lollipop-original-method\" \"x-pagopa-lollipop-original-url\"\)[ -+\--~]{0,60}"),
    st.from_regex(r"sig1=:[A-Za-z0-9+/=]{0,60}:", fullmatch=True),
    st.from_regex(r"https?://[ -~]{0,60}", fullmatch=True),
    st.from_regex(r"[A-Za-z0-9+/_=-]{0,60}", fullmatch=True),
    st.recursive(
        st.none() | st.integers() | st.text(max_size=9),
        lambda inner: st.dictionaries(st.sampled_from(["kty", "crv", "x", "y", "n", "e"]), inner, max_size=6),
        max_leaves=6,
    ).map(packed),
)


@settings(max_examples=600, deadline=None)
@given(changes=st.dictionaries(st.sampled_from(NINE), TEXTS, max_size=3), fiscal_code=st.just(FISCAL_CODE) | st.text())
def test_whatever_comes_is_either_proved_or_not(changes: Headers, fiscal_code: str) -> None:
    headers = {**HONEST, **changes}
    try:
        verify(headers, fiscal_code, NOW)
    except Unproved as error:
        assert error.code in Code
    else:
        # What stands around a value is no part of it. The app signs neither token nor type: they only serve to ask.
        kept = {name: value.strip(" \t") for name, value in changes.items() if name not in UNSIGNED}
        assert kept.items() <= HONEST.items()


HONEST = call().headers()
UNSIGNED = {"x-pagopa-lollipop-auth-jwt", "x-pagopa-lollipop-assertion-type"}
