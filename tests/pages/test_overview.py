"""The supervisor's page: what waits, what arrived, how soon; and behind every number exactly its rows."""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta
from html import unescape
from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone

from messaging import overview
from messaging.delivery.tally import Tally
from messaging.enums import BatchStatus, DeliverySpeed, FeatureLevel, PauseReason, Role, Status
from messaging.models import Message, Service, ServicePause, User
from messaging.overview import Figures, share
from tests import cast
from tests.pages.conftest import Office, queries_of

PAGE = "/overview/"


def made(
    office: Office, status: Status, *, days_ago: int = 0, service: Service | None = None, **columns: Any
) -> Message:
    """A message queued so many days ago, counted as the engine counts it."""
    moment = timezone.now() - timedelta(days=days_ago)
    message = cast.make_message(
        service=service or office.service, status=status, author=office.clerk, queued_at=moment, **columns
    )
    Message.objects.filter(pk=message.pk).update(created_at=moment)
    tally = Tally()
    tally.arrive(message)
    tally.write()
    return message


def page(office: Office, query: str = "", person: User | None = None) -> str:
    response = office.as_(person or office.supervisor).get(f"{PAGE}?{query}")
    assert response.status_code == 200
    return str(response.content.decode())


def rows_behind(office: Office, address: str) -> int:
    """How many rows the list shows, over all of its pages."""
    count = 0
    while address:
        response = office.as_(office.supervisor).get(address)
        assert response.status_code == 200
        assert not response.context["form"].errors
        count += len(response.context["page"].rows)
        older = response.context["older"]
        address = f"{reverse('message_list')}?{older}" if older else ""
    return count


def links(html: str) -> list[tuple[str, int]]:
    """Every link to the list of messages, with the number that it shows."""
    found = re.findall(r'<a[^>]*href="(/messages/\?[^"]+)"[^>]*>(.*?)</a>', html, re.DOTALL)
    numbers = [(address, re.search(r"[0-9][0-9.]*", re.sub(r"<[^>]+>", "", text))) for address, text in found]
    return [(unescape(address), int(number[0].replace(".", ""))) for address, number in numbers if number]


@pytest.fixture
def busy(office: Office) -> Office:
    """Messages of every fate, today, some weeks and some months ago, in two services, one of them paused."""
    other = cast.make_service(name="Scuola", slug="scuola", institution=office.service.institution)
    cast.give_role(office.supervisor, other, Role.SUPERVISOR)
    for days_ago in (0, 20, 120):
        for status, number in ((Status.PROCESSED, 4), (Status.REJECTED, 1), (Status.UNREACHABLE, 2)):
            for _ in range(number):
                speed = {"delivery_speed": DeliverySpeed.MINUTE} if status is Status.PROCESSED else {}
                made(office, status, days_ago=days_ago, **speed)
        made(
            office, Status.REFUSED, days_ago=days_ago, refusal_cause="amount_over_limit", refusal_owner="administrator"
        )
        made(office, Status.FAILED, days_ago=days_ago, service=other)
        made(office, Status.ACCEPTED, days_ago=days_ago, service=other)
        made(office, Status.QUEUED, days_ago=days_ago, service=other)
        made(office, Status.UNCERTAIN, days_ago=days_ago)
    ServicePause.objects.create(service=other, reason=PauseReason.KEY)
    return office


# Who may


def test_only_who_supervises_a_service_has_the_page(office: Office) -> None:
    for name in ("overview", "overview_waiting", "overview_table"):
        assert office.as_(office.supervisor).get(reverse(name)).status_code == 200
        for person in (office.clerk, office.administrator, office.stranger):
            assert office.as_(person).get(reverse(name)).status_code == 404


def test_it_counts_the_supervised_services_only(busy: Office) -> None:
    third = cast.make_service(name="Anagrafe", institution=busy.service.institution)
    cast.give_role(busy.supervisor, third)
    made(busy, Status.PROCESSED, service=third)
    response = busy.as_(busy.supervisor).get(PAGE)
    assert response.context["steps"][1].count == 8
    assert "Anagrafe" not in response.content.decode()
    assert rows_behind(busy, response.context["steps"][1].address) == 8


# Every number is a link to its rows


@pytest.mark.parametrize("period", ["7", "30", "90", "year"])
def test_behind_every_number_are_exactly_its_rows(busy: Office, period: str) -> None:
    found = links(page(busy, f"period={period}"))
    assert len(found) > 15
    for address, number in found:
        assert rows_behind(busy, address) == number, address


def test_rows_run_over_pages_and_add_up_all_the_same(office: Office) -> None:
    for _ in range(120):
        made(office, Status.PROCESSED, delivery_speed=0)
    made(office, Status.PROCESSED, days_ago=45, delivery_speed=0)
    response = office.as_(office.supervisor).get(PAGE)
    assert [line.count for line in response.context["steps"]] == [120, 120, None, None]
    assert rows_behind(office, response.context["steps"][1].address) == 120


def test_the_days_of_a_link_hold_when_it_is_opened_later(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    made(office, Status.PROCESSED, days_ago=3)
    made(office, Status.PROCESSED)
    today = timezone.localdate()
    address = f"/messages/?outcome=delivered&sent_since={today - timedelta(days=5)}"
    assert rows_behind(office, f"{address}&sent_until={today - timedelta(days=1)}") == 1
    assert rows_behind(office, f"{address}&sent_until={today}") == 2


def test_an_old_draft_counts_on_the_day_on_which_it_was_queued(office: Office) -> None:
    message = made(office, Status.PROCESSED)
    Message.objects.filter(pk=message.pk).update(created_at=timezone.now() - timedelta(days=200))
    for _ in range(3):
        made(office, Status.PROCESSED, days_ago=100)
    address = office.as_(office.supervisor).get(PAGE).context["steps"][1].address
    assert rows_behind(office, address) == 1


def test_days_are_days_in_rome(office: Office) -> None:
    message = made(office, Status.PROCESSED)
    late = datetime.fromisoformat("2026-06-30T22:30:00+00:00")  # half past midnight of the first of July
    Message.objects.filter(pk=message.pk).update(queued_at=late)
    counted = Message.objects.get(pk=message.pk)
    tally = Tally()
    tally.arrive(counted)
    tally.write()
    july, june = date(2026, 7, 1), date(2026, 6, 30)
    assert Figures([office.service], july, july).delivered() == 1
    assert Figures([office.service], june, june).delivered() == 0
    assert rows_behind(office, f"/messages/?outcome=delivered&sent_since={july}&sent_until={july}") == 1
    assert rows_behind(office, f"/messages/?outcome=delivered&sent_since={june}&sent_until={june}") == 0


# What waits


def test_it_says_what_waits_for_whom_and_since_when(office: Office) -> None:
    office.awaiting()
    cast.make_batch(
        service=office.service,
        author=office.clerk,
        people=3,
        status=BatchStatus.AWAITING_APPROVAL,
        submitted_at=timezone.now() - timedelta(hours=2),
    )
    html = page(office)
    assert "Da approvare: un messaggio e un invio da foglio" in html
    assert "Per 4 destinatari in tutto. Il primo aspetta da 2 ore." in html


def test_nobody_approves_their_own_so_it_does_not_wait_for_them(office: Office) -> None:
    cast.make_batch(service=office.service, author=office.supervisor, people=3, status=BatchStatus.AWAITING_APPROVAL)
    assert "Nessuno aspetta." in page(office)


def test_uncertain_outcomes_wait_however_old(busy: Office) -> None:
    html = page(busy, "period=7")
    assert "Decidi sui 3 esiti" in html


def test_causes_say_whose_job_they_are_and_add_up(busy: Office) -> None:
    response = busy.as_(busy.supervisor).get(f"{PAGE}?period=30")
    causes = response.context["causes"]
    assert sum(cause.count for cause in causes) == response.context["stopped"] == 8
    by_job = {cause.job: cause for cause in causes}
    assert by_job["Responsabile"].services == "Scuola"
    held = next(cause for cause in causes if cause.button == "Apri il servizio")
    assert (held.count, held.job) == (2, "Amministratore")
    assert held.address == reverse("service_detail", args=["scuola"])


def test_older_refusals_of_any_cause_are_counted_together(busy: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(overview, "TOLD", 1)
    made(busy, Status.REFUSED, refusal_cause="invalid_content", refusal_owner="clerk")
    response = busy.as_(busy.supervisor).get(f"{PAGE}?period=30")
    assert sum(cause.count for cause in response.context["causes"]) == response.context["stopped"] == 9
    assert "meno recenti" in response.content.decode()


def test_the_tiles_come_again_by_themselves(busy: Office) -> None:
    html = page(busy, "period=7")
    address = re.search(r'hx-get="([^"]+)" hx-trigger="every 60s"', html)
    assert address
    part = busy.as_(busy.supervisor).get(address[1]).content.decode()
    assert "<html" not in part
    assert f'hx-get="{address[1]}"' in part


# What arrived


def known(office: Office, seen: bool = False, paid: bool | None = None, **kw: Any) -> Message:
    """A delivered Premium message of which IO says whether it is read, and paid if there is something to pay."""
    now = timezone.now()
    columns: dict[str, Any] = {"feature_level": FeatureLevel.ADVANCED, "read_status": "READ" if seen else "UNREAD"}
    if paid is not None:
        columns |= {"amount": 100, "notice_number": "302000000004822036"}
        columns |= {"payment_status": "PAID" if paid else "NOT_PAID", "paid_at": now if paid else None}
    return made(office, Status.PROCESSED, seen_at=now if seen else None, **columns, **kw)


def test_what_the_agreement_does_not_tell_is_said_and_is_not_zero(office: Office) -> None:
    for _ in range(3):
        made(office, Status.PROCESSED)
    html = page(office)
    assert "Aperti o letti: non si sa di nessun messaggio." in html
    assert "Pagati: non si sa di nessun messaggio." in html
    assert html.count("non si sa</text>") == 2
    assert html.count("non disponibile</span>") == 4
    assert "Aperti o letti non disponibile, Pagati non disponibile" in html


def test_the_funnel_counts_of_how_many_it_is_known(office: Office) -> None:
    for number in range(12):
        known(office, seen=number < 5, paid=number < 2 if number < 8 else None)
    for _ in range(20):
        made(office, Status.PROCESSED)
    made(office, Status.PROCESSED, has_remote_content=True, seen_at=timezone.now())
    response = office.as_(office.supervisor).get(PAGE)
    steps = response.context["steps"]
    assert [(line.count, line.whole) for line in steps] == [(33, 0), (33, 33), (6, 13), (2, 8)]
    assert [line.share for line in steps[2:]] == [46, 25]
    html = response.content.decode()
    assert "Aperti o letti: si sa di 13 su 33 consegnati." in html
    assert "Pagati: si sa di 8 avvisi di pagamento" in html
    assert html.count('class="whole"') == 2
    assert [rows_behind(office, line.address) for line in steps] == [33, 33, 6, 2]


def test_what_is_seen_of_other_days_stays_out(office: Office) -> None:
    known(office, seen=True, paid=True)
    known(office, seen=True, paid=True, days_ago=45)
    known(office, seen=True, paid=True, days_ago=100)
    for period, number in (("7", 1), ("90", 2)):
        for address, count in links(page(office, f"period={period}")):
            assert rows_behind(office, address) == count, address
        steps = office.as_(office.supervisor).get(f"{PAGE}?period={period}").context["steps"]
        assert [line.count for line in steps] == [number] * 4


def test_an_opening_before_delivery_is_known_is_behind_no_number(office: Office) -> None:
    made(office, Status.ACCEPTED, has_remote_content=True, seen_at=timezone.now())
    made(office, Status.PROCESSED, has_remote_content=True)
    steps = office.as_(office.supervisor).get(PAGE).context["steps"]
    assert (steps[2].count, steps[2].whole) == (0, 1)
    assert rows_behind(office, steps[2].address) == 0


def test_shares_are_rounded_down() -> None:
    assert (share(2_999, 3_000), share(3_000, 3_000), share(0, 0)) == (99, 100, None)


def test_without_messages_it_says_so_and_draws_nothing(office: Office) -> None:
    html = page(office)
    assert "In questo periodo IO non ha preso in carico nessun messaggio." in html
    assert "In questo periodo nessun messaggio è stato ancora consegnato." in html
    assert 'class="chart"' not in html


def test_half_and_95_of_a_hundred_are_told_as_the_end_of_their_class(office: Office) -> None:
    for speed, number in ((DeliverySpeed.SECONDS_15, 10), (DeliverySpeed.MINUTE, 9), (DeliverySpeed.LONGER, 1)):
        for _ in range(number):
            made(office, Status.PROCESSED, delivery_speed=speed)
    today = timezone.localdate()
    figures = Figures([office.service], today, today)
    assert figures.within(50) is DeliverySpeed.SECONDS_15
    assert figures.within(95) is DeliverySpeed.MINUTE
    assert figures.within(96) is DeliverySpeed.LONGER
    html = page(office)
    assert "15 secondi <small>o meno per metà dei messaggi" in html
    assert "Non vuol dire letto." in html


def test_a_senseless_period_is_the_usual_one(office: Office) -> None:
    assert "Ultimi 30 giorni" in page(office, "period=boh")
    assert office.as_(office.supervisor).get(f"{PAGE}?period=boh").context["period"].chosen == "30"


def test_the_state_of_a_paused_service_says_why(busy: Office) -> None:
    assert "Sospeso: chiave" in page(busy)


def test_the_table_can_be_downloaded_and_holds_no_formula(busy: Office) -> None:
    Service.objects.filter(slug="scuola").update(name="=1+1")
    response = busy.as_(busy.supervisor).get(f"{reverse('overview_table')}?period=30")
    assert response["Content-Type"].startswith("text/csv")
    header, *lines = response.content.decode("utf-8-sig").splitlines()
    assert header.startswith("Servizio;Dal;Al;Inviati;Consegnati")
    assert lines[0].startswith("'=1+1;")
    assert ";10;8;80;4;non disponibile;0;non disponibile;0;" in lines[1]


# Cost


def test_more_messages_cost_no_more_queries(busy: Office) -> None:
    few = queries_of(busy, busy.supervisor, f"{PAGE}?period=year")
    for days_ago in range(20):
        made(busy, Status.PROCESSED, days_ago=days_ago)
    assert queries_of(busy, busy.supervisor, f"{PAGE}?period=year") == few <= 15
