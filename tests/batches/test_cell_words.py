"""Every code that the reading and checking of files can give has a sentence."""

from __future__ import annotations

import inspect
import re
from datetime import date
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from django.utils.translation import override

from messaging import batches as batches_package
from messaging import spreadsheets
from messaging.appio import buttons, fiscal_codes, rules
from messaging.cell_words import column_sentence, field_name, file_sentence, sentence
from messaging.spreadsheets import formats, values
from messaging.spreadsheets.columns import ColumnProblem
from messaging.spreadsheets.problems import FileProblem
from messaging.spreadsheets.rows import CellProblem

_PARAMS: dict[str, Any] = {"row": 7, "limit": 100_000, "size": 60_000_000, "found": "pdf", "days": 30}


def _source(*packages: ModuleType) -> str:
    folders = [Path(next(iter(package.__path__))) for package in packages]
    return "\n".join(path.read_text() for folder in folders for path in folder.glob("*.py"))


def _given(pattern: str, *where: Any) -> set[str]:
    return set(re.findall(pattern, "\n".join(inspect.getsource(one) for one in where)))


FILE_CODES = sorted(
    {"not_premium", "not_registered"}
    | set(re.findall(r'(?:FileProblem\(|_refuse\(batch, |"code": )"(\w+)"', _source(spreadsheets, batches_package)))
)
FOUND = sorted(set(re.findall(r'found="(\w+)"', inspect.getsource(formats))) | {"pdf", "image", "html", "xml", "word"})
FAULT = r'(?:CellFault|AmountError)\("(\w+)"'

TEXT_CODES = {"too_short", "too_long", "not_text"}
_CELL_CODES = {
    "fiscal_code": {"empty", "eleven_digits", "length", "pattern", "check_character", "date", "not_text", "cell_error"},
    "amount": _given(FAULT, values.read_amount, values._cents, rules.parse_euros, rules._parse_unsigned, rules._cents)
    | {"empty", "cell_error", "payments_not_enabled", "over_limit"},
    "notice_number": _given(FAULT, values.read_notice_number)
    | {"empty", "not_digits", "length", "aux_digit", "cell_error", "not_text", "check_digits", "rounded"}
    | {"same_notice"},
    "due_date": _given(FAULT, values.read_day, values._day_of, values._day, values._in_range)
    | {"empty", "cell_error", "not_text", "past"},
    "nome": {"missing", "cell_error"},
    "attachment_name": {"empty", "cell_error"} | {"not_there", "bad_file"},
    **dict.fromkeys(("subject", "markdown", "protected_subject", "protected_body"), TEXT_CODES),
    **dict.fromkeys(("precondition_title", "precondition_body"), (TEXT_CODES - {"too_short"}) | {"empty"}),
    "buttons": _given(r'ButtonError\("(\w+)"', buttons) | {"empty", "too_many", "text"},
    "": {"too_many_cells", "duplicate"},
}
CELLS = [(field, code) for field, found in _CELL_CODES.items() for code in sorted(found)]
_CELL_PARAMS: dict[str, dict[str, Any]] = {
    "cell_error": {"error": "#N/D"},
    "too_many_cells": {"extra": ["a", "b"]},
    "duplicate": {"row": 7},
    "same_notice": {"row": 7},
    "past": {"today": date(2026, 11, 20)},
    "over_limit": {"limit": 100_000, "amount": 200_000},
    "length": {"length": 15},
    "not_there": {"name": "a.pdf"},
    "bad_file": {"name": "a.pdf", "problem": {"code": "not_pdf", "params": {"found": "html"}}},
    "too_short": {"length": 7, "limit": 10},
    "too_long": {"length": 130, "limit": 120},
}


def _is_sentence(text: str) -> bool:
    return text[0].isupper() and text[-1] == "." and len(text) > 25 and "%" not in text and "{" not in text


def test_the_codes_are_found_in_the_code() -> None:
    assert {"zip_bomb", "empty", "no_room", "expired", "columns", "too_large"} <= set(FILE_CODES)
    assert {"scientific", "numeric_cell"} <= _CELL_CODES["notice_number"]
    assert {"ambiguous", "amount_is_date"} <= _CELL_CODES["amount"]
    assert {"date_is_number", "year"} <= _CELL_CODES["due_date"]
    assert _CELL_CODES["fiscal_code"] > set(re.findall(r'return "(\w+)"', inspect.getsource(fiscal_codes)))


@pytest.mark.parametrize("code", FILE_CODES)
def test_every_problem_of_a_file_has_a_sentence(code: str) -> None:
    assert _is_sentence(file_sentence(code, _PARAMS))
    assert _is_sentence(file_sentence(code, {name: value for name, value in _PARAMS.items() if name != "row"}))


def test_the_documented_problems_of_a_file_are_those_in_the_code() -> None:
    documented = set(re.findall(r"\b([a-z]+(?:_[a-z]+)*)(?: \([^)]*\))?[;.]", inspect.getdoc(FileProblem) or ""))
    assert documented - {"layer"} <= set(FILE_CODES)


@pytest.mark.parametrize("found", FOUND)
def test_every_kind_of_file_that_is_no_sheet_has_its_name(found: str) -> None:
    said = file_sentence("unknown_format", {"found": found})
    assert _is_sentence(said)
    assert (found == "binary") == (said == file_sentence("unknown_format", {"found": "?"}))


@pytest.mark.parametrize(("field", "code"), CELLS)
def test_every_problem_of_a_cell_has_a_sentence(field: str, code: str) -> None:
    params = _CELL_PARAMS.get(code, {})
    said = sentence(CellProblem(field, code, params, "x"))
    assert _is_sentence(said)
    # "action" is what is said of a button when nothing closer is known.
    assert code == "action" or said != sentence(CellProblem(field, "unheard_of"))
    kept = {name: value.isoformat() if isinstance(value, date) else value for name, value in params.items()}
    assert sentence({"field": field, "code": code, "params": kept, "shown": "x"}) == said


@pytest.mark.parametrize("field", ["fiscal_code", "nome"])
@pytest.mark.parametrize(
    ("code", "params"),
    [
        ("missing", {"headers": ["a"]}),
        ("missing", {"headers": []}),
        ("missing", {"headers": ["IUV"], "iuv": "IUV"}),
        ("duplicate", {"headers": ["cf", "codice fiscale"]}),
    ],
)
def test_every_problem_of_a_column_has_a_sentence(field: str, code: str, params: dict[str, Any]) -> None:
    said = column_sentence(ColumnProblem(field, code, params), "Nome")
    assert _is_sentence(said)
    assert field_name(field, "Nome") in said


def test_sentences_have_their_values() -> None:
    assert "60 MB" in file_sentence("too_large", {"size": 60 * 1024 * 1024, "limit": 50 * 1024 * 1024})
    assert "100.000 righe" in file_sentence("too_many_rows", {"limit": 100_000})
    assert "Riga 1.203" in file_sentence("quotes", {"row": 1_203})
    assert "riga 1.203" in sentence(CellProblem("", "duplicate", {"row": 1_203}))
    assert "formatta la colonna come testo" in sentence(CellProblem("notice_number", "numeric_cell"))
    assert "«a», «b»" in sentence(CellProblem("", "too_many_cells", {"extra": ["a", "b"]}))
    assert "«a.pdf» non va. È una pagina web" in sentence(
        {"field": "attachment_name", "code": "bad_file", "params": _CELL_PARAMS["bad_file"], "shown": "a.pdf"}
    )
    assert "non c’è «a.pdf»" in sentence(CellProblem("attachment_name", "not_there", {"name": "a.pdf"}))
    assert "caricala di nuovo" in file_sentence("folder", {"code": "lost", "params": {}})
    with override("en"):
        assert file_sentence("empty", {})
