"""Who can be written to, and who came and went."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest

from tests.simulator.box import (
    ANAGRAFE,
    BORGOFIORE,
    ENGLISH,
    INBOX_OFF,
    LAURA,
    MANUAL,
    NOT_ON_IO,
    OPTED_OUT,
    SCUOLA,
    TEST_CODE,
    UNKNOWN,
    Box,
)

DAY = "2026-02-02"


def digest(code: str) -> str:
    return hashlib.sha256(code.encode()).hexdigest()


@pytest.mark.parametrize(
    ("code", "answer"),
    [
        (LAURA, {"sender_allowed": True, "preferred_languages": ["it_IT"]}),
        (ENGLISH, {"sender_allowed": True, "preferred_languages": ["en_GB", "it_IT"]}),
        (TEST_CODE, {"sender_allowed": True}),
        (OPTED_OUT, {"sender_allowed": False, "preferred_languages": ["it_IT"]}),
        (MANUAL, {"sender_allowed": False, "preferred_languages": ["it_IT"]}),
        ("LDXABC12A03Z999X", {"sender_allowed": True, "preferred_languages": ["it_IT"]}),
        (NOT_ON_IO, None),
        (INBOX_OFF, None),
        (UNKNOWN, None),
    ],
)
def test_both_profile_operations_agree(box: Box, code: str, answer: dict[str, Any] | None) -> None:
    for given in (box.profile(code), box.call("GET", f"/profiles/{code}")):
        if answer is None:
            assert (given.status_code, given.json()["title"]) == (404, "Profile not found")
        else:
            assert (given.status_code, given.json()) == (200, answer)


def test_the_answer_belongs_to_the_calling_service(box: Box) -> None:
    assert box.profile(OPTED_OUT, SCUOLA).json()["sender_allowed"] is True


def test_special_services_need_an_activation(box: Box) -> None:
    allowed = []
    for state in ("INACTIVE", "PENDING", "ACTIVE"):
        box.control("POST", "/citizens", {"fiscal_code": LAURA, "activations": {"special": state}})
        allowed.append(box.profile(LAURA, "special").json()["sender_allowed"])
    assert allowed == [False, True, True]


def test_a_sandbox_cannot_probe_who_is_registered(box: Box) -> None:
    for code in (LAURA, NOT_ON_IO, UNKNOWN):
        answer = box.profile(code, BORGOFIORE)
        assert (answer.status_code, answer.json()["title"]) == (403, "Recipient forbidden")
    assert box.profile(TEST_CODE, BORGOFIORE).status_code == 200


def test_profiles_need_a_write_group_too(box: Box) -> None:
    assert box.profile(LAURA, "profiles-only").json()["title"] == "Recipient forbidden"
    assert box.profile(LAURA, "reads-only").json()["title"] == "You are not allowed here"
    assert box.profile(LAURA, "elsewhere").json()["title"] == "You are not allowed here"


def test_the_feed_needs_its_group(box: Box) -> None:
    assert box.call("GET", f"/subscriptions-feed/{DAY}").status_code == 403


def test_the_feed_names_people_by_the_hash_of_their_code(box: Box) -> None:
    found = box.call("GET", "/subscriptions-feed/2026-01-15", ANAGRAFE).json()
    vector = "69c91b400de1b28c17fef445c0ab36b16f2b5b8df0b996448f9860895868371d"
    assert vector in found["subscriptions"]
    assert digest(LAURA) in found["subscriptions"]
    assert digest(NOT_ON_IO) not in found["subscriptions"]


def test_empty_days_are_empty_lists(box: Box) -> None:
    found = box.call("GET", "/subscriptions-feed/1980-01-01", ANAGRAFE).json()
    assert found == {"dateUTC": "1980-01-01", "subscriptions": [], "unsubscriptions": []}


def feed_after(box: Box, *events: tuple[str, str]) -> tuple[list[str], list[str]]:
    names = {digest(LAURA): "laura", digest(MANUAL): "giulia"}
    for event, code in events:
        box.control("POST", "/feed", {"date": DAY, "event": event, "fiscal_code": code, "service": "anagrafe"})
    found = box.call("GET", f"/subscriptions-feed/{DAY}", ANAGRAFE).json()
    return [names[h] for h in found["subscriptions"]], [names[h] for h in found["unsubscriptions"]]


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        ([("created", LAURA)], (["laura"], [])),
        ([("deleted", LAURA)], ([], ["laura"])),
        ([("subscribed", LAURA), ("unsubscribed", MANUAL)], (["laura"], ["giulia"])),
        ([("created", LAURA), ("unsubscribed", LAURA)], ([], [])),
        ([("created", LAURA), ("subscribed", LAURA)], (["laura"], [])),
        ([("deleted", LAURA), ("subscribed", LAURA)], ([], [])),
        ([("deleted", LAURA), ("unsubscribed", LAURA)], ([], ["laura"])),
        ([("unsubscribed", LAURA), ("subscribed", LAURA)], ([], [])),
        ([("subscribed", LAURA), ("unsubscribed", LAURA)], ([], [])),
    ],
)
def test_the_events_of_a_day_are_merged(
    box: Box, events: list[tuple[str, str]], expected: tuple[list[str], list[str]]
) -> None:
    assert feed_after(box, *events) == expected


def test_the_feed_of_another_service_does_not_change(box: Box) -> None:
    box.control("POST", "/feed", {"date": DAY, "event": "subscribed", "fiscal_code": LAURA, "service": "scuola"})
    assert box.call("GET", f"/subscriptions-feed/{DAY}", ANAGRAFE).json()["subscriptions"] == []
