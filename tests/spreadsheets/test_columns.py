from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from messaging.spreadsheets.columns import (
    AMOUNT,
    DUE_DATE,
    FISCAL_CODE,
    NOTICE_NUMBER,
    SYNONYMS,
    Wanted,
    column_labels,
    column_letter,
    header_key,
    match_columns,
)

PAYMENT = [Wanted(FISCAL_CODE), Wanted(AMOUNT), Wanted(NOTICE_NUMBER), Wanted(DUE_DATE, required=False), Wanted("nome")]


@pytest.mark.parametrize(
    ("header", "field"),
    [
        ("codice_fiscale", FISCAL_CODE),
        ("Codice Fiscale", FISCAL_CODE),
        ("COD. FISCALE", FISCAL_CODE),
        ("C.F.", FISCAL_CODE),
        ("fiscal_code", FISCAL_CODE),
        ("codice-fiscale contribuente", FISCAL_CODE),
        ("Importo (€)", AMOUNT),
        ("importo in euro", AMOUNT),
        ("€", AMOUNT),
        ("Da pagare", AMOUNT),
        ("amount", AMOUNT),
        ("N° avviso", NOTICE_NUMBER),
        ("codice avviso", NOTICE_NUMBER),
        ("Numero dell'avviso", NOTICE_NUMBER),
        ("Numero dell’avviso", NOTICE_NUMBER),
        ("notice number", NOTICE_NUMBER),
        ("Data scadenza", DUE_DATE),
        ("due_date", DUE_DATE),
    ],
)
def test_fields_are_known_by_many_names(header: str, field: str) -> None:
    assert match_columns(["x", header], [Wanted(field)]).columns == {field: 1}


def test_every_synonym_is_written_as_names_are_compared() -> None:
    words = [word for words in SYNONYMS.values() for word in words]
    assert [header_key(word) for word in words] == words
    assert len(words) == len(set(words))


def test_placeholders_are_matched_without_regard_to_accents_and_signs() -> None:
    matching = match_columns(["CF", "Qualità dell'aria"], [Wanted(FISCAL_CODE), Wanted("qualitadellaria")])
    assert matching.columns == {FISCAL_CODE: 0, "qualitadellaria": 1}


def test_what_nothing_wants_is_kept_as_other() -> None:
    matching = match_columns(["CF", "via", "importo", "avviso", "nome", ""], PAYMENT)
    assert matching.columns == {FISCAL_CODE: 0, AMOUNT: 2, NOTICE_NUMBER: 3, "nome": 4}
    assert matching.other == [1, 5]
    assert matching.problems == []


def test_a_missing_column_is_told_with_what_the_file_has() -> None:
    (problem,) = match_columns(["CF", "avviso", "nome", "Quota", "via"], PAYMENT).problems
    assert (problem.field, problem.code, problem.params) == (AMOUNT, "missing", {"headers": ["Quota", "via"]})


def test_an_iuv_is_no_notice_number_and_this_can_be_said() -> None:
    (problem,) = match_columns(["CF", "IUV", "importo", "nome"], PAYMENT).problems
    assert (problem.code, problem.params) == ("missing", {"headers": ["IUV"], "iuv": "IUV"})


def test_two_columns_for_one_field_are_told() -> None:
    matching = match_columns(["CF", "Importo", "Euro", "avviso", "nome", "Importo"], PAYMENT)
    (problem,) = matching.problems
    assert (problem.field, problem.code) == (AMOUNT, "duplicate")
    assert problem.params == {"headers": ["Importo [B]", "Euro", "Importo [F]"]}
    assert AMOUNT not in matching.columns


def test_two_columns_that_nothing_wants_may_be_alike() -> None:
    assert match_columns(["CF", "nota", "nota"], [Wanted(FISCAL_CODE)]).problems == []


@pytest.mark.parametrize(
    ("remembered", "place"),
    [({AMOUNT: "Euro"}, 2), ({AMOUNT: "Importo [F]"}, 5), ({AMOUNT: "euro "}, 2), ({AMOUNT: "via"}, 6)],
)
def test_what_was_mapped_by_hand_wins(remembered: dict[str, str], place: int) -> None:
    header = ["CF", "Importo", "Euro", "avviso", "nome", "Importo", "via"]
    matching = match_columns(header, PAYMENT, remembered)
    assert matching.columns[AMOUNT] == place
    assert matching.problems == []


def test_a_remembered_column_that_the_file_lacks_is_forgotten() -> None:
    matching = match_columns(["CF", "importo", "avviso", "nome"], PAYMENT, {AMOUNT: "quota"})
    assert matching.columns[AMOUNT] == 1


def test_one_column_may_serve_a_field_and_a_placeholder() -> None:
    matching = match_columns(["CF", "avviso"], [Wanted(FISCAL_CODE), Wanted(NOTICE_NUMBER), Wanted("avviso")])
    assert matching.columns == {FISCAL_CODE: 0, NOTICE_NUMBER: 1, "avviso": 1}


@pytest.mark.parametrize(("place", "letters"), [(0, "A"), (25, "Z"), (26, "AA"), (701, "ZZ"), (702, "AAA")])
def test_columns_have_the_letters_of_a_spreadsheet(place: int, letters: str) -> None:
    assert column_letter(place) == letters


@given(st.lists(st.sampled_from(["", "a", "b", "c"]), max_size=12))
def test_labels_are_all_different(header: list[str]) -> None:
    labels = column_labels(header)
    assert len(set(labels)) == len(header)


@given(
    st.lists(st.text(max_size=20), max_size=10), st.dictionaries(st.sampled_from([AMOUNT, "nome"]), st.text(max_size=9))
)
def test_every_column_is_taken_or_other_or_in_doubt(header: list[str], remembered: dict[str, str]) -> None:
    matching = match_columns(header, PAYMENT, remembered)
    assert set(matching.other).isdisjoint(matching.columns.values())
    for wanted in PAYMENT:
        told = [problem for problem in matching.problems if problem.field == wanted.field]
        assert len(told) == (0 if wanted.field in matching.columns or not (wanted.required or told) else 1)
