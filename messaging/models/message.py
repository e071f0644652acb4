"""A message to one citizen, the attempts to submit it and the story of its statuses.

The row is the queue: ``next_attempt_at`` says what is due and ``status`` what has been done. Both are written only
in messaging.delivery.
"""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from messaging.enums import (
    AttemptOutcome,
    DeliverySpeed,
    FeatureLevel,
    Kind,
    Lane,
    Milestone,
    Precondition,
    Reason,
    Status,
)


class Message(models.Model):
    """One message of one service to one citizen."""

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    service = models.ForeignKey(
        "messaging.Service",
        on_delete=models.PROTECT,
        related_name="messages",
        db_index=False,
        verbose_name=_("servizio"),
    )
    recipient = models.ForeignKey(
        "messaging.Recipient",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="messages",
        db_index=False,
        verbose_name=_("destinatario"),
    )
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        related_name="messages",
        db_index=False,
        verbose_name=_("scritto da"),
    )
    template = models.ForeignKey(
        "messaging.Template",
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        db_index=False,
        verbose_name=_("modello"),
    )

    batch = models.ForeignKey(
        "messaging.Batch",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="messages",
        db_index=False,
        verbose_name=_("invio da foglio"),
    )
    #: The row of the batch's file, under the spreadsheet's own number.
    row = models.PositiveIntegerField(_("riga"), null=True, blank=True)

    # What is said
    kind = models.CharField(_("tipo"), max_length=20, choices=Kind, default=Kind.INFORMATIONAL)
    subject = models.TextField(_("oggetto"), blank=True)
    body = models.TextField(_("testo"), blank=True)
    buttons = models.JSONField(_("pulsanti"), default=list, blank=True)
    amount = models.PositiveBigIntegerField(_("importo in centesimi"), null=True, blank=True)
    notice_number = models.CharField(_("numero avviso"), max_length=18, blank=True)
    due_date = models.DateField(_("scadenza"), null=True, blank=True)
    invalid_after_due_date = models.BooleanField(_("non pagabile dopo la scadenza"), default=False)
    payee = models.CharField(_("ente creditore"), max_length=11, blank=True)
    feature_level = models.CharField(_("livello"), max_length=10, choices=FeatureLevel, default=FeatureLevel.STANDARD)
    require_secure_channels = models.BooleanField(_("contenuto riservato"), default=False)
    reference = models.CharField(_("riferimento"), max_length=100, blank=True)
    # What IO fetches from us at each opening (platform notes, A2): the texts stand in RemoteContent, the files in
    # MessageAttachment. ``remote_configuration`` is IO's id of where to fetch, set when the message is queued.
    has_remote_content = models.BooleanField(_("contenuto remoto"), default=False, db_default=False)
    has_attachments = models.BooleanField(_("allegati"), default=False, db_default=False)
    precondition = models.CharField(
        _("avvertenza prima di aprire"),
        max_length=6,
        choices=Precondition,
        default=Precondition.NEVER,
        db_default=Precondition.NEVER,
    )
    remote_configuration = models.CharField(max_length=26, blank=True, default="", db_default="")
    # The form as it was typed, so that a draft keeps what is not right yet too.
    typed = models.JSONField(default=dict, blank=True)

    # Who agreed to it
    submitted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+", db_index=False
    )
    approved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+", db_index=False
    )
    approval_digest = models.CharField(max_length=64, blank=True)
    repeat_reason = models.CharField(_("perché di nuovo"), max_length=300, blank=True)
    is_trial = models.BooleanField(_("prova"), default=False)
    copy_of = models.ForeignKey(
        "self", on_delete=models.SET_NULL, null=True, blank=True, related_name="copies", db_index=False
    )

    # Where it stands
    status = models.CharField(_("stato"), max_length=20, choices=Status, default=Status.DRAFT)
    next_attempt_at = models.DateTimeField(null=True, blank=True)
    leased_by = models.CharField(max_length=32, blank=True)
    lane = models.PositiveSmallIntegerField(choices=Lane, default=Lane.PERSON)
    attempt_number = models.PositiveIntegerField(default=0)
    sending_deadline = models.DateTimeField(null=True, blank=True)
    failures_in_a_row = models.PositiveIntegerField(default=0)
    polls = models.PositiveIntegerField(default=0)
    io_id = models.CharField(_("codice dato da IO"), max_length=64, blank=True)
    features = models.CharField(max_length=60, blank=True)
    refusal_cause = models.CharField(max_length=40, blank=True)
    refusal_owner = models.CharField(max_length=20, blank=True)
    read_status = models.CharField(max_length=20, blank=True)
    payment_status = models.CharField(max_length=20, blank=True)
    #: First opened, as our own server saw it, or known from IO to be read.
    seen_at = models.DateTimeField(_("aperto o letto il"), null=True, blank=True)
    paid_at = models.DateTimeField(_("pagato, saputo il"), null=True, blank=True)
    created_at = models.DateTimeField(_("creato il"), auto_now_add=True)
    changed_at = models.DateTimeField(_("salvato il"), auto_now=True)
    queued_at = models.DateTimeField(_("messo in coda il"), null=True, blank=True)
    accepted_at = models.DateTimeField(_("preso in carico il"), null=True, blank=True)
    delivery_speed = models.PositiveSmallIntegerField(choices=DeliverySpeed, null=True, blank=True)

    class Meta:
        verbose_name = _("messaggio")
        verbose_name_plural = _("messaggi")
        constraints = [
            models.CheckConstraint(condition=Q(status__in=Status.values), name="message_status_known"),
            models.CheckConstraint(condition=Q(kind__in=Kind.values), name="message_kind_known"),
            models.CheckConstraint(
                condition=Q(status=Status.DRAFT) | Q(recipient__isnull=False), name="message_recipient_unless_draft"
            ),
            models.CheckConstraint(
                condition=~Q(status__in=[Status.QUEUED, Status.ACCEPTED]) | Q(next_attempt_at__isnull=False),
                name="message_due_while_moving",
            ),
            models.CheckConstraint(
                condition=~Q(status=Status.SENDING) | Q(sending_deadline__isnull=False, attempt_number__gte=1),
                name="message_sending_has_deadline",
            ),
            models.CheckConstraint(
                condition=~Q(
                    status__in=[Status.ACCEPTED, Status.PROCESSED, Status.REJECTED, Status.FAILED, Status.NO_OUTCOME]
                )
                | ~Q(io_id=""),
                name="message_accepted_has_id",
            ),
            models.CheckConstraint(
                condition=Q(amount__isnull=True) | Q(amount__range=(1, 9_999_999_999)), name="message_amount_in_range"
            ),
            models.CheckConstraint(
                condition=Q(status=Status.DRAFT)
                | Q(amount__isnull=True, notice_number="")
                | (Q(amount__isnull=False) & ~Q(notice_number="")),
                name="message_payment_whole",
            ),
            models.CheckConstraint(
                condition=Q(approved_by__isnull=True) | ~Q(approved_by=F("submitted_by")),
                name="message_approved_by_another",
            ),
            models.CheckConstraint(
                condition=Q(batch__isnull=True, row__isnull=True) | Q(batch__isnull=False, row__isnull=False),
                name="message_row_of_batch",
            ),
            models.UniqueConstraint(
                fields=["batch", "row"], condition=Q(batch__isnull=False), name="message_batch_row_once"
            ),
            models.UniqueConstraint(fields=["io_id"], condition=~Q(io_id=""), name="message_io_id_once"),
        ]
        # Each status that a message goes through is written to every one of these, so foreign keys that another index
        # begins with, or by which nobody looks, have none of their own.
        indexes = [
            # Conditioned on NULL, not on statuses: SQLite does not use the latter through Django.
            models.Index(
                fields=["service", "lane", "next_attempt_at", "id"],
                condition=Q(next_attempt_at__isnull=False),
                name="message_due",
            ),
            models.Index(
                fields=["sending_deadline"], condition=Q(sending_deadline__isnull=False), name="message_deadline"
            ),
            models.Index(fields=["leased_by"], condition=~Q(leased_by=""), name="message_leased"),
            models.Index(fields=["service", "-id"], name="message_service_newest"),
            models.Index(fields=["service", "status", "-id"], name="message_service_status"),
            models.Index(fields=["author", "-id"], name="message_author_newest"),
            models.Index(fields=["author", "-id"], condition=Q(batch__isnull=True), name="message_author_by_hand"),
            models.Index(fields=["recipient", "-id"], name="message_recipient_newest"),
            models.Index(
                fields=["batch", "lane", "next_attempt_at", "id"],
                condition=Q(batch__isnull=False, next_attempt_at__isnull=False),
                name="message_due_of_batch",
            ),
            models.Index(
                fields=["batch", "status", "row"], condition=Q(batch__isnull=False), name="message_batch_status"
            ),
            models.Index(
                fields=["service", "delivery_speed", "-id"],
                condition=Q(delivery_speed__isnull=False),
                name="message_delivery_speed",
            ),
            models.Index(fields=["service", "-id"], condition=Q(seen_at__isnull=False), name="message_seen"),
            models.Index(fields=["service", "-id"], condition=Q(paid_at__isnull=False), name="message_paid"),
            models.Index(fields=["template"], condition=Q(template__isnull=False), name="message_template"),
            models.Index(fields=["copy_of"], condition=Q(copy_of__isnull=False), name="message_copy_of"),
            models.Index(fields=["notice_number"], condition=~Q(notice_number=""), name="message_notice_number"),
            models.Index(fields=["reference"], condition=~Q(reference=""), name="message_reference"),
        ]

    def __str__(self) -> str:
        return str(self.public_id)


class StatusChange(models.Model):
    """One step of a message's story: the timeline on the screen and the audit trail."""

    message = models.ForeignKey(Message, on_delete=models.CASCADE, related_name="changes", db_index=False)
    from_status = models.CharField(max_length=20, choices=Status)
    to_status = models.CharField(max_length=20, choices=Status)
    reason = models.CharField(max_length=20, choices=Reason)
    attempt_number = models.PositiveIntegerField(default=0)
    detail = models.CharField(max_length=200, blank=True)
    note = models.TextField(blank=True)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+", db_index=False
    )
    at = models.DateTimeField()

    class Meta:
        verbose_name = _("cambio di stato")
        verbose_name_plural = _("cambi di stato")
        indexes = [models.Index(fields=["message", "id"], name="change_of_message")]


class Attempt(models.Model):
    """One POST of a message: committed before the call, answered after it."""

    message = models.ForeignKey(Message, on_delete=models.CASCADE, related_name="attempts", db_index=False)
    number = models.PositiveIntegerField()
    key = models.ForeignKey(
        "messaging.ServiceKey", on_delete=models.SET_NULL, null=True, related_name="+", db_index=False
    )
    started_at = models.DateTimeField()
    answered_at = models.DateTimeField(null=True, blank=True)
    outcome = models.CharField(max_length=20, choices=AttemptOutcome, blank=True)
    http_status = models.PositiveSmallIntegerField(null=True, blank=True)
    title = models.CharField(max_length=200, blank=True)
    io_id = models.CharField(max_length=64, blank=True)

    class Meta:
        verbose_name = _("tentativo")
        verbose_name_plural = _("tentativi")
        constraints = [models.UniqueConstraint(fields=["message", "number"], name="attempt_once")]


class DailyCount(models.Model):
    """How many of the messages that a service queued on a day (Europe/Rome) stand in a status now.

    A message counts on the day of its first ``queued_at``, whatever happens to it later; the counts of a day add up to
    what was queued on it. ``lowest_message`` is no higher than the lowest id among them: where a list may stop looking.
    """

    service = models.ForeignKey(
        "messaging.Service", on_delete=models.CASCADE, related_name="daily_counts", db_index=False
    )
    day = models.DateField()
    status = models.CharField(max_length=20, choices=Status)
    count = models.IntegerField(default=0)
    lowest_message = models.BigIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["service", "day", "status"], name="daily_count_once")]


class DailySpeed(models.Model):
    """How many of the messages that a service queued on a day (Europe/Rome) were delivered within which time."""

    service = models.ForeignKey(
        "messaging.Service", on_delete=models.CASCADE, related_name="daily_speeds", db_index=False
    )
    day = models.DateField()
    speed = models.PositiveSmallIntegerField(choices=DeliverySpeed)
    count = models.IntegerField(default=0)
    lowest_message = models.BigIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["service", "day", "speed"], name="daily_speed_once")]


class DailyMilestone(models.Model):
    """How many delivered messages that a service queued on a day (Europe/Rome) reached a milestone, or could."""

    service = models.ForeignKey(
        "messaging.Service", on_delete=models.CASCADE, related_name="daily_milestones", db_index=False
    )
    day = models.DateField()
    milestone = models.CharField(max_length=10, choices=Milestone)
    count = models.IntegerField(default=0)
    lowest_message = models.BigIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["service", "day", "milestone"], name="daily_milestone_once")]


class ContentFingerprint(models.Model):
    """A keyed hash of what was sent to whom, or of a notice number: kept when the content is erased."""

    digest = models.CharField(max_length=64, unique=True)
    message = models.ForeignKey(Message, on_delete=models.CASCADE, related_name="fingerprints")
    seen_at = models.DateTimeField()
