"""The fields of what IO fetches from us: for messages and templates alike, and for correcting what has been sent."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from messaging import placeholders
from messaging.delivery import content
from messaging.enums import Precondition
from messaging.forms.base import ChoiceCards, PortalForm
from messaging.forms.kinds import without_nulls
from messaging.models import Message, RemoteContent, Service, User
from messaging.problem_words import problem_sentence
from messaging.remote import contents
from messaging.remote.contents import Texts

#: So long a text a template keeps on one line; a message is judged by the platform's own limits.
LINE_STORED = 300
TEXT_FIELDS = ("protected_subject", "protected_body", "precondition_title", "precondition_body")

_WHEN = {
    Precondition.NEVER.value: _("Il messaggio si apre subito."),
    Precondition.ONCE.value: _("Finché non ha letto il messaggio, chi lo apre vede prima l’avvertenza."),
    Precondition.ALWAYS.value: _("Chi apre il messaggio vede sempre prima l’avvertenza."),
}
#: When the app shows the page before a message, as staff choose it.
PRECONDITIONS = [
    (Precondition.NEVER.value, _("Mai")),
    (Precondition.ONCE.value, _("Solo la prima volta")),
    (Precondition.ALWAYS.value, _("Ogni volta")),
]


# In the language of messages, whatever that of the page.
_COURTESY_SUBJECT = "Hai un nuovo messaggio da leggere nell’app"
_COURTESY_BODY = (
    "%(institution)s ti ha scritto un messaggio che puoi leggere solo tu.\n\n"
    "Apri l’app IO: il testo completo, con quello che c’è da fare, si vede solo lì."
)


class _JudgedAsAWhole(forms.CharField):
    """A text that is needed where it is shown: whether it may be empty is said by the rules for the whole message."""

    def validate(self, value: str) -> None:
        """Accept anything, also nothing."""


class ProtectedTexts(PortalForm):
    """The four texts that IO fetches. What is wrong with them is said by the platform's rules, not by the fields."""

    protected_subject = _JudgedAsAWhole(
        label=_("Oggetto protetto"),
        help_text=_("Il titolo del messaggio aperto. Qui i dati personali possono starci."),
        widget=forms.TextInput({"autocomplete": "off"}),
    )
    protected_body = _JudgedAsAWhole(
        label=_("Testo protetto"),
        help_text=_("Di’ subito cosa succede, quanto, entro quando e cosa fare."),
        widget=forms.Textarea({"rows": 11}),
    )
    precondition_title = _JudgedAsAWhole(
        label=_("Titolo dell’avvertenza"),
        widget=forms.TextInput({"autocomplete": "off"}),
    )
    precondition_body = _JudgedAsAWhole(
        label=_("Testo dell’avvertenza"),
        help_text=_("Per esempio: «Contiene un referto. Aprilo quando puoi leggerlo con calma»."),
        widget=forms.Textarea({"rows": 4}),
    )

    def clean_protected_subject(self) -> str:
        """The protected subject on one line."""
        return _one_line(self.cleaned_data["protected_subject"])

    def clean_protected_body(self) -> str:
        """The protected text with one character for each end of line."""
        return _lines(self.cleaned_data["protected_body"])

    def clean_precondition_title(self) -> str:
        """The title on one line."""
        return _one_line(self.cleaned_data["precondition_title"])

    def clean_precondition_body(self) -> str:
        """The text with one character for each end of line."""
        return _lines(self.cleaned_data["precondition_body"])

    def read_texts(self, message: Message, values: Mapping[str, str]) -> Texts:
        """The texts that apply to this message, with ``values`` in place of their placeholders."""
        written = {name: str(self.cleaned_data.get(name) or "") for name in TEXT_FIELDS}
        if not message.has_remote_content:
            written["protected_subject"] = written["protected_body"] = ""
        if message.precondition == Precondition.NEVER:
            written["precondition_title"] = written["precondition_body"] = ""
        return Texts(
            subject=placeholders.fill(written["protected_subject"], values, "plain"),
            body=placeholders.fill(written["protected_body"], values, "markdown"),
            precondition_title=placeholders.fill(written["precondition_title"], values, "plain"),
            precondition_body=placeholders.fill(written["precondition_body"], values, "markdown"),
        )


class WithRemoteContent(ProtectedTexts):
    """Whether IO fetches text or files of a message, and what the citizen sees before it opens."""

    has_remote_content = forms.BooleanField(
        label=_("Contenuto remoto"),
        required=False,
        help_text=_(
            "Il testo vero e gli allegati restano da voi: "
            "IO li viene a prendere ogni volta che il cittadino apre il messaggio."
        ),
    )
    has_attachments = forms.BooleanField(label=_("Allegati PDF"), required=False)
    precondition = forms.ChoiceField(
        label=_("Avvertenza prima di aprire"),
        choices=PRECONDITIONS,
        widget=ChoiceCards(descriptions=_WHEN),
    )

    def begin_remote(self) -> None:
        """Fill in what nobody chose, and name the texts that become public; to be called by ``__init__``."""
        if self.data.get("precondition") not in Precondition.values:
            self.data = {**self.data, "precondition": Precondition.NEVER.value}
        if self.data.get("has_remote_content"):
            self.fields["subject"].label = _("Oggetto pubblico")
            self.fields["body"].label = _("Testo di cortesia")
            self.fields["body"].help_text = _("Lo legge chi riceve l’e-mail, e resta a IO: niente dati personali.")

    def read_remote(self, made: Message, values: Mapping[str, str], *, files: bool, person: User) -> None:
        """Make ``made`` say what IO fetches of it; ``files`` tells whether it has some already."""
        made.has_remote_content = bool(self.cleaned_data.get("has_remote_content"))
        made.has_attachments = files or bool(self.cleaned_data.get("has_attachments"))
        chosen = self.cleaned_data.get("precondition") or Precondition.NEVER
        made.precondition = Precondition(chosen) if content.is_fetched(made) else Precondition.NEVER
        self.texts = self.read_texts(made, values)
        contents.new(made, self.texts, person.pk)

    #: What IO fetches, as ``read_remote`` found it.
    texts: Texts


def can_be_moved(data: Mapping[str, Any]) -> bool:
    """Whether something is written where everybody reads it, and nothing yet where only the citizen does."""
    public, protected = (data.get("subject") or data.get("body")), TEXT_FIELDS[:2]
    return bool(str(public or "").strip()) and not any(str(data.get(name) or "").strip() for name in protected)


def moved(data: Mapping[str, Any], service: Service) -> dict[str, Any]:
    """What was typed, with subject and text in the protected place and a text of courtesy in theirs."""
    if not can_be_moved(data):
        return dict(data)
    return {
        **data,
        "has_remote_content": "on",
        "protected_subject": data.get("subject", ""),
        "protected_body": data.get("body", ""),
        "subject": _COURTESY_SUBJECT,
        "body": _COURTESY_BODY % {"institution": service.institution.name},
    }


def typed_remote(content: RemoteContent | None) -> dict[str, str]:
    """Protected texts as the fields of the form."""
    if content is None:
        return dict.fromkeys(TEXT_FIELDS, "")
    return {
        "protected_subject": content.subject,
        "protected_body": content.body,
        "precondition_title": content.precondition_title,
        "precondition_body": content.precondition_body,
    }


class CorrectionForm(ProtectedTexts):
    """What a message that has left says from now on, and why."""

    note = forms.CharField(
        label=_("Perché correggi"),
        max_length=300,
        help_text=_("Resta nella storia delle versioni, con il tuo nome. Non scrivere dati personali."),
        error_messages={"required": _("Scrivi perché correggi: chi guarda la storia lo deve capire.")},
        widget=forms.Textarea({"rows": 2, "maxlength": 300}),
    )

    def __init__(self, data: Mapping[str, Any], *, message: Message, person: User, strict: bool) -> None:
        super().__init__(without_nulls(data))
        self.message, self.person, self.strict = message, person, strict
        absent = [] if message.has_remote_content else ["protected_subject", "protected_body"]
        if message.precondition == Precondition.NEVER:
            absent += ["precondition_title", "precondition_body"]
        for name in absent:
            del self.fields[name]

    candidate: Message
    texts: Texts

    def clean(self) -> dict[str, Any]:
        """Make the message as the citizen would find it, and say what would keep it from opening."""
        self.candidate = copy.copy(self.message)
        self.texts = self.read_texts(self.candidate, {})
        contents.new(self.candidate, self.texts, self.person.pk)
        if not self.strict:
            self.errors.clear()
            return self.cleaned_data
        going = content.third_party(self.candidate)
        for problem in content.remote_problems(self.candidate, going) if going else []:
            if problem.field in self.fields and problem.field not in self.errors:
                self.add_error(problem.field, ValidationError(problem_sentence(problem), code=problem.code))
        return self.cleaned_data


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _lines(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")
