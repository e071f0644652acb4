"""The secrets that IO shows when it fetches: made here, told by the portal itself, changed without a gap.

IO keeps what it knows for 8 hours, and a change may reach it late (platform notes, A1.1). So a new secret is accepted
from the moment it exists; an older one without an end until IO has confirmed a newer, and from then on as long as IO
may still remember it. Nobody ever sees one.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone
from django.views.decorators.debug import sensitive_variables

from messaging.models import RemoteConfiguration, RemoteEnvironment, RemoteSecret

#: The 8 hours for which IO may go on showing an old secret, and one more.
REMEMBERED = timedelta(hours=8 + 1)


def is_accepted(now: datetime) -> Q:
    """The condition on RemoteSecret rows under which one opens the door at ``now``."""
    return Q(in_use=True) | Q(accepted_until__isnull=True) | Q(accepted_until__gt=now)


def accepted(environment: RemoteEnvironment) -> QuerySet[RemoteSecret]:
    """All secrets of an environment that IO may show now, newest first."""
    return RemoteSecret.objects.filter(is_accepted(timezone.now()), environment=environment).order_by("-pk")


def told(configuration: RemoteConfiguration) -> QuerySet[RemoteEnvironment]:
    """The environments that IO is to know; one without a secret in use is only served until IO has forgotten it."""
    in_use = RemoteSecret.objects.filter(environment=OuterRef("pk"), in_use=True)
    return RemoteEnvironment.objects.filter(Exists(in_use), configuration=configuration).order_by("kind")


def rotate(environment: RemoteEnvironment) -> None:
    """Make a new secret for IO to be told; what was accepted stays so, without an end until IO has confirmed."""
    with transaction.atomic():
        configuration = RemoteConfiguration.objects.select_for_update().filter(pk=environment.configuration_id)
        configuration.update(confirmed_at=None, changed_at=timezone.now())
        _retire(environment)
        _make(environment)


def withdraw(environment: RemoteEnvironment) -> None:
    """Tell IO of this environment no more; it is served as long as IO may still use it, then forgotten."""
    with transaction.atomic():
        _retire(environment)


def confirmed(secret_ids: Iterable[int], configuration: RemoteConfiguration, at: datetime) -> None:
    """IO has confirmed these secrets, one an environment, and that there is no other environment.

    Older ones get their end, and so do those of environments that IO is to forget. A secret that was made since then
    may be under way to IO: nothing is said of it.
    """
    known = {secret.environment_id: secret.pk for secret in _rows(configuration).filter(pk__in=list(secret_ids))}
    in_use = set(_rows(configuration).filter(in_use=True).values_list("environment", flat=True))
    for environment_id in set(_rows(configuration).values_list("environment", flat=True)):
        older = _rows(configuration).filter(environment=environment_id, in_use=False, accepted_until__isnull=True)
        if environment_id in known:
            older = older.filter(pk__lt=known[environment_id])
        elif environment_id in in_use:
            continue
        older.update(accepted_until=at + REMEMBERED)


def forget_expired() -> int:
    """Delete the secrets that are accepted no more, and environments left without any; returns how many secrets."""
    now = timezone.now()
    with transaction.atomic():
        expired = RemoteSecret.objects.filter(in_use=False, accepted_until__lte=now)
        environments = set(expired.values_list("environment", flat=True))
        gone, _ = expired.delete()
        RemoteEnvironment.objects.filter(pk__in=environments, secrets__isnull=True).delete()
    return gone


def _rows(configuration: RemoteConfiguration) -> QuerySet[RemoteSecret]:
    # Never read: it may be one that no key of ENCRYPTION_KEYS opens any more.
    return RemoteSecret.objects.filter(environment__configuration=configuration).defer("secret")


def _retire(environment: RemoteEnvironment) -> None:
    RemoteSecret.objects.filter(environment=environment, in_use=True).update(in_use=False)


@sensitive_variables("secret")
def _make(environment: RemoteEnvironment) -> None:
    secret = secrets.token_urlsafe(32)
    RemoteSecret.objects.create(environment=environment, secret=secret)
