"""Texts that staff write once and use again."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.text import slugify
from django.utils.translation import gettext_lazy as _

from messaging import placeholders
from messaging.appio import rules
from messaging.appio.rules import Problem
from messaging.enums import Kind
from messaging.forms.base import ChoiceCards
from messaging.forms.buttons import WithButtons, typed_buttons
from messaging.forms.kinds import KIND_CHOICES, KIND_WORDS, without_nulls
from messaging.models import Message, Template, User
from messaging.permissions import services_of
from messaging.problem_words import problem_sentence

_SUBJECT_STORED = 300


class TemplateForm(WithButtons):
    """A template as it is typed; after ``is_valid`` what it says stands in ``candidate``, a message never saved."""

    service = forms.ChoiceField(label=_("Servizio"), help_text=_("Solo chi è in questo servizio vede il modello."))
    name = forms.CharField(
        label=_("Nome del modello"),
        max_length=100,
        help_text=_("Lo vedi solo tu e chi lavora con te."),
        error_messages={"required": _("Scrivi un nome, per ritrovarlo.")},
        widget=forms.TextInput({"autocomplete": "off"}),
    )
    kind = forms.ChoiceField(
        label=_("Tipo di messaggio"), choices=KIND_CHOICES, widget=ChoiceCards(descriptions=KIND_WORDS)
    )
    subject = forms.CharField(
        label=_("Oggetto"),
        max_length=_SUBJECT_STORED,
        help_text=_("Si legge nella notifica: niente nomi, importi o dati personali."),
        error_messages={"required": _("Scrivi l’oggetto.")},
        widget=forms.TextInput({"autocomplete": "off"}),
    )
    body = forms.CharField(
        label=_("Testo"),
        help_text=_("Dove il testo cambia da persona a persona metti un segnaposto, come ((nome))."),
        error_messages={"required": _("Scrivi il testo.")},
        widget=forms.Textarea({"rows": 11}),
    )

    candidate: Message

    def __init__(self, data: Mapping[str, Any], *, template: Template, person: User, strict: bool = True) -> None:
        super().__init__(without_nulls(data))
        self.template, self.strict = template, strict
        self.services = {str(service.pk): service for service in services_of(person)}
        choices = self.fields["service"]
        assert isinstance(choices, forms.ChoiceField)
        choices.choices = [(pk, service.name) for pk, service in self.services.items()]

    def clean_subject(self) -> str:
        """The subject on one line."""
        return " ".join(self.cleaned_data["subject"].split())

    def clean_body(self) -> str:
        """The text with one character for each end of line: the platform counts them."""
        return str(self.cleaned_data["body"]).replace("\r\n", "\n").replace("\r", "\n")

    def clean(self) -> dict[str, Any]:
        """Make the text as the phone shows it; lengths count where nothing is still to be filled in."""
        self.forgive_absent_buttons()
        values = self.cleaned_data
        service = self.services.get(str(self.data.get("service"))) or next(iter(self.services.values()))
        self.candidate = Message(
            service=service,
            kind=values.get("kind") or Kind.INFORMATIONAL,
            subject=values.get("subject") or "",
            body=values.get("body") or "",
            buttons=self.read_buttons({}, keep_placeholders=True),
        )
        self._check_lengths()
        self._check_name(service.pk)
        if not self.strict:
            self.errors.clear()
        return values

    def _check_lengths(self) -> None:
        limits = {
            "subject": (self.candidate.subject, rules.SUBJECT_MIN, rules.SUBJECT_MAX),
            "body": (self.candidate.body, rules.MARKDOWN_MIN, rules.MARKDOWN_MAX),
        }
        for field, (text, shortest, longest) in limits.items():
            length = rules.utf16_length(text)
            if field in self.errors or placeholders.found([text]) or shortest <= length <= longest:
                continue
            code, limit = ("too_short", shortest) if length < shortest else ("too_long", longest)
            problem = Problem(field, code, {"length": length, "limit": limit})
            self.add_error(field, ValidationError(problem_sentence(problem), code=code))

    def _check_name(self, service_id: int) -> None:
        name = self.cleaned_data.get("name")
        others = Template.objects.filter(service=service_id, name=name).exclude(pk=self.template.pk)
        if name and self.strict and others.exists():
            self.add_error(
                "name", ValidationError(_("C’è già un modello con questo nome: scegline un altro."), code="taken")
            )

    def placeholders(self) -> list[tuple[str, bool]]:
        """The placeholders of the text, each with whether the portal fills it by itself."""
        return placeholders_of(self.candidate.subject, self.candidate.body, self.candidate.buttons)

    def filled(self) -> Template:
        """The template with these values, not yet saved; a new one gets a short name from its name."""
        made = copy.copy(self.template)
        made.service, made.kind = self.candidate.service, self.candidate.kind
        made.name = self.cleaned_data["name"]
        made.subject, made.body, made.buttons = self.candidate.subject, self.candidate.body, self.candidate.buttons
        if not made.slug or made.service_id != self.template.service_id:
            made.slug = _free_slug(made)
        return made


def placeholders_of(subject: str, body: str, buttons: list[dict[str, str]]) -> list[tuple[str, bool]]:
    """The placeholders of a template's texts, in order, each with whether the portal fills it by itself."""
    texts = [subject, body, *(button.get(part, "") for button in buttons for part in ("text_it", "text_en", "target"))]
    return [(name, placeholders.is_built_in(name)) for name in placeholders.found(texts)]


def typed_of(template: Template) -> dict[str, str]:
    """What the form shows of a template."""
    return {
        "service": str(template.service_id or ""),
        "name": template.name,
        "kind": template.kind,
        "subject": template.subject,
        "body": template.body,
        **typed_buttons(template.buttons),
    }


def _free_slug(template: Template) -> str:
    start = slugify(template.name)[:44] or "modello"
    taken = set(
        Template.objects.filter(service=template.service, slug__startswith=start)
        .exclude(pk=template.pk)
        .values_list("slug", flat=True)
    )
    slug, number = start, 2
    while slug in taken:
        slug, number = f"{start}-{number}", number + 1
    return slug
