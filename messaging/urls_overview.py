"""The supervisor's page."""

from django.urls import URLPattern, path

from messaging.views import overview

urlpatterns: list[URLPattern] = [
    path("overview/", overview.overview, name="overview"),
    path("overview/waiting/", overview.overview_waiting, name="overview_waiting"),
    path("overview/table/", overview.overview_table, name="overview_table"),
]
