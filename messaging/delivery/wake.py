"""Waking the workers: a message on the broker that may be lost, repeated or late without harm."""

from __future__ import annotations

from celery import current_app
from django.db import transaction
from structlog import get_logger

from messaging.models import Service

log = get_logger(__name__)

#: A call that nobody took for so long (seconds) has been made again by the sweep.
EXPIRES = 60


def wake(service: Service) -> None:
    """Once the present transaction is committed, ask a worker to look at the service's account at once."""
    account_id = service.institution.account_id
    transaction.on_commit(lambda: wake_account(account_id))


def wake_account(account_id: int) -> None:
    """Ask a worker to look at the account now; without a broker the periodic sweep finds the work."""
    _send("messaging.tasks.deliver", account_id)


def _send(task: str, number: int) -> None:
    try:
        # The queue is named by the route of the task (settings.CELERY_TASK_ROUTES).
        current_app.send_task(task, args=[number], retry=False, expires=EXPIRES)
    except Exception:
        log.warning("broker_unreachable", task=task, exc_info=True)


def wake_batch(batch_id: int) -> None:
    """Once the present transaction is committed, ask a worker for files to go on with this batch."""
    transaction.on_commit(lambda: _send("messaging.tasks.work_on_batch", batch_id))
