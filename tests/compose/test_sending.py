"""The check page and the act: sent once, as it was seen, by the rule of the service."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from messaging.delivery import approval
from messaging.delivery.pauses import pause_service
from messaging.enums import ApprovalRule, Kind, PauseReason, Status
from messaging.models import AllowedRecipient, Message, ServiceKey
from tests import cast
from tests.compose.conftest import BODY, SUBJECT, Desk, errors_of, said


def primary(response: Any) -> str:
    """The one filled blue button of the page."""
    found = said(response).partition("<main")[2].split('class="btn btn-primary"')[1:]
    assert len(found) == 1
    return found[0].partition(">")[2].partition("<")[0]


def status(message: Message) -> str:
    message.refresh_from_db()
    return message.status


def test_what_is_checked_is_shown_as_it_goes(desk: Desk) -> None:
    ready = desk.ready(Kind.PAYMENT, due_date="16/12/2099", reference="Prot. 12")
    page = said(desk.get("message_check", ready))
    for text in (
        SUBJECT,
        "148,50 euro",
        "3020 0000 0000 4821 68",
        "16 dicembre 2099, fino alle 23:59",
        "Prot. 12",
        "Parte subito.",
    ):
        assert text in page


def test_sending_queues_the_message_and_leads_to_its_page(desk: Desk) -> None:
    ready = desk.ready()
    assert primary(desk.get("message_check", ready)) == "Invia il messaggio"
    response = desk.send(ready)
    assert response["Location"] == reverse("message_detail", args=[ready.public_id])
    assert status(ready) == Status.QUEUED
    assert ready.submitted_by == desk.clerk


def test_a_second_click_sends_nothing_more(desk: Desk) -> None:
    ready = desk.ready()
    seen = ready.changed_at.isoformat()
    for _ in range(2):
        response = desk.post("message_send", ready, changed_at=seen)
        assert response["Location"] == reverse("message_detail", args=[ready.public_id])
    assert ready.changes.filter(to_status=Status.QUEUED).count() == 1
    assert "era già uscito dalle bozze" in said(desk.get("message_detail", ready))


def test_a_race_of_two_clicks_is_settled_by_the_database(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    ready = desk.ready()
    send = approval.send

    def meanwhile(message: Message, *args: Any, **kw: Any) -> bool:
        assert send(Message.objects.get(pk=message.pk), desk.clerk)
        return send(message, *args, **kw)

    monkeypatch.setattr(approval, "send", meanwhile)
    assert desk.send(ready)["Location"] == reverse("message_detail", args=[ready.public_id])
    assert ready.changes.filter(to_status=Status.QUEUED).count() == 1


def test_what_changed_after_it_was_seen_does_not_go(desk: Desk) -> None:
    ready = desk.ready()
    seen = ready.changed_at.isoformat()
    desk.save(ready, body=f"Un altro testo. {BODY}")
    response = desk.post("message_send", ready, changed_at=seen)
    assert response["Location"] == reverse("message_check", args=[ready.public_id])
    assert status(ready) == Status.DRAFT
    assert "Intanto il messaggio è cambiato" in said(desk.get("message_check", ready))


@pytest.mark.parametrize(
    "name", ["message_send", "message_send_to_me", "message_delete", "message_preview", "message_reachability"]
)
def test_acts_are_no_links(desk: Desk, name: str) -> None:
    assert desk.get(name, desk.draft()).status_code == 405


def test_an_unfinished_draft_is_neither_checked_nor_sent(desk: Desk) -> None:
    draft = desk.draft()
    desk.save(draft, subject="")
    edit = f"{reverse('message_edit', args=[draft.public_id])}?check"
    assert desk.get("message_check", draft)["Location"] == edit
    assert desk.send(draft)["Location"] == edit
    assert desk.post("message_send_to_me", draft, changed_at=draft.changed_at.isoformat())["Location"] == edit
    assert errors_of(desk.as_().get(edit)) == ["Scrivi l’oggetto."]
    assert Message.objects.count() == 1


def test_a_payment_that_lost_its_columns_is_not_sent_without_them(desk: Desk) -> None:
    ready = desk.ready(Kind.PAYMENT)
    Message.objects.filter(pk=ready.pk).update(amount=None, notice_number="")
    assert desk.send(ready).status_code == 302
    assert status(ready) == Status.DRAFT


# Approval


@pytest.mark.parametrize(
    ("rule", "kind"), [(ApprovalRule.ALL, Kind.INFORMATIONAL), (ApprovalRule.PAYMENTS, Kind.PAYMENT)]
)
def test_where_the_rule_asks_for_it_the_button_asks_for_approval(desk: Desk, rule: ApprovalRule, kind: Kind) -> None:
    desk.service.approval = rule
    desk.service.save()
    ready = desk.ready(kind)
    page = desk.get("message_check", ready)
    assert primary(page) == "Chiedi l’approvazione"
    assert "Parte quando lo approva un altro responsabile (Giulia F.)." in said(page)
    desk.send(ready)
    assert status(ready) == Status.AWAITING_APPROVAL
    assert approval.approve(ready, desk.supervisor)


def test_a_supervisor_who_writes_needs_another_one(desk: Desk) -> None:
    desk.service.approval = ApprovalRule.ALL
    desk.service.save()
    ready = desk.ready()
    assert "non c’è un altro responsabile" in said(desk.get("message_check", ready, desk.supervisor))


def test_a_message_sent_back_shows_the_note_and_can_go_again(desk: Desk) -> None:
    desk.service.approval = ApprovalRule.ALL
    desk.service.save()
    ready = desk.ready()
    desk.send(ready)
    ready.refresh_from_db()
    approval.send_back(ready, desk.supervisor, "Manca il telefono")
    assert "«Manca il telefono»" in said(desk.get("message_edit", ready))
    assert desk.save(ready, action="check").status_code == 302
    desk.send(ready)
    assert status(ready) == Status.AWAITING_APPROVAL


# The same content again


def test_the_same_content_again_asks_why(desk: Desk) -> None:
    first = desk.ready()
    desk.send(first)
    again = desk.ready()
    page = desk.get("message_check", again)
    assert "Marta R. ha già inviato lo stesso messaggio a questa persona, oggi" in said(page)
    assert reverse("message_detail", args=[first.public_id]) in said(page)
    assert primary(page) == "Invia di nuovo il messaggio"
    answer = desk.send(again, repeat_reason="  ")
    assert errors_of(answer) == ["Scrivi perché lo mandi di nuovo."]
    assert status(again) == Status.DRAFT
    desk.send(again, repeat_reason="La prima volta mancava l’allegato di carta")
    assert status(again) == Status.QUEUED
    assert again.repeat_reason == "La prima volta mancava l’allegato di carta"


def test_content_that_went_while_the_page_was_open_stops_the_second(desk: Desk) -> None:
    first, second = desk.ready(), desk.ready()
    assert "Perché lo mandi di nuovo?" not in said(desk.get("message_check", second))
    desk.send(first)
    answer = desk.send(second)
    assert "Perché lo mandi di nuovo?" in said(answer)
    assert errors_of(answer) == []
    assert status(second) == Status.DRAFT


# Trial mode


def on_trial(desk: Desk) -> Message:
    desk.service.live = False
    desk.service.save()
    return desk.ready()


def test_on_trial_a_stranger_to_the_list_gets_nothing(desk: Desk) -> None:
    ready = on_trial(desk)
    page = said(desk.get("message_check", ready))
    assert "Non può partire: il servizio è in prova." in page
    assert "disabled" in page.partition('class="btn btn-primary"')[2].partition(">")[0]
    assert desk.send(ready)["Location"] == reverse("message_check", args=[ready.public_id])
    assert status(ready) == Status.DRAFT


def test_on_trial_somebody_on_the_list_gets_it(desk: Desk) -> None:
    ready = on_trial(desk)
    AllowedRecipient.objects.create(service=desk.service, fiscal_code=ready.recipient.fiscal_code, label="Paola")  # type: ignore[union-attr]
    assert "quindi il messaggio parte davvero" in said(desk.get("message_check", ready))
    desk.send(ready)
    assert status(ready) == Status.QUEUED


def test_what_delays_a_message_is_told(desk: Desk) -> None:
    ready = desk.ready()
    pause_service(desk.service, PauseReason.PERSON)
    ServiceKey.objects.all().delete()
    page = said(desk.get("message_check", ready))
    assert "Il servizio è sospeso." in page
    assert "Al servizio manca la chiave di IO." in page
    assert "Parte subito." not in page


# «Mandalo prima a me»


def own_citizen(desk: Desk, **kw: Any) -> AllowedRecipient:
    return AllowedRecipient.objects.create(
        service=desk.service, **{"fiscal_code": cast.make_fiscal_code(), "label": "Marta", **kw}
    )


def to_me(desk: Desk, message: Message, **data: Any) -> Any:
    message.refresh_from_db()
    return desk.post("message_send_to_me", message, changed_at=message.changed_at.isoformat(), **data)


def test_a_trial_goes_to_ones_own_citizen_and_the_draft_stays(desk: Desk) -> None:
    own_citizen(desk, label="Anna di prova")
    mine = own_citizen(desk, label="Zeno di prova", user=desk.clerk)
    ready = desk.ready(
        Kind.PAYMENT, button1_text_it="Vedi", button1_text_en="See", button1_target="https://a.example.it"
    )
    response = to_me(desk, ready)
    assert response["Location"] == reverse("message_check", args=[ready.public_id])
    trial = ready.copies.get()
    assert (trial.status, trial.is_trial, trial.author) == (Status.QUEUED, True, desk.clerk)
    assert trial.recipient is not None
    assert trial.recipient.fiscal_code == mine.fiscal_code
    same = ("kind", "subject", "body", "buttons", "amount", "notice_number", "due_date", "service_id")
    assert all(getattr(trial, name) == getattr(ready, name) for name in same)
    assert status(ready) == Status.DRAFT
    page = said(desk.get("message_check", ready))
    assert "Prova inviata a Zeno di prova." in page
    assert reverse("message_detail", args=[trial.public_id]) in page


def test_a_trial_needs_no_approval_and_does_not_count_as_sent(desk: Desk) -> None:
    desk.service.approval = ApprovalRule.ALL
    desk.service.save()
    citizen = own_citizen(desk)
    ready = desk.ready(fiscal_code=citizen.fiscal_code)
    to_me(desk, ready)
    assert ready.copies.get().status == Status.QUEUED
    assert "ha già inviato lo stesso" not in said(desk.get("message_check", ready))


def test_two_clicks_on_a_trial_are_one(desk: Desk) -> None:
    own_citizen(desk)
    ready = desk.ready()
    to_me(desk, ready)
    to_me(desk, ready)
    assert ready.copies.count() == 1


def test_another_citizen_of_the_list_can_be_chosen_and_nobody_else(desk: Desk) -> None:
    own_citizen(desk, user=desk.clerk)
    other = own_citizen(desk, label="Bruno")
    foreign = AllowedRecipient.objects.create(
        service=cast.make_service(), fiscal_code=cast.make_fiscal_code(), label="X"
    )
    ready = desk.ready()
    to_me(desk, ready, citizen=other.pk)
    assert ready.copies.get().recipient.fiscal_code == other.fiscal_code  # type: ignore[union-attr]
    to_me(desk, ready, citizen=foreign.pk)
    assert ready.copies.count() == 1


def test_an_empty_trial_list_says_who_fills_it(desk: Desk) -> None:
    ready = desk.ready()
    assert "un amministratore può aggiungerti" in said(desk.get("message_check", ready))
    to_me(desk, ready)
    assert not ready.copies.exists()


def test_a_label_cannot_smuggle_markup_into_the_answer(desk: Desk) -> None:
    own_citizen(desk, label="<script>alert(1)</script>")
    ready = desk.ready()
    to_me(desk, ready)
    assert b"<script>alert" not in desk.get("message_check", ready).content


# The page itself


def test_the_pages_ask_the_database_a_bounded_number_of_times(desk: Desk) -> None:
    own_citizen(desk)
    ready = desk.ready(Kind.PAYMENT)
    desk.get("message_edit", ready)
    for name, most in {"message_edit": 14, "message_check": 22}.items():
        with CaptureQueriesContext(
            connection,
        ) as queries:
            assert desk.get(name, ready).status_code == 200
        assert len(queries) <= most, [query["sql"][:120] for query in queries]


def test_a_form_posted_without_its_token_does_nothing(desk: Desk) -> None:
    ready = desk.ready()
    client = Client(enforce_csrf_checks=True)
    client.force_login(desk.clerk)
    assert client.post(reverse("message_send", args=[ready.public_id])).status_code == 403
    assert status(ready) == Status.DRAFT
