"""What may change while a batch is on its way: its key, a permission, the most that may be asked for."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.utils import timezone

from messaging.appio.answers import Cause, Owner
from messaging.delivery import batches, pauses
from messaging.enums import BatchStatus, Kind, Lane, PauseReason, Status
from messaging.models import Batch, BatchCount, ServicePause
from tests import cast
from tests.delivery.conftest import Desk, status_of, statuses
from tests.simulator_process import ANAGRAFE

pytestmark = pytest.mark.django_db

Deliver = Callable[..., None]


def sending(desk: Desk, messages: int, **kw: object) -> Batch:
    batch = cast.make_batch(service=kw.pop("service", desk.service), author=desk.clerk, status=BatchStatus.SENDING)
    BatchCount.objects.create(batch=batch, status=Status.QUEUED, count=messages)
    Batch.objects.filter(pk=batch.pk).update(expanded_at=timezone.now(), rows_total=messages, rows_good=messages)
    return batch


def test_a_key_revoked_in_mid_batch_stops_it_and_with_a_new_one_the_rest_goes_once(
    desk: Desk, deliver: Deliver
) -> None:
    batch = sending(desk, 20)
    for row in range(2, 12):
        desk.message(lane=Lane.BATCH, batch=batch, row=row)
    deliver(desk.account, 3)
    gone = desk.simulator.taken()
    assert len(gone) == 10
    for row in range(12, 22):
        desk.message(lane=Lane.BATCH, batch=batch, row=row)
    desk.simulator.fault("unauthorised", operations=["profile", "submit"])
    deliver(desk.account, 3)
    assert statuses().get(Status.QUEUED) == 10
    assert desk.simulator.taken() == gone
    pause = ServicePause.objects.get(lifted_at=None)
    assert pause.reason == PauseReason.KEY
    batches.finish()
    assert Batch.objects.get(pk=batch.pk).status == BatchStatus.SENDING
    desk.simulator.clear()
    assert pauses.lift(pause, desk.supervisor)
    deliver(desk.account)
    assert statuses().keys() <= {Status.ACCEPTED, Status.PROCESSED}
    assert list(desk.simulator.taken().values()) == [1] * 20


def test_a_permission_lost_in_mid_batch_holds_what_needs_it_and_loses_nothing(desk: Desk, deliver: Deliver) -> None:
    premium = desk.another_service(key=ANAGRAFE, premium=True)
    batch = sending(desk, 8, service=premium)
    advanced = {"service": premium, "feature_level": "ADVANCED", "features": "premium", "lane": Lane.BATCH}
    held = [desk.message(batch=batch, row=row, **advanced) for row in range(2, 10)]
    desk.simulator.fault("forbidden", operations=["submit"], service="anagrafe")
    deliver(desk.account, 3)
    assert {status_of(message) for message in held} == {Status.QUEUED}
    assert (premium.pauses.get().features, desk.simulator.taken()) == ("premium", {})
    desk.simulator.clear()
    assert pauses.lift(premium.pauses.get(), desk.supervisor)
    deliver(desk.account)
    assert list(desk.simulator.taken().values()) == [1] * 8


def test_a_maximum_lowered_in_mid_batch_refuses_what_is_above_it_and_sends_the_rest(
    desk: Desk, deliver: Deliver
) -> None:
    # The portal still believes in the old maximum: IO says no, row by row, and whose job that is.
    batch = sending(desk, 2)
    payment = {"lane": Lane.BATCH, "batch": batch, "kind": Kind.PAYMENT}
    small = desk.message(row=2, amount=50_000, notice_number="301000000000000001", **payment)
    large = desk.message(row=3, amount=1_500_000, notice_number="301000000000000002", **payment)
    deliver(desk.account, 3)
    large.refresh_from_db()
    assert status_of(small) in {Status.ACCEPTED, Status.PROCESSED}
    assert (large.status, large.refusal_cause, large.refusal_owner) == (
        Status.REFUSED,
        Cause.AMOUNT_OVER_LIMIT,
        Owner.ADMINISTRATOR,
    )
    assert desk.simulator.taken() == {small.recipient.fiscal_code: 1}
    assert not ServicePause.objects.exists()
