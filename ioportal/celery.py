"""The Celery application: it wakes work up, the database decides what is done."""

from __future__ import annotations

import os

from celery import Celery
from kombu.transport import TRANSPORT_ALIASES

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "ioportal.settings")

TRANSPORT_ALIASES["filesystem"] = "ioportal.folder_broker:Transport"

app = Celery("ioportal")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
