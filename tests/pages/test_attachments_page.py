"""The files of a draft: added without losing what was typed, refused with a reason, ordered, removed, opened."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from messaging.delivery import approval, content
from messaging.enums import Kind, Status
from messaging.models import Attachment, Message
from messaging.remote import contents
from tests import cast
from tests.compose.conftest import Desk, desk, errors_of, said
from tests.compose.remote import PROTECTED_BODY, REMOTE, attach, register, upload
from tests.documents.makers import pdfa, plain

__all__ = ["desk"]


@pytest.fixture(autouse=True)
def storage(settings: Any, tmp_path: Path, desk: Desk) -> Path:
    folder = tmp_path / "media"
    backend = {"BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": {"location": folder}}
    settings.STORAGES = {**settings.STORAGES, "default": backend}
    register(desk.service)
    return folder


def press(desk: Desk, draft: Message, action: str, **typed: Any) -> Any:
    return desk.save(draft, action=action, **{**REMOTE, "advanced": "on", "has_attachments": "on", **typed})


def names(draft: Message) -> list[str]:
    return [file.name for file in contents.files_of(draft)]


def test_adding_a_file_keeps_all_that_was_typed(desk: Desk) -> None:
    draft = desk.draft(Kind.PAYMENT)
    response = attach(desk, draft, upload(), subject="Oggetto appena scritto", amount="1.234", reference="P/7")
    assert response["Location"] == reverse("message_edit", args=[draft.public_id]) + "#attachments"
    draft.refresh_from_db()
    assert (draft.subject, draft.reference, draft.has_attachments) == ("Oggetto appena scritto", "P/7", True)
    page = said(desk.get("message_edit", draft))
    assert 'value="1.234"' in page
    assert PROTECTED_BODY in page
    assert "referto.pdf" in page
    assert "1 pagina" in page
    assert "dichiara PDF/A-2a" in page


def test_the_tick_comes_by_itself(desk: Desk) -> None:
    draft = desk.draft()
    attach(desk, draft, upload(), has_remote_content="")
    draft.refresh_from_db()
    assert (draft.has_remote_content, draft.has_attachments) == (False, True)
    assert content.is_fetched(draft)


@pytest.mark.parametrize(
    ("file", "sentence"),
    [
        (None, "Scegli prima il file PDF da aggiungere."),
        (
            SimpleUploadedFile("foto.pdf", b"\xff\xd8\xff, un ritratto"),
            "foto.pdf: È un’immagine, non un PDF: aprila, salvala in PDF/A-2a, e carica quello.",
        ),
        (SimpleUploadedFile("vuoto.pdf", b""), "vuoto.pdf: Il file è vuoto: esportalo di nuovo, e caricalo."),
    ],
)
def test_a_file_that_is_no_good_is_refused_beside_its_field_and_the_text_stays(
    desk: Desk, file: SimpleUploadedFile | None, sentence: str
) -> None:
    draft = desk.draft()
    response = attach(desk, draft, file, reference="P/7")
    assert sentence in errors_of(response)
    assert 'value="P/7"' in said(response)
    assert "L’allegato non è stato aggiunto." in said(response)
    draft.refresh_from_db()
    assert draft.reference == "P/7"
    assert not Attachment.objects.exists()


def test_the_same_file_is_not_added_twice(desk: Desk) -> None:
    draft = desk.draft()
    attach(desk, draft, upload())
    response = attach(desk, draft, upload())
    assert errors_of(response) == ["referto.pdf c’è già: scegli un altro file."]
    assert names(draft) == ["referto.pdf"]


def test_a_file_that_is_not_pdf_a_is_taken_with_advice(desk: Desk) -> None:
    draft = desk.draft()
    attach(desk, draft, upload("avviso.pdf", plain()))
    page = said(desk.get("message_edit", draft))
    assert "non dichiara di essere PDF/A" in page
    assert "La guida di IO chiede PDF/A-2a" in page


def test_files_change_places_and_leave_while_the_text_is_kept(desk: Desk) -> None:
    draft = desk.draft()
    for number, name in enumerate(("uno.pdf", "due.pdf", "tre.pdf"), start=1):
        attach(desk, draft, upload(name, pdfa(pages=number)))
    before = draft.remote_content.digest
    third = contents.files_of(draft)[2]
    press(desk, draft, f"up-{third.pk}", reference="P/8")
    assert names(draft) == ["uno.pdf", "tre.pdf", "due.pdf"]
    draft.refresh_from_db()
    assert (draft.reference, draft.remote_content.digest == before) == ("P/8", False)
    first = contents.files_of(draft)[0]
    press(desk, draft, f"up-{first.pk}")
    assert names(draft) == ["uno.pdf", "tre.pdf", "due.pdf"]
    press(desk, draft, f"detach-{first.pk}", reference="P/9")
    assert names(draft) == ["tre.pdf", "due.pdf"]
    draft.refresh_from_db()
    assert draft.reference == "P/9"
    press(desk, draft, f"detach-{first.pk}")
    press(desk, draft, "detach-junk")
    assert names(draft) == ["tre.pdf", "due.pdf"]


def test_files_of_another_message_are_out_of_reach(desk: Desk) -> None:
    other, draft = desk.draft(), desk.draft()
    attach(desk, other, upload())
    [file] = contents.files_of(other)
    press(desk, draft, f"detach-{file.pk}")
    assert names(other) == ["referto.pdf"]
    address = reverse("attachment_open", args=[draft.public_id, file.attachment_id])
    assert desk.as_().get(address).status_code == 404


def test_attachments_ask_for_premium_in_words(desk: Desk) -> None:
    draft = desk.draft()
    attach(desk, draft, upload())
    response = press(desk, draft, "check", advanced="")
    assert errors_of(response) == [
        "Gli allegati vanno solo nei messaggi Premium: spunta «Messaggio Premium», oppure toglili."
    ]
    assert press(desk, draft, "check")["Location"] == reverse("message_check", args=[draft.public_id])


def test_a_service_without_premium_has_no_place_for_files(desk: Desk) -> None:
    draft = desk.draft()
    attach(desk, draft, upload())
    desk.service.premium = False
    desk.service.save()
    response = press(desk, draft, "check")
    assert errors_of(response) == [
        "Questo servizio non ha l’accordo Premium, e senza non partono allegati: toglili, o scegli un altro servizio."
    ]
    [file] = contents.files_of(draft)
    press(desk, draft, f"detach-{file.pk}", has_attachments="")
    page = said(desk.get("message_edit", draft))
    assert "non ha l’accordo Premium con IO" in page
    assert 'name="attachment"' not in page


def test_what_has_left_takes_no_more_files(desk: Desk) -> None:
    draft = desk.draft(recipient=cast.make_recipient(desk.service.institution))
    data = desk.form(draft, **REMOTE, advanced="on")
    Message.objects.filter(pk=draft.pk).update(status=Status.PROCESSED, io_id="01K")
    response = desk.as_().post(
        reverse("message_edit", args=[draft.public_id]), {**data, "action": "attach", "attachment": upload()}
    )
    assert response.status_code == 302
    assert names(draft) == []


def test_what_was_checked_in_another_tab_is_not_sent_with_another_file(desk: Desk) -> None:
    draft = desk.draft()
    attach(desk, draft, upload())
    press(desk, draft, "check")
    draft.refresh_from_db()
    seen = draft.changed_at.isoformat()
    contents.attach(draft, contents.files_of(draft)[0].attachment, "altro.pdf", desk.clerk)
    desk.send(draft, changed_at=seen)
    draft.refresh_from_db()
    assert draft.status == Status.DRAFT


def test_whoever_may_read_the_message_opens_its_files(desk: Desk) -> None:
    draft = desk.draft()
    attach(desk, draft, upload("Città à.pdf"))
    [file] = contents.files_of(draft)
    address = reverse("attachment_open", args=[draft.public_id, file.attachment_id])
    response = desk.as_(desk.supervisor).get(address)
    assert b"".join(response.streaming_content) == pdfa()
    assert response["Content-Type"] == "application/pdf"
    assert response["Content-Disposition"].startswith("inline")
    assert response["Content-Security-Policy"].startswith("sandbox;")
    assert "no-store" in response["Cache-Control"]
    assert response["X-Content-Type-Options"] == "nosniff"
    assert desk.as_(desk.stranger).get(address).status_code == 404


def test_a_file_that_was_emptied_is_not_found(desk: Desk) -> None:
    draft = desk.draft()
    attach(desk, draft, upload())
    [file] = contents.files_of(draft)
    address = reverse("attachment_open", args=[draft.public_id, file.attachment_id])
    file.attachment.file.storage.delete(file.attachment.file.name)
    assert desk.as_().get(address).status_code == 404
    Attachment.objects.update(file="")
    assert desk.as_().get(address).status_code == 404


def test_the_digest_that_is_approved_counts_the_files(desk: Desk) -> None:
    draft = desk.draft()
    attach(desk, draft, upload())
    press(desk, draft, "check")
    draft.refresh_from_db()
    before = content.approval_digest(draft)
    attach(desk, draft, upload("altro.pdf", pdfa(pages=2)))
    now = Message.objects.get(pk=draft.pk)
    assert content.approval_digest(now) != before
    assert approval.earlier_sending(now) is None
