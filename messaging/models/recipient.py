"""The people an institution writes to, and whether a service can reach them."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from messaging.enums import ReachabilityAnswer


class Recipient(models.Model):
    """A citizen, known to one institution by fiscal code; addresses carry only ``public_id``."""

    institution = models.ForeignKey(
        "messaging.Institution", on_delete=models.PROTECT, related_name="recipients", verbose_name=_("ente")
    )
    fiscal_code = models.CharField(_("codice fiscale"), max_length=16)
    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)

    class Meta:
        verbose_name = _("destinatario")
        verbose_name_plural = _("destinatari")
        constraints = [
            models.UniqueConstraint(fields=["institution", "fiscal_code"], name="recipient_once_per_institution"),
        ]

    def __str__(self) -> str:
        return str(self.public_id)


class Reachability(models.Model):
    """What IO last said of one person for one service; serves for twelve hours."""

    recipient = models.ForeignKey(Recipient, on_delete=models.CASCADE, related_name="reachability", db_index=False)
    service = models.ForeignKey("messaging.Service", on_delete=models.CASCADE, related_name="+", db_index=False)
    answer = models.CharField(_("risposta"), max_length=10, choices=ReachabilityAnswer)
    preferred_languages = models.CharField(max_length=60, blank=True)
    asked_at = models.DateTimeField(_("chiesto il"))

    class Meta:
        verbose_name = _("raggiungibilità")
        verbose_name_plural = _("raggiungibilità")
        constraints = [
            models.UniqueConstraint(fields=["recipient", "service"], name="one_answer_per_service"),
            models.CheckConstraint(condition=Q(answer__in=ReachabilityAnswer.values), name="reachability_answer_known"),
        ]


class ReachabilityQuestion(models.Model):
    """A record that a person asked whether a citizen can be reached: asking is itself processing of personal data."""

    recipient = models.ForeignKey(Recipient, on_delete=models.CASCADE, related_name="questions")
    service = models.ForeignKey("messaging.Service", on_delete=models.CASCADE, related_name="+")
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    asked_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        indexes = [models.Index(fields=["asked_by", "asked_at"], name="question_person_time")]
