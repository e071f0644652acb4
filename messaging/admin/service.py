"""Services: the sender that the citizen sees, with its people, its rules and its keys."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import Exists, OuterRef
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import path, reverse
from django.utils.decorators import method_decorator
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from django.views.decorators.http import require_POST

from messaging.admin.base import ScopedAdmin, ScopedFilter, acting
from messaging.admin.fields import EurosField, KeyField
from messaging.admin.inlines import AllowedRecipientInline, ServiceRoleInline, own_institution
from messaging.admin.keys import describe_keys, spare_slot, store_key, use_key
from messaging.delivery import pauses
from messaging.enums import KeySlot, PauseReason
from messaging.models import Membership, ReachabilityQuestion, Service, ServiceKey, ServicePause


class ServiceForm(forms.ModelForm[Service]):
    """The service's row, and a write-only field for each of its two keys."""

    max_amount = EurosField(
        label=_("Importo massimo, in euro"),
        help_text=_("Quello autorizzato da IO per questo servizio. Zero: il servizio non può chiedere pagamenti."),
    )
    new_primary = KeyField(
        label=_("Nuova chiave primaria"),
        help_text=_("Incollala dall’area riservata di IO; vuoto non la cambia. Una volta salvata, non si rilegge più."),
    )
    new_secondary = KeyField(
        label=_("Nuova chiave secondaria"), help_text=_("Facoltativa: serve a cambiare chiave senza fermare gli invii.")
    )

    class Meta:
        model = Service
        fields = "__all__"
        labels = {"approval": _("Messaggi da approvare in due")}
        help_texts = {"approval": _("Li scrive una persona e ne dà il via un’altra, che nel servizio è responsabile.")}


@admin.register(Service)
class ServiceAdmin(ScopedAdmin[Service]):
    """Everything an administrator sets about a service, on one page."""

    form = ServiceForm
    list_display = ["name", "institution", "state", "approval", "key_in_use"]
    list_filter = [("institution", ScopedFilter), "live"]
    list_select_related = ["institution"]
    sortable_by = ["name"]
    search_fields = ["name", "slug"]
    inlines = [ServiceRoleInline, AllowedRecipientInline]
    readonly_fields = ["keys_kept"]
    change_form_template = "admin/messaging/service/change_form.html"
    fieldsets = [
        (None, {"fields": ["institution", "name", "slug", "live"]}),
        (
            _("Chiavi di IO"),
            {
                "fields": ["keys_kept", "new_primary", "new_secondary"],
                "description": _(
                    "IO dà due chiavi a ogni servizio. Qui si scrivono soltanto: nessuno le rilegge, nemmeno tu. "
                    "Per cambiarle senza fermare gli invii: scrivi la nuova al posto di quella di riserva, salva, "
                    "poi passa a quella con il pulsante in alto."
                ),
            },
        ),
        (
            _("Regole"),
            {
                "fields": [
                    "approval",
                    "approval_recipients",
                    "max_amount",
                    "secure_channels",
                    "payee_allowed",
                    "premium",
                ]
            },
        ),
    ]

    # Lists

    def get_queryset(self, request: HttpRequest) -> Any:
        rows = super().get_queryset(request)
        open_pauses = ServicePause.objects.filter(service=OuterRef("pk"), lifted_at__isnull=True)
        in_use = ServiceKey.objects.filter(service=OuterRef("pk"), in_use=True).values("last_four")
        return rows.annotate(is_paused=Exists(open_pauses), used_four=in_use[:1])

    @admin.display(description=_("stato"))
    def state(self, obj: Any) -> str:
        if obj.is_paused:
            return gettext("sospeso")
        return gettext("in esercizio") if obj.live else gettext("in prova")

    @admin.display(description=_("chiave in uso"))
    def key_in_use(self, obj: Any) -> str:
        return f"… {obj.used_four}" if obj.used_four else gettext("nessuna: non può inviare")

    @admin.display(description=_("chiavi conservate"))
    def keys_kept(self, obj: Service) -> SafeString | str:
        return describe_keys(obj) if obj.pk else gettext("nessuna")

    # Permissions and form

    def get_readonly_fields(self, request: HttpRequest, obj: Service | None = None) -> list[str]:
        # A service does not move to another institution, and commands and addresses know it by its short name.
        return [*self.readonly_fields, "institution", "slug"] if obj else list(self.readonly_fields)

    def get_prepopulated_fields(self, request: HttpRequest, obj: Service | None = None) -> dict[str, Any]:
        return {} if obj else {"slug": ["name"]}

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        initial: dict[str, Any] = super().get_changeform_initial_data(request)
        initial.setdefault("institution", own_institution(acting(request)))
        return initial

    def has_delete_permission(self, request: HttpRequest, obj: Service | None = None) -> bool:
        """Only a service made by mistake: one that has written or asked about nobody. Others are suspended."""
        if obj is None or not self.reaches(request, obj):
            return False
        asked = ReachabilityQuestion.objects.filter(service=obj)
        return not (obj.messages.exists() or obj.batches.exists() or asked.exists())

    @method_decorator(sensitive_post_parameters("new_primary", "new_secondary"))
    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return super().changeform_view(request, *args, **kwargs)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        service = self.get_object(request, object_id)
        extra = {
            "spare_slot": spare_slot(service),
            "is_paused": service.pauses.filter(lifted_at__isnull=True, whole_service=True).exists(),
        }
        return super().change_view(request, object_id, form_url, {**extra, **(extra_context or {})})

    # Saving

    @sensitive_variables("secret")
    def save_model(self, request: HttpRequest, obj: Service, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        for slot in KeySlot:
            if secret := form.cleaned_data.get(f"new_{slot.value}"):
                store_key(obj, slot, secret)
                _remind_of_pause(request, obj)
        if obj.live and not obj.keys.filter(in_use=True).exists():
            messages.warning(
                request, gettext("Il servizio è in esercizio ma non ha una chiave: per ora non può inviare.")
            )

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        save_roles_as(request, formset)

    # Buttons of the page

    def get_urls(self) -> list[Any]:
        def post_only(view: Any, name: str, route: str) -> Any:
            return path(route, self.admin_site.admin_view(require_POST(view)), name=f"messaging_service_{name}")

        return [
            post_only(self.switch_key_view, "switch_key", "<path:object_id>/use-key/<str:slot>/"),
            post_only(self.pause_view, "pause", "<path:object_id>/pause/"),
            *super().get_urls(),
        ]

    def switch_key_view(self, request: HttpRequest, object_id: str, slot: str) -> HttpResponse:
        """Send with the other key from now on."""
        service = self.get_object(request, object_id)
        if slot not in KeySlot.values:
            raise Http404
        if use_key(service, KeySlot(slot)):
            _remind_of_pause(request, service)
            self.log_change(request, service, gettext("Chiave in uso: %(slot)s.") % {"slot": KeySlot(slot).label})
            messages.success(
                request, gettext("Da ora si invia con la chiave %(slot)s.") % {"slot": KeySlot(slot).label}
            )
        else:
            messages.warning(request, gettext("Questa chiave manca oppure è già in uso: nulla è cambiato."))
        return self._back_to(service)

    def pause_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Stop sending until somebody lifts the pause."""
        service = self.get_object(request, object_id)
        pauses.pause_service(service, PauseReason.PERSON)
        self.log_change(request, service, gettext("Invii sospesi."))
        messages.success(request, gettext("Gli invii sono sospesi: i messaggi restano in coda finché non li riprendi."))
        return self._back_to(service)

    def _back_to(self, service: Service) -> HttpResponseRedirect:
        return HttpResponseRedirect(reverse("admin:messaging_service_change", args=[service.pk]))


def _remind_of_pause(request: HttpRequest, service: Service) -> None:
    if service.pauses.filter(lifted_at__isnull=True).exists():
        messages.info(
            request,
            gettext("Il servizio è ancora sospeso: quando è tutto a posto riprendi gli invii da «Sospensioni»."),
        )


def save_roles_as(request: HttpRequest, formset: Any) -> None:
    """Save the rows of a page; a role that is new or changed says who gave it."""
    for row in formset.save(commit=False):
        if isinstance(row, Membership):
            row.granted_by = acting(request)
        row.save()
    for row in formset.deleted_objects:
        row.delete()
    formset.save_m2m()
