"""The staff: who they are, how they enter, which roles they have.

The rule: an administrator sees whoever has a place in their institutions, gives and takes roles there, and changes who
a person is only if that person has no place elsewhere (scope.governs). Since whoever sets a password or an e-mail could
enter in the person's place and approve messages, both are the administrator's only until the person first signs in;
after that the administrator can have the e-mail for a new password sent, and a superuser can do the rest.
"""

from __future__ import annotations

from smtplib import SMTPException
from typing import Any

from allauth.account.forms import ResetPasswordForm
from allauth.account.models import EmailAddress
from allauth.core.context import request_context
from django import forms
from django.contrib import admin, messages
from django.contrib.admin.models import LogEntry
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.forms import AdminUserCreationForm
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import path, reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST
from structlog import get_logger

from messaging.admin.base import ScopedAdmin, acting
from messaging.admin.inlines import PersonAdministratorInline, PersonRoleInline
from messaging.admin.scope import governs
from messaging.admin.service import save_roles_as
from messaging.models import User
from messaging.templatetags.portal import when

log = get_logger(__name__)

_USERNAME_HELP = _("Con cui entra nel portale, oltre che con l’e-mail: per esempio m.rossi.")


class _EmailOnce:
    """People sign in with their e-mail too: it belongs to one of them."""

    cleaned_data: dict[str, Any]
    instance: User

    def clean_email(self) -> str:
        email = str(self.cleaned_data.get("email") or "").strip()
        if email and User.objects.filter(email__iexact=email).exclude(pk=self.instance.pk).exists():
            raise ValidationError(gettext("Questa e-mail è già di un’altra persona."))
        return email


class NewPersonForm(_EmailOnce, AdminUserCreationForm):  # type: ignore[type-arg]
    """A new person: either writes their own password from an e-mail, or gets a first one by hand."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        way = self.fields["usable_password"]
        way.label = _("Come entra la prima volta")
        way.choices = [  # type: ignore[attr-defined]
            ("false", _("riceve un’e-mail e sceglie da sé la password")),
            ("true", _("con una password provvisoria che scrivo qui e gli consegno a mano")),
        ]
        way.help_text = _("L’e-mail è la via più sicura: la password la conosce solo chi la sceglie.")
        way.initial = "false"
        self.fields["password1"].label = _("Password provvisoria")
        self.fields["password2"].label = _("Password provvisoria, di nuovo")
        for name in ("first_name", "last_name", "email"):
            self.fields[name].required = True
        self.fields["username"].help_text = _USERNAME_HELP

    class Meta:
        model = User
        fields = ["username", "first_name", "last_name", "email", "language"]


class PersonForm(_EmailOnce, forms.ModelForm[User]):
    """A person who exists already."""

    class Meta:
        model = User
        fields = ["username", "first_name", "last_name", "email", "language", "is_active", "is_superuser"]
        help_texts = {
            "username": _USERNAME_HELP,
            "is_active": _(
                "Togli la spunta a chi non lavora più qui: non entra più, e ciò che ha fatto resta scritto."
            ),
            "is_superuser": _("Amministra ogni ente e ogni utenza di IO."),
        }


@admin.register(User)
class PersonAdmin(ScopedAdmin[User], UserAdmin):  # type: ignore[type-arg]
    """People, restricted as the module says."""

    form = PersonForm
    add_form = NewPersonForm
    add_form_template = "admin/messaging/user/add_form.html"
    change_form_template = "admin/messaging/user/change_form.html"
    list_display = ["full_name", "username", "email", "is_active", "seen"]
    list_filter = ["is_active"]
    sortable_by = ["full_name", "username"]
    ordering = ["last_name", "first_name", "username"]
    search_fields = ["username", "first_name", "last_name", "email"]
    filter_horizontal = ()
    inlines = [PersonRoleInline, PersonAdministratorInline]
    readonly_fields = ["seen"]
    add_fieldsets = (
        (_("Chi è"), {"fields": ("first_name", "last_name", "email", "username", "language")}),
        (_("Primo accesso"), {"fields": ("usable_password", "password1", "password2")}),
    )

    # Lists

    @admin.display(description=_("persona"), ordering="last_name")
    def full_name(self, obj: User) -> str:
        return f"{obj.last_name} {obj.first_name}".strip() or obj.username

    @admin.display(description=_("ultimo accesso"))
    def seen(self, obj: User) -> str:
        return when(obj.last_login) or gettext("mai entrata")

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest | None = None) -> bool:
        return ScopedAdmin.lookup_allowed(self, lookup, value, request)

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        return ScopedAdmin.get_queryset(self, request)

    # Permissions and form

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        """Only somebody created by mistake: never signed in, nothing done. Others are deactivated."""
        if obj is None or obj.last_login or not self.reaches(request, obj) or not governs(acting(request), obj):
            return False
        return not (obj.messages.exists() or obj.batches.exists() or LogEntry.objects.filter(user=obj).exists())

    def get_fieldsets(self, request: HttpRequest, obj: User | None = None) -> Any:
        if obj is None:
            return self.add_fieldsets
        access = ["is_active", "seen"]
        if acting(request).is_superuser:
            access.append("is_superuser")
        return [
            (_("Chi è"), {"fields": ["first_name", "last_name", "email", "username", "language"]}),
            (_("Accesso"), {"fields": access}),
        ]

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> list[str]:
        fixed = list(self.readonly_fields)
        user = acting(request)
        if obj is None:
            return fixed
        if not governs(user, obj):
            return [*fixed, "first_name", "last_name", "email", "username", "language", "is_active", "is_superuser"]
        if not may_set_credentials(user, obj):
            fixed += ["email", "username"]
        if obj == user:
            # Nobody locks themselves out, nor raises themselves up.
            fixed += ["is_active", "is_superuser"]
        return fixed

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        person, user = self.get_object(request, object_id), acting(request)
        extra = {
            "governed": governs(user, person),
            "may_set_password": may_set_credentials(user, person),
            "may_send_reset": governs(user, person) and person.is_active and bool(person.email),
        }
        return super().change_view(request, object_id, form_url, {**extra, **(extra_context or {})})

    # Saving

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        if change and "email" in form.changed_data:
            # allauth keeps addresses of its own and would go on writing to the old one.
            EmailAddress.objects.filter(user=obj).delete()
        if not change and not obj.has_usable_password():
            transaction.on_commit(lambda: self._send_reset(request, obj))

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        save_roles_as(request, formset)

    def _send_reset(self, request: HttpRequest, person: User) -> None:
        form = ResetPasswordForm(data={"email": person.email})
        try:
            # allauth finds the request there when it builds the link, wherever this runs.
            with request_context(request):
                sent = form.is_valid() and bool(form.save(request))
        except (OSError, SMTPException):
            log.exception("reset_mail_failed", person=person.pk)
            sent = False
        if sent:
            messages.success(
                request, gettext("Abbiamo scritto a %(email)s come scegliere la password.") % {"email": person.email}
            )
        else:
            messages.error(
                request, gettext("L’e-mail non è partita: riprova più tardi con «Manda l’e-mail per la password».")
            )

    # Buttons of the page

    def get_urls(self) -> list[Any]:
        send = self.admin_site.admin_view(require_POST(self.send_reset_view))
        return [path("<id>/send-reset/", send, name="messaging_user_send_reset"), *super().get_urls()]

    def send_reset_view(self, request: HttpRequest, id: str) -> HttpResponse:  # noqa: A002 (as UserAdmin names it)
        """Have the person choose a new password from an e-mail."""
        person = self.get_object(request, id)
        if not (governs(acting(request), person) and person.is_active and person.email):
            raise Http404
        self._send_reset(request, person)
        self.log_change(request, person, gettext("Mandata l’e-mail per scegliere la password."))
        return HttpResponseRedirect(reverse("admin:messaging_user_change", args=[person.pk]))

    def user_change_password(self, request: HttpRequest, id: str, form_url: str = "") -> HttpResponse:  # noqa: A002
        """Set a first password, for somebody who has not signed in yet."""
        if not may_set_credentials(acting(request), self.get_object(request, id)):
            raise Http404
        response: HttpResponse = super().user_change_password(request, id, form_url)
        return response


def may_set_credentials(user: User, person: User) -> bool:
    """Whether the one may write the other's e-mail, user name and password: until they first sign in."""
    if user.is_superuser:
        return True
    return governs(user, person) and person.last_login is None and person != user
