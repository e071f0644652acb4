from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from messaging.batches import checking, plans
from messaging.delivery import batches
from messaging.enums import BatchStatus, NoticeKind
from messaging.models import Batch, BatchChange, BatchRow, Recipient, RememberedColumn, StaffNotice
from messaging.spreadsheets.cells import CellError
from tests import cast
from tests.batches.conftest import HEADER, Office, codes, csv_of, never, notice, person_row, states
from tests.spreadsheets.files import raw_xlsx, xlsx


def test_a_file_becomes_rows_that_add_up(office: Office, adds_up: Callable[[Batch], None]) -> None:
    batch = office.checked(
        csv_of(
            person_row(1),
            person_row(2, codice_fiscale="RSSMRA80A01H501X"),
            person_row(3, importo="1.234"),
            person_row(1),
            person_row(4, numero_avviso="300000000000000499"),
            person_row(5, codice_fiscale=f"  {cast.make_fiscal_code(5).lower()} "),
        )
    )
    assert batch.status == BatchStatus.NEEDS_ATTENTION
    assert states(batch) == {2: "good", 3: "wrong", 4: "wrong", 5: "wrong", 6: "good", 7: "good"}
    assert codes(batch, 3) == [("fiscal_code", "check_character")]
    assert codes(batch, 4) == [("amount", "ambiguous")]
    assert codes(batch, 5) == [("", "duplicate")]
    assert codes(batch, 6, "warnings") == [("notice_number", "check_digits")]
    assert (batch.rows_total, batch.rows_good, batch.rows_wrong, batch.rows_warned) == (6, 3, 3, 1)
    assert batch.amount_total == 3 * 14_850
    assert batch.progress == 1000
    adds_up(batch)


def test_a_row_keeps_what_its_message_needs(office: Office) -> None:
    batch = office.checked(csv_of(person_row(1)))
    row = BatchRow.objects.select_related("recipient").get(batch=batch)
    assert row.recipient is not None
    assert (row.recipient.fiscal_code, row.recipient.institution) == (
        cast.make_fiscal_code(1),
        office.service.institution,
    )
    assert (row.amount, row.notice_number, str(row.due_date)) == (14_850, notice(1), "2099-12-16")
    plan = plans.plan_of(batch)
    assert "Ciao Laura" in plans.message_of(batch, row, plans.checked(row, plan), plan).body


def test_a_file_without_faults_is_ready_and_every_step_is_on_record(office: Office) -> None:
    batch = office.checked(csv_of(person_row(1), person_row(2)))
    steps = BatchChange.objects.filter(batch=batch).order_by("pk").values_list("from_status", "to_status")
    assert list(steps) == [("uploaded", "checking"), ("checking", "ready")]
    assert not StaffNotice.objects.exists()


def test_an_xlsx_is_read_with_its_types(office: Office) -> None:
    content = xlsx([HEADER, person_row(1), [cast.make_fiscal_code(2), "Ugo", 12.5, notice(2), "16/12/2099"]])
    batch = office.checked(content, "elenco.xlsx")
    assert (batch.sheet_name, batch.rows_good) == ("Elenco", 2)
    assert batch.amount_total == 14_850 + 1_250


def test_people_are_made_once_and_only_of_right_codes(office: Office) -> None:
    cast.make_recipient(office.service.institution, fiscal_code=cast.make_fiscal_code(1))
    batch = office.checked(csv_of(person_row(1), person_row(1, numero_avviso=notice(9)), person_row(2, nome="")))
    office.checked(csv_of(person_row(1), person_row(3, codice_fiscale="12345678901")))
    assert Recipient.objects.filter(institution=office.service.institution).count() == 2
    assert BatchRow.objects.get(batch=batch, number=4).recipient is not None


# The whole file

_IMAGE = b"\x89PNG\r\n\x1a\n" + bytes(100)


def _bomb() -> bytes:
    """Fifty MB of nothing in fifty kB."""
    return raw_xlsx("", **{"xl/workbook.xml": b"<workbook><!--" + b"a" * 50_000_000 + b"--></workbook>"})


@pytest.mark.parametrize(
    ("content", "filename", "code"),
    [
        (csv_of(), "elenco.csv", "no_rows"),
        (b"\r\n \r\n", "elenco.csv", "empty"),
        (_IMAGE, "elenco.csv", "unknown_format"),
        (xlsx([HEADER, person_row(1)])[:-300], "elenco.xlsx", "unreadable"),
        (csv_of(person_row(1)), "~$elenco.xlsx", "lock_file"),
        (csv_of(*(person_row(number) for number in range(7))), "elenco.csv", "too_many_rows"),
        (csv_of(person_row(1), person_row(2, nome='"Anna')), "elenco.csv", "quotes"),
        (csv_of(person_row(1, nome="a" * 200_000)), "elenco.csv", "cell_too_long"),
    ],
    ids=["header only", "blank", "picture", "half", "lock", "rows", "quotes", "cell"],
)
def test_a_file_that_cannot_be_read_keeps_no_row(
    office: Office, settings: Any, monkeypatch: pytest.MonkeyPatch, content: bytes, filename: str, code: str
) -> None:
    settings.SPREADSHEET_MAX_ROWS = 6
    monkeypatch.setattr(checking, "GROUP", 2)
    batch = office.checked(content, filename)
    assert (batch.status, batch.problem["code"]) == (BatchStatus.NEEDS_ATTENTION, code)
    assert batch.rows_total == BatchRow.objects.count() == 0
    assert batch.progress == 0


def test_a_zip_bomb_is_not_unpacked(office: Office) -> None:
    assert office.checked(_bomb(), "elenco.xlsx").problem["code"] == "zip_bomb"


def test_nul_and_half_characters_stay_out_of_the_database(office: Office) -> None:
    cells = "".join(f'<c r="{letter}{{row}}" t="inlineStr"><is><t>{{{letter}}}</t></is></c>' for letter in "AB")
    rows = [("codice_fiscale", "no_x0000_me"), (cast.make_fiscal_code(1), "La_x0000_u_xD800_ra")]
    data = "".join(
        f'<row r="{number}">{cells.format(row=number, A=a, B=b)}</row>' for number, (a, b) in enumerate(rows, start=1)
    )
    batch = office.checked(raw_xlsx(data), "elenco.xlsx", office.greeting)
    assert (batch.header, batch.status) == (["codice_fiscale", "nome"], BatchStatus.READY)
    assert BatchRow.objects.get(batch=batch).cells[1] == "Laura"
    csv = office.checked(
        f"codice_fiscale;nome\r\n{cast.make_fiscal_code(1)};La\x00ura".encode(), "a.csv", office.greeting
    )
    assert csv.problem.get("code") == "unknown_format" or BatchRow.objects.get(batch=csv).cells[1] == "Laura"


def test_a_formula_without_a_result_and_a_number_as_notice_are_problems_of_their_cells(office: Office) -> None:
    content = xlsx([HEADER, [cast.make_fiscal_code(1), "Ugo", 12.5, 301234567890123456, "16/12/2099"]])
    batch = office.checked(content, "elenco.xlsx")
    assert codes(batch, 2) == [("notice_number", "numeric_cell")]
    row = BatchRow.objects.get(batch=batch)
    assert isinstance(row.problems[0]["shown"], str)
    assert not isinstance(row.cells[2], CellError)


# Columns


def test_missing_and_double_columns_wait_for_a_person(office: Office) -> None:
    header = ["cf", "codice fiscale", "importo", "avviso pagoPA", "altro"]
    batch = office.checked(csv_of(person_row(1), header=header))
    assert (batch.status, batch.problem["code"], batch.rows_total) == (BatchStatus.NEEDS_ATTENTION, "columns", 0)
    found = {problem["field"]: problem for problem in batch.problem["params"]["problems"]}
    assert {field: problem["code"] for field, problem in found.items()} == {
        "fiscal_code": "duplicate",
        "nome": "missing",
        "due_date": "missing",
    }
    assert found["nome"]["name"] == "nome"
    assert batch.header == header
    assert batch.columns == {"amount": 2, "notice_number": 3}


def test_two_columns_of_one_name_are_told_apart(office: Office) -> None:
    header = ["codice_fiscale", "nome", "nome"]
    batch = office.checked(csv_of([cast.make_fiscal_code(1), "a", "b"], header=header), template=office.greeting)
    assert batch.problem["params"]["problems"][0]["params"]["headers"] == ["nome [B]", "nome [C]"]


def test_a_placeholder_that_no_column_fills_keeps_the_file_from_being_sent(office: Office) -> None:
    template = cast.make_template(office.service, body="Ciao ((nome)), la tua ((targa)) è pronta da ritirare. " * 3)
    header = ["codice_fiscale", "nome"]
    batch = office.checked(csv_of([cast.make_fiscal_code(1), "Ugo"], header=header), template=template)
    assert [problem["field"] for problem in batch.problem["params"]["problems"]] == ["targa"]


def test_a_remembered_column_needs_no_hand(office: Office) -> None:
    RememberedColumn.objects.create(template=office.greeting, field="nome", header="intestatario")
    header = ["codice_fiscale", "intestatario"]
    batch = office.checked(csv_of([cast.make_fiscal_code(1), "Ugo"], header=header), template=office.greeting)
    assert (batch.status, batch.columns) == (BatchStatus.READY, {"fiscal_code": 0, "nome": 1})


# Interrupted, repeated


def test_a_check_that_was_stopped_begins_anew_and_adds_nothing_twice(
    office: Office, monkeypatch: pytest.MonkeyPatch, adds_up: Callable[[Batch], None]
) -> None:
    monkeypatch.setattr(checking, "GROUP", 2)
    batch = office.upload(csv_of(*(person_row(number) for number in range(7))))
    calls = iter([False, False, True])
    checking.check(batch, lambda: next(calls))
    half = Batch.objects.get(pk=batch.pk)
    assert (half.status, half.rows_total) == (BatchStatus.CHECKING, 4)
    assert 0 < half.progress < 1000
    adds_up(half)
    checking.check(half, never)
    assert (half.status, half.rows_total) == (BatchStatus.READY, 7)
    adds_up(half)
    checking.check(half, never)
    assert BatchRow.objects.filter(batch=half).count() == 7


def test_a_batch_that_somebody_else_has_taken_over_is_left_alone(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checking, "GROUP", 2)
    batch = office.upload(csv_of(*(person_row(number) for number in range(7))))
    Batch.objects.filter(pk=batch.pk).update(worked_by="a")
    batch.worked_by = "a"

    def taken_over() -> bool:
        Batch.objects.filter(pk=batch.pk, rows_total=2).update(worked_by="b")
        return False

    checking.check(batch, taken_over)
    batch.refresh_from_db()
    assert (batch.status, batch.rows_total) == (BatchStatus.CHECKING, 2)
    assert BatchRow.objects.filter(batch=batch).count() == 2


def test_a_batch_discarded_during_its_check_stays_discarded(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checking, "GROUP", 1)
    batch = office.upload(csv_of(person_row(1), person_row(2)))

    def discarded() -> bool:
        if seen := Batch.objects.filter(pk=batch.pk, rows_total=1).first():
            batches.move(seen, BatchStatus.CANCELLED)
        return False

    checking.check(batch, discarded)
    assert Batch.objects.get(pk=batch.pk).status == BatchStatus.CANCELLED


def test_who_had_to_wait_long_is_told(office: Office) -> None:
    batch = office.upload(csv_of(person_row(1)))
    batches.move(batch, BatchStatus.CHECKING)
    Batch.objects.filter(pk=batch.pk).update(changed_at=timezone.now() - timedelta(seconds=30))
    checking.check(Batch.objects.get(pk=batch.pk), never)
    told = StaffNotice.objects.get()
    assert (told.user, told.kind) == (office.clerk, NoticeKind.BATCH_CHECKED)


# From its rows


def test_a_batch_without_a_file_is_checked_from_its_rows(office: Office, adds_up: Callable[[Batch], None]) -> None:
    batch = office.checked(csv_of(person_row(1), person_row(2, nome=""), person_row(3), person_row(1)))
    batch.file_parts.all().delete()
    BatchRow.objects.filter(batch=batch, number=4).update(state="excluded")
    Batch.objects.filter(pk=batch.pk).update(rows_good=1, rows_excluded=1, amount_total=14_850)
    before = list(BatchRow.objects.filter(batch=batch).order_by("number").values())
    batches.move(batch, BatchStatus.CHECKING)
    checking.check(batch, never)
    assert batch.status == BatchStatus.NEEDS_ATTENTION
    assert list(BatchRow.objects.filter(batch=batch).order_by("number").values()) == before
    adds_up(batch)


def test_the_rules_of_today_judge_the_rows_of_yesterday(office: Office) -> None:
    batch = office.checked(csv_of(person_row(1), person_row(2, importo="10,00")))
    batch.file_parts.all().delete()
    office.service.max_amount = 1_000
    office.service.save()
    batches.move(batch, BatchStatus.CHECKING)
    checking.check(Batch.objects.get(pk=batch.pk), never)
    assert states(batch) == {2: "wrong", 3: "good"}
    assert codes(batch, 2) == [("amount", "over_limit")]
