"""How long protected texts and files are kept: what a citizen may still open is taken away only by an explicit rule."""

from __future__ import annotations

from calendar import monthrange
from datetime import datetime

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from structlog import get_logger

from messaging.enums import BatchStatus, Status
from messaging.models import (
    Attachment,
    BatchAttachment,
    Institution,
    MessageAttachment,
    RemoteContent,
    RemoteContentVersion,
)

log = get_logger(__name__)

#: So many contents or files at a time: no lock is held for long.
GROUP = 200
#: One run does no more than so many groups; the next one goes on.
GROUPS = 50
#: More than so many are not counted for a warning.
COUNTED = 10_000

#: The citizen has these, or may have them, and can open them.
PROMISED = frozenset({Status.PROCESSED, Status.CONFIRMED, Status.NO_OUTCOME, Status.ABANDONED})
#: What can never leave again; any other status may still need its text.
_OVER = PROMISED | {Status.REJECTED, Status.CANCELLED}


def would_be_erased(institution: Institution, months: int, now: datetime) -> int:
    """How many messages that citizens have would lose text and files under this rule; at most COUNTED + 1."""
    found = _older(institution, months, now).filter(message__status__in=PROMISED)
    return found.order_by()[: COUNTED + 1].count()


def erase_expired(now: datetime) -> int:
    """Empty the texts that are older than their institution's rule and remove their files; returns how many.

    A message is as old as the time since it was queued. The row stays, and says when it was emptied. May be called
    as often as one likes; one call does at most GROUP times GROUPS.
    """
    erased = 0
    for institution in Institution.objects.filter(remote_keep_months__isnull=False):
        erased += _erase_texts(institution, now)
    files = _remove_files()
    if erased or files:
        log.info("remote_content_erased", contents=erased, files=files)
    return erased


def _older(institution: Institution, months: int, now: datetime) -> QuerySet[RemoteContent]:
    return RemoteContent.objects.filter(
        erased_at__isnull=True,
        message__service__institution=institution,
        message__queued_at__lt=_months_before(now, months),
    )


def _months_before(now: datetime, months: int) -> datetime:
    years, month = divmod(now.year * 12 + now.month - 1 - months, 12)
    return now.replace(year=years, month=month + 1, day=min(now.day, monthrange(years, month + 1)[1]))


def _erase_texts(institution: Institution, now: datetime) -> int:
    assert institution.remote_keep_months is not None
    expired = _older(institution, institution.remote_keep_months, now).filter(message__status__in=_OVER)
    erased = 0
    for _ in range(GROUPS):
        with transaction.atomic():
            # A correction that is just being written goes first; the next run finds the row again.
            group = expired.select_for_update(of=("self",), skip_locked=True).order_by("pk")
            ids = list(group.values_list("pk", flat=True)[:GROUP])
            empty = {"subject": "", "body": "", "precondition_title": "", "precondition_body": ""}
            RemoteContentVersion.objects.filter(content__in=ids).update(**empty)
            erased += RemoteContent.objects.filter(pk__in=ids).update(**empty, digest="", erased_at=now)
        if len(ids) < GROUP:
            break
    return erased


def _remove_files() -> int:
    """Remove from the storage the files of emptied messages that nothing else uses; the rows stay, without a file.

    After a crash in between a file is removed once more, never forgotten.
    """
    removed = 0
    for _ in range(GROUPS):
        group = list(_unused().order_by("pk")[:GROUP])
        for attachment in group:
            # First nobody can find it by its content any more, then its file goes, then the row says so.
            if _unused().filter(pk=attachment.pk).update(digest=""):
                attachment.file.delete(save=False)
                removed += _unused().filter(pk=attachment.pk).update(file="")
        if len(group) < GROUP:
            break
    return removed


def _unused() -> QuerySet[Attachment]:
    """Files still there, of which every message is emptied and that no spreadsheet's sending is yet to hand out."""
    uses = MessageAttachment.objects.filter(attachment=OuterRef("pk"))
    pending = BatchAttachment.objects.filter(attachment=OuterRef("pk")).exclude(
        batch__status__in=[BatchStatus.FINISHED, BatchStatus.CANCELLED]
    )
    emptied = uses.filter(message__remote_content__erased_at__isnull=False)
    needed = uses.filter(message__remote_content__erased_at__isnull=True)
    return Attachment.objects.exclude(file="").filter(Exists(emptied), ~Exists(needed), ~Exists(pending))
