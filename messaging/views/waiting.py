"""A supervisor's list of what waits for a person: approvals, uncertain outcomes, and what stands still by cause."""

from __future__ import annotations

from dataclasses import dataclass

from django.contrib.auth.decorators import login_required
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from messaging import querysets
from messaging.enums import Status
from messaging.models import Message
from messaging.permissions import batches_to_approve
from messaging.querysets import Standstill
from messaging.views.common import person_of
from messaging.views.pauses import pause_words
from messaging.wording import owner_words, refusal_words, status_meaning

PAGE = 20


@dataclass(frozen=True, slots=True)
class Queue:
    """Messages that wait for a decision, the oldest first, with how many there are in all."""

    rows: list[Message]
    count: int
    first: Message | None
    further: int | None


@dataclass(frozen=True, slots=True)
class Stopped:
    """A cause for which messages stand still, in words."""

    cause: str
    count: int
    owner: str
    step: str
    query: str


@login_required
@require_safe
@never_cache
def waiting_list(request: HttpRequest) -> HttpResponse:
    """What waits for this supervisor."""
    person = person_of(request)
    services = querysets.supervised(person)
    if not services:
        raise Http404
    approvals = _queue(querysets.to_approve(person), _place(request, "approvals_after"))
    uncertain = _queue(querysets.uncertain(person), _place(request, "uncertain_after"))
    stopped = [_in_words(one) for one in querysets.standstills(services)]
    pauses = [pause_words(pause) for pause in querysets.open_pauses(services)]
    sendings = batches_to_approve(person)
    shown = list(sendings.select_related("service", "author").defer("body", "buttons").order_by("pk")[:PAGE])
    sendings_count = sendings.count() if len(shown) == PAGE else len(shown)
    context = {
        "sendings": shown,
        "sendings_count": sendings_count,
        "approvals_count": approvals.count + sendings_count,
        "approvals": approvals,
        "uncertain": uncertain,
        "stopped": stopped,
        "stopped_count": sum(one.count for one in stopped),
        "pauses": pauses,
        "nothing": not (approvals.count or shown or uncertain.count or stopped or pauses),
    }
    return render(request, "messaging/waiting_list.html", context)


def _place(request: HttpRequest, name: str) -> int:
    value = request.GET.get(name, "")
    return int(value) if value.isascii() and value.isdecimal() and len(value) < 19 else 0


def _queue(waiting: QuerySet[Message], after: int) -> Queue:
    found = list(waiting.filter(pk__gt=after).order_by("pk")[: PAGE + 1])
    rows = found[:PAGE]
    first = waiting.order_by("pk").first() if after else next(iter(rows), None)
    return Queue(rows, waiting.count(), first, rows[-1].pk if len(found) > PAGE else None)


def _in_words(one: Standstill) -> Stopped:
    query = f"status={one.status}" + (f"&cause={one.cause}" if one.cause else "")
    if one.status == Status.REFUSED:
        sentence, step = refusal_words(one.cause)
        return Stopped(sentence, one.count, capfirst(owner_words(one.owner)), step, query)
    sentence, step = status_meaning(one.status)
    owner = _("Tocca al responsabile") if one.status == Status.FAILED else _("Tocca a chi scrive")
    return Stopped(sentence, one.count, owner, step, query)
