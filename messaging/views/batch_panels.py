"""What the page before sending is made of: what is left to do, who can be reached, and the bar with the button."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from messaging.advice_words import Told
from messaging.batches.progress import Segment, laid_out
from messaging.delivery import batches, estimates, hours, reminders
from messaging.enums import RowState
from messaging.models import Batch, BatchRow, ServiceKey, ServicePause, User
from messaging.templatetags.portal import clock, number, stop
from messaging.views.batch_words import duration, left_to_do, people_words, towards
from messaging.views.common import names, supervisors_of
from messaging.wording import overlap_words


@dataclass(frozen=True, slots=True)
class Step:
    """One thing to do, or to wait for, before sending."""

    icon: str
    tone: str
    title: str
    text: str
    address: str = ""
    button: str = ""


@dataclass(frozen=True, slots=True)
class Reach:
    """Who of the good rows can be reached, as far as IO has said."""

    good: int
    reachable: int
    not_on_io: int
    opted_out: int
    #: How many people are being asked about at this moment.
    asking: int
    #: Estimated time for those, in words; empty when none is asked.
    left: str

    @property
    def known(self) -> int:
        """About how many IO has answered."""
        return self.reachable + self.not_on_io + self.opted_out

    @property
    def unknown(self) -> int:
        """About how many it has not."""
        return self.good - self.known

    @property
    def unreachable(self) -> int:
        """To how many nothing will be sent."""
        return self.not_on_io + self.opted_out

    @property
    def segments(self) -> list[Segment]:
        """The bar."""
        parts = [("ok", self.reachable), ("idle", self.not_on_io), ("wait", self.opted_out), ("none", self.unknown)]
        return laid_out(parts) if self.good else []

    @property
    def in_words(self) -> str:
        """The bar for those who do not see it."""
        told = [
            ngettext("una persona usa IO", "%(n)s usano IO", self.reachable) % {"n": number(self.reachable)},
            ngettext("una non usa IO", "%(n)s non usano IO", self.not_on_io) % {"n": number(self.not_on_io)},
            ngettext(
                "una ha disattivato il servizio", "%(n)s hanno disattivato il servizio", self.opted_out
            ) % {"n": number(self.opted_out)},
            ngettext("una da verificare", "%(n)s da verificare", self.unknown) % {"n": number(self.unknown)},
        ]  # fmt: skip
        return ", ".join(told)


def reach_of(batch: Batch) -> Reach:
    """The reachability of a batch's good rows; one query, and one for the pace while people are asked about."""
    asking = BatchRow.objects.filter(batch=batch, ask_at__isnull=False).count()
    left = duration(estimates.seconds_for_questions(batch.service.institution.account, asking)) if asking else ""
    return Reach(batch.rows_good, batch.rows_reachable, batch.rows_not_on_io, batch.rows_opted_out, asking, left)


def is_to_be_asked(batch: Batch, reach: Reach) -> bool:
    """Whether there are good rows about which nobody has asked yet."""
    unasked = BatchRow.objects.filter(batch=batch, state=RowState.GOOD, reachability="", ask_at__isnull=True)
    return reach.unknown > reach.asking and unasked.exists()


def steps_of(batch: Batch, reach: Reach) -> tuple[str, list[Step]]:
    """A title and what is left before sending: first what a person does, then what goes on by itself."""
    own = [step for step in (_wrong_step(batch), _warned_step(batch), _repeated_step(batch)) if step]
    waiting = _waiting_step(batch, reach)
    blocking = len([step for step in own if step.tone != "idle"])
    sendable = batches.to_send(batch) or batch.rows_repeated
    if not sendable and not batch.rows_wrong:
        title = _("Non c’è niente da inviare")
    elif blocking:
        title = left_to_do(blocking)
    elif waiting or batches.to_send(batch):
        title = _ready_title(batch, waiting=bool(waiting))
    else:
        title = _("Decidi se mandare di nuovo ciò che è già stato inviato")
    return title, [*own, *waiting]


def _ready_title(batch: Batch, *, waiting: bool) -> str:
    if batches.needs_approval(batch):
        if waiting:
            return _("Puoi già chiedere l’approvazione, o aspettare la verifica")
        return _("È tutto a posto: puoi chiedere l’approvazione")
    return _("Puoi già inviare, o aspettare la verifica") if waiting else _("È tutto a posto: puoi inviare")


def _wrong_step(batch: Batch) -> Step | None:
    rows = batch.rows_wrong
    if not rows:
        return None
    title = ngettext("Correggi o escludi una riga", "Correggi o escludi %(n)s righe", rows) % {"n": number(rows)}
    good = batch.rows_good
    if good:
        text = ngettext("L’altra riga va bene.", "Le altre %(n)s righe vanno bene.", good) % {"n": number(good)}
    else:
        text = _("Finora nessuna riga va bene.")
    return Step("it-pencil", "bad", title, text, "#righe", ngettext("Vai alla riga", "Vai alle righe", rows))


def _warned_step(batch: Batch) -> Step | None:
    rows = batch.rows_warned
    if not rows:
        return None
    title = ngettext("Ricontrolla una riga con un dubbio", "Ricontrolla %(n)s righe con un dubbio", rows)
    text = _("Possono partire: confermalo vicino al pulsante.")
    if rows == 1:
        text = _("Può partire: confermalo vicino al pulsante.")
    return Step(
        "it-warning-circle",
        "wait",
        title % {"n": number(rows)},
        text,
        "#dubbi",
        _("Vedi i dubbi") if rows > 1 else _("Vedi il dubbio"),
    )


def _repeated_step(batch: Batch) -> Step | None:
    rows = batch.rows_repeated
    if not rows:
        return None
    title = ngettext(
        "Una riga resta fuori: è già stata inviata", "%(n)s righe restano fuori: sono già state inviate", rows
    )
    text = ngettext(
        "La persona ha avuto lo stesso messaggio negli ultimi 7 giorni. Se serve, in fondo puoi mandarlo di nuovo.",
        "Le persone hanno avuto lo stesso messaggio negli ultimi 7 giorni. Se serve, in fondo puoi mandarlo di nuovo.",
        rows,
    )
    return Step(
        "it-copy",
        "idle",
        title % {"n": number(rows)},
        text,
        "#ripetute",
        ngettext("Vedi la riga", "Vedi le righe", rows),
    )


def _waiting_step(batch: Batch, reach: Reach) -> list[Step]:
    if not reach.asking:
        return []
    people = people_words(reach.asking)
    title = _("Aspetta la verifica su IO di %(people)s") % {"people": people}
    text = _("Tempo previsto: %(time)s. La verifica va avanti da sola, anche se chiudi la pagina.")
    if batch.rows_wrong or batch.rows_warned:
        # The title above counts what a person does: this goes on beside it.
        title = _("Intanto verifichiamo su IO %(people)s") % {"people": people}
    if batch.rows_wrong:
        text = _("Tempo previsto: %(time)s. Puoi correggere intanto: la verifica va avanti da sola.")
    return [Step("it-refresh", "go", title, text % {"time": reach.left}, "", "")]


@dataclass(frozen=True, slots=True)
class SendBar:
    """The button and what stands beside it."""

    #: How many messages the button says.
    count: int
    label: str
    #: Whether it may become fewer, because not everybody has been asked about.
    up_to: bool
    #: Whether a second person has to agree.
    asks: bool
    #: What unlocks the button; empty when it is open.
    locked: str
    #: When it ends, or why that is not known, as two parts of a sentence.
    end: str
    end_more: str
    #: What keeps or delays the messages besides.
    told: tuple[Told, ...]


def bar_of(batch: Batch, reach: Reach, person: User, *, again: bool = False) -> SendBar:
    """The bar; with ``again`` as if the rows sent in the last days went once more."""
    candidate = copy.copy(batch)
    # Where nothing else could go, the button speaks of what can.
    again = again or (not batches.to_send(batch) and bool(batch.rows_repeated))
    if again:
        candidate.rows_good += batch.rows_repeated
    count = batches.to_send(candidate)
    unknown = reach.unknown + (batch.rows_repeated if again else 0)
    asks = batches.needs_approval(candidate)
    locked = _locked(batch, count)
    end, more = _end(batch, count, unknown, waits=asks) if count else ("", "")
    told = [_approval(batch, person)] if asks and count else []
    label = _label(count, up_to=bool(unknown), asks=asks)
    return SendBar(count, label, bool(unknown), asks, locked, end, more, (*told, *_delays(batch)))


def _label(count: int, *, up_to: bool, asks: bool) -> str:
    if not count:
        return _("Niente da inviare")
    if asks:
        one, many = _("Chiedi l’approvazione per un messaggio"), _("Chiedi l’approvazione per %(n)s messaggi")
        if up_to and count > 1:
            many = _("Chiedi l’approvazione per %(n)s messaggi al massimo")
    else:
        one = _("Invia un messaggio")
        many = _("Invia fino a %(n)s messaggi") if up_to else _("Invia %(n)s messaggi")
    return one if count == 1 else many % {"n": number(count)}


def _locked(batch: Batch, count: int) -> str:
    if batch.rows_wrong:
        return ngettext(
            "Il pulsante si attiva quando la riga da correggere è a posto, esclusa o in una nuova bozza.",
            "Il pulsante si attiva quando le %(n)s righe da correggere sono a posto, escluse o in una nuova bozza.",
            batch.rows_wrong,
        ) % {"n": number(batch.rows_wrong)}
    if count:
        return ""
    if batch.rows_good:
        return _("Nessuna di queste persone si può raggiungere su IO: scarica l’elenco e scrivi loro in un altro modo.")
    return _("Non resta nessuna riga da inviare.")


def _end(batch: Batch, count: int, unknown: int, *, waits: bool) -> tuple[str, str]:
    institution = batch.service.institution
    seconds = estimates.seconds_for_sending(institution.account, count, unknown)
    time = duration(seconds)
    pace = _("al ritmo che IO consente all’ente")
    if waits:
        return _("Durata prevista: %(time)s") % {"time": time}, _("dopo l’approvazione, %(pace)s.") % {"pace": pace}
    now = timezone.now()
    end = hours.after_sending_for(institution, now, seconds)
    told = _("Fine prevista: %(moment)s") % {"moment": towards(end)}
    if (opening := hours.next_sending(institution, now)) is not None:
        return told, _opening(opening, batch)
    return told, _("%(time)s dopo l’invio, %(pace)s.") % {"time": time, "pace": pace}


def _opening(opening: datetime, batch: Batch) -> str:
    institution = batch.service.institution
    assert institution.polite_from is not None
    assert institution.polite_until is not None
    window = {
        "first": f"{institution.polite_from:%-H:%M}",
        "last": f"{institution.polite_until:%-H:%M}",
        "next": clock(opening),
    }
    return _("perché l’ente invia solo dalle %(first)s alle %(last)s: si comincia alle %(next)s.") % window


def _approval(batch: Batch, person: User) -> Told:
    others = [
        one
        for one in supervisors_of([batch.service]).get(batch.service_id, [])
        if one.pk not in {batch.author_id, person.pk}
    ]
    title = _("Serve il sì di un responsabile.")
    if not others:
        text = _("In questo servizio non c’è un altro responsabile: può aggiungerlo un amministratore.")
        return Told("wait", "it-user", title, text)
    text = ngettext("Parte quando lo approva %(names)s", "Parte quando lo approva uno di loro: %(names)s", len(others))
    return Told("wait", "it-user", title, text % {"names": stop(names(others))})


def _delays(batch: Batch) -> list[Told]:
    service, told = batch.service, []
    if not service.live:
        text = _("I messaggi arrivano solo alle persone del suo elenco di prova: gli altri non partono.")
        told.append(Told("wait", "it-tool", _("Il servizio è in prova."), text))
    if ServicePause.objects.filter(service=service, whole_service=True, lifted_at__isnull=True).exists():
        text = _("I messaggi aspettano in coda e partono quando il servizio riprende.")
        told.append(Told("wait", "it-warning-circle", _("Il servizio è sospeso."), text))
    if not ServiceKey.objects.filter(service=service, in_use=True).exists():
        text = _("I messaggi aspettano in coda finché un amministratore ne aggiunge una.")
        told.append(Told("wait", "it-key", _("Al servizio manca la chiave di IO."), text))
    if overlap := reminders.overlapping(batch):
        told.append(Told("wait", "it-clock", *overlap_words(overlap)))
    return told


def live_panels(batch: Batch, person: User, *, again: bool = False) -> dict[str, Any]:
    """The parts of the page that change while people are asked about."""
    reach = reach_of(batch)
    title, steps = steps_of(batch, reach)
    return {
        "batch": batch,
        "reach": reach,
        "title": title,
        "steps": steps,
        "bar": bar_of(batch, reach, person, again=again),
        "live_address": reverse("batch_check_live", args=[batch.public_id]),
    }
