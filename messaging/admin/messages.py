"""Messages as an administrator may see them: where each stands, never what it says or to whom.

Who has a role in the service also sees kind, author and the like, and a way to the message at the desk.
"""

from __future__ import annotations

import re
from typing import Any
from uuid import UUID

from django.contrib import admin, messages
from django.core.paginator import Paginator
from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils.html import format_html
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from messaging.admin.base import ScopedAdmin, ScopedFilter, ScopedInline, acting
from messaging.admin.paging import CappedPaginator
from messaging.admin.scope import scoped
from messaging.models import Membership, Message, Service, StatusChange

_IO_ID = re.compile(r"[0-9A-HJKMNP-TV-Za-hjkmnp-tv-z]{26}")
_HIDDEN = "–"
_DATES = ["created_at", "queued_at", "accepted_at"]
_LOADED = [
    *("public_id", "status", "kind", "attempt_number", "io_id", "submitted_by", "approved_by", *_DATES),
    *("service__name", "author__first_name", "author__last_name", "author__username"),
]

#: The index leaves out messages without a code, and SQLite uses it only where the query says the same in so many words.
_BY_IO_ID = "SELECT id FROM messaging_message WHERE io_id = %s AND NOT (io_id = '')"


class StatusChangeInline(ScopedInline[StatusChange, Message]):
    """The message's story without the notes that people wrote."""

    model = StatusChange
    verbose_name_plural = _("Come ci è arrivato")
    ordering = ["id"]
    can_delete = False

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        if obj is not None and obj.has_role:
            return ["at", "from_status", "to_status", "reason", "attempt_number", "actor"]
        return ["at", "from_status", "to_status"]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return self.get_fields(request, obj)

    def get_queryset(self, request: HttpRequest) -> QuerySet[StatusChange]:
        return super().get_queryset(request).select_related("actor").defer("note", "detail").order_by("id")

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Message)
class MessageAdmin(ScopedAdmin[Message]):
    """Read-only, and quick with a million rows: no dates to filter by, no text to search in, no exact total."""

    list_display = ["shown_id", "status", "service", "kind_shown", "author_shown", "created_at"]
    list_filter = ["status", ("service", ScopedFilter)]
    list_select_related = ["service", "author"]
    ordering = ["-id"]
    sortable_by = ()
    search_fields = ["public_id"]
    search_help_text = _(
        "Codice del messaggio o codice dato da IO, per intero. Per codice fiscale si cerca dalla scrivania."
    )
    list_per_page = 25
    list_max_show_all = 0
    actions = None
    inlines = [StatusChangeInline]

    # Rows and columns

    def get_list_display(self, request: HttpRequest) -> Any:
        """Without a role anywhere the columns that only a role fills are left out."""
        if Membership.objects.filter(user=acting(request)).exists():
            return self.list_display
        return [name for name in self.list_display if name not in {"kind_shown", "author_shown"}]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Message]:
        roles = Membership.objects.filter(user=acting(request), service=OuterRef("service"))
        return super().get_queryset(request).only(*_LOADED).annotate(has_role=Exists(roles))

    def get_paginator(self, request: HttpRequest, queryset: Any, per_page: int, *args: Any, **kw: Any) -> Any:
        if queryset.model is not Message:  # the page of an object's history asks here too
            return Paginator(queryset, per_page)
        user = acting(request)
        services = None if user.is_superuser else list(scoped(Service, user).values_list("pk", flat=True))
        return CappedPaginator(queryset, per_page, services=services)

    @admin.display(description=_("codice"))
    def shown_id(self, obj: Message) -> str:
        return str(obj.public_id)

    @admin.display(description=_("tipo"))
    def kind_shown(self, obj: Any) -> str:
        return obj.get_kind_display() if obj.has_role else _HIDDEN

    @admin.display(description=_("scritto da"))
    def author_shown(self, obj: Any) -> str:
        return obj.author.short_name if obj.has_role else _HIDDEN

    @admin.display(description=_("testo e destinatario"))
    def at_the_desk(self, obj: Message) -> str:
        """The message's page at the desk, which shows them to whoever may read them."""
        try:
            address = reverse("message_detail", args=[obj.public_id])
        except NoReverseMatch:
            return _HIDDEN
        return format_html('<a href="{}">{}</a>', address, gettext("Apri il messaggio alla scrivania"))

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        plain: list[Any] = [(None, {"fields": ["shown_id", "status", "service"]}), (_("Quando"), {"fields": _DATES})]
        if obj is not None and obj.has_role:
            plain[0][1]["fields"] += ["io_id", "kind", "author", "submitted_by", "approved_by", "attempt_number"]
            plain[0][1]["fields"] += ["at_the_desk"]
        else:
            plain[0][1]["description"] = _(
                "Chi amministra non legge i messaggi: il resto lo vede chi ha un ruolo nel servizio."
            )
        return plain

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return [name for _title, options in self.get_fieldsets(request, obj) for name in options["fields"]]

    # Permissions

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Message | None = None) -> bool:
        return False

    # Search

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Message], search_term: str
    ) -> tuple[QuerySet[Message], bool]:
        """By the message's code or by IO's, whole; anything else gets an answer that says so."""
        term = search_term.strip()
        if not term:
            return queryset, False
        if _IO_ID.fullmatch(term):
            return queryset.filter(pk__in=[row.pk for row in Message.objects.raw(_BY_IO_ID, [term.upper()])]), False
        try:
            return queryset.filter(public_id=UUID(term)), False
        except ValueError:
            messages.info(
                request, gettext("Si cerca solo per codice intero: quello del messaggio o quello dato da IO.")
            )
            return queryset.none(), False
