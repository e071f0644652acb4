"""Rows whose text IO fetches, and cells that name files."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from messaging.appio import remote
from messaging.appio.buttons import ButtonKind
from messaging.appio.remote import Fetched, ThirdParty
from messaging.appio.rules import MARKDOWN_MAX, SUBJECT_MAX
from messaging.spreadsheets.attached import KnownFile, names_in
from messaging.spreadsheets.cells import Cell, CellError
from messaging.spreadsheets.columns import ATTACHMENT, Wanted, match_columns
from messaging.spreadsheets.duplicates import DuplicateFinder
from messaging.spreadsheets.rows import CheckPlan, Rules, check_row
from messaging.spreadsheets.texts import ButtonText, MessageText, ProtectedText
from tests import cast

SUBJECT, BODY = (
    "Un avviso per lei",
    "Apra il messaggio per leggere l’esito della sua richiesta: lo trova qui, quando vuole. " * 2,
)
THIRD_PARTY = ThirdParty(
    id="", configuration_id="01J", has_remote_content=True, has_attachments=True, precondition="ALWAYS"
)
RULES = Rules(is_payment=False, needs_due_date=False, max_amount=0, today=date(2026, 11, 21), third_party=THIRD_PARTY)
HEADER = ["cf", "nome", "allegato"]


class Folder:
    """Files by their whole names; one of them is no good."""

    def find(self, name: str) -> KnownFile | None:
        if name == "rotto.pdf":
            return KnownFile(name, fault={"code": "empty", "params": {}})
        return KnownFile(name, digest=name) if name in {"a.pdf", "b.pdf"} else None


def protected(body: str, **kw: str) -> ProtectedText:
    return ProtectedText(
        has_content=True,
        subject=kw.get("subject", "Per ((nome)) e per chi è con lei"),
        body=body,
        has_precondition=True,
        precondition_title=kw.get("title", "Attenzione"),
        precondition_body=kw.get("warning", "Dati di ((nome))."),
    )


def plan(text: ProtectedText, *, files: bool = True) -> CheckPlan:
    message = MessageText(SUBJECT, BODY, protected=text)
    return CheckPlan(match_columns(HEADER, RULES.wanted(message)), message, RULES, Folder() if files else None)


PLAN = plan(protected("Gentile ((nome)), " + BODY))


def cells(*values: Cell) -> list[Cell]:
    return [cast.make_fiscal_code(1), *values]


@pytest.mark.parametrize(
    ("cell", "names"),
    [
        (None, []),
        (" ; ", []),
        ("a.pdf", ["a.pdf"]),
        ("a.pdf; b.pdf;a.pdf", ["a.pdf", "b.pdf"]),
        ("a.pdf\nb, con virgola.pdf", ["a.pdf", "b, con virgola.pdf"]),
        (1203, ["1203"]),
        (CellError("#N/D"), []),
    ],
)
def test_a_cell_names_files_with_semicolons_or_lines_between_them(cell: Cell, names: list[str]) -> None:
    assert names_in(cell) == names


@pytest.mark.parametrize("name", ["Allegato", "allegati", "NOME FILE", "nome_file", "Attachment", "pdf", "documento"])
def test_the_column_of_files_is_known_under_its_usual_names(name: str) -> None:
    matching = match_columns(["cf", name], [Wanted("fiscal_code"), Wanted(ATTACHMENT)])
    assert (matching.columns[ATTACHMENT], matching.problems) == (1, [])


def test_a_placeholder_may_show_the_name_of_the_file() -> None:
    row = check_row(2, cells("Ugo", "a.pdf"), plan(protected("Gentile ((nome)), veda ((allegato)). " + BODY)))
    assert (row.problems, row.values["allegato"]) == ([], "a.pdf")


@pytest.mark.parametrize(
    ("cell", "codes"),
    [
        ("a.pdf; b.pdf", []),
        (None, ["empty"]),
        ("c.pdf; a.pdf; rotto.pdf", ["not_there", "bad_file"]),
        (CellError("#N/D"), ["cell_error"]),
    ],
)
def test_every_file_that_cannot_go_is_told_at_its_cell(cell: Cell, codes: list[str]) -> None:
    row = check_row(2, cells("Ugo", cell), PLAN)
    assert [(found.field, found.code) for found in row.problems] == [(ATTACHMENT, code) for code in codes]


def test_without_the_files_nothing_is_said_of_them() -> None:
    assert check_row(2, cells("Ugo", "c.pdf"), plan(protected(BODY), files=False)).is_good


def test_other_files_make_another_message() -> None:
    finder = DuplicateFinder()
    rows = [check_row(number, cells("Ugo", name), PLAN) for number, name in enumerate(["a.pdf", "b.pdf", "a.pdf"])]
    for row in rows:
        finder.add(row)
    assert [row.is_good for row in rows] == [True, True, False]


def test_values_are_harmless_in_protected_texts_too() -> None:
    merged = PLAN.text.merge({"nome": "*Ugo* [x](https://a.it)"}).protected
    assert merged is not None
    assert merged.subject == "Per *Ugo* [x](https://a.it) e per chi è con lei"
    assert "\\*Ugo\\* \\[x\\]" in merged.body
    assert "\\*Ugo\\* \\[x\\]" in merged.precondition_body


def test_the_buttons_are_counted_with_the_protected_text_alone() -> None:
    button = ButtonText("Apri ((nome))", "Open", ButtonKind.WEB, "https://example.it")
    text = MessageText(SUBJECT, BODY, [button], protected("Gentile ((nome)), " + BODY))
    merged = text.merge({"nome": "Ugo"})
    assert (merged.markdown, [each.text_it for each in merged.buttons]) == (BODY, ["Apri Ugo"])
    assert merged.protected is not None
    assert merged.protected.markdown.endswith(merged.protected.body)
    assert "Apri Ugo" in merged.protected.markdown
    assert text.fits({"nome": "Ugo"})
    assert not text.fits({"nome": "U" * (MARKDOWN_MAX - len(BODY))})


@given(
    st.text("a((nome)) \n*", max_size=130),
    st.sampled_from(["", "((nome))", "x" * 79 + "((nome))", "y" * (MARKDOWN_MAX - 3) + "((nome))"]),
    st.sampled_from(["", "((nome))", "z" * (SUBJECT_MAX - 1) + "((nome))"]),
    st.text("ab*_é🙂", max_size=6),
)
def test_what_fits_is_what_the_platform_would_take(subject: str, body: str, title: str, name: str) -> None:
    text = MessageText(SUBJECT, BODY, protected=protected(body, subject=subject, title=title, warning=title))
    values = {"nome": name}
    merged = text.merge(values).protected
    assert merged is not None
    fetched = Fetched(
        subject=merged.subject,
        markdown=merged.markdown,
        precondition_title=merged.precondition_title,
        precondition_markdown=merged.precondition_body,
        files=1,
    )
    assert text.fits(values) == (not remote.check(THIRD_PARTY, fetched, advanced=True))
