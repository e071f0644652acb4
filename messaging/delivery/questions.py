"""What IO says of the people in a batch's rows, before anything is sent: the row, its batch's figures, the answer."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from messaging.delivery import statements
from messaging.enums import ReachabilityAnswer, RowState
from messaging.models import Batch, BatchRow


def settle(answered: Sequence[tuple[BatchRow, ReachabilityAnswer]]) -> None:
    """Note the answers in those rows that are still good, still of the same person and without an answer.

    The batches come first, as whoever else changes rows and figures of a batch takes them: in a transaction of its
    own, so that no message waits behind them.
    """
    if not answered:
        return
    with transaction.atomic():
        ids = sorted({row.batch_id for row, _ in answered})
        list(Batch.objects.select_for_update(no_key=True).filter(pk__in=ids).order_by("pk").values_list("pk"))
        changed = set(
            statements.update(
                BatchRow,
                match={
                    "id": [row.pk for row, _ in answered],
                    "recipient": [row.recipient_id for row, _ in answered],
                    "leased_by": [row.leased_by for row, _ in answered],
                },
                where={"state": RowState.GOOD, "reachability": ""},
                common={"ask_at": None, "leased_by": ""},
                each={"reachability": [answer for _, answer in answered]},
            )
        )
        figures = Counter((row.batch_id, answer) for row, answer in answered if row.pk in changed)
        for batch_id in ids:
            columns = {
                f"rows_{answer}": F(f"rows_{answer}") + figures[batch_id, answer]
                for answer in ReachabilityAnswer
                if figures[batch_id, answer]
            }
            if columns:
                Batch.objects.filter(pk=batch_id).update(**columns)


def drop(rows: Iterable[BatchRow]) -> None:
    """Ask about these rows no more: they have changed, or their people may not be asked about."""
    for row in rows:
        BatchRow.objects.filter(pk=row.pk, leased_by=row.leased_by).update(ask_at=None, leased_by="")


def release(row: BatchRow, seconds: float = 0.0) -> None:
    """Give the lease back: to be asked again after ``seconds``, unless somebody has withdrawn the question."""
    leased = BatchRow.objects.filter(pk=row.pk, leased_by=row.leased_by, ask_at__isnull=False).exclude(leased_by="")
    leased.update(ask_at=_in(seconds), leased_by="")


def _in(seconds: float) -> datetime:
    return timezone.now() + timedelta(seconds=seconds)
