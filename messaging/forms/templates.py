"""Texts that staff write once and use again."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.text import slugify
from django.utils.translation import gettext_lazy as _

from messaging import placeholders
from messaging.appio import rules
from messaging.appio.rules import Problem
from messaging.enums import Kind, Precondition
from messaging.forms.base import ChoiceCards
from messaging.forms.buttons import WithButtons, typed_buttons
from messaging.forms.kinds import KIND_CHOICES, KIND_WORDS, without_nulls
from messaging.forms.remote import LINE_STORED, TEXT_FIELDS, WithRemoteContent
from messaging.models import Message, Template, User
from messaging.permissions import services_of
from messaging.problem_words import problem_sentence


class TemplateForm(WithRemoteContent, WithButtons):
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
        max_length=LINE_STORED,
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
        self.template, self.person, self.strict = template, person, strict
        self.services = {str(service.pk): service for service in services_of(person)}
        choices = self.fields["service"]
        assert isinstance(choices, forms.ChoiceField)
        choices.choices = [(pk, service.name) for pk, service in self.services.items()]
        self.chosen_service = self.services.get(str(self.data.get("service"))) or next(iter(self.services.values()))
        self.fields["has_attachments"].help_text = _(
            "Solo nei messaggi Premium. In un messaggio li aggiungi tu; in un foglio ogni riga nomina i suoi PDF."
        )
        self.begin_remote()

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
        self.candidate = Message(
            service=self.chosen_service,
            kind=values.get("kind") or Kind.INFORMATIONAL,
            subject=values.get("subject") or "",
            body=values.get("body") or "",
            buttons=self.read_buttons({}, keep_placeholders=True),
        )
        self.read_remote(self.candidate, {}, files=False, person=self.person)
        self._check_lengths()
        self._check_remote()
        self._check_name(self.chosen_service.pk)
        if not self.strict:
            self.errors.clear()
        return values

    def _check_lengths(self) -> None:
        limits = {
            "subject": (self.candidate.subject, rules.SUBJECT_MIN, rules.SUBJECT_MAX),
            "body": (self.candidate.body, rules.MARKDOWN_MIN, rules.MARKDOWN_MAX),
        }
        if self.candidate.has_remote_content:
            limits["protected_subject"] = (self.texts.subject, rules.SUBJECT_MIN, rules.SUBJECT_MAX)
            limits["protected_body"] = (self.texts.body, rules.MARKDOWN_MIN, rules.MARKDOWN_MAX)
        for field, (text, shortest, longest) in limits.items():
            length = rules.utf16_length(text)
            if field in self.errors or placeholders.found([text]) or shortest <= length <= longest:
                continue
            code, limit = ("too_short", shortest) if length < shortest else ("too_long", longest)
            self._tell(field, Problem(field, code, {"length": length, "limit": limit}))

    def _check_remote(self) -> None:
        """What is missing of the part that IO fetches: a title and a text where there is a page, and Premium."""
        if self.candidate.has_attachments and not self.chosen_service.premium:
            self._tell("has_attachments", Problem("attachments", "no_premium"))
        lines = {"protected_subject": self.texts.subject, "precondition_title": self.texts.precondition_title}
        for field, text in lines.items():
            if len(text) > LINE_STORED and field not in self.errors:
                self._tell(field, Problem(field, "too_long", {"length": len(text), "limit": LINE_STORED}))
        if self.candidate.precondition == Precondition.NEVER:
            return
        said = {"precondition_title": self.texts.precondition_title, "precondition_body": self.texts.precondition_body}
        for field, text in said.items():
            if not text.strip():
                self._tell(field, Problem(field, "empty"))

    def _tell(self, field: str, problem: Problem) -> None:
        self.add_error(field, ValidationError(problem_sentence(problem), code=problem.code))

    def _check_name(self, service_id: int) -> None:
        name = self.cleaned_data.get("name")
        others = Template.objects.filter(service=service_id, name=name).exclude(pk=self.template.pk)
        if name and self.strict and others.exists():
            self.add_error(
                "name", ValidationError(_("C’è già un modello con questo nome: scegline un altro."), code="taken")
            )

    def placeholders(self) -> list[tuple[str, bool]]:
        """The placeholders of the text, each with whether the portal fills it by itself."""
        return placeholders_of(self._filled(Template()))

    def filled(self) -> Template:
        """The template with these values, not yet saved; a new one gets a short name from its name."""
        made = self._filled(copy.copy(self.template))
        made.name = self.cleaned_data["name"]
        if not made.slug or made.service_id != self.template.service_id:
            made.slug = _free_slug(made)
        return made

    def _filled(self, made: Template) -> Template:
        said = self.candidate
        made.service, made.kind = said.service, Kind(said.kind)
        made.subject, made.body, made.buttons = said.subject, said.body, said.buttons
        made.has_remote_content, made.has_attachments = said.has_remote_content, said.has_attachments
        made.precondition = said.precondition
        made.protected_subject, made.protected_body = self.texts.subject, self.texts.body
        made.precondition_title = self.texts.precondition_title
        made.precondition_body = self.texts.precondition_body
        return made


def placeholders_of(template: Template) -> list[tuple[str, bool]]:
    """The placeholders of a template's texts, in order, each with whether the portal fills it by itself."""
    return [(name, placeholders.is_built_in(name)) for name in placeholders.found(_texts(template))]


def _texts(template: Template) -> Iterable[str]:
    yield from (template.subject, template.body)
    yield from (getattr(template, name) for name in TEXT_FIELDS)
    yield from (button.get(part, "") for button in template.buttons for part in ("text_it", "text_en", "target"))


def typed_of(template: Template) -> dict[str, str]:
    """What the form shows of a template."""
    return {
        "service": str(template.service_id or ""),
        "name": template.name,
        "kind": template.kind,
        "subject": template.subject,
        "body": template.body,
        "has_remote_content": "on" if template.has_remote_content else "",
        "has_attachments": "on" if template.has_attachments else "",
        "precondition": template.precondition,
        **{name: getattr(template, name) for name in TEXT_FIELDS},
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
