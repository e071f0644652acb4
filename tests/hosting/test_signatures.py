"""LolliPoP where the institution asks for it: who is refused, what is remembered, and for how long."""

from __future__ import annotations

import itertools
import logging
import time
from datetime import UTC, datetime, timedelta

import pytest

from messaging.enums import Status
from messaging.hosting.signatures import REMEMBERED, forget_old_signatures
from messaging.models import Message, RemoteConfiguration, UsedSignature
from tests.hosting.lollipop.signer import HOST, Call, Phone
from tests.hosting.scene import PDF, Scene, code_of, make_scene

_nonces = itertools.count(1)


@pytest.fixture
def scene(db: None) -> Scene:
    """An institution that wants proof."""
    return make_scene(is_lollipop_enabled=True)


def signed(message: Message, phone: Phone | None = None, *, age: int = 0, io_id: str = "") -> dict[str, str]:
    """The headers of a signed request for a message, as WSGI has them."""
    call = Call(
        created=int(time.time()) - age,
        phone=phone or Phone(),
        url=f"https://{HOST}/api/v1/third-party-messages/{io_id or message.io_id}",
        fiscal_code=code_of(message),
        nonce=f"nonce-{next(_nonces)}",
    )
    headers = call.headers()
    del headers["fiscal_code"]
    return {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in headers.items()}


def test_a_signed_request_is_served(scene: Scene) -> None:
    message = scene.message(PDF)
    assert scene.detail(message, **signed(message)).status == 200
    assert scene.file(message, message.attached.get().attachment_id, **signed(message)).status == 200
    assert UsedSignature.objects.count() == 2


def test_an_unsigned_request_is_refused_and_on_record(scene: Scene) -> None:
    message = scene.message()
    reply = scene.detail(message)
    assert (reply.status, reply.body) == (403, b"")
    assert [fetch.status for fetch in scene.noted.fetches] == [403]


def test_the_same_signature_again_is_refused(scene: Scene, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    message = scene.message()
    headers = signed(message)
    assert [scene.detail(message, **headers).status for _ in range(3)] == [200, 403, 403]
    assert "signature used before" in caplog.text


def test_each_call_of_the_app_is_signed_anew(scene: Scene) -> None:
    message, phone = scene.message(), Phone()
    assert [scene.detail(message, **signed(message, phone)).status for _ in range(3)] == [200] * 3


def test_an_old_signature_is_refused_without_being_remembered(scene: Scene) -> None:
    message = scene.message()
    assert scene.detail(message, **signed(message, age=int(REMEMBERED.total_seconds()))).status == 403
    assert not UsedSignature.objects.exists()


def test_a_request_that_was_signed_for_another_message_is_refused(scene: Scene) -> None:
    message, other = scene.message(), scene.message()
    assert scene.detail(message, **signed(message, io_id=other.io_id)).status == 403


def test_where_the_id_is_not_known_for_sure_any_is_taken(scene: Scene) -> None:
    for known in ({"status": Status.CONFIRMED}, {"attempt_number": 2}):
        message = scene.message(**known)
        assert scene.detail(message, **signed(message, io_id="01HQRS0Q3Y8Z6K7T5V4W2X1N0M")).status == 200


def test_another_person_s_signature_is_refused(scene: Scene) -> None:
    message, other = scene.message(), scene.message()
    assert scene.detail(message, **signed(other, io_id=message.io_id)).status == 403


def test_whoever_has_no_signature_is_served_without_one(scene: Scene) -> None:
    message = scene.message()
    RemoteConfiguration.objects.update(disable_lollipop_for=[code_of(message)])
    assert scene.detail(message).status == 200
    assert scene.detail(scene.message()).status == 403


def test_while_the_switch_is_off_headers_are_not_looked_at(db: None) -> None:
    scene = make_scene()
    message = scene.message()
    headers = signed(message) | {"HTTP_SIGNATURE": "not a signature"}
    assert [scene.detail(message, **headers).status for _ in range(2)] == [200, 200]
    assert not UsedSignature.objects.exists()


def test_a_wrong_person_gets_the_same_nothing_whether_signed_or_not(scene: Scene) -> None:
    message, other = scene.message(), scene.message()
    reply = scene.detail(message, fiscal_code=code_of(other), **signed(other, io_id=message.io_id))
    assert reply.status == 404


def test_why_is_in_the_log_without_anything_of_the_person(scene: Scene, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    message = scene.message()
    scene.detail(message, **signed(scene.message(), io_id=message.io_id))
    assert "not proved" in caplog.text
    assert code_of(message) not in caplog.text


def test_what_nobody_can_repeat_any_more_is_forgotten(db: None) -> None:
    now = datetime.now(UTC)
    UsedSignature.objects.create(digest="a" * 64, seen_at=now - REMEMBERED - timedelta(minutes=1))
    UsedSignature.objects.create(digest="b" * 64, seen_at=now)
    assert forget_old_signatures() == 1
    assert [used.digest for used in UsedSignature.objects.all()] == ["b" * 64]
