"""Durations, hours and counts of a spreadsheet's sending, in words."""

from __future__ import annotations

from datetime import datetime

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from messaging.templatetags.portal import clock, number, when

_MINUTE, _HOUR, _DAY = 60, 3_600, 86_400


def duration(seconds: float) -> str:
    """A time that is only estimated: «pochi secondi», «circa 20 secondi», «circa 5 minuti», «circa 2 ore»."""
    if seconds < 10:
        return _("pochi secondi")
    if seconds < 55:
        return _("circa %(n)d secondi") % {"n": -(-int(seconds) // 10) * 10}
    if seconds < 55 * _MINUTE:
        minutes = max(1, round(seconds / _MINUTE))
        return ngettext("circa un minuto", "circa %(n)d minuti", minutes) % {"n": minutes}
    if seconds < 36 * _HOUR:
        hours = max(1, round(seconds / _HOUR))
        return ngettext("circa un’ora", "circa %(n)d ore", hours) % {"n": hours}
    days = max(2, round(seconds / _DAY))
    return ngettext("circa un giorno", "circa %(n)d giorni", days) % {"n": days}


def towards(moment: datetime) -> str:
    """An estimated moment: «verso le 10:01», «domani verso le 8:30»."""
    local = timezone.localtime(moment)
    hour = clock(local)
    told = (_("verso l’%(time)s") if hour.startswith("1:") else _("verso le %(time)s")) % {"time": hour}
    day = when(local.date())
    return told if local.date() == timezone.localdate() else f"{day} {told}"


def people_words(count: int) -> str:
    """«una persona», «118 persone»."""
    return ngettext("una persona", "%(n)s persone", count) % {"n": number(count)}


def left_to_do(count: int) -> str:
    """What still keeps the sending: «Prima di inviare restano due cose»."""
    if count == 1:
        return _("Prima di inviare resta una cosa")
    words = {2: _("due"), 3: _("tre"), 4: _("quattro")}
    return _("Prima di inviare restano %(n)s cose") % {"n": words.get(count, number(count))}
