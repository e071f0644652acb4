from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from messaging.appio import payloads, rules
from messaging.appio.payloads import Outgoing, build_payload, check
from messaging.appio.rules import Problem

from . import strategies

SCHEMA = json.loads((Path(__file__).parent / "schemas" / "submit_payload.json").read_text("utf-8"))
VALIDATOR = Draft202012Validator(SCHEMA)
LIMIT = 1_000_000
BODY = "Il saldo della TARI 2026 è pronto. Si paga entro la scadenza, in app o allo sportello."

PLAIN = Outgoing(fiscal_code="RSSMRA85T10A562S", subject="Avviso TARI 2026", markdown=BODY)
PAYMENT = replace(PLAIN, amount=14850, notice_number="302000000000000083", due_date=date(2026, 12, 16))


def found(outgoing: Outgoing, **options: object) -> list[tuple[str, str]]:
    settings: dict[str, object] = {"max_amount": LIMIT, **options}
    return [(p.field, p.code) for p in check(outgoing, **settings)]  # type: ignore[arg-type]


def blocking(problems: list[Problem]) -> list[Problem]:
    return [p for p in problems if not p.warning]


OUTGOING = st.builds(
    Outgoing,
    fiscal_code=strategies.fiscal_codes()
    | st.sampled_from(["", "rssmra85t10a562s", "12345678901", "AAAAAA00A00A000A"]),
    subject=st.text(max_size=130) | st.text("😀a", min_size=4, max_size=121) | st.just("Avviso TARI 2026"),
    markdown=st.builds(lambda text, times: text * times, st.text(min_size=1, max_size=20), st.integers(1, 700)),
    amount=st.none() | st.integers(-1, LIMIT + 2) | st.integers(rules.AMOUNT_MAX - 1, rules.AMOUNT_MAX + 1),
    notice_number=st.none() | strategies.notice_numbers() | st.text("0123456789", min_size=17, max_size=19),
    invalid_after_due_date=st.booleans(),
    due_date=st.none() | st.dates(date(1900, 1, 1), date(2999, 12, 31)),
    payee=st.none() | st.text("0123456789", min_size=10, max_size=12),
    feature_level=st.sampled_from(["STANDARD", "ADVANCED"]),
    time_to_live=st.none() | st.integers(3_598, 3_602) | st.integers(604_798, 604_802),
    require_secure_channels=st.none() | st.booleans(),
)


def platform_refuses(payload: Mapping[str, object], max_amount: int) -> bool:
    """The server's own rules, restated: the schema, UTF-16 lengths, and the service's maximum."""
    content = payload["content"]
    assert isinstance(content, dict)
    too_long = any(
        len(content[name].encode("utf-16-le")) // 2 not in range(low, high + 1)
        for name, low, high in [("subject", 10, 120), ("markdown", 80, 10_000)]
    )
    over = content.get("payment_data", {}).get("amount", 0) > max_amount
    schema_errors = [e for e in VALIDATOR.iter_errors(payload) if e.validator not in {"minLength", "maxLength"}]
    return bool(too_long or over or schema_errors)


@given(OUTGOING, st.sampled_from([0, LIMIT, rules.AMOUNT_MAX]))
def test_a_message_without_problems_is_never_refused(outgoing: Outgoing, max_amount: int) -> None:
    problems = check(outgoing, max_amount=max_amount, advanced=True, payee_allowed=True)
    payload = build_payload(outgoing)
    json.dumps(payload)
    if not blocking(problems):
        assert not platform_refuses(payload, max_amount)
        assert "null" not in re.sub(r'"(?:[^"\\]|\\.)*"', "", json.dumps(payload))


@given(OUTGOING)
def test_what_the_platform_refuses_is_found_before(outgoing: Outgoing) -> None:
    if platform_refuses(build_payload(outgoing), LIMIT):
        assert blocking(check(outgoing, max_amount=LIMIT, advanced=True, payee_allowed=True))


def test_a_plain_message_has_just_the_published_names() -> None:
    assert build_payload(PLAIN) == {
        "fiscal_code": "RSSMRA85T10A562S",
        "feature_level_type": "STANDARD",
        "content": {"subject": "Avviso TARI 2026", "markdown": BODY},
    }
    assert found(PLAIN) == []


def test_a_complete_message_has_every_field() -> None:
    outgoing = replace(
        PAYMENT,
        invalid_after_due_date=True,
        payee="12345678901",
        feature_level="ADVANCED",
        time_to_live=7200,
        require_secure_channels=False,
    )
    payload = build_payload(outgoing)
    VALIDATOR.validate(payload)
    assert payload["time_to_live"] == 7200
    assert payload["feature_level_type"] == "ADVANCED"
    assert payload["content"] == {
        "subject": "Avviso TARI 2026",
        "markdown": BODY,
        "require_secure_channels": False,
        "due_date": "2026-12-16T22:59:59Z",
        "payment_data": {
            "amount": 14850,
            "notice_number": "302000000000000083",
            "invalid_after_due_date": True,
            "payee": {"fiscal_code": "12345678901"},
        },
    }


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"fiscal_code": ""}, ("fiscal_code", "empty")),
        ({"fiscal_code": "12345678901"}, ("fiscal_code", "eleven_digits")),
        ({"subject": "a" * 9}, ("subject", "too_short")),
        ({"subject": "a" * 121}, ("subject", "too_long")),
        ({"subject": "😀" * 61}, ("subject", "too_long")),
        ({"markdown": "a" * 79}, ("markdown", "too_short")),
        ({"markdown": "a" * 10_001}, ("markdown", "too_long")),
        ({"markdown": BODY + "\ud800"}, ("markdown", "not_text")),
        ({"amount": None}, ("amount", "missing")),
        ({"amount": 0}, ("amount", "range")),
        ({"amount": 10_000_000_000}, ("amount", "range")),
        ({"amount": LIMIT + 1}, ("amount", "over_limit")),
        ({"notice_number": None}, ("notice_number", "missing")),
        ({"notice_number": "402000000004821734"}, ("notice_number", "aux_digit")),
        ({"notice_number": "302000000000000084"}, ("notice_number", "check_digits")),
        ({"payee": "1234567890"}, ("payee", "pattern")),
        ({"time_to_live": 3599}, ("time_to_live", "range")),
        ({"time_to_live": 604_801}, ("time_to_live", "range")),
        ({"invalid_after_due_date": True, "due_date": None}, ("invalid_after_due_date", "no_due_date")),
    ],
)
def test_each_problem_has_its_field_and_code(changes: dict[str, object], problem: tuple[str, str]) -> None:
    outgoing = replace(PAYMENT, **changes)  # type: ignore[arg-type]
    assert found(outgoing, advanced=True, payee_allowed=True) == [problem]


@pytest.mark.parametrize(("subject", "fine"), [("😀" * 5, True), ("😀" * 60, True), ("😀" * 60 + "a", False)])
def test_the_limits_count_utf16_units(subject: str, fine: bool) -> None:
    assert (found(replace(PLAIN, subject=subject)) == []) is fine


def test_a_wrong_check_pair_only_warns() -> None:
    problems = check(replace(PAYMENT, notice_number="302000000000000084"), max_amount=LIMIT)
    assert [p.warning for p in problems] == [True]


def test_a_service_without_payments_is_told_so() -> None:
    assert found(PAYMENT, max_amount=0) == [("amount", "payments_not_enabled")]


def test_what_the_agreement_does_not_grant_is_a_problem() -> None:
    assert found(replace(PLAIN, feature_level="ADVANCED")) == [("feature_level", "not_allowed")]
    assert found(replace(PAYMENT, payee="12345678901")) == [("payee", "not_allowed")]


def test_a_payee_without_a_payment_is_a_problem() -> None:
    assert found(replace(PLAIN, payee="12345678901"), payee_allowed=True) == [("payee", "no_payment")]


def test_an_allowed_code_passes_the_check() -> None:
    fake = replace(PLAIN, fiscal_code="BBBBBB00B00B000B")
    assert found(fake) != []
    assert found(fake, allowed={"BBBBBB00B00B000B"}) == []


def test_an_outgoing_message_cannot_be_changed() -> None:
    with pytest.raises(AttributeError):
        PLAIN.subject = "altro"  # type: ignore[misc]
    assert payloads.build_payload(PLAIN) == build_payload(PLAIN)
