"""The rows that several pages share: roles, administrators, the people of a trial."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from messaging.admin.base import LabelledFormSet, ScopedInline, acting
from messaging.admin.scope import scoped
from messaging.appio import fiscal_codes
from messaging.models import Administrator, AllowedRecipient, Institution, Membership, Service, User


class RoleForm(forms.ModelForm[Membership]):
    """A role that exists keeps its person and its service: another person is another row, given anew."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk:
            for name in {"user", "service"} & set(self.fields):
                self.fields[name].disabled = True


class _RoleInline(ScopedInline[Membership, Any]):
    model = Membership
    form = RoleForm
    fk_name: str | None
    readonly_fields = ["given"]
    verbose_name = _("ruolo")

    def given(self, obj: Membership) -> str:
        """Who gave the role and when: whoever gave it to themselves cannot approve with it."""
        if not obj.pk:
            return ""
        giver = obj.granted_by.short_name if obj.granted_by else gettext("all’installazione")
        return f"{giver}, {obj.granted_at:%d/%m/%Y}"

    given.short_description = _("dato da")  # type: ignore[attr-defined]


class ServiceRoleInline(_RoleInline):
    """Who works in a service."""

    fk_name = "service"
    fields = ["user", "role", "given"]
    autocomplete_fields = ["user"]
    verbose_name_plural = _("Chi ci lavora")

    def get_queryset(self, request: HttpRequest) -> Any:
        return (
            super()
            .get_queryset(request)
            .select_related("user", "granted_by")
            .order_by("user__last_name", "user__username")
        )


class PersonRoleInline(_RoleInline):
    """In which services a person works."""

    fk_name = "user"
    fields = ["service", "role", "given"]
    verbose_name_plural = _("In quali servizi lavora")

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).select_related("service", "granted_by").order_by("service__name")


class AdministratorFormSet(LabelledFormSet):
    """Nobody leaves an institution without the administrator that they themselves are."""

    acting_person: User

    def clean(self) -> None:
        super().clean()
        for form in self.deleted_forms:
            if form.instance.pk and form.instance.user_id == self.acting_person.pk:
                raise ValidationError(gettext("Non puoi togliere te stesso: chiedilo a un altro amministratore."))


class _AdministratorForm(forms.ModelForm[Administrator]):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk:
            for name in {"user", "institution"} & set(self.fields):
                self.fields[name].disabled = True


class _AdministratorInline(ScopedInline[Administrator, Any]):
    model = Administrator
    form = _AdministratorForm
    formset = AdministratorFormSet

    def get_formset(self, request: HttpRequest, obj: Any = None, **kwargs: Any) -> Any:
        formset: Any = super().get_formset(request, obj, **kwargs)
        formset.acting_person = acting(request)
        return formset


class InstitutionAdministratorInline(_AdministratorInline):
    """Who configures an institution."""

    fields = ["user"]
    autocomplete_fields = ["user"]
    verbose_name_plural = _("Chi lo amministra")


class PersonAdministratorInline(_AdministratorInline):
    """Which institutions a person configures."""

    fields = ["institution"]
    verbose_name_plural = _("Quali enti amministra (servizi, chiavi e persone; non legge i messaggi)")


class AllowedForm(forms.ModelForm[AllowedRecipient]):
    """A fiscal code as the platform takes it."""

    def clean_fiscal_code(self) -> str:
        code = fiscal_codes.normalise(self.cleaned_data["fiscal_code"])
        if not fiscal_codes.matches_platform(code):
            raise ValidationError(gettext("Non è un codice fiscale di persona: sono 16 caratteri."))
        return code


class AllowedRecipientInline(ScopedInline[AllowedRecipient, Service]):
    """To whom a service may write while it is on trial."""

    model = AllowedRecipient
    form = AllowedForm
    fields = ["label", "fiscal_code", "user"]
    autocomplete_fields = ["user"]
    verbose_name = _("persona")
    verbose_name_plural = _("Elenco di prova: finché il servizio è in prova scrive solo a loro")

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).select_related("user").order_by("label")


def own_institution(user: User) -> Institution | None:
    """The one institution that the person administers, to be chosen for them; None when there are several."""
    own = list(scoped(Institution, user)[:2])
    return own[0] if len(own) == 1 else None
