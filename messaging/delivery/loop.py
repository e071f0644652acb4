"""The delivery loop of one gateway account in one process.

One thread owns the database: it claims due rows as leases, asks for permits, commits intentions, and settles answers
in groups. Sender threads make the calls. A lease is no status: a loop that dies leaves its leased rows due again.
"""

from __future__ import annotations

import time
import uuid
from collections import deque
from collections.abc import Callable
from datetime import timedelta
from math import ceil

from django.conf import settings
from django.utils import timezone
from structlog import get_logger

from messaging.appio.answers import Forbidden, KeyRejected
from messaging.appio.client import Client
from messaging.delivery import batches, budget, claims, outage, places, seal, settling, submission
from messaging.delivery.keys import KeyRing
from messaging.delivery.scope import Scope
from messaging.delivery.senders import Call, Senders
from messaging.delivery.work import Job, Lanes, Stage, Work
from messaging.enums import Lane
from messaging.models import Batch, GatewayAccount, ServiceKey

log = get_logger(__name__)

#: A loop runs no longer than this, then wakes its successor; and it ends after so long without work (seconds).
LONGEST_RUN = 25.0
IDLE = 3.0
#: What is due is looked for so often; by a loop with nothing to do, more often (seconds).
LOOK_EVERY = 0.1
LOOK_WHEN_IDLE = 0.05
#: How often a loop looks what of the account may go (seconds).
SCOPE_EVERY = 1.0
#: Permits are asked for in handfuls: within the look-ahead no call is late for it (seconds).
PERMITS_EVERY = 0.04
THREADS_AT_LEAST, THREADS_AT_MOST = 8, 48
#: Twice as many threads as calls of the quickest kind are under way at the account's pace, or at the fastest pace
#: (calls a second) that one process has been seen to reach.
SPARE_THREADS = 2.0
FASTEST = 500.0
#: The last answers by which that is judged.
LATENCIES = 64
#: So many rows of a lane are leased ahead: more of them where no pace binds, since the larger the groups, the less of a
#: call's time is the database's; fewer where a large group would make calls late for their permits.
LEASED, LEASED_WITHOUT_PACE = 96, 384
SETTLE_AT_MOST = 256
#: A batch of which nothing moves any more is closed within this time (seconds).
FINISH_EVERY = 1.0
#: Two POSTs without an answer for so long hold back further ones: an outage must not multiply uncertain messages.
SLOW = 3.0
SLOW_POSTS = 2


class DeliveryLoop:
    """Delivers what is due in one account until told to stop, out of work, or at the end of its run.

    ``threads`` fixes the number of sender threads, which otherwise follows the account's pace and IO's answers.
    """

    def __init__(self, account_id: int, should_stop: Callable[[], bool], threads: int | None = None) -> None:
        self.account_id, self.should_stop, self.threads = account_id, should_stop, threads
        self.holder = uuid.uuid4().hex
        self.lanes = Lanes()
        self.keys = KeyRing()
        self.seen: list[budget.Observation] = []
        self.touched: set[int] = set()
        self.paused = False
        self.judge = settling.Judge(account_id)
        self.next_permit = self.next_look = self.next_lease = self.next_scope = self.next_finish = 0.0
        self.blocked_until = 0.0
        self.full: set[Lane] = set()
        self.latencies: deque[float] = deque(maxlen=LATENCIES)

    def run(self) -> bool:
        """Run once; returns whether there is more to do at once."""
        slot = places.take(self.account_id, self.holder)
        if slot is None:
            return False
        calls, seconds = GatewayAccount.objects.get(pk=self.account_id).rate
        self.pace = min(calls / seconds, FASTEST)
        self.senders = Senders(self.threads or THREADS_AT_LEAST, _new_client)
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
            self._close_batches()
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
        self._close_batches(at_once=True)

    def _settle(self, wait: float) -> None:
        group = self.senders.collect(wait, SETTLE_AT_MOST, self._may_linger)
        for work in settling.settle(group, self.holder):
            self.lanes.add_first(work)
        for done in group:
            if done.reply.remaining is not None:
                self.seen.append(budget.Observation(done.reply.remaining, done.call.start))
            if isinstance(done.reply.answer, KeyRejected):
                self.keys.forget()
            if isinstance(done.reply.answer, KeyRejected | Forbidden) or done.call.stage is Stage.DECIDE:
                # What is paused may have changed.
                self.next_scope = 0.0
            if done.call.work.batch_id is not None:
                self.touched.add(done.call.work.batch_id)
            if done.reply.status is not None:
                self.latencies.append(done.reply.seconds)
            self.judge.hear(done)
        if group and self.threads is None:
            self.senders.grow(self._threads_wanted())

    def _threads_wanted(self) -> int:
        """By the quickest of the last answers: a busy machine makes all others look slow, and no thread helps there."""
        latency = min(self.latencies, default=0.0)
        return min(ceil(SPARE_THREADS * self.pace * latency), THREADS_AT_MOST)

    def _may_linger(self) -> bool:
        """Whether no thread waits for work that could go now."""
        return not self.lanes or not self.senders.idle or time.monotonic() < self.next_permit

    def _close_batches(self, *, at_once: bool = False) -> None:
        now = time.monotonic()
        if self.touched and (at_once or now >= self.next_finish):
            self.next_finish = now + FINISH_EVERY
            batches.finish(Batch.objects.filter(pk__in=self.touched))
            self.touched = set()

    def _keep_place(self, slot: int) -> bool:
        now = time.monotonic()
        if now < self.next_lease:
            return True
        self.next_lease = now + places.LEASE.total_seconds() / 5
        return places.keep(self.account_id, slot, self.holder)

    def _wait(self) -> float:
        """How long to wait for answers: until the next permit where work waits, else until the next look."""
        now = time.monotonic()
        until = min(self.next_look, self.next_permit) if self.lanes and self.senders.free > 0 else self.next_look
        return min(max(0.001, until - now), LOOK_EVERY)

    def _claim(self) -> None:
        now = time.monotonic()
        room = LEASED if self.pace < FASTEST else LEASED_WITHOUT_PACE
        short = {lane for lane in self.full if 2 * self.lanes.waiting(lane) <= room}
        if now >= self.next_look:
            self.next_look = now + (LOOK_EVERY if self.lanes or self.senders.busy else LOOK_WHEN_IDLE)
            if self.paused:
                self._probe()
                return
            # What had no more at the last look is worth one anyway; what is full or nearly so is not.
            short = {lane for lane in Lane if 2 * self.lanes.waiting(lane) <= room}
        if self.paused or not short:
            return
        for work in claims.claim(self.account_id, self.holder, self.lanes, room, self._scope(now), short):
            self.lanes.add(work)
        self.full = {lane for lane in Lane if self.lanes.waiting(lane) >= room}

    def _scope(self, now: float) -> Scope:
        """What may go, looked up every second; what no longer may is given back."""
        if now >= self.next_scope:
            self.next_scope = now + SCOPE_EVERY
            self.scope = scope = Scope.of(self.account_id)
            going = {*scope.sending, *scope.asking}
            claims.put_back(self.lanes.take_out(lambda work: work.batch_id not in going), self.holder)
        return self.scope

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
        now = time.monotonic()
        persons = self.lanes.waiting(Lane.PERSON)
        if now < (self.blocked_until if persons else self.next_permit):
            return
        wanted = min(persons or len(self.lanes), self.senders.free)
        if wanted <= 0 and not self.paused:
            return
        if self.senders.slow_posts(SLOW) >= SLOW_POSTS:
            wanted = 0
        grant = budget.lease(self.account_id, max(0, wanted), person=bool(persons), seen=self._observations())
        self.paused = grant.paused
        self._come_again(grant, wanted, bool(persons))
        if self.paused:
            claims.give_back(self.holder, besides=self.senders.works())
            self.lanes = Lanes()
        else:
            works = [work for _ in grant.starts if (work := self.lanes.next())]
            self._call(works, grant.starts)

    def _come_again(self, grant: budget.Grant, wanted: int, person: bool) -> None:
        """When to ask for permits again: a person at the next free time, others when there is a handful."""
        now = time.monotonic()
        if self.paused or wanted <= 0:
            self.next_permit = self.blocked_until = now + max(grant.wait, LOOK_EVERY)
        elif person:
            self.blocked_until = now + grant.wait
        else:
            self.next_permit = now + (grant.wait + PERMITS_EVERY if grant.wait else 0.0)

    def _observations(self) -> list[budget.Observation]:
        seen, self.seen = self.seen, []
        return seen

    def _call(self, works: list[Job], starts: tuple[float, ...]) -> None:
        """Commit the intentions, then hand the calls to the senders, each with its permit."""
        if not works or not starts:
            return
        keys = self.keys.keys({work.service.pk for work in works})
        works = [work for work in works if claims.has_key(work, keys)]
        allowance = settings.IO_CONNECT_TIMEOUT + settings.IO_READ_TIMEOUT
        until_last = max(0.0, starts[-1] - time.monotonic())
        deadline = timezone.now() + timedelta(seconds=until_last + 2 * allowance)
        submits = {work.message.pk: work for work in works if isinstance(work, Work) and work.stage is Stage.SUBMIT}
        calls = [_call_of(work, keys, {}) for work in works if work.stage is not Stage.SUBMIT]
        if submits:
            for message, payload in submission.mark_sending(
                list(submits), holder=self.holder, keys=keys, deadline=deadline
            ):
                work = submits.pop(message.pk)
                message.service, work.message = work.message.service, message
                calls.append(_call_of(work, keys, payload))
        if submits:
            # Their batch has stopped, or they have moved: look anew what may go.
            claims.put_back(list(submits.values()), self.holder)
            self.touched |= {work.batch_id for work in submits.values() if work.batch_id is not None}
            self.next_scope = 0.0
        for call, start in zip(calls, starts, strict=False):
            call.start, call.start_by = start, start + allowance / 2
            self.senders.start(call)


def _new_client() -> Client:
    return Client(
        settings.IO_API_URL, connect_timeout=settings.IO_CONNECT_TIMEOUT, read_timeout=settings.IO_READ_TIMEOUT
    )


def _call_of(work: Job, keys: dict[int, ServiceKey], payload: dict[str, object]) -> Call:
    return Call(
        work=work,
        stage=work.stage,
        key=keys[work.service.pk].secret,
        fiscal_code=work.fiscal_code,
        payload=payload,
        io_id=work.message.io_id if isinstance(work, Work) else "",
    )
