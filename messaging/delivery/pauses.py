"""Services that do not send for now, and how a person sets them going again.

After a 401, or a 403 that may blame the key or the caller's address, messages go back to the queue instead of failing
one by one (design, invariant 5).
"""

from __future__ import annotations

from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils import timezone

from messaging.delivery.notices import tell_those_in_charge
from messaging.delivery.wake import wake
from messaging.enums import NoticeKind, PauseReason
from messaging.models import Service, ServicePause, User


def pause_service(service: Service, reason: PauseReason, title: str = "") -> None:
    """Stop the whole service."""
    _pause(service, reason, title, whole_service=True, features="", undecided=False)


def hold_features(service: Service, features: str, title: str) -> None:
    """Stop the service's messages with these features until harmless calls have shown what IO objects to."""
    _pause(service, PauseReason.FEATURE, title, whole_service=False, features=features, undecided=True)


def decide(
    service: Service, features: str, *, caller_is_welcome: bool, reason: PauseReason = PauseReason.FORBIDDEN
) -> None:
    """Close the question of an undecided hold.

    If the same key from the same address is served elsewhere, one permission is missing and the hold stays as it is;
    if not, the whole service stops.
    """
    hold = ServicePause.objects.filter(service=service, features=features, undecided=True, lifted_at__isnull=True)
    if caller_is_welcome:
        if hold.update(undecided=False):
            tell_those_in_charge(service, NoticeKind.PAUSED)
        return
    title = hold.values_list("title", flat=True).first() or ""
    with transaction.atomic():
        pause_service(service, reason, title)
        hold.update(lifted_at=timezone.now(), undecided=False)


def lift(pause: ServicePause, person: User) -> bool:
    """Let the service send again; returns False when somebody else had done so."""
    lifted = ServicePause.objects.filter(pk=pause.pk, lifted_at__isnull=True).update(
        lifted_at=timezone.now(), lifted_by=person, undecided=False
    )
    if lifted:
        wake(pause.service)
    return bool(lifted)


def not_paused(account_id: int) -> Q:
    """The condition on Message that leaves out what is paused in the account's services."""
    condition = Q()
    pauses = ServicePause.objects.filter(lifted_at__isnull=True, service__institution__account_id=account_id)
    for service_id, whole, features in pauses.values_list("service_id", "whole_service", "features"):
        paused = Q(service_id=service_id)
        if not whole:
            paused &= Q(features=features)
        condition &= ~paused
    return condition


def _pause(service: Service, reason: PauseReason, title: str, **columns: object) -> None:
    try:
        with transaction.atomic():
            ServicePause.objects.create(service=service, reason=reason, title=title[:200], **columns)
            if not columns["undecided"]:
                tell_those_in_charge(service, NoticeKind.PAUSED)
    except IntegrityError:
        return  # it is paused already
