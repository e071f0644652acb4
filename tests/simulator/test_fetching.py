"""The platform asks the institution when the citizen opens a message, and judges what comes back."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from tests.simulator.box import ANAGRAFE, BODY, CONFIGURATIONS, LAURA, MANAGE, OUR_CONFIGURATION, Box, message, payment
from tests.simulator.institution import (
    DETAIL,
    PDF,
    REMOTE_SUBJECT,
    REMOTE_TEXT,
    Institution,
    Reply,
    configuration,
    environment,
    registered,
    remote_message,
)

HOME = "/io/messages/pratica-1"
MARCO = "RSSMRC78C12Z999Q"
PRECONDITION = {"title": "Prima di aprire", "markdown": "Il messaggio contiene dati sulla **salute**."}


def as_reply(value: object, status: int = 200, **headers: str) -> Reply:
    return Reply(status, json.dumps(value).encode(), headers)


@pytest.fixture
def sent(box: Box, institution: Institution) -> str:
    """A message whose text the institution keeps."""
    institution.replies[HOME] = as_reply(DETAIL)
    return remote_message(box, registered(box, prod_environment=environment(institution.url)))


@pytest.fixture
def with_file(box: Box, institution: Institution) -> str:
    """A message with a text and a file."""
    files = [{"id": "f1", "url": "/files/atto.pdf?v=2", "name": "Atto n. 3/2026"}]
    institution.replies[HOME] = as_reply({**DETAIL, "attachments": files})
    institution.replies[f"{HOME}/files/atto.pdf?v=2"] = Reply(200, PDF)
    identity = registered(box, prod_environment=environment(institution.url))
    return remote_message(box, identity, has_attachments=True)


def opened(box: Box, identity: str, **part: Any) -> Any:
    return box.control("POST", f"/messages/{identity}/open", part)


def shown(box: Box, path: str = "") -> str:
    address = f"{box.address}/phone/laura-bianchi/{path}".removesuffix("/")
    answer = box.session.get(address, timeout=5)
    assert answer.status_code == 200
    assert LAURA not in answer.text
    assert not re.search(r"<script|<style| style=| on[a-z]+=", answer.text)
    return answer.text


def read_status(box: Box, identity: str) -> str:
    return str(box.get(LAURA, identity, ANAGRAFE).json()["read_status"])


def test_the_phone_shows_the_public_subject_first_and_then_what_was_fetched(
    box: Box, institution: Institution, sent: str
) -> None:
    assert REMOTE_SUBJECT not in shown(box)
    assert institution.asked == []
    text = shown(box, sent)
    assert REMOTE_SUBJECT in text
    assert "testo protetto" in text
    assert BODY not in text
    assert read_status(box, sent) == "READ"


def test_the_institution_gets_its_key_and_the_fiscal_code_in_headers(
    box: Box, institution: Institution, sent: str
) -> None:
    opened(box, sent)
    (asked,) = institution.asked
    assert asked.path == HOME
    assert asked.headers["fiscal_code"] == LAURA
    assert asked.headers["x-chiave-ente"] == "segreto"
    assert not [name for name in asked.headers if "lollipop" in name or name.startswith("signature")]


def test_nothing_is_remembered_between_two_openings(box: Box, institution: Institution, sent: str) -> None:
    opened(box, sent)
    institution.replies[HOME] = as_reply({"details": {"subject": "Oggetto corretto", "markdown": REMOTE_TEXT}})
    assert opened(box, sent)["title"] == "Oggetto corretto"
    assert len(institution.asked) == 2


@pytest.mark.parametrize(
    ("environments", "laura", "marco"),
    [
        ("prod", "prod", "prod"),
        ("test", "test", "test"),
        ("prod test", "test", "prod"),
    ],
)
def test_the_environment_follows_the_test_users(
    box: Box, institution: Institution, environments: str, laura: str, marco: str
) -> None:
    all_of_them = {
        "prod": {"prod_environment": environment(f"{institution.url}/prod")},
        "test": {"test_environment": environment(f"{institution.url}/test", test_users=[LAURA])},
    }
    chosen: dict[str, Any] = {}
    for name in environments.split():
        chosen |= all_of_them[name]
    identity = registered(box, **chosen)
    for person, expected in ((LAURA, laura), (MARCO, marco)):
        opened(box, remote_message(box, identity, person))
        assert institution.asked[-1].path == f"/io/{expected}/messages/pratica-1"
    kinds = {"prod": "production", "test": "test"}
    assert [fetch["environment"] for fetch in box.control("GET", "/fetches")] == [kinds[laura], kinds[marco]]


def test_an_update_of_the_configuration_holds_at_once(box: Box, institution: Institution) -> None:
    identity = registered(box, prod_environment=environment(institution.url))
    message_id = remote_message(box, identity)
    new = configuration(prod_environment=environment(institution.url, "nuovo"))
    box.call("PUT", f"{CONFIGURATIONS}/{identity}", MANAGE, json=new)
    opened(box, message_id)
    assert institution.asked[0].headers["x-chiave-ente"] == "nuovo"


@pytest.mark.parametrize(
    ("status", "seen"),
    [
        (204, 500),
        (301, 500),
        (302, 500),
        (400, 400),
        (401, 500),
        (403, 403),
        (404, 404),
        (410, 500),
        (429, 429),
        (500, 500),
        (502, 500),
        (503, 500),
    ],
)
def test_a_status_reaches_the_app_by_the_table(
    box: Box, institution: Institution, sent: str, status: int, seen: int
) -> None:
    institution.replies[HOME] = Reply(status, b"", {"Location": f"{HOME}/elsewhere"})
    assert opened(box, sent)["status"] == seen
    assert [asked.path for asked in institution.asked] == [HOME]
    text = shown(box, sent)
    assert "Si è verificato un errore" in text
    assert f"L’ente ha risposto {status}" in text
    assert read_status(box, sent) == "UNREAD"


FILE = {"id": "f1", "url": "files/atto.pdf"}


@pytest.mark.parametrize(
    ("body", "status", "error"),
    [
        (b"<html>", 500, "invalid response"),
        ([], 500, "invalid response"),
        ({**DETAIL, "attachments": {}}, 500, "invalid response"),
        ({**DETAIL, "attachments": [{"id": "f1", "url": ""}]}, 500, "invalid response"),
        ({**DETAIL, "attachments": [{**FILE, "name": ""}]}, 500, "invalid response"),
        ({"details": "x", "attachments": [FILE]}, 500, "invalid response"),
        ({}, 502, "ATTACHMENTS_NOT_PRESENT"),
        ({"attachments": []}, 502, "ATTACHMENTS_NOT_PRESENT"),
        ({"attachments": [FILE]}, 502, "REMOTE_CONTENT_NOT_PRESENT"),
        ({"attachments": [FILE], "details": {"subject": "corto"}}, 502, "MARKDOWN_VALIDATION_ERROR"),
        (
            {"attachments": [FILE], "details": {"markdown": "x" * 10_001, "subject": "corto"}},
            502,
            "MARKDOWN_VALIDATION_ERROR",
        ),
        (
            {"attachments": [FILE], "details": {"markdown": "x" * 80, "subject": "x" * 121}},
            502,
            "SUBJECT_VALIDATION_ERROR",
        ),
        ({**DETAIL, "attachments": [FILE]}, 200, ""),
    ],
)
def test_an_incoherent_answer_is_refused_in_the_platforms_order(
    box: Box, institution: Institution, with_file: str, body: object, status: int, error: str
) -> None:
    institution.replies[HOME] = Reply(200, body) if isinstance(body, bytes) else as_reply(body)
    view = opened(box, with_file)
    assert (view["status"], view["error"]) == (status, error)
    fetch = box.control("GET", f"/fetches?message={with_file}")[-1]
    assert (fetch["status"], fetch["app_status"], fetch["error"]) == (200, status, error)


def test_what_was_not_promised_is_dropped(box: Box, institution: Institution) -> None:
    institution.replies[HOME] = as_reply({**DETAIL, "attachments": [FILE]})
    identity = registered(box, prod_environment=environment(institution.url))
    assert opened(box, remote_message(box, identity))["attachments"] == []
    only_files = remote_message(box, identity, has_remote_content=False, has_attachments=True)
    view = opened(box, only_files)
    assert (view["title"], view["markdown"]) == ("Avviso di prova", BODY)
    assert view["attachments"] == [{"name": "f1.pdf", "url": "files/atto.pdf"}]


def test_a_message_without_remote_content_asks_nobody(box: Box, institution: Institution) -> None:
    identity = registered(box, prod_environment=environment(institution.url))
    assert BODY in shown(box, remote_message(box, identity, has_remote_content=False))
    assert institution.asked == []


def test_a_closed_door_and_a_missing_environment_are_an_error_of_the_app(box: Box) -> None:
    nowhere = remote_message(box, registered(box, prod_environment=environment("http://127.0.0.1:1")))
    strange = remote_message(box, registered(box, prod_environment=environment("no address")))
    without = remote_message(box, registered(box))
    of_the_file = remote_message(box, OUR_CONFIGURATION)
    errors = [opened(box, identity)["error"] for identity in (nowhere, strange, without, of_the_file)]
    assert errors == ["no answer", "no answer", "no environment", "no environment"]
    assert {fetch["status"] for fetch in box.control("GET", "/fetches")} == {None}


@pytest.mark.parametrize(
    ("own", "default", "first_time", "second_time"),
    [
        ("ALWAYS", "NEVER", True, True),
        ("ONCE", "NEVER", True, False),
        ("NEVER", "ALWAYS", False, False),
        (None, "ALWAYS", True, True),
        (None, "ONCE", True, False),
        (None, "NEVER", False, False),
    ],
)
def test_the_precondition_stands_before_the_message_when_asked(
    box: Box, institution: Institution, own: str | None, default: str, first_time: bool, second_time: bool
) -> None:
    institution.replies |= {HOME: as_reply(DETAIL), f"{HOME}/precondition": as_reply(PRECONDITION)}
    identity = registered(box, has_precondition=default, prod_environment=environment(institution.url))
    sent = remote_message(box, identity, **({"has_precondition": own} if own else {}))
    for asks in (first_time, second_time):
        text = shown(box, sent)
        assert ("Continua" in text) is asks
        assert (REMOTE_SUBJECT in text) is not asks
        if asks:
            assert "<strong>salute</strong>" in text
            assert REMOTE_SUBJECT in shown(box, f"{sent}/content")


def test_going_back_before_the_message_leaves_it_unread(box: Box, institution: Institution) -> None:
    institution.replies[f"{HOME}/precondition"] = as_reply(PRECONDITION)
    identity = registered(box, has_precondition="ONCE", prod_environment=environment(institution.url))
    sent = remote_message(box, identity)
    assert "Prima di aprire" in shown(box, sent)
    assert [asked.path for asked in institution.asked] == [f"{HOME}/precondition"]
    assert read_status(box, sent) == "UNREAD"


@pytest.mark.parametrize("body", [{}, {"title": "x"}, {"title": 1, "markdown": "x"}, []])
def test_a_precondition_needs_title_and_text(box: Box, institution: Institution, body: object) -> None:
    institution.replies[f"{HOME}/precondition"] = as_reply(body)
    identity = registered(box, has_precondition="ALWAYS", prod_environment=environment(institution.url))
    assert "Alla precondizione manca" in shown(box, remote_message(box, identity))


def test_a_file_is_opened_from_the_message(box: Box, institution: Institution, with_file: str) -> None:
    text = shown(box, with_file)
    assert "Atto n. 32026.pdf" in text
    link = re.search(r'href="([^"]+/attachments/[^"]+)"', text)
    assert link is not None
    answer = box.session.get(f"{box.address}{link[1]}", timeout=5)
    assert answer.headers["Content-Type"] == "application/pdf"
    assert answer.headers["Content-Disposition"] == "inline; filename*=UTF-8''Atto%20n.%2032026.pdf"
    assert answer.content == PDF
    assert institution.asked[-1].path == f"{HOME}/files/atto.pdf?v=2"
    assert institution.asked[-1].headers["fiscal_code"] == LAURA


def test_one_slash_is_taken_off_and_the_rest_goes_as_it_is(box: Box, institution: Institution, with_file: str) -> None:
    for url in ("/a/b", "//a", "https://altrove.example/x", "due parole", "non/in/elenco"):
        opened(box, with_file, part="attachment", url=url)
    assert [asked.path.removeprefix(HOME) for asked in institution.asked] == [
        "/a/b",
        "//a",
        "/https://altrove.example/x",
        "/due%20parole",
        "/non/in/elenco",
    ]


@pytest.mark.parametrize("body", [b"\n%PDF-1.7", b"\xef\xbb\xbf%PDF-1.7", b"<html>", b"", b"%PD"])
def test_a_file_that_does_not_begin_as_a_pdf_is_415(
    box: Box, institution: Institution, with_file: str, body: bytes
) -> None:
    url = "files/atto.pdf?v=2"
    institution.replies[f"{HOME}/{url}"] = Reply(200, body, {"Content-Type": "application/pdf"})
    assert opened(box, with_file, part="attachment", url=url)["status"] == 415
    assert "Si è verificato un errore" in shown(box, f"{with_file}/attachments/{url}")


@pytest.mark.parametrize(("header", "wait"), [("3", 3), ("0", 1), ("120", 24), (None, 10), ("domani", 10)])
def test_a_file_that_is_not_ready_is_asked_for_again_after_a_wait(
    box: Box, institution: Institution, with_file: str, header: str | None, wait: int
) -> None:
    url = "files/atto.pdf?v=2"
    institution.replies[f"{HOME}/{url}"] = Reply(503, b"", {} if header is None else {"Retry-After": header})
    view = opened(box, with_file, part="attachment", url=url)
    assert (view["status"], view["wait"]) == (503, wait)
    text = shown(box, f"{with_file}/attachments/{url}")
    assert f'<meta http-equiv="refresh" content="{wait}">' in text
    assert "Il file non è ancora pronto" in text


def test_the_record_says_what_was_asked_without_fiscal_codes(
    box: Box, institution: Institution, with_file: str
) -> None:
    opened(box, with_file)
    opened(box, with_file, part="attachment", url="files/atto.pdf?v=2")
    fetches = box.control("GET", "/fetches")
    assert [(f["message"], f["part"], f["path"], f["environment"], f["status"], f["size"]) for f in fetches] == [
        (with_file, "detail", HOME, "production", 200, len(institution.replies[HOME].body)),
        (with_file, "attachment", f"{HOME}/files/atto.pdf?v=2", "production", 200, len(PDF)),
    ]
    assert all(0 <= fetch["milliseconds"] < 5000 for fetch in fetches)
    assert LAURA not in json.dumps(fetches)
    assert box.control("GET", f"/fetches?after={fetches[0]['number']}") == fetches[1:]
    assert box.control("GET", "/fetches?message=other") == []
    page = box.session.get(box.control_address, timeout=5).text
    assert "di produzione" in page
    assert LAURA not in page


def test_read_and_paid_can_be_set_from_the_desk(box: Box) -> None:
    identity = box.sent({**message(payment_data=payment()), "feature_level_type": "ADVANCED"}, ANAGRAFE)

    def known() -> tuple[str, str]:
        answer = box.get(LAURA, identity, ANAGRAFE).json()
        return answer["read_status"], answer["payment_status"]

    assert known() == ("UNREAD", "NOT_PAID")
    box.control("POST", f"/messages/{identity}/read")
    assert known() == ("READ", "NOT_PAID")
    box.control("POST", f"/messages/{identity}/pay")
    assert known() == ("READ", "PAID")


def test_the_payment_side_can_fail_live_even_after_it_was_paid(box: Box) -> None:
    identity = box.sent({**message(payment_data=payment()), "feature_level_type": "ADVANCED"}, ANAGRAFE)
    box.control("POST", f"/messages/{identity}/pay")
    box.fault("payment-500", count=1)
    answer = box.get(LAURA, identity, ANAGRAFE)
    assert (answer.status_code, answer.json()["title"]) == (500, "Internal server error")
    assert answer.json()["detail"].startswith("Error retrieving Payment Status: ")
    assert box.get(LAURA, identity, ANAGRAFE).json()["payment_status"] == "PAID"


def test_the_desk_refuses_what_makes_no_sense(box: Box, sent: str) -> None:
    plain = box.sent(message())
    for path, body in (
        ("/messages/none/open", {}),
        (f"/messages/{sent}/open", {"part": "everything"}),
        (f"/messages/{sent}/open", {"part": "attachment"}),
        (f"/messages/{plain}/pay", {}),
    ):
        answer = box.session.post(f"{box.control_address}{path}", json=body, timeout=5)
        assert answer.status_code == 400
        assert answer.json()["error"]
