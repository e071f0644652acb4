"""What the payload schema takes, what it refuses and what it quietly loses."""

from __future__ import annotations

from typing import Any

import pytest

from tests.simulator.box import ANAGRAFE, BODY, LAURA, OUR_CONFIGURATION, TEST_CODE, Box, message, payment


def accepted(box: Box, payload: Any, key: str = ANAGRAFE) -> bool:
    answer = box.submit(payload, key)
    assert answer.status_code in (201, 400), answer.text
    return answer.status_code == 201


@pytest.mark.parametrize(
    ("subject", "good"),
    [
        ("x" * 9, False),
        ("x" * 10, True),
        (" " * 10, True),
        ("x" * 120, True),
        ("x" * 121, False),
        ("\U0001f3e0" * 5, True),
        ("\U0001f3e0" * 61, False),
        ("\U0001f3e0" * 60, True),
        (1234567890, False),
        (None, False),
    ],
)
def test_subjects_are_measured_in_utf16_units(box: Box, subject: Any, good: bool) -> None:
    assert accepted(box, message(subject=subject)) is good


@pytest.mark.parametrize(
    ("markdown", "good"),
    [
        ("x" * 79, False),
        ("x" * 80, True),
        ("\r\n" * 40, True),
        ("x" * 10_000, True),
        ("x" * 10_001, False),
        ("x" * 2_000_000, False),
        ("", False),
    ],
)
def test_texts_have_80_to_10000_characters(box: Box, markdown: str, good: bool) -> None:
    assert accepted(box, message(markdown=markdown)) is good


@pytest.mark.parametrize(
    ("due", "stored"),
    [
        ("2026-09-30T21:59:59.000Z", "2026-09-30T21:59:59.000Z"),
        ("2026-09-30T21:59:59Z", "2026-09-30T21:59:59.000Z"),
        ("2026-09-30T21:59:59.123456Z", "2026-09-30T21:59:59.123Z"),
        ("2026-09-30T23:59:59+02:00", "2026-09-30T21:59:59.000Z"),
        ("2026-09-30T21:59:59", "2026-09-30T21:59:59.000Z"),
        ("1999-01-01T00:00:00Z", "1999-01-01T00:00:00.000Z"),
        ("2026-02-31T10:00:00Z", "2026-03-03T10:00:00.000Z"),
        ("2026-09-30", None),
        ("2026-09-30 23:59:59", None),
        ("2026-09-30T23:59:59+0200", None),
        ("2026-13-30T23:59:59Z", None),
        ("2026-09-30T23:59:59Z\n", None),
        (1_790_000_000, None),
        (None, None),
    ],
)
def test_due_dates_come_back_in_utc_with_milliseconds(box: Box, due: Any, stored: str | None) -> None:
    payload = message(due_date=due)
    if stored is None:
        assert not accepted(box, payload)
    else:
        content = box.get(LAURA, box.sent(payload)).json()["message"]["content"]
        assert content["due_date"] == stored


@pytest.mark.parametrize(
    ("amount", "good"),
    [
        (1, True),
        (1.0, True),
        (1_000_000, True),
        (0, False),
        ("100", False),
        (100.5, False),
        (True, False),
        (None, False),
    ],
)
def test_amounts_are_whole_cents(box: Box, amount: Any, good: bool) -> None:
    assert accepted(box, message(payment_data=payment(amount))) is good


@pytest.mark.parametrize(
    ("number", "good"),
    [("3" * 18, True), ("0" * 18, True), ("4" * 18, False), ("3" * 17, False), ("3" * 18 + "\n", False), (3, False)],
)
def test_notice_numbers_are_strings_of_18_digits(box: Box, number: Any, good: bool) -> None:
    data = {"amount": 1, "notice_number": number}
    assert accepted(box, message(payment_data=data)) is good


@pytest.mark.parametrize(
    ("payload", "good"),
    [
        ({**message(), "time_to_live": None}, True),
        ({**message(), "time_to_live": 3599}, False),
        ({**message(), "time_to_live": 604_800}, True),
        ({**message(), "feature_level_type": None}, True),
        ({**message(), "feature_level_type": "PREMIUM"}, False),
        ({**message(), "fiscal_code": None}, False),
        ({**message(), "default_addresses": {"email": "someone@example.org"}}, True),
        ({**message(), "default_addresses": {"email": "someone"}}, False),
        ({**message(), "default_addresses": None}, False),
        (message("BNCLRA85T50Z999X"), True),
        (message("BNCLRAURTRLZVVVX"), True),
        (message("80012345678"), False),
        (message(LAURA + "\n"), False),
        (message(require_secure_channels=None), False),
        (message(payment_data=payment(invalid_after_due_date=None)), True),
        (message(payment_data={"amount": 1}), False),
        (message(third_party_data={"id": ""}), False),
        (message(third_party_data={"id": "x", "configuration_id": "x"}), False),
        (
            message(third_party_data={"id": "x", "configuration_id": OUR_CONFIGURATION, "has_precondition": "NONE"}),
            False,
        ),
        (message(prescription_data={"nre": "x" * 14}), False),
        (message(legal_data={"sender_mail_from": "x"}), False),
        ({"fiscal_code": LAURA}, False),
        ([], False),
        (None, False),
    ],
)
def test_fields_are_judged_one_by_one(box: Box, payload: Any, good: bool) -> None:
    assert accepted(box, payload) is good


def test_a_missing_body_is_a_wrong_structure(box: Box) -> None:
    answer = box.call("POST", "/messages")
    assert answer.json()["detail"] == "value undefined at root is not a valid [NewMessage]"


def test_errors_come_one_to_a_line(box: Box) -> None:
    answer = box.submit({"content": {"subject": "short"}})
    assert answer.json()["detail"].split("\n") == [
        'value "short" at root.content.subject is not a valid [string of length >= 10 and < 121]',
        "value undefined at root.content.markdown is not a valid [string of length >= 80 and < 10001]",
    ]


def test_unknown_fields_vanish_but_the_ledger_tells(box: Box) -> None:
    payload = message(
        **{"due-date": "2026-09-30T21:59:59Z", "legal_data": {"sender_mail_from": "a", "message_unique_id": "b"}}
    )
    payload["default_addresses"] = {"email": "someone@example.org"}
    payload["content"]["prescription_data"] = {"nre": "123456789012345"}
    content = box.get(LAURA, box.sent(payload)).json()["message"]["content"]
    assert content == {"subject": "Avviso di prova", "markdown": BODY}
    lost = box.ledger()[0]["swallowed"]
    assert sorted(lost) == [
        "content.due-date",
        "content.legal_data",
        "content.prescription_data",
        "default_addresses.email",
    ]


def test_defaults_are_materialised_and_the_payee_is_filled(box: Box) -> None:
    third = {"id": "x", "configuration_id": OUR_CONFIGURATION}
    identity = box.sent(message(TEST_CODE, payment_data=payment(), third_party_data=third), ANAGRAFE)
    shown = box.get(TEST_CODE, identity, ANAGRAFE).json()["message"]
    assert shown["time_to_live"] == 3600
    assert shown["feature_level_type"] == "STANDARD"
    assert shown["content"]["payment_data"] == payment(
        invalid_after_due_date=False, payee={"fiscal_code": "80012345678"}
    )
    assert shown["content"]["third_party_data"] == {**third, "has_attachments": False, "has_remote_content": False}


def test_half_an_emoji_survives_the_round_trip(box: Box) -> None:
    body = b'{"fiscal_code": "%s", "content": {"subject": "mezza \\ud83c emoji", "markdown": "%s"}}'
    answer = box.call("POST", "/messages", data=body % (LAURA.encode(), BODY.encode()))
    content = box.get(LAURA, answer.json()["id"]).json()["message"]["content"]
    assert content["subject"] == "mezza \ud83c emoji"
