"""PDF files and the messages that carry them. Written only in messaging.remote."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from messaging.enums import PdfVerdict


def stored_as(attachment: Attachment, filename: str) -> str:
    """The place of a file in the storage: nothing of its name or of the citizen shows in it."""
    return f"attachments/{attachment.pk.hex[:2]}/{attachment.pk.hex}.pdf"


class Attachment(models.Model):
    """A PDF as it was uploaded and found good. Never changed: a correction is another one."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    service = models.ForeignKey(
        "messaging.Service", on_delete=models.PROTECT, related_name="attachments", verbose_name=_("servizio")
    )
    file = models.FileField(upload_to=stored_as, max_length=200)
    name = models.CharField(_("nome"), max_length=127)
    size = models.PositiveBigIntegerField(_("byte"))
    digest = models.CharField(max_length=64)
    pages = models.PositiveIntegerField(_("pagine"))
    #: What the file says of itself in its metadata, as "2a"; empty when it does not call itself PDF/A.
    declares = models.CharField(_("dichiara PDF/A"), max_length=4, blank=True)
    verdict = models.CharField(_("verifica PDF/A"), max_length=10, choices=PdfVerdict, default=PdfVerdict.NOT_ASKED)
    uploaded_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", verbose_name=_("caricato da")
    )
    uploaded_at = models.DateTimeField(_("caricato il"), auto_now_add=True)

    class Meta:
        verbose_name = _("allegato")
        verbose_name_plural = _("allegati")
        constraints = [models.CheckConstraint(condition=Q(verdict__in=PdfVerdict.values), name="pdf_verdict_known")]
        indexes = [models.Index(fields=["service", "digest"], name="attachment_content")]

    def __str__(self) -> str:
        return self.name


class MessageAttachment(models.Model):
    """A file in its place of a message; one that was replaced or taken away keeps its row and is served no more."""

    message = models.ForeignKey("messaging.Message", on_delete=models.CASCADE, related_name="attached", db_index=False)
    attachment = models.ForeignKey(Attachment, on_delete=models.PROTECT, related_name="uses")
    position = models.PositiveSmallIntegerField(_("posto"))
    name = models.CharField(_("nome per il cittadino"), max_length=127)
    added_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", db_index=False)
    added_at = models.DateTimeField(_("aggiunto il"))
    removed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+", db_index=False
    )
    removed_at = models.DateTimeField(_("tolto il"), null=True, blank=True)

    class Meta:
        verbose_name = _("allegato di un messaggio")
        verbose_name_plural = _("allegati dei messaggi")
        constraints = [
            models.UniqueConstraint(
                fields=["message", "position"], condition=Q(removed_at__isnull=True), name="one_file_in_a_place"
            ),
            models.CheckConstraint(
                condition=Q(removed_at__isnull=True, removed_by__isnull=True)
                | Q(removed_at__isnull=False, removed_by__isnull=False),
                name="file_removed_by_somebody",
            ),
        ]
        indexes = [models.Index(fields=["message", "position"], name="attached_to_message")]


class BatchAttachment(models.Model):
    """A PDF of the folder that came with a spreadsheet: rows name it in the column of attachments."""

    batch = models.ForeignKey("messaging.Batch", on_delete=models.CASCADE, related_name="files", db_index=False)
    #: As rows are compared with it: without case, folders and ".pdf".
    key = models.CharField(max_length=127)
    name = models.CharField(_("nome"), max_length=127)
    #: Empty when the file is no good; ``problem`` says why: {"code": ..., "params": {...}}.
    attachment = models.ForeignKey(Attachment, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    problem = models.JSONField(default=dict, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["batch", "key"], name="batch_file_once"),
            models.CheckConstraint(
                condition=Q(attachment__isnull=False, problem={}) | Q(attachment__isnull=True) & ~Q(problem={}),
                name="batch_file_good_or_problem",
            ),
        ]
