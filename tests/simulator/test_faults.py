"""Everything that goes wrong on purpose: what the caller sees and what was recorded."""

from __future__ import annotations

import time
from typing import Any

import pytest
import requests

from tests.simulator.box import ANAGRAFE, LAURA, SCUOLA, TEST_CODE, TRIBUTI, Box, eventually, message, payment

LOST = (requests.ConnectionError, requests.Timeout)


def lost(box: Box, payload: Any = None, **more: Any) -> None:
    with pytest.raises(LOST):
        box.submit(payload or message(), **more)


@pytest.mark.parametrize("name", ["accept-then-drop", "drop-before"])
def test_a_dropped_connection_may_hide_an_accepted_message(box: Box, name: str) -> None:
    box.fault(name, count=1)
    lost(box)
    assert len(box.ledger()) == (1 if name == "accept-then-drop" else 0)
    assert box.control("GET", "/calls")["operations"]["submit"] == {"dropped": 1}
    assert box.submit(message()).status_code == 201


def test_an_accepted_message_may_be_answered_500(box: Box) -> None:
    box.fault("accept-then-500", count=1)
    answer = box.submit(message())
    assert (answer.status_code, answer.json()["detail"]) == (500, "Unable to store processing message")
    assert box.status(message()) == "PROCESSED"
    assert [entry["status"] for entry in box.ledger()] == ["PROCESSED", "PROCESSED"]


def test_an_accepted_message_may_be_answered_very_late(box: Box) -> None:
    box.fault("accept-then-hang", count=1, value=30)
    lost(box, timeout=0.3)
    assert len(box.ledger()) == 1
    box.fault("accept-then-hang", count=1, value=0.2)
    start = time.monotonic()
    answer = box.submit(message())
    assert answer.status_code == 201
    assert time.monotonic() - start >= 0.2


def test_an_accepted_message_may_have_an_unreadable_answer(box: Box) -> None:
    box.fault("accept-garbage", count=1)
    answer = requests.post(
        f"{box.address}/api/v1/messages",
        json=message(),
        headers={"Ocp-Apim-Subscription-Key": TRIBUTI},
        timeout=5,
    )
    assert answer.status_code == 201
    assert "Location" not in answer.headers
    with pytest.raises(requests.JSONDecodeError):
        answer.json()
    assert len(box.ledger()) == 1


def test_nobody_listens_while_io_refuses(box: Box) -> None:
    box.submit(message())
    box.fault("refuse")
    with pytest.raises(requests.ConnectionError):
        box.submit(message())
    # The kept connection may be told of its end first; a new one is refused in any case.
    with pytest.raises(requests.ConnectionError) as caught:
        requests.post(f"{box.address}/api/v1/messages", json=message(), timeout=5)
    assert "refused" in str(caught.value)
    assert box.control("GET", "/health")["listening"] is False
    box.control("DELETE", "/faults")
    assert box.submit(message()).status_code == 201
    assert len(box.ledger()) == 2


def test_a_refusal_may_end_by_itself(box: Box) -> None:
    box.fault("refuse", value=0.3)
    lost(box)
    eventually(lambda: box.control("GET", "/health")["listening"])
    assert box.control("GET", "/faults")["active"] == []
    assert box.submit(message()).status_code == 201


def test_a_reset_ends_a_refusal(box: Box) -> None:
    box.fault("refuse")
    box.control("POST", "/reset")
    assert box.submit(message()).status_code == 201


@pytest.mark.parametrize(
    ("name", "status"),
    [
        ("unauthorised", 401),
        ("forbidden", 403),
        ("throttle", 429),
        ("error-500", 500),
        ("error-502", 502),
        ("error-503", 503),
    ],
)
def test_refusing_faults_strike_everywhere_and_record_nothing(box: Box, name: str, status: int) -> None:
    box.fault(name)
    answers = [
        box.submit(message()),
        box.profile(LAURA),
        box.get(LAURA, "01"),
        box.call("GET", "/subscriptions-feed/2026-01-15", ANAGRAFE),
    ]
    assert [answer.status_code for answer in answers] == [status] * 4
    assert box.ledger() == []
    box.control("DELETE", "/faults")
    assert box.submit(message()).status_code == 201


def test_a_throttling_fault_says_how_long_to_wait(box: Box) -> None:
    box.fault("throttle", value=7, count=1)
    assert box.submit(message()).headers["x-rate-limit-retry-after"] == "7"
    assert box.submit(message()).status_code == 201


def test_latency_and_jitter_delay_answers(box: Box) -> None:
    box.fault("latency", value=150, operations=["profile"])
    box.fault("jitter", value=10)
    start = time.monotonic()
    box.profile(LAURA)
    middle = time.monotonic()
    box.submit(message())
    assert middle - start >= 0.15
    assert time.monotonic() - middle < 0.15


def test_a_probability_spares_some_calls(box: Box) -> None:
    box.fault("error-503", value=0.5)
    statuses = {box.submit(message()).status_code for _ in range(60)}
    assert statuses == {201, 503}


def test_the_state_of_a_payment_may_break_a_healthy_message(box: Box) -> None:
    premium = {**message(payment_data=payment()), "feature_level_type": "ADVANCED"}
    identity, other = box.sent(premium, ANAGRAFE), box.sent(message(), ANAGRAFE)
    box.fault("payment-500", count=1)
    assert box.get(LAURA, other, ANAGRAFE).status_code == 200
    answer = box.get(LAURA, identity, ANAGRAFE)
    assert (answer.status_code, answer.json()["title"]) == (500, "Internal server error")
    assert answer.json()["detail"].startswith("Error retrieving Payment Status: ")
    assert box.get(LAURA, identity, ANAGRAFE).status_code == 200


def test_a_fault_may_concern_one_operation_service_or_person(box: Box) -> None:
    box.fault("error-503", operations=["get"])
    box.fault("unauthorised", service="scuola")
    box.fault("forbidden", fiscal_code=TEST_CODE)
    assert box.submit(message()).status_code == 201
    assert box.get(LAURA, "01").status_code == 503
    assert box.submit(message(), SCUOLA).status_code == 401
    assert box.submit(message(TEST_CODE)).status_code == 403
    assert box.profile(TEST_CODE).status_code == 403
    assert box.call("POST", f"/messages/{TEST_CODE}", json=message(None)).status_code == 403


def test_a_fault_lasts_as_often_as_it_was_ordered(box: Box) -> None:
    box.fault("error-503", count=2)
    assert [box.submit(message()).status_code for _ in range(3)] == [503, 503, 201]
    assert box.control("GET", "/faults")["active"] == []


def test_one_fault_can_be_cleared_alone(box: Box) -> None:
    first = box.control("POST", "/faults", {"name": "error-503"})
    box.fault("latency", value=1)
    box.control("DELETE", f"/faults/{first['id']}")
    assert [fault["name"] for fault in box.control("GET", "/faults")["active"]] == ["latency"]


@pytest.mark.parametrize(
    "raw",
    [
        {},
        {"name": "earthquake"},
        {"name": "throttle", "value": "soon"},
        {"name": "error-503", "value": 2},
        {"name": "forbidden", "value": "because"},
        {"name": "unauthorised", "value": 1},
        {"name": "throttle", "operations": ["dance"]},
        {"name": "throttle", "operations": 5},
        {"name": "throttle", "count": 0},
    ],
)
def test_senseless_faults_are_explained(box: Box, raw: dict[str, Any]) -> None:
    answer = box.session.post(f"{box.control_address}/faults", json=raw, timeout=5)
    assert answer.status_code == 400
    assert answer.json()["error"]
    assert box.control("GET", "/faults")["active"] == []
