from __future__ import annotations

import gzip
import io
import random
import struct
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from messaging.spreadsheets.reading import FileProblem, Sheet

from .files import archive, compound_file, ods, ods_row, ods_text, raw_xlsx, xls, xls_sheet, xlsx

Opened = Callable[..., Sheet]

GOOD = {
    "a.xlsx": xlsx([["cf", "nome"], *[[f"X{n}", f"Niccolò {n}"] for n in range(200)]]),
    "a.ods": ods("<table:table>" + ods_row(ods_text("cf")) + ods_row(ods_text("X")) * 200 + "</table:table>"),
    "a.xls": xls([("a", 0, xls_sheet({(row, 0): f"X{row}" for row in range(200)}))]),
}


@contextmanager
def _within(seconds: float) -> Iterator[None]:
    start = time.process_time()
    yield
    assert time.process_time() - start < seconds


def _read(opened: Opened, content: bytes, name: str) -> str:
    """The code of the problem with a file, or "" when it can be read."""
    try:
        for _ in opened(content, name).rows():
            pass
    except FileProblem as problem:
        return problem.code
    return ""


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (b"%PDF-1.7\n...", "pdf"),
        (b"\x89PNG\r\n\x1a\n....", "image"),
        (b"\xff\xd8\xff\xe0....", "image"),
        (b"BM\x36\x00\x00\x00", "image"),
        (b"{\\rtf1 a}", "rtf"),
        (gzip.compress(b"a;b\n1;2\n", mtime=0), "archive"),
        (archive({"a.csv": "a;b\n1;2\n"}), "archive"),
        (archive({"word/document.xml": "<w/>"}), "word"),
        (archive({"ppt/presentation.xml": "<p/>"}), "presentation"),
        (archive({"xl/workbook.bin": "x"}), "xlsb"),
        (archive({"mimetype": "application/vnd.oasis.opendocument.text", "content.xml": "<a/>"}), "document"),
        (b"\xef\xbb\xbf  <!DOCTYPE html><html><body><table><tr><td>a</td></tr></table></body></html>", "html"),
        (b"<table><tr><td>cf</td></tr></table>", "html"),
        (b'<?xml version="1.0"?><Workbook xmlns="urn:schemas-microsoft-com:office:spreadsheet"/>', "xml"),
        (compound_file("WordDocument", b"x"), "word"),
        (compound_file("Altro", b"x"), "binary"),
        (bytes(range(256)), "binary"),
    ],
)
@pytest.mark.parametrize("name", ["elenco.csv", "elenco.xlsx"])
def test_what_a_file_really_is_is_said_whatever_its_name(opened: Opened, content: bytes, found: str, name: str) -> None:
    with pytest.raises(FileProblem) as caught:
        opened(content, name)
    assert (caught.value.code, caught.value.params) == ("unknown_format", {"found": found})


@pytest.mark.parametrize("name", GOOD)
def test_a_good_file_is_read_whatever_its_name(opened: Opened, name: str) -> None:
    assert opened(GOOD[name], "elenco.csv").format == name[2:]


def test_a_protected_workbook_is_said_to_be_encrypted(opened: Opened) -> None:
    assert _read(opened, compound_file("EncryptedPackage", b"x"), "a.xlsx") == "encrypted"


def test_an_encrypted_part_is_said_to_be_encrypted(opened: Opened) -> None:
    content = bytearray(GOOD["a.xlsx"])
    at = content.find(b"PK\x01\x02")
    while at >= 0:
        content[at + 8] |= 1
        at = content.find(b"PK\x01\x02", at + 4)
    assert _read(opened, bytes(content), "a.xlsx") == "encrypted"


def test_the_file_that_excel_leaves_beside_an_open_one_is_recognised(opened: Opened) -> None:
    assert _read(opened, b"\x06Marta " + b" " * 150, "~$elenco.xlsx") == "lock_file"


@pytest.mark.parametrize("name", GOOD)
@pytest.mark.parametrize("share", [0.02, 0.3, 0.5, 0.9, 0.999])
def test_a_half_uploaded_file_cannot_be_read(opened: Opened, name: str, share: float) -> None:
    assert _read(opened, GOOD[name][: int(len(GOOD[name]) * share)], name) in {"unreadable", "unknown_format"}


@pytest.mark.parametrize("name", GOOD)
def test_a_damaged_file_is_read_or_refused_in_little_time(opened: Opened, name: str) -> None:
    chance = random.Random(7)
    with _within(30):
        for _ in range(150):
            content = bytearray(GOOD[name])
            for _ in range(chance.randint(1, 30)):
                content[chance.randrange(len(content))] = chance.randrange(256)
            _read(opened, bytes(content), name)


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    content=st.binary(max_size=400),
    head=st.sampled_from([b"", b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", b"\xff\xfe"]),
)
def test_random_bytes_are_read_or_refused(opened: Opened, content: bytes, head: bytes) -> None:
    _read(opened, head + content, "a.csv")


LAUGHS = (
    "<!DOCTYPE x [<!ENTITY a 'ah'>"
    + "".join(f"<!ENTITY {chr(98 + n)} '{f'&{chr(97 + n)};' * 10}'>" for n in range(9))
    + "]>"
)
OUTSIDE = '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>'
ROW = '<row r="1"><c r="A1" t="inlineStr"><is><t>&a;</t></is></c></row>'


@pytest.mark.parametrize("declaration", [LAUGHS, OUTSIDE, f"<!--{'x' * 100_000}-->{OUTSIDE}"])
@pytest.mark.parametrize(
    "content",
    [
        lambda text: raw_xlsx(ROW, declaration=text),
        lambda text: raw_xlsx(ROW, **{"xl/workbook.xml": f"{text}<workbook/>"}),
        lambda text: raw_xlsx(ROW, strings="x", **{"xl/sharedStrings.xml": f"{text}<sst><si><t>&a;</t></si></sst>"}),
        lambda text: ods("<table:table/>", declaration=text),
    ],
)
def test_entities_are_never_expanded(opened: Opened, content: Callable[[str], bytes], declaration: str) -> None:
    with _within(2):
        assert _read(opened, content(declaration), "a.xlsx") == "unreadable"


@pytest.mark.parametrize("encoding", ["utf-16", "latin-1"])
def test_xml_in_another_encoding_is_not_guessed_at(opened: Opened, encoding: str) -> None:
    sheet = f'<?xml version="1.0" encoding="{encoding}"?><worksheet><sheetData>{ROW}</sheetData></worksheet>'
    content = raw_xlsx("", **{"xl/worksheets/sheet1.xml": sheet.encode(encoding)})
    assert _read(opened, content, "a.xlsx") == "unreadable"


HUGE = 450 * 1024 * 1024


def _bomb(path: Path, part: str, begin: bytes, filling: bytes, end: bytes) -> None:
    """An archive a thousandth as large as what is in it."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        base = zipfile.ZipFile(io.BytesIO(raw_xlsx(ROW.replace("&a;", "a"), strings="<si><t>a</t></si>")))
        for name in base.namelist():
            if name != part:
                file.writestr(name, base.read(name))
        with file.open(part, "w", force_zip64=True) as out:
            out.write(begin)
            for _ in range(HUGE // len(filling)):
                out.write(filling)
            out.write(end)


_SHEET = b"<worksheet><sheetData>"


@pytest.mark.parametrize(
    ("part", "begin", "filling", "end"),
    [
        ("xl/worksheets/sheet1.xml", _SHEET + b'<row r="1"><c t="inlineStr"><is><t>', b"a" * 1_000_000, b""),
        ("xl/worksheets/sheet1.xml", b"<worksheet>", b" " * 1_000_000, _SHEET),
        ("xl/worksheets/sheet1.xml", _SHEET, b" " * 1_000_000, b""),
        ("xl/worksheets/sheet1.xml", _SHEET, b"<a>" * 300_000, b""),
        ("xl/worksheets/sheet1.xml", _SHEET, b"<row/>" * 200_000, b"</sheetData></worksheet>"),
        ("xl/sharedStrings.xml", b"<sst><si><t>", b"a" * 1_000_000, b"</t></si></sst>"),
        ("xl/sharedStrings.xml", b"<sst>", b"<si><t>a</t></si>" * 60_000, b"</sst>"),
        ("xl/workbook.xml", b"<workbook><!--", b"a" * 1_000_000, b"--></workbook>"),
    ],
)
def test_a_zip_bomb_takes_little_time_and_memory(
    tmp_path: Path, part: str, begin: bytes, filling: bytes, end: bytes
) -> None:
    path = tmp_path / "bomb.xlsx"
    _bomb(path, part, begin, filling, end)
    code, seconds, mib = _apart(path)
    assert code in {"zip_bomb", "cell_too_long", "unreadable"}
    assert seconds < 20
    assert mib < 220


def test_cells_far_apart_take_no_more_room_than_two(tmp_path: Path) -> None:
    path = tmp_path / "far.xlsx"
    path.write_bytes(
        raw_xlsx('<row r="1"><c r="A1" t="str"><v>a</v></c></row><row r="1048576"><c r="ALL1048576"><v>1</v></c></row>')
    )
    code, seconds, mib = _apart(path)
    assert code == "read"
    assert seconds < 2
    assert mib < 100


def test_a_huge_table_of_contents_is_not_read(opened: Opened) -> None:
    content = GOOD["a.xlsx"]
    at = content.rfind(b"PK\x05\x06")
    lying = content[:at] + content[at : at + 12] + struct.pack("<L", 2**31) + content[at + 16 :]
    assert _read(opened, lying, "a.xlsx") == "zip_bomb"


_PROGRAM = """
import sys, time
from pathlib import Path
from messaging.spreadsheets.reading import FileProblem, open_sheet
start, code = time.process_time(), "read"
try:
    for _ in open_sheet(Path(sys.argv[1]), "bomb.xlsx").rows():
        pass
except FileProblem as problem:
    code = problem.code
# Of the process's own map: ru_maxrss is handed down from the one that started it.
peak = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM:"))
print(code, time.process_time() - start, int(peak.split()[1]) / 1024)
"""


def _apart(path: Path) -> tuple[str, float, float]:
    """Read a file in a process of its own; return the code, processor seconds and MiB at most."""
    done = subprocess.run([sys.executable, "-c", _PROGRAM, str(path)], capture_output=True, text=True, check=True)
    code, seconds, mib = done.stdout.split()
    return code, float(seconds), float(mib)
