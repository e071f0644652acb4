"""The list of the sendings of a person's services."""

from __future__ import annotations

from dataclasses import dataclass

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from messaging.batches.progress import Figures, figures_of
from messaging.enums import BatchStatus, Status
from messaging.models import Batch, User
from messaging.permissions import services_of, visible_batches
from messaging.templatetags.portal import number, when
from messaging.views.common import person_of

PAGE = 20
_LIGHT = ("body", "buttons", "header", "columns")


@dataclass(frozen=True, slots=True)
class Summary:
    """A sending as a line of a list: its figures, and what is worth knowing of them."""

    batch: Batch
    figures: Figures
    brief: str


@login_required
@require_safe
@never_cache
def batch_list(request: HttpRequest) -> HttpResponse:
    """The sendings of the person's services, newest first."""
    person = person_of(request)
    before = _place(request)
    found = _newest(person, before)
    context = {
        "works": services_of(person).exists(),
        "sendings": summaries(found[:PAGE]),
        "older": found[PAGE - 1].pk if len(found) > PAGE else None,
        "newest": before is not None,
    }
    return render(request, "messaging/batch_list.html", context)


def summaries(batches: list[Batch]) -> list[Summary]:
    """The lines of these sendings; one query for all."""
    return [Summary(figures.batch, figures, brief(figures)) for figures in figures_of(batches)]


def brief(figures: Figures) -> str:
    """Where a sending stands, in a line: «412 consegnati, 9 non raggiungibili, 219 in coda»."""
    batch = figures.batch
    match batch.status:
        case BatchStatus.UPLOADED | BatchStatus.CHECKING:
            return _("Stiamo controllando le righe")
        case BatchStatus.NEEDS_ATTENTION if batch.rows_wrong:
            words = ngettext("Una riga da correggere", "%(shown)s righe da correggere", batch.rows_wrong)
            return words % {"shown": number(batch.rows_wrong)}
        case BatchStatus.NEEDS_ATTENTION:
            return _("Il file o le colonne sono da sistemare")
        case BatchStatus.READY:
            return _("Manca solo l’invio")
        case BatchStatus.SCHEDULED:
            return _("Parte %(when)s") % {"when": when(batch.starts_at)}
        case BatchStatus.AWAITING_APPROVAL:
            return _("Aspetta il sì di una seconda persona")
    return _counted(figures)


def _counted(figures: Figures) -> str:
    refused = figures.of(Status.REJECTED, Status.FAILED, Status.REFUSED)
    stopped = figures.stopped
    taken = figures.of(Status.ACCEPTED, Status.NO_OUTCOME)
    parts = [
        (figures.delivered, ngettext("%(n)s consegnato", "%(n)s consegnati", figures.delivered)),
        (taken, ngettext("%(n)s preso in carico", "%(n)s presi in carico", taken)),
        (figures.unreachable, ngettext("%(n)s non raggiungibile", "%(n)s non raggiungibili", figures.unreachable)),
        (refused, ngettext("%(n)s respinto", "%(n)s respinti", refused)),
        (figures.of(Status.UNCERTAIN), _("%(n)s con esito incerto")),
        (stopped, ngettext("%(n)s annullato", "%(n)s annullati", stopped)),
        (figures.of(Status.SENDING), _("%(n)s in invio")),
        (figures.queued, _("%(n)s in coda")),
    ]
    return ", ".join(words % {"n": number(count)} for count, words in parts if count) or _(
        "Nessun messaggio in viaggio"
    )


def running(person: User, limit: int) -> list[Summary]:
    """The sendings of the person’s services that the portal is at work on, scheduled ones too; newest first."""
    at_work = (BatchStatus.CHECKING, BatchStatus.SENDING, BatchStatus.PAUSED, BatchStatus.SCHEDULED)
    found = visible_batches(person).filter(status__in=(BatchStatus.UPLOADED, *at_work))
    return summaries(list(found.select_related("service", "author").defer(*_LIGHT).order_by("-pk")[:limit]))


def to_settle(person: User, limit: int) -> list[Summary]:
    """The person's own sendings that wait for them: to correct, or to send; newest first."""
    found = visible_batches(person).filter(author=person, status__in=(BatchStatus.NEEDS_ATTENTION, BatchStatus.READY))
    return summaries(list(found.select_related("service", "author").defer(*_LIGHT).order_by("-pk")[:limit]))


def latest(person: User, limit: int) -> list[Summary]:
    """The sendings that the person prepared and somebody has sent, or asked to; newest first."""
    found = visible_batches(person).filter(author=person, submitted_at__isnull=False)
    found = found.exclude(status__in=(BatchStatus.CHECKING, BatchStatus.NEEDS_ATTENTION, BatchStatus.READY))
    return summaries(list(found.select_related("service", "author").defer(*_LIGHT).order_by("-pk")[:limit]))


def _newest(person: User, before: int | None) -> list[Batch]:
    found = visible_batches(person).select_related("service", "author").defer(*_LIGHT)
    if before is not None:
        found = found.filter(pk__lt=before)
    return list(found.order_by("-pk")[: PAGE + 1])


def _place(request: HttpRequest) -> int | None:
    value = request.GET.get("before", "")
    return int(value) if value.isascii() and value.isdecimal() and len(value) < 19 else None
