"""What is answered is what IO's contract says, body for body and status for status."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from django.db import DatabaseError

from messaging.appio.markdown import read_buttons, split_front_matter
from messaging.enums import Precondition
from messaging.hosting import database
from messaging.models import Message
from messaging.remote import contents
from messaging.remote.contents import Texts
from tests.hosting.scene import BODY, PDF, SUBJECT, Reply, Scene, code_of

SCHEMAS = Path(__file__).parent / "schemas"
BUTTONS = [{"text_it": "Vai al sito", "text_en": "Go to the site", "action": "iohandledlink://https://example.it"}]


def holds(reply: Reply, schema: str) -> Any:
    """The body, which fits the schema."""
    jsonschema.validate(reply.json, json.loads((SCHEMAS / f"{schema}.json").read_text(encoding="utf-8")))
    return reply.json


def refused(reply: Reply, status: int) -> Any:
    """The problem of a refusal."""
    assert reply.status == status
    problem = holds(reply, "problem")
    assert problem["status"] == status
    assert reply.headers["Content-Type"] == "application/problem+json"
    return problem


# Detail


def test_a_protected_text_is_in_the_details(scene: Scene) -> None:
    reply = scene.detail(scene.message())
    assert reply.status == 200
    assert holds(reply, "detail") == {"details": {"subject": SUBJECT, "markdown": BODY}}
    assert reply.headers["Cache-Control"] == "no-store"
    assert int(reply.headers["Content-Length"]) == len(reply.body)


def test_buttons_are_part_of_the_protected_text(scene: Scene) -> None:
    markdown = holds(scene.detail(scene.message(buttons=BUTTONS)), "detail")["details"]["markdown"]
    front_matter, body = split_front_matter(markdown)
    assert [button.text_it for button in read_buttons(front_matter)] == ["Vai al sito"]
    assert body == BODY


def test_files_are_listed_with_an_address_relative_to_the_message(scene: Scene) -> None:
    message = scene.message(PDF, PDF + b"2")
    said = holds(scene.detail(message), "detail")
    files = list(message.attached.order_by("position"))
    assert [file["id"] for file in said["attachments"]] == [str(file.attachment_id) for file in files]
    assert [file["name"] for file in said["attachments"]] == ["esito-1.pdf", "esito-2.pdf"]
    for file in said["attachments"]:
        reply = scene.ask(f"/messages/{message.public_id}/{file['url']}", code_of(message))
        assert (reply.status, reply.body[:4]) == (200, b"%PDF")


def test_a_message_with_files_alone_has_no_details(scene: Scene) -> None:
    said = holds(scene.detail(scene.message(PDF, has_remote_content=False, texts=Texts())), "detail")
    assert list(said) == ["attachments"]


def test_a_message_with_a_text_alone_has_no_attachments(scene: Scene) -> None:
    message = scene.message()
    scene.attach(message)
    assert list(holds(scene.detail(message), "detail")) == ["details"]


def test_a_name_that_does_not_end_as_a_pdf_does_is_completed(scene: Scene) -> None:
    message = scene.message(has_attachments=True)
    scene.attach(message, name="esito")
    assert holds(scene.detail(message), "detail")["attachments"][0]["name"] == "esito.pdf"


def test_the_same_file_twice_is_listed_once_because_ids_are_unique(scene: Scene) -> None:
    message = scene.message(PDF)
    first = message.attached.get()
    first.pk, first.position, first._state.adding = None, 2, True
    first.save()
    assert len(holds(scene.detail(message), "detail")["attachments"]) == 1


@pytest.mark.parametrize(
    "broken",
    [
        {"has_attachments": True},
        {"texts": Texts(subject=SUBJECT, body="Troppo breve.")},
        {"texts": Texts(subject="Breve", body=BODY)},
        {"texts": Texts(subject=SUBJECT, body="a" * 10_001)},
    ],
    ids=["files promised", "text too short", "subject too short", "text too long"],
)
def test_what_the_app_would_show_as_a_502_is_our_own_500_and_in_the_log(
    scene: Scene, caplog: pytest.LogCaptureFixture, broken: dict[str, Any]
) -> None:
    refused(scene.detail(scene.message(**broken)), 500)
    assert "cannot be shown by the app" in caplog.text


# Precondition


def test_the_page_before_a_message(scene: Scene) -> None:
    texts = Texts(subject=SUBJECT, body=BODY, precondition_title="Dati sulla salute", precondition_body="Apri da solo.")
    for precondition in (Precondition.ALWAYS, Precondition.ONCE):
        reply = scene.precondition(scene.message(texts=texts, precondition=precondition))
        assert holds(reply, "precondition") == {"title": "Dati sulla salute", "markdown": "Apri da solo."}


def test_there_is_no_page_before_a_message_that_never_has_one(scene: Scene) -> None:
    texts = Texts(subject=SUBJECT, body=BODY, precondition_title="Titolo", precondition_body="Testo")
    refused(scene.precondition(scene.message(texts=texts, precondition=Precondition.NEVER)), 404)


def test_an_empty_page_is_none(scene: Scene) -> None:
    refused(scene.precondition(scene.message(precondition=Precondition.ALWAYS)), 404)


# Files


def test_a_file_comes_byte_for_byte(scene: Scene) -> None:
    message = scene.message(PDF)
    reply = scene.file(message, message.attached.get().attachment_id)
    assert (reply.status, reply.body) == (200, PDF)
    assert reply.headers["Content-Type"] == "application/octet-stream"
    assert reply.headers["Content-Length"] == str(len(PDF))


@pytest.mark.parametrize("stored", [None, PDF[:-1], b"<html>" + PDF[6:]], ids=["missing", "cut off", "no PDF"])
def test_a_file_that_is_not_ready_is_worth_another_try(scene: Scene, stored: bytes | None) -> None:
    message = scene.message(PDF)
    attachment = message.attached.get().attachment
    path = Path(attachment.file.path)
    path.unlink()
    if stored is not None:
        path.write_bytes(stored)
    reply = scene.file(message, attachment.pk)
    refused(reply, 503)
    assert 0 < int(reply.headers["Retry-After"]) <= 24


def test_a_storage_that_is_away_is_worth_another_try(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    message = scene.message(PDF)

    def away(*_: object) -> None:
        raise ConnectionError("no route to the storage")

    monkeypatch.setattr("django.core.files.storage.FileSystemStorage.open", away)
    refused(scene.file(message, message.attached.get().attachment_id), 503)


# Requests


@pytest.mark.parametrize("code", [None, "", "rssmra85t10a562s", "RSSMRA85T10A562", "RSSMRA85T10A562S,RSSMRA85T10A562S"])
def test_a_request_without_a_fiscal_code_is_malformed(scene: Scene, code: str | None) -> None:
    problem = refused(scene.detail(scene.message(), fiscal_code=code), 400)
    assert "RSSMRA" not in str(problem)


def test_head_says_what_get_says_without_a_body(scene: Scene) -> None:
    message = scene.message(PDF)
    for path in ("", f"/attachments/{message.attached.get().attachment_id}"):
        got = scene.ask(f"/messages/{message.public_id}{path}", code_of(message))
        reply = scene.ask(f"/messages/{message.public_id}{path}", code_of(message), method="HEAD")
        assert (reply.status, reply.body, reply.headers) == (200, b"", got.headers)


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "PATCH"])
def test_nothing_but_get_is_served(scene: Scene, method: str) -> None:
    reply = scene.detail(scene.message(), method=method)
    refused(reply, 405)
    assert reply.headers["Allow"] == "GET, HEAD"


def test_the_database_away_is_a_500_with_a_problem(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    message = scene.message()

    def away(*_: object) -> None:
        raise DatabaseError("gone")

    monkeypatch.setattr(database, "rows", away)
    problem = refused(scene.detail(message), 500)
    assert "gone" not in str(problem)


def test_a_correction_shows_at_the_next_opening(scene: Scene) -> None:
    message = scene.message()
    assert BODY in scene.detail(message).json["details"]["markdown"]
    corrected = Texts(subject=SUBJECT, body=BODY.replace("accolta", "respinta"))
    contents.correct(Message.objects.get(pk=message.pk), 1, corrected, scene.clerk, "esito sbagliato")
    assert "respinta" in scene.detail(message).json["details"]["markdown"]
