"""The desk: first what waits for this person, then what runs by itself, then the past."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.contrib.auth.decorators import login_required
from django.db.models import Count, Min
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from messaging import querysets
from messaging.delivery.seal import installation
from messaging.enums import BatchStatus, Reason, Status
from messaging.models import Institution, Message, Service, ServiceKey, StatusChange, User
from messaging.permissions import administered_institutions, batches_to_approve, known_services
from messaging.templatetags.portal import elapsed, number, when
from messaging.views.batch_list import Summary, to_settle
from messaging.views.batch_list import running as running_sendings
from messaging.views.common import administrators_to_ask, person_of
from messaging.views.desk_sent import sent_last
from messaging.views.pauses import pause_words
from messaging.wording import reason_story, refusal_words

#: How many of each sort the desk shows; the rest is one link away.
FEW = 5


@dataclass(frozen=True, slots=True)
class Todo:
    """Something that waits for this person: what, why, and the one thing to press."""

    icon: str
    tone: str
    title: str
    text: str
    address: str
    button: str


@login_required
@require_safe
@never_cache
def desk(request: HttpRequest) -> HttpResponse:
    """The first page after signing in; what it holds follows from the person's roles."""
    person = person_of(request)
    services = querysets.my_services(person)
    institutions = list(administered_institutions(person))
    known = list(known_services(person))
    if not services and not institutions:
        return render(
            request,
            "messaging/desk.html",
            {"greeting": greeting(), "today": timezone.localdate(), "ask": administrators_to_ask(person)},
        )
    context: dict[str, Any] = {
        "greeting": greeting(),
        "today": timezone.localdate(),
        "writes": bool(services),
        "administers": bool(institutions),
        "todos": [
            *_of_the_administrator(person, known, institutions),
            *_of_the_supervisor(person),
            *_of_the_author(person),
        ],
    }
    if services:
        context |= _running(person)
        context["drafts"] = list(querysets.drafts(person)[:FEW])
        context["sent"] = sent_last(person, FEW)
    else:
        context["services"] = known
    return render(request, "messaging/desk.html", context)


@login_required
@require_safe
@never_cache
def desk_running(request: HttpRequest) -> HttpResponse:
    """What runs by itself, asked again while it runs; the last answer asks for no more."""
    context = _running(person_of(request)) | {"live": True}
    return render(request, "messaging/partials/_running.html", context)


def greeting() -> str:
    """By the hour in Rome."""
    hour = timezone.localtime().hour
    if 5 <= hour < 13:
        return _("Buongiorno")
    return _("Buon pomeriggio") if 13 <= hour < 18 else _("Buonasera")


def _running(person: User) -> dict[str, Any]:
    rows = list(querysets.running(person)[: FEW + 1])
    sendings = running_sendings(person, FEW + 1)
    return {
        "running": rows[:FEW],
        "more_running": len(rows) > FEW,
        "sendings": sendings[:FEW],
        "more_sendings": len(sendings) > FEW,
    }


def _of_the_author(person: User) -> list[Todo]:
    return [*_came_back(person), *_sendings_to_settle(person), *_to_correct(person)]


def _sendings_to_settle(person: User) -> list[Todo]:
    found = to_settle(person, FEW + 1)
    todos = [_one_sending(one) for one in found[:FEW]]
    if len(found) > FEW:
        todos.append(_others("it-file", "wait", _("Altri invii da foglio ti aspettano"), reverse("batch_list")))
    return todos


def _one_sending(one: Summary) -> Todo:
    batch = one.batch
    address = reverse("batch_detail", args=[batch.public_id])
    if batch.status == BatchStatus.READY:
        title = _("«%(name)s» è pronto") % {"name": batch.name}
        text = ngettext("Il foglio è pronto per una persona.", "Il foglio è pronto per %(n)s persone.", batch.rows_good)
        return Todo("it-check", "go", title, text % {"n": number(batch.rows_good)}, address, _("Vai all’invio"))
    if not batch.rows_wrong:
        title = _("«%(name)s» non si può ancora inviare") % {"name": batch.name}
        return Todo("it-error", "bad", title, f"{one.brief}.", address, _("Vedi cosa fare"))
    title = ngettext(
        "Una riga da correggere in «%(name)s»", "%(n)s righe da correggere in «%(name)s»", batch.rows_wrong
    )
    text = _("Correggi le righe oppure escludile, poi potrai inviare.")
    told = {"name": batch.name, "n": number(batch.rows_wrong)}
    return Todo("it-error", "bad", title % told, text, address, _("Correggi le righe"))


def _came_back(person: User) -> list[Todo]:
    rows = list(querysets.came_back(person)[: FEW + 1])
    ids = [getattr(row, "last_change") for row in rows]  # noqa: B009 - annotated, so unknown to mypy
    steps = StatusChange.objects.select_related("actor").in_bulk(ids)
    todos = [_one_back(row, steps[pk]) for row, pk in zip(rows[:FEW], ids, strict=False)]
    if len(rows) > FEW:
        address = f"{reverse('message_list')}?status={Status.DRAFT}&author={person.pk}"
        todos.append(_others("it-arrow-left-circle", "wait", _("Altre bozze sono tornate indietro"), address))
    return todos


def _one_back(message: Message, step: StatusChange) -> Todo:
    if step.reason == Reason.SENT_BACK and step.actor:
        told = {"person": step.actor.short_name, "when": when(step.at), "note": step.note}
        text = _("%(person)s, %(when)s: «%(note)s».") % told
    else:
        text = reason_story(step).text
    title = _("«%(subject)s» è tornato indietro") % {"subject": _subject(message)}
    address = reverse("message_detail", args=[message.public_id])
    return Todo("it-arrow-left-circle", "wait", title, text, address, _("Rivedi il testo"))


def _to_correct(person: User) -> list[Todo]:
    rows = list(querysets.to_correct(person)[: FEW + 1])
    todos = []
    for message in rows[:FEW]:
        title = _("«%(subject)s» è da correggere") % {"subject": _subject(message)}
        address = reverse("message_detail", args=[message.public_id])
        text = refusal_words(message.refusal_cause)[0]
        todos.append(Todo("it-error", "bad", title, text, address, _("Vedi cosa correggere")))
    if len(rows) > FEW:
        address = f"{reverse('message_list')}?status={Status.REFUSED}&author={person.pk}"
        todos.append(_others("it-error", "bad", _("Altri messaggi sono da correggere"), address))
    return todos


def _others(icon: str, tone: str, title: str, address: str) -> Todo:
    return Todo(icon, tone, title, _("Qui vedi i più recenti."), address, _("Vedi tutti"))


def _of_the_supervisor(person: User) -> list[Todo]:
    todos = []
    waiting = querysets.to_approve(person).order_by().aggregate(n=Count("pk"), first=Min("changed_at"))
    if waiting["n"]:
        title = ngettext("Un messaggio da approvare", "%(n)s messaggi da approvare", waiting["n"])
        text = ngettext("Aspetta da %(time)s.", "Il primo aspetta da %(time)s.", waiting["n"])
        todos.append(
            Todo(
                "it-user",
                "wait",
                title % {"n": number(waiting["n"])},
                text % {"time": elapsed(waiting["first"])},
                f"{reverse('waiting_list')}#h-approve",
                _("Leggi e approva"),
            )
        )
    todos += _sendings_to_approve(person)
    unknown = querysets.uncertain(person).count()
    if unknown:
        title = ngettext("Un messaggio con esito incerto", "%(n)s messaggi con esito incerto", unknown)
        text = ngettext(
            "IO non ha risposto: può essere arrivato oppure no.",
            "IO non ha risposto: possono essere arrivati oppure no.",
            unknown,
        )
        button = ngettext("Decidi", "Decidi caso per caso", unknown)
        todos.append(
            Todo(
                "it-help-circle",
                "wait",
                title % {"n": number(unknown)},
                text,
                f"{reverse('waiting_list')}#h-uncertain",
                button,
            )
        )
    return todos


def _sendings_to_approve(person: User) -> list[Todo]:
    waiting = batches_to_approve(person).aggregate(n=Count("pk"), first=Min("submitted_at"))
    if not waiting["n"]:
        return []
    title = ngettext("Un invio da foglio da approvare", "%(shown)s invii da foglio da approvare", waiting["n"])
    text = ngettext("Aspetta da %(time)s.", "Il primo aspetta da %(time)s.", waiting["n"])
    told = text % {"time": elapsed(waiting["first"])}
    address = f"{reverse('waiting_list')}#h-sendings"
    return [Todo("it-user", "wait", title % {"shown": number(waiting["n"])}, told, address, _("Leggi e approva"))]


def _of_the_administrator(person: User, known: list[Service], institutions: list[Institution]) -> list[Todo]:
    todos = [_held()] if institutions and installation().held_at else []
    administered = {service.pk: service for service in known if service.institution in institutions}
    in_charge = {*querysets.supervised(person), *administered}
    for pause in querysets.open_pauses(in_charge):
        words = pause_words(pause)
        title = _("%(service)s: %(what)s") % {"service": pause.service.name, "what": _lower(words.title)}
        address = reverse("service_detail", args=[pause.service.slug])
        todos.append(Todo("it-locked", "bad", title, f"{words.text} {words.job}", address, _("Apri il servizio")))
    return [*todos, *_stopped(administered), *_without_key(administered)]


def _held() -> Todo:
    return Todo(
        "it-locked",
        "bad",
        _("Tutti gli invii sono fermi"),
        _("Il portale lavora su una copia del database: prima che riparta, una persona decide dei messaggi in coda."),
        reverse("service_list"),
        _("Decidi"),
    )


def _stopped(services: dict[int, Service]) -> list[Todo]:
    """Refusals that only an administrator can put right: counted, never shown."""
    todos = []
    for one in querysets.standstills(services, by_service=True):
        if one.owner in {"administrator", "pagopa"} and one.service_id is not None:
            service = services[one.service_id]
            told = {"n": number(one.count), "service": service.name}
            title = ngettext(
                "Un messaggio di %(service)s è fermo", "%(n)s messaggi di %(service)s sono fermi", one.count
            )
            sentence, step = refusal_words(one.cause)
            address = reverse("service_detail", args=[service.slug])
            todos.append(Todo("it-error", "bad", title % told, f"{sentence} {step}", address, _("Apri il servizio")))
    return todos


def _without_key(services: dict[int, Service]) -> list[Todo]:
    keyed = set(ServiceKey.objects.filter(service__in=list(services), in_use=True).values_list("service", flat=True))
    return [
        Todo(
            "it-key",
            "wait",
            _("%(service)s non ha una chiave in uso") % {"service": service.name},
            _("Senza chiave non può inviare. La copi dall’Area Riservata di IO."),
            reverse("admin:messaging_service_change", args=[pk]),
            _("Aggiungi la chiave"),
        )
        for pk, service in services.items()
        if pk not in keyed
    ]


def _subject(message: Message) -> str:
    return message.subject or _("Senza oggetto")


def _lower(sentence: str) -> str:
    """A sentence after a colon; IO keeps its capitals."""
    return sentence if sentence.startswith("IO ") else sentence[:1].lower() + sentence[1:]
