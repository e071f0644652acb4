"""The shell by itself: the real explaining and account pages, and stand-ins for the places of the navigation."""

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import include, path


def place(request: HttpRequest) -> HttpResponse:
    return render(request, "help/accessibility.html")


def boom(request: HttpRequest) -> HttpResponse:
    raise RuntimeError("on purpose")


def forbidden(request: HttpRequest) -> HttpResponse:
    raise PermissionDenied


def too_many(request: HttpRequest) -> HttpResponse:
    return render(request, "429.html", status=429)


urlpatterns = [
    path("account/", include("allauth.account.urls")),
    path("", include("messaging.urls_help")),
    path("", place, name="desk"),
    path("messages/", place, name="message_list"),
    path("messages/new/", place, name="message_new"),
    path("waiting/", place, name="waiting_list"),
    path("templates/", place, name="template_list"),
    path("services/", place, name="service_list"),
    path("boom/", boom),
    path("forbidden/", forbidden),
    path("too-many/", too_many),
    path("admin/", include(([path("", place, name="index")], "admin"))),
]
