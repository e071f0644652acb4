"""The pause of a whole account while IO is down: probe with a harmless read, then with one message alone."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db.models import F
from django.utils import timezone

from messaging.models import GatewayAccount

#: So many faults in a row, on any call, pause the account.
FAULTS = 3
FIRST_WAIT = 5.0
LONGEST_WAIT = 300.0
#: How long one process owns the probe before another may try (seconds).
PROBE_LEASE = 60.0


def record_answer(account_id: int) -> None:
    """IO answered sensibly: the count of faults starts anew, and a pause whose last probe this was ends."""
    GatewayAccount.objects.filter(pk=account_id).update(faults_in_a_row=0, last_answer_at=timezone.now())


def record_fault(account_id: int) -> None:
    """A time-out or a fault of the server; after several in a row the account pauses."""
    now = timezone.now()
    GatewayAccount.objects.filter(pk=account_id).update(faults_in_a_row=F("faults_in_a_row") + 1)
    GatewayAccount.objects.filter(pk=account_id, faults_in_a_row__gte=FAULTS, paused_at__isnull=True).update(
        paused_at=now, probe_at=_after(now, FIRST_WAIT), probe_wait=FIRST_WAIT, probe_passed=False
    )


def is_paused(account_id: int) -> bool:
    """Whether the account is paused."""
    return GatewayAccount.objects.filter(pk=account_id, paused_at__isnull=False).exists()


def is_probe_due(account_id: int) -> bool:
    """Whether a paused account is to be probed now."""
    return GatewayAccount.objects.filter(pk=account_id, paused_at__isnull=False, probe_at__lte=timezone.now()).exists()


def claim_probe(account_id: int) -> bool | None:
    """Whether this process may probe now: None for no, False for a read, True for one message alone."""
    now = timezone.now()
    account = GatewayAccount.objects.get(pk=account_id)
    due = GatewayAccount.objects.filter(
        pk=account_id, paused_at__isnull=False, probe_at=account.probe_at, probe_at__lte=now
    )
    return account.probe_passed if due.update(probe_at=_after(now, PROBE_LEASE)) else None


def probe_read(account_id: int, *, answered: bool) -> None:
    """The harmless read came back: next comes one message alone, or a longer wait."""
    if answered:
        GatewayAccount.objects.filter(pk=account_id, paused_at__isnull=False).update(
            probe_passed=True, probe_at=timezone.now()
        )
    else:
        _wait_longer(account_id)


def probe_message(account_id: int, *, answered: bool) -> None:
    """The one message alone came back: the account goes on, or waits longer and begins with a read again."""
    if answered:
        end_pause(account_id)
    else:
        _wait_longer(account_id)


def end_pause(account_id: int) -> None:
    """Let the account call at its full pace again."""
    GatewayAccount.objects.filter(pk=account_id).update(
        paused_at=None, probe_at=None, probe_wait=0, probe_passed=False, faults_in_a_row=0
    )


def _wait_longer(account_id: int) -> None:
    account = GatewayAccount.objects.get(pk=account_id)
    wait = min(max(account.probe_wait, FIRST_WAIT) * 2, LONGEST_WAIT)
    GatewayAccount.objects.filter(pk=account_id, paused_at__isnull=False).update(
        probe_at=_after(timezone.now(), wait), probe_wait=wait, probe_passed=False
    )


def _after(now: datetime, seconds: float) -> datetime:
    return now + timedelta(seconds=seconds)
