"""The hours in which batches may leave, by the clock of Rome, also where it changes."""

from __future__ import annotations

from datetime import datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from messaging.delivery.hours import ROME, after_sending_for, may_send_now, next_sending
from messaging.models import Institution

DAY = Institution(polite_from=time(8), polite_until=time(20))
ALWAYS = Institution()


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ROME)


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        ("2026-11-21T07:59", "2026-11-21T08:00"),
        ("2026-11-21T08:00", None),
        ("2026-11-21T19:59", None),
        ("2026-11-21T20:00", "2026-11-22T08:00"),
        # The night in which the clock goes back.
        ("2026-10-24T23:00", "2026-10-25T08:00"),
    ],
)
def test_outside_the_hours_sending_waits_for_the_next_morning(now: str, expected: str | None) -> None:
    assert next_sending(DAY, at(now)) == (at(expected) if expected else None)


def test_without_hours_batches_leave_at_any_time() -> None:
    assert may_send_now(ALWAYS, at("2026-11-21T03:00"))
    assert after_sending_for(ALWAYS, at("2026-11-21T23:00"), 7_200) == at("2026-11-22T01:00")


def test_what_does_not_fit_into_the_day_goes_on_the_next_one() -> None:
    assert after_sending_for(DAY, at("2026-11-21T19:00"), 2 * 3_600) == at("2026-11-22T09:00")


@given(st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1)), st.integers(0, 400_000))
def test_the_end_is_within_the_hours_and_no_earlier_than_the_sending_takes(start: datetime, seconds: int) -> None:
    began = start.replace(tzinfo=ROME)
    end = after_sending_for(DAY, began, seconds)
    assert end - began >= timedelta(seconds=seconds)
    assert time(8) <= end.astimezone(ROME).time() <= time(20)
