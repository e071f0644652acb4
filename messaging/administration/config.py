"""The administration's app configuration: read before any model is there, so it imports none."""

from django.contrib.admin.apps import AdminConfig


class AdministrationConfig(AdminConfig):
    """Django's admin with the portal's own site in place of the stock one."""

    default_site = "messaging.administration.site.PortalAdminSite"
