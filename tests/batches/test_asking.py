from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone

from messaging.batches import asking, corrections
from messaging.delivery.reachability import CannotAsk
from messaging.enums import ReachabilityAnswer
from messaging.models import AllowedRecipient, Batch, BatchRow, Reachability, Recipient
from tests import cast
from tests.batches.conftest import Office, csv_of, person_row

AddsUp = Callable[[Batch], None]


def know(office: Office, number: int, answer: ReachabilityAnswer, hours: int = 1) -> None:
    """IO has said this of a person so many hours ago."""
    person, _ = Recipient.objects.get_or_create(
        institution=office.service.institution, fiscal_code=cast.make_fiscal_code(number)
    )
    Reachability.objects.update_or_create(
        recipient=person,
        service=office.service,
        defaults={"answer": answer, "asked_at": timezone.now() - timedelta(hours=hours)},
    )


def to_ask(batch: Batch) -> list[int]:
    asked = BatchRow.objects.filter(batch=batch, ask_at__isnull=False)
    return list(asked.order_by("number").values_list("number", flat=True))


def test_only_those_without_a_fresh_answer_are_asked_about(
    office: Office, adds_up: AddsUp, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asking, "WINDOW", 2)
    know(office, 1, ReachabilityAnswer.REACHABLE)
    know(office, 2, ReachabilityAnswer.NOT_ON_IO)
    know(office, 3, ReachabilityAnswer.OPTED_OUT, hours=13)
    rows = [person_row(number) for number in range(1, 5)]
    batch = office.checked(csv_of(*rows, person_row(5, nome="")))
    asking.start(batch, office.clerk)
    assert to_ask(batch) == [4, 5]
    assert (batch.rows_reachable, batch.rows_not_on_io, batch.rows_opted_out) == (1, 1, 0)
    adds_up(batch)
    asking.start(batch, office.clerk)
    assert to_ask(batch) == [4, 5]
    adds_up(batch)
    asking.stop(batch)
    assert to_ask(batch) == []


def test_an_answer_that_has_grown_old_is_asked_for_again(office: Office, adds_up: AddsUp) -> None:
    know(office, 1, ReachabilityAnswer.REACHABLE)
    batch = office.checked(csv_of(person_row(1)))
    asking.start(batch, office.clerk)
    know(office, 1, ReachabilityAnswer.REACHABLE, hours=13)
    asking.start(batch, office.clerk)
    assert (batch.rows_reachable, to_ask(batch)) == (0, [2])
    adds_up(batch)


def test_an_answer_counts_no_more_when_its_row_goes_or_gets_another_person(office: Office, adds_up: AddsUp) -> None:
    for number in (1, 2):
        know(office, number, ReachabilityAnswer.NOT_ON_IO)
    batch = office.checked(csv_of(person_row(1), person_row(2), person_row(3)))
    asking.start(batch, office.clerk)
    assert batch.rows_not_on_io == 2
    corrections.exclude(batch, office.clerk, [2])
    corrections.correct(batch, office.clerk, {3: {"fiscal_code": cast.make_fiscal_code(4)}})
    assert batch.rows_not_on_io == 0
    adds_up(batch)


def test_a_service_on_trial_asks_only_about_its_list(office: Office) -> None:
    batch = office.checked(csv_of(person_row(1), person_row(2)))
    office.service.live = False
    office.service.save()
    AllowedRecipient.objects.create(service=office.service, fiscal_code=cast.make_fiscal_code(2), label="Prova")
    asking.start(Batch.objects.get(pk=batch.pk), office.clerk)
    assert to_ask(batch) == [3]


def test_nobody_asks_without_rows_without_text_or_about_too_many(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refusal(batch: Batch) -> str:
        with pytest.raises(CannotAsk) as refused:
            asking.start(batch, office.clerk)
        return refused.value.code

    assert refusal(office.checked(csv_of(person_row(1, nome="")))) == "not_ready"
    assert refusal(office.upload(csv_of(person_row(1)))) == "not_ready"
    first, second = (office.checked(csv_of(person_row(number), person_row(number + 1))) for number in (1, 3))
    monkeypatch.setattr(asking, "PEOPLE_A_DAY", 3)
    asking.start(first, office.clerk)
    assert refusal(second) == "too_many"
    second.body = " "
    assert refusal(second) == "no_text"
