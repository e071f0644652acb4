"""The pages of the portal."""

from django.urls import path

from messaging import urls_compose, urls_help, urls_pages
from messaging.views import health

urlpatterns = [
    *urls_help.urlpatterns,
    *urls_compose.urlpatterns,
    *urls_pages.urlpatterns,
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
]
