from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from messaging.appio import payloads
from messaging.appio.fiscal_codes import TEST_CODE
from messaging.appio.rules import Problem
from messaging.spreadsheets.cells import Cell, CellError
from messaging.spreadsheets.columns import AMOUNT, DUE_DATE, FISCAL_CODE, NOTICE_NUMBER, match_columns
from messaging.spreadsheets.duplicates import DuplicateFinder
from messaging.spreadsheets.rows import CellProblem, CheckedRow, CheckPlan, Rules, check_row, outgoing
from messaging.spreadsheets.texts import MessageText
from messaging.spreadsheets.values import CellFault, read_amount, read_day, read_fiscal_code, read_notice_number

from ..appio.strategies import fiscal_codes, notice_numbers

GOOD_NOTICE = "302000000004821733"
HEADER = ["codice_fiscale", "importo", "numero_avviso", "scadenza", "nome"]
BODY = (
    "Ciao ((nome)), devi pagare ((importo)) ((?scadenza: entro il ((scadenza)) )), con l’avviso ((numero_avviso)) "
    "allegato qui."
)
TEXT = MessageText("Avviso di pagamento", BODY)


def _plan(text: MessageText = TEXT, header: Sequence[str] = HEADER, **changed: Any) -> CheckPlan:
    options: dict[str, Any] = {
        "is_payment": True,
        "needs_due_date": False,
        "max_amount": 10**7,
        "today": date(2026, 11, 20),
    }
    rules = Rules(**(options | changed))
    matching = match_columns(header, rules.wanted(text))
    assert not matching.problems
    return CheckPlan(matching, text, rules)


def _checked(*, plan: CheckPlan | None = None, **changed: Cell) -> CheckedRow:
    cells: dict[str, Cell] = {
        "codice_fiscale": TEST_CODE,
        "importo": "148,50",
        "numero_avviso": GOOD_NOTICE,
        "scadenza": "16/12/2026",
        "nome": "Ada",
    }
    return check_row(7, list((cells | changed).values()), plan or _plan())


def _codes(row: CheckedRow) -> list[tuple[str, str]]:
    return [(problem.field, problem.code) for problem in row.problems]


def test_a_good_row_becomes_typed_values() -> None:
    row = _checked()
    assert row.is_good
    assert (row.number, row.fiscal_code, row.amount) == (7, TEST_CODE, 14850)
    assert (row.notice_number, row.due_date, row.warnings) == (GOOD_NOTICE, date(2026, 12, 16), [])
    assert outgoing(row, _plan()).markdown == (
        "Ciao Ada, devi pagare 148,50 euro entro il 16 dicembre 2026, con l’avviso 3020 0000 0004 8217 33 allegato qui."
    )


def _fault(read: Any, cell: Cell) -> str:
    with pytest.raises(CellFault) as caught:
        read(cell)
    return caught.value.code


@pytest.mark.parametrize(
    "cell", ["aaaaaa00a00a000a", " AAAAAA 00A00 A000A ", "AAAAAA00A00A000A\u00a0", '="AAAAAA00A00A000A"']
)
def test_a_fiscal_code_is_taken_in_any_case_with_spaces(cell: Cell) -> None:
    assert read_fiscal_code(cell) == TEST_CODE


@given(fiscal_codes())
def test_codes_with_letters_for_digits_are_good(code: str) -> None:
    assert read_fiscal_code(code.lower()) == code


@pytest.mark.parametrize(
    ("cell", "code"),
    [
        ("RSSMRA85T10A562T", "check_character"),
        ("01234567890", "eleven_digits"),
        (12345678903, "eleven_digits"),
        (1234567890, "length"),
        ("RSSMRA85T10", "length"),
        ("RSSMRA85T10A56200", "length"),
        (None, "empty"),
        ("\u200b", "empty"),
        (True, "not_text"),
        (CellError("#N/D"), "cell_error"),
    ],
)
def test_a_wrong_fiscal_code_says_why(cell: Cell, code: str) -> None:
    assert _fault(read_fiscal_code, cell) == code


@pytest.mark.parametrize(
    ("cell", "cents"),
    [
        ("148,50", 14850),
        ("148.5", 14850),
        ("1.234,00", 123400),
        ("12,5", 1250),
        ("€ 12", 1200),
        ('="12,50"', 1250),
        ("12,50\u200b", 1250),
        (148.5, 14850),
        (148, 14800),
        (0.1 + 0.2, 30),
        (1.1 * 3, 330),
        (99_999_999.99, 9_999_999_999),
    ],
)
def test_an_amount_is_read(cell: Cell, cents: int) -> None:
    assert read_amount(cell) == cents


@pytest.mark.parametrize(
    ("cell", "code"),
    [
        ("1.234", "ambiguous"),
        ("1,234", "ambiguous"),
        ("96,5O", "not_a_number"),
        ("12,345", "ambiguous"),
        ("1234,567", "too_many_decimals"),
        (148.505, "too_many_decimals"),
        (0.001, "too_many_decimals"),
        (0, "range"),
        (-5, "range"),
        (1e30, "range"),
        (100_000_000, "range"),
        (date(2026, 5, 12), "amount_is_date"),
        (True, "not_a_number"),
        (None, "empty"),
        (CellError("#DIV/0!"), "cell_error"),
    ],
)
def test_a_wrong_amount_says_why(cell: Cell, code: str) -> None:
    assert _fault(read_amount, cell) == code


@given(st.integers(1, 9_999_999_999))
def test_a_number_of_euros_gives_its_cents_back(cents: int) -> None:
    assert read_amount(cents / 100) == cents
    assert read_amount(f"{cents // 100},{cents % 100:02}") == cents


@given(st.integers(1, 10**8), st.integers(1, 9))
def test_tenths_of_a_cent_are_never_rounded_away(cents: int, tenths: int) -> None:
    assert _fault(read_amount, (cents * 10 + tenths) / 1_000) == "too_many_decimals"


@pytest.mark.parametrize("cell", [GOOD_NOTICE, "3020 0000 0004 8217 33", f'="{GOOD_NOTICE}"', f" {GOOD_NOTICE}\n"])
def test_a_notice_number_of_text_is_read(cell: Cell) -> None:
    assert read_notice_number(cell) == GOOD_NOTICE


@pytest.mark.parametrize(
    ("cell", "code"),
    [
        (302000000004821760, "numeric_cell"),
        (3.02e17, "numeric_cell"),
        (date(2026, 1, 1), "numeric_cell"),
        (12, "numeric_cell"),
        ("3.01E+17", "scientific"),
        ("3,01E+17", "scientific"),
        ("3,02000000004822E+17", "scientific"),
        ("3E17", "scientific"),
        ("30200000000482173", "length"),
        ("30200000000482173A", "not_digits"),
        ("402000000004821733", "aux_digit"),
        (None, "empty"),
        (CellError("#N/D"), "cell_error"),
    ],
)
def test_a_notice_number_that_lost_digits_is_never_guessed(cell: Cell, code: str) -> None:
    assert _fault(read_notice_number, cell) == code


@given(notice_numbers())
def test_a_notice_number_in_a_numeric_cell_is_always_an_error(number: str) -> None:
    assert _fault(read_notice_number, int(number)) == "numeric_cell"
    assert _fault(read_notice_number, float(number)) == "numeric_cell"
    assert read_notice_number(number) == number


@pytest.mark.parametrize(
    ("number", "code"), [("302000000004821734", "check_digits"), ("302000000004821000", "rounded")]
)
def test_wrong_check_digits_are_a_warning(number: str, code: str) -> None:
    row = _checked(numero_avviso=number)
    assert row.is_good
    assert [(warning.field, warning.code) for warning in row.warnings] == [(NOTICE_NUMBER, code)]


@pytest.mark.parametrize(
    "cell",
    ["16/12/2026", "16-12-2026", "16.12.2026", "2026-12-16", "16/12/2026 00:00:00", "2026-12-16T23:59:59",
     date(2026, 12, 16), datetime(2026, 12, 16, 10, 30), ' ="16/12/2026"'],
)  # fmt: skip
def test_a_day_is_read(cell: Cell) -> None:
    assert read_day(cell) == date(2026, 12, 16)


@pytest.mark.parametrize(
    ("cell", "code"),
    [
        (46372, "date_is_number"),
        ("46372", "date_is_number"),
        (46372.5, "date_is_number"),
        ("16/12/26", "short_year"),
        ("31/11/2026", "no_such_day"),
        ("12/16/2026", "no_such_day"),
        ("16 dicembre", "not_a_date"),
        ("16/12/2026 10:30", "not_a_date"),
        ("16/12/3026", "year"),
        (date(1926, 12, 16), "year"),
        (False, "not_text"),
        (None, "empty"),
    ],
)
def test_a_wrong_day_says_why(cell: Cell, code: str) -> None:
    assert _fault(read_day, cell) == code


def test_a_day_gone_by_is_a_warning() -> None:
    row = _checked(scadenza="19/11/2026")
    assert row.is_good
    assert [(warning.field, warning.code) for warning in row.warnings] == [(DUE_DATE, "past")]
    assert _checked(scadenza="20/11/2026").warnings == []


def test_a_payment_needs_no_due_date_and_a_template_of_that_kind_does() -> None:
    assert _checked(scadenza=None).is_good
    assert _codes(_checked(scadenza=None, plan=_plan(needs_due_date=True))) == [(DUE_DATE, "empty")]


def test_each_wrong_cell_is_told_with_what_it_shows() -> None:
    row = _checked(codice_fiscale="x", importo=1.234, numero_avviso=3.02e17, scadenza=CellError("#N/D"), nome=" ")
    assert [(p.field, p.code, p.value_shown) for p in row.problems] == [
        (FISCAL_CODE, "length", "x"),
        (AMOUNT, "too_many_decimals", "1,234"),
        (NOTICE_NUMBER, "numeric_cell", "3,02E+17"),
        (DUE_DATE, "cell_error", "#N/D"),
        ("nome", "missing", ""),
    ]


def test_a_value_beyond_the_header_makes_the_row_wrong() -> None:
    row = check_row(3, [TEST_CODE, "148", GOOD_NOTICE, None, "Ada", "50"], _plan())
    assert _codes(row) == [("", "too_many_cells")]
    assert row.problems[0].params == {"extra": ["50"]}


def test_a_message_that_becomes_too_long_or_short_is_told_with_its_length() -> None:
    text = MessageText("((nome))", "((nome)) " + "x" * 80)
    plan = _plan(text, ["cf", "nome"], is_payment=False)
    assert _codes(check_row(2, [TEST_CODE, "x" * 121], plan)) == [("subject", "too_long")]
    assert _codes(check_row(2, [TEST_CODE, "corto"], plan)) == [("subject", "too_short")]
    assert _codes(check_row(2, [TEST_CODE, "😀" * 61], plan)) == [("subject", "too_long")]
    assert _codes(check_row(2, [TEST_CODE, "*" * 5_000], plan)) == [("subject", "too_long"), ("markdown", "too_long")]


def test_an_amount_over_the_limit_of_the_service_is_told() -> None:
    assert _codes(_checked(plan=_plan(max_amount=14_849))) == [(AMOUNT, "over_limit")]
    assert _codes(_checked(plan=_plan(max_amount=0))) == [(AMOUNT, "payments_not_enabled")]


def test_cells_of_every_kind_fill_placeholders() -> None:
    text = MessageText("Un oggetto qualsiasi", "((a)) " * 8 + "x" * 80)
    plan = _plan(text, ["cf", "a"], is_payment=False)
    kinds: list[tuple[Cell, str]] = [
        (12, "12"),
        (148.5, "148,5"),
        (0.1 + 0.2, "0,3"),
        (True, "sì"),
        (date(2026, 12, 1), "1 dicembre 2026"),
        (datetime(2026, 12, 1, 1, 30), "1 dicembre 2026 all’1:30"),
        ("due\nrighe", "due righe"),
    ]
    for cell, text_shown in kinds:
        assert check_row(2, [TEST_CODE, cell], plan).values == {"a": text_shown}
    assert _codes(check_row(2, [TEST_CODE, CellError("#N/D")], plan)) == [("a", "cell_error")]


def test_an_amount_that_is_only_said_is_no_payment() -> None:
    text = MessageText("Un oggetto qualsiasi", "Hai già pagato ((importo)), e ti ringraziamo. " + "x" * 80)
    plan = _plan(text, ["cf", "importo"], is_payment=False, max_amount=0)
    row = check_row(2, [TEST_CODE, "148,50"], plan)
    assert (row.is_good, row.amount, row.values) == (True, None, {"amount": "148,50"})


def test_codes_of_the_allow_list_are_taken() -> None:
    code = "AAAAAA00A00A001B"
    assert _codes(_checked(codice_fiscale=code)) == [(FISCAL_CODE, "check_character")]
    assert _checked(codice_fiscale=code, plan=_plan(allowed=frozenset({code}))).is_good


_ANY = st.one_of(
    st.none(),
    st.text(max_size=30),
    st.integers(),
    st.floats(),
    st.booleans(),
    st.dates(),
    st.datetimes(),
    st.text(max_size=5).map(CellError),
    st.sampled_from([TEST_CODE, GOOD_NOTICE, "148,50", "16/12/2026", "", "=", "'", '="', '="x"', "\ud800", "\0"]),
)


@given(st.lists(_ANY, min_size=5, max_size=7), st.booleans())
def test_checking_never_raises_and_a_good_row_is_taken_by_the_platform(cells: list[Any], needs_due_date: bool) -> None:
    plan = _plan(needs_due_date=needs_due_date)
    _assert_sound(check_row(2, cells, plan), plan)


@given(
    fiscal_codes(),
    st.integers(1, 10**9),
    notice_numbers(),
    st.text(min_size=1, max_size=200),
    st.integers(0, 20_000_000),
)
def test_what_checking_says_is_what_the_platform_would_say(
    code: str, cents: int, notice: str, name: str, limit: int
) -> None:
    plan = _plan(MessageText("Avviso per ((nome))", BODY), max_amount=limit)
    _assert_sound(check_row(2, [code, cents / 100, notice, None, name], plan), plan)


def _assert_sound(row: CheckedRow, plan: CheckPlan) -> None:
    if row.is_good:
        faults: list[Problem] = payloads.check(outgoing(row, plan), max_amount=plan.rules.max_amount)
        assert [fault for fault in faults if not fault.warning] == []


# Duplicates


def _found(*rows: CheckedRow) -> list[tuple[list[str], list[str]]]:
    finder = DuplicateFinder()
    for row in rows:
        finder.add(row)
    return [([p.code for p in row.problems], [w.code for w in row.warnings]) for row in rows]


def _payment(number: int, code: str, notice: str) -> CheckedRow:
    return CheckedRow(number, code, 100, notice)


def _notice(number: int, code: str, **values: str) -> CheckedRow:
    return CheckedRow(number, code, values=values)


def test_the_same_notice_to_the_same_person_is_an_error_that_names_the_first_row() -> None:
    rows = [_payment(2, "A", "1"), _payment(3, "A", "2"), _payment(9, "A", "1")]
    assert _found(*rows) == [([], []), ([], []), (["duplicate"], [])]
    assert rows[2].problems[0].params == {"row": 2}


def test_the_same_notice_to_somebody_else_is_a_warning() -> None:
    assert _found(_payment(2, "A", "1"), _payment(3, "B", "1")) == [([], []), ([], ["same_notice"])]


def test_the_same_text_to_the_same_person_is_an_error() -> None:
    rows = [_notice(2, "A", nome="x"), _notice(3, "A", nome="y"), _notice(4, "B", nome="x"), _notice(5, "A", nome="x")]
    assert _found(*rows) == [([], []), ([], []), ([], []), (["duplicate"], [])]


def test_rows_that_are_not_good_are_no_duplicates_and_make_none() -> None:
    wrong, right = _payment(2, "A", "1"), _payment(3, "A", "1")
    wrong.problems.append(CellProblem(AMOUNT, "ambiguous"))
    assert _found(wrong, right, CheckedRow(4), CheckedRow(5)) == [(["ambiguous"], []), ([], []), ([], []), ([], [])]


def test_a_plan_without_a_column_that_is_needed_is_refused() -> None:
    options = Rules(is_payment=True, needs_due_date=False, max_amount=1, today=date(2026, 11, 20))
    with pytest.raises(ValueError, match="amount, notice_number"):
        CheckPlan(match_columns(["cf", "nome"], options.wanted(TEXT)), TEXT, options)
