"""Why messages stand still, in words: the cause, whose job it is, what to do, and where their rows are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy
from django.utils.translation import ngettext

from messaging.enums import PauseReason, Status
from messaging.models import Service, ServicePause
from messaging.overview import Figures
from messaging.templatetags.portal import number
from messaging.views.pauses import pause_words
from messaging.wording import Words, refusal_words, status_meaning

#: Whose job it is, as a column of its own says it.
_JOBS: dict[str, Words] = {
    "clerk": lazy("Chi ha scritto"),
    "administrator": lazy("Amministratore"),
    "pagopa": lazy("PagoPA"),
    "supervisor": lazy("Responsabile"),
}
#: How the messages of a paused service go on.
_STEPS: dict[str, Words] = {
    PauseReason.KEY: lazy("Salvare la chiave nuova e riprendere gli invii: i messaggi ripartono da soli."),
    PauseReason.FORBIDDEN: lazy(
        "Controllare il servizio e l’indirizzo nell’Area Riservata di IO, poi riprendere gli invii."
    ),
    PauseReason.PERSON: lazy("Riprendere gli invii, quando si può: i messaggi ripartono da soli."),
}


@dataclass(frozen=True, slots=True)
class Cause:
    """One line: ``services`` names where, if that is not everywhere."""

    text: str
    services: str
    count: int
    job: str
    step: str
    address: str
    button: str


def causes(figures: Figures, pauses: list[ServicePause], listed: Callable[..., str]) -> list[Cause]:
    """Every cause with its messages, the most frequent first; the counts add up to ``figures.stopped()``.

    ``listed`` gives the address of the list for parameters, or for those of one service.
    """
    found = [*_ended(figures, listed), *_refused(figures, listed), *_held(figures, pauses)]
    return sorted(found, key=lambda cause: -cause.count)


def _ended(figures: Figures, listed: Callable[..., str]) -> list[Cause]:
    lines = []
    for status, job in ((Status.REJECTED, "clerk"), (Status.FAILED, "supervisor")):
        count = figures.count(status)
        services = [one for one in figures.services if figures.count(status, service=one.pk)]
        if count:
            text, step = _ended_words(status)
            address = listed(status=status, service=_only(services))
            lines.append(Cause(text, _names(figures, services), count, str(_JOBS[job]), step, address, see(count)))
    return lines


def _ended_words(status: Status) -> tuple[str, str]:
    if status is Status.REJECTED:
        return _("Dopo la verifica la persona ha lasciato il servizio o IO."), _("Scrivere in un altro modo.")
    return status_meaning(status)


def _refused(figures: Figures, listed: Callable[..., str]) -> list[Cause]:
    counts: Counter[tuple[str, str]] = Counter()
    where: dict[tuple[str, str], list[Service]] = {}
    services = {service.pk: service for service in figures.services}
    for refusal in figures.refusals():
        counts[refusal.cause, refusal.owner] += refusal.count
        where.setdefault((refusal.cause, refusal.owner), []).append(services[refusal.service])
    return [_of_cause(figures, *key, count, where[key], listed) for key, count in counts.items()]


def _of_cause(
    figures: Figures, cause: str, owner: str, count: int, services: list[Service], listed: Callable[..., str]
) -> Cause:
    names, service = _names(figures, services), _only(services)
    if not cause:
        text, step = _("Altri messaggi che IO non ha accettato, meno recenti."), _("Aprirli: ognuno dice cosa fare.")
        address = listed(status=Status.REFUSED, service=service)
        return Cause(text, names, count, str(_JOBS["clerk"]), step, address, _("Vedi i messaggi"))
    text, step = refusal_words(cause)
    address = listed(status=Status.REFUSED, cause=cause, service=service)
    return Cause(text, names, count, str(_JOBS.get(owner, _JOBS["administrator"])), step, address, see(count))


def _held(figures: Figures, pauses: list[ServicePause]) -> list[Cause]:
    lines = []
    told = set()
    for pause in pauses:
        count = figures.waiting_in(pause.service_id)
        if pause.whole_service and count and pause.service_id not in told:
            told.add(pause.service_id)
            job = _JOBS["supervisor" if pause.reason == PauseReason.PERSON else "administrator"]
            step = str(_STEPS.get(pause.reason, "")) or pause_words(pause).job
            address = reverse("service_detail", args=[pause.service.slug])
            title = f"{pause_words(pause).title}."
            lines.append(Cause(title, pause.service.name, count, str(job), step, address, _("Apri il servizio")))
    return lines


def _only(services: list[Service]) -> Service | None:
    return services[0] if len({service.pk for service in services}) == 1 else None


def _names(figures: Figures, services: list[Service]) -> str:
    if len(figures.services) == 1:
        return ""
    return ", ".join(sorted({service.name for service in services}))


def see(count: int) -> str:
    """What the link to so many rows says."""
    return ngettext("Vedi il messaggio", "Vedi i %(n)s messaggi", count) % {"n": number(count)}
