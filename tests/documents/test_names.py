from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from messaging.documents.names import DROPPED, MAX_NAME, clean_name, file_key, mended, name_advice


@pytest.mark.parametrize(
    ("filename", "name"),
    [
        ("avviso.pdf", "avviso.pdf"),
        ("Avviso.PDF", "Avviso.pdf"),
        ("C:\\documenti\\avviso.pdf", "avviso.pdf"),
        ("../../etc/passwd", "passwd.pdf"),
        ("avviso", "avviso.pdf"),
        ("avviso.pdf.pdf", "avviso.pdf"),
        ("  avviso   TARI .pdf ", "avviso TARI.pdf"),
        ('che: "cosa"? <a|b>*.pdf', "che cosa a b.pdf"),
        ("avviso\x00\n\u202efdp.exe.pdf", "avviso fdp.exe.pdf"),
        (unicodedata.normalize("NFD", "città.pdf"), unicodedata.normalize("NFC", "città.pdf")),
        (".pdf", "documento.pdf"),
        ("???", "documento.pdf"),
        ("", "documento.pdf"),
    ],
)
def test_a_name_is_made_by_the_platforms_rules(filename: str, name: str) -> None:
    assert clean_name(filename) == name


def test_a_name_that_somebody_types_keeps_what_follows_a_slash() -> None:
    assert mended("TARI 2026/2027") == "TARI 2026 2027.pdf"


def test_a_long_name_is_cut_before_its_end() -> None:
    name = clean_name("a" * 300 + ".pdf")
    assert len(name) == MAX_NAME
    assert name.endswith("a.pdf")


@given(st.text(max_size=300))
def test_any_name_becomes_one_that_the_platform_takes_and_stays_so(text: str) -> None:
    name = clean_name(text)
    assert name.endswith(".pdf")
    assert 4 < len(name) <= MAX_NAME
    assert not DROPPED & set(name)
    assert clean_name(name) == name
    name.encode()


@pytest.mark.parametrize(
    ("name", "codes"),
    [
        ("a" * 31 + ".pdf", []),
        ("a" * 32 + ".pdf", ["name_long"]),
        ("a" * 30 + " " + "b" * 17 + ".pdf", []),
        ("a" * 30 + " " + "b" * 18 + ".pdf", ["name_long"]),
        ("rata 1/2.pdf", ["name_characters"]),
        ("a" * 130 + ".pdf", ["name_cut", "name_long"]),
    ],
)
def test_what_the_app_would_change_or_cut_is_told(name: str, codes: list[str]) -> None:
    assert [advice.code for advice in name_advice(name)] == codes


@pytest.mark.parametrize(
    "cell",
    [
        "Città_12.pdf",
        "città_12",
        " CITTÀ_12.PDF ",
        "allegati/Città_12.pdf",
        "allegati\\Città_12.pdf",
        unicodedata.normalize("NFD", "Città_12.pdf"),
        "Città_12.pdf.pdf",
        "Città_１２.pdf",
    ],
)
def test_a_cell_finds_its_file_however_it_is_written(cell: str) -> None:
    assert file_key(cell) == file_key("Città_12.pdf")


def test_different_names_have_different_keys() -> None:
    keys = [file_key(name) for name in ("a.pdf", "b.pdf", "a 1.pdf", "a.docx", "a" * 200, "a" * 200 + "b")]
    assert len(set(keys)) == len(keys)
    assert file_key(" .pdf ") == ""


@given(st.text(max_size=300))
def test_the_key_of_a_key_is_itself_and_fits_its_column(text: str) -> None:
    key = file_key(text)
    assert file_key(key) == key
    assert len(key) <= 127
    key.encode()
