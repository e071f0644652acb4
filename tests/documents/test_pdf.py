from __future__ import annotations

import hashlib
import io
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from messaging.documents import examination, pdf, xmp
from messaging.documents.pdf import Inspector, PdfFacts
from messaging.documents.problems import PdfProblem
from tests.documents import makers

INSPECTOR = Inspector()


@pytest.fixture(scope="module", autouse=True)
def one_process() -> Iterator[None]:
    with INSPECTOR:
        yield


def inspect(content: bytes, limit: int = pdf.MAX_BYTES) -> PdfFacts:
    with pdf.kept(io.BytesIO(content), limit) as path:
        return INSPECTOR.inspect(path, limit)


def problem_of(content: bytes, limit: int = pdf.MAX_BYTES) -> tuple[str, dict[str, Any]]:
    with pytest.raises(PdfProblem) as problem:
        inspect(content, limit)
    return problem.value.code, problem.value.params


def advice_of(facts: PdfFacts) -> list[str]:
    return [advice.code for advice in facts.advice]


def test_a_pdfa_2a_is_taken_without_advice(tmp_path: Path) -> None:
    content = makers.pdfa(pages=3)
    expected = PdfFacts(pages=3, declares="2a", size=len(content), digest=hashlib.sha256(content).hexdigest())
    assert pdf.inspect(io.BytesIO(content)) == expected
    path = tmp_path / "avviso.pdf"
    path.write_bytes(content)
    assert pdf.inspect(path) == expected


def test_a_pdf_that_declares_nothing_is_taken_with_advice() -> None:
    facts = inspect(makers.plain())
    assert facts.declares == ""
    assert advice_of(facts) == ["not_pdfa"]


@pytest.mark.parametrize(
    ("part", "conformance", "declares"), [("1", "B", "1b"), ("2", "U", "2u"), ("3", "A", "3a"), ("4", "", "4")]
)
def test_another_pdfa_is_advised_against(part: str, conformance: str, declares: str) -> None:
    facts = inspect(makers.pdfa(part, conformance, as_elements=True))
    assert facts.declares == declares
    assert [(advice.code, advice.params) for advice in facts.advice] == [("other_pdfa", {"declares": declares})]


def test_many_pages_and_a_large_file_are_advised_against(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pdf, "LARGE", 100)
    assert advice_of(inspect(makers.pdfa(pages=pdf.MANY_PAGES + 1))) == ["large", "many_pages"]
    assert advice_of(inspect(makers.pdfa(pages=pdf.MANY_PAGES))) == ["large"]


def test_an_empty_file_and_one_too_large_are_refused(tmp_path: Path) -> None:
    assert problem_of(b"") == ("empty", {})
    content = makers.pdfa()
    size = len(content)
    assert inspect(content, size).size == size
    assert problem_of(content, size - 1) == ("too_large", {"size": size, "limit": size - 1})
    path = tmp_path / "avviso.pdf"
    path.write_bytes(content)
    with pytest.raises(PdfProblem, match="too_large"):
        pdf.inspect(path, size - 1)


@pytest.mark.parametrize(
    ("before", "found"), [(b"\xef\xbb\xbf", "bom"), (b" \r\n", "blanks"), (b"HTTP/1.1 200 OK\r\n\r\n", "before")]
)
def test_what_stands_before_the_pdf_is_named(before: bytes, found: str) -> None:
    assert problem_of(before + makers.pdfa()) == ("not_pdf", {"found": found})


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (b"\x89PNG\r\n\x1a\n" + b"\0" * 100, "image"),
        (b"\xff\xd8\xff\xe0" + b"\0" * 100, "image"),
        (makers.zipped({"word/document.xml": b"<w/>"}).getvalue(), "office"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "office"),
        (b"\r\n<!DOCTYPE html><title>Errore</title>", "html"),
        (b"Gentile cittadino", "other"),
        (b"%PD", "other"),
    ],
)
def test_another_kind_of_file_is_named_whatever_it_is_called(content: bytes, found: str) -> None:
    assert problem_of(content) == ("not_pdf", {"found": found})


@pytest.mark.parametrize("left_out", [1, 0.5, 0.9])
def test_half_a_file_is_unreadable(left_out: float) -> None:
    content = makers.pdfa(pages=20)
    size = len(content) - 60 if left_out == 1 else int(len(content) * left_out)
    assert problem_of(content[:size]) == ("unreadable", {})


def test_a_beginning_alone_is_unreadable() -> None:
    assert problem_of(b"%PDF-1.7\n") == ("unreadable", {})


@pytest.mark.parametrize("user", ["", "apriti"])
def test_any_encryption_is_refused_also_with_an_empty_password(user: str) -> None:
    assert problem_of(makers.encrypted(user)) == ("encrypted", {})


def test_a_document_without_pages_is_refused() -> None:
    assert problem_of(makers.plain(pages=0)) == ("no_pages", {})


@pytest.mark.parametrize("in_object_streams", [False, True])
@pytest.mark.parametrize("where", makers.SCRIPTS)
def test_javascript_is_found_wherever_it_stands(where: str, in_object_streams: bool) -> None:
    assert problem_of(makers.scripted(where, in_object_streams=in_object_streams)) == ("javascript", {})


def test_javascript_is_found_under_a_name_that_is_written_another_way() -> None:
    assert problem_of(makers.hidden_script()) == ("javascript", {})


@pytest.mark.parametrize("options", [{"cut": 15}, {"filters": b"/Filter /Unknown"}])
def test_objects_that_cannot_be_looked_at_are_refused(options: dict[str, Any]) -> None:
    assert problem_of(makers.hidden_script(**options)) == ("unreadable", {})


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (makers.with_file(), "files"),
        (makers.with_associated_file(), "files"),
        (makers.with_annotation("/FileAttachment"), "files"),
        (makers.with_annotation("/RichMedia"), "rich_media"),
        (makers.with_annotation("/3D"), "rich_media"),
        (makers.with_launch(), "launch"),
        (makers.with_xfa(), "xfa"),
    ],
)
def test_what_carries_or_starts_something_else_is_refused(content: bytes, found: str) -> None:
    assert problem_of(content) == ("embedded_files", {"found": found})


def test_pictures_with_unlucky_names_and_empty_lists_are_harmless() -> None:
    document = makers.document()
    picture = document.make_stream(b"", Type=makers.Name.XObject, Subtype=makers.Name.Form)
    font = makers.Dictionary(Type=makers.Name.Font, Subtype=makers.Name.Type1, BaseFont=makers.Name.Helvetica)
    document.pages[0].obj.Resources = makers.Dictionary(
        XObject=makers.Dictionary(JS=picture), Font=makers.Dictionary(EF=font)
    )
    empty = makers.Dictionary(Names=makers.Array([]))
    document.Root.Names = makers.Dictionary(JavaScript=empty, EmbeddedFiles=empty)
    assert inspect(makers.saved(document)).pages == 1


@pytest.mark.parametrize("twice", [False, True])
def test_a_decompression_bomb_is_refused_soon(twice: bool) -> None:
    content = makers.bomb(twice=twice)
    started = time.monotonic()
    assert problem_of(content) == ("too_complex", {})
    assert time.monotonic() - started < 10


def test_a_crowd_of_objects_is_refused() -> None:
    with Inspector() as inspector, pdf.kept(io.BytesIO(makers.crowd(160_000))) as path:
        with pytest.raises(PdfProblem, match="too_complex"):
            inspector.inspect(path)
        path.write_bytes(makers.crowd(100))
        assert inspector.inspect(path).pages == 1


def test_a_file_that_takes_the_process_down_does_no_harm_to_the_next(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    path = tmp_path / "avviso.pdf"
    path.write_bytes(makers.plain())
    with Inspector() as inspector:
        monkeypatch.setattr(pdf, "PATIENCE", 0.0)
        with pytest.raises(PdfProblem, match="too_complex"):
            inspector.inspect(path)
        monkeypatch.undo()
        assert inspector.inspect(path).pages == 1


def test_metadata_that_unpacks_without_end_declares_nothing() -> None:
    document = makers.document()
    endless = makers.xmp().replace(b"<rdf:RDF", b"<!--%s--><rdf:RDF" % (b"a" * examination.MAX_METADATA))
    document.Root.Metadata = makers.metadata(document, endless)
    assert inspect(makers.saved(document)).declares == ""


def test_packed_metadata_is_read() -> None:
    document = makers.document()
    document.Root.Metadata = makers.metadata(document, makers.xmp())
    content = makers.saved(document, compress_streams=True, recompress_flate=True)
    assert inspect(content).declares == "2a"


@pytest.mark.parametrize(
    "packet",
    [
        b"",
        b"not xml",
        makers.xmp("2a", "evil"),
        makers.xmp("", "A"),
        makers.xmp().replace(b"http://www.aiim.org/pdfa/ns/id/", b"http://example.org/"),
        b'<!DOCTYPE x [<!ENTITY e "2">]>' + makers.xmp("&e;", "A", as_elements=True).partition(b"?>")[2],
        b'<!DOCTYPE x SYSTEM "http://127.0.0.1:9/x">' + makers.xmp().partition(b"?>")[2],
    ],
)
def test_metadata_that_is_none_or_plays_tricks_declares_nothing(packet: bytes) -> None:
    assert xmp.declared(packet) == ""


@pytest.mark.parametrize("as_elements", [False, True])
def test_both_forms_of_a_declaration_are_read(as_elements: bool) -> None:
    assert xmp.declared(b"\n " + makers.xmp("2", "A", as_elements=as_elements)) == "2a"
    assert xmp.declared(makers.xmp("2", " b ", as_elements=as_elements).decode().encode("utf-16")) == "2b"


@given(st.binary(max_size=400))
def test_no_metadata_makes_the_reader_fail(packet: bytes) -> None:
    assert len(xmp.declared(packet)) <= 2


GOOD = makers.pdfa()


@settings(max_examples=150, deadline=None)
@given(st.binary(min_size=1, max_size=300), st.booleans())
def test_random_bytes_raise_nothing_but_a_problem(content: bytes, as_pdf: bool) -> None:
    _try(b"%PDF-1.7\n" + content if as_pdf else content)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(st.integers(5, len(GOOD) - 1), st.integers(0, 255)), min_size=1, max_size=8))
def test_a_good_file_with_wrong_bytes_raises_nothing_but_a_problem(changes: list[tuple[int, int]]) -> None:
    content = bytearray(GOOD)
    for place, byte in changes:
        content[place] = byte
    _try(bytes(content))


def _try(content: bytes) -> None:
    try:
        assert inspect(content).pages >= 1
    except PdfProblem as problem:
        assert problem.code != "too_complex"
