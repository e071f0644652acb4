"""A batch as a plan for checking its rows, and a checked row as the message that it becomes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.utils import timezone

from messaging.appio.buttons import Button, ButtonKind, parse_action
from messaging.batches.cells import decode
from messaging.delivery import content
from messaging.delivery.tally import ROME
from messaging.enums import Kind
from messaging.models import Batch, BatchRow, Message
from messaging.spreadsheets.columns import Matching, column_labels
from messaging.spreadsheets.rows import CheckedRow, CheckPlan, Rules, check_row
from messaging.spreadsheets.texts import ButtonText, MessageText


def text_of(batch: Batch) -> MessageText:
    """The batch's own copy of the text, taken apart for its placeholders."""
    buttons = [
        ButtonText(item["text_it"], item["text_en"], ButtonKind(item["kind"]), item["target"]) for item in batch.buttons
    ]
    return MessageText(batch.subject, batch.body, buttons)


def rules_of(batch: Batch) -> Rules:
    """What the batch's kind and its service ask of every row, today."""
    service = batch.service
    return Rules(
        is_payment=batch.kind == Kind.PAYMENT,
        needs_due_date=batch.kind == Kind.DUE_DATE,
        max_amount=service.max_amount,
        today=timezone.now().astimezone(ROME).date(),
        allowed=frozenset(content.allowed_codes(service)),
    )


def plan_of(batch: Batch) -> CheckPlan:
    """How to check the rows of a batch whose columns are matched; raises ValueError when one that is needed is not."""
    labels = column_labels(batch.header)
    taken = set(batch.columns.values())
    other = [place for place in range(len(labels)) if place not in taken]
    return CheckPlan(Matching(labels, batch.columns, other, []), text_of(batch), rules_of(batch))


def checked(row: BatchRow, plan: CheckPlan) -> CheckedRow:
    """A stored row, read and judged again."""
    return check_row(row.number, decode(row.cells), plan)


def message_of(batch: Batch, row: BatchRow, found: CheckedRow, plan: CheckPlan) -> Message:
    """The message, not yet saved, that a row without problems becomes; its status is for messaging.delivery to set."""
    merged = plan.text.merge(found.values)
    return Message(
        service=batch.service,
        recipient_id=row.recipient_id,
        author_id=batch.author_id,
        template_id=batch.template_id,
        batch=batch,
        row=row.number,
        kind=batch.kind,
        subject=merged.subject,
        body=merged.body,
        buttons=stored_buttons(merged.buttons),
        amount=found.amount,
        notice_number=found.notice_number or "",
        due_date=found.due_date,
        invalid_after_due_date=batch.invalid_after_due_date,
        payee=batch.payee,
        feature_level=batch.feature_level,
        require_secure_channels=batch.require_secure_channels,
        reference=batch.reference,
        submitted_by_id=batch.submitted_by_id,
        approved_by_id=batch.approved_by_id,
        repeat_reason=batch.repeat_reason,
    )


def stored_buttons(buttons: Sequence[Button]) -> list[dict[str, Any]]:
    """Buttons as a message keeps them."""
    found = []
    for button in buttons:
        kind, target = parse_action(button.action)
        names = {"text_it": button.text_it, "text_en": button.text_en, "action": button.action}
        found.append({**names, "kind": str(kind), "target": target})
    return found
