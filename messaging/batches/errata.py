"""A correction of what a sending said, to exactly those who have it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from django.db import connection, transaction
from django.utils.translation import gettext as _

from messaging.batches import folders, plans
from messaging.batches.progress import RECEIVED
from messaging.delivery.wake import wake_batch
from messaging.enums import Kind, RowState
from messaging.models import Batch, BatchRow, Message, User
from messaging.spreadsheets.columns import Matching, column_labels, match_columns

#: So many of the file's numbers are copied by one statement.
GROUP = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Wording:
    """What a correction says; the protected texts are those of a sending that has some."""

    subject: str
    body: str
    protected_subject: str = ""
    protected_body: str = ""


def matching(batch: Batch, wording: Wording) -> Matching:
    """Which columns of the sending the placeholders of a correction are; its problems name those that are not there."""
    correction = _correction(batch, wording)
    labels = column_labels(batch.header)
    remembered = {name: labels[place] for name, place in batch.columns.items()}
    wanted = plans.rules_of(correction).wanted(plans.text_of(correction))
    return match_columns(batch.header, wanted, remembered)


def _correction(batch: Batch, wording: Wording) -> Batch:
    """It asks for no payment: amount and notice number are columns like the others. What IO fetches stays with it."""
    correction = Batch(
        service=batch.service,
        corrects=batch,
        name=_("Errata corrige: %(name)s") % {"name": batch.name[:80]},
        kind=Kind.INFORMATIONAL,
        subject=wording.subject,
        body=wording.body,
        feature_level=batch.feature_level,
        require_secure_channels=batch.require_secure_channels,
        reference=batch.reference,
        filename=batch.filename,
        folder_name=batch.folder_name,
        sheet_name=batch.sheet_name,
        header=batch.header,
        **{name: getattr(batch, name) for name in plans.REMOTE_NAMES},
    )
    if batch.has_remote_content:
        correction.protected_subject, correction.protected_body = wording.protected_subject, wording.protected_body
    return correction


def prepare(batch: Batch, person: User, wording: Wording, columns: Mapping[str, int]) -> Batch:
    """A new batch with the rows whose messages IO has, to be checked and sent like any other.

    The rows are copied within one transaction: a correction that lacks somebody never comes to be. A message that was
    readdressed by hand is left out, because the row's cells name somebody else.
    """
    correction = _correction(batch, wording)
    correction.author, correction.columns = person, dict(columns)
    with transaction.atomic():
        correction.save()
        if batch.has_attachments:
            folders.copy(batch, correction)
        copied = _copy_rows(batch, correction)
        correction.rows_good = correction.rows_total = copied
        correction.save(update_fields=["rows_good", "rows_total", "changed_at"])
        wake_batch(correction.pk)
    return correction


def _copy_rows(batch: Batch, correction: Batch) -> int:
    last = BatchRow.objects.filter(batch=batch).order_by("-number").values_list("number", flat=True).first() or 0
    quoted = connection.ops.quote_name
    received = ", ".join(f"'{status}'" for status in RECEIVED)
    # Only names of our own tables and statuses stand in the statement; ids and numbers are its parameters.
    statement = f"""
        INSERT INTO {quoted(BatchRow._meta.db_table)}
            (batch_id, number, cells, state, problems, warnings, recipient_id, notice_number, content_key,
             reachability, leased_by)
        SELECT %s, r.number, r.cells, '{RowState.GOOD}', '[]', '[]', r.recipient_id, '', '', '', ''
        FROM {quoted(Message._meta.db_table)} m
        JOIN {quoted(BatchRow._meta.db_table)} r ON r.batch_id = m.batch_id AND r.number = m.{quoted("row")}
        WHERE m.batch_id = %s AND m.{quoted("row")} > %s AND m.{quoted("row")} <= %s
          AND m.status IN ({received}) AND m.recipient_id = r.recipient_id
    """  # noqa: S608
    copied = 0
    with connection.cursor() as cursor:
        for start in range(0, last, GROUP):
            cursor.execute(statement, [correction.pk, batch.pk, start, start + GROUP])
            copied += cursor.rowcount
    return copied
