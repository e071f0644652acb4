"""Whether a citizen can be reached by a service: asked before sending, at the screen and at delivery."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.utils import timezone

from messaging.appio.answers import KeyRejected, NoProfile, Profile, Throttled
from messaging.appio.client import Client
from messaging.delivery import budget, content, outage, statements
from messaging.delivery.keys import key_in_use
from messaging.delivery.pauses import pause_service
from messaging.enums import PauseReason, ReachabilityAnswer
from messaging.models import Message, Reachability, ReachabilityQuestion, Recipient, Service, User

#: How long an answer serves (design, "Reachability").
SERVES_FOR = timedelta(hours=12)
#: How many citizens one person may ask about in a day: asking is processing of personal data.
QUESTIONS_A_DAY = 300

_clients = threading.local()


class CannotAsk(Exception):
    """No answer now; ``code`` is one of no_text, trial, too_many, no_key, busy, no_answer."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def known(recipient: Recipient, service: Service) -> Reachability | None:
    """IO's last answer, if it still serves."""
    return Reachability.objects.filter(
        recipient=recipient, service=service, asked_at__gt=timezone.now() - SERVES_FOR
    ).first()


def record(recipient: Recipient, service: Service, answer: Profile | NoProfile) -> Reachability:
    """Keep what IO answered."""
    said, languages = _words(answer)
    row, _ = Reachability.objects.update_or_create(
        recipient=recipient,
        service=service,
        defaults={"answer": said, "preferred_languages": languages, "asked_at": timezone.now()},
    )
    return row


def record_all(
    answers: Sequence[tuple[int | None, int, Profile | NoProfile]], at: datetime
) -> list[ReachabilityAnswer]:
    """Keep answers by (recipient id, service id) in one statement; returns what each of them says."""
    words = [_words(answer) for _, _, answer in answers]
    # In one order in every process, so that two groups never wait for each other; each person once.
    rows = sorted(
        {(recipient, service): word for (recipient, service, _), word in zip(answers, words, strict=True)}.items()
    )
    if rows:
        each: dict[str, list[Any]] = {
            "recipient": [recipient for (recipient, _), _ in rows],
            "service": [service for (_, service), _ in rows],
            "answer": [said for _, (said, _) in rows],
            "preferred_languages": [languages for _, (_, languages) in rows],
        }
        statements.insert_or_replace(Reachability, ("recipient", "service"), common={"asked_at": at}, each=each)
    return [said for said, _ in words]


def _words(answer: Profile | NoProfile) -> tuple[ReachabilityAnswer, str]:
    """What an answer says, and the languages that the person prefers."""
    if not isinstance(answer, Profile):
        return ReachabilityAnswer.NOT_ON_IO, ""
    said = ReachabilityAnswer.REACHABLE if answer.sender_allowed else ReachabilityAnswer.OPTED_OUT
    return said, ",".join(answer.preferred_languages)[:60]


def ask(message: Message, person: User) -> Reachability:
    """Ask IO for the person at the screen, unless a recent answer serves.

    Only for somebody to whom there is something to send, within the person's daily number and, on trial, within the
    service's list. Raises CannotAsk. Makes a network call: never inside a transaction.
    """
    recipient, service = message.recipient, message.service
    if recipient is None or not message.subject.strip() or not message.body.strip():
        raise CannotAsk("no_text")
    if content.is_held_back_by_trial(message):
        raise CannotAsk("trial")
    if answer := known(recipient, service):
        return answer
    _count(recipient, service, person)
    key = key_in_use(service.pk)
    if key is None:
        raise CannotAsk("no_key")
    try:
        budget.wait_for_permit(service.institution.account_id)
    except budget.NoPermit as error:
        raise CannotAsk("no_answer" if error.paused else "busy") from error
    reply = _client().profile(key.secret, recipient.fiscal_code)
    if isinstance(reply.answer, Profile | NoProfile):
        outage.record_answer(service.institution.account_id)
        return record(recipient, service, reply.answer)
    if isinstance(reply.answer, Throttled):
        budget.block(service.institution.account_id, reply.answer.retry_after)
        raise CannotAsk("busy")
    if isinstance(reply.answer, KeyRejected):
        pause_service(service, PauseReason.KEY)
        raise CannotAsk("no_key")
    raise CannotAsk("no_answer")


def _count(recipient: Recipient, service: Service, person: User) -> None:
    since = timezone.now() - timedelta(days=1)
    if ReachabilityQuestion.objects.filter(asked_by=person, asked_at__gt=since).count() >= QUESTIONS_A_DAY:
        raise CannotAsk("too_many")
    ReachabilityQuestion.objects.create(recipient=recipient, service=service, asked_by=person)


def _client() -> Client:
    """One client a thread: its connection is kept for the next question."""
    if not hasattr(_clients, "client"):
        _clients.client = Client(settings.IO_API_URL, connect_timeout=3.0, read_timeout=5.0)
    client: Client = _clients.client
    return client
