from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from messaging.appio import answers as a
from messaging.appio.answers import Cause, Forbidden, KeyRejected, Owner, Refused, Throttled, Unanswered

ULID = "01ARZ3NDEKTSV4RRFFQ69G5FAV"
GENERIC = "You do not have enough permission to complete the operation you requested"


def problem(status: int, title: str, detail: str = "") -> bytes:
    return json.dumps({"title": title, "status": status, "detail": detail}).encode()


def gateway(status: int, message: str) -> bytes:
    return json.dumps({"statusCode": status, "message": message}).encode()


ALLOWED = "You are not allowed here"
NO_KEY = (
    "Access denied due to missing subscription key. "
    "Make sure to include subscription key when making requests to an API."
)
BAD_KEY = "Access denied due to invalid subscription key. Make sure to provide a valid key for an active subscription."


def refused(status: int, title: str, cause: Cause, owner: Owner) -> Refused:
    return Refused(cause, owner, status, title)


CLERK, ADMINISTRATOR, PAGOPA = Owner.CLERK, Owner.ADMINISTRATOR, Owner.PAGOPA
SUBMIT_REFUSALS = [
    (400, "Invalid message structure", "value 1 at root.content is not a valid [string]", Cause.INVALID_CONTENT, CLERK),
    (400, "Invalid Exact<NewMessage>", "x", Cause.INVALID_CONTENT, CLERK),
    (400, 'Invalid string that matches the pattern "^x$"', "x", Cause.INVALID_CONTENT, CLERK),
    (400, "Bad parameters", "but not in both", Cause.BAD_PARAMETERS, ADMINISTRATOR),
    (400, "Error while sending payment metadata", "(0 cents)", Cause.AMOUNT_OVER_LIMIT, ADMINISTRATOR),
    (400, "Validation error", "x", Cause.REMOTE_CONTENT_UNKNOWN, ADMINISTRATOR),
    (400, "Something new", "x", Cause.UNKNOWN, ADMINISTRATOR),
    (403, "Recipient forbidden", "x", Cause.RECIPIENT_FORBIDDEN, ADMINISTRATOR),
    (403, "No configuration id for remote content", "x", Cause.REMOTE_CONTENT_MISSING, ADMINISTRATOR),
    (403, "Not your configuration", "x", Cause.REMOTE_CONTENT_NOT_OURS, ADMINISTRATOR),
    (403, "Attachments call forbidden", "x", Cause.ATTACHMENTS_NOT_ALLOWED, ADMINISTRATOR),
    (
        403,
        ALLOWED,
        "You do not have enough permissions to send a payment message with payee",
        Cause.PAYEE_NOT_ALLOWED,
        PAGOPA,
    ),
    (403, ALLOWED, "You do not have enough permissions to send a Premium message", Cause.PREMIUM_NOT_ALLOWED, PAGOPA),
    (
        403,
        ALLOWED,
        "You do not have enough permissions to send a third party message",
        Cause.THIRD_PARTY_NOT_ALLOWED,
        PAGOPA,
    ),
    (404, "Remote Content Configuration NOT FOUND", "x", Cause.REMOTE_CONTENT_UNKNOWN, ADMINISTRATOR),
    (404, "Something else", "x", Cause.NOT_FOUND, ADMINISTRATOR),
]


@pytest.mark.parametrize(("status", "title", "detail", "cause", "owner"), SUBMIT_REFUSALS)
def test_a_refusal_says_why_and_whose_job(status: int, title: str, detail: str, cause: Cause, owner: Owner) -> None:
    assert a.read_submit(status, {}, problem(status, title, detail)) == Refused(cause, owner, status, title)


@pytest.mark.parametrize(
    ("body", "title"),
    [
        (problem(403, ALLOWED, GENERIC), ALLOWED),
        (problem(403, ALLOWED, "You do not have enough permissions to send an EUCovidCert message"), ALLOWED),
        (problem(403, ALLOWED, "Words that nobody foresaw"), ALLOWED),
        (problem(403, "Anonymous user", "x"), "Anonymous user"),
        (problem(403, "User has no valid scopes", "x"), "User has no valid scopes"),
        (problem(403, "Production call forbidden", "x"), "Production call forbidden"),
        (gateway(403, "Invalid client certificate"), "Invalid client certificate"),
        (b"", ""),
        (None, ""),
        (b"<html>Forbidden</html>", ""),
    ],
)
def test_a_403_that_does_not_clearly_blame_the_message_is_left_to_the_caller(body: bytes | None, title: str) -> None:
    assert a.read_submit(403, {}, body) == Forbidden(title)


@pytest.mark.parametrize("read", [a.read_submit, a.read_profile, a.read_message])
@pytest.mark.parametrize(
    ("body", "reason"), [(gateway(401, NO_KEY), "missing"), (gateway(401, BAD_KEY), "invalid"), (b"", "unknown")]
)
def test_a_401_rejects_the_key(read: object, body: bytes, reason: str) -> None:
    assert read(401, {}, body) == KeyRejected(reason)  # type: ignore[operator]


@pytest.mark.parametrize("read", [a.read_submit, a.read_profile, a.read_message])
@pytest.mark.parametrize(
    ("headers", "message", "wait"),
    [
        ({"x-rate-limit-retry-after": "3", "Retry-After": "60"}, "Try again in 9 seconds.", 3.0),
        ({"X-Rate-Limit-Retry-After": "2.5"}, "", 2.5),
        ({}, "Rate limit is exceeded. Try again in 4 seconds.", 4.0),
        ({"Retry-After": "7"}, "Rate limit is exceeded.", 7.0),
        ({"Retry-After": "Wed, 21 Oct 2026 07:28:00 GMT"}, "", 5.0),
        ({}, "", 5.0),
        ({"x-rate-limit-retry-after": "0"}, "", 1.0),
        ({"x-rate-limit-retry-after": "-4"}, "", 1.0),
        ({"x-rate-limit-retry-after": "99999"}, "", 300.0),
        ({"x-rate-limit-retry-after": "nan"}, "", 5.0),
        ({"x-rate-limit-retry-after": "soon"}, "", 5.0),
    ],
)
def test_a_429_says_how_long_to_wait(read: object, headers: dict[str, str], message: str, wait: float) -> None:
    assert read(429, headers, gateway(429, message)) == Throttled(wait)  # type: ignore[operator]


def test_a_429_without_a_body_waits_the_window() -> None:
    assert a.read_submit(429, {}, None) == Throttled(5.0)


def test_a_201_with_an_id_is_accepted() -> None:
    assert a.read_submit(201, {}, json.dumps({"id": ULID}).encode()) == a.Accepted(ULID)


@pytest.mark.parametrize("body", [None, b"", b"{", b"[]", b"{}", b'{"id":""}', b'{"id":5}', b'{"id":"a b"}', b"\xff"])
def test_a_201_without_a_usable_id_is_accepted_all_the_same(body: bytes | None) -> None:
    assert a.read_submit(201, {}, body) == a.AcceptedWithoutId()
    assert a.read_submit(201, {"Location": "/elsewhere"}, body) == a.AcceptedWithoutId()


def test_the_location_header_saves_the_id_of_a_cut_body() -> None:
    location = {"Location": f"/api/v1/messages/RSSMRA85T10A562S/{ULID}"}
    assert a.read_submit(201, location, None) == a.Accepted(ULID)


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (200, "unreadable"),
        (202, "unexpected_status"),
        (204, "unexpected_status"),
        (301, "redirect"),
        (307, "redirect"),
        (402, "unexpected_status"),
        (408, "unexpected_status"),
        (413, "unexpected_status"),
        (418, "unexpected_status"),
        (500, "server_error"),
        (502, "server_error"),
        (503, "server_error"),
        (504, "server_error"),
        (599, "server_error"),
        (600, "unexpected_status"),
    ],
)
@pytest.mark.parametrize("body", [b"", problem(500, "Internal server error", "x"), gateway(500, "x"), b'{"id":"x"}'])
def test_any_other_status_leaves_a_submit_unanswered(status: int, reason: str, body: bytes) -> None:
    assert a.read_submit(status, {}, body) == Unanswered(reason, status)


@pytest.mark.parametrize("body", [b"", None, b"<html>", gateway(404, "Resource not found")])
def test_a_submit_to_a_wrong_address_is_refused_for_the_administrator(body: bytes | None) -> None:
    answer = a.read_submit(404, {}, body)
    assert isinstance(answer, Refused)
    assert (answer.cause, answer.owner) == (Cause.NOT_FOUND, ADMINISTRATOR)


def test_a_profile_says_whether_and_in_which_languages() -> None:
    body = b'{"sender_allowed":true,"preferred_languages":["it_IT","en_GB"]}'
    assert a.read_profile(200, {}, body) == a.Profile(True, ("it_IT", "en_GB"))
    assert a.read_profile(200, {}, b'{"sender_allowed":false}') == a.Profile(False, ())
    assert a.read_profile(200, {}, b'{"sender_allowed":true,"preferred_languages":null}') == a.Profile(True, ())


@pytest.mark.parametrize("body", [None, b"", b"[]", b"{}", b'{"sender_allowed":"true"}', b'{"sender_allowed":1}'])
def test_a_profile_that_cannot_be_read_is_no_answer(body: bytes | None) -> None:
    assert a.read_profile(200, {}, body) == Unanswered("unreadable", 200)


def test_no_profile_is_an_answer_of_the_platform_only() -> None:
    body = problem(404, "Profile not found", "The profile you requested was not found in the system.")
    assert a.read_profile(404, {}, body) == a.NoProfile()
    foreign = b'{"type":"about:blank","title":"Not Found","status":404,"instance":"/v1/profiles"}'
    for other in (gateway(404, "Resource not found"), b"", b"<html>", None, foreign):
        assert a.read_profile(404, {}, other) == Unanswered("wrong_address", 404)


def test_a_profile_may_be_refused_for_the_recipient() -> None:
    body = problem(403, "Recipient forbidden", "x")
    assert a.read_profile(403, {}, body) == Refused(
        Cause.RECIPIENT_FORBIDDEN, ADMINISTRATOR, 403, "Recipient forbidden"
    )
    bad = problem(400, "Invalid FiscalCodePayload", "x")
    assert a.read_profile(400, {}, bad) == Refused(Cause.INVALID_CONTENT, CLERK, 400, "Invalid FiscalCodePayload")


@pytest.mark.parametrize("status", sorted(a.STATUSES))
def test_a_message_has_one_of_the_known_statuses(status: str) -> None:
    body = json.dumps({"message": {"id": ULID}, "status": status}).encode()
    assert a.read_message(200, {}, body) == a.MessageState(status, None, None)


def test_a_premium_message_tells_reading_and_payment() -> None:
    body = b'{"message":{},"status":"PROCESSED","read_status":"READ","payment_status":"PAID","notification":{}}'
    assert a.read_message(200, {}, body) == a.MessageState("PROCESSED", "READ", "PAID")


def test_an_unknown_secondary_word_does_not_hide_the_status() -> None:
    body = b'{"status":"PROCESSED","read_status":"MAYBE","payment_status":7}'
    assert a.read_message(200, {}, body) == a.MessageState("PROCESSED", None, None)


@pytest.mark.parametrize("body", [None, b"", b"{", b"{}", b"[1]", b'{"status":"LOST"}', b'{"status":["PROCESSED"]}'])
def test_an_unexpected_status_word_is_no_answer(body: bytes | None) -> None:
    assert a.read_message(200, {}, body) == Unanswered("unreadable", 200)


def test_a_message_unknown_is_an_answer_of_the_platform_only() -> None:
    assert a.read_message(404, {}, problem(404, "Message not found", "x")) == a.MessageUnknown()
    assert a.read_message(404, {}, gateway(404, "Resource not found")) == Unanswered("wrong_address", 404)


def test_a_message_of_another_service_is_forbidden() -> None:
    body = problem(
        403, ALLOWED, "You are not allowed to read this message, you can only read messages that you have sent"
    )
    assert a.read_message(403, {}, body) == Forbidden(ALLOWED)


def test_a_paid_status_that_cannot_be_had_is_no_answer() -> None:
    body = problem(500, "Internal server error", "Error retrieving Payment Status: x")
    assert a.read_message(500, {}, body) == Unanswered("server_error", 500)


def test_no_answer_carries_a_fiscal_code() -> None:
    body = problem(400, "Invalid value RSSMRA85T10A562S", "x")
    assert "RSSMRA85T10A562S" not in repr(a.read_submit(400, {}, body))
    long = problem(400, "x" * 290 + "RSSMRA85T10A562S", "x")
    assert "RSSMRA" not in repr(a.read_submit(400, {}, long))


@given(st.integers(100, 999), st.dictionaries(st.text(), st.text()), st.none() | st.binary())
def test_no_answer_whatever_breaks_a_reader(status: int, headers: dict[str, str], body: bytes | None) -> None:
    for read in (a.read_submit, a.read_profile, a.read_message):
        assert read(status, headers, body) is not None


@given(st.integers(100, 999), st.binary())
def test_only_a_201_is_ever_taken_for_accepted(status: int, body: bytes) -> None:
    accepted = isinstance(a.read_submit(status, {}, body), a.Accepted | a.AcceptedWithoutId)
    assert accepted is (status == 201)


@pytest.mark.parametrize("body", [b"[" * 200_000, b"9" * 10_000, b'{"title":' * 5_000])
def test_bodies_beyond_reason_are_unreadable(body: bytes) -> None:
    assert a.read_message(200, {}, body) == Unanswered("unreadable", 200)
