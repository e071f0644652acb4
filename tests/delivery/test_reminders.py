"""Where a sending comes on top of IO's own reminders of Premium messages."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from messaging.delivery import reminders
from messaging.delivery.reminders import Overlap, overlapping
from messaging.enums import FeatureLevel, Kind, Status
from messaging.models import Batch, BatchRow, Message
from messaging.wording import overlap_words
from tests import cast

pytestmark = pytest.mark.django_db

NOTICES = [f"00200000000000{number:04}" for number in range(9)]


def due(days: int) -> date:
    return timezone.localdate() + timedelta(days=days)


def payment(people: int = 2, *, days: int | None = 30, **kw: Any) -> Batch:
    """A payment's sending: each row has a notice of its own, due in so many days."""
    kw.setdefault("kind", Kind.PAYMENT)
    batch = cast.make_batch(people=people, **kw)
    for row, notice in zip(batch.rows.order_by("number"), NOTICES, strict=False):
        BatchRow.objects.filter(pk=row.pk).update(
            notice_number=notice, amount=100, due_date=due(days) if days else None
        )
    return batch


def earlier(batch: Batch, place: int = 0, *, ago: int = 4, days: int | None = None, **kw: Any) -> Message:
    """A Premium message about the same notice to the same person, accepted so many days ago."""
    row = batch.rows.order_by("number")[place]
    columns: dict[str, Any] = {
        "service": batch.service,
        "recipient": row.recipient,
        "status": Status.PROCESSED,
        "feature_level": FeatureLevel.ADVANCED,
        "kind": Kind.PAYMENT,
        "amount": 100,
        "notice_number": row.notice_number,
        "due_date": due(days) if days is not None else None,
        "read_status": "UNREAD",
        "payment_status": "NOT_PAID",
        "accepted_at": timezone.now() - timedelta(days=ago),
    }
    return cast.make_message(**{**columns, **kw})


def reminded(batch: Batch) -> int:
    found = overlapping(batch)
    return found.reminded if found else 0


def test_the_same_notice_unread_for_some_days_is_told() -> None:
    batch = payment()
    earlier(batch)
    assert overlapping(batch) == Overlap(reminded=1, soon=0, looked_at=2, rows=2)


@pytest.mark.parametrize(
    "columns",
    [
        {"feature_level": FeatureLevel.STANDARD},
        {"read_status": "READ", "payment_status": "PAID"},
        {"read_status": "READ", "days": 20},
        {"ago": 10},
        {"notice_number": NOTICES[8]},
        {"status": Status.REJECTED},
    ],
)
def test_what_io_does_not_remind_of_is_not_told(columns: dict[str, Any]) -> None:
    batch = payment()
    earlier(batch, **columns)
    assert overlapping(batch) is None


@pytest.mark.parametrize(("days", "found"), [(14, 0), (13, 1), (1, 1), (0, 1), (-1, 0)])
def test_a_message_that_is_read_but_not_paid_counts_from_13_days_before_its_due_date(days: int, found: int) -> None:
    batch = payment()
    earlier(batch, ago=40, read_status="READ", days=days)
    assert reminded(batch) == found


def test_other_people_and_other_services_do_not_count() -> None:
    batch = payment()
    earlier(batch, recipient=cast.make_recipient(batch.service.institution))
    earlier(batch, service=cast.make_service(institution=batch.service.institution))
    assert overlapping(batch) is None


def test_a_due_date_without_payment_is_known_by_its_day() -> None:
    batch = payment(kind=Kind.DUE_DATE, days=5)
    earlier(batch, kind=Kind.DUE_DATE, amount=None, notice_number="", days=5)
    earlier(batch, 1, kind=Kind.DUE_DATE, amount=None, notice_number="", days=6)
    assert reminded(batch) == 1


def test_an_information_overlaps_nothing() -> None:
    batch = payment(kind=Kind.INFORMATIONAL)
    earlier(batch)
    with CaptureQueriesContext(connection) as queries:
        assert overlapping(batch) is None
    assert not len(queries)


def test_a_premium_payment_that_is_due_soon_is_reminded_of_at_once() -> None:
    assert overlapping(payment(days=13, feature_level=FeatureLevel.ADVANCED)) == Overlap(0, 2, 2, 2)
    assert overlapping(payment(days=14, feature_level=FeatureLevel.ADVANCED)) is None
    assert overlapping(payment(days=None, feature_level=FeatureLevel.ADVANCED)) is None
    assert overlapping(payment(days=13)) is None


def test_a_sending_that_leaves_later_is_judged_by_its_day() -> None:
    later = timezone.now() + timedelta(days=20)
    assert overlapping(payment(days=30, feature_level=FeatureLevel.ADVANCED, starts_at=later)) == Overlap(0, 2, 2, 2)


def test_a_large_file_is_looked_at_in_part_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reminders, "LOOKED_AT", 2)
    batch = payment(4)
    for place in range(4):
        earlier(batch, place)
    with CaptureQueriesContext(connection) as queries:
        found = overlapping(batch)
    assert found == Overlap(reminded=2, soon=0, looked_at=2, rows=4)
    assert len(queries) <= 3
    assert "Abbiamo guardato le prime 2 righe." in overlap_words(found)[1]


def test_the_words_say_what_io_does_and_count_right() -> None:
    title, text = overlap_words(Overlap(1, 0, 5, 5))
    assert title == "Alcune persone avrebbero due solleciti"
    assert text.startswith("Una persona ha già lo stesso avviso")
    assert "Abbiamo guardato" not in text
    assert "1.200 persone" in overlap_words(Overlap(1_200, 0, 5_000, 5_000))[1]
    title, text = overlap_words(Overlap(0, 1, 5, 5))
    assert title == "IO sollecita anche da sé"
    assert text.startswith("Un avviso scade entro 13 giorni")
