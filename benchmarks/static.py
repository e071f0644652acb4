"""The floor of what IO fetches: an application that sends the file named in BODY, and nothing else.

With AS_FILE it is opened anew and handed to the server as a file; otherwise it is read once and kept.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

_FILE = Path(os.environ["BODY"])
_BODY = _FILE.read_bytes()
_HEADERS = [("Content-Type", "application/octet-stream"), ("Content-Length", str(len(_BODY)))]
_AS_FILE = bool(os.environ.get("AS_FILE"))


def application(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    """200 with the same bytes, whatever is asked."""
    start_response("200 OK", _HEADERS)
    if _AS_FILE:
        wrapped: Iterable[bytes] = environ["wsgi.file_wrapper"](_FILE.open("rb"))
        return wrapped
    return (_BODY,)
