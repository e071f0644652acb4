"""Institutions, and the gateway accounts whose pace they share."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from messaging.admin.base import ScopedAdmin, acting
from messaging.admin.inlines import InstitutionAdministratorInline
from messaging.admin.scope import scoped, shares_with_others
from messaging.models import GatewayAccount, Institution
from messaging.templatetags.portal import number, when


class InstitutionForm(forms.ModelForm[Institution]):
    """The hours of sending are two or none, and end later on the same day."""

    class Meta:
        model = Institution
        fields = "__all__"

    def clean(self) -> dict[str, Any] | None:
        data = super().clean() or {}
        if {"polite_from", "polite_until"} & set(self.errors):
            return data
        first, last = data.get("polite_from"), data.get("polite_until")
        if (first is None) != (last is None):
            missing = "polite_from" if first is None else "polite_until"
            self.add_error(missing, gettext("Scrivi sia l’inizio sia la fine, oppure lascia vuoti tutti e due."))
        elif first is not None and last is not None and first >= last:
            self.add_error(
                "polite_until", gettext("La fine viene dopo l’inizio, nello stesso giorno: per esempio 20:00.")
            )
        return data


@admin.register(Institution)
class InstitutionAdmin(ScopedAdmin[Institution]):
    """Name, fiscal code and hours; which account it calls IO with is the superuser's to say."""

    form = InstitutionForm
    list_display = ["name", "fiscal_code", "account"]
    list_select_related = ["account"]
    sortable_by = ["name"]
    fieldsets = [
        (None, {"fields": ["name", "fiscal_code"]}),
        (
            _("Orario degli invii da foglio"),
            {
                "fields": [("polite_from", "polite_until")],
                "description": _(
                    "Le ore in cui partono gli invii da foglio, perché nessuno sia svegliato da una notifica: "
                    "proponiamo dalle 08:00 alle 20:00. Fuori da queste ore un invio aspetta, e riprende da solo."
                ),
            },
        ),
        (
            _("Collegamento con IO"),
            {
                "fields": ["account"],
                "description": _(
                    "Il contratto con cui l’ente chiama IO: tutti i servizi dell’ente ne dividono il ritmo."
                ),
            },
        ),
    ]
    inlines = [InstitutionAdministratorInline]

    def get_readonly_fields(self, request: HttpRequest, obj: Institution | None = None) -> list[str]:
        return [] if acting(request).is_superuser else ["account"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return acting(request).is_superuser

    def has_delete_permission(self, request: HttpRequest, obj: Institution | None = None) -> bool:
        """Only an institution made by mistake: without services and without citizens."""
        if obj is None or not acting(request).is_superuser:
            return False
        return not (obj.services.exists() or obj.recipients.exists())


class AccountForm(forms.ModelForm[GatewayAccount]):
    """The rate is two numbers or none."""

    class Meta:
        model = GatewayAccount
        fields = ["name", "calls", "seconds"]
        localized_fields = ["seconds"]

    def clean(self) -> dict[str, Any] | None:
        data = super().clean() or {}
        if bool(data.get("calls")) != bool(data.get("seconds")):
            raise forms.ValidationError(
                gettext("Scrivi sia le chiamate sia i secondi, oppure lascia vuoti tutti e due.")
            )
        return data


@admin.register(GatewayAccount)
class GatewayAccountAdmin(ScopedAdmin[GatewayAccount]):
    """The limit of calls; whoever shares the account with strangers may look, not touch."""

    form = AccountForm
    list_display = ["name", "pace", "state"]
    sortable_by = ["name"]
    ordering = ["name"]
    readonly_fields = ["used_by", "pace", "state"]
    fieldsets = [
        (None, {"fields": ["name", "used_by", "state"]}),
        (
            _("Ritmo"),
            {
                "fields": ["pace", ("calls", "seconds")],
                "description": _(
                    "Quante chiamate accetta IO e in quanti secondi. Lascia vuoto per il limite generale: "
                    "cambialo solo se PagoPA ti ha scritto un numero diverso."
                ),
            },
        ),
    ]

    @admin.display(description=_("ritmo in uso"))
    def pace(self, obj: GatewayAccount) -> str:
        calls, seconds = obj.rate
        return gettext("%(calls)s chiamate ogni %(seconds)g secondi") % {"calls": number(calls), "seconds": seconds}

    @admin.display(description=_("stato"))
    def state(self, obj: GatewayAccount) -> str:
        if obj.paused_at:
            return gettext("fermo: IO non risponde da %(when)s, riproviamo da soli") % {"when": when(obj.paused_at)}
        return gettext("regolare")

    @admin.display(description=_("usata da"))
    def used_by(self, obj: GatewayAccount) -> str:
        return ", ".join(obj.institutions.values_list("name", flat=True)) or "–"

    def get_fieldsets(self, request: HttpRequest, obj: GatewayAccount | None = None) -> Any:
        if obj is not None and not self.has_change_permission(request, obj):
            # The names of institutions that the person does not administer are not theirs to read.
            return [(None, {"fields": ["name", "state"]}), (_("Ritmo"), {"fields": ["pace"]})]
        return super().get_fieldsets(request, obj)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return acting(request).is_superuser

    def has_change_permission(self, request: HttpRequest, obj: GatewayAccount | None = None) -> bool:
        if obj is None:
            return True
        user = acting(request)
        return scoped(GatewayAccount, user).filter(pk=obj.pk).exists() and not shares_with_others(user, obj)

    def has_delete_permission(self, request: HttpRequest, obj: GatewayAccount | None = None) -> bool:
        return obj is not None and acting(request).is_superuser and not obj.institutions.exists()
