"""Openings are put on record in groups, by a thread, and none is lost for a database that was away."""

from __future__ import annotations

import logging
import threading
import time
import uuid
from collections.abc import Collection, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import OperationalError

from messaging.delivery import milestones
from messaging.enums import EnvironmentKind, OpenedPart
from messaging.hosting import openings
from messaging.hosting.openings import Fetch, Recorder, write
from messaging.models import Message, Opening, RemoteContent
from tests.hosting.scene import PDF, Scene, make_scene

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


def fetch(message: Message, seconds: float = 0, **kw: Any) -> Fetch:
    """A detail of a message that was served, so many seconds after noon."""
    given: dict[str, Any] = {
        "part": OpenedPart.DETAIL,
        "attachment": None,
        "environment": EnvironmentKind.PRODUCTION,
        "status": 200,
    }
    return Fetch(message=message.pk, at=NOON + timedelta(seconds=seconds), **given | kw)


def first_opened(message: Message) -> datetime | None:
    return RemoteContent.objects.get(message=message).first_opened_at


def seen_at(message: Message) -> datetime | None:
    return Message.objects.get(pk=message.pk).seen_at


# What is written


def test_each_fetch_is_a_row(scene: Scene) -> None:
    message = scene.message(PDF)
    file = message.attached.get().attachment_id
    write([fetch(message), fetch(message, 1, part=OpenedPart.FILE, attachment=str(file), status=503)])
    rows = Opening.objects.filter(message=message).order_by("at")
    assert list(rows.values_list("part", "attachment", "environment", "status", "at")) == [
        ("detail", None, "production", 200, NOON),
        ("file", file, "production", 503, NOON + timedelta(seconds=1)),
    ]


def test_the_first_opening_of_a_text_is_kept(scene: Scene) -> None:
    message, other = scene.message(), scene.message()
    write([fetch(message, 5), fetch(other, 3), fetch(message, 1)])
    write([fetch(message, 0), fetch(message, 9)])
    assert first_opened(message) == seen_at(message) == NOON + timedelta(seconds=1)
    assert first_opened(other) == seen_at(other) == NOON + timedelta(seconds=3)


@pytest.mark.parametrize(
    "other", [{"status": 403}, {"status": 404}, {"part": OpenedPart.PRECONDITION}, {"part": OpenedPart.FILE}]
)
def test_only_a_text_that_was_served_is_seen(scene: Scene, other: dict[str, Any]) -> None:
    message = scene.message()
    write([fetch(message, **other)])
    assert first_opened(message) is seen_at(message) is None
    assert Opening.objects.count() == 1


def test_test_users_open_too(scene: Scene) -> None:
    message = scene.message()
    write([fetch(message, environment=EnvironmentKind.TEST)])
    assert seen_at(message) == NOON


def test_a_group_after_an_outage_keeps_its_seconds(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[tuple[set[int], datetime]] = []

    def seen(messages: Collection[int], at: datetime) -> None:
        calls.append((set(messages), at))

    monkeypatch.setattr(milestones, "seen", seen)
    early, late, later = scene.message(), scene.message(), scene.message()
    write([fetch(late, 600.2), fetch(early), fetch(later, 600.1)])
    assert calls == [({early.pk}, NOON), ({late.pk, later.pk}, NOON + timedelta(seconds=600.1))]


# By whom, and when


@pytest.fixture
def committed(transactional_db: None, monkeypatch: pytest.MonkeyPatch) -> Scene:
    """A scene that other threads see, and a quick recorder."""
    monkeypatch.setattr(openings, "EVERY", 0.02)
    monkeypatch.setattr(openings, "RETRY", 0.05)
    return make_scene()


@pytest.fixture
def recorder() -> Iterator[Recorder]:
    made = Recorder()
    yield made
    made.end()


def wait_until(count: int) -> None:
    until = time.monotonic() + 10
    while Opening.objects.count() != count:
        assert time.monotonic() < until, Opening.objects.count()
        time.sleep(0.02)


def test_the_thread_begins_with_the_first_opening_and_writes_soon(committed: Scene, recorder: Recorder) -> None:
    before = threading.active_count()
    message = committed.message()
    assert threading.active_count() == before
    for number in range(30):
        recorder.note(fetch(message, number))
    wait_until(30)
    assert first_opened(message) == NOON


def test_noting_does_not_wait_for_the_database(
    committed: Scene, recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(openings, "write", lambda group: time.sleep(0.3))
    message = committed.message()
    recorder.note(fetch(message))
    time.sleep(0.1)
    began = time.monotonic()
    for _ in range(1000):
        recorder.note(fetch(message))
    assert time.monotonic() - began < 0.2


def test_the_end_writes_what_waits(committed: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(openings, "EVERY", 60.0)
    recorder, message = Recorder(), committed.message()
    for number in range(1200):
        recorder.note(fetch(message, number))
    recorder.end()
    assert Opening.objects.count() == 1200


def test_what_the_database_does_not_take_waits_for_it(
    committed: Scene, recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    failures = iter([OperationalError("away")] * 3)

    def sometimes(group: Collection[Fetch]) -> None:
        for error in failures:
            raise error
        write(group)

    monkeypatch.setattr(openings, "write", sometimes)
    recorder.note(fetch(committed.message()))
    wait_until(1)


def test_a_mistake_of_ours_does_not_stop_the_thread(
    committed: Scene, recorder: Recorder, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    mistakes = iter([ValueError("a mistake")])

    def mistaken(group: Collection[Fetch]) -> None:
        for error in mistakes:
            raise error
        write(group)

    monkeypatch.setattr(openings, "write", mistaken)
    message = committed.message()
    recorder.note(fetch(message))
    while "not on record" not in caplog.text:
        time.sleep(0.02)
    recorder.note(fetch(message))
    wait_until(1)


def test_a_database_that_stays_away_does_not_keep_the_process(
    committed: Scene, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(openings, "LAST_TRIES", 0.2)

    def away(group: Collection[Fetch]) -> None:
        raise OperationalError("away")

    monkeypatch.setattr(openings, "write", away)
    recorder = Recorder()
    recorder.note(fetch(committed.message()))
    began = time.monotonic()
    recorder.end()
    assert time.monotonic() - began < 5
    assert "1 openings are not on record" in caplog.text


def test_a_message_or_file_that_is_gone_costs_no_other_opening(committed: Scene) -> None:
    message = committed.message()
    gone = fetch(message)
    unknown = Fetch(message.pk + 1000, gone.part, None, gone.environment, 200, NOON)
    write([gone, unknown, fetch(message, 1, part=OpenedPart.FILE, attachment=str(uuid.uuid4()), status=404)])
    assert list(Opening.objects.order_by("at").values_list("message", "attachment")) == [
        (message.pk, None),
        (message.pk, None),
    ]


def test_a_full_queue_makes_requests_wait_and_then_says_so(
    committed: Scene, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(openings, "ROOM", 3)
    monkeypatch.setattr(openings, "PATIENCE", 0.2)
    monkeypatch.setattr(openings, "EVERY", 60.0)
    recorder, message = Recorder(), committed.message()
    began = time.monotonic()
    with caplog.at_level(logging.ERROR):
        for number in range(4):
            recorder.note(fetch(message, number))
    assert time.monotonic() - began >= 0.2
    assert "is not on record" in caplog.text
    recorder.end()
    assert Opening.objects.count() == 3
