"""Telling a full disk from other faults: nothing is lost by it, and somebody must make room."""

from __future__ import annotations

import errno

from django.db import OperationalError

#: PostgreSQL's "disk_full" (appendix A of its manual).
_DISK_FULL = "53100"


def is_full(error: BaseException) -> bool:
    """Whether the disk of the database, of the storage, or of the temporary files, has no room left."""
    if isinstance(error, OSError):
        return error.errno in {errno.ENOSPC, errno.EDQUOT}
    if not isinstance(error, OperationalError):
        return False
    return getattr(error.__cause__, "sqlstate", None) == _DISK_FULL or "disk is full" in str(error)
