"""The front matter that carries a message's buttons, written and read as the app does (IO messages API notes, 7.2).

The server neither reads nor checks it, but counts it in the length of the text.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Mapping, Sequence

import yaml

from messaging.appio.buttons import Button, ButtonError

MAX_BUTTONS = 2
_LANGUAGES = ("it", "en")

# Line ends are those of JavaScript, in whose dialect the app's package looks for the fences.
_FENCED = re.compile(
    r"(?:(?<=[\n\r\u2028\u2029])|\A)\ufeff?(= yaml =|---)(?=[\n\r\u2028\u2029]|\Z)"
    r"([\s\S]*?)(?<=[\n\r\u2028\u2029])(?:\1|\.\.\.)\s*(?=[\n\r\u2028\u2029]|\Z)\n?"
)
# Legal in JSON, but not in YAML or not as themselves.
_ESCAPED = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")


class FrontMatterError(ValueError):
    """Front matter that the app cannot read: it would show a warning in place of the text."""


def with_buttons(body: str, buttons: Sequence[Button]) -> str:
    """Return `body` after the front matter for at most two buttons, in Italian and English; unchanged without any.

    Raises `ButtonError` with "too_many" for more than two and "text" for a button without a text in both languages:
    the app then shows no button at all.
    """
    if not buttons:
        return body
    if len(buttons) > MAX_BUTTONS:
        raise ButtonError("too_many")
    lines = ["---"]
    for language in _LANGUAGES:
        lines.append(f"{language}:")
        for number, button in enumerate(buttons, start=1):
            text = _one_line(button.text_it if language == "it" else button.text_en)
            if not text:
                raise ButtonError("text")
            lines += [
                f"    cta_{number}:",
                f"        text: {_quoted(text)}",
                f"        action: {_quoted(_one_line(button.action))}",
            ]
    return "\n".join([*lines, "---", body])


def _one_line(text: str) -> str:
    shown = (" " if c.isspace() else c for c in text)
    return " ".join("".join(c for c in shown if unicodedata.category(c) not in {"Cc", "Cs"}).split())


def _quoted(text: str) -> str:
    # Emoji as they are: YAML has no surrogate pairs.
    return _ESCAPED.sub(lambda found: f"\\u{ord(found[0]):04x}", json.dumps(text, ensure_ascii=False))


def split_front_matter(markdown: str) -> tuple[dict[str, object] | None, str]:
    """Return the front matter and the text after it as the app would, or None and the whole text.

    A text that merely begins with a rule and has another one below loses all between them, as in the app: the
    front matter is then an empty dictionary, having no buttons. Raises `FrontMatterError` for broken YAML.
    """
    first_line = markdown.partition("\n")[0]
    if "---" not in first_line and "= yaml =" not in first_line:
        return None, markdown
    found = _FENCED.search(markdown)
    if found is None:
        return None, markdown
    try:
        value = yaml.safe_load(found[2].strip())
    except (yaml.YAMLError, ValueError, OverflowError, RecursionError, TypeError, AttributeError) as error:
        raise FrontMatterError("front matter is not readable YAML") from error
    rest = markdown[: found.start()] + markdown[found.end() :]
    return (value if isinstance(value, dict) else {}), rest


def read_buttons(front_matter: Mapping[str, object] | None) -> list[Button]:
    """Return the buttons of a front matter that `split_front_matter` read; English falls back to Italian here.

    Buttons without a text or an action are left out.
    """
    italian, english = (_language(front_matter, language) for language in _LANGUAGES)
    buttons = []
    for name in ("cta_1", "cta_2"):
        text, action = _call_to_action(italian, name)
        if text and action:
            buttons.append(Button(text, _call_to_action(english, name)[0] or text, action))
    return buttons


def _language(front_matter: Mapping[str, object] | None, language: str) -> Mapping[str, object]:
    found = (front_matter or {}).get(language)
    return found if isinstance(found, dict) else {}


def _call_to_action(language: Mapping[str, object], name: str) -> tuple[str, str]:
    found = language.get(name)
    if not isinstance(found, dict):
        return "", ""
    text, action = found.get("text"), found.get("action")
    return (text if isinstance(text, str) else ""), (action if isinstance(action, str) else "")
