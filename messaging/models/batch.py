"""A spreadsheet of citizens on its way to becoming messages: the file, its rows, and how many stand where.

A batch's status is written only in messaging.delivery.batches, a row's content only in messaging.batches.
"""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from messaging.enums import BatchStatus, FeatureLevel, Kind, Milestone, ReachabilityAnswer, RowState, Status
from messaging.models.remote import RemoteText


class Batch(RemoteText):
    """One sending to the people of one spreadsheet, with a copy of the text that they are to read."""

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    service = models.ForeignKey(
        "messaging.Service", on_delete=models.PROTECT, related_name="batches", verbose_name=_("servizio")
    )
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="batches", verbose_name=_("preparato da")
    )
    name = models.CharField(_("nome"), max_length=100)
    template = models.ForeignKey(
        "messaging.Template",
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="batches",
        verbose_name=_("modello"),
    )
    corrects = models.ForeignKey(
        "self", on_delete=models.PROTECT, null=True, blank=True, related_name="corrections", verbose_name=_("corregge")
    )

    # What is said: a copy, so that a change of the template changes no batch that waits.
    kind = models.CharField(_("tipo"), max_length=20, choices=Kind, default=Kind.INFORMATIONAL)
    subject = models.CharField(_("oggetto"), max_length=300)
    body = models.TextField(_("testo"))
    buttons = models.JSONField(_("pulsanti"), default=list, blank=True)
    feature_level = models.CharField(_("livello"), max_length=10, choices=FeatureLevel, default=FeatureLevel.STANDARD)
    require_secure_channels = models.BooleanField(_("contenuto riservato"), default=False)
    invalid_after_due_date = models.BooleanField(_("non pagabile dopo la scadenza"), default=False)
    payee = models.CharField(_("ente creditore"), max_length=11, blank=True)
    reference = models.CharField(_("riferimento"), max_length=100, blank=True)

    # The file
    filename = models.CharField(_("file"), max_length=255, blank=True)
    file_digest = models.CharField(max_length=64, blank=True)
    file_size = models.PositiveBigIntegerField(default=0)
    #: Where the uploaded folder of PDFs stands in the storage until its files have been taken out, and its name.
    folder = models.CharField(max_length=200, blank=True, default="", db_default="")
    folder_name = models.CharField(_("cartella degli allegati"), max_length=255, blank=True, default="", db_default="")
    sheet_name = models.CharField(_("foglio"), max_length=255, blank=True)
    header = models.JSONField(default=list, blank=True)
    #: Field or placeholder key -> place of its column, from 0.
    columns = models.JSONField(default=dict, blank=True)
    #: What keeps the whole file from being used: {"code": ..., "params": {...}}, or empty.
    problem = models.JSONField(default=dict, blank=True)

    # Where it stands
    status = models.CharField(_("stato"), max_length=20, choices=BatchStatus, default=BatchStatus.UPLOADED)
    progress = models.PositiveSmallIntegerField(_("controllo, per mille"), default=0)
    worked_by = models.CharField(max_length=32, blank=True)
    worked_until = models.DateTimeField(null=True, blank=True)
    rows_total = models.PositiveIntegerField(_("righe"), default=0)
    rows_good = models.PositiveIntegerField(_("righe a posto"), default=0)
    rows_wrong = models.PositiveIntegerField(_("righe da correggere"), default=0)
    rows_repeated = models.PositiveIntegerField(_("righe già inviate"), default=0)
    rows_excluded = models.PositiveIntegerField(_("righe escluse"), default=0)
    rows_moved = models.PositiveIntegerField(_("righe spostate"), default=0)
    rows_warned = models.PositiveIntegerField(_("righe con un avvertimento"), default=0)
    rows_reachable = models.PositiveIntegerField(_("persone che usano IO"), default=0)
    rows_not_on_io = models.PositiveIntegerField(_("persone che non usano IO"), default=0)
    rows_opted_out = models.PositiveIntegerField(_("persone che hanno disattivato il servizio"), default=0)
    amount_total = models.PositiveBigIntegerField(_("somma degli importi in centesimi"), default=0)

    # Who agreed to it, and when it is to leave
    declared_at = models.DateTimeField(_("destinatari diretti, dichiarato il"), null=True, blank=True)
    submitted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    submitted_at = models.DateTimeField(null=True, blank=True)
    approved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    approval_digest = models.CharField(max_length=64, blank=True)
    repeat_reason = models.CharField(_("perché di nuovo"), max_length=300, blank=True)
    warnings_confirmed = models.BooleanField(_("avvertimenti confermati"), default=False)
    starts_at = models.DateTimeField(_("parte il"), null=True, blank=True)
    started_at = models.DateTimeField(_("partito il"), null=True, blank=True)
    #: Rows up to this number have become messages; `expanded_at` when all have.
    expanded_to = models.PositiveIntegerField(default=0)
    expanded_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(_("finito il"), null=True, blank=True)
    created_at = models.DateTimeField(_("caricato il"), auto_now_add=True)
    changed_at = models.DateTimeField(_("cambiato il"), auto_now=True)

    class Meta:
        verbose_name = _("invio da foglio")
        verbose_name_plural = _("invii da foglio")
        constraints = [
            models.CheckConstraint(condition=Q(status__in=BatchStatus.values), name="batch_status_known"),
            models.CheckConstraint(condition=Q(kind__in=Kind.values), name="batch_kind_known"),
            models.CheckConstraint(
                condition=Q(approved_by__isnull=True) | ~Q(approved_by=F("submitted_by")),
                name="batch_approved_by_another",
            ),
            models.CheckConstraint(
                condition=Q(
                    rows_total=F("rows_good")
                    + F("rows_wrong")
                    + F("rows_repeated")
                    + F("rows_excluded")
                    + F("rows_moved")
                ),
                name="batch_rows_add_up",
            ),
            models.CheckConstraint(
                condition=Q(status__in=BatchStatus.before_sending()) | Q(declared_at__isnull=False),
                name="batch_declared_before_sending",
            ),
            models.CheckConstraint(
                condition=~Q(status=BatchStatus.SCHEDULED) | Q(starts_at__isnull=False), name="batch_scheduled_has_time"
            ),
        ]
        indexes = [
            models.Index(fields=["service", "-id"], name="batch_service_newest"),
            models.Index(
                fields=["status", "id"],
                condition=~Q(status__in=[BatchStatus.FINISHED]),
                name="batch_unfinished",
            ),
            models.Index(fields=["service", "file_digest"], condition=~Q(file_digest=""), name="batch_file"),
        ]

    def __str__(self) -> str:
        return self.name


class BatchFilePart(models.Model):
    """A piece of an uploaded file, in the database so that every worker host sees it; kept until it has expired."""

    batch = models.ForeignKey(Batch, on_delete=models.CASCADE, related_name="file_parts", db_index=False)
    number = models.PositiveIntegerField()
    content = models.BinaryField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["batch", "number"], name="file_part_once")]


class BatchRow(models.Model):
    """A row of the file under the spreadsheet's own number, with what stands in its cells and what is wrong there."""

    batch = models.ForeignKey(Batch, on_delete=models.CASCADE, related_name="rows", db_index=False)
    number = models.PositiveIntegerField(_("riga"))
    #: The cells as `messaging.batches.cells` writes them, so that types survive a correction of their neighbours.
    cells = models.JSONField(default=list)
    state = models.CharField(_("stato"), max_length=10, choices=RowState)
    #: [{"field", "code", "params", "shown"}, ...] of `messaging.spreadsheets.rows.CellProblem`
    problems = models.JSONField(default=list, blank=True)
    warnings = models.JSONField(default=list, blank=True)
    recipient = models.ForeignKey(
        "messaging.Recipient", on_delete=models.PROTECT, null=True, blank=True, related_name="batch_rows"
    )
    amount = models.PositiveBigIntegerField(_("importo in centesimi"), null=True, blank=True)
    notice_number = models.CharField(_("numero avviso"), max_length=18, blank=True)
    due_date = models.DateField(_("scadenza"), null=True, blank=True)
    #: What goes over these rows twice is told apart by this: the same for the same message to the same person.
    content_key = models.CharField(max_length=32, blank=True)
    #: The message of the last days that had the same notice number or the same content.
    repeats = models.ForeignKey(
        "messaging.Message", on_delete=models.SET_NULL, null=True, blank=True, related_name="+", db_index=False
    )
    reachability = models.CharField(max_length=10, choices=ReachabilityAnswer, blank=True)
    #: When the engine is to ask IO about this person; a lease moves it on.
    ask_at = models.DateTimeField(null=True, blank=True)
    leased_by = models.CharField(max_length=32, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["batch", "number"], name="batch_row_once"),
            models.CheckConstraint(condition=Q(state__in=RowState.values), name="row_state_known"),
            models.CheckConstraint(
                condition=~Q(state=RowState.GOOD) | Q(recipient__isnull=False), name="row_good_has_recipient"
            ),
        ]
        indexes = [
            # Without a condition: SQLite does not use one on a state through Django.
            models.Index(fields=["batch", "state", "number"], name="row_state"),
            models.Index(fields=["batch", "ask_at"], condition=Q(ask_at__isnull=False), name="row_to_ask"),
            models.Index(fields=["leased_by"], condition=~Q(leased_by=""), name="row_leased"),
            models.Index(fields=["batch", "reachability", "number"], name="row_reachability"),
            models.Index(fields=["batch", "content_key"], condition=~Q(content_key=""), name="row_content"),
        ]


class BatchCount(models.Model):
    """How many messages of a batch stand in a status: written in the transaction that moves them, so always exact."""

    batch = models.ForeignKey(Batch, on_delete=models.CASCADE, related_name="counts", db_index=False)
    status = models.CharField(max_length=20, choices=Status)
    count = models.IntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["batch", "status"], name="batch_count_once")]


class BatchMilestone(models.Model):
    """How many delivered messages of a batch reached a milestone, or could."""

    batch = models.ForeignKey(Batch, on_delete=models.CASCADE, related_name="milestones", db_index=False)
    milestone = models.CharField(max_length=10, choices=Milestone)
    count = models.IntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["batch", "milestone"], name="batch_milestone_once")]


class BatchChange(models.Model):
    """One step of a batch's story: who did what, when and why."""

    batch = models.ForeignKey(Batch, on_delete=models.CASCADE, related_name="changes")
    from_status = models.CharField(max_length=20, choices=BatchStatus)
    to_status = models.CharField(max_length=20, choices=BatchStatus)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+", db_index=False
    )
    note = models.TextField(blank=True)
    at = models.DateTimeField()

    class Meta:
        verbose_name = _("cambio di stato di un invio")
        verbose_name_plural = _("cambi di stato degli invii")


class RememberedColumn(models.Model):
    """A column that somebody matched by hand for a template: the next file with that header needs no hand."""

    template = models.ForeignKey(
        "messaging.Template", on_delete=models.CASCADE, related_name="remembered_columns", db_index=False
    )
    field = models.CharField(max_length=100)
    header = models.CharField(max_length=200)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["template", "field"], name="column_remembered_once")]
