"""Spreadsheet files made byte by byte, for what the libraries that write them cannot be made to do."""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import xlsxwriter

_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006/relationships"


def archive(parts: Mapping[str, str | bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in parts.items():
            file.writestr(name, content)
    return out.getvalue()


def written_xlsx(write: Callable[[Any], None], **options: Any) -> bytes:
    """An XLSX of XlsxWriter, filled by `write(workbook)`."""
    out = io.BytesIO()
    with xlsxwriter.Workbook(out, {"in_memory": True, **options}) as book:
        write(book)
    return out.getvalue()


def xlsx(rows: Sequence[Sequence[Any]], **options: Any) -> bytes:
    """An XLSX of one sheet with these values."""

    def write(book: Any) -> None:
        page = book.add_worksheet("Elenco")
        for number, row in enumerate(rows):
            page.write_row(number, 0, row)

    return written_xlsx(write, **options)


def raw_xlsx(
    sheet_data: str,
    *,
    before: str = "",
    declaration: str = "",
    strings: str = "",
    prefix: str = "",
    **parts: str | bytes,
) -> bytes:
    """An XLSX whose only sheet has this text between the tags of `sheetData`."""
    colon = f"{prefix}:" if prefix else ""
    namespace = f"xmlns:{prefix}" if prefix else "xmlns"
    relations = [("rId1", "worksheet", "worksheets/sheet1.xml")]
    content: dict[str, str | bytes] = {
        "xl/workbook.xml": (
            f'<workbook xmlns="{_MAIN}" xmlns:r="{_RELATIONS}"><sheets>'
            '<sheet name="Elenco" sheetId="1" r:id="rId1"/></sheets></workbook>'
        ),
        "xl/worksheets/sheet1.xml": (
            f'{declaration}<{colon}worksheet {namespace}="{_MAIN}">{before}'
            f"<{colon}sheetData>{sheet_data}</{colon}sheetData></{colon}worksheet>"
        ),
    }
    if strings:
        relations.append(("rId2", "sharedStrings", "sharedStrings.xml"))
        content["xl/sharedStrings.xml"] = f'<sst xmlns="{_MAIN}">{strings}</sst>'
    listed = "".join(
        f'<Relationship Id="{name}" Type="{_RELATIONS}/{kind}" Target="{target}"/>' for name, kind, target in relations
    )
    content["xl/_rels/workbook.xml.rels"] = f'<Relationships xmlns="{_PACKAGE}">{listed}</Relationships>'
    content.update(parts)
    return archive(content)


_ODS_NAMES = "".join(
    f' xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"' for name in ("office", "table", "text", "style")
)


def ods(tables: str, *, styles: str = "", declaration: str = "", **parts: str | bytes) -> bytes:
    """An ODS with these `table:table` elements."""
    content = (
        f"{declaration}<office:document-content{_ODS_NAMES}><office:automatic-styles>{styles}</office:automatic-styles>"
        f"<office:body><office:spreadsheet>{tables}</office:spreadsheet></office:body></office:document-content>"
    )
    mimetype = "application/vnd.oasis.opendocument.spreadsheet"
    return archive({"mimetype": mimetype, "content.xml": content, **parts})


def ods_row(*cells: str, attributes: str = "") -> str:
    return f"<table:table-row {attributes}>{''.join(cells)}</table:table-row>"


def ods_text(text: str, attributes: str = "") -> str:
    return f'<table:table-cell office:value-type="string" {attributes}><text:p>{text}</text:p></table:table-cell>'


# XLS: a compound file with one stream of BIFF8 records


def _record(kind: int, content: bytes) -> bytes:
    return struct.pack("<HH", kind, len(content)) + content


def _begin(kind: int) -> bytes:
    return _record(0x809, struct.pack("<HHHHLL", 0x600, kind, 0x0DBB, 0x07CC, 0, 6))


def _label(row: int, column: int, text: str) -> bytes:
    coded = text.encode("utf-16-le")
    return _record(0x204, struct.pack("<HHHHB", row, column, 0, len(text), 1) + coded)


def _xls_cell(row: int, column: int, value: str | float) -> bytes:
    if isinstance(value, str):
        return _label(row, column, value)
    return _record(0x203, struct.pack("<HHHd", row, column, 0, value))


def xls_sheet(
    cells: Mapping[tuple[int, int], str | float],
    hidden_rows: Sequence[int] = (),
    hidden_columns: Sequence[int] = (),
) -> bytes:
    content = _begin(0x10)
    for column in hidden_columns:
        content += _record(0x7D, struct.pack("<HHHHHH", column, column, 2048, 0, 1, 0))
    for row in hidden_rows:
        content += _record(0x208, struct.pack("<HHHHHHHH", row, 0, 256, 255, 0, 0, 0x20, 0))
    content += b"".join(_xls_cell(row, column, value) for (row, column), value in cells.items())
    return content + _record(0x0A, b"")


def xls(sheets: Sequence[tuple[str, int, bytes]], extra: bytes = b"") -> bytes:
    """An XLS with these sheets: name, state (0 visible, 1 hidden), and content as of `xls_sheet`."""

    def bound(name: str, state: int, start: int) -> bytes:
        return _record(0x85, struct.pack("<LBBBB", start, state, 0, len(name), 0) + name.encode("latin-1"))

    header = _begin(0x05) + extra + _record(0x42, struct.pack("<H", 1200))
    at = len(header) + sum(len(bound(name, state, 0)) for name, state, _ in sheets) + 4
    for name, state, content in sheets:
        header += bound(name, state, at)
        at += len(content)
    return compound_file("Workbook", header + _record(0x0A, b"") + b"".join(content for _, _, content in sheets))


def compound_file(name: str, stream: bytes) -> bytes:
    """A compound file (MS-CFB) with one stream, padded to the size from which it has sectors of its own."""
    stream = stream.ljust(max(4096, -(-len(stream) // 512) * 512), b"\0")
    count = len(stream) // 512
    end, free, table_mark = 0xFFFFFFFE, 0xFFFFFFFF, 0xFFFFFFFD
    # Sectors: the table first, as many as it takes, then the directory, then the stream.
    tables = -(-(count + 2) // 127)
    table = [table_mark] * tables + [end] + [tables + 2 + place for place in range(count - 1)] + [end]
    table += [free] * (tables * 128 - len(table))
    header = struct.pack(
        "<8s16xHHHHH6xLLLLLLLLL",
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
        0x3E,
        3,
        0xFFFE,
        9,
        6,
        0,
        tables,
        tables,
        0,
        4096,
        end,
        0,
        end,
        0,
    )
    header += struct.pack("<109L", *(list(range(tables)) + [free] * (109 - tables)))
    return header + struct.pack(f"<{len(table)}L", *table) + _directory(name, tables + 1, len(stream)) + stream


def _directory(name: str, start: int, size: int) -> bytes:
    def entry(label: str, kind: int, child: int, first: int, length: int) -> bytes:
        coded = label.encode("utf-16-le")
        none = 0xFFFFFFFF
        names = coded.ljust(64, b"\0") + struct.pack("<HBB", len(coded) + 2 if label else 0, kind, 1)
        return names + struct.pack("<LLL16xL16xLLL", none, none, child, 0, first, length, 0)

    none = 0xFFFFFFFF
    root = entry("Root Entry", 5, 1, 0xFFFFFFFE, 0)
    return root + entry(name, 2, none, start, size) + entry("", 0, none, 0, 0) * 2
