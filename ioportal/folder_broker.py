"""Kombu's broker in a folder, made safe for several processes: no message is ever seen half written.

Kombu opens a message's file before it writes to it. A worker that looks just then reads an empty file and dies of it;
so does one that finds what a killed process left, or whose folder somebody has wiped. A lost message loses nothing:
the sweep finds the work.
"""

from __future__ import annotations

import time
import uuid
from pathlib import Path
from queue import Empty
from typing import Any

from kombu.transport import filesystem
from kombu.utils.json import dumps


class Channel(filesystem.Channel):
    """A channel that writes each message to a file of another name first."""

    def _put(self, queue: str, payload: dict[str, Any], **kwargs: Any) -> None:  # type: ignore[override]
        folder = Path(self.data_folder_out)
        folder.mkdir(parents=True, exist_ok=True)
        name = f"{round(time.monotonic() * 1000)}_{uuid.uuid4()}.{queue}.msg"
        # Readers look for names that end in the queue's.
        draft = folder / f"{name}.draft"
        draft.write_text(dumps(payload), encoding="utf-8")
        draft.rename(folder / name)

    def _get(self, queue: str, timeout: float | None = None) -> Any:
        try:
            return super()._get(queue)
        except (ValueError, FileNotFoundError):
            raise Empty from None


class Transport(filesystem.Transport):
    """The file system transport with our channel."""

    Channel = Channel
