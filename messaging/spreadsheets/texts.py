"""The subject, text and buttons of a template, filled for one person after another; beside them what IO fetches."""

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


@dataclass(frozen=True, slots=True, kw_only=True)
class ProtectedText:
    """What IO fetches at each opening, with placeholders; empty texts where a message has none of that kind.

    With `has_content` subject and body are what the app shows, and the buttons are theirs.
    """

    has_content: bool = False
    subject: str = ""
    body: str = ""
    has_precondition: bool = False
    precondition_title: str = ""
    precondition_body: str = ""


@dataclass(frozen=True, slots=True)
class MergedProtected:
    """What IO fetches for one person: `markdown` is the body under the buttons."""

    subject: str
    body: str
    markdown: str
    precondition_title: str
    precondition_body: str


@dataclass(frozen=True, slots=True)
class Merged:
    """What one person receives: the `body` under its `buttons`, and both as the platform's `markdown`.

    Where the text of the app is `protected`, the buttons stand above that one, and `markdown` is the body alone.
    """

    subject: str
    body: str
    buttons: list[Button]
    markdown: str
    protected: MergedProtected | None = None


class MessageText:
    """A template's texts, taken apart once.

    `placeholders` are those of all of them. Values come by key (`placeholders.placeholder_key`), on one line each.
    """

    def __init__(
        self, subject: str, body: str, buttons: Sequence[ButtonText] = (), protected: ProtectedText | None = None
    ) -> None:
        hidden = protected or ProtectedText()
        written = [subject, body, *(text for button in buttons for text in _texts(button))]
        written += [hidden.subject, hidden.body, hidden.precondition_title, hidden.precondition_body]
        self.placeholders: list[Found] = found(written)
        self._subject = take_apart(subject, "plain")
        self._body = _WholeText(body, () if hidden.has_content else buttons)
        self._protected = _Protected(protected, buttons if protected.has_content else ()) if protected else None
        #: Whether `missing` has anything to look at.
        self.has_passages = any(text.passages for text in self._all())

    def merge(self, values: Mapping[str, str]) -> Merged:
        """Return the message; raises `ButtonError` when a value makes of a button what the app would not open."""
        body, buttons, markdown = self._body.fill(values)
        subject = self._subject.fill(values)
        if self._protected is None:
            return Merged(subject, body, buttons, markdown)
        protected, its_buttons = self._protected.fill(values)
        return Merged(subject, body, its_buttons or buttons, markdown, protected)

    def fits(self, values: Mapping[str, str]) -> bool:
        """Tell whether the platform takes all texts as long as they become; raises as `merge`.

        Most messages are so far from the limits that the lengths of the values decide, and nothing is put together.
        """
        return (
            self._subject.is_within(values, SUBJECT_MIN, SUBJECT_MAX)
            and self._body.fits(values)
            and (self._protected is None or self._protected.fits(values))
        )

    def missing(self, values: Mapping[str, str]) -> list[str]:
        """Return the keys that the passages shown need and whose value is empty."""
        return list(dict.fromkeys(key for text in self._all() for key in text.missing(values)))

    def _all(self) -> Iterator[MergeText]:
        yield self._subject
        yield from self._body.texts()
        if self._protected is not None:
            yield from self._protected.texts()


def _texts(button: ButtonText) -> tuple[str, str, str]:
    return button.text_it, button.text_en, button.target


class _WholeText:
    """A text under its buttons, as the app draws it and the platform counts it."""

    def __init__(self, body: str, buttons: Sequence[ButtonText]) -> None:
        self._body = take_apart(body, "markdown")
        self._buttons = [_TakenApart(button) for button in buttons]
        self._fixed_buttons = all(button.is_fixed for button in self._buttons)
        self._filled = [button.fill({}) for button in self._buttons] if self._fixed_buttons else []
        self._front = with_buttons("", self._filled)
        front = utf16_length(self._front)
        self._least, self._most = MARKDOWN_MIN - front, MARKDOWN_MAX - front

    def fill(self, values: Mapping[str, str]) -> tuple[str, list[Button], str]:
        """Return body, buttons and both together."""
        body = self._body.fill(values)
        if self._fixed_buttons:
            return body, self._filled, self._front + body
        buttons = [button.fill(values) for button in self._buttons]
        return body, buttons, with_buttons(body, buttons)

    def fits(self, values: Mapping[str, str]) -> bool:
        """Tell whether it has a length that the platform takes."""
        if self._fixed_buttons:
            return self._body.is_within(values, self._least, self._most)
        return MARKDOWN_MIN <= utf16_length(self.fill(values)[2]) <= MARKDOWN_MAX

    def texts(self) -> Iterator[MergeText]:
        """Yield all that has placeholders."""
        yield self._body
        for button in self._buttons:
            yield from button.texts


class _Protected:
    """What IO fetches, taken apart."""

    def __init__(self, text: ProtectedText, buttons: Sequence[ButtonText]) -> None:
        self._has_content, self._has_precondition = text.has_content, text.has_precondition
        self._subject = take_apart(text.subject, "plain")
        self._body = _WholeText(text.body, buttons)
        self._title = take_apart(text.precondition_title, "plain")
        self._warning = take_apart(text.precondition_body, "markdown")

    def fill(self, values: Mapping[str, str]) -> tuple[MergedProtected, list[Button]]:
        """Return the texts and the buttons that stand among them."""
        body, buttons, markdown = self._body.fill(values)
        title, warning = self._title.fill(values), self._warning.fill(values)
        return MergedProtected(self._subject.fill(values), body, markdown, title, warning), buttons

    def fits(self, values: Mapping[str, str]) -> bool:
        """Tell whether `appio.remote.check` would find nothing."""
        if self._has_content and not (
            self._subject.is_within(values, SUBJECT_MIN, SUBJECT_MAX) and self._body.fits(values)
        ):
            return False
        return not self._has_precondition or (
            self._title.is_within(values, 1, SUBJECT_MAX) and self._warning.is_within(values, 1, MARKDOWN_MAX)
        )

    def texts(self) -> Iterator[MergeText]:
        """Yield all that has placeholders."""
        yield self._subject
        yield from self._body.texts()
        yield self._title
        yield self._warning


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
