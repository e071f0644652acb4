"""Asking IO, before anything is sent, who of a batch's people can be reached; the delivery loops do the asking."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from django.db import transaction
from django.db.models import Exists, F, Max, OuterRef, Q, QuerySet, Sum
from django.utils import timezone

from messaging.delivery import batches, content
from messaging.delivery.reachability import SERVES_FOR, CannotAsk
from messaging.delivery.wake import wake
from messaging.enums import BatchStatus, ReachabilityAnswer, RowState
from messaging.models import Batch, BatchRow, Reachability, User

#: About so many people one clerk may ask in a day in files that were not sent: asking is processing of personal data,
#: and only somebody to whom something will be sent may be asked about (design, "Reachability").
PEOPLE_A_DAY = 200_000
#: Spreadsheet rows marked in one transaction.
WINDOW = 5_000


def start(batch: Batch, person: User) -> None:
    """Have the people of the good rows asked about; who was asked in the last hours has an answer at once.

    Harmless when repeated. Raises CannotAsk: not_ready, no_text, too_many.
    """
    if batch.status not in batches.OPEN or not batch.rows_good:
        raise CannotAsk("not_ready")
    if not batch.subject.strip() or not batch.body.strip():
        raise CannotAsk("no_text")
    if _asked_lately(batch, person) + batch.rows_good > PEOPLE_A_DAY:
        raise CannotAsk("too_many")
    good = BatchRow.objects.filter(batch=batch, state=RowState.GOOD)
    last = good.aggregate(last=Max("number"))["last"] or 0
    for first in range(0, last + 1, WINDOW):
        with transaction.atomic():
            held = Batch.objects.select_for_update().only("status").get(pk=batch.pk)
            if held.status not in batches.OPEN:
                return
            _mark(batch, good.filter(number__gte=first, number__lt=first + WINDOW))
    batch.refresh_from_db(fields=[f"rows_{answer}" for answer in ReachabilityAnswer.values])
    wake(batch.service)


def stop(batch: Batch) -> None:
    """Ask about nobody of this batch any more; what was answered stays."""
    BatchRow.objects.filter(batch=batch, ask_at__isnull=False).update(ask_at=None, leased_by="")


def _asked_lately(batch: Batch, person: User) -> int:
    """How many people the clerk's other files of the last day that were not sent have asked about, or will."""
    since = timezone.now() - timedelta(days=1)
    others = Batch.objects.filter(author=person, changed_at__gt=since, status__in=BatchStatus.before_sending())
    answered = others.exclude(pk=batch.pk).aggregate(
        total=Sum(F("rows_reachable") + F("rows_not_on_io") + F("rows_opted_out"))
    )
    waiting = BatchRow.objects.filter(batch__in=others.exclude(pk=batch.pk), ask_at__isnull=False)
    return (answered["total"] or 0) + waiting.count()


def _mark(batch: Batch, rows: QuerySet[BatchRow]) -> None:
    """Answers that no longer serve go, those that serve are taken over, and for the rest it is time to ask."""
    changes = dict(_forgotten(batch, rows))
    unanswered = rows.filter(reachability="")
    for answer in ReachabilityAnswer.values:
        known = unanswered.filter(_has_answer(batch, answer=answer))
        changes[answer] = changes.get(answer, 0) + known.update(reachability=answer, ask_at=None, leased_by="")
    columns = {f"rows_{answer}": F(f"rows_{answer}") + change for answer, change in changes.items() if change}
    if columns:
        Batch.objects.filter(pk=batch.pk).update(**columns)
    if not batch.service.live:
        unanswered = unanswered.filter(recipient__fiscal_code__in=content.allowed_codes(batch.service))
    unanswered.filter(ask_at__isnull=True).update(ask_at=timezone.now())


def _forgotten(batch: Batch, rows: QuerySet[BatchRow]) -> Iterator[tuple[str, int]]:
    for answer in ReachabilityAnswer.values:
        stale = rows.filter(~Q(_has_answer(batch)), reachability=answer)
        if count := stale.update(reachability=""):
            yield answer, -count


def _has_answer(batch: Batch, **which: str) -> Exists:
    since = timezone.now() - SERVES_FOR
    answers = Reachability.objects.filter(recipient=OuterRef("recipient"), service=batch.service_id, asked_at__gt=since)
    return Exists(answers.filter(**which))
