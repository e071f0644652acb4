"""The usual design, to compare with: a Celery task for each message that gets, checks, posts and saves it.

Its worker is `celery -A benchmarks.rival worker`. It knows no pace, and a worker that is killed loses or repeats.
"""

from __future__ import annotations

import os
import threading

import django
import requests

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "ioportal.settings")
django.setup()

from celery import Celery  # noqa: E402
from django.conf import settings  # noqa: E402
from django.utils import timezone  # noqa: E402

import ioportal.celery  # noqa: E402, F401 - names our transport of the file system
from messaging.delivery import content  # noqa: E402
from messaging.enums import Reason, Status  # noqa: E402
from messaging.models import Message, StatusChange  # noqa: E402

app = Celery("rival", broker=settings.CELERY_BROKER_URL)
app.conf.update(
    broker_transport_options=settings.CELERY_BROKER_TRANSPORT_OPTIONS,
    broker_connection_retry_on_startup=True,
    task_ignore_result=True,
    worker_hijack_root_logger=False,
)
_local = threading.local()


@app.task(name="benchmarks.rival.send")
def send(message_id: int) -> None:
    """Send one message."""
    message = Message.objects.select_related("service", "recipient").get(pk=message_id)
    assert message.recipient is not None
    headers = {"Ocp-Apim-Subscription-Key": message.service.keys.get(in_use=True).secret}
    url = settings.IO_API_URL
    asked = _session().post(
        f"{url}/profiles", json={"fiscal_code": message.recipient.fiscal_code}, headers=headers, timeout=20
    )
    asked.raise_for_status()
    if not asked.json()["sender_allowed"]:
        return
    posted = _session().post(f"{url}/messages", json=content.payload(message), headers=headers, timeout=20)
    posted.raise_for_status()
    before, now = message.status, timezone.now()
    message.status, message.io_id, message.accepted_at = Status.ACCEPTED, posted.json()["id"], now
    message.save()
    StatusChange.objects.create(
        message=message, from_status=before, to_status=message.status, reason=Reason.TAKEN, at=now
    )


def _session() -> requests.Session:
    if not hasattr(_local, "session"):
        _local.session = requests.Session()
    session: requests.Session = _local.session
    return session
