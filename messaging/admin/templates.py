"""Message templates."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from messaging.admin.base import ScopedAdmin, ScopedFilter, acting
from messaging.models import Template


@admin.register(Template)
class TemplateAdmin(ScopedAdmin[Template]):
    """Texts to be used again; buttons are drawn and changed at the desk."""

    list_display = ["name", "service", "kind", "changed_at"]
    list_filter = [("service", ScopedFilter)]
    list_select_related = ["service"]
    sortable_by = ["name"]
    search_fields = ["name", "slug"]
    readonly_fields = ["buttons_shown", "changed_by", "changed_at"]
    fieldsets = [
        (None, {"fields": ["service", "name", "slug", "kind"]}),
        (
            _("Testo"),
            {
                "fields": ["subject", "body", "buttons_shown"],
                "description": _(
                    "Ciò che cambia da persona a persona si scrive fra doppie parentesi, per esempio ((nome)): "
                    "il foglio dovrà avere una colonna con quel nome."
                ),
            },
        ),
        (_("Ultimo cambiamento"), {"fields": ["changed_by", "changed_at"]}),
    ]

    @admin.display(description=_("pulsanti"))
    def buttons_shown(self, obj: Template) -> str:
        """Labels and addresses; the desk has the editor for them."""
        if not obj.buttons:
            return gettext("nessuno; si aggiungono dalla scrivania")
        labels = ((str(button.get("label") or button),) for button in obj.buttons if isinstance(button, dict))
        return format_html("<ul>{}</ul>", format_html_join("", "<li>{}</li>", labels))

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).defer("body") if _is_list(request) else super().get_queryset(request)

    def get_readonly_fields(self, request: HttpRequest, obj: Template | None = None) -> list[str]:
        # Scheduled commands know a template by its service and short name.
        return [*self.readonly_fields, "service", "slug"] if obj else list(self.readonly_fields)

    def get_prepopulated_fields(self, request: HttpRequest, obj: Template | None = None) -> dict[str, Any]:
        return {} if obj else {"slug": ["name"]}

    def has_delete_permission(self, request: HttpRequest, obj: Template | None = None) -> bool:
        return self.reaches(request, obj)

    def save_model(self, request: HttpRequest, obj: Template, form: Any, change: bool) -> None:
        obj.changed_by = acting(request)
        super().save_model(request, obj, form, change)


def _is_list(request: HttpRequest) -> bool:
    return bool(request.resolver_match and str(request.resolver_match.url_name).endswith("_changelist"))
