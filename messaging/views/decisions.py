"""What a person decides about a message, each a POST; if somebody was first, the page says who."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from messaging.delivery import approval, resolution
from messaging.enums import Status
from messaging.forms.decisions import ApprovalForm, ResolutionForm, SendBackForm
from messaging.models import Message, StatusChange, User
from messaging.permissions import message_or_404
from messaging.templatetags.portal import when
from messaging.views.abilities import Abilities
from messaging.views.common import person_of
from messaging.views.messages import render_message, say
from messaging.wording import reason_story

_RESOLUTIONS: dict[str, Callable[[Message, User, str], bool]] = {
    ResolutionForm.ARRIVED: resolution.confirm_arrival,
    ResolutionForm.AGAIN: resolution.send_again,
    ResolutionForm.GIVE_UP: resolution.give_up,
}


@login_required
@require_POST
def message_approve(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Say yes to what was on the page, and to nothing else."""
    person, message, can = _as_supervisor(request, public_id)
    if message.status != Status.AWAITING_APPROVAL:
        return _too_late(request, message)
    if not can.approve:
        raise PermissionDenied
    form = ApprovalForm(request.POST)
    if not form.is_valid() or form.cleaned_data["seen"] != message.approval_digest:
        say(request, _("Il messaggio è cambiato mentre lo leggevi. Non lo abbiamo approvato: rileggilo."), good=False)
        return _back(message)
    if approval.approve(message, person):
        say(request, _("Approvato: «%(subject)s» è in coda e parte da solo.") % {"subject": message.subject})
        return _back(message)
    return _too_late(request, message)


@login_required
@require_POST
def message_send_back(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Give a message back to its author, saying what must change."""
    person, message, can = _as_supervisor(request, public_id)
    if message.status != Status.AWAITING_APPROVAL:
        return _too_late(request, message)
    if not can.send_back:
        raise PermissionDenied
    form = SendBackForm(request.POST)
    if not form.is_valid():
        return render_message(request, message, send_back=form)
    if not approval.send_back(message, person, form.cleaned_data["note"]):
        return _too_late(request, message)
    names = {"subject": message.subject, "person": message.author.short_name}
    say(request, _("«%(subject)s» è tornato a %(person)s con la tua nota.") % names)
    return _back(message)


@login_required
@require_POST
def message_withdraw(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Take a message back from approval and go on writing."""
    person, message = person_of(request), message_or_404(person_of(request), public_id)
    if message.status != Status.AWAITING_APPROVAL:
        return _too_late(request, message)
    if not Abilities(person, message).withdraw:
        raise PermissionDenied
    if not approval.withdraw(message, person):
        return _too_late(request, message)
    say(request, _("«%(subject)s» è di nuovo una bozza.") % {"subject": message.subject})
    return redirect("message_edit", message.public_id)


@login_required
@require_POST
def message_cancel(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Stop a message that waits for its turn."""
    person, message = person_of(request), message_or_404(person_of(request), public_id)
    if not Abilities(person, message).cancel or not approval.cancel(message, person):
        return _too_late(request, message)
    say(request, _("Annullato: «%(subject)s» non parte.") % {"subject": message.subject})
    return _back(message)


@login_required
@require_POST
def message_resolve(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Decide about an uncertain outcome, with a reason."""
    person, message, _can = _as_supervisor(request, public_id)
    if message.status != Status.UNCERTAIN:
        return _too_late(request, message)
    form = ResolutionForm(request.POST, payment=message.amount is not None)
    if not form.is_valid():
        return render_message(request, message, resolution=form)
    decision, reason = form.cleaned_data["decision"], form.cleaned_data["reason"]
    stale = form.cleaned_data["attempt"] != message.attempt_number
    if stale or not _RESOLUTIONS[decision](message, person, reason):
        return _too_late(request, message)
    say(request, _done(decision))
    return _back(message)


@login_required
@require_POST
def message_retry(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Queue again, as it is, what did not arrive."""
    person, message = person_of(request), message_or_404(person_of(request), public_id)
    if message.status not in {Status.REFUSED, Status.FAILED, Status.UNREACHABLE}:
        return _too_late(request, message)
    if not Abilities(person, message).retry:
        raise PermissionDenied
    if not resolution.retry(message, person):
        return _too_late(request, message)
    say(request, _("«%(subject)s» è di nuovo in coda e parte da solo.") % {"subject": message.subject})
    return _back(message)


@login_required
@require_POST
def message_reopen(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Make a refused message a draft again and go to correct it."""
    person, message = person_of(request), message_or_404(person_of(request), public_id)
    if not Abilities(person, message).reopen or not resolution.reopen(message, person):
        return _too_late(request, message)
    say(request, _("Ora è una bozza: correggila e inviala di nuovo."))
    return redirect("message_edit", message.public_id)


def _as_supervisor(request: HttpRequest, public_id: UUID) -> tuple[User, Message, Abilities]:
    """The person, the message and what the person may do with it; a clerk of the service is refused."""
    person = person_of(request)
    message = message_or_404(person, public_id)
    can = Abilities(person, message)
    if not can.supervises:
        raise PermissionDenied
    return person, message, can


def _done(decision: str) -> str:
    match decision:
        case ResolutionForm.ARRIVED:
            return _("Registrato: il messaggio è arrivato. Non parte nient’altro.")
        case ResolutionForm.AGAIN:
            return _("Registrato: il messaggio è di nuovo in coda e parte da solo.")
    return _("Registrato: non parte nient’altro. Avvisa la persona in un altro modo.")


def _too_late(request: HttpRequest, message: Message) -> HttpResponse:
    """Nothing was done, because the message has moved meanwhile; who or what moved it is told."""
    last = StatusChange.objects.filter(message=message).select_related("actor").order_by("-pk").first()
    if last is None:
        say(request, _("La tua scelta non è stata registrata: il messaggio non è più in quello stato."), good=False)
    else:
        told = {"story": reason_story(last).title, "when": when(last.at)}
        say(
            request,
            _("La tua scelta non è stata registrata. Nel frattempo, %(when)s: «%(story)s».") % told,
            good=False,
        )
    return _back(message)


def _back(message: Message) -> HttpResponse:
    return redirect("message_detail", message.public_id)
