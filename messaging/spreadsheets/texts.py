"""The subject, text and buttons of a template, filled for one person after another."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from messaging.appio.buttons import Button, ButtonKind, button_action
from messaging.appio.front_matter import with_buttons
from messaging.appio.rules import MARKDOWN_MAX, MARKDOWN_MIN, SUBJECT_MAX, SUBJECT_MIN, utf16_length
from messaging.spreadsheets.placeholders import Found, MergeText, found, take_apart

#: What of a value a button's target keeps as it is; everything else is percent-encoded.
_KEPT = {ButtonKind.EMAIL: "@", ButtonKind.PHONE: "+ ./()-"}


@dataclass(frozen=True, slots=True)
class ButtonText:
    """A button with placeholders in its words or its target, which is typed as for `buttons.button_action`."""

    text_it: str
    text_en: str
    kind: ButtonKind
    target: str


@dataclass(frozen=True, slots=True)
class Merged:
    """What one person receives: the `body` under its `buttons`, and both as the platform's `markdown`."""

    subject: str
    body: str
    buttons: list[Button]
    markdown: str


class MessageText:
    """A template's texts, taken apart once.

    `placeholders` are those of all of them. Values come by key (`placeholders.placeholder_key`), on one line each.
    """

    def __init__(self, subject: str, body: str, buttons: Sequence[ButtonText] = ()) -> None:
        written = [subject, body, *(text for button in buttons for text in _texts(button))]
        self.placeholders: list[Found] = found(written)
        self._subject = take_apart(subject, "plain")
        self._body = take_apart(body, "markdown")
        self._buttons = [_TakenApart(button) for button in buttons]
        self._fixed_buttons = all(button.is_fixed for button in self._buttons)
        self._filled = [button.fill({}) for button in self._buttons] if self._fixed_buttons else []
        self._front = with_buttons("", self._filled)
        self._front_units = utf16_length(self._front)
        #: Whether `missing` has anything to look at.
        self.has_passages = any(text.passages for text in self._all())

    def merge(self, values: Mapping[str, str]) -> Merged:
        """Return the message; raises `ButtonError` when a value makes of a button what the app would not open."""
        body = self._body.fill(values)
        if self._fixed_buttons:
            return Merged(self._subject.fill(values), body, self._filled, self._front + body)
        buttons = [button.fill(values) for button in self._buttons]
        return Merged(self._subject.fill(values), body, buttons, with_buttons(body, buttons))

    def fits(self, values: Mapping[str, str]) -> bool:
        """Tell whether the platform takes subject and text as long as they become; raises as `merge`.

        Most messages are so far from the limits that the lengths of the values decide, and nothing is put together.
        """
        if not self._fixed_buttons:
            merged = self.merge(values)
            subject, markdown = utf16_length(merged.subject), utf16_length(merged.markdown)
            return SUBJECT_MIN <= subject <= SUBJECT_MAX and MARKDOWN_MIN <= markdown <= MARKDOWN_MAX
        front = self._front_units
        return self._subject.is_within(values, SUBJECT_MIN, SUBJECT_MAX) and self._body.is_within(
            values, MARKDOWN_MIN - front, MARKDOWN_MAX - front
        )

    def missing(self, values: Mapping[str, str]) -> list[str]:
        """Return the keys that the passages shown need and whose value is empty."""
        return list(dict.fromkeys(key for text in self._all() for key in text.missing(values)))

    def _all(self) -> Iterator[MergeText]:
        yield self._subject
        yield self._body
        for button in self._buttons:
            yield from button.texts


def _texts(button: ButtonText) -> tuple[str, str, str]:
    return button.text_it, button.text_en, button.target


class _TakenApart:
    def __init__(self, button: ButtonText) -> None:
        self._kind = button.kind
        target = take_apart(button.target.strip(), "address", _KEPT.get(button.kind, ""))
        # A target that is one cell alone may be anything that the app opens: `button_action` judges it.
        if len(target.parts) == 1 and not target.is_fixed:
            target = take_apart(button.target.strip(), "plain")
        self.texts = (take_apart(button.text_it, "plain"), take_apart(button.text_en, "plain"), target)
        self.is_fixed = all(text.is_fixed for text in self.texts)

    def fill(self, values: Mapping[str, str]) -> Button:
        text_it, text_en, target = (text.fill(values) for text in self.texts)
        return Button(text_it, text_en, button_action(self._kind, target))
