"""Whether the process serves, and whether the portal can do its work."""

from __future__ import annotations

from datetime import timedelta

from celery import current_app
from django.db import connection
from django.http import HttpRequest, JsonResponse
from django.utils import timezone
from django.views.decorators.http import require_safe

from messaging.models import WorkerHeartbeat

#: A worker that has run no task for so long is missed.
HEARTBEAT_MAX_AGE = timedelta(seconds=60)


@require_safe
def healthz(request: HttpRequest) -> JsonResponse:
    """200 when this process serves."""
    return JsonResponse({"status": "ok"})


@require_safe
def readyz(request: HttpRequest) -> JsonResponse:
    """200 when database, broker and a recent worker heartbeat are well, else 503 naming what is not."""
    checks = {"database": _database_answers(), "broker": _broker_answers()}
    checks["worker"] = checks["database"] and _worker_is_alive()
    failing = [name for name, well in checks.items() if not well]
    body = {"status": "not ready" if failing else "ok", "failing": failing}
    return JsonResponse(body, status=503 if failing else 200)


def _database_answers() -> bool:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except Exception:
        return False
    return True


def _broker_answers() -> bool:
    try:
        with current_app.connection_for_write(connect_timeout=2) as link:
            link.ensure_connection(max_retries=1, interval_start=0, timeout=2)
    except Exception:
        return False
    return True


def _worker_is_alive() -> bool:
    return WorkerHeartbeat.objects.filter(seen_at__gt=timezone.now() - HEARTBEAT_MAX_AGE).exists()
