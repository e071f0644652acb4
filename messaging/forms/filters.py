"""Narrowing the list of messages, without personal data in the address, and searching it."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any
from uuid import UUID

from django import forms
from django.utils.translation import gettext_lazy as _

from messaging import listing, querysets
from messaging.enums import DeliverySpeed, Kind, Status
from messaging.forms.base import PortalForm
from messaging.listing import Outcome, Wanted
from messaging.models import Batch, Recipient, Service, User


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
    outcome = forms.ChoiceField(required=False, choices=Outcome.choices, widget=forms.HiddenInput)
    speed = forms.TypedChoiceField(
        required=False, choices=DeliverySpeed.choices, coerce=int, empty_value=None, widget=forms.HiddenInput
    )
    sent_since = forms.DateField(required=False, widget=forms.HiddenInput)
    sent_until = forms.DateField(required=False, widget=forms.HiddenInput)
    supervised = forms.BooleanField(required=False, widget=forms.HiddenInput)
    batch = forms.UUIDField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, user: User, services: list[Service], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user, self.services = user, services
        #: The sending of which the messages are, once the form has been read.
        self.sending: Batch | None = None
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
        self.sending = self._batch(data["batch"])
        if (data["recipient"] and recipient is None) or (data["batch"] and self.sending is None):
            return None
        chosen = data["service"]
        services = (chosen.pk,) if chosen else tuple(service.pk for service in self.services)
        if data["supervised"]:
            supervised = set(querysets.supervised(self.user))
            services = tuple(pk for pk in services if pk in supervised)
        if self.sending:
            services = tuple(pk for pk in services if pk == self.sending.service_id)
        stopped = data["outcome"] == Outcome.STOPPED
        return Wanted(
            services=services,
            status=data["status"],
            kind=data["kind"],
            author=data["author"].pk if data["author"] else None,
            since=data["since"],
            until=data["until"],
            recipient=recipient.pk if recipient else None,
            notice=data["notice"],
            reference=data["reference"],
            cause=data["cause"],
            outcome=data["outcome"],
            sent_since=data["sent_since"],
            sent_until=data["sent_until"],
            speed=data["speed"],
            held=tuple(querysets.held_services(services)) if stopped else (),
            batch=(self.sending.pk, *listing.ids_of(self.sending.pk)) if self.sending else None,
        )

    def _batch(self, public_id: UUID | None) -> Batch | None:
        if public_id is None:
            return None
        return Batch.objects.filter(public_id=public_id, service__in=[service.pk for service in self.services]).first()

    def _recipient(self, public_id: UUID | None) -> Recipient | None:
        if public_id is None:
            return None
        institutions = {service.institution_id for service in self.services}
        return Recipient.objects.filter(public_id=public_id, institution__in=institutions).first()


class PeriodForm(PortalForm):
    """Which days the supervisor's page counts; bound to the address, thirty days where that says nothing sensible."""

    YEAR = "year"
    USUAL = "30"

    period = forms.ChoiceField(
        label=_("Periodo"),
        choices=[
            ("7", _("Ultimi 7 giorni")),
            (USUAL, _("Ultimi 30 giorni")),
            ("90", _("Ultimi 90 giorni")),
            (YEAR, _("Quest’anno")),
        ],
    )

    def days(self, today: date) -> tuple[date, date]:
        """The first and the last day, both counted."""
        chosen = self.chosen
        if chosen == self.YEAR:
            return today.replace(month=1, day=1), today
        return today - timedelta(days=int(chosen) - 1), today

    @property
    def chosen(self) -> str:
        """The choice, or the usual one."""
        return self.cleaned_data["period"] if self.is_valid() else self.USUAL

    @property
    def words(self) -> str:
        """The choice as the screen says it."""
        field = self.fields["period"]
        assert isinstance(field, forms.ChoiceField)
        return str(dict(field.choices)[self.chosen])  # type: ignore[arg-type]


class SearchForm(PortalForm):
    """One exact word; posted, so that a fiscal code stays out of every address."""

    query = forms.CharField(
        label=_("Cerca un messaggio"),
        help_text=_("Codice fiscale, numero avviso, codice dato da IO o riferimento dell’ente: scrivilo per intero."),
        max_length=100,
        widget=forms.TextInput({"autocomplete": "off", "spellcheck": "false"}),
        error_messages={"required": _("Scrivi cosa cercare.")},
    )
