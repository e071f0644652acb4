"""Openings on record: written in groups by a thread of its own, so that no citizen waits for the database's disk.

What a process has not written when it is killed is lost, which is half a second's worth. When it is asked to end it
writes all.
"""

from __future__ import annotations

import atexit
import itertools
import logging
import threading
import time
from collections import deque
from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.db import Error, IntegrityError, connection, transaction

from messaging.delivery import milestones
from messaging.enums import EnvironmentKind, OpenedPart
from messaging.hosting import database
from messaging.models import Attachment, Message, RemoteContent

#: Seconds between two groups, and how many openings are in one at most.
EVERY = 0.5
GROUP = 500
#: So many wait; then requests do, for so many seconds, rather than lose one.
ROOM = 20_000
PATIENCE = 5.0
#: Seconds between two tries while the database is away, and how long an ending process goes on trying.
RETRY = 2.0
LAST_TRIES = 10.0

_log = logging.getLogger(__name__)
_INSERT = """
INSERT INTO messaging_opening (message_id, part, attachment_id, environment, status, at) VALUES
"""
_ROW = "(%s, %s, %s, %s, %s, %s)"
_FIRST = """
UPDATE messaging_remotecontent SET first_opened_at = %s WHERE message_id = %s AND first_opened_at IS NULL
"""


@dataclass(frozen=True, slots=True)
class Fetch:
    """One request by IO for a message that we know, and the status of our answer."""

    message: int
    part: OpenedPart
    attachment: str | None
    environment: EnvironmentKind
    status: int
    at: datetime

    @property
    def shows_the_text(self) -> bool:
        """Whether the citizen has seen the message open."""
        return self.part is OpenedPart.DETAIL and self.status == 200


class Recorder:
    """Takes openings at once and writes them soon; its thread starts with the first one, in whichever process it is."""

    def __init__(self) -> None:
        self._waiting: deque[Fetch] = deque()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._ending = threading.Event()

    def note(self, fetch: Fetch) -> None:
        """Put an opening on record. Waits while too many are waiting already, and gives up with a line in the log."""
        if self._thread is None:
            self._start()
        if len(self._waiting) >= ROOM and not self._has_room_soon():
            _log.error("an opening of message %d is not on record: %d others wait", fetch.message, ROOM)
            return
        self._waiting.append(fetch)

    def _has_room_soon(self) -> bool:
        until = time.monotonic() + PATIENCE
        while len(self._waiting) >= ROOM:
            if time.monotonic() > until:
                return False
            time.sleep(0.05)
        return True

    def end(self) -> None:
        """Write what waits and stop."""
        self._ending.set()
        if self._thread is not None:
            self._thread.join(LAST_TRIES + RETRY)

    def _start(self) -> None:
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="openings", daemon=True)
                self._thread.start()
                atexit.register(self.end)

    def _run(self) -> None:
        while not self._ending.wait(EVERY):
            self._write_all()
        self._write_all()
        connection.close()

    def _write_all(self) -> None:
        while group := self._next(GROUP):
            if not self._write(group):
                _log.error("%d openings are not on record: the database stays away", len(group))

    def _next(self, count: int) -> list[Fetch]:
        return [self._waiting.popleft() for _ in range(min(count, len(self._waiting)))]

    def _write(self, group: list[Fetch]) -> bool:
        """Write a group, however long the database is away; False when the process ends before that."""
        give_up: float | None = None
        while True:
            try:
                write(group)
            except Error as error:
                _log.warning("openings wait for the database: %s", type(error).__name__)
                connection.close()
            except Exception:
                # Ours, and no wait helps: the openings after these are to go on record all the same.
                _log.exception("%d openings are not on record", len(group))
                return True
            else:
                return True
            if self._ending.is_set() and give_up is None:
                give_up = time.monotonic() + LAST_TRIES
            if give_up is not None and time.monotonic() > give_up:
                return False
            self._ending.wait(RETRY) if give_up is None else time.sleep(RETRY)


def write(group: Collection[Fetch]) -> None:
    """Commit openings, the first opening of each message, and what follows from having been seen.

    An opening of a message that is gone by now is left out. Raises what Django raises while the database is away.
    """
    try:
        _write(group)
    except IntegrityError:
        if possible := _still_possible(group):
            _write(possible)


def _still_possible(group: Collection[Fetch]) -> list[Fetch]:
    messages = set(Message.objects.filter(pk__in={fetch.message for fetch in group}).values_list("pk", flat=True))
    wanted = {fetch.attachment for fetch in group if fetch.attachment}
    files = {str(pk) for pk in Attachment.objects.filter(pk__in=wanted).values_list("pk", flat=True)}
    return [
        fetch if fetch.attachment in files else replace(fetch, attachment=None)
        for fetch in group
        if fetch.message in messages
    ]


@transaction.atomic
def _write(group: Collection[Fetch]) -> None:
    with connection.cursor() as cursor:
        values = [value for fetch in group for value in _row(fetch)]
        cursor.execute(_INSERT + ", ".join([_ROW] * len(group)), values)
        first = _first_openings(group)
        # The first one stays, whoever else writes one now.
        cursor.executemany(_FIRST, [(database.moment(at), message) for message, at in sorted(first.items())])
    # To the second: a group is one moment, but for a database that has been away.
    in_order = sorted(first.items(), key=lambda item: item[1])
    for _, some in itertools.groupby(in_order, key=lambda item: item[1].replace(microsecond=0)):
        together = dict(some)
        milestones.seen(together.keys(), min(together.values()))


def _row(fetch: Fetch) -> tuple[Any, ...]:
    attachment = database.key(fetch.attachment) if fetch.attachment else None
    at = database.moment(fetch.at)
    return fetch.message, fetch.part.value, attachment, fetch.environment.value, int(fetch.status), at


def _first_openings(group: Collection[Fetch]) -> dict[int, datetime]:
    """When each message was opened that had not been so before this group."""
    first: dict[int, datetime] = {}
    for fetch in group:
        if fetch.shows_the_text:
            first[fetch.message] = min(fetch.at, first.get(fetch.message, fetch.at))
    unopened = RemoteContent.objects.filter(message_id__in=first, first_opened_at__isnull=True)
    return {message: first[message] for message in unopened.values_list("message_id", flat=True)}
