"""A correction: exactly those who have the message, with the cells of their rows."""

from __future__ import annotations

from typing import Any

import pytest

from messaging.batches import checking, errata
from messaging.enums import BatchStatus, Kind, RowState, Status
from messaging.models import Batch, BatchRow, Message
from tests import cast
from tests.batches.scenes import make_sending

FATES: dict[Any, int] = {
    **dict.fromkeys([status for status in Status if status not in {Status.QUEUED, Status.SENDING}], 2),
    RowState.EXCLUDED: 1,
    RowState.REPEATED: 1,
}
RECEIVED = [Status.ACCEPTED, Status.PROCESSED, Status.CONFIRMED, Status.NO_OUTCOME]
WORDING = errata.Wording(subject="Correzione dell’avviso", body=f"Gentile ((nome)), {cast.BODY}")


def saying(body: str) -> errata.Wording:
    return errata.Wording(subject="Correzione dell’avviso", body=body)


def prepare(batch: Batch) -> Batch:
    columns = errata.matching(batch, WORDING).columns
    return errata.prepare(batch, cast.make_person(service=batch.service), WORDING, columns)


@pytest.mark.django_db
def test_it_has_the_rows_of_exactly_those_who_received_it() -> None:
    batch = make_sending(FATES, status=BatchStatus.FINISHED, name="TARI 2026", kind=Kind.PAYMENT, reference="P/12")
    correction = prepare(batch)
    received = Message.objects.filter(batch=batch, status__in=RECEIVED).order_by("row")
    copied = BatchRow.objects.filter(batch=correction).order_by("number")
    original = BatchRow.objects.filter(batch=batch, number__in=received.values("row")).order_by("number")
    names = ("number", "cells", "recipient_id")
    assert len(copied) == 2 * len(RECEIVED)
    assert list(copied.values_list(*names)) == list(original.values_list(*names))
    assert set(copied.values_list("recipient_id", flat=True)) == set(received.values_list("recipient_id", flat=True))
    assert (correction.rows_total, correction.rows_good) == (len(copied), len(copied))
    assert (correction.corrects, correction.kind, correction.status) == (
        batch,
        Kind.INFORMATIONAL,
        BatchStatus.UPLOADED,
    )
    assert correction.name == "Errata corrige: TARI 2026"
    assert correction.header == batch.header
    assert correction.reference == "P/12"


@pytest.mark.django_db
def test_a_check_finds_it_ready_with_its_own_text() -> None:
    batch = make_sending({Status.PROCESSED: 3, Status.REJECTED: 1}, status=BatchStatus.FINISHED)
    correction = prepare(batch)
    checking.check(correction, lambda: False)
    correction.refresh_from_db()
    assert correction.status == BatchStatus.READY, correction.problem
    assert (correction.rows_good, correction.rows_repeated, correction.rows_wrong) == (3, 0, 0)


@pytest.mark.django_db
def test_a_message_that_was_readdressed_by_hand_is_left_out() -> None:
    batch = make_sending({Status.PROCESSED: 2}, status=BatchStatus.FINISHED)
    other = cast.make_recipient(batch.service.institution)
    Message.objects.filter(batch=batch, row=2).update(recipient=other)
    correction = prepare(batch)
    assert list(correction.rows.values_list("number", flat=True)) == [3]
    assert correction.rows_total == 1


@pytest.mark.django_db
def test_rows_are_copied_in_bounded_groups(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(errata, "GROUP", 3)
    batch = make_sending({Status.PROCESSED: 10}, status=BatchStatus.FINISHED)
    assert list(prepare(batch).rows.order_by("number").values_list("number", flat=True)) == list(range(2, 12))


@pytest.mark.django_db
def test_columns_of_the_file_may_stand_in_the_text_and_others_may_not() -> None:
    batch = make_sending({Status.PROCESSED: 1}, header=["codice_fiscale", "nome", "Via e numero", "importo"])
    found = errata.matching(batch, saying("Gentile ((nome)) di ((via_e_numero)), non ((importo))."))
    assert found.problems == []
    assert set(found.columns.values()) == {0, 1, 2, 3}
    lacking = errata.matching(batch, saying("Gentile ((cognome))."))
    assert [problem.field for problem in lacking.problems] == ["cognome"]


@pytest.mark.django_db
def test_a_column_that_was_matched_by_hand_is_still_known() -> None:
    header, columns = ["codice_fiscale", "Intestatario"], {"fiscal_code": 0, "nome": 1}
    batch = make_sending({Status.PROCESSED: 1}, header=header, columns=columns)
    assert errata.matching(batch, WORDING).columns == columns
