from __future__ import annotations

import csv
import io
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from messaging.spreadsheets.reading import FileProblem, Sheet, open_sheet

Opened = Callable[..., Sheet]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
@pytest.mark.parametrize("delimiter", [";", ",", "\t"])
def test_each_encoding_and_separator_is_found_out(opened: Opened, encoding: str, delimiter: str) -> None:
    text = "codice_fiscale,nome\r\nAAAAAA00A00A000A,Niccolò\r\n".replace(",", delimiter)
    sheet = opened(text.encode(encoding))
    assert sheet.header == ["codice_fiscale", "nome"]
    assert list(sheet.rows()) == [(2, ["AAAAAA00A00A000A", "Niccolò"])]


@pytest.mark.parametrize("mark", ["utf-16-le", "utf-16-be"])
def test_utf_16_is_read_in_either_order(opened: Opened, mark: str) -> None:
    sheet = opened("\ufeffa;b\nè;€\n".encode(mark))
    assert list(sheet.rows()) == [(2, ["è", "€"])]


def test_commas_in_values_do_not_win_over_semicolons(opened: Opened) -> None:
    sheet = opened(b"cf;nome, cognome;importo\nX;Rossi, Mario;148,50\nY;Verdi, Ada;12,00\n")
    assert sheet.header == ["cf", "nome, cognome", "importo"]
    assert [row for _, row in sheet.rows()] == [["X", "Rossi, Mario", "148,50"], ["Y", "Verdi, Ada", "12,00"]]


def test_semicolons_in_quoted_values_do_not_win_over_commas(opened: Opened) -> None:
    sheet = opened(b'cf,nota\nX,"a;b;c"\nY,"d;e;f"\n')
    assert [row for _, row in sheet.rows()] == [["X", "a;b;c"], ["Y", "d;e;f"]]


def test_a_single_column_needs_no_separator(opened: Opened) -> None:
    sheet = opened(b"codice fiscale\nX\nY\n")
    assert sheet.header == ["codice fiscale"]
    assert list(sheet.rows()) == [(2, ["X"]), (3, ["Y"])]


def test_the_line_that_tells_excel_the_separator_is_no_row(opened: Opened) -> None:
    sheet = opened(b"sep=|\r\na|b\r\n1|2\r\n")
    assert sheet.header == ["a", "b"]
    assert list(sheet.rows()) == [(2, ["1", "2"])]


def test_a_line_end_within_quotes_does_not_count_as_a_row(opened: Opened) -> None:
    sheet = opened(b'a;b\n1;"due\nrighe"\n3;4\n')
    assert list(sheet.rows()) == [(2, ["1", "due\nrighe"]), (3, ["3", "4"])]


def test_empty_rows_are_left_out_and_counted(opened: Opened) -> None:
    sheet = opened(b"\n;;\na;b\n\n1;2\n ; \n3;4\n\n")
    assert sheet.header_row == 3
    assert [number for number, _ in sheet.rows()] == [5, 7]


def test_empty_columns_at_the_end_are_trimmed(opened: Opened) -> None:
    sheet = opened(b"a;b;;\n1;2;;\n3;;;\n")
    assert sheet.header == ["a", "b"]
    assert list(sheet.rows()) == [(2, ["1", "2"]), (3, ["3", None])]


def test_a_value_beyond_the_header_is_kept_to_be_seen(opened: Opened) -> None:
    sheet = opened(b"cf,importo\nX,148,50\nY,12,00\nZ,1\n")
    assert next(sheet.rows())[1] == ["X", "148", "50"]


def test_rows_can_be_read_again(opened: Opened) -> None:
    sheet = opened(b"a\n1\n2\n")
    assert list(sheet.rows()) == list(sheet.rows())


def test_the_apostrophe_of_our_own_files_is_taken_off(opened: Opened) -> None:
    sheet = opened(b"a;b\n'+39 06 1234;l'ora\n")
    assert list(sheet.rows()) == [(2, ["+39 06 1234", "l'ora"])]


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "empty"),
        (b"\n \n;;\n", "empty"),
        (b"\xef\xbb\xbf", "empty"),
        (b"codice_fiscale;nome\n", "no_rows"),
        (b"a;b\n" + "perché".encode() + b";" + "però".encode("cp1252") + b"\n", "mixed_encodings"),
        (b"a;b\n\x81\x8d;x\n", "encoding"),
        ("\ufeffa;b\n1;2\n".encode("utf-16-le") + b"x", "encoding"),
        (b'a;b\n1;"mai chiusa\n2;3\n', "quotes"),
        (b'a;b\n1;"chiusa"male\n', "quotes"),
        (b"a;b\n" + b"x" * 200_000 + b";1\n", "cell_too_long"),
        (b"a;b\n" + b";" * 2_000_000, "cell_too_long"),
        (b"a;b\n" + b'"\n";' * 400_000, "cell_too_long"),
        (b";".join(b"c%d" % n for n in range(1_200)) + b"\n1\n", "too_many_columns"),
    ],
)
def test_what_cannot_be_read_is_said(opened: Opened, content: bytes, code: str) -> None:
    with pytest.raises(FileProblem) as caught:
        list(opened(content).rows())
    assert caught.value.code == code


def test_the_row_of_a_foreign_byte_is_told(opened: Opened) -> None:
    with pytest.raises(FileProblem) as caught:
        opened("a;b\nè;1\nì;2\n".encode() + "ò;3\n".encode("cp1252"))
    assert caught.value.params == {"row": 2}


def test_one_row_more_than_allowed_is_too_many(opened: Opened) -> None:
    sheet = opened(b"a\n" + b"1\n" * 4, max_rows=3)
    with pytest.raises(FileProblem) as caught:
        list(sheet.rows())
    assert (caught.value.code, caught.value.params) == ("too_many_rows", {"limit": 3})


def test_a_file_that_is_too_large_is_not_opened(opened: Opened) -> None:
    with pytest.raises(FileProblem) as caught:
        opened(b"a\n1\n", max_bytes=3)
    assert (caught.value.code, caught.value.params) == ("too_large", {"size": 4, "limit": 3})


def test_progress_goes_from_nothing_to_all(opened: Opened) -> None:
    sheet = opened(b"a;b\n" + b"uno;due\n" * 20_000)
    assert sheet.fraction == 0.0
    seen = [sheet.fraction for _ in sheet.rows()]
    assert seen == sorted(seen)
    assert seen[-1] > 0.9


_CELLS = st.text(st.characters(codec="utf-8", exclude_characters="\r\0\ufeff"), max_size=20)


@given(
    st.lists(st.lists(_CELLS, min_size=3, max_size=3), min_size=1, max_size=8),
    st.sampled_from([";", ",", "\t"]),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
)
def test_what_is_written_is_read(rows: list[list[str]], delimiter: str, encoding: str) -> None:
    out = io.StringIO(newline="")
    csv.writer(out, delimiter=delimiter, quoting=csv.QUOTE_ALL).writerows([["uno", "due", "tre"], *rows])
    with TemporaryDirectory() as folder:
        path = Path(folder) / "file.csv"
        path.write_bytes(out.getvalue().encode(encoding))
        wanted = [[text if text.strip() else None for text in row] for row in rows]
        wanted = [row for row in wanted if any(row)]
        try:
            found = [["" if cell is None else cell for cell in row] for _, row in open_sheet(path, "file.csv").rows()]
        except FileProblem as problem:
            assert problem.code == "no_rows"
            assert wanted == []
            return
    disarmed = [
        [
            (cell[1:] if cell and cell[:1] == "'" and cell[1:2] in set("=+-@\t\r") and len(cell) > 1 else cell)
            for cell in row
        ]
        for row in wanted
    ]
    assert found == [[cell or "" for cell in row] for row in disarmed]
