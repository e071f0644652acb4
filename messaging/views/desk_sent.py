"""What a person sent last, as the desk lists it: single messages and sendings from spreadsheets, newest first."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.utils.text import capfirst
from django.utils.translation import gettext as _

from messaging import querysets
from messaging.enums import Status
from messaging.models import Message, User
from messaging.views.batch_list import Summary, latest
from messaging.views.common import names, supervisors_of
from messaging.wording import owner_words


@dataclass(frozen=True, slots=True)
class Sent:
    """A message, or a sending, with what is worth knowing of it."""

    at: datetime
    #: When it left; None while it waits for somebody.
    left: datetime | None
    brief: str
    message: Message | None = None
    sending: Summary | None = None


def sent_last(person: User, limit: int) -> list[Sent]:
    """The person's latest messages and sendings together."""
    rows = list(querysets.latest(person, limit))
    deciders = supervisors_of({row.service_id for row in rows}) if rows else {}
    found = [
        Sent(row.queued_at or row.changed_at, row.queued_at, in_brief(row, deciders.get(row.service_id, [])), row)
        for row in rows
    ]
    for one in latest(person, limit):
        assert one.batch.submitted_at is not None
        found.append(Sent(one.batch.submitted_at, one.batch.started_at, one.brief, sending=one))
    return sorted(found, key=lambda one: one.at, reverse=True)[:limit]


def in_brief(message: Message, supervisors: list[User]) -> str:
    """What is worth knowing of a sent message beside its status."""
    match message.status:
        case Status.AWAITING_APPROVAL | Status.UNCERTAIN | Status.FAILED:
            others = [one for one in supervisors if one.pk != message.author_id] or supervisors
            return _("Decide %(names)s") % {"names": names(others)} if others else ""
        case Status.REFUSED:
            return capfirst(owner_words(message.refusal_owner))
        case Status.UNREACHABLE | Status.REJECTED | Status.ABANDONED:
            return _("Scrivi in un altro modo")
        case Status.PROCESSED if message.payment_status == "PAID":
            return _("Risulta pagato")
        case Status.PROCESSED if message.read_status == "READ":
            return _("Risulta letto")
        case Status.PROCESSED if message.seen_at:
            return _("Aperto dal cittadino")
    return ""
