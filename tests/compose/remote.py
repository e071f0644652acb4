"""What tests of remote content share: a registered place, files, and a draft whose text IO fetches."""

from __future__ import annotations

from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from messaging.enums import Kind, Status
from messaging.models import Message, RemoteConfiguration, Service
from tests.compose.conftest import Desk
from tests.documents.makers import pdfa

CONFIGURATION = "01JRCVA1D0R1A0000000000001"
PROTECTED_SUBJECT = "L’esito della tua domanda di contributo"
PROTECTED_BODY = (
    "Gentile Mario Rossi, la domanda 123/2026 è stata accolta: riceverai 1.250,00 euro. Per dubbi: 0123 456789."
)
COURTESY = "Il Comune ti ha scritto un messaggio che puoi leggere solo tu: apri l’app IO per leggerlo tutto."
REMOTE = {
    "has_remote_content": "on",
    "body": COURTESY,
    "protected_subject": PROTECTED_SUBJECT,
    "protected_body": PROTECTED_BODY,
}
ASKING = {
    "precondition": "ALWAYS",
    "precondition_title": "Contiene dati sul reddito",
    "precondition_body": "Aprilo quando nessuno guarda il tuo schermo.",
}


def register(service: Service) -> None:
    """IO knows where to fetch this institution's content, and the service may send attachments."""
    RemoteConfiguration.objects.create(
        institution=service.institution, configuration_id=CONFIGURATION, name="Contenuti", description="Di prova"
    )
    Service.objects.filter(pk=service.pk).update(premium=True)
    service.premium = True


def upload(name: str = "referto.pdf", content: bytes | None = None) -> SimpleUploadedFile:
    """A file as a browser sends it; a good PDF unless ``content`` says otherwise."""
    return SimpleUploadedFile(name, pdfa() if content is None else content, content_type="application/pdf")


def attach(desk: Desk, draft: Message, file: SimpleUploadedFile | None, **typed: Any) -> Any:
    """Press «Aggiungi» on the page of a draft."""
    data = desk.form(draft, **{"advanced": "on", **REMOTE, **typed}, action="attach")
    if file is not None:
        data["attachment"] = file
    return desk.as_().post(reverse("message_edit", args=[draft.public_id]), data)


def sent(desk: Desk, *names: str, **typed: Any) -> Message:
    """A delivered message whose text IO fetches, with files of these names."""
    draft = desk.draft(Kind.INFORMATIONAL)
    desk.save(draft, **{**REMOTE, **typed})
    for number, name in enumerate(names, start=1):
        response = attach(desk, draft, upload(name, pdfa(pages=number)), **typed)
        assert response.status_code == 302
    Message.objects.filter(pk=draft.pk).update(status=Status.PROCESSED, io_id=f"01K{draft.pk:023d}", typed={})
    draft.refresh_from_db()
    return draft
