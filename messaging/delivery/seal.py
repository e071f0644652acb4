"""How a restored or cloned database is noticed: a seal outside it says who it is and how far it had come.

The seal is a small file in SECRETS_DIR. Before anything is sent, the database must be the seal's and not behind it;
else a copy is at work whose queued messages may have left long ago, and everything is held until a person releases it.
"""

from __future__ import annotations

import fcntl
import json
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from django.conf import settings
from django.db import transaction
from django.db.models import F, Max, Q
from django.utils import timezone
from structlog import get_logger

from messaging.delivery import batches
from messaging.delivery.moves import GROUP, Moves
from messaging.delivery.notices import tell
from messaging.enums import NoticeKind, Reason, Status
from messaging.models import Attempt, Installation, Message, User

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Seal:
    """The installation's identity, how often a person released it, and the newest attempt seen."""

    identity: str
    release: int
    attempt: int


#: A seal that is there and cannot be read.
ILLEGIBLE = Seal("", -1, -1)


def installation() -> Installation:
    """The one row of this database."""
    row, _ = Installation.objects.get_or_create(pk=1)
    return row


def is_held() -> bool:
    """Whether sending is held until a person releases it; compares database and seal each time."""
    row = installation()
    if row.held_at is not None:
        return True
    # The seal first: an attempt is committed before it is sealed, so another process at work looks like no copy.
    seal = _read()
    newest = _newest_attempt()
    if seal is None and newest == 0:
        _write(Seal(str(row.identity), row.release, 0))
        return False
    if seal is None or seal is ILLEGIBLE:
        seal = Seal(str(row.identity), row.release, newest)
        _hold(row, seal, "no seal beside a database that has sent")
        _write(seal)
        return True
    if seal.identity != str(row.identity) or seal.release > row.release:
        return _hold(row, seal, "another installation's database")
    if seal.release < row.release:
        _write(Seal(str(row.identity), row.release, newest))
        return False
    if seal.attempt > newest:
        return _hold(row, seal, "an older database")
    return False


def advance(attempt: int) -> None:
    """Note outside the database, before the POST, that this attempt's number has been given out."""
    with _alone():
        seal = _read()
        if seal and seal is not ILLEGIBLE and seal.attempt < attempt:
            _write(Seal(seal.identity, seal.release, attempt))


def release(person: User | None, note: str, *, queued_may_have_left: bool) -> None:
    """Let this database send again.

    With ``queued_may_have_left`` what is queued becomes uncertain first, so that a person decides about each; batches
    whose messages were still to be made, or whose hour has come, wait for a person too.
    """
    with transaction.atomic():
        if queued_may_have_left:
            batches.hold_back(person, note)
            _make_queued_uncertain(person)
        Installation.objects.filter(pk=1).update(
            held_at=None,
            release=F("release") + 1,
            released_at=timezone.now(),
            released_by=person,
            release_note=note,
        )


def _make_queued_uncertain(person: User | None) -> None:
    last = 0
    while group := list(Message.objects.filter(status=Status.QUEUED, pk__gt=last).order_by("pk")[:GROUP]):
        with Moves() as moves:
            moves.move_all(group, Status.UNCERTAIN, Reason.RESTORED, actor=person)
        last = group[-1].pk


def _hold(row: Installation, seal: Seal, why: str) -> bool:
    """Hold until a person releases; this database then goes on under the seal it was found beside."""
    log.error("sending_held", why=why)
    held = Installation.objects.filter(pk=1, held_at__isnull=True).update(
        held_at=timezone.now(), identity=seal.identity, release=max(row.release, seal.release)
    )
    if held:
        in_charge = Q(administrations__isnull=False) | Q(is_superuser=True)
        tell(User.objects.filter(in_charge, is_active=True).distinct(), NoticeKind.HELD, None)
    return True


def _newest_attempt() -> int:
    return Attempt.objects.aggregate(newest=Max("pk"))["newest"] or 0


def _path() -> Path:
    return Path(settings.SECRETS_DIR) / "seal.json"


def _read() -> Seal | None:
    try:
        return Seal(**json.loads(_path().read_text(encoding="utf-8")))
    except FileNotFoundError:
        return None
    except (ValueError, TypeError):
        return ILLEGIBLE


def _write(seal: Seal) -> None:
    draft = _path().with_name(f".seal.{os.getpid()}.{threading.get_ident()}")
    with open(draft, "w", encoding="utf-8", opener=_private) as file:
        json.dump(asdict(seal), file)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(_path())


@contextmanager
def _alone() -> Iterator[None]:
    """One process or thread at a time reads and writes the seal."""
    with open(_path().with_name(".seal.lock"), "w", encoding="ascii", opener=_private) as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
