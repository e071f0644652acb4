from __future__ import annotations

import errno
import hashlib
import io
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from threading import Barrier, Thread
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import close_old_connections, connection
from django.utils import timezone

from messaging.batches import checking, corrections, uploads
from messaging.enums import BatchStatus
from messaging.models import Batch, BatchFilePart, BatchRow
from messaging.remote import room
from messaging.spreadsheets.problems import FileProblem
from tests.batches.conftest import Office, csv_of, make_office, never, person_row


def test_a_file_is_kept_in_pieces_with_its_digest_and_a_copy_of_the_text(office: Office) -> None:
    content = bytes(range(256)) * 10_000
    batch = office.upload(content, "C:\\elenchi\\tari 2026.csv")
    assert [len(part.content) for part in batch.file_parts.order_by("number")] == [
        uploads.PIECE,
        uploads.PIECE,
        len(content) - 2 * uploads.PIECE,
    ]
    assert (batch.file_digest, batch.file_size) == (hashlib.sha256(content).hexdigest(), len(content))
    assert (batch.filename, batch.name, batch.status) == ("tari 2026.csv", "tari 2026", BatchStatus.UPLOADED)
    assert (batch.subject, batch.body, batch.kind) == (
        office.template.subject,
        office.template.body,
        office.template.kind,
    )
    with uploads.as_path(batch) as path:
        assert path.read_bytes() == content
    assert not path.exists()


def test_what_a_browser_uploads_is_taken(office: Office) -> None:
    file = SimpleUploadedFile("elenco.csv", csv_of(person_row(1)))
    batch = uploads.upload(office.service, office.template, office.clerk, file, "elenco.csv", "TARI, saldo")
    checking.check(batch, never)
    assert (batch.name, batch.status) == ("TARI, saldo", BatchStatus.READY)


@pytest.mark.parametrize(("content", "code"), [(b"", "empty"), (b"a" * (1024 * 1024 + 1), "too_large")])
def test_an_empty_file_and_one_too_large_leave_nothing_behind(
    office: Office, settings: Any, content: bytes, code: str
) -> None:
    settings.SPREADSHEET_MAX_MEGABYTES = 1
    with pytest.raises(FileProblem) as problem:
        office.upload(content)
    assert problem.value.code == code
    with pytest.raises(FileProblem):
        uploads.upload(
            office.service, office.template, office.clerk, SimpleUploadedFile("elenco.csv", content), "elenco.csv"
        )
    assert not Batch.objects.exists()
    assert not BatchFilePart.objects.exists()


@contextmanager
def full_disk() -> Iterator[None]:
    """SQLite has no free page and may take only a few more."""
    with connection.cursor() as cursor:
        cursor.execute("VACUUM")
        cursor.execute("PRAGMA page_count")
        cursor.execute(f"PRAGMA max_page_count = {cursor.fetchone()[0] + 20}")
        yield
        cursor.execute("PRAGMA max_page_count = 1073741823")


on_sqlite = pytest.mark.skipif("connection.vendor != 'sqlite'", reason="only SQLite can be told that its disk is full")


@on_sqlite
@pytest.mark.django_db(transaction=True)
def test_a_disk_that_is_full_while_saving_leaves_nothing_behind() -> None:
    office = make_office()
    with full_disk(), pytest.raises(FileProblem) as problem:
        office.upload(b"a" * 3_000_000)
    assert problem.value.code == "no_room"
    assert not Batch.objects.exists()
    assert not BatchFilePart.objects.exists()
    assert office.upload(b"a" * 3_000_000).file_size == 3_000_000


@on_sqlite
@pytest.mark.django_db(transaction=True)
def test_a_disk_that_fills_up_during_the_check_keeps_the_file_for_another_try() -> None:
    office = make_office()
    batch = office.upload(csv_of(*(person_row(number) for number in range(3_000))))
    with full_disk():
        checking.check(batch, never)
    batch.refresh_from_db()
    assert (batch.status, batch.problem) == (BatchStatus.NEEDS_ATTENTION, {"code": "no_room", "params": {}})
    assert batch.rows_total == BatchRow.objects.count() == 0
    corrections.recheck(batch, office.clerk)
    checking.check(batch, never)
    assert (batch.status, batch.rows_good) == (BatchStatus.READY, 3_000)


def test_a_full_folder_for_temporary_files_is_a_full_disk_too(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    batch = office.upload(csv_of(person_row(1)))

    def full(**_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(uploads.tempfile, "TemporaryDirectory", full)
    checking.check(batch, never)
    assert (batch.status, batch.problem["code"]) == (BatchStatus.NEEDS_ATTENTION, "no_room")


def test_other_faults_are_not_taken_for_a_full_disk() -> None:
    assert room.is_full(OSError(errno.ENOSPC, ""))
    assert not room.is_full(OSError(errno.EACCES, ""))
    assert not room.is_full(ValueError("disk is full"))


# The same file


def test_the_same_file_of_a_colleague_is_found_while_it_is_open_and_after_it_was_sent(office: Office) -> None:
    first, second = office.upload(csv_of(person_row(1))), office.upload(csv_of(person_row(1)))
    assert uploads.same_file(second) == first
    assert uploads.same_file(first) == second
    corrections.discard(first, office.clerk)
    assert uploads.same_file(second) is None
    now = timezone.now()
    Batch.objects.filter(pk=first.pk).update(status=BatchStatus.FINISHED, declared_at=now)
    assert uploads.same_file(second) == first


def test_another_file_and_another_service_are_not_the_same(office: Office) -> None:
    batch = office.upload(csv_of(person_row(1)))
    office.upload(csv_of(person_row(2)))
    make_office().upload(csv_of(person_row(1)))
    assert uploads.same_file(batch) is None


@pytest.mark.django_db(transaction=True)
def test_two_clerks_who_upload_and_check_the_same_file_at_once_get_a_batch_each() -> None:
    office = make_office()
    content = csv_of(*(person_row(number) for number in range(1_500)))
    barrier = Barrier(2)
    failures: list[BaseException] = []

    def clerk() -> None:
        try:
            barrier.wait()
            uploads_ = uploads.upload(office.service, office.template, office.clerk, io.BytesIO(content), "elenco.csv")
            barrier.wait()
            checking.check(uploads_, never)
        except BaseException as error:
            failures.append(error)
        finally:
            connection.close()
            close_old_connections()

    threads = [Thread(target=clerk) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    first, second = Batch.objects.order_by("pk")
    assert first.rows_good == second.rows_good == 1_500
    assert uploads.same_file(second) == first
    people = BatchRow.objects.values_list("recipient", flat=True)
    assert len(people) == 3_000
    assert len(set(people)) == 1_500


# Forgetting


def test_a_file_goes_when_its_batch_has_left_or_was_stopped(office: Office) -> None:
    left, stopped, waiting = (office.checked(csv_of(person_row(number))) for number in range(3))
    Batch.objects.filter(pk=left.pk).update(expanded_at=timezone.now())
    Batch.objects.filter(pk=stopped.pk).update(status=BatchStatus.CANCELLED)
    uploads.forget_expired()
    assert set(BatchFilePart.objects.values_list("batch", flat=True)) == {waiting.pk}


def test_a_file_that_nobody_touched_goes_and_what_still_needs_it_says_so(office: Office, settings: Any) -> None:
    settings.SPREADSHEET_KEEP_DAYS = 30
    read = office.checked(csv_of(person_row(1)))
    unread = office.checked(csv_of(person_row(1), header=["a", "b", "c", "d", "e"]))
    touched = office.checked(csv_of(person_row(2)))
    old = timezone.now() - timedelta(days=31)
    Batch.objects.filter(pk__in=[read.pk, unread.pk]).update(changed_at=old)
    uploads.forget_expired()
    assert set(BatchFilePart.objects.values_list("batch", flat=True)) == {touched.pk}
    read.refresh_from_db()
    unread.refresh_from_db()
    assert not read.problem
    assert unread.problem == {"code": "expired", "params": {"days": 30}}


def test_one_call_forgets_only_so_many(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploads, "FORGET_AT_ONCE", 2)
    for _ in range(3):
        office.upload(b"a")
    Batch.objects.update(status=BatchStatus.CANCELLED)
    uploads.forget_expired()
    assert BatchFilePart.objects.count() == 1
