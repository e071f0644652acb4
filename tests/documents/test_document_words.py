"""Every code that the examination of files can give has a sentence, in both languages without a gap."""

from __future__ import annotations

import inspect
import re
from pathlib import Path
from typing import Any

import pytest

from messaging import documents
from messaging.document_words import (
    advice_sentence,
    declared,
    described,
    folder_sentence,
    problem_sentence,
    verified,
)
from messaging.documents import active, pdf
from messaging.enums import PdfVerdict
from messaging.models import Attachment
from messaging.remote import attachments

_MEGABYTE = 1024 * 1024
_PARAMS: dict[str, Any] = {
    "size": 5 * _MEGABYTE + 1,
    "limit": 5 * _MEGABYTE,
    "paths": ["a/uno.pdf", "b/uno.pdf"],
    "characters": ["/", "?"],
    "declares": "1b",
    "pages": 80,
    "length": 60,
}


def _given(pattern: str) -> list[str]:
    folder = Path(next(iter(documents.__path__)))
    source = "\n".join(path.read_text() for path in folder.glob("*.py")) + inspect.getsource(attachments)
    return sorted(set(re.findall(pattern, source)))


PROBLEMS = _given(r'(?:PdfProblem\(|"problem": )"(\w+)"')
FOLDERS = _given(r'FolderProblem\("(\w+)"')
ADVICE = _given(r'Advice\("(\w+)"')


def _is_a_sentence(text: str) -> bool:
    return text.endswith(".") and "%" not in text and "_" not in text and text[0].isupper()


@pytest.mark.parametrize("code", PROBLEMS)
def test_every_problem_of_a_file_has_a_sentence(code: str) -> None:
    assert _is_a_sentence(problem_sentence(code, _PARAMS))


@pytest.mark.parametrize("code", FOLDERS)
def test_every_problem_of_a_folder_has_a_sentence(code: str) -> None:
    assert _is_a_sentence(folder_sentence(code, _PARAMS))


@pytest.mark.parametrize("code", ADVICE)
def test_every_advice_has_a_sentence(code: str) -> None:
    assert _is_a_sentence(advice_sentence(code, _PARAMS))


@pytest.mark.parametrize("found", sorted({*pdf._KINDS.values(), "bom", "blanks", "before", "html", "other"}))
def test_every_kind_of_file_has_a_sentence(found: str) -> None:
    assert _is_a_sentence(problem_sentence("not_pdf", {"found": found}))


@pytest.mark.parametrize(
    "found", sorted({*active._ACTIONS.values(), *active._SUBTYPES.values(), "xfa"} - {"javascript"})
)
def test_everything_that_a_pdf_carries_has_a_sentence(found: str) -> None:
    assert _is_a_sentence(problem_sentence("embedded_files", {"found": found}))


def test_codes_were_found() -> None:
    assert {"empty", "javascript", "too_complex", "no_room", "duplicate"} <= set(PROBLEMS)
    assert {"empty", "zip_bomb", "waiting", "lost"} <= set(FOLDERS)
    assert {"not_pdfa", "large", "name_long"} <= set(ADVICE)


def test_a_file_that_is_little_too_large_does_not_look_just_right() -> None:
    assert problem_sentence("too_large", _PARAMS).startswith("Il file pesa 5,1 MB, e il massimo è 5 MB:")


def test_numbers_have_their_thousands_apart() -> None:
    assert "20.000" in folder_sentence("too_many_files", {"limit": 20_000})
    assert "1.200 pagine" in advice_sentence("many_pages", {"pages": 1_200, "limit": 50})


def test_what_a_file_says_of_itself_and_what_verapdf_says_are_told_apart() -> None:
    file = Attachment(pages=1, size=200 * 1024, declares="2a")
    assert declared(file) == "dichiara PDF/A-2a"
    assert verified(file) == ""
    file.verdict = PdfVerdict.FAILS
    assert verified(file) == "veraPDF: non conforme a quello che dichiara"
    assert described(file).replace("\xa0", " ").startswith("1 pagina, 200,0 KB, dichiara PDF/A-2a, veraPDF: non")
    assert declared(Attachment()) == "non dichiara di essere PDF/A"
