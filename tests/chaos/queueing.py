"""Run inside a portal under test (``manage.py shell``): puts messages on its queue as the desk does."""

from __future__ import annotations

from django.utils import timezone

from messaging.delivery.approval import send
from messaging.enums import Lane, ReachabilityAnswer, Status
from messaging.models import Message, Reachability, Recipient, Service, User

BODY = "Questo è un testo di prova, lungo quanto basta perché IO lo accetti: ha infatti più di ottanta caratteri."


def queue(codes: list[str], *, known: bool = True, lane: Lane = Lane.BATCH) -> None:
    """One informational message of the demonstration's service Tributi to each of these citizens."""
    service, clerk = (
        Service.objects.select_related("institution").get(slug="tributi"),
        User.objects.get(username="clerk"),
    )
    for code in codes:
        recipient, _ = Recipient.objects.get_or_create(institution=service.institution, fiscal_code=code)
        if known:
            Reachability.objects.update_or_create(
                recipient=recipient,
                service=service,
                defaults={"answer": ReachabilityAnswer.REACHABLE, "asked_at": timezone.now()},
            )
        message = Message.objects.create(
            service=service, recipient=recipient, author=clerk, subject="Una prova di tenuta", body=BODY, lane=lane
        )
        assert send(message, clerk, warnings_confirmed=True)
    assert Message.objects.filter(status=Status.QUEUED).exists() or codes
