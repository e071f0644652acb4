"""The text of a message: buttons, front matter, how the app draws it, and advice on it."""

from __future__ import annotations

from messaging.appio.advice import Advice, advice, protected_advice, public_advice
from messaging.appio.buttons import Button, ButtonError, ButtonKind, button_action, parse_action
from messaging.appio.dialect import email_preview, plain_text, render_as_app
from messaging.appio.front_matter import FrontMatterError, read_buttons, split_front_matter, with_buttons

__all__ = [
    "Advice",
    "Button",
    "ButtonError",
    "ButtonKind",
    "FrontMatterError",
    "advice",
    "button_action",
    "email_preview",
    "parse_action",
    "plain_text",
    "protected_advice",
    "public_advice",
    "read_buttons",
    "render_as_app",
    "split_front_matter",
    "with_buttons",
]
