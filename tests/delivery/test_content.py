"""The hashes by which we know a message's content again, where IO fetches a part of it."""

from __future__ import annotations

from typing import Any

import pytest

from messaging.delivery import content
from messaging.enums import Status
from messaging.models import Message, Recipient, Service
from messaging.remote import contents
from messaging.remote.contents import Texts
from tests import cast

pytestmark = pytest.mark.django_db

TEXTS = Texts(subject="L’esito della domanda", body="La domanda è stata accolta. " * 5)
BUTTON = {"text_it": "Vai al sito", "text_en": "Go to the site", "action": "ioHandledLink://https://example.it"}


@pytest.fixture
def service() -> Service:
    return cast.make_service()


@pytest.fixture
def recipient(service: Service) -> Recipient:
    return cast.make_recipient(service.institution)


def remote(recipient: Recipient, service: Service, *buttons: dict[str, str], texts: Texts = TEXTS) -> Message:
    """A draft of which IO is to fetch the text, with these buttons."""
    message = cast.make_message(
        service=service,
        recipient=recipient,
        status=Status.DRAFT,
        has_remote_content=True,
        buttons=list(buttons),
        public_id="0b4c9f4e-7a27-4c1f-9d0c-3f1d6f0d8a11",
    )
    contents.new(message, texts, message.author_id).save()
    return message


def hashes(recipient: Recipient, service: Service, *buttons: dict[str, str], **kw: Any) -> tuple[str, str]:
    """Approval digest and fingerprint of such a draft, which is gone then: the next one has its id."""
    message = remote(recipient, service, *buttons, **kw)
    (fingerprint,) = content.fingerprints(message)
    found = content.approval_digest(message), fingerprint
    message.delete()
    return found


def test_the_same_remote_message_has_the_same_hashes(service: Service, recipient: Recipient) -> None:
    assert hashes(recipient, service, BUTTON) == hashes(recipient, service, dict(BUTTON))


@pytest.mark.parametrize(
    "other",
    [
        (),
        (BUTTON, BUTTON),
        (BUTTON | {"text_it": "Paga"},),
        (BUTTON | {"text_en": "Pay"},),
        (BUTTON | {"action": "ioHandledLink://https://example.com"},),
    ],
)
def test_remote_messages_that_differ_in_their_buttons_alone_are_told_apart(
    service: Service, recipient: Recipient, other: tuple[dict[str, str], ...]
) -> None:
    digest, fingerprint = hashes(recipient, service, BUTTON)
    other_digest, other_fingerprint = hashes(recipient, service, *other)
    assert digest != other_digest
    assert fingerprint != other_fingerprint


def test_remote_messages_that_differ_in_their_protected_text_alone_are_told_apart(
    service: Service, recipient: Recipient
) -> None:
    found = zip(
        hashes(recipient, service, BUTTON),
        hashes(recipient, service, BUTTON, texts=Texts(subject=TEXTS.subject, body=TEXTS.body + "No.")),
        strict=True,
    )
    assert all(one != other for one, other in found)


def test_the_buttons_of_a_remote_message_travel_with_what_is_fetched(service: Service, recipient: Recipient) -> None:
    message = remote(recipient, service, BUTTON)
    payload: Any = content.payload(message)
    assert payload["content"]["markdown"] == message.body
    assert BUTTON["text_it"] in content.fetched(message.remote_content, 0).markdown
