"""Which key a call uses: chosen when the call is made, never before (design, invariant 5)."""

from __future__ import annotations

import time
from collections.abc import Iterable

from structlog import get_logger

from messaging.fields import UnreadableSecret
from messaging.models import ServiceKey

log = get_logger(__name__)

#: A loop looks up a key so often, and at once after IO has rejected one (seconds).
FRESH_FOR = 1.0


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


class KeyRing:
    """The keys that one delivery loop has looked up, each for a second."""

    def __init__(self) -> None:
        self._keys: dict[int, ServiceKey] = {}
        self._since = 0.0

    def keys(self, service_ids: set[int]) -> dict[int, ServiceKey]:
        """The keys in use by service id, without those services that have none."""
        if time.monotonic() - self._since > FRESH_FOR:
            self._keys, self._since = {}, time.monotonic()
        self._keys |= keys_in_use(service_ids - self._keys.keys())
        return {service_id: key for service_id, key in self._keys.items() if service_id in service_ids}

    def forget(self) -> None:
        """Look all keys up anew: IO has rejected one."""
        self._since = 0.0
