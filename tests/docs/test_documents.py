"""What a document names exists."""

from __future__ import annotations

import argparse
import re
import tomllib
from pathlib import Path

import pytest
from django.core.management import get_commands
from django.utils.translation import override

from messaging.delivery.moves import ALLOWED
from messaging.enums import Status
from messaging.simulator.citizens import Registry
from messaging.simulator.faults import KINDS
from messaging.simulator.options import add_arguments
from tests.docs import documents
from tests.docs.documents import DOCUMENTS, REPOSITORY, TEXTS, name_of

each_document = pytest.mark.parametrize("document", DOCUMENTS, ids=name_of)
each_text = pytest.mark.parametrize("text", TEXTS, ids=name_of)

_TARGET = re.compile(r"^([a-z][a-z-]*):", re.MULTILINE)
_MAKE = re.compile(r"(?:^|[\s`])make ([a-z][a-z-]+|\.venv/[a-z]+)(?=$|[\s`])", re.MULTILINE)
_MANAGE = re.compile(r"(?:manage\.py|deploy/manage) ([a-z][a-z_]*)")
_A_FILE = re.compile(r"(?:\.?[\w@-]+/)*[\w@.-]+\.(?:py|md|toml|txt|html|conf|service|example|po|css|js)")
_OUR_FOLDERS = ("ioportal", "messaging", "tests", "deploy", "docs", "scripts", "templates", "static", "locale")
# Named in documents, made by the portal or by the reader.
_NOT_OURS = {"settings.py", "ioportal.env", "ioportal.conf"}


@each_document
def test_relative_links_lead_somewhere(document: Path) -> None:
    for place, anchor in documents.links(document):
        target = (document.parent / place).resolve() if place else document
        assert target.exists(), f"{name_of(document)} links to {place}"
        if anchor:
            assert anchor in documents.anchors(target), f"{name_of(document)} links to {place}#{anchor}"


@each_document
def test_files_named_exist(document: Path) -> None:
    for span in documents.spans(document):
        if span.split("/")[0] in _OUR_FOLDERS and "/" in span and " " not in span:
            assert (REPOSITORY / span).exists(), f"{name_of(document)} names {span}"
        elif _A_FILE.fullmatch(span) and span not in _NOT_OURS:
            places = [REPOSITORY, document.parent, REPOSITORY / "messaging" / "migrations"]
            assert any((place / span).exists() for place in places), f"{name_of(document)} names {span}"


@each_document
def test_make_targets_named_exist(document: Path) -> None:
    targets = {*_TARGET.findall(documents.read(REPOSITORY / "Makefile")), ".venv/runtime", ".venv/development"}
    named = set(_MAKE.findall(documents.commands(document)))
    assert named <= targets, f"{name_of(document)} names make targets that do not exist: {named - targets}"


def test_the_two_targets_of_the_environment_are_files_that_make_knows() -> None:
    makefile = documents.read(REPOSITORY / "Makefile")
    assert "\n$(VENV)/runtime:" in makefile
    assert "\n$(VENV)/development:" in makefile


@each_document
def test_management_commands_named_exist(document: Path) -> None:
    named = set(_MANAGE.findall(documents.commands(document)))
    assert named <= set(get_commands()), f"{name_of(document)} names {named - set(get_commands())}"


def test_every_make_target_is_in_contributing() -> None:
    targets = set(re.findall(r"^([a-z]+):.*##", documents.read(REPOSITORY / "Makefile"), re.MULTILINE)) - {"help"}
    assert targets == set(re.findall(r"^\| `make ([a-z]+)` \|", documents.read(REPOSITORY / "CONTRIBUTING.md"), re.M))


def test_the_documents_folder_is_listed_in_the_readme() -> None:
    readme = documents.read(REPOSITORY / "README.md")
    for document in DOCUMENTS:
        if document.parent.name == "docs":
            assert name_of(document) in readme


def test_the_readme_is_short() -> None:
    assert len(documents.read(REPOSITORY / "README.md").splitlines()) < 120


def test_the_changelog_has_what_is_not_released_yet() -> None:
    assert re.search(r"^## \[Unreleased\]$", documents.read(REPOSITORY / "CHANGELOG.md"), re.MULTILINE)


def test_the_licence_is_the_one_of_the_package() -> None:
    with (REPOSITORY / "pyproject.toml").open("rb") as file:
        licence = tomllib.load(file)["project"]["license"]
    assert licence == "EUPL-1.2"
    assert f"SPDX-License-Identifier: {licence}" in documents.read(REPOSITORY / "LICENSE")


@each_text
def test_no_text_names_an_index_a_download_host_or_this_machine(text: Path) -> None:
    strange = re.findall(
        r"pypi|pythonhosted|index-url|npmjs|unpkg|jsdelivr|cdnjs|raw\.githubusercontent|/root/|/home/\w|/tmp/",
        documents.read(text),
        re.IGNORECASE,
    )
    assert not strange, f"{name_of(text)} names {strange}"


@each_document
def test_lines_fit_and_nothing_is_left_to_fill_in(document: Path) -> None:
    text = documents.read(document)
    assert "@@" not in text
    assert not re.search(r"\b(TODO|FIXME|TBD)\b", text)


def test_the_life_of_a_message_is_the_one_in_the_code() -> None:
    rows = re.findall(
        r"^\| `(\w+)` \| ([^|]+) \|[^|]*\|([^|]*)\|$", documents.read(REPOSITORY / "docs" / "architecture.md"), re.M
    )
    with override("it"):
        assert [(name, word) for name, word, _ in rows] == [(status.value, str(status.label)) for status in Status]
    for name, _word, onward in rows:
        # Told below the table: the release of a restored database, and answers that come late.
        untold = {Status.UNCERTAIN, Status.ACCEPTED, Status.CONFIRMED} if name == "queued" else set()
        expected = ALLOWED.get(Status(name), frozenset()) - untold
        assert set(re.findall(r"`(\w+)`", onward)) == {status.value for status in expected}, name


def test_every_event_that_the_code_logs_is_explained() -> None:
    logged = set()
    for path in (REPOSITORY / "messaging").rglob("*.py"):
        logged |= set(re.findall(r"\blog\.\w+\(\s*\"(\w+)\"", documents.read(path)))
    section = documents.read(REPOSITORY / "docs" / "operations.md").partition("\n## Logs\n")[2].partition("\n## ")[0]
    assert set(re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE)) == logged


def test_the_simulators_cast_faults_and_options_are_all_in_its_document() -> None:
    text = documents.read(REPOSITORY / "docs" / "simulator.md")
    assert set(re.findall(r"^\| `([A-Z0-9]{16})` \|", text, re.M)) == {
        citizen.fiscal_code for citizen in Registry().cast()
    }
    faults = text.partition("## Faults")[2].partition("\n## ")[0]
    first_cells = re.findall(r"^\| (`[^|]+) \|", faults, re.MULTILINE)
    assert set(re.findall(r"`([\w-]+)`", " ".join(first_cells))) == set(KINDS)
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    options = {action.option_strings[0] for action in parser._actions} - {"-h"}
    assert set(re.findall(r"^\| `(--[a-z-]+)", text, re.MULTILINE)) == options
