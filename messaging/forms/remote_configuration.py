"""Where IO fetches remote content: the configuration, the institution's key and how long contents are kept."""

from __future__ import annotations

import re
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator, URLValidator
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from messaging.appio import fiscal_codes
from messaging.enums import EnvironmentKind, Precondition
from messaging.forms.base import ChoiceCards, MonoInput, PortalForm
from messaging.forms.remote import PRECONDITIONS
from messaging.models import Institution, RemoteConfiguration, RemoteEnvironment
from messaging.remote import secrets
from messaging.remote.configuration import Place, Wanted

#: The name proposed for the header that carries the secret.
HEADER = "X-IO-Portal-Key"

_ADDRESS = URLValidator(schemes=["http", "https"])
# A field name of RFC 7230, without the underscore, which many servers drop in silence.
_HEADER = re.compile(r"[!#$%&'*+\-.^`|~0-9A-Za-z]+")
# IO sends these itself, or servers and proxies on the way read, change or drop them.
_RESERVED = frozenset(
    {
        *("accept", "authorization", "cache-control", "connection", "cookie", "date", "expect", "fiscal-code"),
        *("forwarded", "from", "host", "keep-alive", "origin", "pragma", "range", "referer", "signature"),
        *("signature-input", "te", "trailer", "transfer-encoding", "upgrade", "user-agent", "via", "x-real-ip"),
    }
)
_RESERVED_STARTS = ("x-pagopa-", "x-forwarded-", "proxy-", "sec-", "content-", "accept-", "if-", "ocp-apim-")


class AddressField(forms.CharField):
    """A base address as IO takes it: https unless it is this machine's own, no slash at its end."""

    widget = MonoInput({"inputmode": "url"})

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=300, **kwargs)

    def clean(self, value: Any) -> str:
        """The address without the slashes at its end: IO appends "/messages/..." as it is (platform notes, A1.2)."""
        text = str(super().clean(str(value or "").strip().rstrip("/")))
        if not text:
            return text
        try:
            _ADDRESS(text)
            parts = urlsplit(text)
        except (ValueError, ValidationError):
            raise ValidationError(
                _now("Scrivi un indirizzo intero, per esempio https://io.comune.example.it.")
            ) from None
        if parts.query or parts.fragment or parts.username is not None:
            raise ValidationError(_now("Lascia solo l’indirizzo, senza ?, # o nomi utente: IO ci aggiunge il resto."))
        if parts.scheme.lower() != "https" and not _is_loopback(parts.hostname or ""):
            raise ValidationError(_now("Serve https: i testi protetti non viaggiano in chiaro."))
        return text


class HeaderField(forms.CharField):
    """The name of the header in which IO shows the secret."""

    widget = MonoInput

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=100, **kwargs)

    def clean(self, value: Any) -> str:
        """The name, if it can reach a server and nothing else uses it."""
        text = str(super().clean(value))
        if not text:
            return text
        if "_" in text:
            raise ValidationError(
                _now("Senza trattino basso: molti server scartano le intestazioni che lo hanno. Usa il trattino.")
            )
        if not _HEADER.fullmatch(text):
            raise ValidationError(_now("Usa solo lettere, cifre e trattini, per esempio X-IO-Portal-Key."))
        if text.lower() in _RESERVED or text.lower().startswith(_RESERVED_STARTS):
            raise ValidationError(
                _now("Questo nome serve già ad altro. Scegline uno tuo, per esempio X-IO-Portal-Key.")
            )
        return text


class FiscalCodesField(forms.CharField):
    """Fiscal codes of persons, one a line; gives a tuple without repetitions."""

    widget = forms.Textarea(
        {"rows": 3, "class": "mono", "autocomplete": "off", "spellcheck": "false", "autocapitalize": "characters"}
    )

    def prepare_value(self, value: Any) -> Any:
        return value if isinstance(value, str) or value is None else "\n".join(value)

    def clean(self, value: Any) -> Any:
        """The codes; a mistake is told by its line, never by the code."""
        lines = enumerate(str(super().clean(value)).splitlines(), start=1)
        typed = [(number, fiscal_codes.normalise(line)) for number, line in lines]
        wrong = [str(number) for number, code in typed if code and fiscal_codes.problem(code)]
        if wrong:
            text = ngettext(
                "Alla riga %(lines)s non c’è un codice fiscale di persona: sono 16 caratteri.",
                "Alle righe %(lines)s non c’è un codice fiscale di persona: sono 16 caratteri.",
                len(wrong),
            )
            raise ValidationError(text % {"lines": ", ".join(wrong)})
        return tuple(dict.fromkeys(code for _number, code in typed if code))


class ConfigurationForm(PortalForm):
    """What IO is to know; ``wanted`` says it after ``is_valid``."""

    name = forms.CharField(
        label=_("Nome"),
        max_length=100,
        help_text=_("Lo legge chi guarda le configurazioni su IO, non il cittadino. Il portale ci aggiunge una sigla."),
        widget=forms.TextInput({"autocomplete": "off"}),
    )
    description = forms.CharField(
        label=_("Descrizione"), max_length=300, widget=forms.TextInput({"autocomplete": "off"})
    )
    base_url = AddressField(
        label=_("Indirizzo"),
        help_text=_("Dove questo portale risponde a IO. Deve raggiungersi da Internet."),
    )
    header_name = HeaderField(
        label=_("Nome dell’intestazione"), help_text=_("Con questa IO mostra il segreto, che il portale crea da sé.")
    )
    with_test = forms.BooleanField(
        label=_("Per alcune persone IO prende i contenuti da un ambiente di prova"), required=False
    )
    test_base_url = AddressField(label=_("Indirizzo di prova"), required=False)
    test_header_name = HeaderField(label=_("Nome dell’intestazione di prova"), required=False)
    test_users = FiscalCodesField(
        label=_("Persone di prova"),
        required=False,
        help_text=_("Un codice fiscale per riga. Per tutti gli altri vale l’ambiente di produzione."),
    )
    precondition = forms.ChoiceField(
        label=_("Avvertenza prima di aprire, se un messaggio non dice altro"),
        choices=PRECONDITIONS,
        widget=ChoiceCards,
    )
    is_lollipop_enabled = forms.BooleanField(
        label=_("Verifica la firma dell’app (LolliPoP)"),
        required=False,
        help_text=_("Ogni apertura porta una firma fatta dal telefono, e il portale la controlla."),
    )
    disable_lollipop_for = FiscalCodesField(
        label=_("Senza firma per"), required=False, help_text=_("Un codice fiscale per riga. Di solito nessuno.")
    )

    def __init__(self, *args: Any, institution: Institution, **kwargs: Any) -> None:
        configuration = RemoteConfiguration.objects.filter(institution=institution).first()
        kwargs["initial"] = _initial(institution, configuration) | (kwargs.get("initial") or {})
        super().__init__(*args, **kwargs)
        if configuration is not None and configuration.configuration_id:
            # IO may remember the old name for hours, and the portal knows only one at a time.
            kinds = set(configuration.environments.values_list("kind", flat=True))
            self._keep_header("header_name", EnvironmentKind.PRODUCTION in kinds)
            self._keep_header("test_header_name", EnvironmentKind.TEST in kinds)

    def clean(self) -> dict[str, Any]:
        """A test environment is there whole or not at all."""
        values = super().clean() or self.cleaned_data
        if values.get("with_test"):
            for name in ("test_base_url", "test_header_name"):
                if name in values and not values[name]:
                    self.add_error(name, _now("Manca questo dato."))
            if "test_users" in values and not values["test_users"]:
                self.add_error("test_users", _now("Scrivi almeno una persona: senza, l’ambiente di prova non serve."))
        return values

    @property
    def wanted(self) -> Wanted:
        """The configuration as the form says it."""
        values = self.cleaned_data
        test = Place(
            base_url=values["test_base_url"],
            header_name=values["test_header_name"],
            test_users=values["test_users"],
        )
        return Wanted(
            name=values["name"],
            description=values["description"],
            precondition=Precondition(values["precondition"]),
            is_lollipop_enabled=values["is_lollipop_enabled"],
            disable_lollipop_for=values["disable_lollipop_for"],
            production=Place(base_url=values["base_url"], header_name=values["header_name"]),
            test=test if values["with_test"] else None,
        )

    def _keep_header(self, name: str, keep: bool) -> None:
        if keep:
            self.fields[name].disabled = True
            self.fields[name].help_text = _("Dopo la registrazione non si cambia più: IO può usarlo ancora per ore.")


class ManageKeyForm(PortalForm):
    """The institution's key: typed or pasted, never drawn again, not even after an error."""

    secret = forms.CharField(
        label=_("Chiave dell’ente (manage)"),
        help_text=_("La trovi nell’Area Riservata di IO. Non è la chiave di un servizio."),
        widget=forms.PasswordInput({"class": "mono", "autocomplete": "new-password", "spellcheck": "false"}),
        validators=[
            RegexValidator(
                r"^[!-~]{16,200}$", _("Non sembra una chiave di IO: incollala intera, senza spazi in mezzo.")
            )
        ],
    )


class KeepForm(PortalForm):
    """For how many months protected texts and files are kept."""

    months = forms.IntegerField(
        label=_("Mesi"),
        required=False,
        min_value=1,
        max_value=600,
        help_text=_("Vuoto: per sempre."),
        widget=forms.NumberInput({"class": "w-auto", "inputmode": "numeric", "min": 1}),
    )
    #: The rule whose loss the person has seen.
    confirmed = forms.IntegerField(required=False, widget=forms.HiddenInput)


def _initial(institution: Institution, configuration: RemoteConfiguration | None) -> dict[str, Any]:
    """The form as it opens: what is kept, or else what the portal proposes."""
    proposed = {
        "name": institution.name,
        "description": _now("Testi e allegati di %(name)s") % {"name": institution.name},
        "precondition": Precondition.NEVER,
        **_place("", None),
        **_place("test_", None),
    }
    if configuration is None:
        return proposed
    columns = ("name", "description", "precondition", "is_lollipop_enabled", "disable_lollipop_for")
    told = {row.kind for row in secrets.told(configuration)}
    rows = {row.kind: row for row in configuration.environments.all()}
    test = rows.get(EnvironmentKind.TEST)
    return {
        **{name: getattr(configuration, name) for name in columns},
        **_place("", rows.get(EnvironmentKind.PRODUCTION)),
        **_place("test_", test),
        "test_users": test.test_users if test else (),
        "with_test": EnvironmentKind.TEST in told,
    }


def _place(prefix: str, environment: RemoteEnvironment | None) -> dict[str, str]:
    proposed = str(getattr(settings, "HOSTING_URL", "")).rstrip("/")
    return {
        f"{prefix}base_url": environment.base_url if environment else proposed,
        f"{prefix}header_name": environment.header_name if environment else HEADER,
    }


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
