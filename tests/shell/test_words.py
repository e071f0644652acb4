"""Dates, amounts and names as the screens write them."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.utils import timezone
from django.utils.translation import override
from hypothesis import given
from hypothesis import strategies as st

from messaging.models import User
from messaging.templatetags import portal

ROME = ZoneInfo("Europe/Rome")
NOON = datetime(2026, 11, 18, 12, 0, tzinfo=ROME)


@pytest.mark.parametrize(
    ("moment", "italian", "english"),
    [
        (datetime(2026, 11, 18, 10, 5, tzinfo=ROME), "oggi alle 10:05", "today at 10:05"),
        (datetime(2026, 11, 18, 0, 0, tzinfo=ROME), "oggi alle 0:00", "today at 0:00"),
        (datetime(2026, 11, 18, 1, 30, tzinfo=ROME), "oggi all’1:30", "today at 1:30"),
        (datetime(2026, 11, 17, 9, 30, tzinfo=ROME), "ieri alle 9:30", "yesterday at 9:30"),
        (datetime(2026, 11, 19, 9, 30, tzinfo=ROME), "domani alle 9:30", "tomorrow at 9:30"),
        (datetime(2026, 11, 12, 9, 30, tzinfo=ROME), "giovedì alle 9:30", "Thursday at 9:30"),
        (datetime(2026, 11, 11, 9, 30, tzinfo=ROME), "11 novembre 2026 alle 9:30", "11 November 2026 at 9:30"),
        (datetime(2026, 12, 16, 9, 30, tzinfo=ROME), "16 dicembre 2026 alle 9:30", "16 December 2026 at 9:30"),
        (date(2026, 11, 17), "ieri", "yesterday"),
        (date(2026, 11, 16), "lunedì", "Monday"),
        (None, "", ""),
    ],
)
def test_when(moment, italian, english):
    with time_machine.travel(NOON, tick=False):
        with override("it"):
            assert portal.when(moment) == italian
        with override("en"):
            assert portal.when(moment) == english


@pytest.mark.parametrize(
    ("utc", "words"),
    [
        # The night of 25 October 2026 has two o'clocks: 2:30 comes twice, and both are that day.
        (datetime(2026, 10, 24, 23, 30, tzinfo=UTC), "oggi all’1:30"),
        (datetime(2026, 10, 25, 0, 30, tzinfo=UTC), "oggi alle 2:30"),
        (datetime(2026, 10, 25, 1, 30, tzinfo=UTC), "oggi alle 2:30"),
        (datetime(2026, 10, 24, 21, 59, tzinfo=UTC), "ieri alle 23:59"),
    ],
)
def test_when_the_clocks_go_back(utc, words):
    with time_machine.travel(datetime(2026, 10, 25, 22, 30, tzinfo=UTC), tick=False), override("it"):
        assert portal.when(utc) == words


START = datetime(2026, 1, 1, tzinfo=UTC)
moments = st.integers(0, 2 * 365 * 24 * 60).map(lambda minutes: START + timedelta(minutes=minutes))


@given(now=moments, back=st.timedeltas(timedelta(0), timedelta(days=9)))
def test_when_names_the_day_as_a_calendar_in_rome_would(now, back):
    moment = now - back
    days = (now.astimezone(ROME).date() - moment.astimezone(ROME).date()).days
    with time_machine.travel(now, tick=False), override("it"):
        words = portal.when(moment)
    local = moment.astimezone(ROME)
    assert words.endswith(f"{local.hour}:{local.minute:02}")
    assert words.startswith("oggi ") == (days == 0)
    assert words.startswith("ieri ") == (days == 1)
    assert (str(local.year) in words) == (days >= 7)


def test_exact_times_have_seconds():
    with time_machine.travel(NOON, tick=False), override("it"):
        assert portal.when_exact(datetime(2026, 11, 18, 10, 1, 29, tzinfo=ROME)) == "oggi alle 10:01:29"
        assert portal.clock(datetime(2026, 11, 18, 9, 3, tzinfo=ROME)) == "9:03"
        assert portal.day(datetime(2026, 12, 15, 23, 30, tzinfo=UTC)) == "16 dicembre 2026"
        assert portal.day(date(2026, 12, 16)) == "16 dicembre 2026"
    assert (portal.when_exact(None), portal.day(None), portal.clock(None), portal.elapsed(None)) == ("", "", "", "")


@pytest.mark.parametrize(
    ("ago", "words"),
    [
        (timedelta(seconds=59), "meno di un minuto"),
        (timedelta(minutes=1), "un minuto"),
        (timedelta(hours=1), "un’ora"),
        (timedelta(hours=2, minutes=10), "2 ore e 10 minuti"),
        (timedelta(days=1, hours=3, minutes=5), "un giorno e 3 ore"),
        (timedelta(days=3, minutes=5), "3 giorni"),
    ],
)
def test_elapsed(ago, words):
    with time_machine.travel(NOON, tick=False), override("it"):
        assert portal.elapsed(timezone.now() - ago) == words


def test_numbers():
    with override("it"):
        assert portal.number(2846) == "2.846"
        assert portal.euros(14850) == "148,50"
        assert portal.euros(123456789, "euro") == "1.234.567,89 euro"
        assert portal.euros(5) == "0,05"
    with override("en"):
        assert portal.number(2846) == "2,846"
        assert portal.euros(123456, "euro") == "1,234.56 euro"
    assert (portal.number(None), portal.euros(None), portal.number(0)) == ("", "", "0")


@given(st.integers(0, 9_999_999_999))
def test_an_amount_loses_no_cent(cents):
    with override("it"):
        words = portal.euros(cents)
    assert int(words.replace(".", "").replace(",", "")) == cents
    assert words[-3] == ","


@given(st.text("0123456789", max_size=20))
def test_grouped_digits_are_the_same_digits(digits):
    words = portal.grouped(digits)
    assert words.replace(" ", "") == digits
    assert all(len(part) == 4 for part in words.split(" ")[:-1])


def test_names():
    assert portal.grouped("302000000004821734") == "3020 0000 0004 8217 34"
    assert portal.grouped(None) == ""
    assert portal.person(User(first_name="Marta", last_name="Rossi")) == "Marta R."
    assert portal.person(None) == ""
