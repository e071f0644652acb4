"""The page of a message: what to do now, what has happened, what it carries; and how it follows the message."""

from __future__ import annotations

import re
from datetime import date, timedelta
from html import unescape
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from messaging.delivery.outage import FAULTS, record_fault
from messaging.delivery.pauses import hold_features, pause_service
from messaging.delivery.seal import installation
from messaging.enums import MOVING, AttemptOutcome, FeatureLevel, Kind, PauseReason, Reason, Role, Status
from messaging.models import Attempt, Message
from tests import cast
from tests.pages.conftest import Office, queries_of, step


def address(message: Message) -> str:
    return reverse("message_detail", args=[message.public_id])


def live(office: Office, message: Message, seen: int | str = "") -> str:
    response = office.as_(office.clerk).get(reverse("message_live", args=[message.public_id]), {"seen": seen})
    assert response.status_code == 200
    return str(response.content.decode())


def test_only_the_people_of_the_service_read_a_message(office: Office) -> None:
    message = office.message()
    for person, code in (
        (office.clerk, 200),
        (office.supervisor, 200),
        (office.administrator, 404),
        (office.stranger, 404),
    ):
        assert office.as_(person).get(address(message)).status_code == code
    assert Client().get(address(message)).status_code == 302


@pytest.mark.parametrize("status", Status)
@pytest.mark.parametrize("role", ["clerk", "supervisor"])
def test_each_status_has_its_word_its_next_step_and_at_most_one_primary_button(
    office: Office, status: Status, role: str
) -> None:
    message = office.message(status, refusal_cause="invalid_content", refusal_owner="clerk")
    page = office.page(message, getattr(office, role))
    assert unescape(page).count(str(status.label)) >= 2
    assert page.count("<h1") == 1
    main = page[page.index("<main") :]
    assert len(re.findall(r'class="btn btn-primary', main)) <= 1


@pytest.mark.parametrize("reason", Reason)
def test_every_reason_has_words_in_the_story(office: Office, reason: Reason) -> None:
    message = office.message(Status.PROCESSED)
    step(message, reason, actor=office.supervisor, note="Una nota", detail="Titolo di IO")
    page = unescape(office.page(message))
    story = page[page.index('id="story"') :]
    assert "«Una nota»" in story
    assert "Risposta di IO: «Titolo di IO»." in story
    assert reason.value not in re.sub(r"<[^>]+>", "", story).split("Se chiedi aiuto")[0].split()
    assert re.search(r"alle \d+:\d\d:\d\d", story)


def test_the_newest_step_comes_first_and_says_how_long_io_took(office: Office) -> None:
    message = office.message(Status.UNCERTAIN)
    at = timezone.now() - timedelta(minutes=10)
    step(message, Reason.SENT, at=at)
    step(message, Reason.NO_ANSWER, at=at + timedelta(seconds=15))
    Attempt.objects.create(
        message=message,
        number=1,
        started_at=at,
        answered_at=at + timedelta(seconds=15),
        outcome=AttemptOutcome.UNANSWERED,
    )
    page = office.page(message, office.supervisor)
    assert page.index("Aspetta la tua decisione") < page.index("IO non ha risposto") < page.index("primo tentativo")
    assert "Abbiamo aspettato 15 secondi." in page


def test_an_answer_that_came_after_the_decision_is_told_too(office: Office) -> None:
    message = office.message(Status.ABANDONED)
    step(message, Reason.DEADLINE)
    step(message, Reason.ABANDONED, actor=office.supervisor)
    now = timezone.now()
    Attempt.objects.create(message=message, number=1, started_at=now, answered_at=now, outcome=AttemptOutcome.ACCEPTED)
    page = office.page(message)
    assert "IO aveva preso in carico il primo tentativo: lo abbiamo saputo tardi" in page
    assert "La persona può averlo ricevuto." in page


def test_the_facts_of_a_payment(office: Office) -> None:
    message = office.message(
        Status.PROCESSED,
        kind=Kind.PAYMENT,
        amount=11200,
        notice_number="302000000004822036",
        due_date=date(2026, 12, 16),
        reference="PROT/8",
    )
    assert message.recipient is not None
    page = office.page(message)
    for words in (
        "112,00 euro",
        "3020 0000 0004 8220 36",
        "16 dicembre 2026, fino alle 23:59",
        message.recipient.fiscal_code,
        message.io_id,
        "PROT/8",
        "non disponibile con l’accordo base",
    ):
        assert words in page


@pytest.mark.parametrize(
    ("read", "paid", "words"),
    [("", "", "si sa dopo la consegna"), ("UNREAD", "NOT_PAID", "non ancora"), ("READ", "PAID", "Consegnato e pagato")],
)
def test_what_a_premium_message_lets_know(office: Office, read: str, paid: str, words: str) -> None:
    message = office.message(
        Status.PROCESSED,
        feature_level=FeatureLevel.ADVANCED,
        read_status=read,
        payment_status=paid,
        amount=100,
        notice_number="302000000004822036",
    )
    page = office.page(message)
    assert words in page
    assert "accordo base" not in page


def test_the_text_for_whoever_helps_holds_no_fiscal_code(office: Office) -> None:
    message = office.message(Status.REFUSED, refusal_cause="invalid_content", refusal_owner="clerk")
    assert message.recipient is not None
    code = message.recipient.fiscal_code
    Attempt.objects.create(
        message=message,
        number=1,
        started_at=timezone.now(),
        outcome=AttemptOutcome.REFUSED,
        http_status=400,
        title=f"No {code}",
    )
    page = office.page(message)
    (text,) = re.findall(r"<textarea[^>]*readonly[^>]*>(.*?)</textarea>", page, re.S)
    assert str(message.public_id) in text
    assert "400" in text
    assert code not in text


def test_a_message_that_io_refused_says_why_and_whose_job_it_is(office: Office) -> None:
    message = office.message(Status.REFUSED, refusal_cause="amount_over_limit", refusal_owner="administrator")
    page = office.page(message)
    assert "L’importo supera quello che IO permette a questo servizio." in page
    assert "tocca all’amministratore" in page
    assert "rimetti in coda" in page


def test_a_clerk_reads_who_decides(office: Office) -> None:
    assert "Decide: Giulia F." in office.page(office.message(Status.UNCERTAIN))
    assert "Può rimetterlo in coda: Giulia F." in office.page(office.message(Status.FAILED))
    assert "Può darlo: Giulia F." in office.page(office.awaiting())


def test_without_another_supervisor_the_page_says_who_can_add_one(office: Office) -> None:
    message = office.awaiting(author=office.supervisor)
    assert "chiedi a un amministratore di aggiungerne uno" in office.page(message, office.supervisor)


# Why a message in the queue does not leave


def test_a_queue_behind_a_pause_says_whose_job_it_is(office: Office) -> None:
    pause_service(office.service, PauseReason.KEY)
    page = office.page(office.message(Status.QUEUED))
    assert "IO non accetta la chiave di questo servizio" in page
    assert "Tocca a un amministratore" in page


def test_a_hold_of_other_features_does_not_concern_this_message(office: Office) -> None:
    hold_features(office.service, "premium", "")
    assert "quale permesso manca" not in office.page(office.message(Status.QUEUED))
    assert "quale permesso manca" in office.page(office.message(Status.QUEUED, features="premium"))


def test_a_queue_while_io_is_down_or_sending_is_held_says_so(office: Office) -> None:
    message = office.message(Status.QUEUED)
    for _ in range(FAULTS):
        record_fault(office.service.institution.account_id)
    assert "il collegamento con IO è sospeso" in office.page(message)
    row = installation()
    row.held_at = timezone.now()
    row.save()
    assert "tutti gli invii sono fermi" in office.page(message)


# Following it


@pytest.mark.parametrize("status", Status)
def test_the_page_asks_again_only_while_something_moves(office: Office, status: Status) -> None:
    message = office.message(status)
    page = office.page(message)
    assert ("Aggiorna adesso" in page) == (status in MOVING)
    for text in (page, live(office, message)):
        assert ("hx-get" in text) == (status in MOVING)


def test_what_is_swapped_holds_no_link_to_refresh_that_could_vanish_under_the_focus(office: Office) -> None:
    assert "Aggiorna adesso" not in live(office, office.message(Status.QUEUED))


@pytest.mark.parametrize(("age", "pace"), [(5, 1), (29, 1), (60, 5), (1000, 15), (90_000, 60)])
def test_the_page_asks_ever_less_often(office: Office, age: int, pace: int) -> None:
    message = office.message(Status.ACCEPTED)
    then = timezone.now() - timedelta(seconds=age)
    Message.objects.filter(pk=message.pk).update(queued_at=then, changed_at=then)
    assert f'hx-trigger="every {pace}s"' in live(office, message)


def test_an_answer_without_news_swaps_nothing(office: Office) -> None:
    message = office.message(Status.ACCEPTED)
    seen = step(message, Reason.TAKEN).pk
    assert "hx-swap-oob" not in live(office, message, seen)


def test_the_last_answer_tells_the_news_and_carries_no_trigger(office: Office) -> None:
    message = office.message(Status.PROCESSED)
    step(message, Reason.DELIVERED)
    text = live(office, message, 0)
    assert "hx-trigger" not in text
    for part in ("state", "now", "story", "facts"):
        assert re.search(rf'id="{part}"[^>]*hx-swap-oob="true"', text)
    assert 'hx-swap-oob="innerHTML:#announce">Consegnato.' in text


def test_the_page_has_a_place_that_screen_readers_listen_to(office: Office) -> None:
    assert re.search(r'id="announce"[^>]*role="status"', office.page(office.message()))


def test_strangers_cannot_follow_a_message(office: Office) -> None:
    name = reverse("message_live", args=[office.message().public_id])
    assert office.as_(office.stranger).get(name).status_code == 404
    assert Client().get(name).status_code == 302


def test_a_long_story_costs_no_more_queries_than_a_short_one(office: Office) -> None:
    def told(message: Message, times: int) -> None:
        for number in range(times):
            step(message, Reason.THROTTLED, actor=cast.make_person(service=office.service, role=Role.CLERK))
            Attempt.objects.create(message=message, number=number + 10, started_at=timezone.now())

    message = office.message(Status.QUEUED)
    told(message, 3)
    few = queries_of(office, office.supervisor, address(message))
    other: Any = office.message(Status.QUEUED)
    told(other, 30)
    assert queries_of(office, office.supervisor, address(other)) == few <= 20
