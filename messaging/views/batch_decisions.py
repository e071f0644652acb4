"""What a person decides about a sending, each a POST; if somebody was first, the page says who."""

from __future__ import annotations

from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from messaging.batches.progress import figures
from messaging.delivery import batches
from messaging.enums import BatchStatus
from messaging.forms.batch_decisions import CancelForm
from messaging.forms.decisions import ApprovalForm, SendBackForm
from messaging.models import Batch, User
from messaging.permissions import batch_or_404
from messaging.templatetags.portal import number, when
from messaging.views.batch_abilities import SendingAbilities
from messaging.views.batch_notices import last_change
from messaging.views.batch_review import render_review
from messaging.views.common import person_of
from messaging.views.messages import say


@login_required
@require_POST
def batch_pause(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Stop a sending for a while."""
    person, batch, can = _asked(request, public_id)
    if not can.pause or not batches.pause(batch, person):
        return _too_late(request, batch)
    say(request, _("In pausa: non parte altro. Quello che era già in viaggio arriva."))
    return _back(batch)


@login_required
@require_POST
def batch_resume(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Let a paused sending go on."""
    person, batch, can = _asked(request, public_id)
    if not can.resume or not batches.resume(batch, person):
        return _too_late(request, batch)
    say(request, _("Ripreso: l’invio continua da dove era."))
    return _back(batch)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def batch_cancel(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Ask, and then stop a sending for good."""
    person, batch, can = _asked(request, public_id)
    if not can.cancel:
        return _too_late(request, batch)
    form = CancelForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        if not batches.cancel(batch, person, form.cleaned_data["note"]):
            return _too_late(request, batch)
        say(request, _("Annullato: «%(name)s» non invia altro.") % {"name": batch.name})
        return _back(batch)
    context = {"batch": batch, "figures": figures(batch), "form": form, "has_errors": bool(form.errors), "can": can}
    return render(request, "messaging/batch_cancel.html", context)


@login_required
@require_POST
def batch_approve(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Say yes to what was on the page, and to nothing else."""
    person, batch, can = _as_supervisor(request, public_id)
    if batch.status != BatchStatus.AWAITING_APPROVAL:
        return _too_late(request, batch)
    if not can.approve:
        raise PermissionDenied
    form = ApprovalForm(request.POST)
    if not form.is_valid() or form.cleaned_data["seen"] != batch.approval_digest:
        say(request, _("L’invio è cambiato mentre lo leggevi. Non lo abbiamo approvato: rileggilo."), good=False)
        return _back(batch)
    if batches.approve(batch, person):
        say(request, _approved(batch))
        return _back(batch)
    if batch.status == BatchStatus.READY:
        told = _("L’invio è cambiato dopo la richiesta: non lo abbiamo approvato, ed è tornato a %(person)s.")
        say(request, told % {"person": batch.author.short_name}, good=False)
        return redirect("batch_list")
    return _too_late(request, batch)


@login_required
@require_POST
def batch_send_back(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Give a sending back to its author, saying what must change."""
    person, batch, can = _as_supervisor(request, public_id)
    if batch.status != BatchStatus.AWAITING_APPROVAL:
        return _too_late(request, batch)
    if not can.approve:
        raise PermissionDenied
    form = SendBackForm(request.POST)
    if not form.is_valid():
        return render_review(request, batch, send_back=form)
    if not batches.send_back(batch, person, form.cleaned_data["note"]):
        return _too_late(request, batch)
    told = {"name": batch.name, "person": batch.author.short_name}
    say(request, _("«%(name)s» è tornato a %(person)s con la tua nota.") % told)
    return redirect("waiting_list")


@login_required
@require_POST
def batch_withdraw(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Take a sending back from approval, or from its hour, and go on with it."""
    person, batch, can = _asked(request, public_id)
    if batch.status not in {BatchStatus.AWAITING_APPROVAL, BatchStatus.SCHEDULED}:
        return _too_late(request, batch)
    if not can.withdraw:
        raise PermissionDenied
    if not batches.withdraw(batch, person):
        return _too_late(request, batch)
    say(request, _("«%(name)s» è di nuovo da inviare: puoi cambiarlo.") % {"name": batch.name})
    return redirect("batch_check", batch.public_id)


def _asked(request: HttpRequest, public_id: UUID) -> tuple[User, Batch, SendingAbilities]:
    person = person_of(request)
    batch = batch_or_404(person, public_id)
    return person, batch, SendingAbilities(person, batch)


def _as_supervisor(request: HttpRequest, public_id: UUID) -> tuple[User, Batch, SendingAbilities]:
    """The same for what only supervisors decide; a clerk of the service is refused."""
    person, batch, can = _asked(request, public_id)
    if not can.supervises:
        raise PermissionDenied
    return person, batch, can


def _approved(batch: Batch) -> str:
    if batch.status == BatchStatus.SCHEDULED:
        return _("Approvato: «%(name)s» parte %(when)s.") % {"name": batch.name, "when": when(batch.starts_at)}
    count = batches.to_send(batch)
    words = ngettext(
        "Approvato: il messaggio di «%(name)s» parte ora.",
        "Approvato: i %(n)s messaggi di «%(name)s» partono ora.",
        count,
    )
    return words % {"name": batch.name, "n": number(count)}


def _too_late(request: HttpRequest, batch: Batch) -> HttpResponse:
    """Nothing was done, because the sending has moved meanwhile; where to, and by whom, is told."""
    step = last_change(batch)
    if step is None:
        say(request, _("La tua scelta non è stata registrata: l’invio non è più in quello stato."), good=False)
        return _back(batch)
    told = {
        "when": when(step.at),
        "status": step.get_to_status_display(),
        "person": f" ({step.actor.short_name})" if step.actor else "",
    }
    text = _("La tua scelta non è stata registrata. Nel frattempo, %(when)s: l’invio è «%(status)s»%(person)s.")
    say(request, text % told, good=False)
    return _back(batch)


def _back(batch: Batch) -> HttpResponse:
    return redirect("batch_detail", batch.public_id)
