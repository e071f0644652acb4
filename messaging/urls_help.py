"""The pages that explain, and the switch between languages."""

from django.urls import URLPattern, URLResolver, include, path

from messaging.views import help as pages

urlpatterns: list[URLPattern | URLResolver] = [
    path("help/", pages.guide, name="help"),
    path("help/statuses/", pages.statuses, name="status_help"),
    path("accessibility/", pages.accessibility, name="accessibility"),
    path("privacy/", pages.privacy, name="privacy"),
    path("i18n/", include("django.conf.urls.i18n")),
]
