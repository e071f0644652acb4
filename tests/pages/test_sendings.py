"""The pages of sendings from spreadsheets: what they show of each state, to whom, and at what cost."""

from __future__ import annotations

import re
from datetime import time, timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from messaging.batches import corrections
from messaging.delivery import batches
from messaging.delivery.pauses import pause_service
from messaging.enums import BatchStatus, PauseReason, ReachabilityAnswer, RowState, Status
from messaging.models import Batch, BatchCount, BatchRow, GatewayAccount, Institution, Message
from messaging.views.batch_story import story
from tests import cast
from tests.batches.scenes import PENDING, make_message_of, make_sending
from tests.pages.conftest import Office, queries_of

LIST = "/sendings/"
EVERY_FATE: dict[Any, int] = {
    **dict.fromkeys([status for status in Status if status not in {Status.DRAFT, Status.AWAITING_APPROVAL}], 2),
    RowState.EXCLUDED: 1,
    RowState.REPEATED: 3,
    RowState.MOVED: 1,
    PENDING: 4,
}


def sending(office: Office, fates: dict[Any, int], **kw: Any) -> Batch:
    return make_sending(fates, service=office.service, author=office.clerk, **kw)


def address(batch: Batch, name: str = "batch_detail", query: str = "") -> str:
    return reverse(name, args=[batch.public_id]) + query


def page(office: Office, batch: Batch, query: str = "", name: str = "batch_detail") -> str:
    response = office.as_(office.clerk).get(address(batch, name, query))
    assert response.status_code == 200
    return str(response.content.decode())


def counters(text: str) -> dict[str, int]:
    found = re.findall(r'id="count-(\w+)".*?<strong>([\d.]+)</strong>', text)
    return {key: int(number.replace(".", "")) for key, number in found}


def rows(text: str) -> list[int]:
    return [int(number) for number in re.findall(r'<tr id="riga-(\d+)"', text)]


# The list


def test_the_list_is_empty_at_first_and_says_what_to_do(office: Office) -> None:
    text = office.as_(office.clerk).get(LIST).content.decode()
    assert "Carica un foglio di calcolo con una persona per riga" in text


def test_somebody_without_a_service_is_told_whom_to_ask(office: Office) -> None:
    assert "Chiedi un ruolo" in office.as_(cast.make_person("nuova")).get(LIST).content.decode()


def test_the_list_shows_each_sending_with_its_figures_and_whose_it_is(office: Office) -> None:
    batch = sending(office, {Status.PROCESSED: 3, Status.UNREACHABLE: 2, Status.QUEUED: 1}, name="TARI 2026, saldo")
    sending(office, {PENDING: 2}, status=BatchStatus.NEEDS_ATTENTION, name="Da sistemare ancora")
    text = office.as_(office.supervisor).get(LIST).content.decode()
    assert text.index("Da sistemare ancora") < text.index("TARI 2026, saldo")
    assert "3 consegnati, 2 non raggiungibili, 1 in coda" in text
    assert "Marta R." in text
    assert str(batch.public_id) in text


@pytest.mark.parametrize("status", [status for status in Status if status not in {Status.DRAFT}])
def test_every_bar_of_the_list_has_words(office: Office, status: Status) -> None:
    sending(office, {status: 1})
    assert 'aria-label=""' not in office.as_(office.clerk).get(LIST).content.decode()


def test_the_list_shows_nothing_of_other_services(office: Office) -> None:
    make_sending({Status.QUEUED: 1}, name="Invio altrui")
    assert "Invio altrui" not in office.as_(office.clerk).get(LIST).content.decode()


def test_a_long_list_comes_in_pages_and_loses_nothing(office: Office) -> None:
    made = [sending(office, {Status.QUEUED: 1}) for _ in range(23)]
    first = office.as_(office.clerk).get(LIST).content.decode()
    older = re.search(r'href="(\?before=\d+)"', first)
    assert older is not None
    second = office.as_(office.clerk).get(LIST + older[1]).content.decode()
    link = re.compile(r'<th scope="row".*?href="/sendings/([-0-9a-f]{36})/"')
    assert link.findall(first) + link.findall(second) == [str(batch.public_id) for batch in reversed(made)]


@pytest.mark.parametrize("query", ["?before=x", "?before=-1", "?before=99999999999999999999"])
def test_a_senseless_place_shows_the_newest(office: Office, query: str) -> None:
    sending(office, {Status.QUEUED: 1}, name="Si vede")
    assert "Si vede" in office.as_(office.clerk).get(LIST + query).content.decode()


def test_the_list_costs_the_same_however_many_there_are(office: Office) -> None:
    sending(office, {Status.QUEUED: 1})
    few = queries_of(office, office.clerk, LIST)
    for _ in range(10):
        sending(office, {Status.QUEUED: 1, Status.PROCESSED: 1})
    assert queries_of(office, office.clerk, LIST) == few <= 15


# Progress and counters


@pytest.mark.parametrize(
    "status", [BatchStatus.UPLOADED, BatchStatus.CHECKING, BatchStatus.NEEDS_ATTENTION, BatchStatus.READY]
)
def test_before_it_is_sent_the_page_is_that_of_the_check(office: Office, status: BatchStatus) -> None:
    batch = sending(office, {PENDING: 1}, status=status)
    for name in ("batch_detail", "batch_report"):
        response = office.as_(office.clerk).get(address(batch, name))
        assert response["Location"] == address(batch, "batch_check")


@pytest.mark.parametrize(
    "status",
    [BatchStatus.SCHEDULED, BatchStatus.SENDING, BatchStatus.PAUSED, BatchStatus.FINISHED, BatchStatus.CANCELLED],
)
def test_the_counters_add_up_to_the_file_in_every_status(office: Office, status: BatchStatus) -> None:
    batch = sending(office, EVERY_FATE, status=status)
    found = counters(page(office, batch))
    total = found.pop("all")
    assert total == sum(EVERY_FATE.values()) == sum(found.values())


def test_zero_counters_are_hidden_but_for_the_main_ones(office: Office) -> None:
    found = counters(page(office, sending(office, {Status.PROCESSED: 1})))
    assert set(found) == {
        "all", "queued", "sending", "accepted", "processed", "unreachable", "rejected", "uncertain"
    }  # fmt: skip


def test_the_progress_says_how_many_of_how_many(office: Office) -> None:
    fates = {Status.PROCESSED: 5, Status.ACCEPTED: 1, Status.UNREACHABLE: 3, RowState.EXCLUDED: 1, PENDING: 3}
    text = page(office, sending(office, fates))
    assert "6 <small>di 9 messaggi inviati, il 66%</small>" in text
    assert 'aria-label="6 inviati su 9"' in text
    assert "Che fine hanno fatto le 13 righe" in text
    assert "Fine prevista" in text


@pytest.mark.parametrize("last", [Status.ACCEPTED, Status.SENDING, Status.UNCERTAIN, Status.QUEUED])
def test_the_share_is_never_whole_before_the_last_row_is_final(office: Office, last: Status) -> None:
    batch = sending(office, {Status.PROCESSED: 2, last: 1})
    BatchCount.objects.filter(batch=batch, status=Status.PROCESSED).update(count=1999)
    Batch.objects.filter(pk=batch.pk).update(rows_good=2000, rows_total=2000)
    text = page(office, batch)
    assert "il 100%" not in text
    # When all have left, a share below the whole would be wrong too.
    all_sent = last in {Status.ACCEPTED, Status.UNCERTAIN}
    assert ("di 2.000 messaggi inviati, aspettiamo gli ultimi esiti" if all_sent else "il 99%") in text


def test_the_share_is_whole_when_every_row_has_its_outcome(office: Office) -> None:
    text = page(office, sending(office, {Status.PROCESSED: 2, Status.REJECTED: 1}, status=BatchStatus.FINISHED))
    assert "3 <small>di 3 messaggi inviati, il 100%" in text
    assert "Ogni riga ha il suo esito." in text


def test_nobody_reachable_is_no_division_by_zero(office: Office) -> None:
    text = page(office, sending(office, {Status.UNREACHABLE: 2}, status=BatchStatus.FINISHED))
    assert "0 <small>messaggi da inviare" in text


def test_the_bar_is_drawn_without_inline_style(office: Office) -> None:
    text = page(office, sending(office, EVERY_FATE))
    assert re.search(r'<rect class="f-ok" x="0.0" y="0" width="[\d.]+" height="12">', text)
    assert "style=" not in text
    bar = text.split('class="meter tall"')[1].split("</svg>")[0]
    widths = [float(width) for width in re.findall(r'width="([\d.]+)"', bar)]
    assert 950 < sum(widths) <= 1000.5


def test_the_page_shows_figures_from_file_to_app_as_picture_and_table(office: Office) -> None:
    fates = {Status.PROCESSED: 4, Status.ACCEPTED: 2, Status.UNREACHABLE: 2, RowState.EXCLUDED: 2}
    text = page(office, sending(office, fates))
    table = text.split('id="funnel"')[1].split("<tbody>")[1].split("</table>")[0]
    numbers = [int(number) for number in re.findall(r">(\d+)(?:<|%)", table)]
    assert numbers == [10, 6, 10, 60, 6, 10, 60, 4, 10, 40]
    assert "non disponibile" in table


# Rows


@pytest.mark.parametrize(
    ("wanted", "fates"),
    [
        ("queued", {Status.QUEUED: 2, PENDING: 4}),
        ("sending", {Status.SENDING: 2}),
        ("accepted", {Status.ACCEPTED: 2}),
        ("processed", {Status.PROCESSED: 2}),
        ("unreachable", {Status.UNREACHABLE: 2}),
        ("rejected", {Status.REJECTED: 2, Status.FAILED: 2, Status.REFUSED: 2}),
        ("refused", {Status.REFUSED: 2}),
        ("uncertain", {Status.UNCERTAIN: 2}),
        ("confirmed", {Status.CONFIRMED: 2}),
        ("no_outcome", {Status.NO_OUTCOME: 2}),
        ("cancelled", {Status.CANCELLED: 2}),
        ("abandoned", {Status.ABANDONED: 2}),
        ("excluded", {RowState.EXCLUDED: 1}),
        ("repeated", {RowState.REPEATED: 3}),
        ("moved", {RowState.MOVED: 1}),
    ],
)
def test_a_filter_shows_exactly_the_rows_that_its_counter_counts(
    office: Office, wanted: str, fates: dict[Any, int]
) -> None:
    batch = sending(office, EVERY_FATE)
    text = page(office, batch, f"?filter={wanted}")
    expected = set()
    number = 1
    for fate, count in EVERY_FATE.items():
        if fate in fates:
            expected |= set(range(number + 1, number + count + 1))
        number += count
    assert rows(text) == sorted(expected)
    assert counters(text).get(wanted, len(expected)) == len(expected)


def test_respinte_tells_its_three_kinds_apart(office: Office) -> None:
    text = page(office, sending(office, {Status.REJECTED: 3, Status.REFUSED: 2}), "?filter=rejected")
    assert re.findall(r'filter=(\w+)#righe">[^<]*</a> (\d)</li>', text) == [("rejected_by_io", "3"), ("refused", "2")]


def test_an_empty_filter_says_so_and_leads_back(office: Office) -> None:
    text = page(office, sending(office, {Status.PROCESSED: 1}), "?filter=uncertain")
    assert "Nessuna riga in «Esito incerto»." in text
    assert "Vedi tutte le righe" in text


def test_rows_stand_under_their_own_numbers_with_person_and_story(office: Office) -> None:
    fates = {Status.PROCESSED: 1, Status.UNREACHABLE: 1, Status.REFUSED: 1, Status.UNCERTAIN: 1, PENDING: 1}
    batch = sending(office, fates)
    Message.objects.filter(batch=batch, row=2).update(read_status="READ")
    Message.objects.filter(batch=batch, row=4).update(refusal_cause="amount_over_limit", refusal_owner="administrator")
    BatchRow.objects.filter(batch=batch, number=3).update(reachability=ReachabilityAnswer.NOT_ON_IO)
    text = page(office, batch)
    lines = re.findall(r'<tr id="riga-\d+">.*?</tr>', text, re.S)
    told = ["Risulta letto.", "Non usa l’app IO", "tocca all’amministratore", "Decide un responsabile", "il suo turno"]
    for line, words in zip(lines, told, strict=True):
        assert words in line
    message = batch.messages.get(row=2)
    assert message.recipient is not None
    assert message.recipient.fiscal_code in lines[0]
    assert "Persona 2" in lines[0]
    assert reverse("message_detail", args=[message.public_id]) in lines[0]
    assert "/messages/" not in lines[4]


def test_long_files_come_in_pages_forwards_and_back(office: Office) -> None:
    batch = sending(office, {Status.PROCESSED: 60, Status.QUEUED: 45, PENDING: 15})
    seen: list[int] = []
    query = ""
    while True:
        text = page(office, batch, query)
        seen += rows(text)
        following = re.search(r'href="(\?after=\d+)#righe"', text)
        if following is None:
            break
        query = following[1]
    assert seen == list(range(2, 122))
    back = re.search(r'href="(\?before=\d+)#righe"', text)
    assert back is not None
    assert rows(page(office, batch, back[1])) == list(range(52, 102))


def test_a_filter_made_of_several_statuses_is_paged_in_the_order_of_the_file(office: Office) -> None:
    batch = sending(office, {})
    order = [Status.REJECTED, Status.PROCESSED, Status.FAILED, Status.REFUSED] * 40
    for number, status in enumerate(order, start=2):
        row = cast.make_batch_row(batch, number)
        make_message_of(batch, number, status, recipient=row.recipient)
    for status in set(order):
        BatchCount.objects.create(batch=batch, status=status, count=40)
    Batch.objects.filter(pk=batch.pk).update(rows_total=160, rows_good=160, expanded_to=161)
    refused = [number for number, status in enumerate(order, start=2) if status != Status.PROCESSED]
    first = rows(page(office, batch, "?filter=rejected"))
    second = rows(page(office, batch, f"?filter=rejected&after={first[-1]}"))
    third = rows(page(office, batch, f"?filter=rejected&after={second[-1]}"))
    assert first + second + third == refused
    assert rows(page(office, batch, f"?filter=rejected&before={third[0]}")) == second


@pytest.mark.parametrize("query", ["?filter=boh", "?after=x", "?after=999999", "?before=0", "?before=99999999999"])
def test_senseless_addresses_show_the_first_rows(office: Office, query: str) -> None:
    assert rows(page(office, sending(office, {Status.PROCESSED: 3}), query)) == [2, 3, 4]


def test_somebody_is_found_by_fiscal_code_which_goes_into_no_address(office: Office) -> None:
    batch = sending(office, {Status.PROCESSED: 3})
    row = BatchRow.objects.select_related("recipient").get(batch=batch, number=3)
    assert row.recipient is not None
    code = row.recipient.fiscal_code
    response = office.as_(office.clerk).post(address(batch, "batch_search"), {"query": f" {code.lower()} "})
    assert code not in response["Location"].upper()
    text = page(office, batch, response["Location"].partition(address(batch))[2].partition("#")[0])
    assert rows(text) == [3]


def test_a_row_is_found_by_its_number(office: Office) -> None:
    batch = sending(office, {Status.PROCESSED: 70})
    response = office.as_(office.clerk).post(address(batch, "batch_search"), {"query": "61"})
    assert rows(page(office, batch, "?" + response["Location"].partition("?")[2].partition("#")[0]))[0] == 61


@pytest.mark.parametrize("query", ["", "boh", "99", "RSSMRA80A01H501U"])
def test_a_search_that_finds_nobody_says_so(office: Office, query: str) -> None:
    batch = sending(office, {Status.PROCESSED: 1})
    response = office.as_(office.clerk).post(address(batch, "batch_search"), {"query": query})
    assert response.status_code == 200
    assert "<title>Errore:" in response.content.decode()


def test_somebody_of_another_institution_is_not_shown(office: Office) -> None:
    batch = sending(office, {Status.PROCESSED: 1})
    other = cast.make_recipient(cast.make_institution())
    for value in (str(other.public_id), "boh"):
        assert office.as_(office.clerk).get(address(batch, query=f"?person={value}")).status_code == 404


# What holds it back


def test_a_paused_sending_says_by_whom_and_that_nothing_is_lost(office: Office) -> None:
    batch = sending(office, {Status.QUEUED: 2, Status.PROCESSED: 1})
    assert batches.pause(batch, office.supervisor)
    text = page(office, batch)
    assert "In pausa da Giulia F., oggi all" in text
    assert "I 2 messaggi in coda aspettano. Nulla si perde" in text
    assert "Riprendi l’invio" in text


def test_a_scheduled_sending_says_when_it_leaves(office: Office) -> None:
    batch = sending(office, {PENDING: 2}, status=BatchStatus.SCHEDULED, starts_at=timezone.now() + timedelta(days=1))
    text = page(office, batch)
    assert "Parte domani all" in text
    assert "Riprendilo e cambialo" in text
    assert "Fine prevista" not in text


def test_a_service_that_is_paused_is_told_with_its_cause(office: Office) -> None:
    batch = sending(office, {Status.QUEUED: 2})
    pause_service(office.service, PauseReason.KEY)
    assert "IO non accetta la chiave di questo servizio." in page(office, batch)


def test_an_outage_is_told(office: Office) -> None:
    batch = sending(office, {Status.QUEUED: 2})
    GatewayAccount.objects.update(paused_at=timezone.now())
    text = page(office, batch)
    assert "IO non risponde bene da oggi all" in text
    assert "Nessun messaggio si perde" in text
    assert "Fine prevista" not in text


def test_a_slow_down_is_told_with_its_end(office: Office) -> None:
    batch = sending(office, {Status.QUEUED: 2})
    GatewayAccount.objects.update(blocked_until=timezone.now().timestamp() + 300)
    text = page(office, batch)
    assert "IO ci ha chiesto di rallentare." in text
    assert "senza rallentare" in text


def test_others_on_the_account_are_told(office: Office) -> None:
    batch = sending(office, {Status.QUEUED: 2})
    GatewayAccount.objects.update(foreign_calls=75, foreign_seen_at=timezone.now().timestamp())
    assert "Andiamo più piano del solito." in page(office, batch)


def test_polite_hours_are_told_with_the_hour_of_the_next_start(office: Office) -> None:
    batch = sending(office, {Status.QUEUED: 2})
    now = timezone.localtime()
    first, last = (time(0, 0), time(0, 1)) if now.hour else (time(22), time(23))
    Institution.objects.update(polite_from=first, polite_until=last)
    assert "Fuori dall’orario degli invii." in page(office, batch)


def test_what_is_over_mentions_no_obstacle(office: Office) -> None:
    batch = sending(office, {Status.PROCESSED: 2}, status=BatchStatus.FINISHED)
    pause_service(office.service, PauseReason.KEY)
    assert "IO non accetta la chiave" not in page(office, batch)


def test_uncertain_outcomes_at_the_end_lead_to_their_rows(office: Office) -> None:
    batch = sending(office, {Status.PROCESSED: 2, Status.UNCERTAIN: 2}, status=BatchStatus.FINISHED)
    text = page(office, batch)
    assert "2 esiti sono incerti." in text
    assert "Il resto aspetta una persona." in text


# Following it


def live(office: Office, batch: Batch, text: str) -> Any:
    found = re.search(r'hx-get="([^"]+)"', text.split('id="progress"')[1].split(">")[0])
    assert found is not None
    return office.as_(office.clerk).get(found[1].replace("&amp;", "&"))


def test_the_page_follows_a_sending_and_stops_at_the_end(office: Office) -> None:
    batch = sending(office, {Status.PROCESSED: 1, Status.QUEUED: 2})
    text = page(office, batch)
    assert 'hx-trigger="every 2s"' in text
    assert "Aggiorna adesso" in text
    assert 'hx-trigger="every 2s"' in live(office, batch, text).content.decode()
    BatchCount.objects.filter(batch=batch, status=Status.QUEUED).update(count=0)
    BatchCount.objects.filter(batch=batch, status=Status.PROCESSED).update(count=3)
    Batch.objects.filter(pk=batch.pk).update(status=BatchStatus.FINISHED, finished_at=timezone.now())
    ended = live(office, batch, text).content.decode()
    assert "hx-trigger" not in ended
    assert "3 <small>di 3 messaggi inviati, il 100%" in ended
    assert 'hx-swap-oob="innerHTML:#announce"' in ended


def test_rows_never_move_under_the_reader_who_is_told_how_many_changed(office: Office) -> None:
    batch = sending(office, {Status.PROCESSED: 1, Status.QUEUED: 2, PENDING: 2})
    text = page(office, batch, "?filter=queued")
    assert rows(text) == [3, 4, 5, 6]
    assert "cambiate, aggiorna" not in live(office, batch, text).content.decode()
    Message.objects.filter(batch=batch, row=3).update(status=Status.CANCELLED, next_attempt_at=None)
    row = BatchRow.objects.get(batch=batch, number=5)
    make_message_of(batch, 5, Status.QUEUED, recipient=row.recipient)
    answer = live(office, batch, text).content.decode()
    assert "2 righe cambiate, aggiorna" in answer
    assert f'{address(batch)}?filter=queued#righe">2 righe cambiate' in answer
    assert "<tr" not in answer.split('id="funnel"')[0]


def test_what_was_given_back_meanwhile_loads_the_whole_page_anew(office: Office) -> None:
    batch = sending(office, {PENDING: 2})
    text = page(office, batch)
    Batch.objects.filter(pk=batch.pk).update(status=BatchStatus.READY)
    assert live(office, batch, text)["HX-Refresh"] == "true"


@pytest.mark.parametrize("rows_seen", ["", "xyz", "2", "999999999999a", "2a" * 500])
def test_senseless_rows_do_no_harm(office: Office, rows_seen: str) -> None:
    batch = sending(office, {Status.QUEUED: 2})
    assert office.as_(office.clerk).get(address(batch, "batch_live", f"?rows={rows_seen}")).status_code == 200


# The story


def test_the_story_names_who_did_what_and_why(office: Office) -> None:
    batch = sending(office, {Status.QUEUED: 2})
    assert batches.pause(batch, office.clerk)
    assert batches.cancel(batch, office.supervisor, "Importi sbagliati")
    text = page(office, batch)
    told = ("Annullato da Giulia F.", "«Importi sbagliati»", "Messo in pausa da Marta R.", "Preparato da Marta R.")
    places = [text.index(words) for words in told]
    assert places == sorted(places)


def test_a_correction_by_a_colleague_is_told_as_one(office: Office) -> None:
    batch = cast.make_batch(service=office.service, author=office.clerk, status=BatchStatus.NEEDS_ATTENTION, people=1)
    BatchRow.objects.filter(batch=batch).update(state=RowState.WRONG)
    Batch.objects.filter(pk=batch.pk).update(rows_good=0, rows_wrong=1)
    corrections.exclude(batch, office.supervisor, [])
    assert [step.title for step in story(batch)] == ["Corretto da Giulia F."]


def test_what_the_portal_did_by_itself_has_no_name(office: Office) -> None:
    batch = sending(office, {Status.PROCESSED: 1})
    assert batches.move(batch, BatchStatus.FINISHED)
    assert [step.title for step in story(batch)] == ["Finito"]


# Cost


def test_the_page_costs_the_same_however_long_the_file(office: Office) -> None:
    batch = sending(office, {**EVERY_FATE, Status.PROCESSED: 100})
    for query in ("", "?filter=rejected", "?filter=queued", "?filter=excluded"):
        assert queries_of(office, office.supervisor, address(batch, query=query)) <= 15, query
    assert queries_of(office, office.supervisor, address(batch, "batch_live")) <= 15


# Elsewhere


def test_the_desk_shows_what_runs_and_what_waits(office: Office) -> None:
    sending(office, {Status.PROCESSED: 1, Status.QUEUED: 2}, name="TARI in corso")
    wrong = sending(office, {PENDING: 3, RowState.WRONG: 2}, status=BatchStatus.NEEDS_ATTENTION, name="Mense")
    sending(office, {PENDING: 3}, status=BatchStatus.READY, name="Passi carrabili")
    text = office.as_(office.clerk).get(reverse("desk")).content.decode()
    assert "TARI in corso" in text
    assert "1 consegnato, 2 in coda" in text
    assert "2 righe da correggere in «Mense»" in text
    assert address(wrong) in text
    assert "Il foglio è pronto per 3 persone." in text
    assert "TARI in corso" in office.as_(office.clerk).get(reverse("desk_running")).content.decode()


def test_the_navigation_leads_to_the_sendings(office: Office) -> None:
    text = page(office, sending(office, {Status.QUEUED: 1}))
    assert re.search(r'href="/sendings/" aria-current="page">Invii da foglio', text)


@pytest.mark.parametrize("name", ["batch_detail", "batch_live", "batch_report", "batch_cancel", "batch_errata"])
def test_strangers_administrators_and_visitors_see_nothing(office: Office, name: str) -> None:
    batch = sending(office, {Status.PROCESSED: 1}, status=BatchStatus.FINISHED)
    for person in (office.stranger, office.administrator):
        assert office.as_(person).get(address(batch, name)).status_code == 404
    assert Client().get(address(batch, name))["Location"].startswith("/account/login/")
