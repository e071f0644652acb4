"""The first step of a message and the last: what it is for, and why it goes again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from messaging.enums import Kind
from messaging.forms.base import ChoiceCards, PortalForm
from messaging.models import Template, User
from messaging.permissions import services_of

KIND_WORDS = {
    Kind.INFORMATIONAL.value: _("Una notizia, un promemoria, un documento pronto."),
    Kind.PAYMENT.value: _("Un avviso pagoPA: nell’app compare il pulsante «Paga»."),
    Kind.DUE_DATE.value: _("Qualcosa da fare entro un giorno: nell’app si può aggiungere al calendario."),
}
KIND_CHOICES = [
    (Kind.INFORMATIONAL.value, _("Informativo")),
    (Kind.PAYMENT.value, _("Di pagamento")),
    (Kind.DUE_DATE.value, _("Con scadenza")),
]


def without_nulls(data: Mapping[str, str]) -> dict[str, str]:
    """The posted values without NUL characters, which no database keeps."""
    return {name: str(value).replace("\x00", "") for name, value in data.items()}


class _TemplateField(forms.ModelChoiceField):  # type: ignore[type-arg]
    def label_from_instance(self, obj: Template) -> str:
        return f"{obj.service.name}: {obj.name}"


class NewMessageForm(PortalForm):
    """What the message is for, or which template it starts from."""

    kind = forms.ChoiceField(
        label=_("Che messaggio scrivi?"),
        choices=KIND_CHOICES,
        required=False,
        widget=ChoiceCards(descriptions=KIND_WORDS),
    )
    template = _TemplateField(
        Template.objects.none(),
        label=_("Modello"),
        required=False,
        empty_label=_("Nessuno: comincio da zero"),
        help_text=_("Se ne scegli uno, il tipo è quello del modello."),
        error_messages={"invalid_choice": _("Questo modello non c’è più: scegline un altro.")},
    )

    def __init__(self, *args: Any, person: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        templates = Template.objects.filter(service__in=services_of(person).values("pk")).select_related("service")
        field = self.fields["template"]
        assert isinstance(field, forms.ModelChoiceField)
        field.queryset = templates.order_by("service__name", "name")

    def clean(self) -> dict[str, Any]:
        """The template's kind counts; without a template one must be chosen."""
        values = self.cleaned_data
        if values.get("template"):
            values["kind"] = values["template"].kind
        elif not values.get("kind") and not self.errors:
            self.add_error(
                "kind", ValidationError(_("Scegli un tipo di messaggio, oppure un modello."), code="required")
            )
        return values


class RepeatForm(PortalForm):
    """Why the same content goes to the same person again."""

    repeat_reason = forms.CharField(
        label=_("Perché lo mandi di nuovo?"),
        max_length=300,
        help_text=_("Resta nella storia del messaggio, con il tuo nome. Non scrivere dati personali."),
        error_messages={"required": _("Scrivi perché lo mandi di nuovo.")},
        widget=forms.Textarea({"rows": 2, "maxlength": 300}),
    )
