"""The same content again: which rows were sent in the last days, from whatever file or desk."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.utils import timezone

from messaging.appio.payloads import Outgoing, build_payload
from messaging.batches.plans import texts_of
from messaging.delivery import content
from messaging.delivery.approval import REPEAT_WINDOW
from messaging.enums import NEVER_ARRIVED, FeatureLevel, Status
from messaging.models import Batch, ContentFingerprint
from messaging.remote import contents
from messaging.spreadsheets.rows import CheckedRow, CheckPlan


class RepeatFinder:
    """Looks up groups of a batch's rows among what was sent."""

    def __init__(self, batch: Batch, plan: CheckPlan) -> None:
        self._batch = batch
        self._plan = plan
        advanced = batch.feature_level == FeatureLevel.ADVANCED
        self._options: dict[str, Any] = {
            "invalid_after_due_date": batch.invalid_after_due_date,
            "payee": batch.payee or None,
            "feature_level": "ADVANCED" if advanced else "STANDARD",
            "require_secure_channels": True if batch.require_secure_channels else None,
        }

    def find(self, rows: Iterable[CheckedRow]) -> dict[int, int]:
        """The newest message, by row number, that has the notice number or the content of one of these good rows.

        What a batch corrects is no reason to hold it back.
        """
        numbers = {digest: row.number for row in rows for digest in self.fingerprints(row)}
        since = timezone.now() - REPEAT_WINDOW
        seen = ContentFingerprint.objects.filter(digest__in=list(numbers), seen_at__gt=since)
        seen = seen.exclude(message__status__in=[*NEVER_ARRIVED, Status.DRAFT])
        if self._batch.corrects_id is not None:
            seen = seen.exclude(message__batch=self._batch.corrects_id)
        found = seen.order_by("seen_at").values_list("digest", "message_id")
        return {numbers[digest]: message_id for digest, message_id in found}

    def fingerprints(self, row: CheckedRow) -> list[str]:
        """The fingerprints that the message of a good row would have (`content.fingerprints`)."""
        merged = self._plan.text.merge(row.values)
        outgoing = Outgoing(
            fiscal_code=row.fiscal_code or "",
            subject=merged.subject,
            markdown=merged.markdown,
            amount=row.amount,
            notice_number=row.notice_number,
            due_date=row.due_date,
            **self._options,
        )
        payload = build_payload(outgoing)
        if self._plan.rules.third_party is not None:
            said = contents.digest(texts_of(merged), [file.digest for file in row.files])
            payload = content.said_remotely(payload, said, merged.buttons)
        return content.fingerprints_of(self._batch.service_id, payload, row.notice_number or "")
