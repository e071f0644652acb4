"""Buttons at the start of a message, as the app reads them (notes, 7.2)."""

import re
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlsplit

import yaml

_MATTER: Final = re.compile(r"\ufeff?(= yaml =|---)[ \t\r]*$(.*?)^(?:\1|\.\.\.)\s*?$\n?", re.DOTALL | re.MULTILINE)
_HANDLED: Final = re.compile(r"iohandledlink://((?:https?|sms|tel|mailto|copy):.+)", re.I | re.S)


@dataclass(frozen=True, slots=True)
class Button:
    """One button: its text, where a browser may follow it, and what the app would do."""

    text: str
    href: str = ""
    explanation: str = ""
    valid: bool = True


@dataclass(frozen=True, slots=True)
class Letter:
    """A message's text without its front matter, and the buttons drawn from it."""

    body: str
    buttons: list[Button] = field(default_factory=list)
    broken: bool = False


def read_letter(markdown: str, language: str) -> Letter:
    """Split a message; broken YAML is told apart, it replaces the text in the app."""
    match = _MATTER.match(markdown)
    if match is None:
        return Letter(markdown)
    body = markdown[match.end() :]
    try:
        attributes = yaml.safe_load(match[2])
    except (yaml.YAMLError, ValueError, RecursionError):
        return Letter(markdown, broken=True)
    return Letter(body, _buttons(attributes, language))


def _buttons(attributes: Any, language: str) -> list[Button]:
    """At most two; shown when at least one action is valid."""
    chosen = attributes.get(language) if isinstance(attributes, dict) else None
    if not isinstance(chosen, dict):
        return []
    first, second = _button(chosen.get("cta_1")), _button(chosen.get("cta_2"))
    if first is None or (second is None and chosen.get("cta_2") is not None):
        return []
    buttons = [first] if second is None else [first, second]
    return buttons if any(button.valid for button in buttons) else []


def _button(raw: Any) -> Button | None:
    if not isinstance(raw, dict):
        return None
    text, action = raw.get("text"), raw.get("action")
    if not isinstance(text, str) or not isinstance(action, str):
        return None
    if handled := _HANDLED.fullmatch(action):
        target = handled[1]
        if target.lower().startswith("copy:"):
            return Button(text, explanation=f"L’app copia: {target[5:]}")
        return Button(text, href=target)
    if action.startswith("iosso://") and _has_host(action.removeprefix("iosso://")):
        return Button(text, explanation=f"L’app entra senza password in {action[8:]}")
    if action.startswith("ioit://") and len(action) > len("ioit://"):
        return Button(text, explanation=f"L’app apre la sua pagina {action[7:]}")
    return Button(text, explanation="Nell’app questo pulsante non fa nulla.", valid=False)


def _has_host(url: str) -> bool:
    try:
        return bool(urlsplit(url).netloc)
    except ValueError:
        return False
