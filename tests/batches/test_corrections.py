from __future__ import annotations

from collections.abc import Callable
from threading import Barrier, Thread
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from messaging.batches import asking, checking, corrections, uploads
from messaging.delivery import batches
from messaging.enums import BatchStatus, Role
from messaging.models import Batch, BatchFilePart, BatchRow, RememberedColumn
from messaging.permissions import batches_to_approve
from tests import cast
from tests.batches.conftest import HEADER, Office, codes, csv_of, make_office, never, notice, person_row, states
from tests.spreadsheets.files import xlsx

AddsUp = Callable[[Batch], None]


def test_a_corrected_row_is_good_and_the_batch_is_ready(office: Office, adds_up: AddsUp) -> None:
    batch = office.checked(csv_of(person_row(1), person_row(2, codice_fiscale="RSSMRA"), person_row(3)))
    before = batch.changed_at
    wrong = corrections.correct(batch, office.clerk, {3: {"fiscal_code": cast.make_fiscal_code(2)}})
    assert not wrong
    assert batch.status == BatchStatus.READY
    assert batch.changed_at > before
    assert states(batch) == {2: "good", 3: "good", 4: "good"}
    assert batch.amount_total == 3 * 14_850
    adds_up(batch)


def test_what_is_still_wrong_comes_back_with_the_reason(office: Office, adds_up: AddsUp) -> None:
    batch = office.checked(csv_of(person_row(1), person_row(2, importo="x", nome="")))
    wrong = corrections.correct(batch, office.clerk, {3: {"amount": "1.234", "nome": "Ugo"}})
    assert [(found["field"], found["code"], found["shown"]) for found in wrong[3]] == [("amount", "ambiguous", "1.234")]
    assert batch.status == BatchStatus.NEEDS_ATTENTION
    assert BatchRow.objects.get(batch=batch, number=3).cells[1:3] == ["Ugo", "1.234"]
    adds_up(batch)


def test_the_neighbours_of_a_corrected_cell_keep_their_types(office: Office) -> None:
    content = xlsx([HEADER, ["x", "Ugo", 12.5, notice(1), "16/12/2099"]])
    batch = office.checked(content, "elenco.xlsx")
    corrections.correct(batch, office.clerk, {2: {"fiscal_code": cast.make_fiscal_code(1)}})
    row = BatchRow.objects.get(batch=batch)
    assert (row.state, row.cells[2]) == ("good", 12.5)


def test_a_correction_that_makes_a_duplicate_is_caught_and_undone_by_the_next(office: Office, adds_up: AddsUp) -> None:
    batch = office.checked(csv_of(person_row(1), person_row(2), person_row(3, nome="")))
    corrections.correct(
        batch,
        office.clerk,
        {4: {"nome": "Ugo", "fiscal_code": cast.make_fiscal_code(1), "notice_number": notice(1)}},
    )
    assert codes(batch, 4) == [("", "duplicate")]
    assert batch.rows_wrong == 1
    adds_up(batch)
    # Put right at the first row instead: the second is then the only one.
    corrections.correct(batch, office.clerk, {2: {"notice_number": notice(9)}})
    assert states(batch) == {2: "good", 3: "good", 4: "good"}
    adds_up(batch)


def test_of_rows_that_are_the_same_the_first_that_is_not_left_out_counts(office: Office, adds_up: AddsUp) -> None:
    batch = office.checked(csv_of(person_row(1), person_row(1), person_row(1)))
    assert states(batch) == {2: "good", 3: "wrong", 4: "wrong"}
    assert corrections.exclude(batch, office.clerk, [2]) == 1
    assert states(batch) == {2: "excluded", 3: "good", 4: "wrong"}
    adds_up(batch)
    corrections.include(batch, office.clerk, [2])
    assert states(batch) == {2: "good", 3: "wrong", 4: "wrong"}
    adds_up(batch)


def test_one_notice_for_several_people_is_a_warning_and_twice_for_one_of_them_an_error(
    office: Office, adds_up: AddsUp
) -> None:
    rows = [person_row(number, numero_avviso=notice(1)) for number in (1, 2, 2)]
    batch = office.checked(csv_of(*rows))
    assert codes(batch, 3, "warnings") == [("notice_number", "same_notice")]
    assert codes(batch, 4) == [("", "duplicate")]
    assert batch.rows_warned == 1
    corrections.exclude(batch, office.clerk, [2])
    assert codes(batch, 3, "warnings") == []
    assert (batch.rows_warned, states(batch)[4]) == (0, "wrong")
    adds_up(batch)


def test_the_same_text_to_the_same_person_is_a_duplicate_without_a_notice_too(office: Office, adds_up: AddsUp) -> None:
    header, code = ["codice_fiscale", "nome"], cast.make_fiscal_code(1)
    batch = office.checked(csv_of([code, "Ugo"], [code, "Ada"], header=header), template=office.greeting)
    assert batch.status == BatchStatus.READY
    corrections.correct(batch, office.clerk, {3: {"nome": "Ugo"}})
    assert codes(batch, 3) == [("", "duplicate")]
    adds_up(batch)


def test_cells_beyond_the_header_go_only_when_the_clerk_says_so(office: Office) -> None:
    batch = office.checked(csv_of([*person_row(1), "x"], person_row(2)))
    corrections.correct(batch, office.clerk, {2: {"nome": "Ugo"}})
    assert codes(batch, 2) == [("", "too_many_cells")]
    corrections.correct(batch, office.clerk, {2: {corrections.SURPLUS: ""}})
    assert states(batch)[2] == "good"


def test_all_wrong_rows_are_left_out_at_once(office: Office, adds_up: AddsUp) -> None:
    batch = office.checked(csv_of(person_row(1), person_row(2, nome=""), person_row(1), person_row(3, importo="")))
    assert corrections.exclude_all_wrong(batch, office.clerk) == 3
    assert (batch.status, batch.rows_good, batch.rows_excluded) == (BatchStatus.READY, 1, 3)
    adds_up(batch)
    corrections.include(batch, office.clerk, [3])
    assert (batch.status, codes(batch, 3)) == (BatchStatus.NEEDS_ATTENTION, [("nome", "missing")])
    adds_up(batch)


def test_when_nothing_is_left_the_batch_is_not_ready(office: Office) -> None:
    batch = office.checked(csv_of(person_row(1)))
    corrections.exclude(batch, office.clerk, [2])
    assert batch.status == BatchStatus.NEEDS_ATTENTION


def test_the_wrong_rows_move_to_a_draft_where_they_can_be_put_right(office: Office, adds_up: AddsUp) -> None:
    batch = office.checked(csv_of(person_row(1), person_row(2, nome=""), person_row(1)))
    draft = corrections.split_off_wrong(batch, office.clerk)
    assert (batch.status, batch.rows_moved, states(batch)) == (
        BatchStatus.READY,
        2,
        {2: "good", 3: "moved", 4: "moved"},
    )
    assert (draft.status, draft.body, states(draft)) == (
        BatchStatus.NEEDS_ATTENTION,
        batch.body,
        {3: "wrong", 4: "wrong"},
    )
    adds_up(batch)
    adds_up(draft)
    corrections.correct(draft, office.clerk, {3: {"nome": "Ugo"}})
    corrections.exclude_all_wrong(draft, office.clerk)
    assert (draft.status, draft.rows_good) == (BatchStatus.READY, 1)
    adds_up(draft)
    with pytest.raises(corrections.CannotChange):
        corrections.split_off_wrong(batch, office.clerk)


def test_a_draft_split_off_can_be_checked_again_without_a_file(office: Office, adds_up: AddsUp) -> None:
    draft = corrections.split_off_wrong(office.checked(csv_of(person_row(1, nome=""), person_row(2))), office.clerk)
    corrections.recheck(draft, office.clerk)
    checking.check(draft, never)
    assert (draft.status, states(draft)) == (BatchStatus.NEEDS_ATTENTION, {2: "wrong"})
    adds_up(draft)


# Columns


def test_columns_chosen_by_hand_are_used_and_remembered(office: Office) -> None:
    header = ["cf", "intestatario", "nome 2"]
    content = csv_of([cast.make_fiscal_code(1), "Ugo", "x"], header=header)
    batch = office.checked(content, template=office.greeting)
    corrections.set_columns(batch, office.clerk, {"nome": 1})
    assert (batch.status, batch.problem) == (BatchStatus.CHECKING, {})
    checking.check(Batch.objects.get(pk=batch.pk), never)
    assert Batch.objects.get(pk=batch.pk).columns == {"fiscal_code": 0, "nome": 1}
    assert RememberedColumn.objects.get().header == "intestatario"
    assert office.checked(content, template=office.greeting).status == BatchStatus.READY


def test_a_choice_for_this_file_alone_is_not_remembered(office: Office) -> None:
    content = csv_of([cast.make_fiscal_code(1), "Ugo"], header=["cf", "intestatario"])
    batch = office.checked(content, template=office.greeting)
    corrections.set_columns(batch, office.clerk, {"nome": 1}, remember=False)
    batch = Batch.objects.get(pk=batch.pk)
    checking.check(batch, never)
    assert batch.status == BatchStatus.READY
    assert not RememberedColumn.objects.exists()


def test_other_columns_for_rows_already_read_keep_the_corrections(office: Office, adds_up: AddsUp) -> None:
    header = ["cf", "nome", "cognome"]
    rows = [[cast.make_fiscal_code(1), "Ugo", "Neri"], ["x", "Ada", "Blu"], [cast.make_fiscal_code(3), "Ida", "Verdi"]]
    batch = office.checked(csv_of(*rows, header=header), template=office.greeting)
    corrections.correct(batch, office.clerk, {3: {"fiscal_code": cast.make_fiscal_code(2)}})
    corrections.exclude(batch, office.clerk, [4])
    corrections.set_columns(batch, office.clerk, {"nome": 2})
    batch = Batch.objects.get(pk=batch.pk)
    checking.check(batch, never)
    assert (batch.status, states(batch)) == (BatchStatus.READY, {2: "good", 3: "good", 4: "excluded"})
    assert not BatchFilePart.objects.exists()
    adds_up(batch)


def test_a_column_that_is_not_there_cannot_be_chosen(office: Office) -> None:
    batch = office.checked(csv_of(person_row(1)))
    with pytest.raises(corrections.CannotChange) as refused:
        corrections.set_columns(batch, office.clerk, {"nome": 5})
    assert refused.value.field == "nome"
    assert Batch.objects.get(pk=batch.pk).status == BatchStatus.READY


# Who, and when


def test_nothing_is_changed_once_it_waits_for_approval_or_is_checked(office: Office) -> None:
    batch = office.checked(csv_of(person_row(1)))
    changes: list[Callable[[], Any]] = [
        lambda: corrections.correct(batch, office.clerk, {2: {"nome": "Ugo"}}),
        lambda: corrections.exclude(batch, office.clerk, [2]),
        lambda: corrections.include(batch, office.clerk, [2]),
        lambda: corrections.exclude_all_wrong(batch, office.clerk),
        lambda: corrections.split_off_wrong(batch, office.clerk),
        lambda: corrections.set_columns(batch, office.clerk, {"nome": 1}),
        lambda: corrections.recheck(batch, office.clerk),
    ]
    for status in (BatchStatus.AWAITING_APPROVAL, BatchStatus.CHECKING, BatchStatus.SENDING):
        Batch.objects.filter(pk=batch.pk).update(status=status, declared_at=timezone.now())
        for change in changes:
            with pytest.raises(corrections.NoLongerOpen):
                change()
    with pytest.raises(corrections.NoLongerOpen):
        corrections.discard(batch, office.clerk)
    assert states(batch) == {2: "good"}


def test_what_was_changed_meanwhile_is_not_submitted(office: Office) -> None:
    batch = office.checked(csv_of(person_row(1), person_row(2)))
    colleague = Batch.objects.get(pk=batch.pk)
    corrections.correct(colleague, office.clerk, {2: {"nome": "Ugo"}})
    assert not batches.submit(batch, office.clerk, declared=True)
    assert batches.submit(colleague, office.clerk, declared=True)


def test_who_corrected_a_row_is_no_second_person_for_it(office: Office) -> None:
    batch = office.checked(csv_of(person_row(1), person_row(2)))
    helper = cast.make_person(service=office.service, role=Role.SUPERVISOR)
    other = cast.make_person(service=office.service, role=Role.SUPERVISOR)
    corrections.correct(batch, helper, {2: {"nome": "Ugo"}})
    corrections.correct(batch, helper, {3: {"nome": "Ugo"}})
    assert batch.changes.filter(actor=helper).count() == 1
    Batch.objects.filter(pk=batch.pk).update(
        status=BatchStatus.AWAITING_APPROVAL, declared_at=timezone.now(), submitted_by=office.clerk
    )
    assert batch not in batches_to_approve(helper)
    assert batch in batches_to_approve(other)


@pytest.mark.django_db(transaction=True)
def test_two_clerks_who_correct_at_once_lose_nothing(adds_up: AddsUp) -> None:
    office = make_office()
    batch = office.checked(csv_of(*(person_row(number, nome="") for number in range(20))))
    barrier = Barrier(2)
    failures: list[BaseException] = []

    def clerk(first: int) -> None:
        mine = Batch.objects.get(pk=batch.pk)
        try:
            barrier.wait()
            for number in range(first, 22, 2):
                corrections.correct(mine, office.clerk, {number: {"nome": "Ugo"}})
        except BaseException as error:
            failures.append(error)
        finally:
            connection.close()

    threads = [Thread(target=clerk, args=[first]) for first in (2, 3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    batch.refresh_from_db()
    assert (batch.status, batch.rows_good) == (BatchStatus.READY, 20)
    adds_up(batch)


def test_a_discarded_batch_loses_its_file_and_its_questions(office: Office) -> None:
    batch = office.checked(csv_of(person_row(1)))
    asking.start(batch, office.clerk)
    corrections.discard(batch, office.clerk)
    assert batch.status == BatchStatus.CANCELLED
    assert not batch.rows.filter(ask_at__isnull=False).exists()
    assert not BatchFilePart.objects.exists()
    assert uploads.same_file(office.upload(csv_of(person_row(1)))) is None
