"""A batch as a plan for checking its rows, and a checked row as the message that it becomes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.utils import timezone

from messaging.appio.buttons import Button, ButtonKind, parse_action
from messaging.appio.remote import ThirdParty
from messaging.batches.cells import decode
from messaging.batches.folders import FolderFiles, sendable
from messaging.delivery import content
from messaging.delivery.tally import ROME
from messaging.enums import Kind, Precondition
from messaging.models import Batch, BatchRow, Message, MessageAttachment, RemoteText
from messaging.remote import contents
from messaging.spreadsheets.cells import Cell
from messaging.spreadsheets.columns import Matching, column_labels
from messaging.spreadsheets.rows import CheckedRow, CheckPlan, Rules, check_row
from messaging.spreadsheets.texts import ButtonText, Merged, MessageText, ProtectedText

#: What a template and a batch say of the part that IO fetches: copied from one to the other.
REMOTE_NAMES = tuple(field.name for field in RemoteText._meta.local_fields)


def text_of(batch: Batch) -> MessageText:
    """The batch's own copy of the text, taken apart for its placeholders."""
    buttons = [
        ButtonText(item["text_it"], item["text_en"], ButtonKind(item["kind"]), item["target"]) for item in batch.buttons
    ]
    return MessageText(batch.subject, batch.body, buttons, protected_of(batch))


def protected_of(batch: Batch) -> ProtectedText | None:
    """What IO fetches of the batch's messages; None when all of it travels with them."""
    if not is_fetched(batch):
        return None
    warns = batch.precondition != Precondition.NEVER
    return ProtectedText(
        has_content=batch.has_remote_content,
        subject=batch.protected_subject if batch.has_remote_content else "",
        body=batch.protected_body if batch.has_remote_content else "",
        has_precondition=warns,
        precondition_title=batch.precondition_title if warns else "",
        precondition_body=batch.precondition_body if warns else "",
    )


def is_fetched(said: RemoteText) -> bool:
    """Whether IO is to fetch text or files of the messages of this batch or template."""
    return said.has_remote_content or said.has_attachments


def rules_of(batch: Batch) -> Rules:
    """What the batch's kind and its service ask of every row, today."""
    service = batch.service
    return Rules(
        is_payment=batch.kind == Kind.PAYMENT,
        needs_due_date=batch.kind == Kind.DUE_DATE,
        max_amount=service.max_amount,
        today=timezone.now().astimezone(ROME).date(),
        allowed=frozenset(content.allowed_codes(service)),
        third_party=_third_party(batch),
    )


def _third_party(batch: Batch) -> ThirdParty | None:
    """That of the batch's messages but for the id, which is each message's own."""
    sample = Message(
        service=batch.service,
        has_remote_content=batch.has_remote_content,
        has_attachments=batch.has_attachments,
        precondition=batch.precondition,
    )
    return content.third_party(sample)


def plan_of(batch: Batch, *, with_files: bool = True) -> CheckPlan:
    """How to check the rows of a batch whose columns are matched; raises ValueError when one that is needed is not.

    Without files nothing is said of the attachments that rows name.
    """
    labels = column_labels(batch.header)
    taken = set(batch.columns.values())
    other = [place for place in range(len(labels)) if place not in taken]
    files = FolderFiles(batch) if with_files and batch.has_attachments else None
    return CheckPlan(Matching(labels, batch.columns, other, []), text_of(batch), rules_of(batch), files)


def look_up_files(plan: CheckPlan, rows: Sequence[Sequence[Cell]]) -> None:
    """Find the files that the cells of a group of rows name, all in one query."""
    if isinstance(plan.files, FolderFiles):
        plan.files.load(rows)


def checked(row: BatchRow, plan: CheckPlan) -> CheckedRow:
    """A stored row, read and judged again."""
    return check_row(row.number, decode(row.cells), plan)


def message_of(batch: Batch, row: BatchRow, found: CheckedRow, plan: CheckPlan) -> Message:
    """The message, not yet saved, that a row without problems becomes; its status is for messaging.delivery to set."""
    merged = plan.text.merge(found.values)
    message = Message(
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
    if plan.rules.third_party is not None:
        _add_what_is_fetched(message, batch, found, merged, plan.rules.third_party)
    return message


def _add_what_is_fetched(
    message: Message, batch: Batch, found: CheckedRow, merged: Merged, third_party: ThirdParty
) -> None:
    """The message's protected part, not saved either; `files_of` are the rows of its files."""
    message.has_remote_content, message.has_attachments = batch.has_remote_content, batch.has_attachments
    message.precondition, message.remote_configuration = batch.precondition, third_party.configuration_id
    files = [attachment for _, attachment in sendable(found.files)]
    contents.new(message, texts_of(merged), batch.submitted_by_id or batch.author_id, files)


def texts_of(merged: Merged) -> contents.Texts:
    """What a citizen reads of the part that IO fetches."""
    said = merged.protected
    if said is None:
        return contents.Texts()
    return contents.Texts(
        subject=said.subject,
        body=said.body,
        precondition_title=said.precondition_title,
        precondition_body=said.precondition_body,
    )


def files_of(message: Message, found: CheckedRow) -> list[MessageAttachment]:
    """The files of a message that `message_of` made, in the order of the row's cell, not saved."""
    return [
        MessageAttachment(
            message=message,
            attachment=attachment,
            position=position,
            name=name,
            added_by_id=message.remote_content.written_by_id,
            added_at=message.remote_content.written_at,
        )
        for position, (name, attachment) in enumerate(sendable(found.files), start=1)
    ]


def stored_buttons(buttons: Sequence[Button]) -> list[dict[str, Any]]:
    """Buttons as a message keeps them."""
    found = []
    for button in buttons:
        kind, target = parse_action(button.action)
        names = {"text_it": button.text_it, "text_en": button.text_en, "action": button.action}
        found.append({**names, "kind": str(kind), "target": target})
    return found
