"""What a change of a template's protected part, or of its attachments, breaks for files and jobs."""

from __future__ import annotations

import copy
from typing import Any

from messaging.models import Template
from messaging.template_changes import Effect, effects
from tests.batches.conftest import Office
from tests.batches.folders import a_pdf, checked, make_ready, row, sheet


def used(office: Office) -> Template:
    """A template whose last file has a good row."""
    template = make_ready(office)
    batch = checked(office, template, sheet(row(1)), {"esito-1.pdf": a_pdf()})
    assert batch.rows_good == 1
    return template


def change(template: Template, **columns: Any) -> list[Effect]:
    after = copy.copy(template)
    for name, value in columns.items():
        setattr(after, name, value)
    return effects(template, after)


def titles(found: list[Effect]) -> list[str]:
    return [effect.title for effect in found]


def test_a_placeholder_of_a_protected_text_is_a_column_that_the_next_file_needs(office: Office) -> None:
    template = used(office)
    (missing, waiting) = change(template, protected_body=f"{template.protected_body} Protocollo ((protocollo)).")
    assert missing.title == "((protocollo)) non è tra le colonne dell’ultimo file."
    assert waiting.title == "1 invio in attesa tiene il testo di prima."


def test_a_protected_text_that_gets_too_short_breaks_rows_that_were_good(office: Office) -> None:
    found = change(used(office), protected_body="Troppo corto per ((nome)).")
    assert "Righe che andavano bene non andrebbero più." in titles(found)


def test_an_attachment_switched_off_is_told_for_jobs_and_leaves_its_column_unused(office: Office) -> None:
    found = change(used(office), has_attachments=False)
    assert titles(found)[:2] == ["Il modello non ha più allegati.", "La colonna «allegato» non serve più."]
    assert "--attachments" in found[0].text


def test_an_attachment_switched_on_needs_a_column_and_a_zip(office: Office) -> None:
    template = used(office)
    template.has_attachments = False
    template.save()
    checked(office, template, sheet(row(1)[:2], header=("codice_fiscale", "nome")), None)
    found = change(template, has_attachments=True)
    assert titles(found)[:2] == ["Il modello ora ha allegati.", "allegato non è tra le colonne dell’ultimo file."]
    assert "--attachments" in found[0].text


def test_a_change_that_breaks_nothing_says_only_what_waits(office: Office) -> None:
    template = used(office)
    found = change(template, precondition_title="Prima di leggere")
    assert titles(found) == ["1 invio in attesa tiene il testo di prima."]
