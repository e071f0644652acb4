"""A submission is refused in the platform's order: each request here is wrong in all later ways too."""

from __future__ import annotations

from typing import Any

import pytest

from tests.simulator.box import (
    BORGOFIORE,
    LAURA,
    SCUOLA,
    THEIR_CONFIGURATION,
    TRIBUTI,
    UNKNOWN,
    Box,
    message,
    payment,
)

MALFORMED = b'{"content": '
BAD = {"fiscal_code": "nobody"}
THIRD: dict[str, Any] = {"id": "x"}
PAYEE = payment(payee={"fiscal_code": "80012345678"})
COVID = {"auth_code": "x"}


def refusal(box: Box, key: str | None, body: Any, path: str = "/messages") -> tuple[int, str]:
    more = {"data": body} if isinstance(body, bytes) else {"json": body}
    answer = box.call("POST", path, key, **more)
    told = answer.json() if answer.content else {}
    return answer.status_code, str(told.get("title") or told.get("message") or answer.reason)


def test_an_unknown_path_comes_before_the_key(box: Box) -> None:
    assert refusal(box, None, MALFORMED, "/message") == (404, "Resource not found")


def test_the_key_comes_before_everything_in_the_request(box: Box) -> None:
    assert refusal(box, None, MALFORMED)[0] == 401
    assert refusal(box, "wrong", MALFORMED)[0] == 401


def test_the_rate_limit_comes_before_the_client_certificate(box: Box) -> None:
    box.fault("throttle", count=1)
    assert refusal(box, "certificate", MALFORMED)[0] == 429
    assert refusal(box, "certificate", MALFORMED) == (403, "Invalid client certificate")


def test_a_malformed_body_comes_before_the_groups(box: Box) -> None:
    assert refusal(box, "reads-only", MALFORMED) == (500, "Internal server error")


def test_groups_come_before_the_service_record_and_the_payload(box: Box) -> None:
    assert refusal(box, "no-scopes", BAD) == (403, "User has no valid scopes")
    assert refusal(box, "reads-only", BAD) == (403, "You are not allowed here")
    assert refusal(box, "unregistered", BAD) == (403, "You are not allowed here")


def test_the_payload_comes_before_the_fiscal_code_of_the_path(box: Box) -> None:
    assert refusal(box, TRIBUTI, BAD, "/messages/nobody") == (400, "Invalid message structure")


def test_the_fiscal_code_of_the_path_comes_before_permissions_by_payload(box: Box) -> None:
    status, title = refusal(box, TRIBUTI, message(None, eu_covid_cert=COVID), "/messages/nobody")
    assert status == 400
    assert title.startswith("Invalid string that matches the pattern")


@pytest.mark.parametrize(
    ("content", "level", "said"),
    [
        ({"eu_covid_cert": COVID, "payment_data": PAYEE}, "ADVANCED", "an EUCovidCert message"),
        ({"payment_data": PAYEE, "third_party_data": THIRD}, "ADVANCED", "a payment message with payee"),
        ({"third_party_data": THIRD}, "ADVANCED", "a Premium message"),
        ({"third_party_data": THIRD}, "STANDARD", "a third party message"),
    ],
)
def test_permissions_by_payload_have_an_order_of_their_own(
    box: Box, content: dict[str, Any], level: str, said: str
) -> None:
    answer = box.submit({**message(None, **content), "feature_level_type": level})
    assert answer.status_code == 403
    assert answer.json()["detail"] == f"You do not have enough permissions to send {said}"


def test_permissions_by_payload_come_before_the_address(box: Box) -> None:
    answer = box.submit(message(None, third_party_data=THIRD), "elsewhere")
    assert answer.json()["detail"].endswith("a third party message")


def test_the_address_comes_before_both_or_neither_fiscal_code(box: Box) -> None:
    assert refusal(box, "elsewhere", message(None)) == (403, "You are not allowed here")
    assert refusal(box, "here", message(None)) == (400, "Bad parameters")


def test_both_or_neither_fiscal_code_comes_before_the_remote_configuration(box: Box) -> None:
    assert refusal(box, "third-party", message(None, third_party_data=THIRD)) == (400, "Bad parameters")
    both = refusal(box, "third-party", message(LAURA, third_party_data=THIRD), f"/messages/{LAURA}")
    assert both == (400, "Bad parameters")


def test_the_remote_configuration_comes_before_attachments(box: Box) -> None:
    third = {"id": "x", "has_attachments": True}
    told = [
        refusal(box, "third-party", message(LAURA, third_party_data={**third, **more}))[1]
        for more in (
            {},
            {"configuration_id": "01JRC000000000000000009999"},
            {"configuration_id": THEIR_CONFIGURATION},
            {"configuration_id": "01JRC0DD000000000000000001"},
        )
    ]
    assert told == [
        "No configuration id for remote content",
        "Remote Content Configuration NOT FOUND",
        "Not your configuration",
        "Attachments call forbidden",
    ]


def test_the_recipient_comes_before_the_amount(box: Box) -> None:
    too_much = payment(1_000_001)
    assert refusal(box, BORGOFIORE, message(LAURA, payment_data=too_much)) == (403, "Recipient forbidden")


def test_the_amount_comes_before_the_message_is_written(box: Box) -> None:
    box.fault("error-500")
    title = "Error while sending payment metadata"
    assert refusal(box, SCUOLA, message(UNKNOWN, payment_data=payment(1))) == (400, title)
    assert refusal(box, SCUOLA, message(UNKNOWN)) == (500, "Internal server error")
    assert box.ledger() == []
