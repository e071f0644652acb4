"""How long questions and messages take at the pace that the account has at this moment."""

from __future__ import annotations

from django.db.models import Sum

from messaging.delivery import budget
from messaging.delivery.clock import DatabaseNow
from messaging.enums import BatchStatus, Status
from messaging.models import Batch, BatchCount, GatewayAccount

#: A message costs its POST and about one question about its fate (pacing: "about one poll per message").
CALLS_A_MESSAGE = 2


def seconds_for_questions(account: GatewayAccount, count: int) -> float:
    """Seconds to ask IO about so many people."""
    return count * _interval(account)


def seconds_for_sending(
    account: GatewayAccount, messages: int, questions: int = 0, *, besides: Batch | None = None
) -> float:
    """Seconds until so many messages have been sent and asked about, ``questions`` of them after a question.

    Other batches under way take turns: each costs as much again, as far as it has messages left. ``besides`` is the
    batch itself, when it is one of them.
    """
    own = messages * CALLS_A_MESSAGE + questions
    others = BatchCount.objects.filter(
        batch__status=BatchStatus.SENDING, batch__service__institution__account=account, status=Status.QUEUED
    ).exclude(batch=besides)
    waiting = others.values("batch").annotate(left=Sum("count")).order_by().values_list("left", flat=True)
    calls: int = own + sum(min(own, left * (CALLS_A_MESSAGE + 1)) for left in waiting)
    return calls * _interval(account)


def _interval(account: GatewayAccount) -> float:
    row = GatewayAccount.objects.annotate(clock=DatabaseNow()).get(pk=account.pk)
    return budget.interval_of(row, row.clock)
