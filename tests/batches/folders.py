"""An office whose messages are fetched: a service with a registered place, templates, and zips of small PDFs."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Mapping, Sequence
from typing import Any

import pikepdf

from messaging.batches import checking, uploads
from messaging.enums import Kind, Precondition
from messaging.models import Batch, RemoteConfiguration, Service, Template
from tests import cast
from tests.batches.conftest import Office, never

#: The place that the simulator knows of its account «valdoria».
CONFIGURATION = "01JRCVA1D0R1A0000000000001"
HEADER = ("codice_fiscale", "nome", "allegato")
SUBJECT = "Esito della sua richiesta"
BODY = (
    "Gentile cittadina o cittadino, l’esito della sua richiesta è pronto: apra il messaggio per leggerlo, quando vuole."
)
PROTECTED_BODY = (
    "Gentile ((nome)), la sua richiesta è stata accolta: trova il provvedimento fra gli allegati di qui sotto."
)


def a_pdf(pages: int = 1) -> bytes:
    """A PDF of blank pages; another number of them is another content."""
    out = io.BytesIO()
    with pikepdf.new() as document:
        for _page in range(pages):
            document.add_blank_page(page_size=(200, 300))
        document.save(out, static_id=True)
    return out.getvalue()


def a_zip(files: Mapping[str, bytes]) -> bytes:
    """A zip of these files."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return out.getvalue()


def register(service: Service) -> None:
    """IO knows where to fetch this institution's content."""
    RemoteConfiguration.objects.create(
        institution=service.institution, configuration_id=CONFIGURATION, name="Contenuti", description="Di prova"
    )


def make_template(service: Service, **kw: Any) -> Template:
    """A template with protected text, a precondition and attachments."""
    kw.setdefault("has_attachments", True)
    return cast.make_template(
        service,
        **{
            "kind": Kind.INFORMATIONAL,
            "subject": SUBJECT,
            "body": BODY,
            "has_remote_content": True,
            "protected_subject": "La richiesta di ((nome))",
            "protected_body": PROTECTED_BODY,
            "precondition": Precondition.ONCE,
            "precondition_title": "Prima di aprire",
            "precondition_body": "Contiene dati personali di ((nome)).",
            **kw,
        },
    )


def make_ready(office: Office) -> Template:
    """Let the office's service send protected text and attachments; its template for that."""
    office.service.premium = True
    office.service.save()
    register(office.service)
    return make_template(office.service)


def upload(office: Office, template: Template, content: bytes, files: Mapping[str, bytes] | None) -> Batch:
    """A batch as it is right after its upload."""
    folder = uploads.Folder(io.BytesIO(a_zip(files)), "allegati.zip") if files is not None else None
    stream = io.BytesIO(content)
    return uploads.upload(office.service, template, office.clerk, stream, "elenco.csv", folder=folder)


def checked(office: Office, template: Template, content: bytes, files: Mapping[str, bytes] | None) -> Batch:
    """A batch after its check."""
    batch = upload(office, template, content, files)
    checking.check(batch, never)
    return Batch.objects.get(pk=batch.pk)


def sheet(*rows: Sequence[str], header: Sequence[str] = HEADER) -> bytes:
    """A CSV file, in which a cell may name several files."""
    out = io.StringIO(newline="")
    csv.writer(out, delimiter=";").writerows([header, *rows])
    return out.getvalue().encode()


def row(number: int, name: str = "Laura", attachment: str | None = None) -> list[str]:
    """A row without any fault, whose file has the row's number."""
    return [cast.make_fiscal_code(number), name, f"esito-{number}.pdf" if attachment is None else attachment]
