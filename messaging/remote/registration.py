"""Telling IO where it is to fetch an institution's remote content, and asking what it knows (platform notes, A1).

No call is made inside a transaction. Each takes a permit of the account like a person's question at the screen.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import TypeVar

from django.conf import settings
from django.core.cache import cache
from django.db import transaction
from django.utils import timezone
from django.views.decorators.debug import sensitive_variables
from structlog import get_logger

from messaging.appio import configurations as io
from messaging.appio.answers import Forbidden, KeyRejected, NotSent, Throttled, Unanswered
from messaging.appio.client import Client, Reply
from messaging.delivery import budget, outage, seal
from messaging.fields import UnreadableSecret
from messaging.models import Institution, ManageKey, RemoteConfiguration
from messaging.remote import secrets
from messaging.remote.configuration import Told, marker, what_io_is_told

log = get_logger(__name__)

#: Two calls with their permits end within half a minute, the longest that a browser's request should take (seconds).
CONNECT_TIMEOUT, READ_TIMEOUT = 3.0, 8.0
#: A registration that a crash has cut off keeps others out no longer than this (seconds).
ALONE_FOR = 60
#: IO may list a new configuration late: so long after an unanswered POST no other is made (seconds).
MAYBE_CREATED_FOR = 600

AnswerT = TypeVar("AnswerT", bound=io.AnyAnswer)


class CannotTell(Exception):
    """IO was not told, or could not be asked. ``code`` says why:

    no_key, held, unreadable (a secret that no key of ENCRYPTION_KEYS opens), busy, at_work (another registration),
    key_rejected, forbidden, refused, unknown (IO has no such configuration), not_sent, no_answer, maybe_created.
    ``title`` is IO's own word, where there is one.
    """

    def __init__(self, code: str, title: str = "") -> None:
        super().__init__(code)
        self.code, self.title = code, title


@dataclass(frozen=True, slots=True)
class Difference:
    """What IO has otherwise than we do: the field, and both values where they may be shown.

    ``field`` is name, description, precondition, is_lollipop_enabled, disable_lollipop_for, production or test, the
    latter two alone when one side lacks the environment, or with ".base_url", ".header_name", ".secret",
    ".test_users". Secrets and fiscal codes are never among the values: of codes there is their number.
    """

    field: str
    here: str = ""
    there: str = ""


@sensitive_variables("secret")
def store_manage_key(institution: Institution, secret: str) -> ManageKey:
    """Keep the institution's manage key in place of the one it had."""
    # The old one is not read: it may be one that no key of ENCRYPTION_KEYS opens any more.
    key = ManageKey.objects.defer("secret").filter(institution=institution).first()
    key = key or ManageKey(institution=institution)
    key.secret = secret
    key.save()
    return key


def register(configuration: RemoteConfiguration, *, again: bool = False) -> None:
    """Tell IO the whole of the configuration: create it there, or replace what IO has. Raises CannotTell.

    POST has no idempotency key, so before it IO is asked for a configuration of ours, which is adopted. ``again``
    forgets IO's id first: IO has said that it does not know it.
    """
    with _conversation(configuration) as conversation:
        if again:
            _keep_id(configuration, "")
        told = _told(configuration)
        if not configuration.configuration_id:
            _keep_id(configuration, conversation.find_own())
        if configuration.configuration_id:
            conversation.update(configuration.configuration_id, told.content)
        else:
            _keep_id(configuration, conversation.create(told.content))
        _confirm(configuration, told)


def compare(configuration: RemoteConfiguration) -> list[Difference]:
    """Ask what IO has and say what differs from what stands here; nothing means that IO knows it all.

    What is found is kept: equal confirms, different is to be told. Raises CannotTell, "unknown" too when IO has none.
    """
    with _conversation(configuration) as conversation:
        told = _told(configuration)
        if not configuration.configuration_id:
            _keep_id(configuration, conversation.find_own())
        if not configuration.configuration_id:
            raise CannotTell("unknown")
        found = _differences(told.content, conversation.get(configuration.configuration_id))
        if found:
            RemoteConfiguration.objects.filter(pk=configuration.pk).update(confirmed_at=None)
            configuration.confirmed_at = None
        else:
            _confirm(configuration, told)
    return found


# Talking to IO


class _Conversation:
    """Calls with one institution's manage key; every method raises CannotTell."""

    def __init__(self, configuration: RemoteConfiguration, client: Client, key: str) -> None:
        self._configuration, self._client, self._key = configuration, client, key
        self._account_id = configuration.institution.account_id

    def find_own(self) -> str:
        """IO's id of a configuration of ours that we do not know of; the oldest if there are several, or nothing."""
        answer = self._ask(lambda: io.list_own(self._client, self._key))
        assert isinstance(answer, io.Listed)
        ending = marker(self._configuration.institution)
        own = (one.configuration_id for one in answer.known if one.configuration.name.endswith(ending))
        return min(own, default="")

    def create(self, content: io.Configuration) -> str:
        """IO's id of a new one. Not while an earlier attempt may have made one that IO does not list yet."""
        mark = f"remote-configuration-created-{self._configuration.pk}"
        if not cache.add(mark, 1, MAYBE_CREATED_FOR):
            raise CannotTell("maybe_created")
        try:
            answer = self._ask(lambda: io.create(self._client, self._key, content))
        except CannotTell as trouble:
            if trouble.code == "no_answer":
                raise CannotTell("maybe_created") from trouble
            cache.delete(mark)
            raise
        cache.delete(mark)
        assert isinstance(answer, io.Created)
        return answer.configuration_id

    def update(self, configuration_id: str, content: io.Configuration) -> None:
        """Replace what IO has under this id."""
        self._ask(lambda: io.update(self._client, self._key, configuration_id, content))

    def get(self, configuration_id: str) -> io.Configuration:
        """What IO has under this id."""
        answer = self._ask(lambda: io.get(self._client, self._key, configuration_id))
        assert isinstance(answer, io.Known)
        return answer.configuration

    def _ask(self, call: Callable[[], Reply[AnswerT]]) -> AnswerT:
        try:
            budget.wait_for_permit(self._account_id)
        except budget.NoPermit as error:
            raise CannotTell("not_sent" if error.paused else "busy") from error
        answer = call().answer
        if isinstance(answer, Throttled):
            budget.block(self._account_id, answer.retry_after)
        trouble = _trouble(answer)
        if trouble is not None:
            log.warning(
                "remote_configuration_not_told", institution=self._configuration.institution_id, why=trouble.code
            )
            raise trouble
        outage.record_answer(self._account_id)
        return answer


def _trouble(answer: io.AnyAnswer) -> CannotTell | None:
    match answer:
        case KeyRejected():
            return CannotTell("key_rejected")
        case Forbidden(title):
            return CannotTell("forbidden", title)
        case io.ConfigurationRefused(title):
            return CannotTell("refused", title)
        case io.ConfigurationUnknown():
            return CannotTell("unknown")
        case Throttled():
            return CannotTell("busy")
        case NotSent():
            return CannotTell("not_sent")
        case Unanswered():
            return CannotTell("no_answer")
        case _:
            return None


@contextmanager
def _conversation(configuration: RemoteConfiguration) -> Iterator[_Conversation]:
    """One conversation about a configuration at a time: two answers out of order would confirm the wrong secret."""
    if seal.installation().held_at:
        # An old copy of the database would tell IO secrets and addresses of the past.
        raise CannotTell("held")
    key = _key(configuration.institution)
    lock = f"remote-configuration-{configuration.pk}"
    if not cache.add(lock, 1, ALONE_FOR):
        raise CannotTell("at_work")
    try:
        configuration.refresh_from_db()
        with closing(Client(settings.IO_API_URL, CONNECT_TIMEOUT, READ_TIMEOUT)) as client:
            yield _Conversation(configuration, client, key)
    finally:
        cache.delete(lock)


def _key(institution: Institution) -> str:
    try:
        key = ManageKey.objects.filter(institution=institution).first()
    except UnreadableSecret:
        log.error("manage_key_unreadable", institution=institution.pk)
        key = None
    if key is None:
        raise CannotTell("no_key")
    return key.secret


# What we know of it


def _told(configuration: RemoteConfiguration) -> Told:
    try:
        return what_io_is_told(configuration)
    except UnreadableSecret:
        raise CannotTell("unreadable") from None


def _keep_id(configuration: RemoteConfiguration, configuration_id: str) -> None:
    if configuration.configuration_id != configuration_id:
        RemoteConfiguration.objects.filter(pk=configuration.pk).update(
            configuration_id=configuration_id, confirmed_at=None
        )
        configuration.configuration_id, configuration.confirmed_at = configuration_id, None


def _confirm(configuration: RemoteConfiguration, told: Told) -> None:
    """IO knows what it was told; whether that is still all there is to know, the rows say now."""
    with transaction.atomic():
        RemoteConfiguration.objects.select_for_update().filter(pk=configuration.pk).first()
        now = timezone.now()
        secrets.confirmed(told.secret_ids, configuration, now)
        if what_io_is_told(configuration) == told:
            RemoteConfiguration.objects.filter(pk=configuration.pk).update(confirmed_at=now)
    configuration.refresh_from_db()


# Comparing


def _differences(ours: io.Configuration, theirs: io.Configuration) -> list[Difference]:
    pairs = [
        ("name", ours.name, theirs.name),
        ("description", ours.description, theirs.description),
        ("precondition", ours.precondition, theirs.precondition),
        ("is_lollipop_enabled", str(ours.is_lollipop_enabled), str(theirs.is_lollipop_enabled)),
    ]
    found = [Difference(*pair) for pair in pairs if pair[1] != pair[2]]
    found += _of_codes("disable_lollipop_for", ours.disable_lollipop_for, theirs.disable_lollipop_for)
    found += _of_environments("production", ours.production, theirs.production)
    found += _of_environments("test", ours.test, theirs.test)
    return found


def _of_environments(kind: str, ours: io.Environment | None, theirs: io.Environment | None) -> list[Difference]:
    if ours is None or theirs is None:
        here, there = (side.base_url if side else "" for side in (ours, theirs))
        return [Difference(kind, here, there)] if ours is not theirs else []
    found = [Difference(f"{kind}.base_url", ours.base_url, theirs.base_url)] if ours.base_url != theirs.base_url else []
    # A header's name is the same in any case.
    if ours.header_name.lower() != theirs.header_name.lower():
        found.append(Difference(f"{kind}.header_name", ours.header_name, theirs.header_name))
    if ours.secret != theirs.secret:
        found.append(Difference(f"{kind}.secret"))
    return found + _of_codes(f"{kind}.test_users", ours.test_users, theirs.test_users)


def _of_codes(name: str, ours: tuple[str, ...], theirs: tuple[str, ...]) -> list[Difference]:
    if set(ours) == set(theirs):
        return []
    return [Difference(name, str(len(ours)), str(len(theirs)))]
