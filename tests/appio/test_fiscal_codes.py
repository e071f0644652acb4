from __future__ import annotations

import time
from collections.abc import Callable
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stdnum.it.codicefiscale import calc_check_digit

from messaging.appio import fiscal_codes

from .strategies import fiscal_codes as codes

GOOD = "RSSMRA85T10A562S"


@given(codes())
def test_any_well_formed_code_is_valid(code: str) -> None:
    assert fiscal_codes.problem(code) is None
    assert fiscal_codes.is_valid(code)


@given(codes(), st.sampled_from("ABCDEFGHIJKLMNOPQRSTUVWXYZ"))
def test_any_other_check_character_is_refused(code: str, letter: str) -> None:
    wrong = code[:-1] + letter
    assert fiscal_codes.problem(wrong) == (None if letter == code[-1] else "check_character")


@pytest.mark.parametrize(
    ("code", "problem"),
    [
        ("", "empty"),
        ("12345678901", "eleven_digits"),
        ("RSSMRA85T10A562", "length"),
        ("RSSMRA85T10A562SX", "length"),
        ("rssmra85t10a562s", "pattern"),
        ("RSSMRA85F10A562S", "pattern"),
        ("RSSMRA85T10A562Ś", "pattern"),
        ("RSSMRA85T10A562\n", "pattern"),
        ("RSSMRA85T10A562A", "check_character"),
    ],
)
def test_each_fault_has_its_code(code: str, problem: str) -> None:
    assert fiscal_codes.problem(code) == problem
    assert not fiscal_codes.is_valid(code)


@pytest.mark.parametrize("day", ["00", "32", "40", "72", "80", "81", "99", "UM"])
def test_a_day_that_no_month_has_is_refused(day: str) -> None:
    body = f"RSSMRA85T{day}A562"
    code = body + calc_check_digit(body)
    assert fiscal_codes.problem(code) == "date"


def test_the_thirtieth_of_february_is_refused() -> None:
    body = "RSSMRA85B30A562"
    assert fiscal_codes.problem(body + calc_check_digit(body)) == "date"


def test_the_test_code_always_passes() -> None:
    assert fiscal_codes.is_valid(fiscal_codes.TEST_CODE)


def test_an_allowed_code_needs_only_the_pattern() -> None:
    fake = "BBBBBB00B00B000B"
    assert fiscal_codes.problem(fake) is not None
    assert fiscal_codes.problem(fake, {fake}) is None
    assert fiscal_codes.problem("12345678901", {"12345678901"}) == "eleven_digits"


@given(st.text())
def test_normalising_twice_changes_nothing(text: str) -> None:
    once = fiscal_codes.normalise(text)
    assert fiscal_codes.normalise(once) == once
    assert not any(c.isspace() for c in once)


@pytest.mark.parametrize("typed", [" rss mra\t85t10\u00a0a562s\r\n", "\ufeffRSSMRA85T10A562S\u200b"])
def test_white_space_of_any_kind_goes(typed: str) -> None:
    assert fiscal_codes.normalise(typed) == GOOD


def test_letters_outside_ascii_do_not_become_valid_ones() -> None:
    assert not fiscal_codes.is_valid(fiscal_codes.normalise("RſſMRA85T10A562S"))


@given(st.text(), codes(), st.text())
def test_no_code_survives_in_any_text(before: str, code: str, after: str) -> None:
    masked = fiscal_codes.mask(before + code + after)
    assert code not in masked
    assert fiscal_codes.mask(masked) == masked


@given(codes(), st.data())
def test_case_and_percent_encoding_do_not_hide_a_code(code: str, data: st.DataObject) -> None:
    ways: list[Callable[[str], str]] = [
        str,
        str.lower,
        lambda c: f"%{ord(c):02x}",
        lambda c: f"%{ord(c):02X}",
        lambda c: f"%25{ord(c):02X}",
    ]
    hidden = "".join(data.draw(st.sampled_from(ways))(c) for c in code)
    masked = fiscal_codes.mask(f"/api/v1/messages/{hidden}/01ARZ3NDEKTSV4RRFFQ69G5FAV?x=1")
    assert masked.upper() == f"/API/V1/MESSAGES/{code[:3]}*************/01ARZ3NDEKTSV4RRFFQ69G5FAV?X=1"


@pytest.mark.parametrize("gap", [" ", "-", "+", "%20", "\u00a0"])
def test_a_code_written_in_groups_is_masked(gap: str) -> None:
    grouped = gap.join(["RSS", "MRA", "85T10", "A562S"])
    assert fiscal_codes.mask(f"di {grouped}.") == "di RSS*************."
    assert "85T10" not in fiscal_codes.mask(quote(grouped))


@given(st.text(alphabet="0123456789 .,/:-?=&_"))
def test_a_text_without_codes_stays_as_it_is(text: str) -> None:
    assert fiscal_codes.mask(text) == text


@pytest.mark.parametrize("piece", ["A", "AAAAAA00", "%25", "%", "AAAAAALLALLALLL", "RSS MRA 85T10 A562", " "])
def test_masking_takes_linear_time(piece: str) -> None:
    text = piece * (400_000 // len(piece))
    started = time.process_time()
    fiscal_codes.mask(text)
    assert time.process_time() - started < 3
