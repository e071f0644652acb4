"""Waking the workers: a message on the broker that may be lost, repeated or late without harm."""

from __future__ import annotations

from celery import current_app
from django.db import transaction
from structlog import get_logger

from messaging.models import Service

log = get_logger(__name__)


def wake(service: Service) -> None:
    """Once the present transaction is committed, ask a worker to look at the service's account at once."""
    account_id = service.institution.account_id
    transaction.on_commit(lambda: wake_account(account_id))


def wake_account(account_id: int) -> None:
    """Ask a worker to look at the account now; without a broker the periodic sweep finds the work."""
    try:
        current_app.send_task("messaging.tasks.deliver", args=[account_id], retry=False)
    except Exception:
        log.warning("broker_unreachable", account=account_id, exc_info=True)
