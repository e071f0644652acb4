"""The administration's site: who is admitted, how they sign in, in which order its pages stand."""

from __future__ import annotations

from functools import update_wrapper
from typing import Any

from allauth.account.decorators import secure_admin_login
from django.contrib import admin
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from messaging.models import Administrator, Service, ServicePause, User
from messaging.permissions import administered_institutions

#: By use, not by alphabet: what an administrator opens most comes first.
_ORDER = ["Service", "User", "Template", "ServicePause", "Message", "Batch", "Institution", "GatewayAccount"]


class PortalAdminSite(admin.AdminSite):
    """Admits whoever administers an institution; everybody else who is signed in gets 404."""

    site_title = _("IO Portal")
    site_header = _("IO Portal · amministrazione")
    index_title = _("Amministrazione")
    empty_value_display = "–"
    site_url = "/"

    def __init__(self, name: str = "admin") -> None:
        super().__init__(name)
        # Deleting in bulk would carry related rows away unseen; what may be deleted at all has a page of its own.
        self.disable_action("delete_selected")

    def has_permission(self, request: HttpRequest) -> bool:
        """Whether the person administers an institution, or is superuser."""
        user = request.user
        if not (isinstance(user, User) and user.is_active):
            return False
        return user.is_superuser or Administrator.objects.filter(user=user).exists()

    def admin_view(self, view: Any, cacheable: bool = False) -> Any:
        guarded = super().admin_view(view, cacheable)

        def answer(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            if request.user.is_authenticated and not self.has_permission(request):
                raise Http404
            response: HttpResponse = guarded(request, *args, **kwargs)
            return response

        return update_wrapper(answer, guarded)

    def register(self, model_or_iterable: Any, admin_class: Any = None, **options: Any) -> None:
        """Take only the portal's own pages: those that packages bring are not restricted to one's institutions."""
        if admin_class is not None and admin_class.__module__.startswith("messaging.admin."):
            super().register(model_or_iterable, admin_class, **options)

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Send everybody through allauth, so that its limits and second factors hold here too."""
        if self.has_permission(request):
            return HttpResponseRedirect(reverse("admin:index", current_app=self.name))
        if request.user.is_authenticated:
            raise Http404
        response: HttpResponse = secure_admin_login(super().login)(request, extra_context)
        return response

    def password_change(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        """The portal's own page: one place to change a password, one set of rules."""
        return HttpResponseRedirect(reverse("account_change_password"))

    def get_app_list(self, request: HttpRequest, app_label: str | None = None) -> Any:
        app_list = super().get_app_list(request, app_label)
        for app in app_list:
            app["models"].sort(key=lambda model: _ORDER.index(model["object_name"]))
        return app_list

    def index(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        return super().index(request, {**self._needs_attention(request), **(extra_context or {})})

    def _needs_attention(self, request: HttpRequest) -> dict[str, Any]:
        """What an administrator should look at first, without having to know where."""
        services = Service.objects.filter(institution__in=administered_institutions(request.user).values("pk"))
        return {
            "open_pauses": ServicePause.objects.filter(service__in=services.values("pk"), lifted_at__isnull=True)
            .select_related("service")
            .order_by("since")[:20],
            "services_without_key": services.exclude(keys__in_use=True)[:20],
            "services_without_people": services.filter(memberships__isnull=True)[:20],
        }
