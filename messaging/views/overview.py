"""The supervisor's page: what waits for a person, what arrived, service by service and how soon."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from messaging import charts, querysets
from messaging.enums import DeliverySpeed, Milestone
from messaging.forms.filters import PeriodForm
from messaging.listing import Outcome
from messaging.models import Service, ServiceKey
from messaging.overview import Figures, Waiting, share, supervised_services, waiting
from messaging.spreadsheets.outcomes import csv_pieces
from messaging.templatetags.portal import number
from messaging.views.common import person_of
from messaging.views.overview_causes import causes, see
from messaging.views.pauses import pause_words
from messaging.views.services import Card


@dataclass(frozen=True, slots=True)
class Line:
    """A number with its share of another one, and where its rows are; None where nobody knows it."""

    label: str
    count: int | None
    whole: int
    address: str

    @property
    def share(self) -> int | None:
        """In hundredths, rounded down."""
        return None if self.count is None else share(self.count, self.whole)


@dataclass(frozen=True, slots=True)
class ServiceLine:
    """What one service did in the days, and whether it sends."""

    card: Card
    sent: Line
    delivered: Line
    seen: Line
    paid: Line
    stopped: Line


class _Page:
    """What the whole page and its parts are made of, for one supervisor and the days of the address."""

    def __init__(self, request: HttpRequest) -> None:
        self.person = person_of(request)
        self.services = supervised_services(self.person)
        if not self.services:
            raise Http404
        self.form = PeriodForm({"period": request.GET.get("period") or PeriodForm.USUAL})
        self.first, self.last = self.form.days(timezone.localdate())
        self.pauses = list(querysets.open_pauses(one.pk for one in self.services))
        held = [pause.service_id for pause in self.pauses if pause.whole_service]
        self.figures = Figures(self.services, self.first, self.last, held)

    def listed(self, service: Service | None = None, **parameters: Any) -> str:
        """The address of the list with exactly the rows that a figure counts."""
        query = QueryDict(mutable=True)
        if service is None and len(self.services) > 1:
            query["supervised"] = "on"
        else:
            query["service"] = (service or self.services[0]).slug
        query.update({name: str(value) for name, value in parameters.items()})
        query.update({"sent_since": self.first.isoformat(), "sent_until": self.last.isoformat()})
        return f"{reverse('message_list')}?{query.urlencode()}"

    def common(self) -> dict[str, Any]:
        """What every part knows."""
        return {"period": self.form, "first": self.first, "last": self.last, "figures": self.figures}

    def waiting(self) -> dict[str, Any]:
        """The tiles and the causes."""
        found, stopped = waiting(self.person), self.figures.stopped()
        return {
            **self.common(),
            "waiting": found,
            "approvals": _approvals(found),
            "stopped": stopped,
            "stopped_address": self.listed(outcome=Outcome.STOPPED),
            "stopped_button": see(stopped),
            "causes": causes(self.figures, self.pauses, self.listed) if stopped else [],
        }

    def arrived(self) -> dict[str, Any]:
        """From sent to paid, as columns and as lines, and where the others stand."""
        sent, delivered = self.figures.sent(), self.figures.delivered()
        seen, paid = self._seen(), self._paid()
        lines = [
            Line(_("Inviati"), sent, 0, self.listed(outcome=Outcome.SENT)),
            Line(_("Consegnati"), delivered, sent, self.listed(outcome=Outcome.DELIVERED)),
            seen,
            paid,
        ]
        return {
            "steps": lines,
            "steps_chart": charts.columns(
                [(line.count, (line.label,)) for line in lines],
                base=200,
                highest=170,
                gap=48,
                wholes=[0, 0, seen.whole, paid.whole],
            ),
            "known": known_words(delivered, seen, paid) if delivered else [],
            "not_delivered": self._by_status(sent=True),
            "not_sent": self._by_status(sent=False),
        }

    def _seen(self, service: Service | None = None) -> Line:
        """How many were opened or read, of those of which that is known."""
        address = self.listed(service, outcome=Outcome.SEEN)
        return self._reached(_("Aperti o letti"), Milestone.SEEN, Milestone.OBSERVED, service, address)

    def _paid(self, service: Service | None = None) -> Line:
        """How many were paid, of those of which that is known."""
        address = self.listed(service, outcome=Outcome.PAID)
        return self._reached(_("Pagati"), Milestone.PAID, Milestone.PAYABLE, service, address)

    def _reached(self, label: str, part: Milestone, whole: Milestone, service: Service | None, address: str) -> Line:
        pk = service.pk if service else None
        known = self.figures.reached(whole, pk)
        nobody_knows = not known and self.figures.delivered(pk)
        return Line(label, None if nobody_knows else self.figures.reached(part, pk), known, address)

    def _by_status(self, *, sent: bool) -> list[Line]:
        counted = self.figures.by_status(sent=sent)
        return [Line(str(status.label), count, 0, self.listed(status=status)) for status, count in counted]

    @cached_property
    def lines(self) -> list[ServiceLine]:
        """A line for each service."""
        keys: dict[int, list[ServiceKey]] = {}
        for key in ServiceKey.objects.filter(service__in=self.services, in_use=True).defer("secret"):
            keys.setdefault(key.service_id, []).append(key)
        words: dict[int, Any] = {}
        for pause in self.pauses:
            words.setdefault(pause.service_id, []).append(pause_words(pause))
        return [
            self._line(Card(one, None, administers=False, keys=keys.get(one.pk, []), pauses=words.get(one.pk, [])))
            for one in self.services
        ]

    def _line(self, card: Card) -> ServiceLine:
        service, figures = card.service, self.figures
        sent = figures.sent(service.pk)
        return ServiceLine(
            card,
            Line(_("Inviati"), sent, 0, self.listed(service, outcome=Outcome.SENT)),
            Line(_("Consegnati"), figures.delivered(service.pk), sent, self.listed(service, outcome=Outcome.DELIVERED)),
            self._seen(service),
            self._paid(service),
            Line(_("Respinti o fermi"), figures.stopped(service.pk), 0, self.listed(service, outcome=Outcome.STOPPED)),
        )

    def speeds(self) -> dict[str, Any]:
        """How long delivery took: the columns, the lines, and when half and 95 of a hundred were there."""
        counted = self.figures.speeds
        total = sum(counted.values())
        return {
            "speeds": [
                Line(capfirst(str(speed.label)), count, total, self.listed(speed=int(speed)))
                for speed, count in counted.items()
            ],
            "speeds_total": total,
            "speeds_chart": charts.columns(
                [(count, _two_lines(speed)) for speed, count in counted.items()], base=150, highest=112, gap=16
            ),
            "half": _within(self.figures.within(50)),
            "nearly_all": _within(self.figures.within(95)),
        }


@login_required
@require_safe
@never_cache
def overview(request: HttpRequest) -> HttpResponse:
    """The page; a person who supervises nothing finds none."""
    page = _Page(request)
    context = {**page.waiting(), **page.arrived(), "lines": page.lines, **page.speeds()}
    return render(request, "messaging/overview.html", context)


@login_required
@require_safe
@never_cache
def overview_waiting(request: HttpRequest) -> HttpResponse:
    """What waits for a person, asked again while the page is open."""
    return render(request, "messaging/partials/_overview_waiting.html", _Page(request).waiting())


@login_required
@require_safe
@never_cache
def overview_table(request: HttpRequest) -> HttpResponse:
    """The table of the services as CSV."""
    page = _Page(request)
    header = [
        *(_("Servizio"), _("Dal"), _("Al"), _("Inviati"), _("Consegnati")),
        *(_("Consegnati su 100 inviati"), _("Respinti o fermi")),
        *(_("Aperti o letti"), _("Su quanti si sa se sono aperti o letti")),
        *(_("Pagati"), _("Su quanti si sa se sono pagati"), _("Stato")),
    ]
    rows = [
        [
            *(line.card.service.name, page.first, page.last, line.sent.count, line.delivered.count),
            *(line.delivered.share, line.stopped.count, _said(line.seen), line.seen.whole),
            *(_said(line.paid), line.paid.whole, line.card.pill[0]),
        ]
        for line in page.lines
    ]
    response = HttpResponse(b"".join(csv_pieces(header, rows)), content_type="text/csv; charset=utf-8")
    name = f"andamento-{page.first:%Y-%m-%d}-{page.last:%Y-%m-%d}.csv"
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def known_words(delivered: int, seen: Line, paid: Line) -> list[str]:
    """Of how many of the delivered messages anything more is known, and by whom."""
    by_whom = _("Lo dice IO con l’accordo Premium, o il portale per i messaggi con contenuto remoto.")
    if seen.count is None:
        words = [_("Aperti o letti: non si sa di nessun messaggio. %(by_whom)s") % {"by_whom": by_whom}]
    else:
        told = {"known": number(seen.whole), "delivered": number(delivered), "by_whom": by_whom}
        words = [_("Aperti o letti: si sa di %(known)s su %(delivered)s consegnati. %(by_whom)s") % told]
    if paid.count is None:
        words.append(
            _("Pagati: non si sa di nessun messaggio. Lo dice IO, per gli avvisi inviati con l’accordo Premium.")
        )
    else:
        known = ngettext(
            "Pagati: si sa di un avviso di pagamento, inviato con l’accordo Premium, in qualunque modo si paghi.",
            "Pagati: si sa di %(n)s avvisi di pagamento, inviati con l’accordo Premium, in qualunque modo si paghino.",
            paid.whole,
        )
        words.append(known % {"n": number(paid.whole)})
    return words


def _said(line: Line) -> str | int:
    return _("non disponibile") if line.count is None else line.count


def _approvals(found: Waiting) -> dict[str, str]:
    """The tile of the approvals in words: what they are, for how many people, and what the button says."""
    people = ngettext("Per un destinatario.", "Per %(n)s destinatari in tutto.", found.recipients)
    title, button = _approval_words(found.messages, found.batches)
    return {"title": title, "people": people % {"n": number(found.recipients)}, "button": button}


def _approval_words(messages: int, batches: int) -> tuple[str, str]:
    if messages and batches:
        first = ngettext("un messaggio", "%(n)s messaggi", messages) % {"n": number(messages)}
        second = ngettext("un invio da foglio", "%(n)s invii da foglio", batches) % {"n": number(batches)}
        both = {"messages": first, "batches": second}
        return _("Da approvare: %(messages)s e %(batches)s") % both, _("Leggi e approva")
    if batches:
        button = ngettext("Leggi e approva l’invio", "Leggi e approva i %(n)s invii", batches)
        return ngettext("Invio da foglio da approvare", "Invii da foglio da approvare", batches), button % {
            "n": number(batches)
        }
    button = ngettext("Leggi e approva il messaggio", "Leggi e approva i %(shown)s messaggi", messages)
    title = ngettext("Messaggio da approvare", "Messaggi da approvare", messages)
    return title, button % {"shown": number(messages)}


def _two_lines(speed: DeliverySpeed) -> tuple[str, str]:
    """The class as it stands below its column."""
    words = {
        DeliverySpeed.SECONDS_15: (_("fino a"), _("15 s")),
        DeliverySpeed.MINUTE: (_("da 15 s"), _("a 1 min")),
        DeliverySpeed.MINUTES_5: (_("da 1 a"), _("5 min")),
        DeliverySpeed.MINUTES_30: (_("da 5 a"), _("30 min")),
        DeliverySpeed.HOURS_2: (_("da 30 min"), _("a 2 ore")),
        DeliverySpeed.LONGER: (_("oltre"), _("2 ore")),
    }
    return words[speed]


def _within(speed: DeliverySpeed | None) -> dict[str, str] | None:
    """The longest time of a class: «15 secondi» «o meno», or «più di 2 ore»."""
    words = {
        DeliverySpeed.SECONDS_15: _("15 secondi"),
        DeliverySpeed.MINUTE: _("1 minuto"),
        DeliverySpeed.MINUTES_5: _("5 minuti"),
        DeliverySpeed.MINUTES_30: _("30 minuti"),
        DeliverySpeed.HOURS_2: _("2 ore"),
    }
    if speed is None:
        return None
    return {"time": words.get(speed, _("Più di 2 ore")), "less": words.get(speed, "")}
