"""The list of messages, the search and the page of one message, which follows it while it moves."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from django.contrib import messages as flash
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from messaging import listing
from messaging.appio.fiscal_codes import mask
from messaging.delivery.seal import installation
from messaging.enums import MOVING, DeliverySpeed, Reason, Status
from messaging.forms.decisions import ApprovalForm, ResolutionForm, SendBackForm
from messaging.forms.filters import FilterForm, SearchForm
from messaging.models import Batch, Message, Recipient, ServicePause, User
from messaging.permissions import message_or_404, services_of
from messaging.querysets import open_pauses, to_approve, uncertain
from messaging.templatetags.portal import day
from messaging.views.abilities import Abilities
from messaging.views.common import names, person_of, supervisors_of
from messaging.views.pauses import pause_words
from messaging.views.preview import phone_of
from messaging.views.stories import Told, facts, key_facts, support_text, tell
from messaging.wording import owner_words, refusal_words, status_meaning

#: How often the page asks: at once after queueing, then ever less.
PACES = ((timedelta(seconds=30), 1), (timedelta(minutes=5), 5), (timedelta(hours=1), 15))
SLOWEST = 60
_RESOLVED = (Reason.CONFIRMED, Reason.SENT_AGAIN, Reason.ABANDONED)


@login_required
@require_safe
@never_cache
def message_list(request: HttpRequest) -> HttpResponse:
    """The messages of the person's services, newest first, narrowed by the address."""
    return _render_list(request, request.GET, SearchForm())


@login_required
@require_POST
def message_search(request: HttpRequest) -> HttpResponse:
    """Lead to the message, or to the list of those, that an exact word names; the word itself goes nowhere."""
    form = SearchForm(request.POST)
    if not form.is_valid():
        return _render_list(request, QueryDict(), form)
    found = listing.search(person_of(request), form.cleaned_data["query"])
    if found.message:
        return redirect("message_detail", found.message.public_id)
    if found.parameter:
        return redirect(f"{reverse('message_list')}?{_query(**{found.parameter: found.value})}")
    form.add_error("query", _("Nessun messaggio dei tuoi servizi corrisponde. Controlla di averlo scritto per intero."))
    return _render_list(request, QueryDict(), form)


def _render_list(request: HttpRequest, data: QueryDict, search: SearchForm) -> HttpResponse:
    user = person_of(request)
    services = list(services_of(user).order_by("name"))
    form = FilterForm(data, user=user, services=services)
    wanted = form.wanted() if form.is_valid() else None
    before, after = _place(data, "before"), _place(data, "after")
    page = listing.page(wanted, before=before, after=after) if wanted else listing.Page([], None, None)
    kept = {name: value for name, value in data.items() if value and name in form.fields}
    recipient = Recipient.objects.filter(pk=wanted.recipient).first() if wanted and wanted.recipient else None
    context = {
        "page": page,
        "form": form,
        "search": search,
        "services": services,
        "filtered": bool(kept),
        "person": mask(recipient.fiscal_code) if recipient else "",
        "cause": refusal_words(wanted.cause)[0] if wanted and wanted.cause else "",
        "counted": _counted(wanted, form.sending) if wanted else "",
        "sending": form.sending,
        "wanted": wanted,
        "has_errors": bool(form.errors or search.errors),
        "newer": _query(**kept, after=page.newer) if page.newer else "",
        "older": _query(**kept, before=page.older) if page.older else "",
        "newest": before is not None,
        "kept": _query(**kept),
    }
    return render(request, "messaging/message_list.html", context)


def _counted(wanted: listing.Wanted, sending: Batch | None) -> str:
    """What another page counted: «Consegnati, tra i messaggi messi in coda dal … al …», or those of a sending."""
    what = _("Messaggi")
    if wanted.speed is not None:
        what = _("Consegnati in un tempo %(time)s") % {"time": DeliverySpeed(wanted.speed).label}
    elif wanted.status:
        what = str(Status(wanted.status).label)
    elif wanted.outcome:
        what = str(listing.Outcome(wanted.outcome).label)
    if sending is not None:
        return _("%(what)s, tra quelli dell’invio «%(sending)s».") % {"what": what, "sending": sending.name}
    if not wanted.is_by_sending:
        return ""
    days = {"what": what, "since": day(wanted.sent_since), "until": day(wanted.sent_until or timezone.localdate())}
    if wanted.sent_since is None:
        return _("%(what)s, tra quelli messi in coda fino al %(until)s.") % days
    return _("%(what)s, tra quelli messi in coda dal %(since)s al %(until)s.") % days


def _place(data: QueryDict, name: str) -> int | None:
    value = data.get(name, "")
    return int(value) if value.isascii() and value.isdecimal() and len(value) < 19 else None


def _query(**parameters: Any) -> str:
    query = QueryDict(mutable=True)
    query.update(parameters)
    return query.urlencode()


@login_required
@require_safe
@never_cache
def message_detail(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """One message: what to do now, what has happened, what the citizen sees."""
    return render_message(request, message_or_404(person_of(request), public_id))


@login_required
@require_safe
@never_cache
def message_live(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """What has changed since the page was drawn; without a trigger once nothing moves by itself any more."""
    message = message_or_404(person_of(request), public_id)
    context = page_of(person_of(request), message)
    context["changed"] = request.GET.get("seen") != str(context["told"].version)
    return render(request, "messaging/partials/_message_live.html", context)


def render_message(
    request: HttpRequest,
    message: Message,
    *,
    resolution: ResolutionForm | None = None,
    send_back: SendBackForm | None = None,
) -> HttpResponse:
    """The page of a message, with the form that was filled in wrongly if there is one."""
    context = page_of(person_of(request), message)
    wrong = [form for form in (resolution, send_back) if form]
    if resolution:
        context["resolution"] = resolution
    if send_back:
        context["send_back"] = send_back
    context |= {"has_errors": bool(wrong), "wrong": wrong[0] if wrong else None}
    return render(request, "messaging/message_detail.html", context)


def page_of(person: User, message: Message) -> dict[str, Any]:
    """All that the parts of the page which follow the message need."""
    can = Abilities(person, message)
    told = tell(message)
    status = Status(message.status)
    meaning, next_step = status_meaning(status)
    decides = [
        one for one in supervisors_of([message.service_id]).get(message.service_id, []) if _may_decide(one, message)
    ]
    return {
        "message": message,
        "can": can,
        "told": told,
        "phone": phone_of(message),
        "first_sent": told.attempts[0].started_at if told.attempts else None,
        "facts": facts(message, told.first_opened),
        "key_facts": key_facts(message),
        "support": support_text(message, told.attempts),
        "meaning": meaning,
        "next_step": next_step,
        "pace": pace(message) if status in MOVING else 0,
        "deciders": names(decides),
        "last_actor": told.last.actor if told.last else None,
        "next_waiting": _next_waiting(person, message, told),
        **_obstacles(message),
        **_forms(can, message),
        **_refusal(message),
    }


def pace(message: Message) -> int:
    """After how many seconds the page asks again."""
    since = timezone.now() - max(filter(None, [message.queued_at, message.changed_at]))
    return next((seconds for age, seconds in PACES if since < age), SLOWEST)


def _may_decide(person: User, message: Message) -> bool:
    own = person.pk in {message.author_id, message.submitted_by_id}
    return not (own and message.status == Status.AWAITING_APPROVAL)


def _next_waiting(person: User, message: Message, told: Told) -> dict[str, Any] | None:
    """For a supervisor who has just decided: the next message that waits for the same, and how many do."""
    just_done = told.last.reason if told.last and told.last.actor_id == person.pk else ""
    if just_done in _RESOLVED:
        waiting = uncertain(person)
    elif just_done == Reason.SENT_BACK or (message.approved_by_id == person.pk and message.status in MOVING):
        waiting = to_approve(person)
    else:
        return None
    following = waiting.order_by("pk").first()
    return {"message": following, "count": waiting.count()} if following else None


def _obstacles(message: Message) -> dict[str, Any]:
    """Why a message in the queue does not leave."""
    if message.status != Status.QUEUED:
        return {}
    pause = _pause_for(message)
    return {
        "pause": pause_words(pause) if pause else None,
        "outage": message.service.institution.account.paused_at,
        "held": installation().held_at,
        "later": message.next_attempt_at if message.next_attempt_at and _is_later(message) else None,
    }


def _is_later(message: Message) -> bool:
    assert message.next_attempt_at is not None
    # What a worker holds is due again a minute on, and usually leaves long before.
    return not message.leased_by and message.next_attempt_at - timezone.now() > timedelta(seconds=20)


def _pause_for(message: Message) -> ServicePause | None:
    pauses = open_pauses([message.service_id])
    return next((pause for pause in pauses if pause.whole_service or pause.features == message.features), None)


def _forms(can: Abilities, message: Message) -> dict[str, Any]:
    forms: dict[str, Any] = {}
    if can.resolve:
        payment = message.amount is not None
        forms["resolution"] = ResolutionForm(initial={"attempt": message.attempt_number}, payment=payment)
    if can.approve:
        forms["approval"] = ApprovalForm(initial={"seen": message.approval_digest})
        forms["send_back"] = SendBackForm()
    return forms


def _refusal(message: Message) -> dict[str, Any]:
    if message.status != Status.REFUSED:
        return {}
    sentence, step = refusal_words(message.refusal_cause)
    return {"cause": sentence, "cause_step": step, "owner": owner_words(message.refusal_owner)}


def say(request: HttpRequest, text: str, *, good: bool = True) -> None:
    """A sentence on the next page."""
    (flash.success if good else flash.warning)(request, text)
