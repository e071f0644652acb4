"""The last look before sending: the message as it goes, what will happen, and the act itself."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db import transaction
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from messaging.advice_words import Told
from messaging.delivery import approval, content
from messaging.delivery.approval import AlreadySent, HeldBackByTrial, NotReady
from messaging.enums import Kind, Status
from messaging.forms.compose import ComposeForm
from messaging.forms.kinds import KIND_CHOICES, RepeatForm
from messaging.forms.typed import typed_of
from messaging.models import AllowedRecipient, Message, ServiceKey, ServicePause, User
from messaging.permissions import message_or_404
from messaging.remote import contents
from messaging.views.common import names, person_of, supervisors_of
from messaging.views.compose import known_answer
from messaging.views.drafts import recipient_of, seen_at
from messaging.views.preview import advice_of, phone_of

#: A second click on «Mandalo prima a me» within this time is the same click.
SAME_CLICK = timedelta(seconds=20)


@login_required
@require_safe
def message_check(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """The third step: the message exactly as it will go, and what pressing the button brings about."""
    person = person_of(request)
    message = message_or_404(person, public_id)
    if away := _not_to_be_checked(message, person):
        return away
    return _page(request, message, person)


def _not_to_be_checked(message: Message, person: User) -> HttpResponse | None:
    """Where to go instead, when there is nothing to send or something still to correct."""
    if message.status != Status.DRAFT:
        return redirect("message_detail", public_id=message.public_id)
    form = ComposeForm(typed_of(message), message=message, person=person, strict=True)
    if form.is_valid() and form.is_what_is_saved():
        return None
    return redirect(f"{reverse('message_edit', args=[message.public_id])}?check")


def _page(request: HttpRequest, message: Message, person: User, **context: Any) -> HttpResponse:
    earlier = context.pop("earlier", None) or approval.earlier_sending(message)
    known = {
        "message": message,
        "kind": dict(KIND_CHOICES)[message.kind],
        "is_payment": message.kind == Kind.PAYMENT,
        "seen": message.changed_at.isoformat(),
        "phone": phone_of(message),
        "reach": known_answer(message),
        "advice": [line for line in advice_of(message) if line.tone != "ok"],
        "earlier": earlier,
        "repeat": RepeatForm() if earlier else None,
        "held_back": content.is_held_back_by_trial(message),
        "needs_approval": content.needs_approval(message),
        "effects": _effects(message, person),
        "own_citizens": _own_citizens(message, person),
        "trials": message.copies.filter(is_trial=True).select_related("recipient", "author").order_by("-pk")[:5],
        **context,
    }
    return render(request, "messaging/check.html", known)


def _effects(message: Message, person: User) -> list[Told]:
    """What will happen, the act first and then what delays it."""
    if content.is_held_back_by_trial(message):
        text = _("Può scrivere solo alle persone del suo elenco. Un amministratore può aggiungere questa persona.")
        title = _("Non può partire: il servizio è in prova.")
        return [Told("bad", "it-locked", title, text)]
    told = [_approval_effect(message, person)] if content.needs_approval(message) else []
    delays = _delays(message)
    if not told and not delays:
        told.append(Told("go", "it-clock", _("Parte subito."), _("Dopo l’invio non si può più ritirare.")))
    if not message.service.live:
        text = _("Questa persona è nell’elenco di prova, quindi il messaggio parte davvero.")
        told.append(Told("wait", "it-tool", _("Il servizio è in prova."), text))
    return told + delays


def _approval_effect(message: Message, person: User) -> Told:
    others = [
        one for one in supervisors_of([message.service]).get(message.service_id, []) if not _wrote(one, message, person)
    ]
    title = _("Serve il sì di un responsabile.")
    if not others:
        text = _("In questo servizio non c’è un altro responsabile: può aggiungerlo un amministratore.")
        return Told("wait", "it-user", title, text)
    text = _("Parte quando lo approva un altro responsabile (%(names)s).") % {"names": names(others)}
    return Told("wait", "it-user", title, text)


def _wrote(supervisor: User, message: Message, person: User) -> bool:
    return supervisor.pk in {message.author_id, person.pk}


def _delays(message: Message) -> list[Told]:
    service = message.service
    told = []
    of_this = Q(whole_service=True) | Q(features=content.features(message), whole_service=False)
    if ServicePause.objects.filter(of_this, service=service, lifted_at__isnull=True).exists():
        text = _("Il messaggio aspetta in coda e parte quando il servizio riprende.")
        told.append(Told("wait", "it-warning-circle", _("Il servizio è sospeso."), text))
    if not ServiceKey.objects.filter(service=service, in_use=True).exists():
        text = _("Il messaggio aspetta in coda finché un amministratore ne aggiunge una.")
        told.append(Told("wait", "it-key", _("Al servizio manca la chiave di IO."), text))
    return told


def _own_citizens(message: Message, person: User) -> list[AllowedRecipient]:
    """The people of the service's trial list, whoever is linked to this person first."""
    rows = list(AllowedRecipient.objects.filter(service=message.service).order_by("label", "pk"))
    return sorted(rows, key=lambda row: row.user_id != person.pk)


@login_required
@require_POST
def message_send(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Send the draft as it was seen, or ask for its approval."""
    person = person_of(request)
    message = message_or_404(person, public_id)
    if message.status != Status.DRAFT:
        return _already_gone(request, message)
    if away := _changed_meanwhile(request, message) or _not_to_be_checked(message, person):
        return away
    repeat = RepeatForm(request.POST if "repeat_reason" in request.POST else None)
    reason = repeat.cleaned_data["repeat_reason"] if repeat.is_bound and repeat.is_valid() else ""
    try:
        moved = approval.send(message, person, repeat_reason=reason, warnings_confirmed=True)
    except NotReady:
        messages.warning(
            request, _("Intanto il servizio è cambiato, e il messaggio non è partito: ricontrolla i dati.")
        )
        return redirect(f"{reverse('message_edit', args=[public_id])}?check")
    except HeldBackByTrial:
        return redirect("message_check", public_id=public_id)
    except AlreadySent as error:
        context = {"earlier": error.earlier, "repeat": repeat, "has_errors": repeat.is_bound}
        return _page(request, message, person, **context)
    if not moved:
        return _already_gone(request, message)
    if message.status == Status.AWAITING_APPROVAL:
        messages.success(request, _("Hai chiesto l’approvazione: ora tocca a un responsabile."))
    else:
        messages.success(request, _("Fatto: il messaggio parte da solo. Qui sotto vedi cosa succede."))
    return redirect("message_detail", public_id=public_id)


def _already_gone(request: HttpRequest, message: Message) -> HttpResponse:
    messages.info(request, _("Il messaggio era già uscito dalle bozze: ecco a che punto è."))
    return redirect("message_detail", public_id=message.public_id)


def _changed_meanwhile(request: HttpRequest, message: Message) -> HttpResponse | None:
    if seen_at(request.POST.get("changed_at")) == message.changed_at:
        return None
    messages.warning(request, _("Intanto il messaggio è cambiato, e non è partito. Ricontrollalo: ora è questo."))
    return redirect("message_check", public_id=message.public_id)


@login_required
@require_POST
def message_send_to_me(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Send a copy to somebody of the trial list; the draft stays as it is."""
    person = person_of(request)
    message = message_or_404(person, public_id)
    if message.status != Status.DRAFT:
        return _already_gone(request, message)
    if away := _changed_meanwhile(request, message) or _not_to_be_checked(message, person):
        return away
    citizen = _chosen_citizen(request, message, person)
    if citizen is None:
        messages.warning(request, _("Questa persona non è più nell’elenco di prova: scegline un’altra."))
        return redirect("message_check", public_id=public_id)
    try:
        trial = _send_copy(message, person, citizen)
    except (NotReady, HeldBackByTrial):
        messages.warning(request, _("La prova non è partita: il messaggio non si può inviare così com’è."))
        return redirect("message_check", public_id=public_id)
    address = reverse("message_detail", args=[trial.public_id])
    link = format_html('<a href="{}">{}</a>', address, _("Guarda come va"))
    messages.success(request, format_html("{} {}", _("Prova inviata a %(name)s.") % {"name": citizen.label}, link))
    return redirect("message_check", public_id=public_id)


def _chosen_citizen(request: HttpRequest, message: Message, person: User) -> AllowedRecipient | None:
    wanted = request.POST.get("citizen")
    citizens = _own_citizens(message, person)
    if not wanted:
        return citizens[0] if citizens else None
    return next((citizen for citizen in citizens if str(citizen.pk) == wanted), None)


def _send_copy(message: Message, person: User, citizen: AllowedRecipient) -> Message:
    """Make the copy and send it, once for all clicks of the same moment."""
    with transaction.atomic():
        # Whoever clicks twice waits here for the first click.
        Message.objects.select_for_update().get(pk=message.pk)
        recipient = recipient_of(message.service.institution, citizen.fiscal_code)
        same = message.copies.filter(
            is_trial=True, author=person, recipient=recipient, created_at__gt=timezone.now() - SAME_CLICK
        )
        if earlier := same.filter(created_at__gt=message.changed_at).first():
            return earlier
        said = (
            *("service", "template", "kind", "subject", "body", "buttons", "amount", "notice_number", "due_date"),
            *("invalid_after_due_date", "payee", "feature_level", "require_secure_channels", "reference"),
            *("has_remote_content", "has_attachments", "precondition"),
        )
        copy = Message.objects.create(
            **{name: getattr(message, name) for name in said},
            author=person,
            recipient=recipient,
            is_trial=True,
            copy_of=message,
        )
        if content.is_fetched(message):
            contents.copy_to(copy, contents.texts_of(message), message, person)
        approval.send(copy, person, warnings_confirmed=True)
    return copy
