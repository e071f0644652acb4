from __future__ import annotations

from contextlib import suppress
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from messaging.appio import rules

from .strategies import notice_numbers


def test_an_emoji_counts_two() -> None:
    assert rules.utf16_length("😀") == 2


def test_a_combining_accent_counts_apart() -> None:
    assert rules.utf16_length("e\u0301") == 2


def test_a_line_end_of_two_characters_counts_two() -> None:
    assert rules.utf16_length("\r\n") == 2


@given(st.text(alphabet=st.characters()))
def test_length_adds_a_unit_for_each_character_beyond_the_first_plane(text: str) -> None:
    assert rules.utf16_length(text) == sum(2 if ord(c) > 0xFFFF else 1 for c in text)


@given(notice_numbers())
def test_a_notice_number_with_its_check_pair_matches(number: str) -> None:
    assert rules.notice_number_problem(number) is None
    assert rules.notice_number_check_matches(number) is True


@given(notice_numbers(), st.integers(0, 15), st.integers(1, 9))
def test_one_mistyped_digit_is_always_noticed(number: str, place: int, shift: int) -> None:
    digit = str((int(number[place]) + shift) % 10)
    mistyped = number[:place] + digit + number[place + 1 :]
    if rules.notice_number_problem(mistyped) is None and mistyped[0] != "1":
        assert rules.notice_number_check_matches(mistyped) is False


def test_aux_digit_one_has_no_check_pair() -> None:
    assert rules.notice_number_check_matches("100000000000000000") is None


@pytest.mark.parametrize(
    ("number", "problem"),
    [
        ("", "empty"),
        ("30200000000482173a", "not_digits"),
        ("3020 0000 0004 8217 34", "not_digits"),
        ("٣٠٢٠٠٠٠٠٠٠٠٤٨٢١٧٣٤", "not_digits"),
        ("30200000000482173", "length"),
        ("3020000000048217340", "length"),
        ("402000000004821734", "aux_digit"),
        ("302000000004821734", None),
    ],
)
def test_each_fault_of_a_notice_number_has_its_code(number: str, problem: str | None) -> None:
    assert rules.notice_number_problem(number) == problem


def test_a_notice_number_may_be_typed_in_groups() -> None:
    assert rules.normalise_notice_number(" 3020\u00a00000 0004\t8217 34\n") == "302000000004821734"


@pytest.mark.parametrize(
    ("text", "cents"),
    [
        ("148,50", 14850),
        ("148.50", 14850),
        ("12,5", 1250),
        ("12.5", 1250),
        ("€ 12", 1200),
        ("12 €", 1200),
        ("12 euro", 1200),
        ("EUR 12,00", 1200),
        ("1.234,00", 123400),
        ("1 234,00", 123400),
        ("1\u202f234,5", 123450),
        ("1'234,00", 123400),
        ("1,234.50", 123450),
        ("1.234.567", 123456700),
        ("12.345.678,90", 1234567890),
        ("1 234", 123400),
        ("1234", 123400),
        ("0,01", 1),
        ("0012", 1200),
        ("99999999,99", 9_999_999_999),
    ],
)
def test_amounts_are_read_as_italians_write_them(text: str, cents: int) -> None:
    assert rules.parse_euros(text) == cents


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "empty"),
        ("  \t", "empty"),
        ("1.234", "ambiguous"),
        ("1,234", "ambiguous"),
        ("€ 12.345", "ambiguous"),
        ("abc", "not_a_number"),
        ("€", "not_a_number"),
        ("12,", "not_a_number"),
        (",50", "not_a_number"),
        ("1,2,3", "not_a_number"),
        ("1.23,4", "not_a_number"),
        ("12 50", "not_a_number"),
        ("1e3", "not_a_number"),
        ("١٢", "not_a_number"),
        ("NaN", "not_a_number"),
        ("0,123", "too_many_decimals"),
        ("12,3456", "too_many_decimals"),
        ("1.234,567", "too_many_decimals"),
        ("1234,567", "too_many_decimals"),
        ("0", "range"),
        ("0,00", "range"),
        ("-5", "range"),
        ("100000000", "range"),
        ("9" * 10_000, "range"),
    ],
)
def test_amounts_that_cannot_be_read_say_why(text: str, code: str) -> None:
    with pytest.raises(rules.AmountError) as caught:
        rules.parse_euros(text)
    assert caught.value.code == code


@given(st.integers(rules.AMOUNT_MIN, rules.AMOUNT_MAX))
def test_every_amount_written_in_italian_is_read_back(cents: int) -> None:
    grouped = f"{cents // 100:,}".replace(",", ".")
    assert rules.parse_euros(f"{grouped},{cents % 100:02}") == cents
    assert rules.parse_euros(f"€ {cents // 100},{cents % 100:02}") == cents


@given(st.text(alphabet="0123456789.,' €-eur"))
def test_no_text_does_worse_than_an_amount_error(text: str) -> None:
    with suppress(rules.AmountError):
        assert rules.AMOUNT_MIN <= rules.parse_euros(text) <= rules.AMOUNT_MAX


@pytest.mark.parametrize(
    ("day", "timestamp"),
    [
        (date(2026, 12, 16), "2026-12-16T22:59:59Z"),
        (date(2026, 9, 30), "2026-09-30T21:59:59Z"),
        (date(2026, 3, 28), "2026-03-28T22:59:59Z"),
        (date(2026, 3, 29), "2026-03-29T21:59:59Z"),
        (date(2026, 10, 24), "2026-10-24T21:59:59Z"),
        (date(2026, 10, 25), "2026-10-25T22:59:59Z"),
    ],
)
def test_a_due_date_ends_with_the_day_in_italy(day: date, timestamp: str) -> None:
    assert rules.format_timestamp(rules.due_date_to_utc(day)) == timestamp


@given(st.dates(date(1, 1, 2), date(9999, 12, 30)))
def test_a_due_date_is_the_last_second_of_its_day_in_rome(day: date) -> None:
    moment = rules.due_date_to_utc(day)
    assert moment.utcoffset() == timedelta(0)
    assert moment.astimezone(rules.ROME).date() == day
    assert (moment + timedelta(seconds=1)).astimezone(rules.ROME).date() > day


def test_a_timestamp_wants_a_time_zone() -> None:
    with pytest.raises(ValueError, match="time zone"):
        rules.format_timestamp(datetime(2026, 1, 1))
    assert rules.format_timestamp(datetime(2026, 1, 1, 0, 0, 0, 999, tzinfo=UTC)) == "2026-01-01T00:00:00Z"
