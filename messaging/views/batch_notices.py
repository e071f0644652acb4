"""What a sending's page says above its figures: why it is slower or still, what happens then, whose job it is."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from messaging.batches.progress import Figures
from messaging.delivery import budget, estimates, hours
from messaging.delivery.seal import installation
from messaging.enums import BatchStatus, Status
from messaging.models import Batch, BatchChange, GatewayAccount
from messaging.querysets import open_pauses
from messaging.templatetags.portal import clock, number, when
from messaging.views.pauses import pause_words

#: Others on the account slow us down so much before it is worth a word.
NOTABLE = 1.25


@dataclass(frozen=True, slots=True)
class Notice:
    """A banner: what, why and what happens now, with a link where there is more to read or to do."""

    tone: str
    icon: str
    title: str
    text: str
    address: str = ""
    link: str = ""


@dataclass(frozen=True, slots=True)
class Ending:
    """When a sending will be done, and when it would be if nobody else used the account."""

    at: datetime
    at_full_pace: datetime | None


def ending(batch: Batch, figures: Figures) -> Ending | None:
    """The estimated end of a sending that is under way; None while it stands still or has nothing left."""
    account = batch.service.institution.account
    if batch.status != BatchStatus.SENDING or not figures.left or account.paused_at:
        return None
    unknown = batch.rows_good - batch.rows_reachable - batch.rows_not_on_io - batch.rows_opted_out
    questions = min(max(unknown, 0), figures.left)
    seconds = estimates.seconds_for_sending(account, figures.left, questions, besides=batch)
    now = timezone.now()
    institution = batch.service.institution
    wait = max(0.0, account.blocked_until - now.timestamp())
    at = hours.after_sending_for(institution, now, wait + seconds)
    faster = hours.after_sending_for(institution, now, seconds / _slowness(account))
    return Ending(at, faster if (at - faster).total_seconds() >= 60 else None)


def notices(batch: Batch, figures: Figures) -> list[Notice]:
    """The banners of a sending, the gravest first."""
    told = [*_of_status(batch, figures)]
    if batch.status == BatchStatus.SENDING and (figures.left or figures.is_moving):
        told = [*_obstacles(batch, figures), *told]
    return told


def last_change(batch: Batch) -> BatchChange | None:
    """The latest step of the sending's story."""
    return BatchChange.objects.filter(batch=batch).select_related("actor").order_by("-pk").first()


def _slowness(account: GatewayAccount) -> float:
    """How many times as long a call waits for its turn as it would if we were alone on the account."""
    calls, window = account.rate
    return budget.interval_of(account, timezone.now().timestamp()) / ((window + budget.MARGIN) / calls)


def _obstacles(batch: Batch, figures: Figures) -> list[Notice]:
    """What keeps a sending from leaving at full pace: the first that explains it all, else each that slows it."""
    if installation().held_at:
        text = _("Il portale lavora su una copia del database. Un amministratore decide quando gli invii ripartono.")
        return [Notice("bad", "it-locked", _("Tutti gli invii sono fermi."), text)]
    found = []
    for pause in open_pauses([batch.service_id]):
        words = pause_words(pause)
        address = reverse("service_detail", args=[batch.service.slug])
        title = words.title + "."
        found.append(Notice("bad", "it-locked", title, f"{words.text} {words.job}", address, _("Apri il servizio")))
    if found:
        return found
    account = batch.service.institution.account
    if account.paused_at:
        text = _(
            "Riproviamo noi: appena IO risponde, l’invio continua. Nessun messaggio si perde, non devi fare nulla."
        )
        title = _("IO non risponde bene da %(when)s.") % {"when": when(account.paused_at)}
        return [Notice("wait", "it-clock", title, text, *_why())]
    later = hours.next_sending(batch.service.institution)
    if later and figures.left:
        told = {"when": when(later), "first": _hour(batch, first=True), "last": _hour(batch, first=False)}
        text = _("Il tuo ente invia fra le %(first)s e le %(last)s: l’invio continua %(when)s. Non devi fare nulla.")
        return [Notice("wait", "it-clock", _("Fuori dall’orario degli invii."), text % told)]
    return _slowed(account)


def _slowed(account: GatewayAccount) -> list[Notice]:
    now = timezone.now().timestamp()
    if account.blocked_until > now + 1:
        until = clock(datetime.fromtimestamp(account.blocked_until, tz=UTC))
        text = _("Aspettiamo fino alle %(time)s, poi riprendiamo. Nessun messaggio si perde, non devi fare nulla.")
        title = _("IO ci ha chiesto di rallentare.")
        return [Notice("wait", "it-clock", title, text % {"time": until}, *_why())]
    if _slowness(account) > NOTABLE:
        title = _("Andiamo più piano del solito.")
        text = _(
            "Un altro programma dell’ente sta usando lo stesso collegamento con IO: gli lasciamo spazio,"
            " poi risaliamo. Nessun messaggio si perde, non devi fare nulla."
        )
        return [Notice("wait", "it-clock", title, text, *_why())]
    return []


def _of_status(batch: Batch, figures: Figures) -> list[Notice]:
    match batch.status:
        case BatchStatus.SCHEDULED:
            title = _("Parte %(when)s.") % {"when": when(batch.starts_at)}
            text = _("Fino ad allora non parte nulla, e puoi riprenderlo per cambiarlo o annullarlo.")
            return [Notice("go", "it-clock", title, text)]
        case BatchStatus.PAUSED:
            return [_paused(batch, figures)]
        case BatchStatus.CANCELLED:
            return [_cancelled(batch, figures), *_to_decide(batch, figures)]
    return _to_decide(batch, figures)


def _paused(batch: Batch, figures: Figures) -> Notice:
    text = ngettext(
        "Il messaggio in coda aspetta. Nulla si perde: riparte da dove era quando lo riprendi.",
        "I %(n)s messaggi in coda aspettano. Nulla si perde: ripartono da dove erano quando lo riprendi.",
        figures.queued,
    )
    title = _("In pausa%(by)s.") % {"by": _by(batch)}
    return Notice("wait", "it-minus-circle", title, text % {"n": number(figures.queued)})


def _cancelled(batch: Batch, figures: Figures) -> Notice:
    title = _("Annullato%(by)s.") % {"by": _by(batch)}
    if batch.started_at is None:
        return Notice("wait", "it-minus-circle", title, _("Non è partito nulla."))
    if figures.queued:
        text = _("Stiamo togliendo dalla coda i messaggi non ancora partiti.")
        return Notice("wait", "it-minus-circle", title, text)
    text = ngettext(
        "Un messaggio era già partito e non si può ritirare; gli altri non partono.",
        "%(n)s messaggi erano già partiti e non si possono ritirare; gli altri non partono.",
        figures.sent,
    )
    words = text % {"n": number(figures.sent)} if figures.sent else _("Non è partito nulla.")
    return Notice("wait", "it-minus-circle", title, words)


def _to_decide(batch: Batch, figures: Figures) -> list[Notice]:
    unknown = figures.of(Status.UNCERTAIN)
    if not unknown or figures.left:
        return []
    title = ngettext("Un esito è incerto.", "%(n)s esiti sono incerti.", unknown) % {"n": number(unknown)}
    text = ngettext(
        "IO non ha risposto: può essere arrivato oppure no. Decide un responsabile, non lo rimandiamo da soli.",
        "IO non ha risposto: possono essere arrivati oppure no. Decide un responsabile, non li rimandiamo da soli.",
        unknown,
    )
    address = f"{reverse('batch_detail', args=[batch.public_id])}?filter=uncertain#righe"
    link = ngettext("Vedi la riga", "Vedi le righe", unknown)
    return [Notice("wait", "it-help-circle", title, text, address, link)]


def _by(batch: Batch) -> str:
    """«, da Giulia F. oggi alle 10:12»: who made the latest step."""
    step = last_change(batch)
    if step is None:
        return ""
    told = {"person": step.actor.short_name if step.actor else "", "when": when(step.at)}
    return (_(" da %(person)s, %(when)s") if step.actor else _(" %(when)s")) % told


def _hour(batch: Batch, *, first: bool) -> str:
    institution = batch.service.institution
    moment = institution.polite_from if first else institution.polite_until
    return f"{moment:%-H:%M}" if moment else ""


def _why() -> tuple[str, str]:
    return reverse("help") + "#ritmo", _("Perché succede")
