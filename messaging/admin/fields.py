"""Form fields of the administration: euros for cents, keys that go in and never come out."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.utils.translation import gettext_lazy as _

from messaging.appio.rules import AmountError, parse_euros
from messaging.templatetags.portal import euros

_AMOUNT_PROBLEMS = {
    "ambiguous": _("Non è chiaro se siano migliaia o decimali: scrivi 1.234,00 oppure 1,23."),
    "too_many_decimals": _("Al massimo due decimali."),
    "range": _("Da 0 a 99.999.999,99 euro."),
}


class EurosField(forms.CharField):
    """An amount typed and shown in euros, kept in cents; zero is an amount too."""

    widget = forms.TextInput(attrs={"class": "vTextField amount", "inputmode": "decimal", "size": 14})

    def prepare_value(self, value: Any) -> Any:
        return euros(value) if isinstance(value, int) else value

    def to_python(self, value: Any) -> Any:
        text = (value or "").strip()
        if text in self.empty_values:
            return None
        if not text.strip("0.,"):
            return 0
        try:
            return parse_euros(text)
        except AmountError as error:
            message = _AMOUNT_PROBLEMS.get(error.code, _("Scrivi un importo in euro, per esempio 1.500,00."))
            raise ValidationError(message, code=error.code) from None

    def has_changed(self, initial: Any, data: Any) -> bool:
        try:
            return bool(self.to_python(data) != initial)
        except ValidationError:
            return True


class KeyField(forms.CharField):
    """A service's new key: typed or pasted, never drawn again, not even after an error in another field."""

    widget = forms.PasswordInput(
        render_value=False, attrs={"autocomplete": "new-password", "size": 40, "spellcheck": "false"}
    )
    # The messages never repeat what was typed.
    default_validators = [
        RegexValidator(r"^[!-~]{16,200}$", _("Non sembra una chiave di IO: incollala intera, senza spazi in mezzo."))
    ]

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(required=False, **kwargs)
