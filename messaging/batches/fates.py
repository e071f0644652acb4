"""What became of a row, in words that the page and the report share."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy

from messaging.batches.listing import Line
from messaging.enums import BatchStatus, ReachabilityAnswer, RowState, Status
from messaging.models import Batch, Message
from messaging.templatetags.portal import when
from messaging.wording import owner_words, refusal_words, status_meaning


@dataclass(frozen=True, slots=True)
class Fate:
    """Where a row stands, why, since when, and under which code IO knows it."""

    label: str
    tone: str
    icon: str
    text: str
    at: datetime | None = None
    io_id: str = ""


_STATES = {
    RowState.EXCLUDED: (lazy("Esclusa"), "it-minus-circle", lazy("Una persona l’ha esclusa prima dell’invio.")),
    RowState.REPEATED: (
        lazy("Già inviata"),
        "it-copy",
        lazy("Lo stesso messaggio era già partito nei giorni prima: non è partito di nuovo."),
    ),
    RowState.MOVED: (
        lazy("Spostata"),
        "it-arrow-right-circle",
        lazy("È in un altro invio, da correggere: da qui non è partita."),
    ),
    RowState.WRONG: (lazy("Con un errore"), "it-error", lazy("Un dato della riga non va: non è partito nulla.")),
}


def fate(batch: Batch, line: Line) -> Fate:
    """What became of a row of the batch."""
    message, state = line.message, RowState(line.row.state)
    if message is not None:
        status = Status(message.status)
        at = None if status is Status.QUEUED else message.changed_at
        return Fate(str(status.label), status.tone, status.icon, _text(batch, line, message), at, message.io_id)
    if state is not RowState.GOOD:
        label, icon, text = _STATES[state]
        return Fate(str(label), "bad" if state is RowState.WRONG else "idle", icon, str(text))
    if batch.status == BatchStatus.CANCELLED and batch.started_at is None:
        return _as(Status.CANCELLED, _("L’invio è stato annullato prima di partire."))
    status = Status.AWAITING_APPROVAL if batch.status == BatchStatus.AWAITING_APPROVAL else Status.QUEUED
    return _as(status, _waiting(batch))


def _as(status: Status, text: str) -> Fate:
    return Fate(str(status.label), status.tone, status.icon, text)


def _text(batch: Batch, line: Line, message: Message) -> str:
    match message.status:
        case Status.QUEUED:
            return _waiting(batch)
        case Status.UNREACHABLE:
            return _unreachable(line.row.reachability)
        case Status.PROCESSED if message.payment_status == "PAID":
            return _("Risulta pagato.")
        case Status.PROCESSED if message.read_status == "READ":
            return _("Risulta letto.")
        case Status.PROCESSED if message.seen_at:
            return _("Il cittadino lo ha aperto.")
        case Status.PROCESSED:
            return _("È nell’app.")
        case Status.REFUSED:
            sentence = refusal_words(message.refusal_cause)[0]
            told = {"sentence": sentence, "owner": owner_words(message.refusal_owner)}
            return _("%(sentence)s In breve: %(owner)s.") % told
        case Status.UNCERTAIN:
            return _("IO non ha risposto: può essere arrivato oppure no. Decide un responsabile.")
    return status_meaning(message.status)[0]


def _waiting(batch: Batch) -> str:
    match batch.status:
        case BatchStatus.AWAITING_APPROVAL:
            return _("Aspetta il sì di una seconda persona.")
        case BatchStatus.SCHEDULED:
            return _("Parte %(when)s.") % {"when": when(batch.starts_at)}
        case BatchStatus.PAUSED:
            return _("L’invio è in pausa: parte quando riprende.")
        case BatchStatus.CANCELLED:
            return _("L’invio è annullato: non parte.")
    return _("Aspetta il suo turno.")


def _unreachable(answer: str) -> str:
    match answer:
        case ReachabilityAnswer.NOT_ON_IO:
            return _("Non usa l’app IO: scrivi in un altro modo.")
        case ReachabilityAnswer.OPTED_OUT:
            return _("Ha disattivato il servizio: scrivi in un altro modo.")
    return _("Non usa l’app IO, o ha disattivato il servizio: scrivi in un altro modo.")
