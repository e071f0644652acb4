"""What IO fetches from us: how IO is told where, what each citizen is to read, and who has opened it.

Protected texts and files are written only in messaging.remote, openings only in messaging.hosting.
"""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from messaging.enums import EnvironmentKind, OpenedPart, Precondition
from messaging.fields import EncryptedTextField


class ManageKey(models.Model):
    """The institution's key for what is not a service's own: remote content configurations (platform notes, A0)."""

    institution = models.OneToOneField(
        "messaging.Institution", on_delete=models.CASCADE, related_name="manage_key", verbose_name=_("ente")
    )
    secret = EncryptedTextField(_("chiave"))
    last_four = models.CharField(_("ultimi quattro caratteri"), max_length=4, editable=False)
    changed_at = models.DateTimeField(_("cambiata il"), auto_now=True)

    class Meta:
        verbose_name = _("chiave dell’ente")
        verbose_name_plural = _("chiavi degli enti")

    def __str__(self) -> str:
        return f"…{self.last_four}"

    def save(self, *args: object, **kwargs: object) -> None:
        self.last_four = self.secret[-4:]
        super().save(*args, **kwargs)  # type: ignore[arg-type]


class RemoteConfiguration(models.Model):
    """What IO knows of the place where this institution's remote content stands (platform notes, A1)."""

    institution = models.OneToOneField(
        "messaging.Institution", on_delete=models.PROTECT, related_name="remote_configuration", verbose_name=_("ente")
    )
    #: IO's id, a ULID; empty until IO has taken the configuration.
    configuration_id = models.CharField(_("codice dato da IO"), max_length=26, blank=True, editable=False)
    name = models.CharField(_("nome"), max_length=100)
    description = models.CharField(_("descrizione"), max_length=300)
    precondition = models.CharField(
        _("avvertenza prima di aprire"), max_length=6, choices=Precondition, default=Precondition.NEVER
    )
    is_lollipop_enabled = models.BooleanField(_("verifica della firma dell’app"), default=False)
    #: Fiscal codes for which IO leaves the signature out.
    disable_lollipop_for = models.JSONField(_("senza firma per"), default=list, blank=True)
    #: When IO last confirmed just what stands here; empty after any change that IO does not know yet.
    confirmed_at = models.DateTimeField(_("confermata da IO il"), null=True, blank=True, editable=False)
    changed_at = models.DateTimeField(_("cambiata il"), auto_now=True)

    class Meta:
        verbose_name = _("contenuto remoto")
        verbose_name_plural = _("contenuti remoti")
        constraints = [
            models.CheckConstraint(condition=Q(precondition__in=Precondition.values), name="remote_precondition_known")
        ]

    def __str__(self) -> str:
        return self.name


class RemoteEnvironment(models.Model):
    """Where IO fetches, for everybody or for test users only (platform notes, A1.3)."""

    configuration = models.ForeignKey(RemoteConfiguration, on_delete=models.CASCADE, related_name="environments")
    kind = models.CharField(_("ambiente"), max_length=10, choices=EnvironmentKind)
    #: Without a trailing slash: IO appends "/messages/..." as it is.
    base_url = models.CharField(_("indirizzo"), max_length=300)
    header_name = models.CharField(_("nome dell’intestazione"), max_length=100)
    #: Fiscal codes that IO sends to the test environment.
    test_users = models.JSONField(_("persone di prova"), default=list, blank=True)

    class Meta:
        verbose_name = _("ambiente")
        verbose_name_plural = _("ambienti")
        constraints = [
            models.UniqueConstraint(fields=["configuration", "kind"], name="one_environment_of_a_kind"),
            models.CheckConstraint(condition=Q(kind__in=EnvironmentKind.values), name="environment_kind_known"),
        ]

    def __str__(self) -> str:
        return self.get_kind_display()


class RemoteSecret(models.Model):
    """A secret that IO shows when it fetches; an old one is accepted until IO has surely forgotten it."""

    environment = models.ForeignKey(RemoteEnvironment, on_delete=models.CASCADE, related_name="secrets")
    secret = EncryptedTextField(_("segreto"))
    last_four = models.CharField(_("ultimi quattro caratteri"), max_length=4, editable=False)
    created_at = models.DateTimeField(_("creato il"), auto_now_add=True)
    #: The newest one, that IO is told.
    in_use = models.BooleanField(_("in uso"), default=True)
    #: Empty while it is accepted without an end.
    accepted_until = models.DateTimeField(_("accettato fino a"), null=True, blank=True)

    class Meta:
        verbose_name = _("segreto")
        verbose_name_plural = _("segreti")
        constraints = [
            models.UniqueConstraint(fields=["environment"], condition=Q(in_use=True), name="one_remote_secret_in_use"),
            models.CheckConstraint(
                condition=Q(in_use=False) | Q(accepted_until__isnull=True), name="remote_secret_in_use_has_no_end"
            ),
        ]

    def __str__(self) -> str:
        return f"…{self.last_four}"

    def save(self, *args: object, **kwargs: object) -> None:
        self.last_four = self.secret[-4:]
        super().save(*args, **kwargs)  # type: ignore[arg-type]


class RemoteText(models.Model):
    """What a template or a batch says of the remote part of its messages, with placeholders not yet filled."""

    has_remote_content = models.BooleanField(_("contenuto remoto"), default=False, db_default=False)
    protected_subject = models.CharField(_("oggetto protetto"), max_length=300, blank=True, default="", db_default="")
    protected_body = models.TextField(_("testo protetto"), blank=True, default="", db_default="")
    precondition = models.CharField(
        _("avvertenza prima di aprire"),
        max_length=6,
        choices=Precondition,
        default=Precondition.NEVER,
        db_default=Precondition.NEVER,
    )
    precondition_title = models.CharField(
        _("titolo dell’avvertenza"), max_length=300, blank=True, default="", db_default=""
    )
    precondition_body = models.TextField(_("testo dell’avvertenza"), blank=True, default="", db_default="")
    has_attachments = models.BooleanField(_("allegati"), default=False, db_default=False)

    class Meta:
        abstract = True


class RemoteContent(models.Model):
    """What one citizen reads of a message whose text IO fetches; placeholders filled. The newest version.

    IO asks for it by the message's ``public_id``, which is the ``third_party_data.id`` of the submission.
    """

    message = models.OneToOneField(
        "messaging.Message", on_delete=models.CASCADE, primary_key=True, related_name="remote_content"
    )
    subject = models.TextField(_("oggetto protetto"), blank=True)
    body = models.TextField(_("testo protetto"), blank=True)
    precondition_title = models.TextField(_("titolo dell’avvertenza"), blank=True)
    precondition_body = models.TextField(_("testo dell’avvertenza"), blank=True)
    #: A hash of texts and files together: what an approver saw, and what tells the same content again.
    digest = models.CharField(max_length=64, blank=True)
    version = models.PositiveIntegerField(_("versione"), default=1)
    written_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", verbose_name=_("scritto da")
    )
    written_at = models.DateTimeField(_("scritto il"))
    note = models.CharField(_("perché"), max_length=300, blank=True)
    #: When the retention rule emptied texts and files.
    erased_at = models.DateTimeField(null=True, blank=True)
    first_opened_at = models.DateTimeField(_("aperto la prima volta il"), null=True, blank=True)

    class Meta:
        verbose_name = _("contenuto remoto di un messaggio")
        verbose_name_plural = _("contenuti remoti dei messaggi")


class RemoteContentVersion(models.Model):
    """What a citizen could read before a correction replaced it."""

    content = models.ForeignKey(RemoteContent, on_delete=models.CASCADE, related_name="versions", db_index=False)
    number = models.PositiveIntegerField(_("versione"))
    subject = models.TextField(_("oggetto protetto"), blank=True)
    body = models.TextField(_("testo protetto"), blank=True)
    precondition_title = models.TextField(blank=True)
    precondition_body = models.TextField(blank=True)
    written_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    written_at = models.DateTimeField(_("scritto il"))
    note = models.CharField(_("perché"), max_length=300, blank=True)

    class Meta:
        verbose_name = _("versione sostituita")
        verbose_name_plural = _("versioni sostituite")
        constraints = [models.UniqueConstraint(fields=["content", "number"], name="content_version_once")]


class Opening(models.Model):
    """One fetch by IO of a message's protected part: what, when, and what we answered."""

    message = models.ForeignKey("messaging.Message", on_delete=models.CASCADE, related_name="openings", db_index=False)
    part = models.CharField(max_length=12, choices=OpenedPart)
    attachment = models.ForeignKey(
        "messaging.Attachment", on_delete=models.SET_NULL, null=True, blank=True, related_name="+", db_index=False
    )
    environment = models.CharField(max_length=10, choices=EnvironmentKind)
    #: The HTTP status of our answer.
    status = models.PositiveSmallIntegerField()
    at = models.DateTimeField()

    class Meta:
        verbose_name = _("apertura")
        verbose_name_plural = _("aperture")
        constraints = [models.CheckConstraint(condition=Q(part__in=OpenedPart.values), name="opened_part_known")]
        indexes = [models.Index(fields=["message", "id"], name="opening_of_message")]


class UsedSignature(models.Model):
    """A signed request of the app that was honoured: the same one again, from another request, is a replay."""

    digest = models.CharField(max_length=64, primary_key=True)
    seen_at = models.DateTimeField(db_index=True)
