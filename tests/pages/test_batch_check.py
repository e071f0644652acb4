"""The page before sending: what it says in each state, what it lets a clerk change, and what it refuses."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone

from messaging.batches import checking, uploads
from messaging.enums import ApprovalRule, BatchStatus, FeatureLevel, Kind, ReachabilityAnswer, RowState, Status
from messaging.models import Batch, BatchRow, Message, Template
from tests import cast
from tests.batches.conftest import PAYMENT_BODY, csv_of, never, notice, person_row
from tests.pages.conftest import Office, queries_of

GOOD = {"declared": "on", "when": "now"}


class Desk:
    """A clerk with a payment template in front of checked files."""

    def __init__(self, office: Office) -> None:
        self.office = office
        self.client = office.as_(office.clerk)
        self.template: Template = cast.make_template(
            office.service, kind=Kind.PAYMENT, name="Avviso TARI", subject="Avviso TARI 2026", body=PAYMENT_BODY
        )

    def upload(self, content: bytes, name: str = "tari.csv") -> Batch:
        stream = io.BytesIO(content)
        return uploads.upload(self.office.service, self.template, self.office.clerk, stream, name, "TARI 2026, saldo")

    def checked(self, *rows: Sequence[str]) -> Batch:
        batch = self.upload(csv_of(*rows))
        checking.check(batch, never)
        return Batch.objects.get(pk=batch.pk)

    def page(self, batch: Batch, query: str = "") -> str:
        response = self.client.get(reverse("batch_check", args=[batch.public_id]) + query)
        assert response.status_code == 200
        return unescape(response.content.decode())

    def post(self, name: str, batch: Batch, data: dict[str, Any] | None = None, *, htmx: bool = False) -> Any:
        headers = {"HX-Request": "true"} if htmx else {}
        return self.client.post(reverse(name, args=[batch.public_id]), data or {}, headers=headers)

    def sent(self, batch: Batch, **changed: Any) -> str:
        """The page after a send that was not taken."""
        response = self.post("batch_send", batch, {**GOOD, "seen": "1000", **changed})
        assert response.status_code == 200, "it was sent"
        batch.refresh_from_db()
        assert batch.status == BatchStatus.READY
        return unescape(response.content.decode())


@pytest.fixture
def desk(office: Office) -> Desk:
    office.service.max_amount = 10_000_000
    office.service.save()
    return Desk(office)


def answered(batch: Batch, *answers: ReachabilityAnswer) -> Batch:
    """IO has said of the good rows, in their order, what stands here."""
    for row, answer in zip(batch.rows.filter(state=RowState.GOOD).order_by("number"), answers, strict=False):
        BatchRow.objects.filter(pk=row.pk).update(reachability=answer)
    counts = {f"rows_{answer}": answers.count(answer) for answer in ReachabilityAnswer}
    Batch.objects.filter(pk=batch.pk).update(**counts)
    batch.refresh_from_db()
    return batch


YES, NO, OUT = ReachabilityAnswer.REACHABLE, ReachabilityAnswer.NOT_ON_IO, ReachabilityAnswer.OPTED_OUT


# While it is checked


def test_while_the_file_is_checked_the_page_shows_how_far_and_asks_again(desk: Desk) -> None:
    batch = desk.upload(csv_of(person_row(1)))
    Batch.objects.filter(pk=batch.pk).update(status=BatchStatus.CHECKING, progress=430, rows_total=12, rows_good=12)
    page = desk.page(batch)
    assert 'aria-valuenow="430"' in page
    assert "12 righe lette" in page
    assert 'hx-trigger="every 1s"' in page
    assert "Puoi chiudere questa pagina" in page


def test_when_the_check_is_over_the_waiting_page_opens_the_result(desk: Desk) -> None:
    batch = desk.checked(person_row(1))
    address = reverse("batch_check_live", args=[batch.public_id])
    assert desk.client.get(f"{address}?checking")["HX-Redirect"] == reverse("batch_check", args=[batch.public_id])


def test_a_file_that_cannot_be_read_says_why_and_offers_another(desk: Desk) -> None:
    batch = desk.upload(b"\x89PNG\r\n\x1a\n" + b"\0" * 64, "foto.csv")
    checking.check(batch, never)
    page = desk.page(batch)
    assert "salva il foglio in CSV, XLSX, XLS o ODS" in page
    assert "Carica un altro file" in page
    assert 'id="do-send"' not in page


# What is to be done


def test_a_good_file_says_so_and_has_the_exact_number_on_the_button(desk: Desk) -> None:
    batch = answered(desk.checked(person_row(1), person_row(2), person_row(3)), YES, YES, NO)
    page = desk.page(batch)
    assert "È tutto a posto: puoi inviare" in page
    assert "Tutte le 3 righe vanno bene." in page
    assert "Invia 2 messaggi" in page
    assert "445,50 euro" in page
    assert "Scarica la riga" in page
    assert "disabled" not in page.partition('id="do-send"')[2].partition(">")[0]


def test_before_everybody_has_been_asked_about_the_button_says_at_most(desk: Desk) -> None:
    batch = answered(desk.checked(person_row(1), person_row(2), person_row(3)), NO)
    page = desk.page(batch)
    assert "Invia fino a 2 messaggi" in page
    assert 'hx-trigger="load, submit"' in page, "asking starts by itself"


def test_asking_beside_work_of_ones_own_is_not_one_more_thing_to_do(desk: Desk) -> None:
    batch = desk.checked(person_row(1), person_row(2, importo="x"))
    fragment = unescape(desk.post("batch_ask", batch, htmx=True).content.decode())
    assert "Prima di inviare resta una cosa" in fragment
    assert "Intanto verifichiamo su IO una persona" in fragment


def test_opening_the_page_asks_nobody_by_itself(desk: Desk) -> None:
    batch = desk.checked(person_row(1))
    desk.page(batch)
    assert not batch.rows.filter(ask_at__isnull=False).exists()


def test_asking_marks_the_good_rows_and_the_page_keeps_looking(desk: Desk) -> None:
    batch = desk.checked(person_row(1), person_row(2))
    fragment = unescape(desk.post("batch_ask", batch, htmx=True).content.decode())
    assert batch.rows.filter(ask_at__isnull=False).count() == 2
    assert "Aspetta la verifica su IO di 2 persone" in fragment
    assert 'hx-trigger="every 2s"' in fragment
    answered(batch, YES, NO)
    batch.rows.update(ask_at=None)
    live = desk.client.get(reverse("batch_check_live", args=[batch.public_id]) + "?asking")
    fragment = unescape(live.content.decode())
    assert "Invia un messaggio" in fragment
    assert "Verifica finita" in fragment
    assert "every 2s" not in fragment


def test_wrong_rows_lock_the_button_and_stand_under_their_own_numbers(desk: Desk) -> None:
    batch = desk.checked(person_row(1), person_row(2, importo="96,5O"), person_row(3, scadenza="31/11/2099"))
    page = desk.page(batch)
    assert "Prima di inviare resta una cosa" in page
    assert "Correggi o escludi 2 righe" in page
    assert "L’altra riga va bene." in page
    assert re.search(r'name="cell-3-2" value="96,5O" aria-invalid="true"', page)
    assert re.search(r'name="cell-4-4" value="31/11/2099"', page)
    assert "Il pulsante si attiva quando le 2 righe da correggere sono a posto" in page
    assert re.search(r'id="do-send" type="submit" disabled', page)


def test_one_wrong_row_is_said_in_the_singular(desk: Desk) -> None:
    page = desk.page(desk.checked(person_row(1, importo="x")))
    for words in ("Una riga da correggere", "Correggi o escludi una riga", "Scarica la riga", "Escludi la riga"):
        assert words in page
    assert "Finora nessuna riga va bene." in page


def test_many_wrong_rows_are_shown_by_pages(desk: Desk) -> None:
    batch = desk.checked(*(person_row(number, importo="x") for number in range(60)))
    first, second = desk.page(batch), desk.page(batch, "?page=2")
    assert "pagina 1 di 2" in first
    assert 'name="cell-2-2"' in first
    assert 'name="cell-61-2"' not in first
    assert 'name="cell-61-2"' in second


def test_the_page_costs_no_more_queries_with_more_rows(desk: Desk) -> None:
    few = desk.checked(person_row(1), person_row(2, importo="x"))
    many = desk.checked(*(person_row(number, importo="x") for number in range(10, 50)), person_row(5))
    office = desk.office
    address = [reverse("batch_check", args=[batch.public_id]) for batch in (few, many)]
    assert queries_of(office, office.clerk, address[0]) >= queries_of(office, office.clerk, address[1])


# Corrections


def test_a_correction_in_place_makes_the_row_right(desk: Desk) -> None:
    batch = desk.checked(person_row(1, importo="96,5O"), person_row(2, importo="x"))
    data = {"cell-2-2": "96,50", "cell-3-2": "x", "page": "1"}
    fragment = unescape(desk.post("batch_correct", batch, data, htmx=True).content.decode())
    assert "Una riga ora va bene. Ne resta una da correggere." in fragment
    assert "cell-2-2" not in fragment
    assert batch.rows.get(number=2).amount == 9650
    assert batch.rows.get(number=3).state == RowState.WRONG


def test_without_javascript_a_correction_leads_back_to_the_rows(desk: Desk) -> None:
    batch = desk.checked(person_row(1, importo="96,5O"), person_row(2))
    response = desk.post("batch_correct", batch, {"cell-2-2": "96,50"})
    assert response["Location"].endswith("/check/#righe")
    page = desk.page(batch)
    assert "Una riga ora va bene. Non resta niente da correggere." in page
    batch.refresh_from_db()
    assert batch.status == BatchStatus.READY


def test_what_is_not_right_yet_stays_as_it_was_typed(desk: Desk) -> None:
    batch = desk.checked(person_row(1, importo="x"))
    fragment = unescape(desk.post("batch_correct", batch, {"cell-2-2": "1.234"}, htmx=True).content.decode())
    assert "Quello che hai scritto non basta ancora." in fragment
    assert 'value="1.234"' in fragment


def test_leaving_a_row_out_keeps_what_was_typed_into_another(desk: Desk) -> None:
    batch = desk.checked(person_row(1, importo="x"), person_row(2, importo="y"), person_row(3))
    desk.post("batch_exclude", batch, {"row": "2", "cell-2-2": "x", "cell-3-2": "12,50"})
    states = dict(batch.rows.values_list("number", "state"))
    assert states == {2: RowState.EXCLUDED, 3: RowState.GOOD, 4: RowState.GOOD}


def test_all_wrong_rows_are_left_out_and_one_is_taken_back(desk: Desk) -> None:
    batch = desk.checked(person_row(1, importo="x"), person_row(2, importo="y"), person_row(3))
    desk.post("batch_exclude", batch, {"all": "1"})
    page = desk.page(batch)
    assert "2 righe escluse" in page
    desk.post("batch_include", batch, {"row": "2"})
    assert "Correggi o escludi una riga" in desk.page(batch)


def test_the_wrong_rows_go_to_a_draft_of_their_own(desk: Desk) -> None:
    batch = desk.checked(person_row(1, importo="x"), person_row(2))
    desk.post("batch_split", batch)
    draft = Batch.objects.exclude(pk=batch.pk).get()
    page = desk.page(batch)
    assert reverse("batch_check", args=[draft.public_id]) in page
    assert "In un’altra bozza" in page
    assert (draft.rows_wrong, draft.status) == (1, BatchStatus.NEEDS_ATTENTION)


def test_a_duplicate_has_no_cell_to_correct_and_can_be_left_out(desk: Desk) -> None:
    page = desk.page(desk.checked(person_row(1), person_row(1)))
    assert "riga 2" in page
    assert 'name="row" value="3"' in page
    assert 'name="cell-3-' not in page


def test_rows_of_a_sending_that_has_left_are_not_corrected(desk: Desk) -> None:
    batch = answered(desk.checked(person_row(1)), YES)
    desk.post("batch_send", batch, {**GOOD, "seen": "1"})
    for name in ("batch_correct", "batch_exclude", "batch_include", "batch_split", "batch_recheck", "batch_discard"):
        assert desk.post(name, batch, {"row": "2", "cell-2-2": "1,00"}).status_code == 302
    assert batch.rows.get(number=2).amount == 14850


# Files and preview


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_the_wrong_rows_are_downloaded_with_their_columns_and_why(desk: Desk, kind: str) -> None:
    batch = desk.checked(person_row(1), person_row(2, importo="96,5O"))
    response = desk.client.get(reverse("batch_rows_download", args=[batch.public_id, "wrong"]), {"format": kind})
    content = b"".join(response.streaming_content)
    assert response["Content-Disposition"] == f'attachment; filename="tari-2026-saldo-da-correggere.{kind}"'
    if kind == "csv":
        text = content.decode("utf-8-sig").splitlines()
        assert text[0] == "codice_fiscale;nome;importo;numero_avviso;scadenza;riga del foglio;cosa non va"
        assert len(text) == 2
        assert "96,5O" in text[1]
    else:
        assert content.startswith(b"PK")


def test_those_who_cannot_be_reached_are_downloaded(desk: Desk) -> None:
    batch = answered(desk.checked(person_row(1), person_row(2), person_row(3)), YES, NO, OUT)
    response = desk.client.get(reverse("batch_rows_download", args=[batch.public_id, "unreachable"]) + "?format=csv")
    text = b"".join(response.streaming_content).decode("utf-8-sig")
    assert person_row(1)[0] not in text
    assert "Non usa l’app IO." in text
    assert "Ha disattivato il servizio." in text


@pytest.mark.parametrize("which", ["doubtful", "repeated"])
def test_rows_to_look_at_are_downloaded_whole(desk: Desk, which: str) -> None:
    doubtful = notice(5)[:-2] + f"{(int(notice(5)[-2:]) + 1) % 93:02}"
    batch = desk.checked(person_row(1, numero_avviso=doubtful), person_row(2))
    batch.rows.filter(number=3).update(state=RowState.REPEATED)
    response = desk.client.get(reverse("batch_rows_download", args=[batch.public_id, which]) + "?format=csv")
    lines = b"".join(response.streaming_content).decode("utf-8-sig").splitlines()
    assert [line.split(";")[5] for line in lines[1:]] == ["2" if which == "doubtful" else "3"]


def test_other_sorts_of_rows_are_no_file(desk: Desk) -> None:
    batch = desk.checked(person_row(1))
    assert desk.client.get(reverse("batch_rows_download", args=[batch.public_id, "all"])).status_code == 404


def test_any_row_is_seen_on_the_phone(desk: Desk) -> None:
    batch = desk.checked(person_row(1), person_row(2, nome="Enzo"), person_row(3, importo="x"))
    page = desk.page(batch)
    assert "Come lo vede Laura" in page
    assert "riga 2" in page
    fragment = desk.client.get(reverse("batch_preview", args=[batch.public_id]), {"row": "3"}).content.decode()
    assert "Come lo vede Enzo" in unescape(fragment)
    assert "Ciao Enzo" in unescape(fragment)
    assert "Come lo vede Enzo" in desk.page(batch, "?row=3"), "without JavaScript, too"


# The act


def test_sending_needs_the_declaration(desk: Desk) -> None:
    batch = answered(desk.checked(person_row(1)), YES)
    assert "Conferma che ogni persona è un destinatario diretto" in desk.sent(batch, declared="")


def test_a_row_with_a_doubt_can_be_left_out(desk: Desk) -> None:
    doubtful = notice(5)[:-2] + f"{(int(notice(5)[-2:]) + 1) % 93:02}"
    batch = desk.checked(person_row(1, numero_avviso=doubtful), person_row(2))
    assert 'Escludi<span class="visually-hidden"> la riga 2</span>' in desk.page(batch)
    changed = unescape(desk.post("batch_exclude", batch, {"row": "2"}, htmx=True).content.decode())
    assert "Una riga esclusa." in changed
    assert "con un dubbio" not in changed


def test_doubts_are_to_be_confirmed(desk: Desk) -> None:
    doubtful = notice(5)[:-2] + f"{(int(notice(5)[-2:]) + 1) % 93:02}"
    batch = answered(desk.checked(person_row(1, numero_avviso=doubtful)), YES)
    assert "Una riga con un dubbio" in desk.page(batch)
    assert "Ricontrolla i dubbi e conferma" in desk.sent(batch)
    assert desk.post("batch_send", batch, {**GOOD, "seen": "1", "warnings_confirmed": "on"}).status_code == 302


def test_more_than_the_button_said_never_leaves(desk: Desk) -> None:
    batch = answered(desk.checked(person_row(1), person_row(2)), YES, YES)
    assert "i messaggi sono 2, più di quanti ne diceva il pulsante" in desk.sent(batch, seen="1")


@pytest.mark.parametrize(
    ("day", "hour", "sentence"),
    [
        ("", "", "Scegli il giorno."),
        ("2020-01-01", "10:00", "Questo momento è già passato"),
        ("domani", "10:00", "Scrivi giorno, mese e anno"),
    ],
)
def test_a_later_hour_must_be_one(desk: Desk, day: str, hour: str, sentence: str) -> None:
    batch = answered(desk.checked(person_row(1)), YES)
    assert sentence in desk.sent(batch, when="later", day=day, hour=hour)


def test_farther_than_ninety_days_is_refused(desk: Desk) -> None:
    batch = answered(desk.checked(person_row(1)), YES)
    day = (timezone.now() + timedelta(days=100)).date().isoformat()
    assert "Al massimo 90 giorni da oggi" in desk.sent(batch, when="later", day=day, hour="10:00")


def test_a_batch_leaves_at_once_or_at_its_hour_and_the_page_of_the_sending_opens(desk: Desk) -> None:
    at_once = answered(desk.checked(person_row(1)), YES)
    response = desk.post("batch_send", at_once, {**GOOD, "seen": "1"})
    assert response["Location"] == reverse("batch_detail", args=[at_once.public_id])
    at_once.refresh_from_db()
    assert at_once.status == BatchStatus.SENDING
    later = answered(desk.checked(person_row(2)), YES)
    day = (timezone.now() + timedelta(days=2)).date().isoformat()
    desk.post("batch_send", later, {**GOOD, "seen": "1", "when": "later", "day": day, "hour": "09:30"})
    later.refresh_from_db()
    assert later.status == BatchStatus.SCHEDULED
    assert later.starts_at is not None
    assert timezone.localtime(later.starts_at).strftime("%H:%M") == "09:30"


def test_a_second_person_is_asked_where_the_rules_say_so(desk: Desk) -> None:
    desk.office.service.approval = ApprovalRule.ALL
    desk.office.service.save()
    batch = answered(desk.checked(person_row(1), person_row(2)), YES, YES)
    page = desk.page(batch)
    assert "Chiedi l’approvazione per 2 messaggi" in page
    assert "Giulia F." in page
    desk.post("batch_send", batch, {**GOOD, "seen": "2"})
    batch.refresh_from_db()
    assert batch.status == BatchStatus.AWAITING_APPROVAL


def test_what_was_sent_before_stays_out_unless_somebody_says_why(desk: Desk) -> None:
    batch = answered(desk.checked(person_row(1), person_row(2)), YES, YES)
    BatchRow.objects.filter(batch=batch, number=3).update(state=RowState.REPEATED, reachability="")
    Batch.objects.filter(pk=batch.pk).update(rows_good=1, rows_repeated=1, rows_reachable=1)
    page = desk.page(batch)
    assert "Una riga resta fuori: è già stata inviata" in page
    assert "Invia un messaggio" in page
    live = desk.client.get(reverse("batch_check_live", args=[batch.public_id]), {"repeated": "again"})
    assert "Invia fino a 2 messaggi" in unescape(live.content.decode())
    refused = desk.sent(batch, repeated="again", repeat_reason="", seen="2")
    assert "Scrivi perché le mandi di nuovo." in refused
    data = {**GOOD, "seen": "2", "repeated": "again", "repeat_reason": "Il primo aveva una data sbagliata"}
    assert desk.post("batch_send", batch, data).status_code == 302
    batch.refresh_from_db()
    assert (batch.rows_good, batch.repeat_reason) == (2, "Il primo aveva una data sbagliata")


def test_what_comes_on_top_of_the_reminders_of_io_is_told_and_stops_nothing(desk: Desk) -> None:
    batch = desk.checked(person_row(1), person_row(2))
    words = "Una persona ha già lo stesso avviso o scadenza in un messaggio Premium non ancora letto o pagato."
    assert words not in desk.page(batch)
    row = batch.rows.get(number=2)
    earlier = cast.make_message(
        service=desk.office.service,
        recipient=row.recipient,
        status=Status.PROCESSED,
        feature_level=FeatureLevel.ADVANCED,
        kind=Kind.PAYMENT,
        amount=row.amount,
        notice_number=row.notice_number,
        read_status="UNREAD",
        accepted_at=timezone.now() - timedelta(days=2),
    )
    told = desk.page(batch)
    assert told.count(words) == 1
    Message.objects.filter(pk=earlier.pk).update(read_status="READ")
    assert words not in desk.page(batch)
    Message.objects.filter(pk=earlier.pk).update(read_status="UNREAD")
    assert desk.post("batch_send", batch, {**GOOD, "seen": "1000"}).status_code == 302


def test_nobody_to_reach_means_nothing_to_send(desk: Desk) -> None:
    page = desk.page(answered(desk.checked(person_row(1)), NO))
    assert "Non c’è niente da inviare" in page
    assert "Niente da inviare" in page.partition('id="do-send"')[2]


def test_the_same_file_twice_is_said_with_who_and_where(desk: Desk) -> None:
    first = answered(desk.checked(person_row(1)), YES)
    second = answered(desk.checked(person_row(1)), YES)
    page = desk.page(second)
    assert "Marta R. ha caricato questo stesso file" in page
    assert reverse("batch_detail", args=[first.public_id]) in page
    desk.post("batch_send", first, {**GOOD, "seen": "1"})
    assert "Marta R. ha già inviato questo stesso file" in desk.page(second)


def test_outside_the_polite_hours_the_page_says_when_it_begins(desk: Desk) -> None:
    local = timezone.localtime()
    institution = desk.office.service.institution
    institution.polite_from = (local + timedelta(hours=1)).time().replace(second=0, microsecond=0)
    institution.polite_until = (local + timedelta(hours=2)).time().replace(second=0, microsecond=0)
    if institution.polite_from > institution.polite_until:
        pytest.skip("polite hours do not go past midnight")
    institution.save()
    page = desk.page(answered(desk.checked(person_row(1)), YES))
    assert f"perché l’ente invia solo dalle {institution.polite_from:%-H:%M}" in page


def test_a_sending_is_thrown_away_before_it_leaves(desk: Desk) -> None:
    batch = desk.checked(person_row(1))
    assert desk.post("batch_discard", batch)["Location"] == reverse("batch_list")
    batch.refresh_from_db()
    assert batch.status == BatchStatus.CANCELLED
    assert desk.client.get(reverse("batch_check", args=[batch.public_id]))["Location"] == reverse(
        "batch_detail", args=[batch.public_id]
    )


def test_who_sent_it_back_and_why_stands_on_the_page(desk: Desk) -> None:
    batch = answered(desk.checked(person_row(1)), YES)
    batch.changes.create(
        from_status=BatchStatus.AWAITING_APPROVAL,
        to_status=BatchStatus.READY,
        actor=desk.office.supervisor,
        note="Manca la scadenza",
        at=timezone.now(),
    )
    page = desk.page(batch)
    assert "Giulia F. lo ha rimandato indietro:" in page
    assert "«Manca la scadenza»" in page
