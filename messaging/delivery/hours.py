"""The hours of the day in which an institution's batches leave; a person who writes to one citizen is never held."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from django.utils import timezone

from messaging.models import Institution

ROME = ZoneInfo("Europe/Rome")


def may_send_now(institution: Institution, now: datetime | None = None) -> bool:
    """Whether batches may leave at this moment."""
    return next_sending(institution, now) is None


def next_sending(institution: Institution, now: datetime | None = None) -> datetime | None:
    """When batches may leave again (aware, Europe/Rome); None when they may now, or at any hour."""
    first, last = institution.polite_from, institution.polite_until
    if first is None or last is None:
        return None
    local = (now or timezone.now()).astimezone(ROME)
    if first <= local.time() < last:
        return None
    day = local.date() if local.time() < first else local.date() + timedelta(days=1)
    return datetime.combine(day, first, ROME)


def after_sending_for(institution: Institution, start: datetime, seconds: float) -> datetime:
    """When so many seconds of sending from ``start`` on are over, the hours without sending left out."""
    moment = next_sending(institution, start) or start
    first, last = institution.polite_from, institution.polite_until
    if first is None or last is None:
        return moment + timedelta(seconds=seconds)
    while True:
        closing = datetime.combine(moment.astimezone(ROME).date(), last, ROME)
        room = (closing - moment).total_seconds()
        if seconds <= room:
            return moment + timedelta(seconds=seconds)
        seconds -= room
        moment = datetime.combine(closing.date() + timedelta(days=1), first, ROME)
