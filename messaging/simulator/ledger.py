"""What the platform has taken in, and what became of it (notes, 3)."""

import heapq
import time
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

from messaging.simulator.accounts import Service
from messaging.simulator.checks import iso_timestamp
from messaging.simulator.citizens import Citizen, Registry
from messaging.simulator.identifiers import new_ulid
from messaging.simulator.journal import Journal
from messaging.simulator.schema import NewMessage, decode_new_message
from messaging.simulator.swallowed import swallowed_fields

ACCEPTED = "ACCEPTED"
PROCESSED = "PROCESSED"
REJECTED = "REJECTED"
FAILED = "FAILED"


@dataclass(slots=True)
class Message:
    """A message that was accepted; content is shown only once it is PROCESSED (notes, 3.1)."""

    id: str
    service: Service
    fiscal_code: str
    new: NewMessage
    payload: Any
    received: float
    settles_at: float
    status: str = ACCEPTED
    settled: float | None = None
    read_from: float | None = None
    # What the app calls each file that the last detail listed, by its address.
    file_names: dict[str, str] = field(default_factory=dict)

    @property
    def advanced(self) -> bool:
        """Whether it was sent with Premium features."""
        return self.new.level == "ADVANCED"

    @property
    def notice(self) -> str | None:
        """pagoPA's name for the payment: payee and notice number (notes, 3.6)."""
        payment = self.new.payment
        if payment is None:
            return None
        payee = payment.get("payee", {}).get("fiscal_code")
        return f"{payee or self.service.account.organization_fiscal_code}{payment['notice_number']}"

    def is_read(self, now: float) -> bool:
        """Whether the citizen has opened it."""
        return self.read_from is not None and self.read_from <= now

    def figures(self) -> dict[str, Any]:
        """The ledger entry, ready for JSON."""
        return {
            "id": self.id,
            "account": self.service.account.id,
            "service": self.service.slug,
            "fiscal_code": self.fiscal_code,
            "subject": self.new.content["subject"],
            "markdown": self.new.content["markdown"],
            "payload": self.payload,
            "swallowed": swallowed_fields(self.payload),
            "received_at": iso_timestamp(self.received),
            "status": self.status,
        }


class Ledger:
    """Every message, in order of arrival.

    Messages settle when their time has come: whoever looks calls `settle` first, so that nothing
    has to run in the background and the outcome is the one of the moment it was due.
    """

    def __init__(self, registry: Registry, journal: Journal) -> None:
        self._registry = registry
        self._journal = journal
        self.messages: dict[str, Message] = {}
        self.by_citizen: dict[str, list[Message]] = defaultdict(list)
        self._paid_from: dict[str, float] = {}
        self._due: list[tuple[float, str]] = []

    def accept(self, service: Service, fiscal_code: str, new: NewMessage, payload: Any, settle_after: float) -> Message:
        """Take a message in; nothing is checked any more."""
        now = time.time()
        citizen = self._registry.find(fiscal_code)
        if citizen is not None and citizen.settle_after is not None:
            settle_after = citizen.settle_after
        message = Message(new_ulid(), service, fiscal_code, new, payload, now, settles_at=now + settle_after)
        self._keep(message)
        if self._journal.kept:
            self._journal.append(
                {
                    "event": "message",
                    "id": message.id,
                    "service": service.slug,
                    "fiscal_code": fiscal_code,
                    "payload": payload,
                    "received": now,
                    "settles_at": message.settles_at,
                }
            )
        return message

    def _keep(self, message: Message) -> None:
        self.messages[message.id] = message
        self.by_citizen[message.fiscal_code].append(message)
        heapq.heappush(self._due, (message.settles_at, message.id))

    def settle(self, everything: bool = False) -> int:
        """Give every message that is due its final status; how many were settled."""
        now = time.time()
        settled = 0
        while self._due and (everything or self._due[0][0] <= now):
            due, identity = heapq.heappop(self._due)
            message = self.messages[identity]
            if message.status == ACCEPTED:
                citizen = self._registry.find(message.fiscal_code)
                self._finish(message, _outcome(message, citizen), min(due, now), citizen)
                if self._journal.kept:
                    self._journal.append(_settled_event(message))
                settled += 1
        return settled

    def _finish(self, message: Message, status: str, moment: float, citizen: Citizen | None) -> None:
        message.status = status
        message.settled = moment
        if status == PROCESSED:
            _fill_payee(message)
            if citizen is not None and citizen.reads_after is not None:
                message.read_from = moment + citizen.reads_after
            if citizen is not None and citizen.pays_after is not None and message.notice:
                self._pay_from(message.notice, moment + citizen.pays_after)

    def open(self, message: Message) -> None:
        """The citizen opens a message in the app."""
        now = time.time()
        if not message.is_read(now):
            message.read_from = now
            self._journal.append({"event": "read", "id": message.id, "moment": now})

    def pay(self, notice: str) -> None:
        """The citizen pays a notice, through whatever channel."""
        now = time.time()
        if not self.is_paid(notice, now):
            self._pay_from(notice, now)
            self._journal.append({"event": "paid", "notice": notice, "moment": now})

    def is_paid(self, notice: str, now: float) -> bool:
        """Whether pagoPA would say PAYMENT_DUPLICATED (notes, 3.6)."""
        paid = self._paid_from.get(notice)
        return paid is not None and paid <= now

    def _pay_from(self, notice: str, moment: float) -> None:
        self._paid_from[notice] = min(moment, self._paid_from.get(notice, moment))

    def restore(self, event: dict[str, Any], services: dict[str, Service]) -> None:
        """Apply one event of the state file; a service that is gone takes its messages along."""
        kind = event["event"]
        if kind == "message" and event["service"] in services:
            payload = event["payload"]
            self._keep(
                Message(
                    event["id"],
                    services[event["service"]],
                    event["fiscal_code"],
                    decode_new_message(payload),
                    payload,
                    event["received"],
                    event["settles_at"],
                )
            )
        elif kind == "paid":
            self._pay_from(event["notice"], event["moment"])
        elif kind == "reset":
            self.forget()
        elif (message := self.messages.get(event.get("id", ""))) is not None:
            if kind == "settled":
                citizen = self._registry.find(message.fiscal_code)
                self._finish(message, event["status"], event["moment"], citizen)
            elif kind == "read":
                message.read_from = event["moment"]

    def forget(self) -> None:
        """Nothing was ever sent."""
        self.messages.clear()
        self.by_citizen.clear()
        self._paid_from.clear()
        self._due.clear()

    def summary(self) -> dict[str, int]:
        """How many messages each fiscal code was sent."""
        return {code: len(messages) for code, messages in self.by_citizen.items() if messages}


def _outcome(message: Message, citizen: Citizen | None) -> str:
    """The platform's final word (notes, 3.3)."""
    if citizen is None or not citizen.reachable or not citizen.allows(message.service):
        return REJECTED
    return FAILED if citizen.fails else PROCESSED


def _settled_event(message: Message) -> dict[str, Any]:
    return {
        "event": "settled",
        "id": message.id,
        "status": message.status,
        "moment": message.settled,
    }


def _fill_payee(message: Message) -> None:
    """The payee is filled in when a message is processed (notes, 2.4)."""
    payment = message.new.payment
    if payment is not None and "payee" not in payment:
        payment["payee"] = {"fiscal_code": message.service.account.organization_fiscal_code}
