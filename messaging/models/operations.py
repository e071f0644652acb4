"""What the portal keeps about its own running."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from messaging.enums import NoticeKind


class Installation(models.Model):
    """The one row that says which installation this database belongs to, and whether sending is held.

    Its counterpart outside the database is the seal in SECRETS_DIR (messaging.delivery.seal).
    """

    identity = models.UUIDField(default=uuid.uuid4)
    release = models.PositiveIntegerField(default=0)
    held_at = models.DateTimeField(_("invii fermi da"), null=True, blank=True)
    released_at = models.DateTimeField(null=True, blank=True)
    released_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    release_note = models.TextField(blank=True)

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(id=1), name="one_installation")]


class DeliveryLoop(models.Model):
    """A place for one running delivery loop of an account: a lease that its holder keeps extending."""

    account = models.ForeignKey("messaging.GatewayAccount", on_delete=models.CASCADE, related_name="loops")
    slot = models.PositiveSmallIntegerField()
    holder = models.CharField(max_length=32, blank=True)
    expires_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["account", "slot"], name="one_loop_per_slot")]


class WorkerHeartbeat(models.Model):
    """When a worker last ran a task."""

    worker = models.CharField(max_length=200, unique=True)
    seen_at = models.DateTimeField()


class StaffNotice(models.Model):
    """Something a member of staff is to be told by e-mail; sent together with others of its kind."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="notices")
    kind = models.CharField(max_length=10, choices=NoticeKind)
    service = models.ForeignKey("messaging.Service", on_delete=models.CASCADE, null=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    sent_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [models.Index(fields=["created_at"], condition=Q(sent_at__isnull=True), name="notice_waiting")]
