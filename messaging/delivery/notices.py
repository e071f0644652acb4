"""E-mails to staff: one row for each thing to tell, sent together by a periodic task. No personal data in them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import timedelta

from django.conf import settings
from django.core.mail import send_mail
from django.db.models import Q
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.translation import gettext, ngettext, override

from messaging.enums import NoticeKind, Role
from messaging.models import Service, StaffNotice, User

#: After an e-mail of one kind a person gets the next one of that kind only after this pause.
PAUSE = timedelta(minutes=15)


def tell(people: Iterable[User], kind: NoticeKind, service: Service | None) -> None:
    """Note that these people are to be told; call it inside the transaction of what happened."""
    StaffNotice.objects.bulk_create(StaffNotice(user=person, kind=kind, service=service) for person in people)


def tell_supervisors(service: Service, kind: NoticeKind, *, besides: User | None = None) -> None:
    """Note that the service's supervisors are to be told, but not the person who did it."""
    people = User.objects.filter(is_active=True, memberships__service=service, memberships__role=Role.SUPERVISOR)
    tell(people.exclude(pk=besides.pk) if besides else people, kind, service)


def tell_those_in_charge(service: Service, kind: NoticeKind) -> None:
    """Note that supervisors of the service and administrators of its institution are to be told."""
    in_charge = Q(memberships__service=service, memberships__role=Role.SUPERVISOR) | Q(
        administrations__institution=service.institution_id
    )
    tell(User.objects.filter(in_charge, is_active=True).distinct(), kind, service)


def send_waiting() -> int:
    """Send what waits, one e-mail a person and kind; returns how many e-mails left.

    The rows are claimed before the e-mail is sent: a crash may lose an e-mail, never repeat it; the pages of the
    portal show the same things in any case.
    """
    now = timezone.now()
    groups: dict[tuple[int, str], list[StaffNotice]] = defaultdict(list)
    for notice in (
        StaffNotice.objects.filter(sent_at__isnull=True).select_related("service", "user").order_by("id")[:1000]
    ):
        groups[notice.user_id, notice.kind].append(notice)
    sent = 0
    for (user_id, kind), notices in groups.items():
        if StaffNotice.objects.filter(user_id=user_id, kind=kind, sent_at__gt=now - PAUSE).exists():
            continue
        claimed = StaffNotice.objects.filter(pk__in=[notice.pk for notice in notices], sent_at__isnull=True)
        if claimed.update(sent_at=now) and notices[0].user.email:
            _send(notices[0].user, NoticeKind(kind), notices)
            sent += 1
    return sent


def _send(person: User, kind: NoticeKind, notices: list[StaffNotice]) -> None:
    services = sorted({notice.service.name for notice in notices if notice.service})
    with override(person.language):
        text = render_to_string(
            "messaging/email/notice.txt",
            {
                "person": person,
                "kind": kind,
                "services": services,
                "count": len(notices),
                "site_url": settings.SITE_URL,
            },
        )
        send_mail(_subject(kind, len(notices)), text, None, [person.email])


def _subject(kind: NoticeKind, count: int) -> str:
    match kind:
        case NoticeKind.APPROVAL:
            return ngettext("%(n)d messaggio da approvare", "%(n)d messaggi da approvare", count) % {"n": count}
        case NoticeKind.SENT_BACK:
            return ngettext("%(n)d messaggio è tornato indietro", "%(n)d messaggi sono tornati indietro", count) % {
                "n": count
            }
        case NoticeKind.UNCERTAIN:
            return ngettext("%(n)d messaggio con esito incerto", "%(n)d messaggi con esito incerto", count) % {
                "n": count
            }
        case NoticeKind.PAUSED:
            return gettext("Un servizio non sta inviando")
        case NoticeKind.HELD:
            return gettext("Gli invii sono fermi")
        case NoticeKind.BATCH_CHECKED:
            return ngettext("%(n)d foglio è stato controllato", "%(n)d fogli sono stati controllati", count) % {
                "n": count
            }
        case NoticeKind.BATCH_FINISHED:
            return ngettext("%(n)d invio da foglio è finito", "%(n)d invii da foglio sono finiti", count) % {"n": count}
