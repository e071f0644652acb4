"""Correcting after sending: the next opening shows the new version, the old ones stay on record."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone

from messaging.enums import Status
from messaging.models import Message, RemoteContent
from messaging.remote import contents
from tests.compose.conftest import Desk, desk, errors_of, said
from tests.compose.remote import ASKING, PROTECTED_BODY, PROTECTED_SUBJECT, register, sent, upload
from tests.documents.makers import pdfa

__all__ = ["desk"]

NEW = f"Corretto: {PROTECTED_BODY}"


@pytest.fixture(autouse=True)
def storage(settings: Any, tmp_path: Path, desk: Desk) -> Path:
    folder = tmp_path / "media"
    backend = {"BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": {"location": folder}}
    settings.STORAGES = {**settings.STORAGES, "default": backend}
    register(desk.service)
    return folder


def correct(desk: Desk, message: Message, person: Any = None, **typed: Any) -> Any:
    data = {
        "seen_version": 1,
        "protected_subject": PROTECTED_SUBJECT,
        "protected_body": NEW,
        "note": "L’importo era sbagliato",
        **typed,
    }
    return desk.post("message_remote_correct", message, person, **data)


def test_the_page_shows_what_the_citizen_reads_now_and_says_that_nobody_is_notified(desk: Desk) -> None:
    message = sent(desk)
    page = said(desk.get("message_remote_correct", message))
    assert "Il cittadino non riceve una nuova notifica: alla prossima apertura vede questo." in page
    assert PROTECTED_BODY in page
    assert "Versione 1, quella di adesso" in page


@pytest.mark.parametrize("who", ["clerk", "supervisor"])
def test_the_text_is_replaced_and_the_old_one_kept(desk: Desk, who: str) -> None:
    message = sent(desk)
    before = message.remote_content.digest
    person = getattr(desk, who)
    assert correct(desk, message, person)["Location"] == reverse("message_remote_correct", args=[message.public_id])
    now = RemoteContent.objects.get(message=message)
    assert (now.body, now.version, now.written_by, now.note) == (NEW, 2, person, "L’importo era sbagliato")
    assert now.digest != before
    old = now.versions.get()
    assert (old.number, old.body, old.written_by) == (1, PROTECTED_BODY, desk.clerk)
    page = said(desk.get("message_remote_correct", message))
    for text in ("Versione 2, quella di adesso", "«L’importo era sbagliato»", "Leggi la versione 1"):
        assert text in page


def test_a_file_takes_the_place_and_the_name_of_the_old_one(desk: Desk) -> None:
    message = sent(desk, "referto.pdf", "modulo.pdf")
    first, second = contents.files_of(message)
    new = upload("corretto.pdf", pdfa(pages=9))
    correct(desk, message, **{f"file_{first.pk}": new})
    files = contents.files_of(message)
    assert [(file.name, file.attachment.pages) for file in files] == [("referto.pdf", 9), ("modulo.pdf", 2)]
    assert files[1].pk == second.pk
    now = RemoteContent.objects.get(message=message)
    assert (now.version, now.body) == (2, NEW)
    page = said(desk.get("message_remote_correct", message))
    assert "Allegati sostituiti" in page
    assert reverse("attachment_open", args=[message.public_id, first.attachment_id]) in page


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"note": ""}, "Scrivi perché correggi: chi guarda la storia lo deve capire."),
        ({"protected_subject": ""}, "Scrivi l’oggetto protetto."),
        ({"protected_body": "Breve"}, "Mancano 75 caratteri: ne servono almeno 80."),
        ({"protected_body": "x" * 10_001}, "C’è un carattere di troppo: il massimo è 10.000."),
    ],
)
def test_what_would_not_open_is_not_saved(desk: Desk, wrong: dict[str, str], sentence: str) -> None:
    message = sent(desk)
    assert errors_of(correct(desk, message, **wrong)) == [sentence]
    assert contents.texts_of(message).body == PROTECTED_BODY


def test_a_file_that_is_no_good_changes_nothing(desk: Desk) -> None:
    message = sent(desk, "referto.pdf")
    [file] = contents.files_of(message)
    response = correct(desk, message, **{f"file_{file.pk}": upload("x.pdf", b"<html>")})
    assert errors_of(response) == ["È una pagina web, non un PDF: stampala in PDF, e carica quello."]
    page = said(response)
    assert "Scegli di nuovo i file:" in page
    assert NEW in page
    assert contents.texts_of(message).body == PROTECTED_BODY
    assert contents.files_of(message) == [file]


def test_the_same_file_is_no_correction(desk: Desk) -> None:
    message = sent(desk, "referto.pdf")
    [file] = contents.files_of(message)
    response = correct(desk, message, **{f"file_{file.pk}": upload("referto.pdf")})
    assert errors_of(response) == ["Questo file c’è già: scegli quello corretto."]


def test_nothing_changed_is_said(desk: Desk) -> None:
    message = sent(desk)
    assert "Non hai cambiato niente:" in said(correct(desk, message, protected_body=PROTECTED_BODY))
    assert RemoteContent.objects.get(message=message).version == 1


def test_a_correction_in_between_is_not_overwritten_unseen(desk: Desk) -> None:
    message = sent(desk, "referto.pdf")
    correct(desk, message, desk.supervisor, protected_body=f"Di Giulia: {PROTECTED_BODY}")
    [file] = contents.files_of(message)
    response = correct(desk, message, **{f"file_{file.pk}": upload("x.pdf", pdfa(pages=3))})
    assert response.status_code == 409
    page = said(response)
    for text in ("Intanto Giulia F. ha corretto questo contenuto", NEW, "Di Giulia:", 'name="seen_version" value="2"'):
        assert text in page
    assert contents.files_of(message) == [file]
    assert correct(desk, message, seen_version=2).status_code == 302
    now = RemoteContent.objects.get(message=message)
    assert (now.version, now.body) == (3, NEW)


def test_the_precondition_is_corrected_where_there_is_one(desk: Desk) -> None:
    message = sent(desk, **ASKING)
    assert "Titolo dell’avvertenza" in said(desk.get("message_remote_correct", message))
    correct(desk, message, protected_body=PROTECTED_BODY, precondition_title="Nuovo", precondition_body="Con calma.")
    texts = contents.texts_of(message)
    assert (texts.precondition_title, texts.precondition_body, texts.body) == ("Nuovo", "Con calma.", PROTECTED_BODY)


@pytest.mark.parametrize("status", [Status.DRAFT, Status.QUEUED, Status.REFUSED, Status.CANCELLED])
def test_what_has_not_left_is_not_corrected_here(desk: Desk, status: Status) -> None:
    message = sent(desk)
    Message.objects.filter(pk=message.pk).update(status=status, next_attempt_at=timezone.now())
    assert desk.get("message_remote_correct", message).status_code == 302
    assert correct(desk, message)["Location"] == reverse("message_detail", args=[message.public_id])
    assert contents.texts_of(message).body == PROTECTED_BODY


def test_what_was_erased_is_not_corrected(desk: Desk) -> None:
    message = sent(desk)
    RemoteContent.objects.update(erased_at=timezone.now(), subject="", body="")
    assert "è stato cancellato" in said(
        desk.as_().get(reverse("message_remote_correct", args=[message.public_id]), follow=True)
    )
    assert correct(desk, message).status_code == 302
    assert RemoteContent.objects.get(message=message).version == 1


def test_a_stranger_finds_nothing(desk: Desk) -> None:
    message = sent(desk)
    assert correct(desk, message, desk.stranger).status_code == 404
    assert desk.get("message_remote_correct", message, desk.stranger).status_code == 404


def test_typing_shows_counters_advice_and_the_phone(desk: Desk) -> None:
    message = sent(desk)
    data = {"protected_subject": "Oggetto nuovo", "protected_body": "Vedi https://a.example.it"}
    response = desk.post("message_remote_preview", message, **data, headers={"HX-Request": "true"})
    live = said(response)
    assert "<b>13</b> di 120" in live
    assert "C’è un indirizzo scritto per intero." in live
    assert '<p class="msg-title">Oggetto nuovo</p>' in live
    assert contents.texts_of(message).body == PROTECTED_BODY


def test_the_message_page_leads_here(desk: Desk) -> None:
    message = sent(desk)
    address = reverse("message_remote_correct", args=[message.public_id])
    assert address in said(desk.get("message_detail", message))
    Message.objects.filter(pk=message.pk).update(status=Status.QUEUED, next_attempt_at=timezone.now())
    assert address not in said(desk.get("message_detail", message))
