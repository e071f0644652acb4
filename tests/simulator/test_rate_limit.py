"""The limit counts calls of an account, exactly, over all its keys and endpoints."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from messaging.simulator.limits import NO_LIMIT, AccountMeter, Limit, parse_limit
from tests.simulator.box import LAURA, TEST_CODE, TRIBUTI, Box, message

ONE, TWO = "narrow-one", "narrow-two"


def test_remaining_calls_are_counted_down_over_keys_and_endpoints(box: Box) -> None:
    answers = [
        box.submit(message(), ONE),
        box.submit({}, TWO),
        box.profile(LAURA, ONE),
        box.get(LAURA, "01", TWO),
        box.call("GET", "/subscriptions-feed/2026-01-01", ONE),
    ]
    assert [answer.headers["x-rate-limit-remaining"] for answer in answers] == ["4", "3", "2", "1", "0"]
    refused = box.submit(message(), TWO)
    assert refused.status_code == 429
    assert refused.json()["message"] == "Rate limit is exceeded. Try again in 1 seconds."
    assert refused.headers["x-rate-limit-retry-after"] == "1"
    assert "Retry-After" not in refused.headers


def test_wrong_keys_and_wrong_paths_cost_nothing(box: Box) -> None:
    for _ in range(10):
        box.submit(message(), "wrong")
        box.call("GET", "/nothing", ONE)
    assert box.submit(message(), ONE).headers["x-rate-limit-remaining"] == "4"


def test_a_burst_of_threads_gets_exactly_the_limit(box: Box) -> None:
    def one(_: int) -> int:
        return box.submit(message(), ONE).status_code

    with ThreadPoolExecutor(12) as pool:
        statuses = list(pool.map(one, range(24)))
    assert statuses.count(201) == 5
    assert statuses.count(429) == 19
    calls = box.control("GET", "/calls")
    assert calls["operations"]["submit"] == {"201": 5, "429": 19}
    figures = calls["accounts"]["narrow"]
    assert (figures["largest_window"], figures["largest_admitted"], figures["throttled"]) == (24, 5, 19)
    assert len(box.ledger()) == 5


def test_the_window_slides_by_the_call(box: Box) -> None:
    box.submit(message(), ONE)
    start = time.monotonic()
    time.sleep(0.3)
    for _ in range(4):
        box.submit(message(), ONE)
    assert box.submit(message(), ONE).status_code == 429
    time.sleep(max(0.0, start + 0.62 - time.monotonic()))
    assert box.submit(message(), ONE).status_code == 201
    assert box.submit(message(), ONE).status_code == 429


def test_a_caller_that_keeps_its_pace_is_proved_innocent(box: Box) -> None:
    for _ in range(7):
        box.submit(message(TEST_CODE), ONE)
        time.sleep(0.15)
    figures = box.control("GET", "/calls")["accounts"]["narrow"]
    assert figures["throttled"] == 0
    assert figures["largest_window"] <= 5


def test_groups_decide_the_limit_of_an_account(box: Box) -> None:
    assert box.submit(message(), "fast").headers["x-rate-limit-remaining"] == "249"
    assert "x-rate-limit-remaining" not in box.submit(message(), "free").headers
    assert "x-rate-limit-remaining" not in box.submit(message(), TRIBUTI).headers
    box.control("POST", "/settings", {"limit": "150/5"})
    assert box.submit(message(), TRIBUTI).headers["x-rate-limit-remaining"] == "149"
    assert "x-rate-limit-remaining" not in box.submit(message(), "free").headers


@settings(max_examples=60, deadline=None)
@given(st.lists(st.floats(0, 3, allow_nan=False), max_size=60), st.integers(1, 6))
def test_no_window_ever_holds_more_and_none_is_refused_early(gaps: list[float], calls: int) -> None:
    meter = AccountMeter(Limit(calls, 5.0))
    now, admitted = 0.0, []
    for gap in gaps:
        now += gap / 3
        recent = [moment for moment in admitted if moment > now - 5.0]
        remaining = meter.admit(now)
        assert (remaining is None) == (len(recent) >= calls)
        if remaining is not None:
            admitted.append(now)
            assert remaining == calls - len(recent) - 1
    for moment in admitted:
        assert sum(moment - 5.0 < other <= moment for other in admitted) <= calls


def test_limits_are_written_as_calls_over_seconds() -> None:
    assert parse_limit("150/5") == Limit(150, 5.0)
    assert parse_limit("none") == NO_LIMIT
    for nonsense in ("150", "0/5", "5/0", "-1/5", "a/b", ""):
        with pytest.raises(ValueError, match="CALLS/SECONDS"):
            parse_limit(nonsense)
