"""What the form of a draft is filled with: as it was typed before, or as the columns say."""

from __future__ import annotations

from collections.abc import Mapping

from messaging.appio import rules
from messaging.delivery import content
from messaging.enums import FeatureLevel
from messaging.forms.buttons import typed_buttons
from messaging.forms.dates import typed_day
from messaging.forms.remote import typed_remote
from messaging.models import Message
from messaging.templatetags.portal import grouped

#: Posted only when they are ticked.
_CHECKBOXES = (
    *("notice_confirmed", "invalid_after_due_date", "advanced", "require_secure_channels"),
    *("has_remote_content", "has_attachments"),
)


def posted(data: Mapping[str, str], message: Message) -> dict[str, str]:
    """What the page of a draft posted; what that page did not ask, being of another kind, stays as it was typed."""
    return {**typed_of(message), **dict.fromkeys(_CHECKBOXES, ""), **data}


def typed_of(message: Message) -> dict[str, str]:
    """What the form shows of a draft: as it was typed, or, when it came back from approval, as it was sent."""
    columns = {"service": str(message.service_id), "kind": message.kind}
    if message.typed:
        return {**message.typed, **columns}
    confirmed = rules.notice_number_check_matches(message.notice_number) is False
    return {
        **columns,
        "fiscal_code": message.recipient.fiscal_code if message.recipient else "",
        "subject": message.subject,
        "body": message.body,
        "amount": _typed_euros(message.amount),
        "notice_number": grouped(message.notice_number),
        "notice_confirmed": message.notice_number if confirmed and message.submitted_by_id else "",
        "due_date": typed_day(message.due_date),
        "invalid_after_due_date": "on" if message.invalid_after_due_date else "",
        "payee": message.payee,
        "advanced": "on" if message.feature_level == FeatureLevel.ADVANCED else "",
        "require_secure_channels": "on" if message.require_secure_channels else "",
        "reference": message.reference,
        "has_remote_content": "on" if message.has_remote_content else "",
        "has_attachments": "on" if message.has_attachments else "",
        "precondition": message.precondition,
        **typed_remote(getattr(message, "remote_content", None) if content.is_fetched(message) else None),
        **typed_buttons(message.buttons),
    }


def _typed_euros(cents: int | None) -> str:
    return "" if cents is None else f"{cents // 100},{cents % 100:02}"
