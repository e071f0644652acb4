"""The delivery loop of one gateway account in one process.

One thread owns the database: it claims due rows as leases, asks for permits, commits intentions, and settles answers
in groups. Sender threads make the calls. A lease is no status: a loop that dies leaves its leased rows due again.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from datetime import timedelta

from django.conf import settings
from django.utils import timezone
from structlog import get_logger

from messaging.appio.client import Client
from messaging.delivery import budget, claims, outage, places, seal, settling, submission
from messaging.delivery.keys import keys_in_use
from messaging.delivery.senders import Call, Senders
from messaging.delivery.work import Lanes, Stage, Work
from messaging.enums import Lane
from messaging.models import Message, ServiceKey

log = get_logger(__name__)

#: A loop runs no longer than this, then wakes its successor; and it ends after so long without work (seconds).
LONGEST_RUN = 25.0
IDLE = 3.0
LOOK_EVERY = 0.1
THREADS_AT_LEAST = 8
#: So many leased rows are kept in memory for each thread.
AHEAD = 4
SETTLE_AT_MOST = 32
#: Two POSTs without an answer for so long hold back further ones: an outage must not multiply uncertain messages.
SLOW = 3.0
SLOW_POSTS = 2


class DeliveryLoop:
    """Delivers what is due in one account until told to stop, out of work, or at the end of its run."""

    def __init__(self, account_id: int, should_stop: Callable[[], bool], threads: int = THREADS_AT_LEAST) -> None:
        self.account_id, self.should_stop, self.threads = account_id, should_stop, threads
        self.holder = uuid.uuid4().hex
        self.lanes = Lanes()
        self.seen: list[budget.Observation] = []
        self.paused = False
        self.judge = settling.Judge(account_id)
        self.next_permit = self.next_look = self.next_lease = 0.0

    def run(self) -> bool:
        """Run once; returns whether there is more to do at once."""
        slot = places.take(self.account_id, self.holder)
        if slot is None:
            return False
        self.senders = Senders(self.threads, _new_client)
        try:
            if not seal.is_held():
                self._deliver(slot)
        finally:
            self._finish(slot)
            places.leave(self.account_id, slot, self.holder)
        return not self.should_stop() and not seal.is_held() and claims.is_anything_due(self.account_id)

    def _deliver(self, slot: int) -> None:
        end = time.monotonic() + LONGEST_RUN
        last_work = time.monotonic()
        self.paused = outage.is_paused(self.account_id)
        while not self.should_stop() and time.monotonic() < end:
            if not self._keep_place(slot):
                return
            self._settle(self._wait())
            self._claim()
            self._dispatch()
            if self.lanes or self.senders.busy:
                last_work = time.monotonic()
            elif time.monotonic() - last_work > IDLE:
                return

    def _finish(self, slot: int) -> None:
        """No new calls; the ones under way are settled, the leases given back."""
        patience = time.monotonic() + settings.IO_CONNECT_TIMEOUT + settings.IO_READ_TIMEOUT + 5
        while self.senders.busy and time.monotonic() < patience:
            self._keep_place(slot)
            self._settle(0.1)
        self.senders.stop()
        claims.give_back(self.holder)

    def _settle(self, wait: float) -> None:
        group = self.senders.collect(wait, SETTLE_AT_MOST)
        for work in settling.settle(group, self.holder):
            self.lanes.add_first(work)
        for done in group:
            if done.reply.remaining is not None:
                self.seen.append(budget.Observation(done.reply.remaining, done.call.start))
            self.judge.hear(done)

    def _keep_place(self, slot: int) -> bool:
        now = time.monotonic()
        if now < self.next_lease:
            return True
        self.next_lease = now + places.LEASE.total_seconds() / 5
        return places.keep(self.account_id, slot, self.holder)

    def _wait(self) -> float:
        """How long to wait for answers: until the next permit where work waits, else until the next look."""
        now = time.monotonic()
        until = min(self.next_look, self.next_permit) if self.lanes and self.senders.free else self.next_look
        return min(max(0.001, until - now), LOOK_EVERY)

    def _claim(self) -> None:
        now = time.monotonic()
        if now < self.next_look:
            return
        self.next_look = now + LOOK_EVERY
        if self.paused:
            self._probe()
            return
        for work in claims.claim(self.account_id, self.holder, self.lanes, room=self.threads * AHEAD):
            self.lanes.add(work)

    def _probe(self) -> None:
        """While the account is paused: a harmless read, then one message alone."""
        if not outage.is_probe_due(self.account_id):
            return
        starts = budget.lease(self.account_id, 1, person=True).starts
        turn = outage.claim_probe(self.account_id) if starts else None
        if turn is None:
            return
        work = claims.one_message(self.account_id, self.holder) if turn else claims.own_message(self.account_id)
        if work is None:
            # Nothing to try it with: the pause has no object.
            outage.end_pause(self.account_id)
            return
        work.alone = True
        self._call([work], starts)

    def _dispatch(self) -> None:
        wanted = min(len(self.lanes), self.senders.free)
        now = time.monotonic()
        if now < self.next_permit or (wanted <= 0 and not self.paused):
            return
        if self.senders.slow_posts(SLOW) >= SLOW_POSTS:
            wanted = 0
        person = self.lanes.waiting(Lane.PERSON) > 0
        if person:
            wanted = min(wanted, self.lanes.waiting(Lane.PERSON))
        grant = budget.lease(self.account_id, wanted, person=person, seen=self._observations())
        self.paused = grant.paused
        self.next_permit = time.monotonic() + max(grant.wait, LOOK_EVERY if self.paused or not wanted else 0.0)
        if self.paused:
            claims.give_back(self.holder, besides=self.senders.message_ids())
            self.lanes = Lanes()
        else:
            works = [work for _ in grant.starts if (work := self.lanes.next())]
            self._call(works, grant.starts)

    def _observations(self) -> list[budget.Observation]:
        seen, self.seen = self.seen, []
        return seen

    def _call(self, works: list[Work], starts: tuple[float, ...]) -> None:
        """Commit the intentions, then hand the calls to the senders, each with its permit."""
        if not works or not starts:
            return
        keys = keys_in_use({work.message.service_id for work in works})
        works = [work for work in works if claims.has_key(work.message, keys)]
        allowance = settings.IO_CONNECT_TIMEOUT + settings.IO_READ_TIMEOUT
        until_last = max(0.0, starts[-1] - time.monotonic())
        deadline = timezone.now() + timedelta(seconds=until_last + 2 * allowance)
        submits = {work.message.pk: work for work in works if work.stage is Stage.SUBMIT}
        calls = [_call_of(work, keys, {}) for work in works if work.stage is not Stage.SUBMIT]
        if submits:
            for message, payload in submission.mark_sending(
                list(submits), holder=self.holder, keys=keys, deadline=deadline
            ):
                submits[message.pk].message = message
                calls.append(_call_of(submits[message.pk], keys, payload))
        for call, start in zip(calls, starts, strict=False):
            call.start, call.start_by = start, start + allowance / 2
            self.senders.start(call)


def _new_client() -> Client:
    return Client(
        settings.IO_API_URL, connect_timeout=settings.IO_CONNECT_TIMEOUT, read_timeout=settings.IO_READ_TIMEOUT
    )


def _call_of(work: Work, keys: dict[int, ServiceKey], payload: dict[str, object]) -> Call:
    message: Message = work.message
    recipient = message.recipient
    assert recipient is not None  # the database holds it for every status but draft
    return Call(
        work=work,
        stage=work.stage,
        key=keys[message.service_id].secret,
        fiscal_code=recipient.fiscal_code,
        payload=payload,
        io_id=message.io_id,
    )
