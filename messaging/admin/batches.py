"""Spreadsheets' sendings as an administrator may see them: where each stands and how many rows, never what they say.

Who has a role in the service also sees name, file, kind and people, and a way to the sending at the desk.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import admin, messages
from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from messaging.admin.base import ScopedAdmin, ScopedFilter, ScopedInline, acting
from messaging.delivery import batches
from messaging.enums import Status
from messaging.models import Batch, BatchChange, Membership
from messaging.templatetags.portal import number

_HIDDEN = "–"
_ROWS = ["rows_total", "rows_good", "rows_wrong", "rows_repeated", "rows_excluded", "rows_moved"]
_DATES = ["created_at", "submitted_at", "starts_at", "started_at", "finished_at"]
_LOADED = [
    *("public_id", "status", "name", "kind", "filename", "submitted_by", "approved_by", "changed_at"),
    *("service__name", "author__first_name", "author__last_name", "author__username"),
    *(*_ROWS, *_DATES),
]


class BatchChangeInline(ScopedInline[BatchChange, Batch]):
    """The sending's story without the notes that people wrote."""

    model = BatchChange
    verbose_name_plural = _("Come ci è arrivato")
    ordering = ["id"]
    can_delete = False

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        if obj is not None and obj.has_role:
            return ["at", "step", "actor"]
        return ["at", "step"]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return self.get_fields(request, obj)

    def get_queryset(self, request: HttpRequest) -> QuerySet[BatchChange]:
        return super().get_queryset(request).select_related("actor").defer("note").order_by("id")

    @admin.display(description=_("passo"))
    def step(self, obj: BatchChange) -> str:
        """From which status to which; a colleague's first correction leaves it where it was."""
        if obj.from_status == obj.to_status:
            return gettext("corretto, resta «%(status)s»") % {"status": obj.get_to_status_display()}
        return f"{obj.get_from_status_display()} → {obj.get_to_status_display()}"

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Batch)
class BatchAdmin(ScopedAdmin[Batch]):
    """Read-only: sendings are prepared, approved and stopped at the desk."""

    list_display = ["shown_id", "status", "service", "name_shown", "author_shown", "rows_shown", "created_at"]
    list_filter = ["status", ("service", ScopedFilter)]
    list_select_related = ["service", "author"]
    ordering = ["-id"]
    sortable_by = ()
    search_fields = ["public_id"]
    search_help_text = _("Codice dell’invio, per intero.")
    list_per_page = 25
    list_max_show_all = 0
    actions = None
    inlines = [BatchChangeInline]

    # Rows and columns

    def get_list_display(self, request: HttpRequest) -> Any:
        """Without a role anywhere the columns that only a role fills are left out."""
        if Membership.objects.filter(user=acting(request)).exists():
            return self.list_display
        return [name for name in self.list_display if name not in {"name_shown", "author_shown"}]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Batch]:
        roles = Membership.objects.filter(user=acting(request), service=OuterRef("service"))
        return super().get_queryset(request).only(*_LOADED).annotate(has_role=Exists(roles))

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Batch:
        found: Any = super().get_object(request, object_id, from_field)
        if not found.has_role:
            # Titles and breadcrumbs show an object's name, which says what its messages are about. Never saved.
            found.name = str(found.public_id)
        return found  # type: ignore[no-any-return]

    @admin.display(description=_("codice"))
    def shown_id(self, obj: Batch) -> str:
        return str(obj.public_id)

    @admin.display(description=_("nome"))
    def name_shown(self, obj: Any) -> str:
        return obj.name if obj.has_role else _HIDDEN

    @admin.display(description=_("preparato da"))
    def author_shown(self, obj: Any) -> str:
        return obj.author.short_name if obj.has_role else _HIDDEN

    @admin.display(description=_("righe"))
    def rows_shown(self, obj: Batch) -> str:
        return number(obj.rows_total)

    @admin.display(description=_("messaggi, per stato"))
    def messages_shown(self, obj: Batch) -> str:
        """The sending's messages by status; the rows that did not become messages are counted above."""
        counts = batches.counts(obj)
        lines = [(status.label, number(counts[status])) for status in Status if status in counts]
        return format_html_join(", ", "{}: {}", lines) or _HIDDEN

    @admin.display(description=_("testo e destinatari"))
    def at_the_desk(self, obj: Batch) -> str:
        """The sending's page at the desk, which shows them to whoever may read them."""
        address = reverse("batch_detail", args=[obj.public_id])
        return format_html('<a href="{}">{}</a>', address, gettext("Apri l’invio alla scrivania"))

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        plain: list[Any] = [
            (None, {"fields": ["shown_id", "status", "service"]}),
            (_("Quante righe"), {"fields": [*_ROWS, "messages_shown"]}),
            (_("Quando"), {"fields": _DATES}),
        ]
        if obj is not None and obj.has_role:
            plain[0][1]["fields"] += ["name", "kind", "filename", "author", "submitted_by", "approved_by"]
            plain[0][1]["fields"] += ["at_the_desk"]
        else:
            plain[0][1]["description"] = _(
                "Chi amministra non legge gli invii: il resto lo vede chi ha un ruolo nel servizio."
            )
        return plain

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return [name for _title, options in self.get_fieldsets(request, obj) for name in options["fields"]]

    # Permissions

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Batch | None = None) -> bool:
        return False

    # Search

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Batch], search_term: str
    ) -> tuple[QuerySet[Batch], bool]:
        """By the sending's whole code; anything else gets an answer that says so."""
        term = search_term.strip()
        if not term:
            return queryset, False
        try:
            return queryset.filter(public_id=UUID(term)), False
        except ValueError:
            messages.info(request, gettext("Si cerca solo per codice intero dell’invio."))
            return queryset.none(), False
