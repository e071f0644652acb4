"""The forms by which a person decides: about an uncertain outcome, an approval, sending after a restore."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from messaging.forms.base import ChoiceCards, PortalForm

REASON_LENGTH = 500
_KEPT = _("Resta nella storia del messaggio, con il tuo nome. Non scrivere dati personali.")


def _lines(rows: int = 2) -> forms.Textarea:
    return forms.Textarea({"rows": rows, "maxlength": REASON_LENGTH})


class ResolutionForm(PortalForm):
    """What becomes of a message with an uncertain outcome, and why."""

    ARRIVED, AGAIN, GIVE_UP = "arrived", "again", "give_up"

    decision = forms.ChoiceField(
        label=_("Cosa decidi"),
        choices=[(ARRIVED, _("È arrivato")), (AGAIN, _("Invia di nuovo")), (GIVE_UP, _("Rinuncia"))],
        widget=ChoiceCards(
            descriptions={
                ARRIVED: _("Ho la conferma che la persona lo vede nell’app. Non parte nient’altro."),
                AGAIN: _("Se il primo era arrivato, la persona ne riceve due uguali."),
                GIVE_UP: _("Non parte nient’altro. La persona va avvisata in un altro modo."),
            }
        ),
        error_messages={"required": _("Scegli una delle tre.")},
    )
    reason = forms.CharField(
        label=_("Perché"),
        help_text=_KEPT,
        max_length=REASON_LENGTH,
        widget=_lines(),
        error_messages={"required": _("Scrivi perché: chi legge la storia deve capire la scelta.")},
    )
    #: The attempt that the person saw: a decision about it says nothing of a later one.
    attempt = forms.IntegerField(widget=forms.HiddenInput)

    def __init__(self, *args: Any, payment: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        widget = self.fields["decision"].widget
        if payment and isinstance(widget, ChoiceCards):
            again = _(
                "Se il primo era arrivato, la persona ne riceve due uguali. L’avviso si paga comunque una volta sola."
            )
            widget.descriptions = {**widget.descriptions, self.AGAIN: again}


class ApprovalForm(PortalForm):
    """A yes to exactly what was on the page."""

    seen = forms.CharField(max_length=64, widget=forms.HiddenInput)


class SendBackForm(PortalForm):
    """Why a message goes back to its author."""

    note = forms.CharField(
        label=_("Cosa deve cambiare"),
        help_text=_("La legge chi ha scritto il messaggio. Non scrivere dati personali."),
        max_length=REASON_LENGTH,
        widget=_lines(),
        error_messages={"required": _("Scrivi cosa deve cambiare.")},
    )


class ReleaseForm(PortalForm):
    """How sending starts again after the database came back from a copy."""

    CERTAIN, POSSIBLE = "certain", "possible"

    queued = forms.ChoiceField(
        label=_("I messaggi che risultano in coda"),
        choices=[
            (POSSIBLE, _("Possono essere già partiti: li decido uno a uno")),
            (CERTAIN, _("Non sono partiti di sicuro: inviali")),
        ],
        initial=POSSIBLE,
        widget=ChoiceCards(
            descriptions={
                POSSIBLE: _("Prendono lo stato «Esito incerto» e non partono finché un responsabile non decide."),
                CERTAIN: _("Per esempio perché il portale era fermo già prima della copia. Partono subito."),
            }
        ),
    )
    reason = forms.CharField(
        label=_("Perché"),
        help_text=_("Resta agli atti, con il tuo nome."),
        max_length=REASON_LENGTH,
        widget=_lines(),
        error_messages={"required": _("Scrivi perché gli invii possono ripartire.")},
    )
