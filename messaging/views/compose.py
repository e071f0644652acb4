"""Writing a message: its kind, its text, whether the person can be reached."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy
from django.views.decorators.http import require_http_methods, require_POST

from messaging.advice_words import Told, cannot_ask_told, not_asked_told, reachability_told
from messaging.delivery import approval, content, reachability
from messaging.delivery.reachability import CannotAsk
from messaging.enums import Kind, Reason, Status
from messaging.forms.compose import ComposeForm
from messaging.forms.kinds import NewMessageForm
from messaging.forms.remote import can_be_moved, moved
from messaging.forms.typed import posted, typed_of
from messaging.models import Message, StatusChange, User
from messaging.permissions import message_or_404, services_of
from messaging.remote.contents import CannotCorrect
from messaging.views.attachments import change, is_about_files
from messaging.views.common import administrators_to_ask, person_of
from messaging.views.drafts import Saved, new_draft, new_draft_from, recipient_of, save, seen_at, usual_service
from messaging.views.files import file_words
from messaging.views.preview import live_parts

TITLES = {
    Kind.INFORMATIONAL: lazy("Nuovo messaggio informativo"),
    Kind.PAYMENT: lazy("Nuovo messaggio di pagamento"),
    Kind.DUE_DATE: lazy("Nuovo messaggio con scadenza"),
}


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def message_new(request: HttpRequest) -> HttpResponse:
    """The first step: the kind of message, or a template. Makes the draft."""
    person = person_of(request)
    service = usual_service(person)
    if service is None:
        return render(request, "messaging/compose_nowhere.html", {"administrators": administrators_to_ask(person)})
    if request.method != "POST":
        return _new_page(request, NewMessageForm(initial={"template": request.GET.get("template")}, person=person))
    form = NewMessageForm(request.POST, person=person)
    if not form.is_valid():
        return _new_page(request, form)
    template = form.cleaned_data["template"]
    if template is not None:
        service = services_of(person).get(pk=template.service_id)
    draft = new_draft(person, form.cleaned_data["kind"], service, template)
    return redirect("message_edit", public_id=draft.public_id)


def _new_page(request: HttpRequest, form: NewMessageForm) -> HttpResponse:
    return render(request, "messaging/compose_new.html", {"form": form})


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def message_edit(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """The second step: everything that the message says. A draft keeps what is not right, too."""
    person = person_of(request)
    message = message_or_404(person, public_id)
    if message.status != Status.DRAFT:
        return redirect("message_detail", public_id=public_id)
    if request.method == "POST":
        return _saved(request, message, person)
    form = ComposeForm(typed_of(message), message=message, person=person, strict="check" in request.GET)
    return _page(request, form, message)


def _saved(request: HttpRequest, message: Message, person: User) -> HttpResponse:
    """Save what was typed, then go where the pressed button leads."""
    action = request.POST.get("action", "save")
    data = posted(request.POST.dict(), message)
    if action == "attach" and request.FILES:
        data["has_attachments"] = "on"
    if action == "protect":
        data = moved(data, ComposeForm(data, message=message, person=person).chosen_service)
    form = ComposeForm(data, message=message, person=person, strict=action == "check")
    form.is_valid()
    if action == "keep_both":
        return _kept_both(request, form, person)
    seen = request.POST.get("saved_elsewhere_at" if action == "replace" else "changed_at")
    if away := _kept(request, form, person, seen):
        return away
    if is_about_files(action):
        return _files_changed(request, form, person, action)
    if action == "check" and not form.errors:
        return redirect("message_check", public_id=message.public_id)
    if action == "check":
        return _page(request, form, message_or_404(person, message.public_id))
    if action == "ask":
        told = ask(message_or_404(person, message.public_id), person)
        return _page(request, form, message_or_404(person, message.public_id), reach=told)
    if action == "protect":
        return redirect(f"{reverse('message_edit', args=[message.public_id])}#remote")
    messages.success(request, _("Bozza salvata."))
    return redirect("message_edit", public_id=message.public_id)


def _kept(request: HttpRequest, form: ComposeForm, person: User, seen: str | None) -> HttpResponse | None:
    """Save what was typed; what to answer instead of going on, when that could not be done."""
    outcome = save(form, person, seen_at(seen))
    if outcome is Saved.GONE:
        return _gone(request, form.message)
    return _conflict(request, form, form.message, person) if outcome is Saved.CONFLICT else None


def _files_changed(request: HttpRequest, form: ComposeForm, person: User, action: str) -> HttpResponse:
    """Change the files once all that was typed is saved; the page says why one was not taken."""
    now = message_or_404(person, form.message.public_id)
    try:
        error = change(request, now, person, action)
    except CannotCorrect:
        return _gone(request, now)
    if error:
        return _page(request, form, now, attachment_error=error, has_errors=True)
    return redirect(f"{reverse('message_edit', args=[now.public_id])}#attachments")


def _gone(request: HttpRequest, message: Message) -> HttpResponse:
    messages.info(request, _("Questo messaggio non è più una bozza: quello che hai scritto ora non è stato salvato."))
    return redirect("message_detail", public_id=message.public_id)


def _kept_both(request: HttpRequest, form: ComposeForm, person: User) -> HttpResponse:
    draft = new_draft_from(form, person)
    messages.success(request, _("Salvata come bozza nuova. Quella di prima è rimasta com’era."))
    return redirect("message_edit", public_id=draft.public_id)


def _conflict(request: HttpRequest, form: ComposeForm, message: Message, person: User) -> HttpResponse:
    now = message_or_404(person, message.public_id)
    context = {"conflict": now, "seen": request.POST.get("changed_at", "")}
    return _page(request, form, now, status=409, **context)


def _page(
    request: HttpRequest, form: ComposeForm, message: Message, *, status: int = 200, **context: Any
) -> HttpResponse:
    """The form with its live parts; ``message`` is the row as it is saved now."""
    form.is_valid()
    known = {
        "compose": form,
        "message": message,
        "title": TITLES[form.chosen_kind],
        "strict": form.strict,
        "has_errors": form.strict and bool(form.errors),
        "seen": message.changed_at.isoformat(),
        "is_registered": bool(content.configuration_id(form.chosen_service)),
        "files": file_words(form.attached),
        "can_move": can_be_moved(form.data),
        **live_parts(form.candidate),
        **context,
    }
    if "reach" not in known:
        known["reach"] = known_answer(message)
    if message.submitted_by_id:
        known["sent_back"] = _sent_back(message)
    return render(request, "messaging/compose_edit.html", known, status=status)


def _sent_back(message: Message) -> StatusChange | None:
    """Why the message came back from approval, if that is what happened last."""
    last = message.changes.exclude(reason=Reason.SAVED).select_related("actor").order_by("-pk").first()
    return last if last and last.reason == Reason.SENT_BACK else None


def known_answer(message: Message) -> Told | None:
    """IO's last answer about the recipient in words, or nothing without a recipient."""
    if message.recipient is None:
        return None
    if content.is_held_back_by_trial(message):
        return cannot_ask_told("trial")
    row = reachability.known(message.recipient, message.service)
    return reachability_told(row, message.service) if row else not_asked_told()


def ask(message: Message, person: User) -> Told:
    """Ask IO whether the recipient can be reached, and word the answer. Makes a network call."""
    try:
        return reachability_told(reachability.ask(message, person), message.service)
    except CannotAsk as error:
        return cannot_ask_told(error.code)


@login_required
@require_POST
def message_reachability(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Whether the person typed, or the draft's recipient, can be reached: a sentence for its place in the page."""
    person = person_of(request)
    message = message_or_404(person, public_id)
    told = _ask_about_typed(request, message, person) if "fiscal_code" in request.POST else ask(message, person)
    if not request.htmx:  # type: ignore[attr-defined]
        if told and told.again:
            messages.info(request, f"{told.title} {told.text}")
        return redirect("message_check", public_id=public_id)
    return render(request, "messaging/partials/_reachability.html", {"reach": told, "message": message})


def _ask_about_typed(request: HttpRequest, message: Message, person: User) -> Told | None:
    form = ComposeForm(posted(request.POST.dict(), message), message=message, person=person, strict=True)
    form.is_valid()
    if "fiscal_code" in form.errors:
        empty = not request.POST.get("fiscal_code", "").strip()
        return None if empty else Told("bad", "it-error", str(form.errors["fiscal_code"][0]))
    typed = form.candidate
    if not typed.subject.strip() or not typed.body.strip():
        return cannot_ask_told("no_text")
    if content.is_held_back_by_trial(typed):
        return cannot_ask_told("trial")
    # Whoever is asked about is on record, so they become known to the institution now.
    typed.recipient = recipient_of(typed.service.institution, form.recipient_code())
    return ask(typed, person)


@login_required
@require_POST
def message_delete(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Delete a draft that never left the desk."""
    message = message_or_404(person_of(request), public_id)
    if not approval.delete_draft(message):
        messages.warning(request, _("Non si può eliminare: questo messaggio ha già una storia."))
        return redirect("message_detail", public_id=public_id)
    messages.success(request, _("Bozza eliminata."))
    return redirect("message_list")
