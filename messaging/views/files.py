"""A file of a message in words, as every page of staff lists it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django.template.defaultfilters import filesizeformat

from messaging.document_words import advice_sentence, described
from messaging.documents import names, pdf
from messaging.models import MessageAttachment


@dataclass(frozen=True, slots=True)
class FileWords:
    """What is known of a file: its pages and size and what it says of itself, and what would make it better."""

    file: MessageAttachment
    described: str
    size: str
    advice: tuple[str, ...]


def file_words(files: Iterable[MessageAttachment]) -> tuple[FileWords, ...]:
    """The files in words, in the order given; each comes with its ``attachment``."""
    return tuple(_words(file) for file in files)


def _words(file: MessageAttachment) -> FileWords:
    kept = file.attachment
    advice = [*pdf.advice_on(kept.pages, kept.declares, kept.size), *names.name_advice(file.name)]
    return FileWords(
        file=file,
        described=described(kept),
        size=filesizeformat(kept.size),
        advice=tuple(advice_sentence(one.code, one.params) for one in advice),
    )
