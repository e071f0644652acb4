"""The list of messages: whose, narrowed how, page by page, and searched without personal data in addresses."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from messaging import listing
from messaging.enums import Kind, Status
from messaging.listing import Wanted
from messaging.models import Message, StatusChange
from tests import cast
from tests.pages.conftest import Office, queries_of

LIST = "/messages/"


def subjects(response: Any) -> list[str]:
    return [message.subject for message in response.context["page"].rows]


def shown(office: Office, query: str = "") -> list[str]:
    response = office.as_(office.clerk).get(f"{LIST}?{query}")
    assert response.status_code == 200
    return subjects(response)


def test_a_person_sees_the_messages_of_their_services_only(office: Office) -> None:
    office.message(subject="Nostro")
    cast.make_message(subject="Altrui")
    assert shown(office) == ["Nostro"]
    assert subjects(office.as_(office.stranger).get(LIST)) == []


def test_an_administrator_without_a_role_reads_none(office: Office) -> None:
    office.message(subject="Segreto")
    page = office.as_(office.administrator).get(LIST).content.decode()
    assert "Segreto" not in page
    assert "Non sei in nessun servizio" in page


def test_nobody_is_asked_to_sign_in(office: Office) -> None:
    assert Client().get(LIST)["Location"].startswith("/account/login/")


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("status=refused", ["Rifiutato"]),
        ("status=refused&cause=amount_over_limit", ["Rifiutato"]),
        ("status=refused&cause=unknown", []),
        ("kind=payment", ["Pagamento"]),
        ("service=tributi", ["Di un collega", "Pagamento", "Rifiutato", "Vecchio"]),
        ("reference=PROT%2F1", ["Vecchio"]),
        ("notice=302000000004821734", ["Pagamento"]),
    ],
)
def test_the_list_is_narrowed_by_its_address(office: Office, query: str, expected: list[str]) -> None:
    office.message(Status.PROCESSED, subject="Vecchio", reference="PROT/1")
    office.message(Status.REFUSED, subject="Rifiutato", refusal_cause="amount_over_limit")
    office.message(
        Status.PROCESSED, subject="Pagamento", kind=Kind.PAYMENT, amount=100, notice_number="302000000004821734"
    )
    office.message(Status.PROCESSED, subject="Di un collega", author=cast.make_person(service=office.service))
    assert shown(office, query) == expected


def test_the_list_is_narrowed_by_author(office: Office) -> None:
    colleague = cast.make_person(service=office.service)
    office.message(subject="Mio")
    office.message(subject="Suo", author=colleague)
    assert shown(office, f"author={colleague.pk}") == ["Suo"]
    assert shown(office, f"author={colleague.pk}&status=queued") == ["Suo"]


def test_days_are_days_in_rome_and_both_ends_count(office: Office) -> None:
    rows = [office.message(Status.PROCESSED, subject=f"Giorno {number}") for number in range(6)]
    start = timezone.make_aware(timezone.datetime(2026, 3, 1, 0, 0))
    for number, row in enumerate(rows):
        Message.objects.filter(pk=row.pk).update(created_at=start + timedelta(days=number))
    assert shown(office, "since=2026-03-02&until=2026-03-04") == ["Giorno 3", "Giorno 2", "Giorno 1"]
    assert shown(office, "since=2026-03-06") == ["Giorno 5"]
    assert shown(office, "until=2026-03-01") == ["Giorno 0"]
    assert shown(office, "since=2027-01-01") == []


def test_overlapping_transactions_do_not_hide_rows_from_a_day(office: Office) -> None:
    late, early = office.message(subject="Tardi"), office.message(subject="Presto")
    midnight = timezone.make_aware(timezone.datetime(2026, 3, 2, 0, 0))
    Message.objects.filter(pk=late.pk).update(created_at=midnight + timedelta(seconds=2))
    Message.objects.filter(pk=early.pk).update(created_at=midnight - timedelta(seconds=2))
    assert shown(office, "since=2026-03-02") == ["Tardi"]
    assert shown(office, "until=2026-03-01") == ["Presto"]


def test_days_cost_few_queries_and_miss_nothing_even_where_ids_have_gaps(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listing, "NEAR", 4)
    monkeypatch.setattr(listing, "SAMPLE", 3)
    start = timezone.make_aware(timezone.datetime(2026, 3, 1, 0, 0))
    first = office.message().pk
    for number in range(24):
        row = office.message(Status.PROCESSED, pk=first + 1 + number * (1 if number < 12 else 40), subject=f"{number}")
        Message.objects.filter(pk=row.pk).update(created_at=start + timedelta(days=number))
    Message.objects.filter(pk=first).update(created_at=start - timedelta(days=1))
    for number in range(24):
        day = (start + timedelta(days=number)).date()
        assert shown(office, f"since={day}&until={day}") == [str(number)]
    monkeypatch.undo()
    assert queries_of(office, office.clerk, f"{LIST}?since=2026-03-02&until=2026-03-04") <= 15


@pytest.mark.parametrize(
    "query", ["status=boh", "service=altrui", "author=999999", "since=ieri", "recipient=boh", "kind=x"]
)
def test_a_senseless_filter_is_told_and_shows_nothing(office: Office, query: str) -> None:
    office.message()
    assert shown(office, query) == []


@pytest.mark.parametrize("query", ["before=x", "after=-1", "before=99999999999999999999999", "after=²"])
def test_a_senseless_place_is_ignored(office: Office, query: str) -> None:
    office.message(subject="Uno")
    assert shown(office, query) == ["Uno"]


# Page by page


def test_pages_hold_every_row_once_while_others_arrive(office: Office) -> None:
    made = [office.message().pk for _ in range(25)]
    wanted = Wanted(services=(office.service.pk,))
    seen: list[int] = []
    page = listing.page(wanted, size=10)
    while True:
        seen += [message.pk for message in page.rows]
        office.message()  # somebody writes while we read
        if page.older is None:
            break
        page = listing.page(wanted, before=page.older, size=10)
    assert seen == sorted(made, reverse=True)


def test_the_way_back_passes_the_same_rows(office: Office) -> None:
    rows = sorted((office.message().pk for _ in range(35)), reverse=True)
    wanted = Wanted(services=(office.service.pk,))
    third = listing.page(wanted, before=rows[19], size=10)
    assert [message.pk for message in third.rows] == rows[20:30]
    back = listing.page(wanted, after=third.newer, size=10)
    assert [message.pk for message in back.rows] == rows[10:20]
    first = listing.page(wanted, after=back.newer, size=10)
    assert [message.pk for message in first.rows] == rows[:10]
    assert first.newer is None


def test_the_first_page_fills_up_when_the_way_back_ends(office: Office) -> None:
    rows = sorted((office.message().pk for _ in range(12)), reverse=True)
    page = listing.page(Wanted(services=(office.service.pk,)), after=rows[5], size=10)
    assert [message.pk for message in page.rows] == rows[:10]


def test_pages_merge_several_services(office: Office) -> None:
    other = cast.make_service(institution=office.service.institution)
    cast.give_role(office.clerk, other)
    rows = [cast.make_message(service=service, author=office.clerk).pk for service in [office.service, other] * 6]
    wanted = Wanted(services=(office.service.pk, other.pk))
    first = listing.page(wanted, size=5)
    second = listing.page(wanted, before=first.older, size=5)
    found = [message.pk for message in [*first.rows, *second.rows]]
    assert found == sorted(rows, reverse=True)[:10]


def test_a_filter_without_an_index_looks_back_step_by_step_and_misses_nothing(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listing, "WINDOW", 10)
    paid = {0, 3, 17, 18}
    made = [office.message(kind=Kind.PAYMENT if n in paid else Kind.INFORMATIONAL).pk for n in range(30)]
    wanted = Wanted(services=(office.service.pk,), kind=Kind.PAYMENT)
    page, seen, steps = listing.page(wanted, size=2), [], 0
    while True:
        seen += [message.pk for message in page.rows]
        if page.older is None:
            break
        page, steps = listing.page(wanted, before=page.older, size=2), steps + 1
        assert steps < 1000
    assert seen == [made[n] for n in sorted(paid, reverse=True)]


def test_a_search_that_goes_on_further_back_says_so(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listing, "WINDOW", 2)
    for _ in range(5):
        office.message()
    page = office.as_(office.clerk).get(f"{LIST}?kind=payment").content.decode()
    assert "continua più indietro" in page
    assert "Cerca più indietro" in page


def test_whoever_writes_much_is_found_too(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listing, "FEW", 2)
    for number in range(3):
        office.message(subject=f"Numero {number}")
    assert shown(office, f"author={office.clerk.pk}&status=queued") == ["Numero 2", "Numero 1", "Numero 0"]


def test_links_between_pages_keep_the_filter(office: Office) -> None:
    for _ in range(listing.PAGE + 1):
        office.message()
    page = office.as_(office.clerk).get(f"{LIST}?status=queued").content.decode()
    assert re.search(r'href="\?status=queued&amp;before=\d+"', page)


def test_a_long_list_costs_no_more_queries_than_a_short_one(office: Office) -> None:
    for _ in range(3):
        office.message(author=cast.make_person(service=office.service))
    few = queries_of(office, office.clerk, LIST)
    for _ in range(27):
        office.message(author=cast.make_person(service=office.service))
    assert queries_of(office, office.clerk, LIST) == few <= 12


def test_no_text_is_read_for_the_list(office: Office) -> None:
    office.message()
    with CaptureQueriesContext(connection) as found:
        office.as_(office.clerk).get(LIST)
    assert not any('"messaging_message"."body"' in query["sql"] for query in found)
    assert not any("OFFSET" in query["sql"] for query in found)


def test_no_fiscal_code_is_in_the_list(office: Office) -> None:
    message = office.message()
    assert message.recipient is not None
    page = office.as_(office.clerk).get(LIST).content.decode()
    assert message.recipient.fiscal_code not in page


def test_a_message_of_a_sending_is_found_as_any_other_and_leads_to_it(office: Office) -> None:
    batch = cast.make_batch(service=office.service, author=office.clerk, name="TARI 2026")
    message = office.message(Status.PROCESSED, batch=batch, row=1_234, subject="Dal foglio")
    page = office.page(message)
    assert f'href="{reverse("batch_detail", args=[batch.public_id])}"' in page
    assert "TARI 2026, riga 1.234" in page
    assert message.recipient is not None
    found = search(office, message.recipient.fiscal_code)
    assert subjects(office.as_(office.clerk).get(found["Location"])) == ["Dal foglio"]


# Searching


def search(office: Office, text: str) -> Any:
    return office.as_(office.clerk).post(reverse("message_search"), {"query": text})


def test_a_fiscal_code_leads_to_an_opaque_address(office: Office) -> None:
    message = office.message(subject="Il suo")
    office.message(subject="Di un altro")
    assert message.recipient is not None
    code = message.recipient.fiscal_code
    response = search(office, f" {code.lower()[:6]} {code.lower()[6:]} ")
    assert response["Location"] == f"{LIST}?recipient={message.recipient.public_id}"
    listed = office.as_(office.clerk).get(response["Location"])
    assert subjects(listed) == ["Il suo"]
    page = listed.content.decode()
    assert code not in page
    assert f"{code[:3]}*************" in page


@pytest.mark.parametrize("spelled", ["302000000004821734", "3020 0000 0004 8217 34"])
def test_a_notice_number_leads_to_its_message(office: Office, spelled: str) -> None:
    message = office.message(amount=100, notice_number="302000000004821734")
    assert search(office, spelled)["Location"] == reverse("message_detail", args=[message.public_id])


def test_a_notice_number_of_several_messages_leads_to_their_list(office: Office) -> None:
    for number in range(2):
        office.message(amount=100, notice_number="302000000004821734", subject=f"Numero {number}")
    response = search(office, "302000000004821734")
    assert response["Location"] == f"{LIST}?notice=302000000004821734"
    assert subjects(office.as_(office.clerk).get(response["Location"])) == ["Numero 1", "Numero 0"]


def test_the_code_of_io_and_the_reference_lead_to_their_message(office: Office) -> None:
    message = office.message(Status.PROCESSED, reference="PROT 2026/118")
    for text in (message.io_id, "PROT 2026/118"):
        assert search(office, text)["Location"] == reverse("message_detail", args=[message.public_id])


def test_a_search_that_finds_nothing_says_so_in_words(office: Office) -> None:
    response = search(office, "PROT-9")
    assert response.status_code == 200
    assert "Nessun messaggio dei tuoi servizi corrisponde" in response.content.decode()


def test_a_search_finds_nothing_of_other_services(office: Office) -> None:
    other = cast.make_message(
        service=cast.make_service(institution=office.service.institution),
        status=Status.PROCESSED,
        amount=100,
        notice_number="302000000004821734",
        reference="PROT-7",
    )
    assert other.recipient is not None
    for text in (other.recipient.fiscal_code, other.notice_number, other.io_id, other.reference):
        response = search(office, text)
        assert response.status_code == 200
        assert "Nessun messaggio dei tuoi servizi corrisponde" in response.content.decode()


def test_the_address_of_another_institutions_citizen_shows_nothing(office: Office) -> None:
    other = cast.make_message()
    assert other.recipient is not None
    assert shown(office, f"recipient={other.recipient.public_id}") == []


def test_searching_is_never_a_link(office: Office) -> None:
    assert office.as_(office.clerk).get(reverse("message_search")).status_code == 405


def test_addresses_carry_ids_as_plain_digits_however_large(office: Office) -> None:
    """A thousands separator in ``?seen=1.234`` or ``?author=1.234`` would be no number any more."""
    message = office.message(Status.QUEUED)
    StatusChange.objects.create(
        pk=1_234_567,
        message=message,
        from_status=Status.DRAFT,
        to_status=Status.QUEUED,
        reason="queued",
        at=timezone.now(),
    )
    page = office.as_(office.clerk).get(f"/messages/{message.public_id}/").content.decode()
    assert re.search(r"\?seen=1234567\b", page)
