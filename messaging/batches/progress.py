"""How far a sending has come: counters that add up to the rows of the file, and shares that never run ahead.

Every figure comes from the batch's own columns and from `BatchCount`, both exact at any time: nothing counts rows.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from math import floor

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as lazy

from messaging.enums import BatchStatus, RowState, Status
from messaging.models import Batch, BatchCount

#: In these IO has the message, whatever it says of it later: who gets a correction.
RECEIVED = (Status.ACCEPTED, Status.PROCESSED, Status.CONFIRMED, Status.NO_OUTCOME)
#: Nobody knows, or a person is at work on it: the sending is not wholly done.
_OPEN = (Status.QUEUED, Status.SENDING, Status.ACCEPTED, Status.UNCERTAIN, Status.DRAFT, Status.AWAITING_APPROVAL)
_UNSENT = (Status.QUEUED, Status.SENDING, Status.CANCELLED, Status.DRAFT, Status.AWAITING_APPROVAL)


@dataclass(frozen=True, slots=True)
class Filter:
    """A counter that narrows the table of rows: messages of these statuses, or rows of one state."""

    key: str
    label: str | Promise
    icon: str
    tone: str
    statuses: tuple[Status, ...] = ()
    state: RowState | None = None
    #: Shown even when it is zero.
    main: bool = False
    #: The counter that it is a part of.
    part_of: str = ""


ALL = Filter("all", lazy("Tutte"), "it-list", "all", main=True)
FILTERS: Mapping[str, Filter] = {
    one.key: one
    for one in (
        ALL,
        Filter("queued", lazy("In coda"), "it-clock", "idle", (Status.QUEUED,), main=True),
        Filter("sending", lazy("In invio"), "it-refresh", "go", (Status.SENDING,), main=True),
        Filter("accepted", lazy("Prese in carico"), "it-inbox", "go", (Status.ACCEPTED,), main=True),
        Filter("processed", lazy("Consegnate"), "it-check-circle", "ok", (Status.PROCESSED,), main=True),
        Filter("unreachable", lazy("Non raggiungibili"), "it-ban", "idle", (Status.UNREACHABLE,), main=True),
        Filter(
            "rejected",
            lazy("Respinte"),
            "it-error",
            "bad",
            (Status.REJECTED, Status.FAILED, Status.REFUSED),
            main=True,
        ),
        Filter("rejected_by_io", lazy("Respinte da IO"), "", "", (Status.REJECTED,), part_of="rejected"),
        Filter("failed", lazy("Non riuscite"), "", "", (Status.FAILED,), part_of="rejected"),
        Filter("refused", lazy("Da correggere"), "", "", (Status.REFUSED,), part_of="rejected"),
        Filter("uncertain", lazy("Esito incerto"), "it-help-circle", "wait", (Status.UNCERTAIN,), main=True),
        Filter("confirmed", lazy("Confermate"), "it-check-circle", "ok", (Status.CONFIRMED,)),
        Filter("no_outcome", lazy("Senza esito"), "it-help-circle", "wait", (Status.NO_OUTCOME,)),
        Filter("reopened", lazy("In correzione"), "it-pencil", "idle", (Status.DRAFT, Status.AWAITING_APPROVAL)),
        Filter("cancelled", lazy("Annullate"), "it-minus-circle", "idle", (Status.CANCELLED,)),
        Filter("abandoned", lazy("Rinunciate"), "it-close", "idle", (Status.ABANDONED,)),
        Filter("excluded", lazy("Escluse"), "it-minus-circle", "idle", state=RowState.EXCLUDED),
        Filter("repeated", lazy("Già inviate"), "it-copy", "idle", state=RowState.REPEATED),
        Filter("moved", lazy("Spostate"), "it-arrow-right-circle", "idle", state=RowState.MOVED),
        Filter("wrong", lazy("Con un errore"), "it-error", "bad", state=RowState.WRONG),
    )
}


def pending_filter(batch: Batch) -> str:
    """The counter of the good rows that are no messages yet: they wait, or never will be any."""
    never = batch.status == BatchStatus.CANCELLED and batch.started_at is None
    return "cancelled" if never else "queued"


@dataclass(frozen=True, slots=True)
class Segment:
    """A part of the bar: its class in the style sheet, where it begins and how long it is, of 1,000."""

    tone: str
    start: str
    width: str


@dataclass
class Figures:
    """The counters of one batch at one moment."""

    batch: Batch
    by_status: Mapping[str, int]
    by_state: Mapping[str, int] = field(default_factory=dict)

    @property
    def rows(self) -> int:
        """The rows of the file."""
        return sum(self.by_state.values())

    @cached_property
    def messages(self) -> int:
        """How many rows are messages."""
        return sum(self.by_status.values())

    @property
    def pending(self) -> int:
        """Good rows that are no messages yet."""
        return max(0, self.by_state[RowState.GOOD] - self.messages)

    def of(self, *statuses: Status) -> int:
        """How many messages stand in one of these."""
        return sum(self.by_status.get(status, 0) for status in statuses)

    def count(self, wanted: Filter) -> int:
        """How many rows a counter shows."""
        if wanted is ALL:
            return self.rows
        if wanted.state is not None:
            return self.by_state[wanted.state]
        return self.of(*wanted.statuses) + (self.pending if wanted.key == pending_filter(self.batch) else 0)

    @property
    def counters(self) -> list[tuple[Filter, int]]:
        """What is shown as filters; without the first, which is all, they add up to it."""
        shown = ((one, self.count(one)) for one in FILTERS.values() if not one.part_of)
        return [(one, count) for one, count in shown if one.main or count]

    def parts(self, wanted: Filter) -> list[tuple[Filter, int]]:
        """What a counter gathers, where that is more than one thing."""
        key = wanted.part_of or wanted.key
        found = [(one, self.count(one)) for one in FILTERS.values() if one.part_of == key]
        present = [(one, count) for one, count in found if count]
        return present if len(present) > 1 else []

    @property
    def unreachable(self) -> int:
        """Those known not to be reachable: already messages of that status, or still rows."""
        known = self.of(Status.UNREACHABLE)
        found = self.batch.rows_not_on_io + self.batch.rows_opted_out
        return max(known, min(found, known + self.pending))

    @property
    def to_send(self) -> int:
        """How many messages there are to send in all, those already sent among them."""
        return max(0, self.by_state[RowState.GOOD] - self.unreachable)

    @property
    def sent(self) -> int:
        """How many have left: every message but those that wait, that are on the wire or that were stopped."""
        return self.messages - self.of(*_UNSENT, Status.UNREACHABLE)

    @property
    def queued(self) -> int:
        """What cancelling would stop, and what is still to leave."""
        return self.of(Status.QUEUED) + self.pending_to_leave

    @property
    def left(self) -> int:
        """Like `queued`, without the people who are known not to be reached."""
        return max(0, self.to_send - self.sent - self.of(Status.CANCELLED, Status.DRAFT, Status.AWAITING_APPROVAL))

    @property
    def received(self) -> int:
        """How many IO has: those to whom a correction goes."""
        return self.of(*RECEIVED)

    @property
    def delivered(self) -> int:
        """How many are in the app."""
        return self.of(Status.PROCESSED, Status.CONFIRMED)

    @property
    def is_moving(self) -> bool:
        """Whether anything still happens by itself."""
        return bool(self.queued or self.of(Status.SENDING, Status.ACCEPTED))

    @property
    def is_final(self) -> bool:
        """Whether every row has its outcome, for good."""
        return not self.pending_to_leave and not self.of(*_OPEN)

    @property
    def pending_to_leave(self) -> int:
        """Good rows that are still to become messages."""
        return 0 if pending_filter(self.batch) == "cancelled" else self.pending

    @property
    def stopped(self) -> int:
        """Messages that a person stopped, or gave up."""
        return self.of(Status.CANCELLED, Status.ABANDONED)

    @property
    def percent(self) -> int:
        """The share that has left, rounded down; not 100 before the last row has its outcome."""
        if not self.to_send:
            return 100 if self.rows and not self.is_moving else 0
        share = floor(100 * self.sent / self.to_send)
        return min(share, 100 if self.is_final else 99)

    @property
    def all_sent(self) -> bool:
        """Whether everything has left, and only outcomes are still to come."""
        return 0 < self.to_send == self.sent and not self.is_final

    @property
    def segments(self) -> list[Segment]:
        """The bar: delivered, taken in charge, refused, unknown, stopped, still to leave."""
        waiting = self.of(Status.UNCERTAIN, Status.NO_OUTCOME)
        parts = [
            ("ok", self.delivered),
            ("go", self.of(Status.ACCEPTED)),
            ("bad", self.of(Status.REJECTED, Status.FAILED, Status.REFUSED)),
            ("wait", waiting),
            ("idle", self.stopped),
        ]
        known = sum(count for _, count in parts)
        return laid_out([*parts, ("none", max(0, self.to_send - known))])

    def share(self, count: int) -> int:
        """A count as so many of a hundred rows, rounded down."""
        return floor(100 * count / self.rows) if self.rows else 0

    @property
    def funnel(self) -> list[tuple[str | Promise, str, int, int]]:
        """From the file to the app: what, its tone, how many, and so many of a hundred rows."""
        steps: list[tuple[str | Promise, str, int]] = [
            (lazy("Righe del foglio"), "none", self.rows),
            (lazy("Raggiungibili"), "go", self.to_send),
            (lazy("Inviate a IO"), "go", self.sent),
            (lazy("Consegnate nell’app"), "go", self.delivered),
        ]
        return [(label, tone, count, self.share(count)) for label, tone, count in steps]


def laid_out(parts: list[tuple[str, int]], gap: float = 3.0) -> list[Segment]:
    """Segments side by side on 1,000, a small gap between them; none is too thin to be seen."""
    present = [(tone, count) for tone, count in parts if count]
    total = sum(count for _, count in present)
    room = 1000 - gap * (len(present) - 1)
    thin = 4.0
    widths = [max(thin, room * count / total) for _, count in present]
    widths = [width * room / sum(widths) for width in widths]
    found, start = [], 0.0
    for (tone, _count), width in zip(present, widths, strict=True):
        found.append(Segment(tone, f"{start:.1f}", f"{width:.1f}"))
        start += width + gap
    return found


_STATES = {
    RowState.GOOD: "rows_good",
    RowState.WRONG: "rows_wrong",
    RowState.REPEATED: "rows_repeated",
    RowState.EXCLUDED: "rows_excluded",
    RowState.MOVED: "rows_moved",
}


def figures(batch: Batch) -> Figures:
    """The counters of a batch, all from one moment: its rows and its messages are read by one statement."""
    return figures_of([batch])[0]


def figures_of(batches: Iterable[Batch]) -> list[Figures]:
    """The same for several batches, in one query for all."""
    known = list(batches)
    rows: dict[int, dict[str, int]] = {}
    counts: dict[int, dict[str, int]] = {batch.pk: {} for batch in known}
    columns = [f"batch__{name}" for name in _STATES.values()]
    found = BatchCount.objects.filter(batch__in=counts).values_list("batch_id", "status", "count", *columns)
    for batch_id, status, count, *numbers in found:
        rows[batch_id] = dict(zip(_STATES, numbers, strict=True))
        if count:
            counts[batch_id][status] = count
    return [
        # Without a message yet, nothing has changed the rows since they were sent.
        Figures(batch, counts[batch.pk], rows.get(batch.pk) or _states_of(batch))
        for batch in known
    ]


def _states_of(batch: Batch) -> dict[str, int]:
    return {state: getattr(batch, name) for state, name in _STATES.items()}
