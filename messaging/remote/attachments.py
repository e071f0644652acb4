"""PDFs come in, one by one or as a folder that belongs to a spreadsheet: examined, and kept as attachments.

No function here may be called within a transaction: the storage may be far away.
"""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Any, BinaryIO, cast

from django.conf import settings
from django.core.files.base import File
from django.core.files.storage import default_storage
from django.db import OperationalError, transaction
from django.utils import timezone

from messaging.documents import folders, names, pdf
from messaging.documents.folders import FolderFile
from messaging.documents.problems import FolderProblem, PdfProblem
from messaging.models import Attachment, Batch, BatchAttachment, Service, User
from messaging.remote import room, storing
from messaging.remote.storing import Examined

#: Files of a folder that are taken between two moments at which the work can stop and go on later.
GROUP = 20
_FOLDERS = "folders"
_KEYS_AT_ONCE = 500


def max_bytes() -> int:
    """The size of a PDF up to which it is taken."""
    return settings.ATTACHMENT_MAX_MEGABYTES * 1024 * 1024


def max_folder_bytes() -> int:
    """The size of a zip of PDFs up to which it is taken."""
    return settings.ATTACHMENT_FOLDER_MAX_MEGABYTES * 1024 * 1024


def take_in(service: Service, person: User, file: File[bytes] | BinaryIO, filename: str) -> Attachment:
    """Examine an uploaded PDF and keep it; the same file with the same name is kept once in a service.

    Takes some tenths of a second, and some seconds where veraPDF is asked. Raises PdfProblem, and keeps nothing.
    """
    file.seek(0)
    try:
        with pdf.kept(file, max_bytes()) as path, pdf.Inspector() as inspector:
            [examined] = storing.with_verdicts([Examined(path, inspector.inspect(path, max_bytes()))])
            return storing.keep(service, person, examined, filename)
    except (OSError, OperationalError) as error:
        if not room.is_full(error):
            raise
        raise PdfProblem("no_room") from error


def store_folder(batch: Batch, stream: File[bytes] | BinaryIO, filename: str) -> None:
    """Keep a zip of PDFs beside a batch until ``take_folder`` has taken its files out.

    They are added to those that the batch has, in place of those with the same names. Raises FolderProblem, and changes
    nothing: empty, too_large, not_zip, unreadable, encrypted, no_files, too_many_files, waiting, no_room.
    """
    stream.seek(0, 2)
    size = stream.tell()
    if size > max_folder_bytes():
        raise FolderProblem("too_large", size=size, limit=max_folder_bytes())
    with folders.opened(cast(BinaryIO, stream)) as folder:
        keys = [file.key for file in folder.files]
    if Batch.objects.filter(pk=batch.pk).exclude(folder="").exists():
        raise FolderProblem("waiting")
    stream.seek(0)
    path = _save(stream)
    try:
        with transaction.atomic():
            _bind(batch, path, filename, keys)
    except BaseException:
        default_storage.delete(path)
        raise


def take_folder(
    batch: Batch, person: User, go_on: Callable[[], bool], progress: Callable[[float], None] | None = None
) -> None:
    """Take the files out of a batch's folder, good ones as attachments, and delete the folder.

    Stops when ``go_on`` says so, and goes on the next time from there: then ``batch.folder`` is still set. ``progress``
    is told the share of files that are done. Raises FolderProblem: unreadable, zip_bomb, lost (the folder is gone
    then), no_room (it is kept: call again when there is room).
    """
    if not batch.folder:
        return
    try:
        with default_storage.open(batch.folder) as stored, folders.opened(cast(BinaryIO, stored)) as folder:
            if not _take_files(batch, person, folder.files, go_on, progress):
                return
    except FileNotFoundError as error:
        forget_folder(batch)
        raise FolderProblem("lost") from error
    except FolderProblem:
        forget_folder(batch)
        raise
    except (OSError, OperationalError) as error:
        if not room.is_full(error):
            raise
        raise FolderProblem("no_room") from error
    forget_folder(batch)


def forget_folder(batch: Batch) -> None:
    """Delete the zip of a batch, if it has one; the files that were taken out of it stay."""
    if not batch.folder:
        return
    default_storage.delete(batch.folder)
    Batch.objects.filter(pk=batch.pk, folder=batch.folder).update(folder="")
    batch.folder = ""


def forget_unused(now: datetime | None = None) -> int:
    """Delete some attachments that no message and no batch has used for a day, and folders that no batch knows.

    Returns how many files are gone; to be called from time to time.
    """
    now = now or timezone.now()
    return storing.forget(now) + _forget_folders(now)


def _save(stream: File[bytes] | BinaryIO) -> str:
    path = f"{_FOLDERS}/{uuid.uuid4().hex}.zip"
    try:
        return default_storage.save(path, File(stream))
    except OSError as error:
        # Half of it may be there.
        with contextlib.suppress(OSError):
            default_storage.delete(path)
        if not room.is_full(error):
            raise
        raise FolderProblem("no_room") from error


def _bind(batch: Batch, path: str, filename: str, keys: Sequence[str]) -> None:
    name = names.base_name(filename)[-255:]
    if not Batch.objects.filter(pk=batch.pk, folder="").update(folder=path, folder_name=name):
        raise FolderProblem("waiting")
    for start in range(0, len(keys), _KEYS_AT_ONCE):
        BatchAttachment.objects.filter(batch=batch, key__in=keys[start : start + _KEYS_AT_ONCE]).delete()
    batch.folder, batch.folder_name = path, name


def _take_files(
    batch: Batch,
    person: User,
    files: Sequence[FolderFile],
    go_on: Callable[[], bool],
    progress: Callable[[float], None] | None,
) -> bool:
    """Whether all are taken."""
    done = set(BatchAttachment.objects.filter(batch=batch).values_list("key", flat=True))
    left = [file for file in files if file.key not in done]
    with pdf.Inspector() as inspector:
        for start in range(0, len(left), GROUP):
            group = left[start : start + GROUP]
            if not _take_group(batch, person, group, inspector, go_on):
                return False
            if progress is not None:
                progress((len(files) - len(left) + start + len(group)) / len(files))
    return True


def _take_group(
    batch: Batch, person: User, group: Sequence[FolderFile], inspector: pdf.Inspector, go_on: Callable[[], bool]
) -> bool:
    with contextlib.ExitStack() as stack:
        good: dict[str, Examined] = {}
        problems: dict[str, PdfProblem] = {}
        for file in group:
            if not go_on():
                return False
            try:
                good[file.key] = stack.enter_context(_examined(file, inspector))
            except PdfProblem as problem:
                problems[file.key] = problem
        good = dict(zip(good, storing.with_verdicts(list(good.values())), strict=True))
        made = {
            file.key: storing.keep(batch.service, person, good[file.key], file.name)
            for file in group
            if file.key in good
        }
    rows = [_row(batch, file, made.get(file.key), problems.get(file.key)) for file in group]
    # Another process that took over the batch may have come as far.
    BatchAttachment.objects.bulk_create(rows, ignore_conflicts=True)
    return True


@contextlib.contextmanager
def _examined(file: FolderFile, inspector: pdf.Inspector) -> Iterator[Examined]:
    if file.problem is not None:
        raise file.problem
    with file.open() as content, pdf.kept(content, max_bytes()) as path:
        yield Examined(path, inspector.inspect(path, max_bytes()))


def _row(batch: Batch, file: FolderFile, attachment: Attachment | None, problem: PdfProblem | None) -> BatchAttachment:
    why: dict[str, Any] = {"code": problem.code, "params": problem.params} if problem else {}
    name = attachment.name if attachment else names.base_name(file.name)[-names.MAX_NAME :]
    return BatchAttachment(batch=batch, key=file.key, name=name, attachment=attachment, problem=why)


def _forget_folders(now: datetime) -> int:
    """Those of batches that are gone, or that an upload left behind when it was cut off."""
    try:
        _folders, files = default_storage.listdir(_FOLDERS)
    except FileNotFoundError:
        return 0
    gone = 0
    for path in (f"{_FOLDERS}/{name}" for name in files):
        old = default_storage.get_modified_time(path) < now - storing.UNUSED_FOR
        if old and not Batch.objects.filter(folder=path).exists():
            default_storage.delete(path)
            gone += 1
    return gone
