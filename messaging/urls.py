"""The pages of the portal."""

from django.urls import path

from messaging import urls_help
from messaging.views import health

urlpatterns = [
    *urls_help.urlpatterns,
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
]
