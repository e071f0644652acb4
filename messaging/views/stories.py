"""What the page of a message tells: its story, its facts, and the text to copy for whoever helps."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime

from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy
from django.utils.translation import ngettext

from messaging.appio import fiscal_codes
from messaging.enums import AttemptOutcome, FeatureLevel, ReachabilityAnswer, Reason, Status
from messaging.models import Attempt, Batch, Message, Reachability, StatusChange
from messaging.templatetags.portal import day, euros, grouped, number, when
from messaging.views.openings import openings_of
from messaging.wording import attempt_words, reason_story

#: A message that IO keeps slowing down has a long story: the page tells its newest steps.
LONGEST = 200

#: How a step of the story shows that an attempt's answer came in time.
_TOLD_BY: dict[str, frozenset[str]] = {
    AttemptOutcome.ACCEPTED: frozenset({Reason.TAKEN}),
    AttemptOutcome.ACCEPTED_WITHOUT_ID: frozenset({Reason.TAKEN_WITHOUT_ID}),
    AttemptOutcome.REFUSED: frozenset({Reason.REFUSED}),
    AttemptOutcome.KEY_REJECTED: frozenset({Reason.KEY_REJECTED}),
    AttemptOutcome.FORBIDDEN: frozenset({Reason.FORBIDDEN}),
    AttemptOutcome.THROTTLED: frozenset({Reason.THROTTLED}),
    AttemptOutcome.NOT_SENT: frozenset({Reason.NOT_SENT}),
    AttemptOutcome.UNANSWERED: frozenset({Reason.NO_ANSWER, Reason.SERVER_FAULT}),
}
_ANSWERS = frozenset().union(*_TOLD_BY.values())
#: IO has the message.
_ON_IO = frozenset({Status.ACCEPTED, Status.PROCESSED, Status.CONFIRMED})
_NOT_TOLD_READ = lazy("Senza accordo Premium IO non dice se è stato letto")
_NOT_TOLD_PAID = lazy("Senza accordo Premium IO non dice se è stato pagato")
_PROOFS = frozenset({AttemptOutcome.ACCEPTED, AttemptOutcome.ACCEPTED_WITHOUT_ID})


@dataclass(frozen=True, slots=True)
class Step:
    """A row of the timeline; ``asides`` are what else is known of it, ``note`` what a person wrote."""

    title: str
    tone: str
    icon: str
    at: datetime
    text: str = ""
    note: str = ""
    asides: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Told:
    """A message's story, newest step first."""

    steps: list[Step]
    version: int
    last: StatusChange | None
    attempts: list[Attempt]
    #: When the citizen first opened the text that IO fetches from us.
    first_opened: datetime | None = None


@dataclass(frozen=True, slots=True)
class Fact:
    """A line of the facts panel; ``mono`` is a code, ``plain`` a sentence that stands for a missing value.

    With ``address`` the value leads there.
    """

    label: str
    value: str = ""
    mono: str = ""
    plain: str = ""
    address: str = ""


def tell(message: Message) -> Told:
    """The story of a message: status changes, attempts, what IO said of the person, openings; at most five queries."""
    changes = list(StatusChange.objects.filter(message=message).select_related("actor").order_by("-pk")[:LONGEST])
    attempts = list(Attempt.objects.filter(message=message).order_by("-number")[:LONGEST])
    by_number = {attempt.number: attempt for attempt in attempts}
    steps = [_step(change, by_number.get(change.attempt_number)) for change in changes]
    steps += [step for attempt in attempts if (step := _late_answer(attempt, changes))]
    steps += _reachable(message)
    opened = openings_of(message)
    steps += [Step(one.title, one.tone, one.icon, one.at, one.text, asides=one.asides) for one in opened.steps]
    # The sort keeps the order of steps of one moment.
    steps.sort(key=lambda step: step.at, reverse=True)
    # A late answer can be recorded without a step of its own, so it counts too.
    version = (changes[0].pk if changes else 0) + sum(attempt.answered_at is not None for attempt in attempts)
    return Told(steps, version + opened.newest, changes[0] if changes else None, attempts, opened.first)


def _step(change: StatusChange, attempt: Attempt | None) -> Step:
    story = reason_story(change)
    asides = []
    if change.reason in _ANSWERS and attempt and (waited := _waited(attempt)):
        asides.append(waited)
    if change.detail:
        asides.append(_("Risposta di IO: «%(title)s».") % {"title": fiscal_codes.mask(change.detail)})
    return Step(
        title=story.title,
        text=story.text,
        tone=story.tone,
        icon=story.icon,
        at=change.at,
        note=change.note,
        asides=asides,
    )


def _reachable(message: Message) -> list[Step]:
    """That the person could be reached, if IO was asked for this message: only the latest answer is kept."""
    answer = Reachability.objects.filter(
        recipient=message.recipient_id,
        service=message.service_id,
        answer=ReachabilityAnswer.REACHABLE,
        asked_at__range=(message.created_at, message.accepted_at or timezone.now()),
    ).first()
    if answer is None or message.status == Status.DRAFT:
        return []
    text = _("Usa l’app IO e riceve i messaggi di %(service)s.") % {"service": message.service.name}
    return [Step(_("La persona è raggiungibile"), "ok", "it-check", answer.asked_at, text)]


def _waited(attempt: Attempt) -> str:
    """How long IO took; of no use below a second."""
    if attempt.answered_at is None:
        return ""
    seconds = int((attempt.answered_at - attempt.started_at).total_seconds())
    if seconds < 1:
        return ""
    return ngettext("Abbiamo aspettato %(n)d secondo.", "Abbiamo aspettato %(n)d secondi.", seconds) % {"n": seconds}


def _late_answer(attempt: Attempt, changes: list[StatusChange]) -> Step | None:
    """An answer that moved nothing, because a person or a deadline had been first: it is told all the same."""
    if not attempt.outcome or attempt.answered_at is None:
        return None
    told = _TOLD_BY[attempt.outcome]
    if any(change.attempt_number == attempt.number and change.reason in told for change in changes):
        return None
    which = attempt_words(attempt.number)
    if attempt.outcome in _PROOFS:
        title = _("IO aveva preso in carico il %(attempt)s: lo abbiamo saputo tardi") % {"attempt": which}
        return Step(title, "wait", "it-inbox", attempt.answered_at, _("La persona può averlo ricevuto."))
    title = _("La risposta di IO al %(attempt)s è arrivata tardi") % {"attempt": which}
    return Step(title, "idle", "it-info-circle", attempt.answered_at, _("Non cambia niente."))


def facts(message: Message, first_opened: datetime | None = None) -> list[Fact]:
    """What the message carries and where it stands, line by line; what is not known is said, never zero."""
    lines = [*key_facts(message), Fact(_("Tipo"), str(message.get_kind_display()))]
    lines += [*_opened(message, first_opened), *_fate(message), _io_id(message)]
    if message.reference:
        lines.append(Fact(_("Riferimento dell’ente"), message.reference))
    if message.batch:
        lines.append(_sending(message.batch, message.row))
    lines.append(Fact(_("Scritto da"), f"{message.author.short_name}, {when(message.created_at)}"))
    if message.approved_by:
        lines.append(Fact(_("Approvato da"), message.approved_by.short_name))
    if message.repeat_reason:
        lines.append(Fact(_("Perché di nuovo"), message.repeat_reason))
    return lines


def key_facts(message: Message) -> list[Fact]:
    """Who gets it, what they pay and until when: what an approver must have seen."""
    lines = [_recipient(message)]
    if message.amount is not None:
        lines.append(Fact(_("Importo"), euros(message.amount, _("euro"))))
        lines.append(Fact(_("Numero avviso"), mono=grouped(message.notice_number)))
    if message.due_date:
        lines.append(Fact(_("Scadenza"), _("%(day)s, fino alle 23:59") % {"day": day(message.due_date)}))
    return lines


def _recipient(message: Message) -> Fact:
    label = _("Destinatario")
    if message.recipient is None:
        return Fact(label, plain=_("non ancora scelto"))
    return Fact(label, mono=message.recipient.fiscal_code)


def _sending(batch: Batch, row: int | None) -> Fact:
    name = _("%(name)s, riga %(row)s") % {"name": batch.name, "row": number(row)}
    return Fact(_("Invio da foglio"), name, address=reverse("batch_detail", args=[batch.public_id]))


def _io_id(message: Message) -> Fact:
    label = _("Codice dato da IO")
    if message.io_id:
        return Fact(label, mono=message.io_id)
    match message.status:
        case Status.UNCERTAIN:
            return Fact(label, plain=_("nessuno, perché IO non ha risposto"))
        case Status.CONFIRMED | Status.ABANDONED:
            return Fact(label, plain=_("nessuno: non è arrivato fino a noi"))
        case Status.REFUSED | Status.UNREACHABLE | Status.CANCELLED:
            return Fact(label, plain=_("nessuno, perché non è partito"))
    return Fact(label, plain=_("nessuno per ora"))


def _opened(message: Message, first: datetime | None) -> list[Fact]:
    """The first opening as our own server saw it, whatever IO knows of the message: it proves that it arrived."""
    if first is not None:
        return [Fact(_("Aperto la prima volta"), when(first))]
    if message.has_remote_content and message.status in _ON_IO:
        return [Fact(_("Aperto la prima volta"), plain=_("non ancora"))]
    return []


def _fate(message: Message) -> list[Fact]:
    """Read and paid, once IO has the message."""
    if message.status not in _ON_IO:
        return []
    lines = [_known(message, _("Letto"), _read_words(message), _NOT_TOLD_READ)]
    if message.amount is not None:
        lines.append(_known(message, _("Pagato"), _paid_words(message), _NOT_TOLD_PAID))
    return lines


def _known(message: Message, label: str, words: str, not_told: str | Promise) -> Fact:
    if message.feature_level != FeatureLevel.ADVANCED:
        return Fact(label, plain=str(not_told))
    match message.status:
        case Status.CONFIRMED:
            return Fact(label, plain=_("non disponibile senza il codice di IO"))
        case Status.PROCESSED:
            return Fact(label, words) if words else Fact(label, plain=_not_said(message))
    return Fact(label, plain=_("si sa dopo la consegna"))


def _not_said(message: Message) -> str:
    if message.next_attempt_at is None:
        return _("IO non lo ha detto: forse al servizio manca il permesso")
    return _("IO finora non lo ha detto: lo chiediamo ancora")


def _read_words(message: Message) -> str:
    words = {"READ": _("sì"), "UNREAD": _not_yet(message), "UNAVAILABLE": _("la persona ha scelto di non farlo sapere")}
    return words.get(message.read_status, "")


def _paid_words(message: Message) -> str:
    if message.payment_status == "PAID" and message.paid_at:
        return _("sì, saputo %(when)s") % {"when": when(message.paid_at)}
    return {"PAID": _("sì"), "NOT_PAID": _not_yet(message)}.get(message.payment_status, "")


def _not_yet(message: Message) -> str:
    """Nobody is asked about for longer than two months (`messaging.delivery.tracking`)."""
    if message.next_attempt_at is None:
        return _("non risultava, quando abbiamo smesso di chiederlo")
    return _("non ancora")


def support_text(message: Message, attempts: list[Attempt]) -> str:
    """What somebody who helps needs to know, without personal data."""
    lines = [
        f"IO Portal {message.public_id}",
        f"Service: {message.service.slug}",
        f"Status: {message.status}",
        f"IO id: {message.io_id or '-'}",
    ]
    if message.refusal_cause:
        lines.append(f"Refusal: {message.refusal_cause} ({message.refusal_owner})")
    for attempt in sorted(attempts, key=lambda attempt: attempt.number):
        answer = " ".join(filter(None, [attempt.outcome, str(attempt.http_status or ""), attempt.title, attempt.io_id]))
        lines.append(
            f"Attempt {attempt.number}: {_stamp(attempt.started_at)} -> {_stamp(attempt.answered_at)} {answer}".rstrip()
        )
    return fiscal_codes.mask("\n".join(lines))


def _stamp(moment: datetime | None) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if moment else "-"
