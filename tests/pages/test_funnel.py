"""From the file to the payment on a sending's page: the steps, what is not known, and the rows behind each number."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from django.urls import reverse
from django.utils import timezone

from messaging.delivery.tally import Tally
from messaging.enums import BatchStatus, FeatureLevel, Kind, Role, Status
from messaging.models import Batch, Message, Service
from tests import cast
from tests.pages.conftest import Office, queries_of

SEEN = {"read_status": "READ", "seen_at": timezone.now()}
PAID = {"payment_status": "PAID", "paid_at": timezone.now()}
UNPAID = {"payment_status": "NOT_PAID"}


def sending(
    office: Office, *messages: tuple[Status, dict[str, Any]], service: Service | None = None, **kw: Any
) -> Batch:
    """A sending whose rows have become these messages, counted as the engine counts them."""
    service = service or office.service
    batch = cast.make_batch(service=service, people=len(messages), status=BatchStatus.FINISHED, **kw)
    tally = Tally()
    for row, (status, columns) in enumerate(messages, start=2):
        level = columns.get("feature_level", batch.feature_level)
        columns = {"feature_level": level, "has_remote_content": batch.has_remote_content, **columns}
        if batch.kind == Kind.PAYMENT:
            columns |= {"amount": 100, "notice_number": "302000000004822036"}
        tally.arrive(cast.make_message(service=service, batch=batch, row=row, status=status, **columns))
    tally.write()
    return batch


def address(batch: Batch) -> str:
    return reverse("batch_detail", args=[batch.public_id])


def rungs(office: Office, batch: Batch) -> dict[str, Any]:
    context = office.as_(office.supervisor).get(address(batch)).context
    return {str(rung.label): rung for rung in context["funnel"]["rungs"]}


def rows_behind(office: Office, address: str) -> list[Message]:
    response = office.as_(office.supervisor).get(address)
    assert response.status_code == 200
    assert not response.context["form"].errors
    return list(response.context["page"].rows)


def premium_payment(office: Office) -> Batch:
    return sending(
        office,
        (Status.PROCESSED, {**SEEN, **PAID}),
        (Status.PROCESSED, {**SEEN, **UNPAID}),
        (Status.PROCESSED, {"read_status": "UNREAD", **UNPAID}),
        (Status.PROCESSED, {"read_status": "UNAVAILABLE"}),
        (Status.CONFIRMED, {}),
        (Status.REJECTED, {}),
        (Status.UNREACHABLE, {}),
        kind=Kind.PAYMENT,
        feature_level=FeatureLevel.ADVANCED,
        rows_not_on_io=1,
    )


def test_each_number_has_its_whole_and_leads_to_its_rows(office: Office) -> None:
    batch, other = premium_payment(office), premium_payment(office)
    found = rungs(office, batch)
    assert [(rung.count, rung.whole) for rung in found.values()] == [(7, 0), (6, 7), (6, 7), (5, 7), (2, 3), (1, 3)]
    for label in ("Inviate a IO", "Consegnate nell’app", "Aperte o lette", "Pagate"):
        rows = rows_behind(office, found[label].address)
        assert len(rows) == found[label].count, label
        assert {row.batch_id for row in rows} == {batch.pk} != {other.pk}
    html = office.as_(office.supervisor).get(address(batch)).content.decode()
    assert "Aperte o lette: si sa di 3 su 5 consegnate." in html
    assert "Pagate: si sa di 3 avvisi di pagamento" in html
    assert "Dal foglio al pagamento" in html


def test_the_list_says_of_which_sending_it_is_and_leads_back(office: Office) -> None:
    batch = premium_payment(office)
    html = office.as_(office.clerk).get(rungs(office, batch)["Aperte o lette"].address).content.decode()
    assert f"Aperti o letti, tra quelli dell’invio «{batch.name}»." in html
    assert f'<a href="{address(batch)}">Torna all’invio</a>' in html


def test_a_sending_of_the_basic_agreement_shows_no_zero(office: Office) -> None:
    batch = sending(office, (Status.PROCESSED, {}), (Status.PROCESSED, {}), kind=Kind.PAYMENT)
    found = rungs(office, batch)
    assert found["Aperte o lette"].count is None
    assert found["Pagate"].count is None
    html = office.as_(office.clerk).get(address(batch)).content.decode()
    assert html.count(">non disponibile</span>") == 2
    assert "Aperte o lette: non si sa. Senza accordo Premium IO non lo dice" in html
    assert "Pagate: non si sa. Senza accordo Premium IO non lo dice." in html


def test_what_is_fetched_from_us_is_known_without_premium(office: Office) -> None:
    batch = sending(office, (Status.PROCESSED, SEEN), (Status.PROCESSED, {}), has_remote_content=True)
    found = rungs(office, batch)
    assert (found["Aperte o lette"].count, found["Aperte o lette"].whole) == (1, 2)
    assert "Pagate" not in found
    assert "Dal foglio alla lettura" in office.as_(office.clerk).get(address(batch)).content.decode()


def test_before_anything_is_delivered_nothing_is_said_of_reading(office: Office) -> None:
    batch = sending(office, (Status.ACCEPTED, {}), feature_level=FeatureLevel.ADVANCED)
    assert rungs(office, batch)["Aperte o lette"].count == 0
    assert "finora non lo ha detto" not in office.as_(office.clerk).get(address(batch)).content.decode()


def test_the_rows_of_a_sending_are_for_its_people_alone(office: Office) -> None:
    batch = premium_payment(office)
    found = rungs(office, batch)["Aperte o lette"].address
    assert not office.as_(office.stranger).get(found).context["page"].rows
    assert batch.name not in office.as_(office.stranger).get(found).content.decode()
    assert not rows_behind(office, found.replace(str(batch.public_id), str(uuid4())))


def test_a_filter_by_another_service_leaves_nothing_of_the_sending(office: Office) -> None:
    other = cast.make_service(name="Scuola", slug="scuola", institution=office.service.institution)
    cast.give_role(office.supervisor, other, Role.SUPERVISOR)
    found = rungs(office, premium_payment(office))["Aperte o lette"].address
    assert not rows_behind(office, f"{found}&service=scuola")


@pytest.mark.parametrize("outcome", ["seen", "arrived", "left"])
def test_a_long_sending_comes_in_pages(office: Office, outcome: str) -> None:
    batch = sending(office, *[(Status.PROCESSED, SEEN)] * 60, feature_level=FeatureLevel.ADVANCED)
    response = office.as_(office.clerk).get(f"{reverse('message_list')}?batch={batch.public_id}&outcome={outcome}")
    assert len(response.context["page"].rows) == 50
    older = office.as_(office.clerk).get(f"{reverse('message_list')}?{response.context['older']}")
    assert len(older.context["page"].rows) == 10


def test_the_funnel_costs_one_query_and_none_where_nothing_can_be_known(office: Office) -> None:
    plain = queries_of(office, office.clerk, address(sending(office, (Status.PROCESSED, {}))))
    assert queries_of(office, office.clerk, address(premium_payment(office))) == plain + 1
