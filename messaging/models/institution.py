"""The institution, its services with their keys, and the gateway account whose call budget they share."""

from __future__ import annotations

from django.conf import settings
from django.core.validators import MinValueValidator, RegexValidator
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from messaging.enums import ApprovalRule, KeySlot, PauseReason
from messaging.fields import EncryptedTextField

ORGANISATION_CODE = RegexValidator(r"^[0-9]{11}$", _("Scrivi le 11 cifre del codice fiscale dell’ente."))


class GatewayAccount(models.Model):
    """One account at IO's gateway: the platform counts calls per account (IO messages API notes, 6.1).

    The pacing columns are written only by messaging.delivery.budget; times are seconds since 1970 by the
    database's clock, so that every worker process and host reads the same one.
    """

    name = models.CharField(_("nome"), max_length=100, unique=True)
    calls = models.PositiveIntegerField(
        _("chiamate"),
        null=True,
        blank=True,
        validators=[MinValueValidator(1)],
        help_text=_("Vuoto: il limite generale, IO_RATE_LIMIT."),
    )
    seconds = models.FloatField(_("ogni quanti secondi"), null=True, blank=True)

    next_at = models.FloatField(default=0, editable=False)
    blocked_until = models.FloatField(default=0, editable=False)
    own_calls = models.JSONField(default=dict, editable=False)
    foreign_calls = models.FloatField(default=0, editable=False)
    foreign_seen_at = models.FloatField(default=0, editable=False)
    version = models.BigIntegerField(default=0, editable=False)

    # The pause of the whole account while IO is down; written only by messaging.delivery.outage.
    faults_in_a_row = models.PositiveIntegerField(default=0, editable=False)
    paused_at = models.DateTimeField(null=True, blank=True, editable=False)
    probe_at = models.DateTimeField(null=True, blank=True, editable=False)
    probe_wait = models.FloatField(default=0, editable=False)
    probe_passed = models.BooleanField(default=False, editable=False)
    last_answer_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        verbose_name = _("utenza di IO")
        verbose_name_plural = _("utenze di IO")
        constraints = [
            models.CheckConstraint(
                condition=Q(calls__isnull=True, seconds__isnull=True) | Q(calls__gte=1, seconds__gt=0),
                name="account_rate_whole_or_absent",
            )
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def rate(self) -> tuple[int, float]:
        """The limit as (calls, seconds)."""
        if self.calls and self.seconds:
            return self.calls, self.seconds
        return settings.IO_RATE_LIMIT


class Institution(models.Model):
    """A public institution that writes to citizens."""

    name = models.CharField(_("nome"), max_length=200)
    fiscal_code = models.CharField(
        _("codice fiscale dell’ente"), max_length=11, unique=True, validators=[ORGANISATION_CODE]
    )
    account = models.ForeignKey(
        GatewayAccount, on_delete=models.PROTECT, related_name="institutions", verbose_name=_("utenza di IO")
    )
    polite_from = models.TimeField(
        _("invii da foglio dalle"),
        null=True,
        blank=True,
        help_text=_("Per esempio 08:00. Vuoto: a qualsiasi ora. I messaggi a una sola persona partono sempre subito."),
    )
    polite_until = models.TimeField(_("alle"), null=True, blank=True, help_text=_("Per esempio 20:00."))
    remote_keep_months = models.PositiveSmallIntegerField(
        _("testi e allegati protetti: tenuti per mesi"),
        null=True,
        blank=True,
        validators=[MinValueValidator(1)],
        help_text=_("Vuoto: per sempre. Il cittadino non può più aprire quello che viene cancellato."),
    )

    class Meta:
        verbose_name = _("ente")
        verbose_name_plural = _("enti")
        ordering = ["name"]
        constraints = [
            models.CheckConstraint(
                condition=Q(polite_from__isnull=True, polite_until__isnull=True) | Q(polite_from__lt=F("polite_until")),
                name="institution_polite_hours_whole",
            )
        ]

    def __str__(self) -> str:
        return self.name


class Service(models.Model):
    """A service of the institution on IO: the sender that the citizen sees."""

    institution = models.ForeignKey(
        Institution, on_delete=models.PROTECT, related_name="services", verbose_name=_("ente")
    )
    name = models.CharField(_("nome"), max_length=100, help_text=_("Come lo vede il cittadino."))
    slug = models.SlugField(_("nome breve"), unique=True, help_text=_("Solo minuscole e trattini: serve ai comandi."))
    live = models.BooleanField(
        _("in esercizio"),
        default=False,
        help_text=_("Finché è in prova, scrive solo alle persone dell’elenco di prova."),
    )
    approval = models.CharField(
        _("approvano in due"),
        max_length=10,
        choices=ApprovalRule,
        default=ApprovalRule.OFF,
        help_text=_("Quali messaggi chiedono il sì di una seconda persona."),
    )
    approval_recipients = models.PositiveIntegerField(
        _("approvano in due da quanti destinatari"),
        null=True,
        blank=True,
        validators=[MinValueValidator(1)],
        help_text=_(
            "Un invio da foglio ad almeno così tante persone chiede una seconda persona. Vuoto: mai per questo."
        ),
    )
    max_amount = models.PositiveBigIntegerField(
        _("importo massimo in centesimi"),
        default=0,
        help_text=_("Quello autorizzato da IO per questo servizio. Zero: il servizio non può chiedere pagamenti."),
    )
    premium = models.BooleanField(_("accordo Premium"), default=False)
    payee_allowed = models.BooleanField(_("può indicare un altro ente creditore"), default=False)
    secure_channels = models.BooleanField(
        _("contenuti riservati"), default=False, help_text=_("L’e-mail non mostra il testo del messaggio.")
    )

    class Meta:
        verbose_name = _("servizio")
        verbose_name_plural = _("servizi")
        ordering = ["name"]
        constraints = [
            models.CheckConstraint(condition=Q(approval__in=ApprovalRule.values), name="service_approval_known"),
            models.CheckConstraint(condition=Q(max_amount__lte=9_999_999_999), name="service_max_amount_in_range"),
        ]

    def __str__(self) -> str:
        return self.name


class ServiceKey(models.Model):
    """One of a service's two API keys: encrypted at rest, shown only as its last four characters."""

    service = models.ForeignKey(Service, on_delete=models.CASCADE, related_name="keys", verbose_name=_("servizio"))
    slot = models.CharField(_("quale"), max_length=10, choices=KeySlot)
    secret = EncryptedTextField(_("chiave"))
    last_four = models.CharField(_("ultimi quattro caratteri"), max_length=4, editable=False)
    in_use = models.BooleanField(_("in uso"), default=False)
    changed_at = models.DateTimeField(_("cambiata il"), auto_now=True)

    class Meta:
        verbose_name = _("chiave")
        verbose_name_plural = _("chiavi")
        constraints = [
            models.UniqueConstraint(fields=["service", "slot"], name="one_key_per_slot"),
            models.UniqueConstraint(fields=["service"], condition=Q(in_use=True), name="one_key_in_use"),
        ]

    def __str__(self) -> str:
        return f"{self.get_slot_display()} …{self.last_four}"

    def save(self, *args: object, **kwargs: object) -> None:
        self.last_four = self.secret[-4:]
        super().save(*args, **kwargs)  # type: ignore[arg-type]


class AllowedRecipient(models.Model):
    """Somebody a service may write to while it is on trial; linked to a person, their own test citizen."""

    service = models.ForeignKey(
        Service, on_delete=models.CASCADE, related_name="allowed_recipients", verbose_name=_("servizio")
    )
    fiscal_code = models.CharField(_("codice fiscale"), max_length=16)
    label = models.CharField(_("chi è"), max_length=100)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="test_citizens",
        verbose_name=_("è questa persona"),
        help_text=_("Chi usa «Mandalo prima a me» con questo codice."),
    )

    class Meta:
        verbose_name = _("persona dell’elenco di prova")
        verbose_name_plural = _("elenco di prova")
        constraints = [models.UniqueConstraint(fields=["service", "fiscal_code"], name="allowed_once")]

    def __str__(self) -> str:
        return self.label


class ServicePause(models.Model):
    """A service, or only its messages with certain features, does not send until somebody lifts this."""

    service = models.ForeignKey(Service, on_delete=models.CASCADE, related_name="pauses", verbose_name=_("servizio"))
    features = models.CharField(_("solo i messaggi con"), max_length=60, blank=True)
    whole_service = models.BooleanField(_("tutto il servizio"), default=True)
    reason = models.CharField(_("motivo"), max_length=10, choices=PauseReason)
    title = models.CharField(_("cosa ha risposto IO"), max_length=200, blank=True)
    # While set, harmless calls are still finding out whether the key, the address or one permission is to blame.
    undecided = models.BooleanField(default=False, editable=False)
    since = models.DateTimeField(_("da"), auto_now_add=True)
    lifted_at = models.DateTimeField(_("fino a"), null=True, blank=True)
    lifted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("ripreso da"),
    )

    class Meta:
        verbose_name = _("sospensione")
        verbose_name_plural = _("sospensioni")
        constraints = [
            models.UniqueConstraint(
                fields=["service", "whole_service", "features"],
                condition=Q(lifted_at__isnull=True),
                name="one_open_pause",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.service}: {self.get_reason_display()}"
