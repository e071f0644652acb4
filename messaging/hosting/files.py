"""Files from the storage, piece by piece: none is ever held in memory as a whole."""

from __future__ import annotations

import logging
import os

from django.core.files import File
from django.core.files.storage import default_storage

from messaging.hosting.contents import Place

#: The app waits so many seconds and asks again, by itself (platform notes, A3.5).
RETRY_AFTER = 5
BLOCK = 64 * 1024
#: IO looks at these and shows nothing that begins in another way (platform notes, A3.3).
_MAGIC = b"%PDF"

_log = logging.getLogger(__name__)


class NotReady(Exception):
    """The file is not in the storage, or not yet as a whole, or the storage is away."""


def opened(place: Place) -> File[bytes]:
    """The file, at its first byte; the caller closes it. Raises NotReady."""
    try:
        file = default_storage.open(place.name, "rb")
    except Exception as error:
        # Each storage has its own ways to fail, and the citizen's app is told the same of all.
        raise _not_ready(place, repr(error)) from error
    try:
        wrong = _what_is_wrong(file, place.size)
    except Exception as error:
        file.close()
        raise _not_ready(place, repr(error)) from error
    if wrong:
        file.close()
        raise _not_ready(place, wrong)
    return file


def _what_is_wrong(file: File[bytes], size: int) -> str:
    begins = file.read(len(_MAGIC))
    # By way of the end: a seek within what was buffered would leave the descriptor, from which the kernel sends, where
    # it is.
    found = file.seek(0, os.SEEK_END)
    file.seek(0)
    if found != size:
        return f"{found} bytes of {size}"
    return "" if begins == _MAGIC else "does not begin as a PDF"


def _not_ready(place: Place, why: str) -> NotReady:
    _log.error("the file %s cannot be served: %s", place.name, why)
    return NotReady(why)
