"""The staff of an institution and what each may do."""

from __future__ import annotations

from django.conf import settings
from django.contrib.auth.models import AbstractUser
from django.db import models
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _

from messaging.enums import Role


class User(AbstractUser):
    """A member of staff."""

    language = models.CharField(_("lingua"), max_length=2, choices=settings.LANGUAGES, default="it")

    class Meta(AbstractUser.Meta):
        verbose_name = _("persona")  # type: ignore[assignment]
        verbose_name_plural = _("persone")  # type: ignore[assignment]

    def __str__(self) -> str:
        full = self.get_full_name()
        return f"{full} ({self.username})" if full else self.username

    @property
    def short_name(self) -> str:
        """First name and initial, as people are named on every screen: «Marta R.»."""
        if self.first_name and self.last_name:
            return f"{self.first_name} {self.last_name[0]}."
        return self.first_name or self.username

    @cached_property
    def roles(self) -> list[Membership]:
        """The person's roles with services and institutions, asked for once: each request has a person of its own."""
        return list(self.memberships.select_related("service__institution__account").order_by("pk"))


class Membership(models.Model):
    """A person's role in one service."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="memberships", verbose_name=_("persona"))
    service = models.ForeignKey(
        "messaging.Service", on_delete=models.CASCADE, related_name="memberships", verbose_name=_("servizio")
    )
    role = models.CharField(_("ruolo"), max_length=10, choices=Role)
    # Who changed their own role cannot approve with it.
    granted_by = models.ForeignKey(
        User,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        editable=False,
        related_name="+",
        verbose_name=_("dato da"),
    )
    granted_at = models.DateTimeField(_("dato il"), auto_now=True)

    class Meta:
        verbose_name = _("ruolo in un servizio")
        verbose_name_plural = _("ruoli nei servizi")
        constraints = [
            models.UniqueConstraint(fields=["user", "service"], name="one_role_per_service"),
            models.CheckConstraint(condition=models.Q(role__in=Role.values), name="membership_role_known"),
        ]

    def __str__(self) -> str:
        return f"{self.user.short_name}: {self.get_role_display()}, {self.service}"


class Administrator(models.Model):
    """A person who configures an institution: services, keys, people. Reads no message by this right."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="administrations", verbose_name=_("persona"))
    institution = models.ForeignKey(
        "messaging.Institution", on_delete=models.CASCADE, related_name="administrators", verbose_name=_("ente")
    )

    class Meta:
        verbose_name = _("amministratore")
        verbose_name_plural = _("amministratori")
        constraints = [models.UniqueConstraint(fields=["user", "institution"], name="administrator_once")]

    def __str__(self) -> str:
        return f"{self.user.short_name}, {self.institution}"
