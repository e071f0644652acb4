"""The services a person works in or administers: whether they send, why not, and how they go on."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from messaging import querysets
from messaging.delivery import pauses, seal
from messaging.enums import Role
from messaging.forms.decisions import ReleaseForm
from messaging.models import Membership, Service, ServiceKey, ServicePause, User
from messaging.permissions import administered_institutions, is_supervisor, known_services, service_or_404
from messaging.templatetags.portal import when
from messaging.views.common import person_of
from messaging.views.messages import say
from messaging.views.pauses import PauseWords, pause_words
from messaging.wording import owner_words, refusal_words, status_meaning


@dataclass
class Card:
    """A service as this person may see it."""

    service: Service
    role: Role | None
    administers: bool
    keys: list[ServiceKey]
    pauses: list[PauseWords]

    @cached_property
    def key(self) -> ServiceKey | None:
        """The key in use."""
        return next((key for key in self.keys if key.in_use), None)

    @property
    def may_resume(self) -> bool:
        """Supervisors of the service and administrators of its institution."""
        return self.administers or self.role is Role.SUPERVISOR

    @property
    def pill(self) -> tuple[str, str, str]:
        """The state of the service as word, tone and icon; what stops it counts more than the rest."""
        if self.pauses:
            return self.pauses[0].short, "bad", "it-error"
        if not self.key:
            return _("Senza chiave"), "wait", "it-key"
        if self.service.live:
            return _("In esercizio"), "ok", "it-check-circle"
        return _("In prova"), "wait", "it-tool"


@login_required
@require_safe
@never_cache
def service_list(request: HttpRequest) -> HttpResponse:
    """All services of the person, with the state of each."""
    return _render_list(request)


@login_required
@require_safe
@never_cache
def service_detail(request: HttpRequest, slug: str) -> HttpResponse:
    """One service: its state, its pauses, who works in it, and what of it stands still."""
    person = person_of(request)
    service = service_or_404(person, slug)
    (card,) = _cards(person, [service])
    context = {
        "card": card,
        "service": service,
        "outage": service.institution.account.paused_at,
        "held": seal.installation().held_at,
        "people": list(
            Membership.objects.filter(service=service, user__is_active=True)
            .select_related("user")
            .order_by("user__first_name", "pk")
        ),
        "allowed": service.allowed_recipients.count(),
        "stopped": [_stopped(one) for one in querysets.standstills([service.pk])] if card.may_resume else [],
    }
    return render(request, "messaging/service_detail.html", context)


@login_required
@require_POST
def service_resume(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """Lift a pause, so that what waits in the queue leaves."""
    person = person_of(request)
    service = service_or_404(person, slug)
    administers = administered_institutions(person).filter(pk=service.institution_id).exists()
    if not administers and not is_supervisor(person, service):
        raise PermissionDenied
    pause = (
        ServicePause.objects.filter(pk=pk, service=service).select_related("service__institution", "lifted_by").first()
    )
    if pause is None:
        raise Http404
    if pauses.lift(pause, person):
        say(request, _("Gli invii di %(service)s riprendono.") % {"service": service.name})
    else:
        pause.refresh_from_db()
        say(request, _already(pause), good=False)
    return redirect("service_detail", slug)


@login_required
@require_POST
def sending_release(request: HttpRequest) -> HttpResponse:
    """Let the portal send again after its database came back from a copy."""
    person = person_of(request)
    if not administered_institutions(person).exists():
        raise PermissionDenied
    if not seal.installation().held_at:
        say(request, _("Gli invii non sono fermi: non c’è niente da far ripartire."), good=False)
        return redirect("service_list")
    form = ReleaseForm(request.POST)
    if not form.is_valid():
        return _render_list(request, form)
    possible = form.cleaned_data["queued"] == ReleaseForm.POSSIBLE
    seal.release(person, form.cleaned_data["reason"], queued_may_have_left=possible)
    say(
        request,
        _("Il portale può inviare di nuovo. I messaggi che erano in coda aspettano una decisione.")
        if possible
        else _("Il portale può inviare di nuovo. I messaggi in coda partono da soli."),
    )
    return redirect("service_list")


def _render_list(request: HttpRequest, form: ReleaseForm | None = None) -> HttpResponse:
    person = person_of(request)
    held = seal.installation().held_at
    administers = administered_institutions(person).exists()
    services = list(known_services(person))
    context: dict[str, Any] = {
        "cards": _cards(person, services),
        "held": held,
        "administers": administers,
        "release": form or (ReleaseForm() if held and administers else None),
        "outages": {service.institution.account: service.institution.account.paused_at for service in services},
        "has_errors": form is not None,
    }
    return render(request, "messaging/service_list.html", context)


def _cards(person: User, services: Iterable[Service]) -> list[Card]:
    services = list(services)
    ids = [service.pk for service in services]
    institutions = set(administered_institutions(person).values_list("pk", flat=True))
    roles = {one.service_id: Role(one.role) for one in Membership.objects.filter(user=person, service__in=ids)}
    keys: dict[int, list[ServiceKey]] = {}
    for key in ServiceKey.objects.filter(service__in=ids).defer("secret").order_by("slot"):
        keys.setdefault(key.service_id, []).append(key)
    paused: dict[int, list[PauseWords]] = {}
    for pause in querysets.open_pauses(ids):
        paused.setdefault(pause.service_id, []).append(pause_words(pause))
    return [
        Card(
            service,
            roles.get(service.pk),
            service.institution_id in institutions,
            keys.get(service.pk, []),
            paused.get(service.pk, []),
        )
        for service in services
    ]


def _stopped(one: querysets.Standstill) -> dict[str, Any]:
    refused = bool(one.cause)
    sentence, step = refusal_words(one.cause) if refused else status_meaning(one.status)
    owner = capfirst(owner_words(one.owner)) if refused else ""
    return {"cause": sentence, "step": step, "owner": owner, "count": one.count, "status": one.status}


def _already(pause: ServicePause) -> str:
    if pause.lifted_by is None:
        return _("Gli invii erano già ripresi.")
    told = {"person": pause.lifted_by.short_name, "when": when(pause.lifted_at)}
    return _("Li aveva già ripresi %(person)s, %(when)s.") % told
