"""A message row as the platform's payload, and the hashes by which we know its content again."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.db.models import TextField
from django.db.models.functions import Cast
from django.utils.crypto import salted_hmac

from messaging.appio import payloads
from messaging.appio.fiscal_codes import TEST_CODE
from messaging.appio.markdown import Button, with_buttons
from messaging.appio.rules import Problem
from messaging.enums import ApprovalRule, FeatureLevel, RowState
from messaging.models import AllowedRecipient, Batch, BatchRow, Message, Service

_ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def outgoing(message: Message) -> payloads.Outgoing:
    """What would be sent; needs the service and, once it is known, the recipient."""
    advanced = message.feature_level == FeatureLevel.ADVANCED
    return payloads.Outgoing(
        fiscal_code=message.recipient.fiscal_code if message.recipient else "",
        subject=message.subject,
        markdown=with_buttons(message.body, [_button(item) for item in message.buttons]),
        amount=message.amount,
        notice_number=message.notice_number or None,
        invalid_after_due_date=message.invalid_after_due_date,
        due_date=message.due_date,
        payee=message.payee or None,
        feature_level="ADVANCED" if advanced else "STANDARD",
        require_secure_channels=True if message.require_secure_channels else None,
    )


def payload(message: Message) -> dict[str, object]:
    """The JSON object of POST /messages."""
    return payloads.build_payload(outgoing(message))


def problems(message: Message) -> list[Problem]:
    """All that the platform would refuse, and the warnings to confirm."""
    service = message.service
    return payloads.check(
        outgoing(message),
        max_amount=service.max_amount,
        allowed=allowed_codes(service),
        advanced=service.premium,
        payee_allowed=service.payee_allowed,
    )


def allowed_codes(service: Service) -> set[str]:
    """The fiscal codes that a service on trial may write to; the platform's published test code is always one."""
    codes = AllowedRecipient.objects.filter(service=service).values_list("fiscal_code", flat=True)
    return {TEST_CODE, *codes}


def is_held_back_by_trial(message: Message) -> bool:
    """Whether the service is on trial and the recipient is not on its list."""
    service, recipient = message.service, message.recipient
    return not service.live and (recipient is None or recipient.fiscal_code not in allowed_codes(service))


def features(message: Message) -> str:
    """The permissions that the platform asks for this message, as one word a feature."""
    words = []
    if message.feature_level == FeatureLevel.ADVANCED:
        words.append("premium")
    if message.payee:
        words.append("payee")
    return " ".join(words)


def needs_approval(message: Message) -> bool:
    """Whether the service's rule asks for a second person; a trial on the author's own phone never does."""
    rule = message.service.approval
    if message.is_trial or rule == ApprovalRule.OFF:
        return False
    return rule == ApprovalRule.ALL or message.amount is not None


def approval_digest(message: Message, content: Mapping[str, object] | None = None) -> str:
    """A hash of all that an approver saw: text, recipient, payment, service and options.

    ``content`` is the message's payload, where it has been made already.
    """
    seen = {"payload": content or payload(message), "service": message.service_id, "trial": message.is_trial}
    return hashlib.sha256(_canonical(seen)).hexdigest()


def batch_digest(batch: Batch) -> str:
    """A hash of all that an approver of a batch saw: text, options, service, and every good row's cells."""
    names = ("kind", "subject", "body", "buttons", "feature_level", "require_secure_channels")
    options = ("invalid_after_due_date", "payee", "reference", "columns", "service_id")
    digest = hashlib.sha256(_canonical({name: getattr(batch, name) for name in (*names, *options)}))
    # The cells as the database writes them: nobody needs to take them apart for that.
    rows = BatchRow.objects.filter(batch=batch, state=RowState.GOOD).annotate(written=Cast("cells", TextField()))
    for number, written in rows.order_by("number").values_list("number", "written").iterator(chunk_size=5_000):
        digest.update(f"{number} {written}\n".encode())
    return digest.hexdigest()


def fingerprints(message: Message) -> list[str]:
    """Keyed hashes of this content to this person, and of the notice number, of this service."""
    return fingerprints_of(message.service_id, payload(message), message.notice_number)


def fingerprints_of(service_id: int, content: Mapping[str, object], notice_number: str) -> list[str]:
    """The fingerprints of a message of which the payload is known."""
    found = [_keyed("content", service_id, content)]
    if notice_number:
        found.append(_keyed("notice", service_id, [content["fiscal_code"], notice_number]))
    return found


def _keyed(salt: str, service_id: int, value: Any) -> str:
    mac = _mac(salt, settings.SECRET_KEY).copy()
    mac.update(_canonical([service_id, value]))
    return mac.hexdigest()


@lru_cache(maxsize=8)
def _mac(salt: str, secret: str) -> hmac.HMAC:
    """Begun once: a file has two hundred thousand fingerprints."""
    return salted_hmac(f"messaging.fingerprint.{salt}", b"", secret=secret, algorithm="sha256")


def _canonical(value: Any) -> bytes:
    return _ENCODER.encode(value).encode()


def _button(item: dict[str, str]) -> Button:
    return Button(text_it=item["text_it"], text_en=item["text_en"], action=item["action"])
