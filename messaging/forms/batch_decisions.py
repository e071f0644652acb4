"""The forms by which a person stops a sending, or finds somebody in it."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _

from messaging.appio import fiscal_codes
from messaging.forms.base import PortalForm
from messaging.forms.decisions import REASON_LENGTH


class CancelForm(PortalForm):
    """Why a sending stops for good."""

    note = forms.CharField(
        label=_("Perché"),
        required=False,
        help_text=_("Resta nella storia dell’invio, con il tuo nome. Non scrivere dati personali."),
        max_length=REASON_LENGTH,
        widget=forms.Textarea({"rows": 2, "maxlength": REASON_LENGTH}),
    )


class RowSearchForm(PortalForm):
    """One person or one row of a sending; posted, so that a fiscal code stays out of every address."""

    query = forms.CharField(
        label=_("Cerca in questo invio"),
        help_text=_("Il codice fiscale intero, oppure il numero della riga nel foglio."),
        max_length=40,
        widget=forms.TextInput({"autocomplete": "off", "spellcheck": "false"}),
        error_messages={"required": _("Scrivi un codice fiscale o il numero di una riga.")},
    )

    @property
    def fiscal_code(self) -> str:
        """What was typed as a fiscal code; empty when it is none."""
        code = fiscal_codes.normalise(self.cleaned_data["query"])
        return code if fiscal_codes.matches_platform(code) else ""

    @property
    def number(self) -> int | None:
        """What was typed as the number of a row."""
        text = self.cleaned_data["query"].strip().replace(".", "")
        return int(text) if text.isascii() and text.isdecimal() and len(text) < 8 else None
