"""The fields of the buttons under a message, for messages and templates alike."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from messaging import placeholders
from messaging.appio.markdown import Button, ButtonError, ButtonKind, button_action, with_buttons
from messaging.forms.base import PortalForm
from messaging.problem_words import BUTTON_TARGETS, target_sentence
from messaging.spreadsheets.placeholders import Use

NUMBERS = (1, 2)
PARTS = ("text_it", "text_en", "kind", "target")
#: The longest text that fits on a button of the phone.
TEXT_LENGTH = 40

KINDS = [
    (ButtonKind.WEB.value, _("Una pagina web")),
    (ButtonKind.PHONE.value, _("Una telefonata")),
    (ButtonKind.EMAIL.value, _("Un’e-mail")),
    (ButtonKind.SSO.value, _("Un sito in cui si entra con IO")),
    (ButtonKind.IO_PAGE.value, _("Una pagina dell’app IO")),
]


#: Where the values of placeholders go.
_USES: dict[str, Use] = {"text_it": "plain", "text_en": "plain", "kind": "plain", "target": "address"}


def _text_it() -> forms.CharField:
    return forms.CharField(
        label=_("Scritta in italiano"),
        max_length=TEXT_LENGTH,
        error_messages={"required": _("Scrivi il testo del pulsante.")},
    )


def _text_en() -> forms.CharField:
    return forms.CharField(
        label=_("Scritta in inglese"),
        max_length=TEXT_LENGTH,
        error_messages={"required": _("Scrivilo anche in inglese: chi usa l’app in inglese non vedrebbe i pulsanti.")},
    )


def _kind() -> forms.ChoiceField:
    return forms.ChoiceField(label=_("Cosa apre"), choices=KINDS)


def _target() -> forms.CharField:
    return forms.CharField(
        label=_("Indirizzo, numero o pagina"),
        max_length=2000,
        error_messages={"required": BUTTON_TARGETS["empty"]},
        widget=forms.TextInput({"autocapitalize": "none", "spellcheck": "false"}),
    )


def typed_buttons(buttons: Iterable[Mapping[str, str]]) -> dict[str, str]:
    """Stored buttons as the fields of the form."""
    typed = {}
    for number, button in zip(NUMBERS, buttons, strict=False):
        for part in PARTS:
            typed[f"button{number}_{part}"] = button.get(part, "")
    return typed


class WithButtons(PortalForm):
    """A form with up to two buttons; one whose three texts are empty is no button."""

    button1_text_it = _text_it()
    button1_text_en = _text_en()
    button1_kind = _kind()
    button1_target = _target()
    button2_text_it = _text_it()
    button2_text_en = _text_en()
    button2_kind = _kind()
    button2_target = _target()

    def has_button(self, number: int) -> bool:
        """Whether anything was typed for this button."""
        return any(str(self.data.get(f"button{number}_{part}") or "").strip() for part in PARTS if part != "kind")

    def has_second_button(self) -> bool:
        """Whether the second button is to be shown open."""
        return self.has_button(2)

    def forgive_absent_buttons(self) -> None:
        """Take back the errors of buttons of which nothing was typed."""
        for number in NUMBERS:
            if not self.has_button(number):
                for part in PARTS:
                    self.errors.pop(f"button{number}_{part}", None)

    def read_buttons(self, values: Mapping[str, str], *, keep_placeholders: bool = False) -> list[dict[str, str]]:
        """The complete buttons with ``values`` in place of their placeholders; adds an error to those that are wrong.

        With ``keep_placeholders`` a target that has some is stored as it is, without an action.
        """
        found = []
        for number in NUMBERS:
            parts = {part: self.cleaned_data.get(f"button{number}_{part}") for part in PARTS}
            if not self.has_button(number) or not all(parts.values()):
                continue
            button = {part: placeholders.fill(str(parts[part]), values, use) for part, use in _USES.items()}
            if keep_placeholders and placeholders.found([button["target"]]):
                found.append({**button, "action": ""})
            elif action := self._action(number, button):
                found.append({**button, "action": action})
        return found

    def _action(self, number: int, button: Mapping[str, Any]) -> str:
        try:
            action = button_action(ButtonKind(button["kind"]), button["target"])
        except ButtonError as error:
            self.add_error(f"button{number}_target", ValidationError(target_sentence(error.code), code=error.code))
            return ""
        try:
            with_buttons("", [Button(button["text_it"], button["text_en"], action)])
        except ButtonError as error:
            self.add_error(f"button{number}_text_it", ValidationError(target_sentence(error.code), code=error.code))
            return ""
        return action
