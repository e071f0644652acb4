"""The text of a correction that follows a sending."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from messaging import placeholders
from messaging.appio import rules
from messaging.appio.rules import Problem
from messaging.batches import errata
from messaging.forms.base import PortalForm
from messaging.models import Batch
from messaging.problem_words import problem_sentence, written
from messaging.spreadsheets.columns import Matching
from messaging.spreadsheets.texts import MessageText


class ErrataForm(PortalForm):
    """Subject and text; the columns of the sending's file may stand in them as placeholders."""

    subject = forms.CharField(
        label=_("Oggetto"),
        max_length=300,
        help_text=_("Si legge nella notifica: di’ che è una correzione, senza dati personali."),
        widget=forms.TextInput({"autocomplete": "off"}),
        error_messages={"required": _("Scrivi l’oggetto.")},
    )
    body = forms.CharField(
        label=_("Testo"),
        help_text=_("Di’ subito cosa era sbagliato, cosa è giusto e cosa deve fare chi legge."),
        widget=forms.Textarea({"rows": 11}),
        error_messages={"required": _("Scrivi il testo.")},
    )

    matching: Matching

    def __init__(self, *args: Any, batch: Batch, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.batch = batch

    def clean(self) -> dict[str, Any]:
        """The lengths that the platform asks for, where no placeholder changes them, and columns for the others."""
        data: dict[str, Any] = super().clean() or self.cleaned_data
        limits = {
            "subject": (rules.SUBJECT_MIN, rules.SUBJECT_MAX),
            "body": (rules.MARKDOWN_MIN, rules.MARKDOWN_MAX),
        }
        for name, (least, most) in limits.items():
            if name in data and not placeholders.found([data[name]]):
                self._check_length(name, data[name], least, most)
        if "subject" in data and "body" in data:
            self._find_columns(data["subject"], data["body"])
        return data

    def _check_length(self, name: str, text: str, least: int, most: int) -> None:
        length = rules.utf16_length(text)
        field = "markdown" if name == "body" else name
        if length < least:
            self.add_error(name, problem_sentence(Problem(field, "too_short", {"length": length, "limit": least})))
        elif length > most:
            self.add_error(name, problem_sentence(Problem(field, "too_long", {"length": length, "limit": most})))

    def _find_columns(self, subject: str, body: str) -> None:
        self.matching = errata.matching(self.batch, subject, body)
        written_as = {found.key: found.name for found in MessageText(subject, body).placeholders}
        lacking = [written_as.get(problem.field, problem.field) for problem in self.matching.problems]
        if lacking:
            place = "body" if placeholders.found([body]) else "subject"
            told = _("Il foglio di questo invio non ha una colonna per %(names)s: togli il segnaposto.")
            self.add_error(place, told % {"names": written(lacking)})
