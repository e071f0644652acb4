"""The classes every page of the administration is built from: restricted to what the person administers."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, TypeVar, cast

from django.contrib import admin, messages
from django.contrib.admin.widgets import RelatedFieldWidgetWrapper
from django.db.models import ForeignKey, Model, QuerySet
from django.forms.models import BaseInlineFormSet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.translation import gettext as _

from messaging.admin.scope import scoped
from messaging.appio.fiscal_codes import mask
from messaging.models import User

M = TypeVar("M", bound=Model)
P = TypeVar("P", bound=Model)

if TYPE_CHECKING:

    class _ModelAdmin(admin.ModelAdmin[M]):
        pass

    class _TabularInline(admin.TabularInline[M, P]):
        pass

    Filter = admin.RelatedFieldListFilter
    InlineFormSet = BaseInlineFormSet[Any, Any, Any]
else:

    class _Subscriptable:
        def __class_getitem__(cls, item):
            return cls

    class _ModelAdmin(_Subscriptable, admin.ModelAdmin):
        pass

    class _TabularInline(_Subscriptable, admin.TabularInline):
        pass

    Filter = admin.RelatedFieldListFilter
    InlineFormSet = BaseInlineFormSet


def acting(request: HttpRequest) -> User:
    """The person at the screen; the site admits nobody who is not signed in."""
    return cast(User, request.user)


_OPAQUE_ID = re.compile(r"[0-9A-Za-z]{26}|[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")


def holds_fiscal_code(text: str) -> bool:
    """Whether a text typed into a search box is or contains a fiscal code, right or mistyped."""
    if _OPAQUE_ID.fullmatch(text.strip()):
        return False
    return mask(text) != text or bool(re.fullmatch(r"[A-Za-z0-9]{16}", re.sub(r"[\W_]+", "", text)))


class ScopedAdmin(_ModelAdmin[M]):
    """A ModelAdmin whose rows, choices, filters and permissions end where the person's institutions end."""

    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    list_per_page = 50

    # Rows

    def get_queryset(self, request: HttpRequest) -> QuerySet[M]:
        ordering = self.get_ordering(request)
        rows = scoped(self.model, acting(request))
        return rows.order_by(*ordering) if ordering else rows

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> M:
        """One row of the person's institutions; 404 for any other, whether it exists or not."""
        found = super().get_object(request, object_id, from_field)
        if found is None:
            raise Http404
        return found

    def reaches(self, request: HttpRequest, obj: Model | None) -> bool:
        """Whether the object lies within what the person administers; with no object, whether any could."""
        if obj is None or obj.pk is None:
            return True
        return scoped(type(obj), acting(request)).filter(pk=obj.pk).exists()

    # Permissions: the site has admitted the person, the rows are theirs

    def has_module_permission(self, request: HttpRequest) -> bool:
        return True

    def has_view_permission(self, request: HttpRequest, obj: M | None = None) -> bool:
        return self.reaches(request, obj)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return True

    def has_change_permission(self, request: HttpRequest, obj: M | None = None) -> bool:
        return self.reaches(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: M | None = None) -> bool:
        return False

    # Choices

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        return _plain(super().formfield_for_dbfield(db_field, request, **kwargs))

    def formfield_for_foreignkey(self, db_field: ForeignKey[Any, Any], request: HttpRequest, **kwargs: Any) -> Any:
        return super().formfield_for_foreignkey(db_field, request, **_restricted(db_field, request, kwargs))

    # Lists

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest | None = None) -> bool:
        """Only what the filters of the page offer: any other lookup would answer questions about hidden columns."""
        offered = [item[0] if isinstance(item, list | tuple) else item for item in self.list_filter]
        names = {name for name in offered if isinstance(name, str)}
        return lookup in {f"{name}{end}" for name in names for end in ("", "__exact", "__id__exact", "__isnull")}

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        # A fiscal code must not stay in an address, where browsers, proxies and logs keep it.
        if any(holds_fiscal_code(value) for values in request.GET.lists() for value in values[1]):
            messages.warning(
                request,
                _(
                    "Qui non si cerca per codice fiscale: resterebbe scritto nell’indirizzo della pagina. "
                    "Chi ha un ruolo nel servizio può cercarlo dalla scrivania."
                ),
            )
            return HttpResponseRedirect(request.path)
        return super().changelist_view(request, extra_context)


class LabelledFormSet(InlineFormSet):
    """Rows in columns, where each control says its own name to a screen reader."""

    def add_fields(self, form: Any, index: int | None) -> None:
        super().add_fields(form, index)
        for field in form.fields.values():
            field.widget.attrs.setdefault("aria-label", field.label)


class ScopedInline(_TabularInline[M, P]):
    """Rows inside another page, restricted like the page itself."""

    formset = LabelledFormSet

    extra = 0
    show_change_link = False

    def get_queryset(self, request: HttpRequest) -> QuerySet[M]:
        return scoped(self.model, acting(request))

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return True

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return True

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return True

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return True

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        return _plain(super().formfield_for_dbfield(db_field, request, **kwargs))

    def formfield_for_foreignkey(self, db_field: ForeignKey[Any, Any], request: HttpRequest, **kwargs: Any) -> Any:
        return super().formfield_for_foreignkey(db_field, request, **_restricted(db_field, request, kwargs))


class ScopedFilter(Filter):
    """A filter by a related row that offers only the person's own."""

    def field_choices(self, field: Any, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        own = scoped(field.remote_field.model, acting(request)).order_by("name")
        return [(str(row.pk), str(row)) for row in own]


def _plain(field: Any) -> Any:
    """Choices without the pencils and crosses that open other pages in small windows."""
    if field is not None and isinstance(field.widget, RelatedFieldWidgetWrapper):
        field.widget = field.widget.widget
    return field


def _restricted(db_field: ForeignKey[Any, Any], request: HttpRequest, kwargs: dict[str, Any]) -> dict[str, Any]:
    kwargs.setdefault("queryset", scoped(db_field.remote_field.model, acting(request)))
    return kwargs
