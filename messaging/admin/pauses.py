"""Services that do not send for now, and the way to set them going again."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from messaging.admin.base import ScopedAdmin, acting
from messaging.delivery import pauses
from messaging.models import ServicePause
from messaging.templatetags.portal import when


class OpenFilter(admin.SimpleListFilter):
    """Open pauses first of all: an administrator comes here to end one."""

    title = _("stato")
    parameter_name = "stato"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("aperte", _("ancora sospesi")), ("chiuse", _("ripresi"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[ServicePause]) -> QuerySet[ServicePause]:
        if self.value() not in {"aperte", "chiuse"}:
            return queryset
        return queryset.filter(lifted_at__isnull=self.value() == "aperte")


@admin.register(ServicePause)
class ServicePauseAdmin(ScopedAdmin[ServicePause]):
    """Read-only, with one action."""

    list_display = ["service", "reason", "title", "what", "begun", "ended"]
    list_display_links = None
    list_filter = [OpenFilter]
    list_select_related = ["service", "lifted_by"]
    sortable_by = ()
    ordering = ["-id"]
    actions = ["lift"]

    @admin.display(description=_("che cosa è sospeso"))
    def what(self, obj: ServicePause) -> str:
        return gettext("tutto il servizio") if obj.whole_service else gettext("solo %(what)s") % {"what": obj.features}

    @admin.display(description=_("sospeso da"))
    def begun(self, obj: ServicePause) -> str:
        return when(obj.since)

    @admin.display(description=_("ripreso"))
    def ended(self, obj: ServicePause) -> str:
        if not obj.lifted_at:
            return gettext("non ancora")
        return f"{when(obj.lifted_at)}, {obj.lifted_by.short_name}" if obj.lifted_by else when(obj.lifted_at)

    def get_action_choices(self, request: HttpRequest, default_choices: Any = ()) -> list[tuple[str, str]]:
        """The one thing to do here, chosen already."""
        return super().get_action_choices(request, [])

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: ServicePause | None = None) -> bool:
        # Needed for the action; a pause has no form of its own.
        return obj is None

    @admin.action(description=_("Riprendi gli invii dei servizi scelti"), permissions=["change"])
    def lift(self, request: HttpRequest, queryset: QuerySet[ServicePause]) -> None:
        """Let the services send again, once what IO objected to is settled."""
        lifted = 0
        for pause in queryset.select_related("service__institution"):
            if pauses.lift(pause, acting(request)):
                self.log_change(request, pause, gettext("Invii ripresi."))
                lifted += 1
        if lifted:
            text = ngettext("Un servizio riprende gli invii.", "%(n)d servizi riprendono gli invii.", lifted) % {
                "n": lifted
            }
            messages.success(request, text)
        else:
            messages.info(request, gettext("Erano già stati ripresi."))

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        return super().changelist_view(request, {"title": gettext("Servizi sospesi"), **(extra_context or {})})
