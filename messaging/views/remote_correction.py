"""Correcting what IO fetches of a message that has left: the citizen's next opening shows the new version."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from messaging.document_words import problem_sentence
from messaging.documents.problems import PdfProblem
from messaging.forms.remote import CorrectionForm, typed_remote
from messaging.models import Attachment, Message, MessageAttachment, RemoteContent, RemoteContentVersion, User
from messaging.permissions import message_or_404
from messaging.remote import attachments, contents
from messaging.remote.contents import CannotCorrect
from messaging.views.abilities import Abilities
from messaging.views.common import person_of
from messaging.views.files import FileWords, file_words
from messaging.views.preview import drawn, live_parts

Replacements = list[tuple[MessageAttachment, Attachment]]


@dataclass(frozen=True, slots=True)
class Version:
    """What citizens could read from a moment on, and who wrote it, why."""

    number: int
    written_by: User
    written_at: datetime
    note: str
    subject: str
    body: SafeString
    precondition_title: str
    precondition_body: SafeString


@dataclass(slots=True)
class Slot:
    """A file of the message and, when another was chosen for its place, what is wrong with that one."""

    file: MessageAttachment
    words: FileWords
    error: str = ""

    @property
    def name(self) -> str:
        """The name of its control on the page."""
        return f"file_{self.file.pk}"


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def message_remote_correct(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """The current version to be changed, with the reason; below it, what stood there before."""
    person = person_of(request)
    message = message_or_404(person, public_id)
    if away := _not_correctable(request, message):
        return away
    slots = _slots(message)
    if request.method == "POST":
        return _corrected(request, message, person, slots)
    form = _form(typed_remote(message.remote_content), message, person, strict=False)
    return _page(request, form, message, slots, seen=message.remote_content.version)


def _slots(message: Message) -> list[Slot]:
    files = contents.files_of(message) if message.has_attachments else []
    return [Slot(words.file, words) for words in file_words(files)]


def _not_correctable(request: HttpRequest, message: Message) -> HttpResponse | None:
    if not Abilities(person_of(request), message).correct:
        messages.info(request, _("Qui non c’è un contenuto protetto già inviato da correggere."))
        return redirect("message_detail", public_id=message.public_id)
    if message.remote_content.erased_at is not None:
        messages.info(
            request, _("Il contenuto è stato cancellato alla fine del tempo di conservazione: non si può correggere.")
        )
        return redirect("message_detail", public_id=message.public_id)
    return None


def _form(data: dict[str, Any], message: Message, person: User, *, strict: bool = True) -> CorrectionForm:
    form = CorrectionForm(data, message=message, person=person, strict=strict)
    form.is_valid()
    return form


def _corrected(request: HttpRequest, message: Message, person: User, slots: list[Slot]) -> HttpResponse:
    form = _form(request.POST.dict(), message, person)
    seen = _number(request.POST.get("seen_version"))
    chosen = {slot.name: file for slot in slots if isinstance(file := request.FILES.get(slot.name), UploadedFile)}
    unchanged = form.texts == contents.texts_of(message) and not chosen
    if form.errors or unchanged:
        return _page(request, form, message, slots, seen=seen, is_unchanged=unchanged, choose_again=bool(chosen))
    replacements = _taken_in(message, person, slots, chosen)
    if any(slot.error for slot in slots):
        return _page(request, form, message, slots, seen=seen, choose_again=True)
    try:
        contents.correct(message, seen, form.texts, person, form.cleaned_data["note"], replacements)
    except CannotCorrect:
        return _conflict(request, form, person)
    messages.success(request, _("Corretto: alla prossima apertura il cittadino vede la versione nuova."))
    return redirect("message_remote_correct", public_id=message.public_id)


def _number(text: str | None) -> int:
    return int(text) if text and text.isascii() and text.isdecimal() and len(text) < 9 else 0


def _taken_in(
    message: Message, person: User, slots: list[Slot], chosen: Mapping[str, UploadedFile[bytes]]
) -> Replacements:
    """The new files, stored, for their places; a slot whose new file is no good says why."""
    found: Replacements = []
    there = {slot.file.attachment_id for slot in slots}
    for slot in slots:
        if (file := chosen.get(slot.name)) is None:
            continue
        try:
            attachment = attachments.take_in(message.service, person, file, file.name or "")
        except PdfProblem as problem:
            slot.error = problem_sentence(problem.code, problem.params)
        else:
            if attachment.pk in there:
                slot.error = _("Questo file c’è già: scegli quello corretto.")
            there.add(attachment.pk)
            found.append((slot.file, attachment))
    return found


def _conflict(request: HttpRequest, form: CorrectionForm, person: User) -> HttpResponse:
    """Somebody else corrected it, or it can be corrected no more; what was typed is not lost."""
    now = message_or_404(person, form.message.public_id)
    if away := _not_correctable(request, now):
        return away
    slots = _slots(now)
    version = now.remote_content.version
    return _page(request, form, now, slots, seen=version, is_conflict=True, choose_again=bool(request.FILES))


def _page(
    request: HttpRequest,
    form: CorrectionForm,
    message: Message,
    slots: list[Slot],
    *,
    seen: int,
    is_unchanged: bool = False,
    is_conflict: bool = False,
    choose_again: bool = False,
) -> HttpResponse:
    context = {
        "message": message,
        "correction": form,
        "slots": slots,
        "seen": seen,
        "versions": _versions(message.remote_content),
        "replaced": file_words(_replaced(message)),
        "wrong_files": [slot for slot in slots if slot.error],
        "has_errors": form.strict and bool(form.errors or is_unchanged or any(slot.error for slot in slots)),
        "is_unchanged": is_unchanged,
        "is_conflict": is_conflict,
        "choose_again": choose_again,
        **live_parts(form.candidate),
    }
    return render(request, "messaging/remote_correct.html", context, status=409 if is_conflict else 200)


@login_required
@require_POST
def message_remote_preview(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Counters, advice and phone of a correction being typed, each for its own place; saves nothing."""
    person = person_of(request)
    message = message_or_404(person, public_id)
    if away := _not_correctable(request, message):
        return away
    form = _form(request.POST.dict(), message, person, strict=False)
    context = {"correction": form, "oob": True, **live_parts(form.candidate)}
    return render(request, "messaging/partials/_remote_correct_live.html", context)


def _versions(current: RemoteContent) -> list[Version]:
    """All that there were, the newest first."""
    before = current.versions.select_related("written_by").order_by("-number")
    return [_version(current.version, current), *(_version(row.number, row) for row in before)]


def _version(number: int, row: RemoteContent | RemoteContentVersion) -> Version:
    return Version(
        number=number,
        written_by=row.written_by,
        written_at=row.written_at,
        note=row.note,
        subject=row.subject,
        body=drawn(row.body),
        precondition_title=row.precondition_title,
        precondition_body=drawn(row.precondition_body),
    )


def _replaced(message: Message) -> list[MessageAttachment]:
    """The files that were there before, the last replaced first."""
    gone = MessageAttachment.objects.filter(message=message, removed_at__isnull=False)
    return list(gone.select_related("attachment", "removed_by").order_by("-removed_at"))
