"""The one application of the portal."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class MessagingConfig(AppConfig):
    name = "messaging"
    verbose_name = _("IO Portal")

    def ready(self) -> None:
        from messaging import checks, signals  # noqa: F401
