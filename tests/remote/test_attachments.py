from __future__ import annotations

import errno
import io
import stat
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.files.storage import FileSystemStorage, default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from messaging.documents.problems import FolderProblem, PdfProblem
from messaging.enums import PdfVerdict, Status
from messaging.models import Attachment, Batch, BatchAttachment, Service, User
from messaging.remote import attachments, contents, storing
from tests import cast
from tests.documents import makers

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("empty_storage")]


@pytest.fixture
def service() -> Service:
    return cast.make_service()


@pytest.fixture
def clerk(service: Service) -> User:
    return cast.make_person(service=service)


@pytest.fixture
def batch(service: Service, clerk: User) -> Batch:
    return cast.make_batch(service=service, author=clerk, has_attachments=True)


def folder_files(batch: Batch) -> dict[str, BatchAttachment]:
    return {file.key: file for file in BatchAttachment.objects.filter(batch=batch).order_by("key")}


def take(service: Service, person: User, content: bytes, name: str = "avviso.pdf") -> Attachment:
    return attachments.take_in(service, person, SimpleUploadedFile(name, content), name)


def content_of(attachment: Attachment | None) -> bytes:
    assert attachment is not None
    with attachment.file.open() as file:
        content: bytes = file.read()
    return content


def stored(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def always() -> bool:
    return True


# One file


def test_a_good_file_is_kept_privately_with_what_it_says(service: Service, clerk: User, empty_storage: Path) -> None:
    content = makers.pdfa(pages=2)
    made = take(service, clerk, content, "C:\\documenti\\Avviso: TARI.PDF")
    made.refresh_from_db()
    assert (made.name, made.size, made.pages, made.declares) == ("Avviso TARI.pdf", len(content), 2, "2a")
    assert (made.verdict, made.uploaded_by) == (PdfVerdict.NOT_ASKED, clerk)
    assert content_of(made) == content
    [path] = stored(empty_storage)
    assert path == empty_storage / f"attachments/{made.pk.hex[:2]}/{made.pk.hex}.pdf"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_bad_file_is_refused_and_leaves_nothing(service: Service, clerk: User, empty_storage: Path) -> None:
    with pytest.raises(PdfProblem, match="javascript"):
        take(service, clerk, makers.scripted("at_opening"))
    assert not Attachment.objects.exists()
    assert stored(empty_storage) == []


def test_the_limit_of_the_settings_holds(service: Service, clerk: User, settings: Any) -> None:
    settings.ATTACHMENT_MAX_MEGABYTES = 1
    with pytest.raises(PdfProblem) as problem:
        take(service, clerk, makers.pdfa() + b" " * 1024 * 1024)
    assert (problem.value.code, problem.value.params["limit"]) == ("too_large", 1024 * 1024)


def test_the_same_file_is_kept_once_in_a_service(service: Service, clerk: User, empty_storage: Path) -> None:
    content = makers.pdfa()
    first = take(service, clerk, content)
    assert take(service, cast.make_person(service=service), content) == first
    assert take(service, clerk, content, "altro.pdf") != first
    elsewhere = cast.make_service()
    assert take(elsewhere, clerk, content).service == elsewhere
    assert len(stored(empty_storage)) == 3


def test_a_row_whose_file_never_came_is_not_taken_again(service: Service, clerk: User) -> None:
    first = take(service, clerk, makers.pdfa())
    default_storage.delete(str(first.file.name))
    second = take(service, clerk, makers.pdfa())
    assert second != first
    assert content_of(second) == makers.pdfa()


def test_a_full_disk_is_said_and_leaves_nothing(
    service: Service, clerk: User, monkeypatch: pytest.MonkeyPatch, empty_storage: Path
) -> None:
    monkeypatch.setattr(FileSystemStorage, "_save", _full)
    with pytest.raises(PdfProblem, match="no_room"):
        take(service, clerk, makers.pdfa())
    assert not Attachment.objects.exists()
    assert stored(empty_storage) == []


def test_another_fault_of_the_storage_is_no_fault_of_the_file(
    service: Service, clerk: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(FileSystemStorage, "_save", _unreachable)
    with pytest.raises(ConnectionError):
        take(service, clerk, makers.pdfa())
    assert not Attachment.objects.exists()


def _full(*_: object) -> str:
    raise OSError(errno.ENOSPC, "No space left on device")


def _unreachable(*_: object) -> str:
    raise ConnectionError("unreachable")


@pytest.mark.parametrize(("word", "verdict"), [("PASS", "conforms"), ("FAIL", "fails"), ("", "not_asked")])
def test_verapdf_is_asked_of_what_declares_to_be_pdfa(
    service: Service, clerk: User, settings: Any, word: str, verdict: str
) -> None:
    settings.VERAPDF_COMMAND = [sys.executable, "-c", f"import sys; print('{word}', sys.argv[-1])"]
    assert take(service, clerk, makers.pdfa()).verdict == verdict
    assert take(service, clerk, makers.plain()).verdict == PdfVerdict.NOT_ASKED


# Folders


def fill(batch: Batch, files: dict[str, bytes], name: str = "allegati.zip") -> None:
    attachments.store_folder(batch, makers.zipped(files), name)


def codes(batch: Batch) -> dict[str, str]:
    """What is known of each file by key: "" where it is good."""
    return {key: file.problem.get("code", "") for key, file in folder_files(batch).items()}


def test_the_files_of_a_folder_become_attachments_or_problems(batch: Batch, clerk: User, empty_storage: Path) -> None:
    files = {
        "cartella/Uno.pdf": makers.unlike(1),
        "due.PDF": makers.unlike(2),
        "script.pdf": makers.scripted("on_a_page"),
        "tre.docx": b"PK\x03\x04",
        "__MACOSX/._Uno.pdf": b"x",
    }
    fill(batch, files, "C:\\allegati.zip")
    assert (batch.folder_name, bool(batch.folder)) == ("allegati.zip", True)
    told: list[float] = []
    attachments.take_folder(batch, clerk, always, told.append)
    assert codes(batch) == {"uno": "", "due": "", "script": "javascript", "tre.docx": "not_pdf"}
    found = folder_files(batch)
    assert found["tre.docx"].problem == {"code": "not_pdf", "params": {"found": "office"}}
    assert found["uno"].attachment is not None
    assert (found["uno"].name, found["uno"].attachment.declares) == ("Uno.pdf", "2a")
    assert content_of(found["uno"].attachment) == files["cartella/Uno.pdf"]
    assert told == [1.0]
    batch.refresh_from_db()
    assert (batch.folder, batch.folder_name) == ("", "allegati.zip")
    assert len(stored(empty_storage)) == 2


def test_taking_again_changes_nothing(batch: Batch, clerk: User) -> None:
    fill(batch, {"uno.pdf": makers.unlike(1)})
    attachments.take_folder(batch, clerk, always)
    before = list(BatchAttachment.objects.values())
    attachments.take_folder(batch, clerk, always)
    assert list(BatchAttachment.objects.values()) == before


def test_the_work_stops_when_it_must_and_goes_on_from_there(
    batch: Batch, clerk: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attachments, "GROUP", 2)
    fill(batch, {f"{number}.pdf": makers.unlike(number) for number in range(5)})
    answers = iter([True, True, True, False])
    attachments.take_folder(batch, clerk, lambda: next(answers))
    assert batch.folder
    assert list(codes(batch)) == ["0", "1"]
    kept = folder_files(batch)
    told: list[float] = []
    attachments.take_folder(batch, clerk, always, told.append)
    assert codes(batch) == dict.fromkeys("01234", "")
    assert folder_files(batch)["0"].pk == kept["0"].pk
    assert told == [0.8, 1.0]
    assert not batch.folder


def test_a_second_folder_adds_files_and_replaces_those_of_the_same_name(batch: Batch, clerk: User) -> None:
    fill(batch, {"uno.pdf": makers.unlike(1), "due.pdf": makers.encrypted()})
    attachments.take_folder(batch, clerk, always)
    assert codes(batch) == {"uno": "", "due": "encrypted"}
    fill(batch, {"Due.pdf": makers.unlike(2), "tre.pdf": makers.unlike(3)}, "altri.zip")
    attachments.take_folder(batch, clerk, always)
    assert codes(batch) == {"uno": "", "due": "", "tre": ""}


def test_a_second_folder_waits_for_the_first(batch: Batch, empty_storage: Path) -> None:
    fill(batch, {"uno.pdf": makers.unlike(1)})
    with pytest.raises(FolderProblem, match="waiting"):
        fill(Batch.objects.get(pk=batch.pk), {"due.pdf": makers.unlike(2)})
    assert len(stored(empty_storage)) == 1


@pytest.mark.parametrize(
    ("stream", "code"),
    [
        (io.BytesIO(), "empty"),
        (io.BytesIO(makers.pdfa()), "not_zip"),
        (makers.zipped({}), "no_files"),
        (io.BytesIO(makers.zipped({"a.pdf": b"x" * 2_000_000}, 0).getvalue()), "too_large"),
    ],
)
def test_a_folder_that_cannot_be_used_is_refused_at_once(
    batch: Batch, settings: Any, empty_storage: Path, stream: io.BytesIO, code: str
) -> None:
    settings.ATTACHMENT_FOLDER_MAX_MEGABYTES = 1
    with pytest.raises(FolderProblem, match=code):
        attachments.store_folder(batch, stream, "allegati.zip")
    batch.refresh_from_db()
    assert (batch.folder, stored(empty_storage)) == ("", [])


def test_a_full_disk_keeps_no_folder(batch: Batch, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(FileSystemStorage, "_save", _full)
    with pytest.raises(FolderProblem, match="no_room"):
        fill(batch, {"uno.pdf": makers.unlike(1)})
    batch.refresh_from_db()
    assert not batch.folder


def test_a_disk_that_fills_on_the_way_keeps_the_folder_for_later(
    batch: Batch, clerk: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(batch, {"uno.pdf": makers.unlike(1)})
    with monkeypatch.context() as patch:
        patch.setattr(FileSystemStorage, "_save", _full)
        with pytest.raises(FolderProblem, match="no_room"):
            attachments.take_folder(batch, clerk, always)
    assert batch.folder
    attachments.take_folder(batch, clerk, always)
    assert codes(batch) == {"uno": ""}


def test_a_folder_that_is_gone_from_the_storage_is_said_to_be_lost(batch: Batch, clerk: User) -> None:
    fill(batch, {"uno.pdf": makers.unlike(1)})
    default_storage.delete(batch.folder)
    with pytest.raises(FolderProblem, match="lost"):
        attachments.take_folder(batch, clerk, always)
    batch.refresh_from_db()
    assert not batch.folder


def test_verapdf_is_asked_of_a_whole_group_at_once(batch: Batch, clerk: User, settings: Any, tmp_path: Path) -> None:
    calls = tmp_path / "calls"
    text = f"import sys; open({str(calls)!r}, 'a').write('x'); [print('PASS', path) for path in sys.argv[3:]]"
    settings.VERAPDF_COMMAND = [sys.executable, "-c", text]
    fill(batch, {"a.pdf": makers.unlike(1), "b.pdf": makers.unlike(2), "c.pdf": makers.plain()})
    attachments.take_folder(batch, clerk, always)
    verdicts = {key: file.attachment and file.attachment.verdict for key, file in folder_files(batch).items()}
    assert verdicts == {"a": PdfVerdict.CONFORMS, "b": PdfVerdict.CONFORMS, "c": PdfVerdict.NOT_ASKED}
    assert calls.read_text() == "x"


# Forgetting


def test_what_nobody_uses_for_a_day_is_deleted_with_its_file(
    service: Service, clerk: User, batch: Batch, empty_storage: Path
) -> None:
    unused = take(service, clerk, makers.unlike(1))
    of_message = take(service, clerk, makers.unlike(2))
    draft = cast.make_message(service=service, author=clerk, status=Status.DRAFT)
    contents.attach(draft, of_message, "avviso.pdf", clerk)
    fill(batch, {"tre.pdf": makers.unlike(3)})
    attachments.take_folder(batch, clerk, always)
    now = timezone.now()
    assert attachments.forget_unused(now + storing.UNUSED_FOR - timedelta(minutes=5)) == 0
    assert attachments.forget_unused(now + storing.UNUSED_FOR + timedelta(minutes=5)) == 1
    assert not Attachment.objects.filter(pk=unused.pk).exists()
    assert Attachment.objects.count() == len(stored(empty_storage)) == 2


def test_a_file_near_its_end_is_not_taken_again(service: Service, clerk: User) -> None:
    first = take(service, clerk, makers.pdfa())
    Attachment.objects.update(uploaded_at=timezone.now() - timedelta(hours=13))
    second = take(service, clerk, makers.pdfa())
    assert second != first
    draft = cast.make_message(service=service, author=clerk, status=Status.DRAFT)
    contents.attach(draft, second, "avviso.pdf", clerk)
    Attachment.objects.update(uploaded_at=timezone.now() - timedelta(days=400))
    assert take(service, clerk, makers.pdfa()) == second


def test_a_deletion_that_was_cut_off_is_finished_the_next_time(
    service: Service, clerk: User, monkeypatch: pytest.MonkeyPatch, empty_storage: Path
) -> None:
    take(service, clerk, makers.pdfa())
    later = timezone.now() + timedelta(days=2)
    with monkeypatch.context() as patch:
        patch.setattr(FileSystemStorage, "delete", _unreachable)
        with pytest.raises(ConnectionError):
            attachments.forget_unused(later)
    assert Attachment.objects.count() == 1
    assert attachments.forget_unused(later) == 1
    assert (Attachment.objects.count(), stored(empty_storage)) == (0, [])


def test_folders_that_no_batch_knows_are_deleted_after_a_day(batch: Batch, empty_storage: Path) -> None:
    fill(batch, {"uno.pdf": makers.unlike(1)})
    default_storage.save("folders/orfana.zip", io.BytesIO(b"PK"))  # type: ignore[arg-type]
    assert attachments.forget_unused() == 0
    assert attachments.forget_unused(timezone.now() + timedelta(days=2)) == 1
    assert [path.name for path in stored(empty_storage)] == [Path(batch.folder).name]
