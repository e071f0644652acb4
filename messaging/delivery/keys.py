"""Which key a call uses: chosen when the call is made, never before (design, invariant 5)."""

from __future__ import annotations

from collections.abc import Iterable

from structlog import get_logger

from messaging.fields import UnreadableSecret
from messaging.models import ServiceKey

log = get_logger(__name__)


def key_in_use(service_id: int) -> ServiceKey | None:
    """The service's key in use; None when there is none, or none that ENCRYPTION_KEYS opens."""
    try:
        return ServiceKey.objects.filter(service=service_id, in_use=True).first()
    except UnreadableSecret:
        log.error("key_unreadable", service=service_id)
        return None


def keys_in_use(service_ids: Iterable[int]) -> dict[int, ServiceKey]:
    """The keys in use by service id, without those services that have none."""
    return {service_id: key for service_id in service_ids if (key := key_in_use(service_id))}
