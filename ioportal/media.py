"""Where files of citizens are kept: a private folder, or a private bucket of an S3-compatible store.

They are served by the portal alone, after it has looked who asks: no store ever gives one out by an address.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ioportal import environment

#: A file of this size or less stays in memory while it is read from a bucket; a larger one goes through the disk.
_IN_MEMORY = 6 * 1024 * 1024


def storage(default: Path, served: Sequence[Path]) -> dict[str, Any]:
    """Return the entry of Django's ``STORAGES``; nothing of it may lie in a folder that a web server gives out."""
    bucket = environment.read("MEDIA_S3_BUCKET")
    return _bucket(bucket) if bucket else _folder(default, served)


def _folder(default: Path, served: Sequence[Path]) -> dict[str, Any]:
    root = Path(environment.read("MEDIA_ROOT", str(default))).resolve()
    for folder in served:
        if root.is_relative_to(folder.resolve()) or folder.resolve().is_relative_to(root):
            environment.stop(f"MEDIA_ROOT is {root}, which overlaps {folder}: files there are given to everybody.")
    return {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {
            "location": environment.writable_folder(root),
            "file_permissions_mode": 0o600,
            "directory_permissions_mode": 0o700,
        },
    }


def _bucket(name: str) -> dict[str, Any]:
    # Only here: it takes a third of a second, and most installations have no bucket.
    from botocore.config import Config  # type: ignore[import-untyped]

    access_key, secret_key = environment.read("MEDIA_S3_ACCESS_KEY"), environment.read("MEDIA_S3_SECRET_KEY")
    if bool(access_key) != bool(secret_key):
        environment.stop("MEDIA_S3_ACCESS_KEY and MEDIA_S3_SECRET_KEY belong together: set both, or none.")
    endpoint = environment.read_url("MEDIA_S3_ENDPOINT", "") if environment.read("MEDIA_S3_ENDPOINT") else None
    options: dict[str, Any] = {
        "bucket_name": name,
        "location": environment.read("MEDIA_S3_PREFIX"),
        "region_name": environment.read("MEDIA_S3_REGION") or None,
        "endpoint_url": endpoint,
        "access_key": access_key or None,
        "secret_key": secret_key or None,
        # The bucket says who may read, and no address of a file opens it.
        "default_acl": None,
        "querystring_auth": False,
        "max_memory_size": _IN_MEMORY,
        "client_config": Config(
            signature_version="s3v4",
            # A store of one's own seldom has a host name for each bucket.
            s3={"addressing_style": "path" if endpoint else "auto"},
            # Stores other than Amazon's do not all know the newer checksums.
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
            # IO waits some seconds (platform notes, A3.6).
            connect_timeout=3,
            read_timeout=10,
            retries={"mode": "standard", "total_max_attempts": 2},
        ),
    }
    return {"BACKEND": "storages.backends.s3.S3Storage", "OPTIONS": options}
