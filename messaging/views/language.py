"""The switch between languages."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase
from django.views.i18n import set_language as set_language_cookie

from messaging.models import User


def set_language(request: HttpRequest) -> HttpResponseBase:
    """Change the language of the pages and, for whoever has signed in, of their e-mails."""
    language = request.POST.get("language", "")
    if isinstance(request.user, User) and language in dict(settings.LANGUAGES):
        User.objects.filter(pk=request.user.pk).update(language=language)
    return set_language_cookie(request)
