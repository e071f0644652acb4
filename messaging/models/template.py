"""Texts that staff write once and use again."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from messaging.enums import Kind
from messaging.models.remote import RemoteText


class Template(RemoteText):
    """A message text with ``((placeholders))``, belonging to one service."""

    service = models.ForeignKey(
        "messaging.Service", on_delete=models.CASCADE, related_name="templates", verbose_name=_("servizio")
    )
    name = models.CharField(_("nome"), max_length=100)
    slug = models.SlugField(_("nome breve"))
    kind = models.CharField(_("tipo"), max_length=20, choices=Kind, default=Kind.INFORMATIONAL)
    subject = models.CharField(_("oggetto"), max_length=300)
    body = models.TextField(_("testo"))
    buttons = models.JSONField(_("pulsanti"), default=list, blank=True)
    changed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        editable=False,
        related_name="+",
        verbose_name=_("cambiato da"),
    )
    changed_at = models.DateTimeField(_("cambiato il"), auto_now=True)

    class Meta:
        verbose_name = _("modello")
        verbose_name_plural = _("modelli")
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(fields=["service", "slug"], name="template_slug_once"),
            models.UniqueConstraint(fields=["service", "name"], name="template_name_once"),
            models.CheckConstraint(condition=models.Q(kind__in=Kind.values), name="template_kind_known"),
        ]

    def __str__(self) -> str:
        return self.name
