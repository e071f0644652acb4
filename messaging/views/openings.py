"""What a message's page tells of its openings: which part, when first, how often since, and where we failed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from messaging.enums import EnvironmentKind, OpenedPart
from messaging.models import Message, Opening, RemoteContent
from messaging.templatetags.portal import number, when

#: Somebody may open a message without end: the page looks at so many openings, the newest.
MOST = 500


@dataclass(frozen=True, slots=True)
class Seen:
    """Openings of one part with one kind of answer, told as one step of the story."""

    title: str
    text: str
    tone: str
    icon: str
    at: datetime
    asides: list[str]


@dataclass(frozen=True, slots=True)
class Openings:
    """All that is known of a message's openings; ``first`` is when the text was first shown."""

    steps: list[Seen]
    first: datetime | None
    newest: int


def openings_of(message: Message) -> Openings:
    """The openings of a message of which IO fetches a part; no query for any other, else two."""
    if not (message.has_remote_content or message.has_attachments):
        return Openings([], None, 0)
    rows = list(Opening.objects.filter(message=message).select_related("attachment").order_by("-pk")[:MOST])
    groups: dict[tuple[str, UUID | None, str], list[Opening]] = {}
    for row in rows:
        groups.setdefault((row.part, row.attachment_id, _kind(row.status)), []).append(row)
    first = RemoteContent.objects.filter(message=message).values_list("first_opened_at", flat=True).first()
    partial = len(rows) == MOST
    steps = [_told(kind, group, partial=partial) for (_part, _file, kind), group in groups.items()]
    return Openings(steps, first, rows[0].pk if rows else 0)


def _kind(status: int) -> str:
    if status == 200:
        return "shown"
    return "failed" if status >= 500 else "refused"


def _told(kind: str, group: Sequence[Opening], *, partial: bool) -> Seen:
    """The newest one comes first in the group."""
    last, first = group[0], group[-1]
    title, text, tone, icon = _WORDS[kind](last)
    asides = [_again(len(group) - 1, last.at, partial=partial)] if len(group) > 1 else []
    if last.environment == EnvironmentKind.TEST:
        asides.append(_("Dall’ambiente di prova."))
    return Seen(title, text, tone, icon, first.at, asides)


def _again(times: int, last: datetime, *, partial: bool) -> str:
    told = {"n": number(times), "when": when(last)}
    if partial:
        return _("Di nuovo, almeno altre %(n)s volte: l’ultima %(when)s.") % told
    return (
        ngettext("Di nuovo un’altra volta: %(when)s.", "Di nuovo altre %(n)s volte: l’ultima %(when)s.", times) % told
    )


def _shown(opening: Opening) -> tuple[str, str, str, str]:
    match opening.part:
        case OpenedPart.DETAIL:
            return _("Aperto dal cittadino"), _("L’app ha mostrato il testo protetto."), "ok", "it-password-visible"
        case OpenedPart.PRECONDITION:
            text = _("L’app l’ha mostrata prima di aprire il messaggio.")
            return _("Avvertenza vista dal cittadino"), text, "go", "it-info-circle"
    return _("Allegato aperto dal cittadino"), _file(opening), "ok", "it-file"


def _failed(opening: Opening) -> tuple[str, str, str, str]:
    title = _("IO ha chiesto %(what)s e il portale non ha risposto bene") % {"what": _what(opening)}
    text = _("Il cittadino ha visto un errore e può riprovare. Se si ripete, avvisa un amministratore.")
    return title, text, "bad", "it-error"


def _refused(opening: Opening) -> tuple[str, str, str, str]:
    title = _("IO ha chiesto %(what)s e il portale non lo ha dato") % {"what": _what(opening)}
    text = _(
        "La richiesta non era in regola, o il contenuto non c’è più: il cittadino ha visto un errore. "
        "Avvisa un amministratore."
    )
    return title, text, "wait", "it-locked"


_WORDS = {"shown": _shown, "failed": _failed, "refused": _refused}


def _what(opening: Opening) -> str:
    match opening.part:
        case OpenedPart.DETAIL:
            return _("il testo")
        case OpenedPart.PRECONDITION:
            return _("l’avvertenza")
    return _("l’allegato")


def _file(opening: Opening) -> str:
    return opening.attachment.name if opening.attachment else _("Ora l’allegato non c’è più.")
