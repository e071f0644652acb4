"""Celery tasks: they take ids, run a use case and may be lost, repeated or late without harm."""

from __future__ import annotations

import gc
import threading
from typing import Any

from celery import shared_task
from celery.signals import worker_init, worker_ready, worker_shutting_down
from django.utils import timezone

from messaging import checks
from messaging.batches import uploads, work
from messaging.delivery import notices
from messaging.delivery import sweep as sweeping
from messaging.delivery.loop import DeliveryLoop
from messaging.delivery.wake import wake_account, wake_batch
from messaging.hosting.signatures import forget_old_signatures
from messaging.remote import attachments, retention, secrets

#: Objects made before the youngest are looked through for garbage: a group of messages makes tens of thousands.
GARBAGE = 20_000

_stop = threading.Event()
_accounts: set[int] = set()
_lock = threading.Lock()


@shared_task
def deliver(account_id: int) -> None:
    """Run this process's delivery loop of a gateway account, unless it is running already."""
    with _lock:
        if account_id in _accounts or _stop.is_set():
            return
        _accounts.add(account_id)
    try:
        more = DeliveryLoop(account_id, _stop.is_set).run()
    finally:
        with _lock:
            _accounts.discard(account_id)
    if more:
        wake_account(account_id)


@shared_task
def work_on_batch(batch_id: int) -> None:
    """Check, expand or cancel a batch in the background, as far as it goes without a person."""
    work.work_on(batch_id, _stop.is_set)


@shared_task
def sweep() -> None:
    """Find what nobody woke."""
    sweeping.beat_heart()
    sweeping.sweep()
    for batch_id in work.waiting().values_list("pk", flat=True):
        wake_batch(batch_id)
    uploads.forget_expired()


@shared_task
def forget() -> None:
    """Delete what is not to be kept: old secrets, files that nobody uses, contents past the institution's time."""
    now = timezone.now()
    secrets.forget_expired()
    forget_old_signatures()
    attachments.forget_unused(now)
    retention.erase_expired(now)


@shared_task
def notify_staff() -> None:
    """Send the e-mails that wait."""
    notices.send_waiting()


@worker_init.connect
def _prove_durability(**_: object) -> None:
    checks.assert_durable()


@worker_ready.connect
def _leave_the_program_alone(**_: object) -> None:
    """What the program is made of never becomes garbage: looking through it for some cost a tenth of the speed."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(GARBAGE)


@worker_ready.connect
def _look_up_every_second(sender: Any, **_: object) -> None:
    """With RabbitMQ an idle worker would sleep through SIGTERM until its next message."""
    if hub := getattr(sender, "hub", None):
        hub.call_repeatedly(1.0, lambda: None)


@worker_shutting_down.connect
def _stop_loops(**_: object) -> None:
    """A stop is told at once: no new calls, answers settled, leases given back."""
    _stop.set()
