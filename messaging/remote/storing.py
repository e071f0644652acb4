"""Examined PDFs are kept in the storage as attachments of a service, and deleted when nobody uses them.

A row is written before its file and deleted after it, so that no file is ever there without a row that knows of it.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from django.conf import settings
from django.core.files.base import File
from django.core.files.storage import default_storage
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from messaging.documents import names, verapdf
from messaging.documents.pdf import PdfFacts
from messaging.enums import PdfVerdict
from messaging.models import Attachment, BatchAttachment, MessageAttachment, Service, User

#: A file that nothing uses by then is deleted: of a draft that was given up, of a folder that was uploaded anew.
UNUSED_FOR = timedelta(days=1)
#: One that nothing uses yet is taken again only as long as its end is far.
_AGAIN_FOR = timedelta(hours=12)
#: So many files are deleted in one call of ``forget``.
FORGET_AT_ONCE = 200
_VERDICTS = {verapdf.Verdict.CONFORMS: PdfVerdict.CONFORMS, verapdf.Verdict.FAILS: PdfVerdict.FAILS}


@dataclass(frozen=True, slots=True)
class Examined:
    """A good file on this host's disk, its facts and what veraPDF says of it."""

    path: Path
    facts: PdfFacts
    verdict: PdfVerdict = PdfVerdict.NOT_ASKED


def with_verdicts(files: Sequence[Examined]) -> list[Examined]:
    """The same files with veraPDF's verdict on those that declare to be PDF/A, where it is installed."""
    asked = [file.path for file in files if file.facts.declares]
    if not (settings.VERAPDF_COMMAND and asked):
        return list(files)
    said = verapdf.check(settings.VERAPDF_COMMAND, asked)
    verdicts = {path: _VERDICTS.get(verdict, PdfVerdict.NOT_ASKED) for path, verdict in said.items()}
    return [Examined(file.path, file.facts, verdicts.get(file.path, file.verdict)) for file in files]


def keep(service: Service, person: User, file: Examined, filename: str) -> Attachment:
    """Store an examined file, unless the service has it with this name; raises what the storage and database raise."""
    name = names.clean_name(filename)
    if again := _same(service, name, file.facts.digest):
        return again
    made = Attachment(
        service=service,
        name=name,
        size=file.facts.size,
        digest=file.facts.digest,
        pages=file.facts.pages,
        declares=file.facts.declares,
        verdict=file.verdict,
        uploaded_by=person,
    )
    place = made.file.field.generate_filename(made, name)
    made.file.name = place
    made.save()
    try:
        with file.path.open("rb") as content:
            stored = default_storage.save(place, File(content))
    except BaseException:
        _drop(made)
        raise
    if stored != place:
        # A storage may give another name to what it has already, which nobody else can have made.
        Attachment.objects.filter(pk=made.pk).update(file=stored)
        made.file.name = stored
    return made


def forget(now: datetime) -> int:
    """Delete some files that no message and no batch has used for a day; return how many."""
    gone = 0
    for attachment in _unused().filter(uploaded_at__lt=now - UNUSED_FOR).order_by("uploaded_at")[:FORGET_AT_ONCE]:
        # First nobody can find it by its content any more, then its file goes, then the row that knows of the file.
        if _unused().filter(pk=attachment.pk).update(digest=""):
            default_storage.delete(_place(attachment))
            _unused().filter(pk=attachment.pk).delete()
            gone += 1
    return gone


def _unused() -> QuerySet[Attachment]:
    of_messages = MessageAttachment.objects.filter(attachment=OuterRef("pk"))
    of_batches = BatchAttachment.objects.filter(attachment=OuterRef("pk"))
    return Attachment.objects.filter(~Exists(of_messages), ~Exists(of_batches))


def _same(service: Service, name: str, digest: str) -> Attachment | None:
    """One with the same content and name, and its file: somebody may just be writing it, or have failed to."""
    used = Exists(MessageAttachment.objects.filter(attachment=OuterRef("pk")))
    young = Q(uploaded_at__gt=timezone.now() - _AGAIN_FOR)
    found = Attachment.objects.filter(used | young, service=service, digest=digest, name=name)
    kept = found.order_by("-uploaded_at").first()
    return kept if kept is not None and _is_whole(kept) else None


def _is_whole(attachment: Attachment) -> bool:
    try:
        return default_storage.size(_place(attachment)) == attachment.size
    except FileNotFoundError:
        return False


def _drop(made: Attachment) -> None:
    # Half a file may be there; where neither can be deleted now, ``forget_unused`` does it.
    with contextlib.suppress(Exception):
        default_storage.delete(_place(made))
        made.delete()


def _place(attachment: Attachment) -> str:
    return str(attachment.file.name)
