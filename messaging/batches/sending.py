"""A file sent by a scheduled job: upload, check, submission and expansion as from the screen, one after another, here.

No worker is needed for that; where workers run, they may do a step first, and this process waits for them.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any, BinaryIO

from messaging.batches import corrections, uploads, work
from messaging.delivery import batches, hours
from messaging.delivery.batches import CannotSend
from messaging.documents.problems import FolderProblem
from messaging.enums import MOVING, BatchStatus, RowState, Status
from messaging.models import Batch, BatchRow, Service, Template, User
from messaging.spreadsheets.problems import FileProblem

#: So many rows are named of those that keep a file from being sent.
NAMED = 20
#: How often (seconds) it is looked whether a worker has done its step, and whether messages still move.
_LOOK_AT_STEP, _LOOK_AT_MESSAGES = 0.2, 0.5
_NOT_ARRIVED = frozenset(
    {Status.UNREACHABLE, Status.REFUSED, Status.REJECTED, Status.FAILED, Status.CANCELLED, Status.ABANDONED}
)
#: A batch that somebody pauses or stops meanwhile is expanded all the same.
_EXPANDING = frozenset({BatchStatus.SENDING, BatchStatus.PAUSED, BatchStatus.CANCELLED})
_OPEN_ENDS = frozenset({*MOVING, Status.UNCERTAIN, Status.NO_OUTCOME})


class Ending(IntEnum):
    """How a job ended, as the exit status of its process; the numbers are promised and do not change."""

    WELL = 0
    REFUSED = 2
    NOT_ARRIVED = 3
    UNSETTLED = 4
    SENT_BEFORE = 5
    WAITS = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What a scheduled job asks for. That recipients are direct ones of the service is declared by whoever set it up.

    ``again``: why what was sent before goes again; empty, it does not. ``good_rows``: send the good rows of a file
    that has others too. ``folder``: the PDFs that rows name, where the template has attachments, and only there.
    """

    service: Service
    template: Template
    person: User
    name: str = ""
    good_rows: bool = False
    again: str = ""
    folder: uploads.Folder | None = None


@dataclass(slots=True)
class Report:
    """What became of a file.

    ``reason`` says why it was not sent, or what it waits for: file (``params``: of a `FileProblem`), folder (of a
    `FolderProblem`), no_folder, folder_not_needed, columns, rows, approval, hours, sent_before (``earlier``: by which
    batch, when it was the same file), changed (somebody changed it meanwhile), or a code of `CannotSend`. ``queued``:
    rows that have become messages.
    """

    ending: Ending
    reason: str = ""
    params: Mapping[str, Any] = field(default_factory=dict)
    earlier: Batch | None = None
    batch: Batch | None = None
    rows: int = 0
    bad: int = 0
    warnings: int = 0
    queued: int = 0
    problems: list[BatchRow] = field(default_factory=list)


def send(job: Job, stream: BinaryIO, filename: str) -> Report:
    """Send a file as far as it goes without waiting for anybody; one that is refused is discarded."""
    if job.template.has_attachments != (job.folder is not None):
        return Report(Ending.REFUSED, "no_folder" if job.template.has_attachments else "folder_not_needed")
    try:
        batch = uploads.upload(job.service, job.template, job.person, stream, filename, job.name, job.folder)
    except FileProblem as problem:
        return Report(Ending.REFUSED, "file", {"code": problem.code, "params": problem.params})
    except FolderProblem as problem:
        return Report(Ending.REFUSED, "folder", {"code": problem.code, "params": problem.params})
    try:
        report = _checked(job, batch)
        if report.ending is Ending.WELL:
            report = _submitted(job, batch, report)
    except BaseException:
        _discard(batch, job.person)
        raise
    if report.ending in {Ending.WELL, Ending.WAITS}:
        report.batch = batch
    else:
        _discard(batch, job.person)
    return report


def wait(batch: Batch, seconds: float | None = None) -> bool:
    """Wait until no message of the batch moves any more; False when ``seconds`` were over before."""
    end = None if seconds is None else time.monotonic() + seconds
    while batches.is_moving(batch):
        if end is not None and time.monotonic() >= end:
            return False
        time.sleep(_LOOK_AT_MESSAGES)
    return True


def ending_of(statuses: Mapping[str, int]) -> Ending:
    """What these messages, counted by status, say of the whole job: what is not known counts more than what failed."""
    if any(statuses.get(status) for status in _OPEN_ENDS):
        return Ending.UNSETTLED
    if any(statuses.get(status) for status in _NOT_ARRIVED):
        return Ending.NOT_ARRIVED
    return Ending.WELL


# The steps


def _checked(job: Job, batch: Batch) -> Report:
    """Check the file and leave out what may be left out; the report says WELL when the batch can be submitted."""
    if not job.again and (earlier := batches.has_sent(job.service, batch.file_digest)):
        return Report(Ending.SENT_BEFORE, "sent_before", earlier=earlier)
    _take_on(batch, lambda: batch.status in {BatchStatus.UPLOADED, BatchStatus.CHECKING})
    report = Report(Ending.WELL, rows=batch.rows_total, warnings=batch.rows_warned)
    if batch.problem:
        report.ending = Ending.REFUSED
        report.reason = "columns" if batch.problem["code"] == "columns" else "file"
        report.params = batch.problem
        return report
    repeated = 0 if job.again else batch.rows_repeated
    report.bad = batch.rows_wrong + repeated
    if report.bad:
        report.problems = _not_to_be_sent(batch, with_repeated=bool(repeated))
    if repeated and not batch.rows_good and (job.good_rows or not batch.rows_wrong):
        report.ending, report.reason = Ending.SENT_BEFORE, "sent_before"
    elif report.bad and not job.good_rows:
        report.ending, report.reason = Ending.REFUSED, "rows"
    elif batch.rows_wrong:
        corrections.exclude_all_wrong(batch, job.person)
    return report


def _submitted(job: Job, batch: Batch, report: Report) -> Report:
    try:
        gone = batches.submit(batch, job.person, declared=True, repeat_reason=job.again, warnings_confirmed=True)
    except CannotSend as error:
        report.ending, report.reason = Ending.REFUSED, error.code
        return report
    if gone and batch.status == BatchStatus.SENDING:
        _take_on(batch, lambda: batch.status in _EXPANDING and batch.expanded_at is None)
    if not gone or batch.status == BatchStatus.READY:
        report.ending, report.reason = Ending.REFUSED, "changed"
    elif batch.status == BatchStatus.AWAITING_APPROVAL:
        report.ending, report.reason = Ending.WAITS, "approval"
    else:
        report.queued = sum(batches.counts(batch).values())
        if opening := hours.next_sending(job.service.institution):
            report.ending, report.reason, report.params = Ending.WAITS, "hours", {"opening": opening}
    return report


def _take_on(batch: Batch, is_pending: Callable[[], bool]) -> None:
    """Do what the batch needs in the background, or let the worker go on that was quicker; the object follows."""
    while is_pending():
        work.work_on(batch.pk, lambda: False)
        batch.refresh_from_db()
        if is_pending():
            time.sleep(_LOOK_AT_STEP)


def _not_to_be_sent(batch: Batch, *, with_repeated: bool) -> list[BatchRow]:
    states = [RowState.WRONG, *([RowState.REPEATED] if with_repeated else [])]
    rows = BatchRow.objects.filter(batch=batch, state__in=states).order_by("number")
    return list(rows.only("number", "state", "problems")[:NAMED])


def _discard(batch: Batch, person: User) -> None:
    """Leave nothing open behind; what has been submitted stays."""
    with contextlib.suppress(corrections.NoLongerOpen):
        corrections.discard(batch, person)
