"""What every page knows: whose desk it is, where it leads and how the link with IO stands."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from messaging.enums import Role, Status
from messaging.models import GatewayAccount, Institution, Membership
from messaging.permissions import Person, administered_institutions, batches_to_approve, supervised_messages, to_approve
from messaging.templatetags.portal import clock, when

FRESH_SECONDS = 3600


@dataclass(frozen=True)
class Entry:
    """One place of the main navigation."""

    url_name: str
    label: str
    current: bool = False
    count: int = 0


def waiting_count(user: Person) -> int:
    """How many messages and sendings wait for this supervisor: to approve (not their own), or of uncertain outcome."""
    if not user.is_authenticated:
        return 0
    uncertain = supervised_messages(user).filter(status=Status.UNCERTAIN)
    waiting = to_approve(user).values("pk")
    return waiting.union(uncertain.values("pk"), batches_to_approve(user).values("pk"), all=True).count()


def link_state(accounts: Iterable[GatewayAccount]) -> str:
    """How the link with IO stands, in words; the worst account speaks for all."""
    known = list(accounts)
    paused = [account.paused_at for account in known if account.paused_at]
    if paused:
        return _("sospeso da %(when)s") % {"when": when(min(paused))}
    blocked = max((account.blocked_until for account in known), default=0.0)
    now = timezone.now()
    if blocked > now.timestamp():
        until = datetime.fromtimestamp(blocked, tz=UTC)
        return _("rallentato fino alle %(time)s") % {"time": clock(until)}
    answers = [account.last_answer_at for account in known if account.last_answer_at]
    if not answers:
        return _("non ancora controllato") if known else ""
    seconds = (now - max(answers)).total_seconds()
    if seconds >= FRESH_SECONDS:
        return _("ultima risposta %(when)s") % {"when": when(max(answers))}
    minutes = int(seconds // 60)
    if minutes < 1:
        return _("regolare, controllato adesso")
    return ngettext("regolare, controllato un minuto fa", "regolare, controllato %(n)d minuti fa", minutes) % {
        "n": minutes
    }


class Portal:
    """The frame of a page; each property asks the database at most once, and only when it is drawn."""

    demonstration = settings.DEMONSTRATION
    phone_address = settings.SIMULATED_PHONE_URL

    def __init__(self, request: HttpRequest) -> None:
        self.request = request

    @cached_property
    def user(self) -> Person:
        """Who looks; nobody, if the page fails before that is known."""
        return getattr(self.request, "user", None) or AnonymousUser()

    @property
    def memberships(self) -> list[Membership]:
        """The person's roles, with services and institutions."""
        return self.user.roles if self.user.is_authenticated else []

    @cached_property
    def administered(self) -> list[Institution]:
        """The institutions that the person configures."""
        return list(administered_institutions(self.user).select_related("account").order_by("name"))

    @cached_property
    def institutions(self) -> list[Institution]:
        """The person's institutions; for a visitor the only one there is, or none."""
        if not self.user.is_authenticated:
            few = list(Institution.objects.select_related("account").order_by("pk")[:2])
            return few if len(few) == 1 else []
        mine = [membership.service.institution for membership in self.memberships] + self.administered
        return list({institution.pk: institution for institution in mine}.values())

    @property
    def institution_name(self) -> str:
        """Whose desk this is."""
        return self.institutions[0].name if self.institutions else ""

    @property
    def supervises(self) -> bool:
        """Whether the person is a supervisor somewhere."""
        return any(membership.role == Role.SUPERVISOR for membership in self.memberships)

    @property
    def role(self) -> str:
        """The person's widest role, in a word."""
        if self.supervises:
            return str(Role.SUPERVISOR.label)
        if self.memberships:
            return str(Role.CLERK.label)
        return _("amministratore") if self.administered else ""

    @cached_property
    def waiting_count(self) -> int:
        """What waits for the person's decision."""
        return waiting_count(self.user) if self.supervises else 0

    @cached_property
    def navigation(self) -> list[Entry]:
        """The places this person goes to."""
        if not self.user.is_authenticated:
            return []
        entries = [("desk", _("Scrivania"), 0)] if self.memberships or not self.administered else []
        if self.supervises:
            entries += [("overview", _("Andamento"), 0), ("waiting_list", _("Da decidere"), self.waiting_count)]
        if self.memberships:
            entries += [
                ("message_list", _("Messaggi"), 0),
                ("batch_list", _("Invii da foglio"), 0),
                ("template_list", _("Modelli"), 0),
            ]
        entries.append(("service_list", _("Servizi"), 0))
        if self.administered:
            entries.append(("admin:index", _("Amministrazione"), 0))
        return [Entry(name, label, self._is_here(name), count) for name, label, count in entries]

    def _is_here(self, url_name: str) -> bool:
        """Whether the page belongs to that place: message_new and message_detail belong to message_list."""
        match = getattr(self.request, "resolver_match", None)
        if match is None or match.namespaces:
            return False
        return (match.url_name or "").partition("_")[0] == url_name.partition("_")[0]

    @property
    def link_state(self) -> str:
        """How the link with IO stands."""
        accounts = {institution.account_id: institution.account for institution in self.institutions}
        return link_state(accounts.values())


def site(request: HttpRequest) -> dict[str, Any]:
    """The variable ``portal`` of every page."""
    return {"portal": Portal(request)}
