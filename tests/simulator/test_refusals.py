"""Every status, title and detail that the platform is known to answer with."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest

from tests.simulator.box import (
    ANAGRAFE,
    BORGOFIORE,
    LAURA,
    NOT_ON_IO,
    OUR_CONFIGURATION,
    SCUOLA,
    THEIR_CONFIGURATION,
    TRIBUTI,
    UPSTREAM,
    Box,
    message,
    payment,
)

ENOUGH = "You do not have enough permission to complete the operation you requested"
PATTERN = "^[A-Z]{6}[0-9LMNPQRSTUV]{2}[ABCDEHLMPRST][0-9LMNPQRSTUV]{2}[A-Z][0-9LMNPQRSTUV]{3}[A-Z]$"


def third(configuration: str | None, **more: Any) -> dict[str, Any]:
    data = {"id": "x", **more}
    return message(third_party_data=data if configuration is None else {**data, "configuration_id": configuration})


SUBMISSIONS: list[tuple[str, Any, int, str, str]] = [
    (
        TRIBUTI,
        message("bncLRA85T50Z999B"),
        400,
        "Invalid message structure",
        f'value "bncLRA85T50Z999B" at root.fiscal_code is not a valid [string that matches the pattern "{PATTERN}"]',
    ),
    (
        TRIBUTI,
        message(None),
        400,
        "Bad parameters",
        "The fiscalcode parameter must be specified in the path or in the payload",
    ),
    (
        SCUOLA,
        message(payment_data=payment(1)),
        400,
        "Error while sending payment metadata",
        "The requested amount (1 cents) exceeds the maximum allowed for this service (0 cents)",
    ),
    (
        "third-party",
        third(UPSTREAM[400]),
        400,
        "Validation error",
        "The request to get the remote content configuration is invalid.",
    ),
    (
        "no-scopes",
        message(),
        403,
        "User has no valid scopes",
        "You are not part of any valid scope, you should ask the administrator to give you the required permissions.",
    ),
    ("reads-only", message(), 403, "You are not allowed here", ENOUGH),
    ("unregistered", message(), 403, "You are not allowed here", ENOUGH),
    ("elsewhere", message(), 403, "You are not allowed here", ENOUGH),
    ("third-party", third(UPSTREAM[403]), 403, "You are not allowed here", ENOUGH),
    (
        TRIBUTI,
        message(eu_covid_cert={}),
        403,
        "You are not allowed here",
        "You do not have enough permissions to send an EUCovidCert message",
    ),
    (
        TRIBUTI,
        message(payment_data=payment(payee={"fiscal_code": "80012345678"})),
        403,
        "You are not allowed here",
        "You do not have enough permissions to send a payment message with payee",
    ),
    (
        TRIBUTI,
        {**message(), "feature_level_type": "ADVANCED"},
        403,
        "You are not allowed here",
        "You do not have enough permissions to send a Premium message",
    ),
    (
        TRIBUTI,
        third(OUR_CONFIGURATION),
        403,
        "You are not allowed here",
        "You do not have enough permissions to send a third party message",
    ),
    (
        ANAGRAFE,
        third(None),
        403,
        "No configuration id for remote content",
        "You did not send any configuration id for your remote content in third_party_data",
    ),
    (
        ANAGRAFE,
        third(THEIR_CONFIGURATION),
        403,
        "Not your configuration",
        "You're not the owner of the configuration related to the given configuration_id",
    ),
    (
        ANAGRAFE,
        third(OUR_CONFIGURATION, has_attachments=True),
        403,
        "Attachments call forbidden",
        "You are not allowed to send messages with attachmens with STANDARD messages, please use ADVANCED",
    ),
    (
        BORGOFIORE,
        message(),
        403,
        "Recipient forbidden",
        "You are not allowed to issue requests for the recipient.",
    ),
    (
        ANAGRAFE,
        third("01JRC000000000000000009999"),
        404,
        "Remote Content Configuration NOT FOUND",
        "Cannot find any Remote Content Configuration with the given id",
    ),
    (
        "third-party",
        third(UPSTREAM[500]),
        500,
        "Internal server error",
        "Cannot retrieve the remote content configuration. Service unreachable.",
    ),
]


@pytest.mark.parametrize(("key", "payload", "status", "title", "detail"), SUBMISSIONS)
def test_a_submission_is_refused_in_the_platforms_words(
    box: Box, key: str, payload: Any, status: int, title: str, detail: str
) -> None:
    answer = box.submit(payload, key)
    assert answer.headers["Content-Type"].startswith("application/problem+json")
    assert answer.json() == {"title": title, "status": status, "detail": detail}
    assert box.ledger() == []


def test_a_fiscal_code_in_path_and_body_is_refused(box: Box) -> None:
    answer = box.call("POST", f"/messages/{LAURA}", json=message())
    assert answer.json()["detail"].endswith("in the path or in the payload but not in both")


def test_the_deprecated_variant_works(box: Box) -> None:
    answer = box.call("POST", f"/messages/{LAURA}", json=message(None))
    assert answer.status_code == 201
    assert box.ledger()[0]["fiscal_code"] == LAURA


def test_the_gateway_keeps_the_deprecated_variant_from_covid_senders(box: Box) -> None:
    answer = box.call("POST", f"/messages/{LAURA}", "covid", json=message(None))
    assert (answer.status_code, answer.content) == (403, b"")
    assert answer.reason == "Use submitMessageforUserWithFiscalCodeInBody"
    assert box.submit(message(eu_covid_cert={"auth_code": "x"}), "covid").status_code == 201


def test_a_missing_client_certificate_is_an_empty_403(box: Box) -> None:
    answer = box.submit(message(), "certificate")
    assert (answer.status_code, answer.reason, answer.content) == (403, "Invalid client certificate", b"")


def test_missing_and_wrong_keys_are_told_apart(box: Box) -> None:
    missing, wrong = box.submit(message(), None), box.submit(message(), "wrong")
    assert missing.status_code == wrong.status_code == 401
    assert missing.json()["message"].startswith("Access denied due to missing subscription key.")
    assert wrong.json()["message"].startswith("Access denied due to invalid subscription key.")
    assert "problem" not in wrong.headers["Content-Type"]


@pytest.mark.parametrize("body", [b"{", b'{"a": NaN}', b"not json", b"\xff\xfe", b"[" * 100_000])
def test_malformed_json_is_500(box: Box, body: bytes) -> None:
    for path in ("/messages", "/profiles"):
        answer = box.call("POST", path, data=body)
        assert (answer.status_code, answer.json()["title"]) == (500, "Internal server error")


@pytest.mark.parametrize(
    ("word", "title"),
    [
        ("anonymous", "Anonymous user"),
        ("scopes", "User has no valid scopes"),
        ("generic", "You are not allowed here"),
        ("recipient", "Recipient forbidden"),
        ("production", "Production call forbidden"),
    ],
)
def test_a_fault_says_any_403_that_no_request_can_cause(box: Box, word: str, title: str) -> None:
    box.fault("forbidden", value=word)
    assert (box.submit(message()).status_code, box.submit(message()).json()["title"]) == (403, title)


def test_paths_are_checked_for_fiscal_codes_and_days(box: Box) -> None:
    title = f'Invalid string that matches the pattern "{PATTERN}"'
    detail = f'value ["nobody"] at [root] is not a valid [string that matches the pattern "{PATTERN}"]'
    for path in ("/messages/nobody/01", "/profiles/nobody"):
        answer = box.call("GET", path)
        assert answer.json() == {"status": 400, "title": title, "detail": detail}
    for day in ("2026-1-1", "2026-13-01", "today"):
        answer = box.call("GET", f"/subscriptions-feed/{day}", ANAGRAFE)
        assert (answer.status_code, answer.json()["title"]) == (400, "Invalid ShortDateString")


def test_the_body_of_a_profile_request_is_checked(box: Box) -> None:
    for payload in ({}, {"fiscal_code": LAURA.lower()}, [], "x", {"fiscal_code": None}):
        answer = box.call("POST", "/profiles", json=payload)
        assert (answer.status_code, answer.json()["title"]) == (400, "Invalid FiscalCodePayload")
    assert box.call("POST", "/profiles").json()["title"] == "Invalid FiscalCodePayload"


def test_what_is_not_there_is_404(box: Box) -> None:
    profile = box.profile(NOT_ON_IO).json()
    assert (profile["title"], profile["status"]) == ("Profile not found", 404)
    found = box.get(LAURA, "01ARZ3NDEKTSV4RRFFQ69G5FAV").json()
    assert (found["title"], found["status"]) == ("Message not found", 404)


def test_the_feed_of_today_is_not_available_yet(box: Box) -> None:
    today = datetime.now(UTC).date()
    ready = datetime.combine(today + timedelta(days=1), datetime.min.time(), UTC)
    answer = box.call("GET", f"/subscriptions-feed/{today}", ANAGRAFE).json()
    told = f"Subscription data for {today} will be available from {format_datetime(ready, usegmt=True)}"
    assert answer == {"status": 404, "title": "Data not available yet", "detail": told}


@pytest.mark.parametrize(("method", "path"), [("GET", "/messages"), ("PUT", "/messages"), ("GET", "/"), ("GET", "/x")])
def test_a_wrong_path_or_method_is_a_404_of_the_gateway(box: Box, method: str, path: str) -> None:
    assert box.call(method, path).json() == {"statusCode": 404, "message": "Resource not found"}


def test_failed_queries_have_a_stray_dollar_in_their_title(box: Box) -> None:
    box.fault("error-500")
    for answer in (
        box.profile(LAURA),
        box.get(LAURA, "01"),
        box.call("GET", "/subscriptions-feed/2026-01-15", ANAGRAFE),
    ):
        assert answer.status_code == 500
        assert answer.json()["title"].startswith("Query error (COSMOS_ERROR_RESPONSE)$ (")
