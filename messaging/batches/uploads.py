"""An uploaded file becomes a batch: kept in pieces in the database, so that every worker host sees it, while needed."""

from __future__ import annotations

import hashlib
import tempfile
import unicodedata
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, BinaryIO

from django.conf import settings
from django.core.files.base import File
from django.db import OperationalError, transaction
from django.db.models import Q
from django.utils import timezone

from messaging.batches import plans
from messaging.delivery import batches, content
from messaging.delivery.wake import wake_batch
from messaging.enums import BatchStatus, FeatureLevel
from messaging.models import Batch, BatchFilePart, RemoteText, Service, Template, User
from messaging.remote import attachments, room
from messaging.spreadsheets.problems import FileProblem

PIECE = 1024 * 1024
#: So many batches lose their file in one call of `forget_expired`.
FORGET_AT_ONCE = 5
#: Nobody begins the check while a folder is on its way to the storage; after this time it is taken for lost.
STORING = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Folder:
    """A zip of PDFs that comes with a spreadsheet, under the name that it had."""

    stream: BinaryIO | File[bytes]
    name: str


def max_bytes() -> int:
    """The size of a file up to which it is taken."""
    return settings.SPREADSHEET_MAX_MEGABYTES * 1024 * 1024


def upload(
    service: Service,
    template: Template,
    person: User,
    stream: BinaryIO | File[bytes],
    filename: str,
    name: str = "",
    folder: Folder | None = None,
) -> Batch:
    """Keep a file, with a copy of the template's text, as a new batch, and have it checked in the background.

    ``folder`` has the files of a template with attachments, of another it is left alone. Raises FileProblem, and keeps
    nothing: empty, too_large (size, limit: bytes), no_room, those of `what_keeps`; FolderProblem.
    """
    if code := what_keeps(template, service):
        raise FileProblem(code)
    size = getattr(stream, "size", None)
    if size is not None and size > max_bytes():
        raise FileProblem("too_large", size=size, limit=max_bytes())
    folder = folder if template.has_attachments else None
    filename = _plain_name(filename)
    batch = Batch(
        service=service,
        author=person,
        template=template,
        name=(_plain(name) or Path(filename).stem or template.name)[:100],
        filename=filename,
        kind=template.kind,
        subject=template.subject,
        body=template.body,
        buttons=template.buttons,
        feature_level=FeatureLevel.ADVANCED if template.has_attachments else FeatureLevel.STANDARD,
        **{name: getattr(template, name) for name in plans.REMOTE_NAMES},
    )
    try:
        with transaction.atomic():
            _save(batch, stream, folder)
            if folder is None:
                wake_batch(batch.pk)
        if folder is not None:
            _store_first(batch, folder)
    except (OSError, OperationalError) as error:
        if not room.is_full(error):
            raise
        raise FileProblem("no_room") from error
    return batch


def what_keeps(said: RemoteText, service: Service) -> str:
    """Why nothing with this text can be sent today: not_registered (where IO fetches), not_premium; or nothing."""
    if not plans.is_fetched(said):
        return ""
    if said.has_attachments and not service.premium:
        return "not_premium"
    return "" if content.configuration_id(service) else "not_registered"


def store_folder(batch: Batch, folder: Folder) -> None:
    """Keep a folder of PDFs beside a batch that was `reserved`, and have batch and files checked in the background.

    No transaction may be open. Raises FolderProblem, and the batch stays reserved.
    """
    attachments.store_folder(batch, folder.stream, _plain_name(folder.name))
    Batch.objects.filter(pk=batch.pk).update(**free())
    _set(batch, free())
    wake_batch(batch.pk)


def reserved() -> dict[str, Any]:
    """As columns of a batch: nobody begins to work on it while its folder is on the way to the storage."""
    return {"worked_by": uuid.uuid4().hex, "worked_until": timezone.now() + STORING}


def free() -> dict[str, Any]:
    """As columns of a batch: the opposite of `reserved`."""
    return {"worked_by": "", "worked_until": None}


def _set(batch: Batch, columns: dict[str, Any]) -> None:
    for name, value in columns.items():
        setattr(batch, name, value)


def _store_first(batch: Batch, folder: Folder) -> None:
    """The folder of a new batch, which goes again when the folder cannot be kept."""
    try:
        store_folder(batch, folder)
    except BaseException:
        batch.delete()
        raise


def _plain_name(filename: str) -> str:
    return _plain(Path(filename.replace("\\", "/")).name)[-255:]


def _plain(text: str) -> str:
    """Without control characters, which neither a database nor a page takes."""
    return "".join(c for c in text if unicodedata.category(c) not in {"Cc", "Cs"}).strip()


def _save(batch: Batch, stream: BinaryIO | File[bytes], folder: Folder | None) -> None:
    digest = hashlib.sha256()
    if folder is not None:
        # The same list with other files is not the same sending.
        digest.update(_digest(folder.stream))
        _set(batch, reserved())
    batch.save()
    size = number = 0
    while piece := stream.read(PIECE):
        size += len(piece)
        if size > max_bytes():
            raise FileProblem("too_large", size=size, limit=max_bytes())
        digest.update(piece)
        BatchFilePart.objects.create(batch=batch, number=number, content=piece)
        number += 1
    if not size:
        raise FileProblem("empty")
    batch.file_digest, batch.file_size = digest.hexdigest(), size
    batch.save(update_fields=["file_digest", "file_size"])


def _digest(stream: BinaryIO | File[bytes]) -> bytes:
    digest = hashlib.sha256()
    while piece := stream.read(PIECE):
        digest.update(piece)
    stream.seek(0)
    return digest.digest()


@contextmanager
def as_path(batch: Batch) -> Iterator[Path]:
    """The file of a batch on this host's disk, for reading; gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="ioportal-") as folder:
        path = Path(folder) / "file"
        with path.open("wb") as file:
            # Piece by piece: SQLite and PostgreSQL would otherwise hand over all of them at once.
            for number in batch.file_parts.order_by("number").values_list("number", flat=True):
                file.write(batch.file_parts.values_list("content", flat=True).get(number=number))
        yield path


def same_file(batch: Batch) -> Batch | None:
    """Another batch of the service with this very file: one that was sent, or else one that somebody still works on."""
    if not batch.file_digest:
        return None
    sent = batches.has_sent(batch.service, batch.file_digest)
    if sent is not None and sent.pk != batch.pk:
        return sent
    working = Batch.objects.filter(service=batch.service, file_digest=batch.file_digest).exclude(pk=batch.pk)
    statuses = [BatchStatus.UPLOADED, BatchStatus.CHECKING, *batches.OPEN]
    return working.filter(status__in=statuses).select_related("author").order_by("-id").first()


def forget_expired() -> None:
    """Delete some files that nobody needs any more: of batches that left or were stopped, and that nobody touched.

    A batch whose rows were read goes on without its file; one that waits for its columns has to be uploaded anew.
    Folders that nobody took the files out of go with them.
    """
    untouched = timezone.now() - timedelta(days=settings.SPREADSHEET_KEEP_DAYS)
    gone = Q(expanded_at__isnull=False) | Q(status__in=[BatchStatus.FINISHED, BatchStatus.CANCELLED])
    old = Q(status__in=batches.OPEN, changed_at__lt=untouched)
    for batch in Batch.objects.exclude(folder="").filter(gone | old).only("pk", "folder")[:FORGET_AT_ONCE]:
        attachments.forget_folder(batch)
    with_file = Batch.objects.filter(pk__in=BatchFilePart.objects.order_by().values("batch_id"))
    for batch in with_file.filter(gone | old).only("pk", "status", "rows_total").order_by("pk")[:FORGET_AT_ONCE]:
        with transaction.atomic():
            BatchFilePart.objects.filter(batch=batch).delete()
            if batch.status in batches.OPEN:
                expired = {"code": "expired", "params": {"days": settings.SPREADSHEET_KEEP_DAYS}}
                Batch.objects.filter(pk=batch.pk, rows_total=0).update(problem=expired)
