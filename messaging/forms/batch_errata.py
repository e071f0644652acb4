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
from messaging.spreadsheets.placeholders import found as found_in

#: The fields that are texts of a message, and between which lengths the platform takes them.
_LIMITS = {
    "subject": (rules.SUBJECT_MIN, rules.SUBJECT_MAX),
    "body": (rules.MARKDOWN_MIN, rules.MARKDOWN_MAX),
    "protected_subject": (rules.SUBJECT_MIN, rules.SUBJECT_MAX),
    "protected_body": (rules.MARKDOWN_MIN, rules.MARKDOWN_MAX),
}


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
        if batch.has_remote_content:
            self._ask_for_protected_text(batch)

    def _ask_for_protected_text(self, batch: Batch) -> None:
        """What the app shows of such a message is the protected text: a correction has to stand there."""
        self.fields["subject"].help_text = _("Si legge nella notifica, prima di aprire: niente dati personali.")
        self.fields["body"].label = _("Testo pubblico")
        self.fields["body"].help_text = _("Di’ che c’è una correzione e di aprire il messaggio, senza dati personali.")
        self.fields["protected_subject"] = forms.CharField(
            label=_("Oggetto protetto"),
            max_length=300,
            initial=batch.protected_subject,
            widget=forms.TextInput({"autocomplete": "off"}),
            error_messages={"required": _("Scrivi l’oggetto protetto.")},
        )
        self.fields["protected_body"] = forms.CharField(
            label=_("Testo protetto"),
            initial=batch.protected_body,
            help_text=_("È quello che l’app mostra: di’ subito cosa era sbagliato e cosa è giusto."),
            widget=forms.Textarea({"rows": 11}),
            error_messages={"required": _("Scrivi il testo protetto.")},
        )

    @property
    def wording(self) -> errata.Wording:
        """What was written; of a form that is valid."""
        return errata.Wording(**{name: self.cleaned_data[name] for name in _LIMITS if name in self.fields})

    def clean(self) -> dict[str, Any]:
        """The lengths that the platform asks for, where no placeholder changes them, and columns for the others."""
        data: dict[str, Any] = super().clean() or self.cleaned_data
        for name, (least, most) in _LIMITS.items():
            if name in data and not placeholders.found([data[name]]):
                self._check_length(name, data[name], least, most)
        if all(name in data for name in _LIMITS if name in self.fields):
            self._find_columns()
        return data

    def _check_length(self, name: str, text: str, least: int, most: int) -> None:
        length = rules.utf16_length(text)
        field = "markdown" if name == "body" else name
        if length < least:
            self.add_error(name, problem_sentence(Problem(field, "too_short", {"length": length, "limit": least})))
        elif length > most:
            self.add_error(name, problem_sentence(Problem(field, "too_long", {"length": length, "limit": most})))

    def _find_columns(self) -> None:
        wording = self.wording
        self.matching = errata.matching(self.batch, wording)
        texts = {name: getattr(wording, name) for name in _LIMITS}
        lacking = {problem.field for problem in self.matching.problems}
        told = _("Il foglio di questo invio non ha una colonna per %(names)s: togli il segnaposto.")
        for name, text in texts.items():
            # Beside the first text that has it.
            found = {each.key: each.name for each in found_in([text]) if each.key in lacking}
            lacking -= found.keys()
            if found:
                self.add_error(name, told % {"names": written(list(found.values()))})
