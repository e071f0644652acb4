"""Sending to the people of a spreadsheet: which file and text, which column is what, and the last word."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.text import format_lazy
from django.utils.translation import gettext as translated
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from messaging.batches.plans import REMOTE_NAMES, rules_of, text_of
from messaging.delivery.hours import ROME
from messaging.forms.base import ChoiceCards, PortalForm
from messaging.models import Batch, Template, User
from messaging.permissions import services_of
from messaging.spreadsheets.columns import AMOUNT, ATTACHMENT, DUE_DATE, FISCAL_CODE, NOTICE_NUMBER
from messaging.templatetags.portal import number

#: What the file chooser offers; what a file really is, is found out by reading it.
ACCEPTED = ".csv,.xlsx,.xls,.ods"
FOLDER_ACCEPTED = ".zip"
#: The headers that an example file has: what a column is called is the same in every language.
_HEADERS = {
    FISCAL_CODE: "codice_fiscale",
    AMOUNT: "importo",
    NOTICE_NUMBER: "numero_avviso",
    DUE_DATE: "scadenza",
    ATTACHMENT: "allegato",
}


@dataclass(frozen=True, slots=True)
class NeededColumn:
    """A column that a file has to have, or may have, under the name that is found by itself."""

    field: str
    name: str
    required: bool

    @property
    def is_known(self) -> bool:
        """Whether it is one of the portal's own fields, and no placeholder of the text alone."""
        return self.field in _HEADERS


def columns_of(batch: Batch) -> list[NeededColumn]:
    """The columns that the text and the kind of a batch ask of a file, the fiscal code first."""
    text = text_of(batch)
    names = {found.key: found.name for found in text.placeholders} | _HEADERS
    return [
        NeededColumn(want.field, names.get(want.field, want.field), want.required)
        for want in rules_of(batch).wanted(text)
    ]


def columns_for(template: Template) -> list[NeededColumn]:
    """The columns that a file for this template has to have, or may have."""
    names = ("service", "kind", "subject", "body", "buttons", *REMOTE_NAMES)
    said = {name: getattr(template, name) for name in names}
    return columns_of(Batch(**said))


class FolderField(forms.FileField):
    """The zip with the PDFs that rows name."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            label=_("Cartella degli allegati (zip)"),
            allow_empty_file=True,
            error_messages={"required": _("Questo modello ha allegati: scegli lo zip con i PDF.")},
            widget=forms.FileInput({"accept": FOLDER_ACCEPTED}),
            **kwargs,
        )
        self.help_text = format_lazy(
            _("Uno zip con i PDF che il foglio nomina nella colonna allegato: al massimo {megabytes} MB."),
            megabytes=settings.ATTACHMENT_FOLDER_MAX_MEGABYTES,
        )


class UploadForm(PortalForm):
    """A file and the text that its people are to read."""

    template = forms.ModelChoiceField(
        Template.objects.none(),
        label=_("Modello"),
        empty_label=_("Scegli il modello"),
        error_messages={
            "required": _("Scegli il modello: è il testo che le persone leggono."),
            "invalid_choice": _("Questo modello non c’è più: scegline un altro."),
        },
    )
    file = forms.FileField(
        label=_("File"),
        help_text=_("CSV, Excel (XLSX o XLS) oppure ODS: al massimo 100.000 righe e 50 MB."),
        allow_empty_file=True,
        error_messages={"required": _("Scegli il file.")},
        widget=forms.FileInput({"accept": ACCEPTED}),
    )
    folder = FolderField(required=False)
    name = forms.CharField(
        label=_("Nome dell’invio"),
        required=False,
        max_length=100,
        help_text=_("Per ritrovarlo, per esempio «TARI 2026, saldo». Il cittadino non lo vede."),
        widget=forms.TextInput({"autocomplete": "off"}),
    )

    def __init__(self, *args: Any, person: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        templates = Template.objects.filter(service__in=services_of(person).values("pk"))
        field = self.fields["template"]
        assert isinstance(field, forms.ModelChoiceField)
        field.queryset = templates.select_related("service__institution").order_by("service__name", "name")
        groups: dict[str, list[tuple[int, str]]] = {}
        for template in field.queryset:
            groups.setdefault(template.service.name, []).append((template.pk, template.name))
        self.has_templates = bool(groups)
        field.choices = [("", field.empty_label), *((name, rows) for name, rows in groups.items())]

    def clean(self) -> dict[str, Any]:
        """A template with attachments needs the files."""
        values = self.cleaned_data
        template = values.get("template")
        if template and template.has_attachments and not values.get("folder") and "folder" not in self.errors:
            needed = self.fields["folder"].error_messages["required"]
            self.add_error("folder", ValidationError(needed, code="required"))
        return values

    @property
    def chosen(self) -> Template | None:
        """The template chosen so far, even while other fields are wrong."""
        if self.is_bound:
            self.is_valid()
            return self.cleaned_data.get("template")
        initial = self.initial.get("template")
        return initial if isinstance(initial, Template) else None


class FolderForm(PortalForm):
    """Other files for a spreadsheet that is there already."""

    folder = FolderField()


class ColumnsForm(PortalForm):
    """Which column of the file is which field, chosen by hand; one that was found already can only be changed."""

    remember = forms.BooleanField(
        label=_("Ricorda la scelta per questo modello"),
        required=False,
        initial=True,
        help_text=_("Il prossimo file con le stesse intestazioni non te la chiede."),
    )

    def __init__(
        self,
        *args: Any,
        needed: Sequence[NeededColumn],
        labels: Sequence[str],
        columns: Mapping[str, int],
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.names: dict[str, str] = {}
        places = [(str(place), label) for place, label in enumerate(labels)]
        for position, column in enumerate(needed):
            name = f"column_{position}"
            self.names[name] = column.field
            nothing = _("Scegli la colonna") if column.required else _("Nessuna colonna")
            self.fields[name] = forms.ChoiceField(
                label=column.name,
                choices=places if column.field in columns else [("", nothing), *places],
                required=column.required,
                initial=str(columns.get(column.field, "")),
                error_messages={"required": _("Scegli la colonna in cui sta.")},
                widget=forms.Select({"class": "form-select"}),
            )
        self.order_fields([*self.names, "remember"])

    @property
    def column_fields(self) -> list[forms.BoundField]:
        """The fields to be found, as they are drawn."""
        return [self[name] for name in self.names]

    def columns(self) -> dict[str, int]:
        """Field or placeholder key -> place of its column, from 0."""
        return {self.names[name]: int(self.cleaned_data[name]) for name in self.names if self.cleaned_data.get(name)}


class SendForm(PortalForm):
    """The last word: who is written to, what goes again, what was looked at, and when."""

    LEAVE, AGAIN = "leave", "again"
    NOW, LATER = "now", "later"

    repeated = forms.ChoiceField(widget=ChoiceCards())
    repeat_reason = forms.CharField(
        label=_("Perché le mandi di nuovo?"),
        required=False,
        max_length=300,
        help_text=_("Serve solo se le mandi di nuovo. Resta nella storia, con il tuo nome: niente dati personali."),
        widget=forms.TextInput({"autocomplete": "off"}),
    )
    warnings_confirmed = forms.BooleanField(required=True)
    when = forms.ChoiceField(
        label=_("Quando"),
        choices=[(NOW, _("Subito")), (LATER, _("Un giorno e un’ora"))],
        initial=NOW,
        widget=ChoiceCards(),
        error_messages={"required": _("Scegli quando.")},
    )
    day = forms.DateField(
        label=_("Giorno"),
        required=False,
        widget=forms.DateInput({"type": "date"}, format="%Y-%m-%d"),
        input_formats=["%Y-%m-%d", "%d/%m/%Y"],
        error_messages={"invalid": _("Scrivi giorno, mese e anno, come 16/12/2026.")},
    )
    hour = forms.TimeField(
        label=_("Ora"),
        required=False,
        widget=forms.TimeInput({"type": "time"}, format="%H:%M"),
        input_formats=["%H:%M", "%H.%M", "%H:%M:%S"],
        error_messages={"invalid": _("Scrivi ore e minuti, come 9:30.")},
    )
    declared = forms.BooleanField(
        label=_("Ogni persona del foglio è un destinatario diretto di questo servizio"),
        help_text=_("IO non ammette comunicazioni di massa: il messaggio riguarda proprio chi lo riceve."),
        error_messages={"required": _("Conferma che ogni persona è un destinatario diretto: solo così può partire.")},
    )
    #: How many messages the button said: more than that never leave.
    seen = forms.IntegerField(widget=forms.HiddenInput, min_value=0, required=False)

    def __init__(self, *args: Any, batch: Batch, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._word_repeated(batch.rows_repeated, besides=batch.rows_good)
        self._word_warnings(batch.rows_warned)

    def _word_repeated(self, rows: int, besides: int) -> None:
        if not rows:
            del self.fields["repeated"], self.fields["repeat_reason"]
            return
        field = self.fields["repeated"]
        assert isinstance(field, forms.ChoiceField)
        field.label = ngettext("La riga già inviata", "Le %(n)s righe già inviate", rows) % {"n": number(rows)}
        leave = (self.LEAVE, ngettext("Lasciala fuori", "Lasciale fuori", rows))
        again = (self.AGAIN, ngettext("Mandala di nuovo", "Mandale di nuovo", rows))
        # Where nothing else could go, there is no sending without them: the reason is asked for all the same.
        field.initial = self.LEAVE if besides else self.AGAIN
        field.choices = [leave, again] if besides else [again]

    def _word_warnings(self, rows: int) -> None:
        if not rows:
            del self.fields["warnings_confirmed"]
            return
        field = self.fields["warnings_confirmed"]
        field.label = ngettext(
            "Ho ricontrollato la riga con un dubbio: va bene così",
            "Ho ricontrollato le %(n)s righe con un dubbio: vanno bene così",
            rows,
        ) % {"n": number(rows)}
        field.error_messages["required"] = _("Ricontrolla i dubbi e conferma: solo così può partire.")

    @property
    def again(self) -> bool:
        """Whether the rows that were sent in the last days go again."""
        return "repeated" in self.fields and self["repeated"].value() == self.AGAIN

    @property
    def starts_at(self) -> datetime | None:
        """When the sending is to start, None at once."""
        return self.cleaned_data.get("starts_at")

    def clean(self) -> dict[str, Any]:
        """Reason and hour are asked for where they count."""
        values = self.cleaned_data
        if (
            values.get("repeated") == self.AGAIN
            and not values.get("repeat_reason")
            and "repeat_reason" not in self.errors
        ):
            self.add_error(
                "repeat_reason", ValidationError(translated("Scrivi perché le mandi di nuovo."), code="required")
            )
        if values.get("when") == self.LATER:
            self._clean_moment(values)
        return values

    def _clean_moment(self, values: dict[str, Any]) -> None:
        sentences = {"day": translated("Scegli il giorno."), "hour": translated("Scegli l’ora.")}
        for name, sentence in sentences.items():
            if not values.get(name) and name not in self.errors:
                self.add_error(name, ValidationError(sentence, code="required"))
        if not values.get("day") or not values.get("hour"):
            return
        moment = datetime.combine(values["day"], values["hour"], ROME)
        if moment < timezone.now():
            past = translated("Questo momento è già passato: scegline un altro.")
            self.add_error("day", ValidationError(past, code="past"))
        values["starts_at"] = moment
