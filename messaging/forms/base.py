"""What every form of the portal shares: the classes of its controls and errors told by the server, in words."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _


class ChoiceCards(forms.RadioSelect):
    """Radio buttons drawn as cards, each with a sentence on what the choice means."""

    def __init__(self, *args: Any, descriptions: dict[str, Any] | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.descriptions = descriptions or {}


class MonoInput(forms.TextInput):
    """A line for codes: fixed-width letters, neither remembered nor corrected by the browser."""

    def __init__(self, attrs: dict[str, Any] | None = None) -> None:
        super().__init__({"class": "mono", "autocomplete": "off", "spellcheck": "false", **(attrs or {})})


def add_class(widget: forms.Widget, name: str) -> None:
    """Add a class to a control once."""
    names = str(widget.attrs.get("class", "")).split()
    if name not in names:
        widget.attrs["class"] = " ".join([name, *names])


class PortalForm(forms.Form):
    """A form in the portal's look; draw its fields with ``{% field form.name %}``.

    The theme’s classes on every control; what is missing is said beside the field, not by the browser.
    """

    use_required_attribute = False

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("label_suffix", "")
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            widget = field.widget
            if field.error_messages.get("required") == forms.Field.default_error_messages["required"]:
                choice = isinstance(field, forms.ChoiceField | forms.ModelChoiceField)
                field.error_messages["required"] = _("Scegli una voce.") if choice else _("Manca questo dato.")
            if isinstance(
                widget, forms.CheckboxInput | forms.RadioSelect | forms.CheckboxSelectMultiple | forms.HiddenInput
            ):
                continue
            add_class(widget, "form-select" if isinstance(widget, forms.Select) else "form-control")
