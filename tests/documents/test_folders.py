from __future__ import annotations

import contextlib
import io
import struct
import tempfile
import unicodedata
import zipfile
from pathlib import Path
from typing import Any, BinaryIO

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from messaging.documents import folders, pdf
from messaging.documents.folders import FolderFile, opened
from messaging.documents.problems import DocumentProblem, FolderProblem, PdfProblem
from tests.documents import makers

ONE, TWO = makers.unlike(1), makers.unlike(2)


def files_of(stream: io.BytesIO) -> dict[str, FolderFile]:
    with opened(stream) as folder:
        return {file.name: file for file in folder.files}


def problem_of(stream: io.BytesIO) -> tuple[str, dict[str, Any]]:
    with pytest.raises(FolderProblem) as problem, opened(stream):
        pass
    return problem.value.code, problem.value.params


def content_of(file: FolderFile) -> bytes:
    with file.open() as stream:
        return b"".join(iter(stream.read, b""))


def test_the_files_are_read_one_by_one(tmp_path: Path) -> None:
    path = tmp_path / "allegati.zip"
    path.write_bytes(makers.zipped({"uno.pdf": ONE, "Due.PDF": TWO}).getvalue())
    with opened(path) as folder:
        found = [(file.name, file.key, file.size, content_of(file)) for file in folder.files]
    assert found == [("uno.pdf", "uno", len(ONE), ONE), ("Due.PDF", "due", len(TWO), TWO)]


def test_folders_within_count_for_nothing_and_no_path_leads_out() -> None:
    names = ["a/b/uno.pdf", "/etc/due.pdf", "../../tre.pdf", "C:\\quattro.pdf", "cartella/"]
    stream = makers.zipped({name: b"" if name.endswith("/") else ONE for name in names})
    assert list(files_of(stream)) == ["uno.pdf", "due.pdf", "tre.pdf", "quattro.pdf"]


def test_what_systems_leave_beside_the_files_is_skipped() -> None:
    litter = ["__MACOSX/._uno.pdf", "a/__MACOSX/uno.pdf", ".DS_Store", "a/.nascosto.pdf", "Thumbs.db", "desktop.ini"]
    stream = makers.zipped({"uno.pdf": ONE, **dict.fromkeys(litter, b"x")})
    assert list(files_of(stream)) == ["uno.pdf"]
    assert problem_of(makers.zipped(dict.fromkeys(litter, b"x"))) == ("no_files", {})
    assert problem_of(makers.zipped({})) == ("no_files", {})


def _with_name(raw: bytes, flag: int) -> io.BytesIO:
    """A zip whose one file has these bytes for a name."""
    content = makers.zipped({"x" * len(raw): ONE}).getvalue().replace(b"x" * len(raw), raw)
    changed = bytearray(content)
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        struct.pack_into("<H", changed, content.index(signature) + offset, flag)
    return io.BytesIO(bytes(changed))


@pytest.mark.parametrize(
    ("raw", "flag"),
    [
        ("Città perché.pdf".encode(), 0x800),
        ("Città perché.pdf".encode(), 0),
        (unicodedata.normalize("NFD", "Città perché.pdf").encode(), 0),
        ("Città perché.pdf".encode("cp437"), 0),
    ],
)
def test_names_are_understood_in_every_way_systems_write_them(raw: bytes, flag: int) -> None:
    with opened(_with_name(raw, flag)) as folder:
        [file] = folder.files
        assert file.key == "città perché"
        assert content_of(file) == ONE


def test_files_with_the_same_name_are_reported_unless_they_are_the_same() -> None:
    files = files_of(makers.zipped({"a/uno.pdf": ONE, "b/UNO.pdf": TWO, "a/due.pdf": TWO, "b/due.pdf": TWO}))
    assert list(files) == ["uno.pdf", "due.pdf"]
    problem = files["uno.pdf"].problem
    assert problem is not None
    assert (problem.code, problem.params) == ("duplicate", {"paths": ["a/uno.pdf", "b/UNO.pdf"]})
    assert files["due.pdf"].problem is None


def test_an_archive_in_the_archive_and_an_empty_file_are_reported() -> None:
    inner = makers.zipped({"due.pdf": TWO}).getvalue()
    files = files_of(makers.zipped({"uno.pdf": ONE, "altri.zip": inner, "vuoto.pdf": b""}))
    assert {name: file.problem and file.problem.code for name, file in files.items()} == {
        "uno.pdf": None,
        "altri.zip": "nested",
        "vuoto.pdf": "empty",
    }


@pytest.mark.parametrize(
    ("content", "code"), [(b"", "empty"), (ONE, "not_zip"), (b"Rar!\x1a\x07", "not_zip"), (b"PK\x03\x04", "unreadable")]
)
def test_what_is_no_zip_is_refused(content: bytes, code: str) -> None:
    assert problem_of(io.BytesIO(content)) == (code, {})


def test_half_a_zip_is_refused() -> None:
    content = makers.zipped({"uno.pdf": ONE}).getvalue()
    assert problem_of(io.BytesIO(content[: len(content) // 2])) == ("unreadable", {})


def test_a_zip_with_a_password_is_refused() -> None:
    content = bytearray(makers.zipped({"uno.pdf": ONE}).getvalue())
    content[content.index(b"PK\x03\x04") + 6] |= 1
    content[content.index(b"PK\x01\x02") + 8] |= 1
    assert problem_of(io.BytesIO(bytes(content))) == ("encrypted", {})


def test_too_many_files_are_refused_before_they_are_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = makers.zipped({f"{number}.pdf": b"x" for number in range(11)})
    monkeypatch.setattr(folders, "MAX_FILES", 10)
    assert problem_of(stream) == ("too_many_files", {"limit": 10})
    monkeypatch.setattr(folders, "MAX_FILES", 11)
    assert len(files_of(stream)) == 11
    monkeypatch.setattr(folders, "MAX_CONTENTS", 100)
    assert problem_of(stream)[0] == "too_many_files"


def test_a_bomb_is_unpacked_no_further_than_a_file_may_be_large() -> None:
    with (
        opened(makers.zipped({"bomba.pdf": b"%PDF-" + b" " * 100_000_000})) as folder,
        folder.files[0].open() as stream,
    ):
        with pytest.raises(PdfProblem) as problem, pdf.kept(stream, 1_000_000):
            pass
        assert problem.value.params == {"size": 100_000_005, "limit": 1_000_000}
        assert folder._unpacked < 1_200_000


def test_all_files_together_have_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folders, "MAX_UNPACKED", 1_500_000)
    with opened(makers.zipped({f"{number}.pdf": bytes([number]) * 1_000_000 for number in range(2)})) as folder:
        assert len(content_of(folder.files[0])) == 1_000_000
        with pytest.raises(FolderProblem, match="zip_bomb"):
            content_of(folder.files[1])


def test_a_damaged_file_is_no_fault_of_the_others() -> None:
    content = bytearray(makers.zipped({"uno.pdf": ONE, "due.pdf": TWO}, zipfile.ZIP_STORED).getvalue())
    content[content.index(b"%PDF-") + 20] ^= 0xFF
    files = files_of_open(io.BytesIO(bytes(content)))
    assert files == {"uno.pdf": "damaged_in_folder", "due.pdf": len(TWO)}


def files_of_open(stream: BinaryIO) -> dict[str, object]:
    found: dict[str, object] = {}
    with opened(stream) as folder:
        for file in folder.files:
            try:
                found[file.name] = len(content_of(file))
            except PdfProblem as problem:
                found[file.name] = problem.code
    return found


GOOD = makers.zipped({"uno.pdf": b"uno", "a/due.pdf": b"due"}).getvalue()


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(st.integers(0, len(GOOD) - 1), st.integers(0, 255)), min_size=1, max_size=6))
def test_wrong_bytes_raise_nothing_but_a_problem(changes: list[tuple[int, int]]) -> None:
    content = bytearray(GOOD)
    for place, byte in changes:
        content[place] = byte
    with tempfile.TemporaryFile() as file:
        # A real file, which does not fail in the same way as bytes in memory.
        file.write(content)
        for stream in (file, io.BytesIO(content)):
            with contextlib.suppress(DocumentProblem):
                files_of_open(stream)
