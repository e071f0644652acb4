"""Collects what is to be translated: Italian words in code and templates become the entries of each language's .po."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polib
from django.conf import settings
from django.core.management.base import BaseCommand
from django.utils.translation.template import templatize

CODE = ("ioportal", "messaging")
TEMPLATES = ("templates",)
KEYWORDS: dict[str, Any] = {
    **dict.fromkeys(("_", "gettext", "gettext_lazy", "gettext_noop", "lazy")),
    **dict.fromkeys(("ngettext", "ngettext_lazy"), (1, 2)),
    **dict.fromkeys(("pgettext", "pgettext_lazy"), ((1, "c"), 2)),
    **dict.fromkeys(("npgettext", "npgettext_lazy"), ((1, "c"), 2, 3)),
}


@dataclass(frozen=True, order=True)
class Phrase:
    """Something to translate, with its plural and its context if it has them."""

    text: str
    plural: str = ""
    context: str = ""


def _read(source: str) -> Iterator[Phrase]:
    from babel.messages.extract import extract  # only where translations are made, not where the portal runs

    for _line, message, _comments, context in extract("python", io.BytesIO(source.encode()), keywords=KEYWORDS):
        forms = message if isinstance(message, tuple) else (message,)
        if forms[0]:
            yield Phrase(forms[0], forms[1] if len(forms) > 1 else "", context or "")


def phrases(root: Path) -> set[Phrase]:
    """Every phrase in the code and the templates under ``root``."""
    found: set[Phrase] = set()
    for folder in CODE:
        for path in sorted((root / folder).rglob("*.py")):
            if "migrations" not in path.parts:
                found.update(_read(path.read_text(encoding="utf-8")))
    for folder in TEMPLATES:
        for path in sorted((root / folder).rglob("*.*")):
            if path.suffix in {".html", ".txt"}:
                # Within brackets Python does not mind how the lines of a template are indented.
                found.update(_read(f"({templatize(path.read_text(encoding='utf-8'))})"))
    return found


def merge(catalogue: polib.POFile, found: set[Phrase]) -> polib.POFile:
    """The phrases in order, each with the translation it already had; what is no longer used is left out."""
    known = {(entry.msgid, entry.msgctxt or ""): entry for entry in catalogue if not entry.obsolete}
    merged = polib.POFile(wrapwidth=0)
    merged.metadata = {
        "Content-Type": "text/plain; charset=UTF-8",
        "Content-Transfer-Encoding": "8bit",
        "Plural-Forms": "nplurals=2; plural=(n != 1);",
    }
    plurals = {(phrase.text, phrase.context) for phrase in found if phrase.plural}
    for phrase in sorted(found):
        key = (phrase.text, phrase.context)
        if not phrase.plural and key in plurals:
            continue
        old = known.get(key)
        entry = polib.POEntry(msgid=phrase.text, msgctxt=phrase.context or None)
        if phrase.plural:
            entry.msgid_plural = phrase.plural
            entry.msgstr_plural = old.msgstr_plural if old and old.msgstr_plural else {0: "", 1: ""}
        else:
            entry.msgstr = old.msgstr if old else ""
        merged.append(entry)
    return merged


class Command(BaseCommand):
    help = "Brings locale/*/LC_MESSAGES/django.po up to date with the code; keeps every translation still in use."

    def handle(self, **options: object) -> None:
        found = phrases(settings.BASE_DIR)
        for language, _name in settings.LANGUAGES:
            if language == settings.LANGUAGE_CODE:
                continue
            path = settings.BASE_DIR / "locale" / language / "LC_MESSAGES" / "django.po"
            catalogue = polib.pofile(str(path)) if path.exists() else polib.POFile()
            merged = merge(catalogue, found)
            path.parent.mkdir(parents=True, exist_ok=True)
            merged.save(str(path))
            missing = merged.untranslated_entries()
            print(f"{language}: {len(merged)} phrases, {len(missing)} to translate")
            for entry in missing:
                print(f"  {entry.msgid}")
