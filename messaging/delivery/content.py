"""A message row as the platform's payload, and the hashes by which we know its content again."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, Literal

from django.conf import settings
from django.db.models import TextField
from django.db.models.functions import Cast
from django.utils.crypto import salted_hmac

from messaging.appio import payloads, remote
from messaging.appio.buttons import Button, buttons_from
from messaging.appio.fiscal_codes import TEST_CODE
from messaging.appio.markdown import with_buttons
from messaging.appio.remote import Fetched, ThirdParty
from messaging.appio.rules import Problem
from messaging.enums import ApprovalRule, FeatureLevel, Precondition, RowState
from messaging.models import (
    AllowedRecipient,
    Batch,
    BatchAttachment,
    BatchRow,
    Message,
    RemoteConfiguration,
    RemoteContent,
    Service,
)

#: What a batch says of the part of its messages that IO fetches (`messaging.models.RemoteText`).
_REMOTE_NAMES = (
    *("has_remote_content", "protected_subject", "protected_body", "has_attachments"),
    *("precondition", "precondition_title", "precondition_body"),
)
_PRECONDITIONS: Mapping[Precondition, Literal["ALWAYS", "ONCE", "NEVER"]] = {
    Precondition.ALWAYS: "ALWAYS",
    Precondition.ONCE: "ONCE",
    Precondition.NEVER: "NEVER",
}
_ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def outgoing(message: Message) -> payloads.Outgoing:
    """What would be sent; needs the service and, once it is known, the recipient."""
    advanced = message.feature_level == FeatureLevel.ADVANCED
    # The app takes the buttons from the text that it shows: where that is fetched, they are there.
    buttons = [] if message.has_remote_content else message.buttons
    return payloads.Outgoing(
        fiscal_code=message.recipient.fiscal_code if message.recipient else "",
        subject=message.subject,
        markdown=with_buttons(message.body, buttons_from(buttons)),
        amount=message.amount,
        notice_number=message.notice_number or None,
        invalid_after_due_date=message.invalid_after_due_date,
        due_date=message.due_date,
        payee=message.payee or None,
        feature_level="ADVANCED" if advanced else "STANDARD",
        require_secure_channels=True if message.require_secure_channels else None,
        third_party=third_party(message),
    )


def is_fetched(message: Message) -> bool:
    """Whether IO is to fetch text or files of this message from us."""
    return message.has_remote_content or message.has_attachments


def third_party(message: Message) -> ThirdParty | None:
    """Where IO is to fetch the message's text or files; None when all of it travels with the message.

    The configuration is that of the message, once it is queued, or else the one its institution has now.
    """
    if not is_fetched(message):
        return None
    return ThirdParty(
        id=str(message.public_id),
        configuration_id=message.remote_configuration or configuration_id(message.service),
        has_remote_content=message.has_remote_content,
        has_attachments=message.has_attachments,
        precondition=_PRECONDITIONS[Precondition(message.precondition)],
    )


def configuration_id(service: Service) -> str:
    """IO's id of where it fetches this institution's content; empty while it is not registered."""
    found = RemoteConfiguration.objects.filter(institution=service.institution_id)
    return found.values_list("configuration_id", flat=True).first() or ""


def fetched(content: RemoteContent, files: int) -> Fetched:
    """What IO will fetch of a message, as its rules count it: the buttons are part of the text."""
    message = content.message
    return Fetched(
        subject=content.subject,
        markdown=with_buttons(content.body, buttons_from(message.buttons)),
        precondition_title=content.precondition_title,
        precondition_markdown=content.precondition_body,
        files=files,
    )


def payload(message: Message) -> dict[str, object]:
    """The JSON object of POST /messages."""
    return payloads.build_payload(outgoing(message))


def problems(message: Message) -> list[Problem]:
    """All that the platform would refuse, and the warnings to confirm."""
    service = message.service
    going = outgoing(message)
    found = payloads.check(
        going,
        max_amount=service.max_amount,
        allowed=allowed_codes(service),
        advanced=service.premium,
        payee_allowed=service.payee_allowed,
    )
    if going.third_party is not None:
        found += remote_problems(message, going.third_party)
    return found


def remote_problems(message: Message, third_party: ThirdParty) -> list[Problem]:
    """What would keep IO from taking, or the citizen from opening, the part that IO fetches."""
    content = getattr(message, "remote_content", None)
    files = message.attached.filter(removed_at__isnull=True).count() if message.pk else 0
    advanced = message.feature_level == FeatureLevel.ADVANCED
    return remote.check(third_party, fetched(content, files) if content else Fetched(files=files), advanced=advanced)


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
    if is_fetched(message):
        words.append("remote")
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
    seen: dict[str, object] = {
        "payload": content or payload(message),
        "service": message.service_id,
        "trial": message.is_trial,
    }
    if is_fetched(message):
        seen["fetched"] = [message.remote_content.digest, message.buttons]
    return hashlib.sha256(_canonical(seen)).hexdigest()


def batch_digest(batch: Batch) -> str:
    """A hash of all that an approver of a batch saw: text, options, service, and every good row's cells."""
    names: tuple[str, ...] = ("kind", "subject", "body", "buttons", "feature_level", "require_secure_channels")
    names += ("invalid_after_due_date", "payee", "reference", "columns", "service_id")
    if batch.has_remote_content or batch.has_attachments:
        names += _REMOTE_NAMES
    digest = hashlib.sha256(_canonical({name: getattr(batch, name) for name in names}))
    if batch.has_attachments:
        files = BatchAttachment.objects.filter(batch=batch, attachment__isnull=False).order_by("key")
        digest.update(_canonical([list(row) for row in files.values_list("key", "attachment__digest")]))
    # The cells as the database writes them: nobody needs to take them apart for that.
    rows = BatchRow.objects.filter(batch=batch, state=RowState.GOOD).annotate(written=Cast("cells", TextField()))
    for number, written in rows.order_by("number").values_list("number", "written").iterator(chunk_size=5_000):
        digest.update(f"{number} {written}\n".encode())
    return digest.hexdigest()


def fingerprints(message: Message) -> list[str]:
    """Keyed hashes of this content to this person, and of the notice number, of this service."""
    return fingerprints_of(message.service_id, said(message, payload(message)), message.notice_number)


def said(message: Message, content: dict[str, object]) -> dict[str, object]:
    """What a message says, whichever message says it: what IO fetches stands in the place of its id."""
    if not is_fetched(message):
        return content
    return said_remotely(content, message.remote_content.digest, buttons_from(message.buttons))


def said_remotely(content: dict[str, object], digest: str, buttons: Sequence[Button]) -> dict[str, object]:
    """The payload of a message of which IO fetches a part, told apart by the digest of that part and its buttons."""
    inner = content["content"]
    assert isinstance(inner, dict)
    fetched = [digest, *([button.text_it, button.text_en, button.action] for button in buttons)]
    return {**content, "content": {**inner, "third_party_data": fetched}}


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
