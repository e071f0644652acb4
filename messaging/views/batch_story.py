"""What has happened to a sending since its check, step by step, for whoever opens its page."""

from __future__ import annotations

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy

from messaging.enums import BatchStatus
from messaging.models import Batch, BatchChange
from messaging.views.stories import Step

#: A sending that was paused and resumed all day has a long story: the page tells its newest steps.
LONGEST = 50

_TAKEN_BACK, _APPROVED = lazy("Ripreso per cambiarlo da %(person)s"), lazy("Approvato da %(person)s")
#: What a person did, by the status before and after; without the one before, whatever it was.
_BY_A_PERSON: dict[tuple[str, str], str | Promise] = {
    (BatchStatus.AWAITING_APPROVAL, BatchStatus.READY): _TAKEN_BACK,
    (BatchStatus.SCHEDULED, BatchStatus.READY): _TAKEN_BACK,
    (BatchStatus.AWAITING_APPROVAL, BatchStatus.SCHEDULED): _APPROVED,
    (BatchStatus.AWAITING_APPROVAL, BatchStatus.SENDING): _APPROVED,
    (BatchStatus.PAUSED, BatchStatus.SENDING): lazy("Fatto ripartire da %(person)s"),
    ("", BatchStatus.NEEDS_ATTENTION): lazy("Cambiato da %(person)s: restano righe da correggere"),
    ("", BatchStatus.READY): lazy("Messo a posto da %(person)s"),
    ("", BatchStatus.AWAITING_APPROVAL): lazy("Approvazione chiesta da %(person)s"),
    ("", BatchStatus.SCHEDULED): lazy("Programmato da %(person)s"),
    ("", BatchStatus.SENDING): lazy("Avviato da %(person)s"),
    ("", BatchStatus.PAUSED): lazy("Messo in pausa da %(person)s"),
    ("", BatchStatus.CANCELLED): lazy("Annullato da %(person)s"),
}
_BY_ITSELF: dict[str, str | Promise] = {
    BatchStatus.SENDING: lazy("Partito all’ora scelta"),
    BatchStatus.FINISHED: lazy("Finito"),
    BatchStatus.READY: lazy("Tornato a chi l’ha preparato: va inviato di nuovo"),
    BatchStatus.PAUSED: lazy("Messo in pausa dal portale"),
}


def story(batch: Batch) -> list[Step]:
    """The steps of a sending, newest first, without those of its check; one query."""
    changes = BatchChange.objects.filter(batch=batch).exclude(to_status=BatchStatus.CHECKING)
    changes = changes.exclude(from_status=BatchStatus.CHECKING).select_related("actor")
    return [_step(change) for change in changes.order_by("-pk")[:LONGEST]]


def _step(change: BatchChange) -> Step:
    status = BatchStatus(change.to_status)
    icon = "it-pencil" if change.from_status == status else status.icon
    return Step(title_of(change), status.tone, icon, change.at, note=change.note)


def title_of(change: BatchChange) -> str:
    """A step in words: «Messo in pausa da Marta R.»."""
    before, after = change.from_status, change.to_status
    words = _BY_A_PERSON.get((before, after)) or _BY_A_PERSON.get(("", after))
    if change.actor is None or words is None:
        return str(_BY_ITSELF.get(after) or change.get_to_status_display())
    if before == after:
        words = _("Corretto da %(person)s")
    elif after == BatchStatus.READY and change.note:
        words = _("Rimandato indietro da %(person)s")
    return str(words) % {"person": change.actor.short_name}
