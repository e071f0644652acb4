"""The pages that explain, and the switch between languages."""

from django.urls import URLPattern, path

from messaging.views import help as pages
from messaging.views.language import set_language

urlpatterns: list[URLPattern] = [
    path("help/", pages.guide, name="help"),
    path("help/statuses/", pages.statuses, name="status_help"),
    path("help/spreadsheets/", pages.spreadsheets, name="spreadsheet_help"),
    path("help/remote-content/", pages.remote_content, name="remote_content_help"),
    path("accessibility/", pages.accessibility, name="accessibility"),
    path("privacy/", pages.privacy, name="privacy"),
    path("i18n/setlang/", set_language, name="set_language"),
]
