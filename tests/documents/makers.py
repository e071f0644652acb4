"""PDFs and zips as citizens' offices make them, and as nobody should."""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Mapping
from typing import Any

import pikepdf
from pikepdf import Array, Dictionary, Name

SCRIPT = "app.alert('x');"
_XMP = """<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
{description}
</rdf:RDF></x:xmpmeta>
<?xpacket end="w"?>"""
_AS_ATTRIBUTES = """<rdf:Description rdf:about="" xmlns:pdfaid="http://www.aiim.org/pdfa/ns/id/"
 pdfaid:part="{part}" pdfaid:conformance="{conformance}"/>"""
_AS_ELEMENTS = """<rdf:Description rdf:about="" xmlns:pdfaid="http://www.aiim.org/pdfa/ns/id/">
<pdfaid:part>{part}</pdfaid:part><pdfaid:conformance>{conformance}</pdfaid:conformance></rdf:Description>"""


def xmp(part: str = "2", conformance: str = "A", *, as_elements: bool = False) -> bytes:
    """A metadata packet that declares PDF/A in one of the two forms."""
    form = _AS_ELEMENTS if as_elements else _AS_ATTRIBUTES
    return _XMP.format(description=form.format(part=part, conformance=conformance)).encode()


def document(pages: int = 1) -> pikepdf.Pdf:
    """A document of empty pages."""
    pdf = pikepdf.new()
    for _ in range(pages):
        pdf.add_blank_page()
    return pdf


def saved(pdf: pikepdf.Pdf, **options: Any) -> bytes:
    """The document as a file that is always the same."""
    stream = io.BytesIO()
    pdf.save(stream, static_id=True, **options)
    return stream.getvalue()


def plain(pages: int = 1) -> bytes:
    """A good PDF that declares nothing."""
    return saved(document(pages))


def pdfa(part: str = "2", conformance: str = "A", *, pages: int = 1, as_elements: bool = False) -> bytes:
    """A good PDF that declares to be PDF/A."""
    pdf = document(pages)
    pdf.Root.Metadata = metadata(pdf, xmp(part, conformance, as_elements=as_elements))
    return saved(pdf, compress_streams=False)


def metadata(pdf: pikepdf.Pdf, packet: bytes) -> pikepdf.Object:
    """A metadata stream."""
    return pdf.make_indirect(pikepdf.Stream(pdf, packet, Type=Name.Metadata, Subtype=Name.XML))


def unlike(number: int) -> bytes:
    """A good PDF/A-2a that is like no other of another number."""
    pdf = document()
    pdf.Root.Metadata = metadata(pdf, xmp())
    pdf.Root.Lang = f"it-{number}"
    return saved(pdf, compress_streams=False)


def script_action() -> Dictionary:
    return Dictionary(S=Name.JavaScript, JS=SCRIPT)


def _at_opening(pdf: pikepdf.Pdf) -> None:
    pdf.Root.OpenAction = script_action()


def _in_names(pdf: pikepdf.Pdf) -> None:
    pdf.Root.Names = Dictionary(JavaScript=Dictionary(Names=Array(["a", pdf.make_indirect(script_action())])))


def _in_names_of_names(pdf: pikepdf.Pdf) -> None:
    leaf = pdf.make_indirect(Dictionary(Names=Array(["a", script_action()]), Limits=Array(["a", "a"])))
    pdf.Root.Names = Dictionary(JavaScript=Dictionary(Kids=Array([leaf])))


def _at_closing(pdf: pikepdf.Pdf) -> None:
    pdf.Root.AA = Dictionary(WC=script_action())


def _on_a_page(pdf: pikepdf.Pdf) -> None:
    pdf.pages[0].obj.AA = Dictionary(O=script_action())


def _on_a_link(pdf: pikepdf.Pdf) -> None:
    _annotate(pdf, Subtype=Name.Link, A=script_action())


def _after_another_action(pdf: pikepdf.Pdf) -> None:
    first = Dictionary(S=Name.GoTo, D=Array([0, Name.Fit]), Next=Array([script_action()]))
    _annotate(pdf, Subtype=Name.Link, A=first)


def _in_a_field(pdf: pikepdf.Pdf) -> None:
    field = pdf.make_indirect(Dictionary(FT=Name.Tx, T="f", AA=Dictionary(K=script_action())))
    pdf.Root.AcroForm = Dictionary(Fields=Array([field]))


def _in_a_stream(pdf: pikepdf.Pdf) -> None:
    pdf.Root.OpenAction = Dictionary(S=Name.JavaScript, JS=pdf.make_stream(SCRIPT.encode()))


def _in_a_rendition(pdf: pikepdf.Pdf) -> None:
    _annotate(pdf, Subtype=Name.Screen, A=Dictionary(S=Name.Rendition, JS=SCRIPT))


def _in_an_outline(pdf: pikepdf.Pdf) -> None:
    item = pdf.make_indirect(Dictionary(Title="a", A=script_action()))
    pdf.Root.Outlines = pdf.make_indirect(Dictionary(First=item, Last=item, Count=1))


def _in_an_address(pdf: pikepdf.Pdf) -> None:
    _annotate(pdf, Subtype=Name.Link, A=Dictionary(S=Name.URI, URI=" JavaScript:alert(1)"))


def _annotate(pdf: pikepdf.Pdf, **entries: Any) -> None:
    annotation = Dictionary(Type=Name.Annot, Rect=Array([0, 0, 10, 10]), **entries)
    pdf.pages[0].obj.Annots = Array([pdf.make_indirect(annotation)])


SCRIPTS = {
    function.__name__.strip("_"): function
    for function in (
        *(_at_opening, _in_names, _in_names_of_names, _at_closing, _on_a_page, _on_a_link, _after_another_action),
        *(_in_a_field, _in_a_stream, _in_a_rendition, _in_an_outline, _in_an_address),
    )
}


def scripted(where: str, *, in_object_streams: bool = False) -> bytes:
    """A PDF with JavaScript in a place of SCRIPTS."""
    pdf = document()
    SCRIPTS[where](pdf)
    mode = pikepdf.ObjectStreamMode.generate if in_object_streams else pikepdf.ObjectStreamMode.disable
    return saved(pdf, object_stream_mode=mode)


def encrypted(user: str = "", owner: str = "segreto") -> bytes:
    """A PDF that opens with a password, or without one and with restrictions."""
    return saved(document(), encryption=pikepdf.Encryption(owner=owner, user=user))


def with_file() -> bytes:
    """A PDF that carries another file in its list of files."""
    pdf = document()
    pdf.attachments["dati.csv"] = b"a;b"
    return saved(pdf)


def with_associated_file() -> bytes:
    """A PDF/A-3 that carries another file, which no list of files names."""
    pdf = document()
    content = pdf.make_stream(b"a;b")
    pdf.Root.AF = Array([pdf.make_indirect(Dictionary(Type=Name.Filespec, F="a.csv", EF=Dictionary(F=content)))])
    pdf.Root.Metadata = metadata(pdf, xmp("3", "B"))
    return saved(pdf)


def with_annotation(subtype: str, **entries: Any) -> bytes:
    """A PDF with an annotation such as "/FileAttachment"."""
    pdf = document()
    _annotate(pdf, Subtype=Name(subtype), **entries)
    return saved(pdf)


def with_launch() -> bytes:
    """A PDF that starts a program."""
    return with_annotation("/Link", A=Dictionary(S=Name.Launch, F="cmd.exe"))


def with_xfa() -> bytes:
    """A form of the kind that few programs show."""
    pdf = document()
    pdf.Root.AcroForm = Dictionary(Fields=Array([]), XFA=pdf.make_stream(b"<xdp/>"))
    return saved(pdf)


def by_hand(objects: Mapping[int, bytes], in_stream: bytes, entries: bytes) -> bytes:
    """A PDF whose object 5, of which the catalogue says that it acts at opening, stands in an object stream (4)."""
    content = b"%PDF-1.7\n"
    places: dict[int, int] = {}
    whole = {
        1: b"<< /Type /Catalog /Pages 2 0 R /OpenAction 5 0 R >>",
        2: b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        3: b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 10 10] /Resources << >> >>",
        4: b"<< /Type /ObjStm /N 1 /First 4 %s /Length %d >>\nstream\n%s\nendstream"
        % (entries, len(in_stream), in_stream),
        **objects,
    }
    for number, body in sorted(whole.items()):
        places[number] = len(content)
        content += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    rows = b"\0\0\0\0\0\xff" + b"".join(b"\1" + places[n].to_bytes(4, "big") + b"\0" for n in (1, 2, 3, 4))
    rows += b"\2" + (4).to_bytes(4, "big") + b"\0" + b"\1" + len(content).to_bytes(4, "big") + b"\0"
    table = b"<< /Type /XRef /Size 7 /W [1 4 1] /Root 1 0 R /Length %d >>\nstream\n%s\nendstream" % (len(rows), rows)
    return content + b"6 0 obj\n%s\nendobj\nstartxref\n%d\n%%%%EOF\n" % (table, len(content))


HIDDEN_SCRIPT = b"5 0 << /S /J#61vaScript /JS (x) >>"


def hidden_script(*, filters: bytes = b"/Filter /FlateDecode", cut: int | None = None) -> bytes:
    """JavaScript in a compressed object stream, which may be cut or have a filter that nobody knows."""
    return by_hand({}, zlib.compress(HIDDEN_SCRIPT)[:cut], filters)


def bomb(megabytes: int = 200, *, twice: bool = False) -> bytes:
    """A small PDF with an object stream that unpacks to so many megabytes."""
    squeeze = zlib.compressobj(9)
    packed = squeeze.compress(HIDDEN_SCRIPT) + b"".join(squeeze.compress(b" " * 2**20) for _ in range(megabytes))
    packed += squeeze.flush()
    if twice:
        return by_hand({}, zlib.compress(packed, 9), b"/Filter [/FlateDecode /FlateDecode]")
    return by_hand({}, packed, b"/Filter /FlateDecode")


def crowd(objects: int) -> bytes:
    """A small PDF of so many objects."""
    pdf = document()
    pdf.Root.Crowd = Array([pdf.make_indirect(Dictionary(A=Array([]))) for _ in range(objects)])
    return saved(pdf, object_stream_mode=pikepdf.ObjectStreamMode.generate)


def zipped(files: Mapping[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> io.BytesIO:
    """A zip of these files."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", method) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    stream.seek(0)
    return stream
