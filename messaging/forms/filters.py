"""Narrowing the list of messages, without personal data in the address, and searching it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django import forms
from django.utils.translation import gettext_lazy as _

from messaging.enums import Kind, Status
from messaging.forms.base import PortalForm
from messaging.listing import Wanted
from messaging.models import Recipient, Service, User


class _People(forms.ModelChoiceField):  # type: ignore[type-arg]
    def label_from_instance(self, obj: Any) -> str:
        return str(obj.short_name)


class _Day(forms.DateInput):
    input_type = "date"

    def __init__(self) -> None:
        super().__init__(format="%Y-%m-%d")


_ODD = {"invalid": _("Scrivi una data come 16/12/2026.")}


class FilterForm(PortalForm):
    """What the list shows; bound to the address."""

    status = forms.ChoiceField(label=_("Stato"), required=False, choices=[("", _("Tutti gli stati")), *Status.choices])
    service = forms.ModelChoiceField(
        label=_("Servizio"),
        required=False,
        queryset=Service.objects.none(),
        to_field_name="slug",
        empty_label=_("Tutti i servizi"),
    )
    kind = forms.ChoiceField(label=_("Tipo"), required=False, choices=[("", _("Tutti i tipi")), *Kind.choices])
    author = _People(label=_("Scritto da"), required=False, queryset=User.objects.none(), empty_label=_("Tutti"))
    since = forms.DateField(label=_("Dal"), required=False, widget=_Day, error_messages=_ODD)
    until = forms.DateField(label=_("Al"), required=False, widget=_Day, error_messages=_ODD)
    # Reached by links and by the search, kept while the rest is changed.
    recipient = forms.UUIDField(required=False, widget=forms.HiddenInput)
    notice = forms.CharField(required=False, max_length=18, widget=forms.HiddenInput)
    reference = forms.CharField(required=False, max_length=100, widget=forms.HiddenInput)
    cause = forms.CharField(required=False, max_length=40, widget=forms.HiddenInput)

    def __init__(self, *args: Any, services: list[Service], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.services = services
        ids = [service.pk for service in services]
        service = self.fields["service"]
        author = self.fields["author"]
        assert isinstance(service, forms.ModelChoiceField)
        assert isinstance(author, forms.ModelChoiceField)
        service.queryset = Service.objects.filter(pk__in=ids)
        author.queryset = User.objects.filter(memberships__service__in=ids).distinct().order_by("first_name", "pk")

    def wanted(self) -> Wanted | None:
        """What a valid form asks for; None when it names somebody who is not there."""
        data = self.cleaned_data
        recipient = self._recipient(data["recipient"])
        if data["recipient"] and recipient is None:
            return None
        chosen = data["service"]
        return Wanted(
            services=(chosen.pk,) if chosen else tuple(service.pk for service in self.services),
            status=data["status"],
            kind=data["kind"],
            author=data["author"].pk if data["author"] else None,
            since=data["since"],
            until=data["until"],
            recipient=recipient.pk if recipient else None,
            notice=data["notice"],
            reference=data["reference"],
            cause=data["cause"],
        )

    def _recipient(self, public_id: UUID | None) -> Recipient | None:
        if public_id is None:
            return None
        institutions = {service.institution_id for service in self.services}
        return Recipient.objects.filter(public_id=public_id, institution__in=institutions).first()


class SearchForm(PortalForm):
    """One exact word; posted, so that a fiscal code stays out of every address."""

    query = forms.CharField(
        label=_("Cerca un messaggio"),
        help_text=_("Codice fiscale, numero avviso, codice dato da IO o riferimento dell’ente: scrivilo per intero."),
        max_length=100,
        widget=forms.TextInput({"autocomplete": "off", "spellcheck": "false"}),
        error_messages={"required": _("Scrivi cosa cercare.")},
    )
