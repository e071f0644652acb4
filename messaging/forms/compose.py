"""Writing one message: everything that it says."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from datetime import date
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from messaging import placeholders
from messaging.appio import fiscal_codes, rules
from messaging.appio.rules import AmountError, Problem, parse_euros
from messaging.delivery import content
from messaging.enums import FeatureLevel, Kind
from messaging.forms.base import ChoiceCards, MonoInput
from messaging.forms.buttons import WithButtons
from messaging.forms.dates import DayError, parse_day
from messaging.forms.kinds import KIND_CHOICES, KIND_WORDS, without_nulls
from messaging.forms.remote import TEXT_FIELDS, WithRemoteContent
from messaging.models import Message, Recipient, User
from messaging.permissions import services_of
from messaging.problem_words import confirm_notice_number, placeholders_sentence, problem_sentence, sentence, words_of
from messaging.remote import attachments, contents

_PAYMENT_FIELDS = ("amount", "notice_number", "notice_confirmed", "invalid_after_due_date", "payee")
#: What a draft may still lack without anything being wrong with it.
_MISSING = frozenset({"required", "empty", "missing", "too_short", "no_due_date", "not_registered"})
_FIELD_OF = {
    "markdown": "body",
    "feature_level": "advanced",
    "remote": "has_remote_content",
    "attachments": "has_attachments",
}


class ComposeForm(WithRemoteContent, WithButtons):
    """A message as it is typed. Always bound: to what was posted, or to what the draft holds.

    ``strict`` says whatever would keep it from being sent; without it nothing missing counts, so that a draft keeps
    half a message in peace. After ``is_valid`` the message as it would go stands in ``candidate``.
    """

    service = forms.ChoiceField(label=_("Servizio"), help_text=_("Il cittadino lo vede come mittente."))
    kind = forms.ChoiceField(label=_("Tipo"), choices=KIND_CHOICES, widget=ChoiceCards(descriptions=KIND_WORDS))
    fiscal_code = forms.CharField(
        label=_("Codice fiscale del destinatario"),
        help_text=_("16 caratteri, anche con spazi."),
        widget=MonoInput({"autocapitalize": "characters"}),
        error_messages={"required": words_of("fiscal_code", "empty")},
    )
    subject = forms.CharField(
        label=_("Oggetto"),
        help_text=_("Si legge nella notifica: niente nomi, importi o dati personali."),
        error_messages={"required": _("Scrivi l’oggetto.")},
        widget=forms.TextInput({"autocomplete": "off"}),
    )
    body = forms.CharField(
        label=_("Testo"),
        help_text=_("Di’ subito cosa succede, quanto, entro quando e cosa fare."),
        error_messages={"required": _("Scrivi il testo.")},
        widget=forms.Textarea({"rows": 11}),
    )
    amount = forms.CharField(
        label=_("Importo in euro"),
        widget=forms.TextInput({"inputmode": "decimal", "autocomplete": "off"}),
        error_messages={"required": words_of("amount", "empty")},
    )
    notice_number = forms.CharField(
        label=_("Numero avviso pagoPA"),
        widget=MonoInput({"inputmode": "numeric"}),
        error_messages={"required": words_of("notice_number", "empty")},
    )
    #: The number that the person confirmed although its check digits do not match.
    notice_confirmed = forms.CharField(label=_("Il numero avviso pagoPA"), required=False)
    due_date = forms.CharField(
        label=_("Scadenza"),
        widget=forms.TextInput({"placeholder": "gg/mm/aaaa", "autocomplete": "off"}),
        error_messages={"required": words_of("due_date", "empty")},
    )
    invalid_after_due_date = forms.BooleanField(label=_("Dopo la scadenza non si può più pagare"), required=False)
    payee = forms.CharField(
        label=_("Codice fiscale dell’ente creditore"),
        required=False,
        help_text=_("Solo se i soldi vanno a un altro ente: 11 cifre."),
        widget=MonoInput({"inputmode": "numeric"}),
    )
    advanced = forms.BooleanField(
        label=_("Messaggio Premium"),
        required=False,
        help_text=_("Dice se è stato letto e pagato, e lo ricorda al cittadino. Ogni invio conta nel contratto."),
    )
    require_secure_channels = forms.BooleanField(
        label=_("Contenuto riservato"),
        required=False,
        help_text=_("Il testo si legge solo nell’app: non parte nessuna e-mail."),
    )
    reference = forms.CharField(
        label=_("Vostro riferimento"),
        required=False,
        max_length=100,
        help_text=_("Per esempio il numero di protocollo. Il cittadino non lo vede."),
    )

    candidate: Message

    def __init__(self, data: Mapping[str, Any], *, message: Message, person: User, strict: bool = False) -> None:
        super().__init__(without_nulls(data))
        self.message, self.person, self.strict = message, person, strict
        self.asks_to_confirm = False
        self.services = {str(service.pk): service for service in services_of(person)}
        self.chosen_service = self.services.get(str(self.data.get("service")), message.service)
        kind = str(self.data.get("kind"))
        self.chosen_kind = Kind(kind) if kind in Kind.values else Kind(message.kind)
        choices = self.fields["service"]
        assert isinstance(choices, forms.ChoiceField)
        choices.choices = [(pk, service.name) for pk, service in self.services.items()]
        #: The files that the draft has already.
        self.attached = contents.files_of(message) if message.pk and message.has_attachments else []
        self._drop_what_does_not_apply()
        self.begin_remote()

    def _drop_what_does_not_apply(self) -> None:
        payment = self.chosen_kind is Kind.PAYMENT
        absent = [] if payment else [*_PAYMENT_FIELDS]
        if self.chosen_kind is Kind.INFORMATIONAL:
            absent.append("due_date")
        if not self.chosen_service.premium:
            absent.append("advanced")
            if not self.attached:
                absent.append("has_attachments")
        if payment and not self.chosen_service.payee_allowed:
            absent.append("payee")
        for name in absent:
            del self.fields[name]
        if payment:
            self.fields["due_date"].required = False

    def typed(self) -> dict[str, str]:
        """Everything as it was typed, to be kept in the draft; service and kind have columns of their own."""
        names = self.base_fields.keys() - {"service", "kind"}
        return {name: str(self.data[name]) for name in sorted(names) if self.data.get(name)}

    @property
    def largest(self) -> int:
        """The size in megabytes up to which a PDF is taken."""
        return attachments.max_bytes() // (1024 * 1024)

    # Each field by itself

    def clean_fiscal_code(self) -> str:
        """The code in capitals and without spaces."""
        return fiscal_codes.normalise(self.cleaned_data["fiscal_code"])

    def clean_subject(self) -> str:
        """The subject on one line."""
        return " ".join(self.cleaned_data["subject"].split())

    def clean_body(self) -> str:
        """The text with one character for each end of line: the platform counts them."""
        return str(self.cleaned_data["body"]).replace("\r\n", "\n").replace("\r", "\n")

    def clean_amount(self) -> int | None:
        """The amount in cents."""
        try:
            return parse_euros(self.cleaned_data["amount"])
        except AmountError as error:
            raise ValidationError(sentence("amount", error.code), code=error.code) from error

    def clean_notice_number(self) -> str:
        """The number without spaces; what is wrong with it is said once for all in ``clean``."""
        return rules.normalise_notice_number(self.cleaned_data["notice_number"])

    def clean_due_date(self) -> date | None:
        """The day, or None when a payment has no deadline."""
        text = self.cleaned_data["due_date"]
        if not text:
            return None
        try:
            return parse_day(text)
        except DayError as error:
            raise ValidationError(sentence("due_date", error.code), code=error.code) from error

    def clean_payee(self) -> str:
        """The creditor's code without spaces."""
        return "".join(str(self.cleaned_data["payee"]).split())

    # The message as a whole

    def clean(self) -> dict[str, Any]:
        """Make the message as it would go, and say what the platform would refuse of it."""
        self.forgive_absent_buttons()
        self.candidate = self._candidate()
        for problem in content.problems(self.candidate):
            self._tell(problem)
        if self.strict:
            self._tell_placeholders()
        else:
            self._forgive_what_is_missing()
        return self.cleaned_data

    def recipient_code(self) -> str:
        """The fiscal code if it is one that the service may write to, else an empty text."""
        return "" if "fiscal_code" in self.errors else str(self.cleaned_data.get("fiscal_code") or "")

    def is_what_is_saved(self) -> bool:
        """Whether the draft's columns hold just what these values say, so that it can go as it is."""
        recipient = self.message.recipient.fiscal_code if self.message.recipient else ""
        saved = self.recipient_code() == recipient and contents.texts_of(self.message) == self.texts
        return saved and all(getattr(self.message, name) == value for name, value in self.columns().items())

    def columns(self) -> dict[str, Any]:
        """The columns of the message that these values fill; a value that is not right leaves its column empty."""
        kept = self.candidate
        wrong = self.errors
        return {
            "service": kept.service,
            "kind": kept.kind,
            "subject": kept.subject,
            "body": kept.body,
            "buttons": kept.buttons,
            "amount": kept.amount,
            "notice_number": "" if rules.notice_number_problem(kept.notice_number) else kept.notice_number,
            "due_date": kept.due_date,
            "invalid_after_due_date": kept.invalid_after_due_date,
            "payee": "" if "payee" in wrong else kept.payee,
            "feature_level": kept.feature_level,
            "require_secure_channels": kept.require_secure_channels,
            "has_remote_content": kept.has_remote_content,
            "has_attachments": kept.has_attachments,
            "precondition": kept.precondition,
            "reference": "" if "reference" in wrong else kept.reference,
        }

    def _candidate(self) -> Message:
        values = self.cleaned_data
        made = copy.copy(self.message)
        made.service, made.kind = self.chosen_service, self.chosen_kind
        made.amount, made.notice_number = values.get("amount"), values.get("notice_number") or ""
        made.due_date = values.get("due_date")
        payment = made.amount is not None and bool(made.notice_number)
        made.invalid_after_due_date = payment and bool(values.get("invalid_after_due_date"))
        made.payee = (values.get("payee") or "") if payment else ""
        made.feature_level = FeatureLevel.ADVANCED if values.get("advanced") else FeatureLevel.STANDARD
        made.require_secure_channels = bool(values.get("require_secure_channels"))
        made.reference = values.get("reference") or ""
        code = str(values.get("fiscal_code") or "")
        filled = placeholders.own_values(made.amount, made.notice_number, made.due_date, code)
        made.subject = placeholders.fill(values.get("subject") or "", filled, "plain")
        made.body = placeholders.fill(values.get("body") or "", filled, "markdown")
        made.buttons = self.read_buttons(filled)
        institution = self.chosen_service.institution
        made.recipient = Recipient(institution=institution, fiscal_code=code) if code else None
        self.read_remote(made, filled, files=bool(self.attached), person=self.person)
        return made

    def _tell(self, problem: Problem) -> None:
        field = _FIELD_OF.get(problem.field, problem.field)
        if field not in self.fields or field in self.errors or (problem.code in _MISSING and not self.strict):
            return
        if problem.field == "notice_number" and problem.code == "check_digits":
            self._ask_to_confirm()
            return
        if problem.field == "attachments" and problem.code == "not_allowed" and not self.chosen_service.premium:
            problem = Problem("attachments", "no_premium")
        if problem.field == "fiscal_code" and problem.code == "length":
            problem = Problem("fiscal_code", "length", {"length": len(self.cleaned_data["fiscal_code"])})
        self.add_error(field, ValidationError(problem_sentence(problem), code=problem.code))

    def _ask_to_confirm(self) -> None:
        self.asks_to_confirm = True
        if self.strict and not self.notice_is_confirmed():
            self.add_error("notice_confirmed", ValidationError(confirm_notice_number(), code="unconfirmed"))

    def notice_is_confirmed(self) -> bool:
        """Whether the person confirmed this very number."""
        return bool(self.candidate.notice_number) and self.data.get("notice_confirmed") == self.candidate.notice_number

    def _tell_placeholders(self) -> None:
        texts = {"subject": [self.candidate.subject], "body": [self.candidate.body]}
        written = [self.texts.subject, self.texts.body, self.texts.precondition_title, self.texts.precondition_body]
        texts |= {field: [text] for field, text in zip(TEXT_FIELDS, written, strict=True)}
        for number, button in enumerate(self.candidate.buttons, start=1):
            texts[f"button{number}_text_it"] = [button["text_it"], button["text_en"], button["target"]]
        for field, written in texts.items():
            if names := placeholders.found(written):
                self.add_error(field, ValidationError(placeholders_sentence(names), code="placeholders"))

    def _forgive_what_is_missing(self) -> None:
        for name in list(self.errors):
            if all(error.code in _MISSING for error in self.errors[name].as_data()):
                del self.errors[name]
