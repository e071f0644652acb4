"""The report of a sending: every row of the file once, with what became of it; and the counters beside it."""

from __future__ import annotations

import csv
import io
import tracemalloc
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from messaging.batches import listing, progress, reports
from messaging.batches.cells import encode
from messaging.batches.progress import ALL, FILTERS, Figures
from messaging.enums import BatchStatus, FeatureLevel, RowState, Status
from messaging.models import Batch, BatchRow, Message
from messaging.spreadsheets.reading import open_sheet
from tests import cast
from tests.batches.scenes import PENDING, make_sending

STATES = [RowState.WRONG, RowState.REPEATED, RowState.EXCLUDED, RowState.MOVED]
FATES: dict[Any, int] = {**dict.fromkeys(Status, 1), **dict.fromkeys(STATES, 1), PENDING: 2}
SENT = [BatchStatus.SCHEDULED, BatchStatus.SENDING, BatchStatus.PAUSED, BatchStatus.FINISHED, BatchStatus.CANCELLED]


def as_csv(batch: Batch, wanted: str = "all") -> list[dict[str, str]]:
    text = b"".join(reports.csv_pieces(batch, FILTERS[wanted])).decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text), delimiter=";"))


@pytest.mark.django_db
@pytest.mark.parametrize("status", SENT)
def test_every_row_of_the_file_stands_in_the_report_exactly_once(status: BatchStatus) -> None:
    batch = make_sending(FATES, status=status)
    numbers = [int(row["riga del foglio"]) for row in as_csv(batch)]
    assert numbers == list(range(2, sum(FATES.values()) + 2))
    assert all(row["esito"] and row["cosa è successo"] for row in as_csv(batch))


@pytest.mark.django_db
@pytest.mark.parametrize("status", SENT)
def test_the_filters_share_the_rows_out_among_them(status: BatchStatus) -> None:
    batch = make_sending(FATES, status=status)
    found = progress.figures(batch)
    rows: list[str] = []
    for wanted in FILTERS.values():
        if wanted is not ALL and not wanted.part_of:
            part = [row["riga del foglio"] for row in as_csv(batch, wanted.key)]
            assert len(part) == found.count(wanted), wanted.key
            rows += part
    assert sorted(map(int, rows)) == list(range(2, sum(FATES.values()) + 2))


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    by_status=st.dictionaries(st.sampled_from(list(Status)), st.integers(1, 100_000)),
    by_state=st.dictionaries(st.sampled_from(STATES), st.integers(0, 100_000)),
    pending=st.integers(0, 100_000),
    status=st.sampled_from(SENT),
    known=st.integers(0, 100_000),
)
def test_figures_add_up_and_never_run_ahead(
    by_status: dict[Status, int], by_state: dict[RowState, int], pending: int, status: BatchStatus, known: int
) -> None:
    good = sum(by_status.values()) + pending
    states = {state: by_state.get(state, 0) for state in STATES} | {RowState.GOOD: good}
    batch = Batch(status=status, rows_not_on_io=known, started_at=None if status == "scheduled" else datetime.now(UTC))
    found = Figures(batch, by_status, states)
    total, *parts = (count for _, count in found.counters)
    assert total == sum(parts) == sum(states.values())
    assert 0 <= found.sent <= found.to_send <= found.rows
    assert found.received <= found.sent
    assert 0 <= found.percent <= 100
    if found.percent == 100:
        assert not found.is_moving
        assert not found.of(Status.UNCERTAIN)
    bar = found.segments
    assert all(float(part.width) > 0 for part in bar)
    assert not bar or float(bar[-1].start) + float(bar[-1].width) <= 1000.5


@pytest.mark.django_db
def test_original_columns_stand_beside_outcome_time_and_code_of_io() -> None:
    batch = make_sending({Status.PROCESSED: 1, PENDING: 1})
    moment = datetime(2026, 7, 1, 22, 30, 15, tzinfo=UTC)
    Message.objects.filter(batch=batch).update(changed_at=moment, io_id="01K00000000000000000000ABC")
    first, second = as_csv(batch)
    assert list(first) == [
        "codice_fiscale", "nome", "riga del foglio", "esito", "cosa è successo", "ora", "codice IO"
    ]  # fmt: skip
    assert first["nome"] == "Persona 2"
    assert first["esito"] == "Consegnato"
    assert first["cosa è successo"] == "È nell’app."
    assert first["ora"] == "02/07/2026 00:30"  # Europe/Rome
    assert first["codice IO"] == "01K00000000000000000000ABC"
    assert (second["esito"], second["ora"], second["codice IO"]) == ("In coda", "", "")


# Opened, read, paid

FOLLOWED = ["aperto o letto il", "letto, dice IO", "pagato, dice IO", "pagato, saputo il"]
REMOTE: dict[str, Any] = {"has_remote_content": True, "protected_subject": "Esito", "protected_body": "Testo"}
PREMIUM: dict[str, Any] = {"feature_level": FeatureLevel.ADVANCED}
SEEN, PAID = datetime(2026, 7, 1, 22, 30, 15, tzinfo=UTC), datetime(2026, 7, 3, 8, 0, 59, tzinfo=UTC)


def followed(line: dict[str, str]) -> list[str]:
    """The last four columns of a line."""
    return [line[name] for name in FOLLOWED]


@pytest.mark.django_db
@pytest.mark.parametrize(("columns", "there"), [({}, False), (REMOTE, True), (PREMIUM, True), (REMOTE | PREMIUM, True)])
def test_what_is_known_of_reading_and_paying_has_columns_where_anything_is_known(
    columns: dict[str, Any], there: bool
) -> None:
    batch = make_sending({Status.PROCESSED: 1}, **columns)
    (line,) = as_csv(batch)
    assert list(line) == [
        *("codice_fiscale", "nome", "riga del foglio", "esito", "cosa è successo", "ora", "codice IO"),
        *(FOLLOWED if there else ()),
    ]


@pytest.mark.django_db
def test_a_premium_sending_says_what_io_says_of_each_message() -> None:
    batch = make_sending({Status.PROCESSED: 4, PENDING: 1, RowState.EXCLUDED: 1}, **PREMIUM)
    told = {
        2: {"read_status": "READ", "payment_status": "PAID", "seen_at": SEEN, "paid_at": PAID},
        3: {"read_status": "UNREAD", "payment_status": "NOT_PAID"},
        4: {"read_status": "UNAVAILABLE"},
        5: {},
    }
    for number, columns in told.items():
        Message.objects.filter(batch=batch, row=number).update(feature_level=FeatureLevel.ADVANCED, **columns)
    assert {int(line["riga del foglio"]): followed(line) for line in as_csv(batch)} == {
        2: ["02/07/2026 00:30", "sì", "sì", "03/07/2026 10:00"],
        3: ["", "no", "no", ""],
        4: ["", "non disponibile", "non disponibile", ""],
        5: ["", "non disponibile", "non disponibile", ""],
        6: ["", "", "", ""],
        7: ["", "", "", ""],
    }


@pytest.mark.django_db
def test_of_a_standard_message_that_is_fetched_only_the_opening_is_known() -> None:
    batch = make_sending({Status.PROCESSED: 2}, **REMOTE)
    Message.objects.filter(batch=batch, row=2).update(has_remote_content=True, seen_at=SEEN)
    Message.objects.filter(batch=batch, row=3).update(
        has_remote_content=True, read_status="UNREAD", payment_status="NOT_PAID"
    )
    assert [followed(line) for line in as_csv(batch)] == [
        ["02/07/2026 00:30", "non disponibile", "non disponibile", ""],
        ["", "non disponibile", "non disponibile", ""],
    ]


@pytest.mark.django_db
def test_the_xlsx_says_the_same_of_reading_and_paying(tmp_path: Path) -> None:
    batch = make_sending({Status.PROCESSED: 1}, **PREMIUM)
    Message.objects.filter(batch=batch).update(
        feature_level=FeatureLevel.ADVANCED, read_status="READ", payment_status="NOT_PAID", seen_at=SEEN
    )
    path = tmp_path / "rapporto.xlsx"
    with path.open("wb") as out:
        reports.write_xlsx(out, batch, ALL)
    sheet = open_sheet(path, "rapporto.xlsx")
    assert sheet.header[-4:] == FOLLOWED
    ((_, cells),) = sheet.rows()
    assert cells[7:10] == [datetime(2026, 7, 2, 0, 30, 15), "sì", "no"]


@pytest.mark.django_db
def test_formulas_are_disarmed_and_rows_of_any_width_keep_their_columns() -> None:
    batch = make_sending({Status.PROCESSED: 2, RowState.EXCLUDED: 1})
    Batch.objects.filter(pk=batch.pk).update(header=["codice_fiscale", "=cmd()"])
    batch.refresh_from_db()
    for number, cells in {2: ["=1+1", "@x"], 3: ["solo"], 4: ["a", "b", "c", "d"]}.items():
        BatchRow.objects.filter(batch=batch, number=number).update(cells=encode(cells))
    text = b"".join(reports.csv_pieces(batch, ALL)).decode("utf-8-sig")
    header, *rows = csv.reader(io.StringIO(text), delimiter=";")
    assert header[1] == "'=cmd()"
    assert rows[0][:3] == ["'=1+1", "'@x", "2"]
    assert rows[1][:3] == ["solo", "", "3"]
    assert rows[2][:4] == ["a", "b", "4", "Esclusa"]


@pytest.mark.django_db
def test_the_xlsx_keeps_numbers_and_days_as_they_were(tmp_path: Path) -> None:
    batch = make_sending({Status.PROCESSED: 1, PENDING: 1})
    BatchRow.objects.filter(batch=batch, number=2).update(cells=encode(["302000000004821733", date(2026, 12, 16)]))
    path = tmp_path / "rapporto.xlsx"
    with path.open("wb") as out:
        reports.write_xlsx(out, batch, ALL)
    sheet = open_sheet(path, "rapporto.xlsx")
    assert sheet.header[:3] == ["codice_fiscale", "nome", "riga del foglio"]
    (number, cells), _ = sheet.rows()
    assert number == 2
    assert cells[:4] == ["302000000004821733", date(2026, 12, 16), 2, "Consegnato"]


@pytest.mark.django_db
def test_the_same_report_twice_is_the_same(tmp_path: Path) -> None:
    batch = make_sending(FATES, status=BatchStatus.FINISHED)
    assert as_csv(batch) == as_csv(batch)
    assert Message.objects.filter(batch=batch).count() == len(Status)


@pytest.mark.django_db
def test_a_long_report_is_read_group_by_group(monkeypatch: pytest.MonkeyPatch) -> None:
    batch = make_sending({Status.PROCESSED: 30, Status.REJECTED: 10, PENDING: 10})
    with CaptureQueriesContext(connection) as found:
        lines = list(listing.all_lines(batch, ALL, group=10))
    assert [line.row.number for line in lines] == list(range(2, 52))
    assert len(found) == 2 * 5 + 1
    assert all("LIMIT 10" in query["sql"] or "IN (" in query["sql"] for query in found.captured_queries)


@pytest.mark.django_db
def test_a_report_holds_no_more_than_a_group_in_memory() -> None:
    """The peak while a report is read does not grow with the file."""

    def peak(rows: int) -> int:
        batch = cast.make_batch(status=BatchStatus.SENDING)
        BatchRow.objects.bulk_create(
            BatchRow(batch=batch, number=number + 2, cells=["x" * 300], state=RowState.EXCLUDED)
            for number in range(rows)
        )
        Batch.objects.filter(pk=batch.pk).update(rows_total=rows, rows_excluded=rows)
        batch.refresh_from_db()
        tracemalloc.start()
        for _ in reports.csv_pieces(batch, ALL):
            pass
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    peak(100)
    assert peak(12_000) < 1.5 * peak(3_000)
