"""The pages of the portal."""

from django.urls import path

from messaging import urls_batches, urls_compose, urls_help, urls_overview, urls_pages, urls_remote, urls_sendings
from messaging.views import health

urlpatterns = [
    *urls_help.urlpatterns,
    *urls_compose.urlpatterns,
    *urls_pages.urlpatterns,
    *urls_overview.urlpatterns,
    *urls_batches.urlpatterns,
    *urls_sendings.urlpatterns,
    *urls_remote.urlpatterns,
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
]
