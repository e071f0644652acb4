"""Who asks: the institutions whose secret a request carries (platform notes, A1.2 and A1.3)."""

from __future__ import annotations

import hmac
import logging
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from django.db.models import Exists, OuterRef, TextField
from django.db.models.functions import Cast

from messaging.enums import EnvironmentKind
from messaging.fields import EncryptedTextField, UnreadableSecret
from messaging.models import RemoteEnvironment, RemoteSecret

#: Secrets and configurations are read again after so many seconds...
KEPT = 5.0
#: ...or, when a request carries none of them, after so many: a new secret is in use as soon as IO is told.
KEPT_BEFORE_REFUSING = 0.2

_log = logging.getLogger(__name__)
_SECRET = EncryptedTextField()


@dataclass(frozen=True, slots=True)
class Caller:
    """An institution's environment, as which IO has shown itself."""

    institution: int
    environment: EnvironmentKind
    #: For whom IO asks by this environment; None for everybody.
    only_for: frozenset[str] | None
    is_lollipop_enabled: bool
    without_lollipop: frozenset[str]

    def asks_for(self, fiscal_code: str) -> bool:
        """Whether IO comes by this environment for this person."""
        return self.only_for is None or fiscal_code in self.only_for

    def signs_for(self, fiscal_code: str) -> bool:
        """Whether IO sends the app's signature for this person."""
        return self.is_lollipop_enabled and fiscal_code not in self.without_lollipop


@dataclass(frozen=True, slots=True)
class _Known:
    header: str
    secret: bytes
    accepted_until: datetime | None
    caller: Caller

    @property
    def is_accepted(self) -> bool:
        return self.accepted_until is None or datetime.now(UTC) < self.accepted_until


class Callers:
    """The accepted secrets, kept in this process for a few seconds."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: list[_Known] = []
        self._read_at = float("-inf")

    def of(self, environ: Mapping[str, object]) -> list[Caller]:
        """As whom the request comes; empty when it carries no secret that is accepted now.

        Every secret is compared, in a time that does not depend on how much of it was right. An environment for test
        users comes first.
        """
        self._refresh(KEPT)
        found = self._match(environ)
        if not found and self._refresh(KEPT_BEFORE_REFUSING):
            found = self._match(environ)
        return found

    def _match(self, environ: Mapping[str, object]) -> list[Caller]:
        found = []
        for known in self._known:
            given = str(environ.get(known.header, "")).encode("latin-1", "replace")
            if hmac.compare_digest(given, known.secret) and known.is_accepted:
                found.append(known.caller)
        return found

    def _refresh(self, kept: float) -> bool:
        """Read the secrets where they are older than so many seconds; whether that was so."""
        if time.monotonic() - self._read_at < kept:
            return False
        with self._lock:
            if time.monotonic() - self._read_at < kept:
                return True
            self._known = list(_read())
            self._read_at = time.monotonic()
        return True


def _read() -> list[_Known]:
    # Where IO sends only test users to the test environment: it knows of the other one, and has said so.
    production = RemoteSecret.objects.filter(
        environment__configuration=OuterRef("environment__configuration"),
        environment__configuration__confirmed_at__isnull=False,
        environment__kind=EnvironmentKind.PRODUCTION,
        in_use=True,
    )
    secrets = (
        RemoteSecret.objects.select_related("environment__configuration")
        .defer("secret")
        .annotate(sealed=Cast("secret", TextField()), has_production=Exists(production))
        # "test" after "production" in the alphabet: it comes first.
        .order_by("-environment__kind", "pk")
    )
    found = []
    for secret in secrets:
        if (opened := _opened(secret.pk, secret.sealed)) is not None:
            header = f"HTTP_{secret.environment.header_name.upper().replace('-', '_')}"
            caller = _caller(secret.environment, has_production=secret.has_production)
            found.append(_Known(header, opened, secret.accepted_until, caller))
    return found


def _opened(number: int, sealed: str) -> bytes | None:
    """The secret; None, and a line in the log, when no key of ours opens it: the others go on being accepted."""
    try:
        secret = _SECRET.from_db_value(sealed, None, None)
    except UnreadableSecret:
        _log.error("no key of ENCRYPTION_KEYS opens the remote content secret %d", number)
        return None
    return secret.encode() if secret else None


def _caller(environment: RemoteEnvironment, *, has_production: bool) -> Caller:
    configuration = environment.configuration
    kind = EnvironmentKind(environment.kind)
    for_test_users = kind is EnvironmentKind.TEST and has_production
    return Caller(
        institution=configuration.institution_id,
        environment=kind,
        only_for=frozenset(environment.test_users) if for_test_users else None,
        # Until IO has confirmed the switch it sends no signatures, and citizens would find their messages closed.
        is_lollipop_enabled=configuration.is_lollipop_enabled and configuration.confirmed_at is not None,
        without_lollipop=frozenset(configuration.disable_lollipop_for),
    )
