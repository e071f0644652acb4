"""The administration's app configuration; apart from messaging.admin, which needs the models to be loaded."""

from django.contrib.admin.apps import AdminConfig


class AdministrationConfig(AdminConfig):
    """Django's admin with the portal's own site in place of the stock one."""

    default_site = "messaging.admin.site.PortalAdminSite"
