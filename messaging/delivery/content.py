"""A message row as the platform's payload, and the hashes by which we know its content again."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from django.utils.crypto import salted_hmac

from messaging.appio import payloads
from messaging.appio.fiscal_codes import TEST_CODE
from messaging.appio.markdown import Button, with_buttons
from messaging.appio.rules import Problem
from messaging.enums import ApprovalRule, FeatureLevel
from messaging.models import AllowedRecipient, Message, Service


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


def approval_digest(message: Message) -> str:
    """A hash of all that an approver saw: text, recipient, payment, service and options."""
    seen = {"payload": payload(message), "service": message.service_id, "trial": message.is_trial}
    return hashlib.sha256(_canonical(seen)).hexdigest()


def fingerprints(message: Message) -> list[str]:
    """Keyed hashes of this content to this person, and of the notice number, of this service."""
    content = payload(message)
    found = [_keyed("content", message.service_id, content)]
    if message.notice_number:
        found.append(_keyed("notice", message.service_id, [content["fiscal_code"], message.notice_number]))
    return found


def _keyed(salt: str, service_id: int, value: Any) -> str:
    return salted_hmac(f"messaging.fingerprint.{salt}", _canonical([service_id, value]), algorithm="sha256").hexdigest()


def _canonical(value: Any) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def _button(item: dict[str, str]) -> Button:
    return Button(text_it=item["text_it"], text_en=item["text_en"], action=item["action"])
