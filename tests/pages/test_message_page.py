"""The page of a message: what to do now, what has happened, what it carries; and how it follows the message."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from html import unescape
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from messaging.delivery.outage import FAULTS, record_fault
from messaging.delivery.pauses import hold_features, pause_service
from messaging.delivery.seal import installation
from messaging.enums import (
    MOVING,
    AttemptOutcome,
    EnvironmentKind,
    FeatureLevel,
    Kind,
    OpenedPart,
    PauseReason,
    Reason,
    Role,
    Status,
)
from messaging.models import Attachment, Attempt, Message, Opening, RemoteContent
from messaging.views import openings
from tests import cast
from tests.pages.conftest import Office, queries_of, step

PREMIUM: dict[str, Any] = {
    "feature_level": FeatureLevel.ADVANCED,
    "kind": Kind.PAYMENT,
    "amount": 100,
    "notice_number": "302000000004822036",
}


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
    assert re.search(r"all[e’] ?\d+:\d\d:\d\d", story)


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
        "Senza accordo Premium IO non dice se è stato letto",
        "Senza accordo Premium IO non dice se è stato pagato",
    ):
        assert words in page


@pytest.mark.parametrize(
    ("read", "paid", "words"),
    [
        ("", "", "IO finora non lo ha detto: lo chiediamo ancora"),
        ("UNREAD", "NOT_PAID", "non ancora"),
        ("UNAVAILABLE", "NOT_PAID", "la persona ha scelto di non farlo sapere"),
        ("READ", "PAID", "Consegnato e pagato"),
    ],
)
def test_what_a_premium_message_lets_know(office: Office, read: str, paid: str, words: str) -> None:
    message = office.message(Status.PROCESSED, **PREMIUM, read_status=read, payment_status=paid)
    Message.objects.filter(pk=message.pk).update(next_attempt_at=timezone.now())
    page = office.page(message)
    assert words in page
    assert "Senza accordo Premium" not in page


def test_who_is_not_asked_about_any_more_is_not_told_as_unread_for_ever(office: Office) -> None:
    page = office.page(office.message(Status.PROCESSED, **PREMIUM, read_status="UNREAD", payment_status="NOT_PAID"))
    assert page.count("non risultava, quando abbiamo smesso di chiederlo") == 2
    assert "IO non lo ha detto" in office.page(office.message(Status.PROCESSED, **PREMIUM))


def test_what_is_paid_says_since_when_we_know(office: Office) -> None:
    paid = {"read_status": "READ", "payment_status": "PAID", "paid_at": timezone.now() - timedelta(days=60)}
    message = office.message(Status.PROCESSED, **PREMIUM, **paid)
    assert re.search(r"sì, saputo (il )?\d+ \w+ \d{4} alle", office.page(message))


# Openings


def remote(office: Office, status: Status = Status.PROCESSED, **kw: Any) -> Message:
    message = office.message(status, has_remote_content=True, **kw)
    RemoteContent.objects.create(
        message=message, subject="Oggetto", body=cast.BODY, written_by=office.clerk, written_at=timezone.now()
    )
    return message


def opened(message: Message, at: datetime, status: int = 200, part: OpenedPart = OpenedPart.DETAIL, **kw: Any) -> None:
    kw.setdefault("environment", EnvironmentKind.PRODUCTION)
    Opening.objects.create(message=message, part=part, status=status, at=at, **kw)
    if status == 200 and part == OpenedPart.DETAIL:
        RemoteContent.objects.filter(message=message, first_opened_at__isnull=True).update(first_opened_at=at)


def test_a_message_that_nobody_has_opened_says_so(office: Office) -> None:
    page = office.page(remote(office))
    assert re.search(r"Aperto la prima volta</dt>\s*<dd[^>]*>non ancora", page)
    assert "Aperto la prima volta" not in office.page(office.message(Status.PROCESSED))
    assert "Aperto la prima volta" not in office.page(remote(office, Status.QUEUED))


def test_openings_are_in_the_story_with_the_repeated_ones_folded(office: Office) -> None:
    message, now = remote(office), timezone.now()
    first = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
    opened(message, first, part=OpenedPart.PRECONDITION)
    for at in (first, first + timedelta(days=1), first + timedelta(days=2), now - timedelta(hours=1)):
        opened(message, at)
    page = office.page(message, office.supervisor)
    story = page[page.index('id="story"') : page.index("</section>", page.index('id="story"'))]
    assert story.count("Aperto dal cittadino") == 1
    assert "Di nuovo altre 3 volte: l’ultima oggi all" in story or "Di nuovo altre 3 volte: l’ultima ieri" in story
    assert "Avvertenza vista dal cittadino" in story
    assert "2 marzo 2026 alle 10:30:00" in story
    assert re.search(r"Aperto la prima volta</dt>\s*<dd>2 marzo 2026 alle 10:30", page)


def test_a_file_is_told_by_its_name_and_a_removed_one_too(office: Office) -> None:
    message = remote(office, feature_level=FeatureLevel.ADVANCED, has_attachments=True)
    file = Attachment.objects.create(
        service=office.service, name="avviso.pdf", size=1, digest="a", pages=1, uploaded_by=office.clerk
    )
    opened(message, timezone.now(), part=OpenedPart.FILE, attachment=file)
    opened(message, timezone.now(), part=OpenedPart.FILE)
    page = office.page(message)
    assert page.count("Allegato aperto dal cittadino") == 2
    assert "avviso.pdf" in page
    assert "Ora l’allegato non c’è più." in page


def test_where_we_failed_is_told_in_words(office: Office) -> None:
    message, now = remote(office), timezone.now()
    opened(message, now, 500)
    opened(message, now + timedelta(seconds=1), 503)
    opened(message, now, 403, OpenedPart.PRECONDITION)
    page = office.page(message)
    assert "IO ha chiesto il testo e il portale non ha risposto bene" in page
    assert "Di nuovo un’altra volta" in page
    assert "IO ha chiesto l’avvertenza e il portale non lo ha dato" in page
    assert "Aperto dal cittadino" not in page
    assert not re.search(r"\b(500|503|403)\b", page[page.index('id="story"') : page.index("Se chiedi aiuto")])


def test_an_opening_of_an_uncertain_message_shows_that_it_arrived(office: Office) -> None:
    message = remote(office, Status.UNCERTAIN)
    opened(message, timezone.now())
    page = office.page(message, office.supervisor)
    assert "Aperto dal cittadino" in page
    assert "Aperto la prima volta" in page


def test_who_decides_about_an_uncertain_outcome_reads_that_the_citizen_has_opened_it(office: Office) -> None:
    words = "<b>Il cittadino lo ha aperto</b>"
    unopened = remote(office, Status.UNCERTAIN)
    message = remote(office, Status.UNCERTAIN, seen_at=datetime(2026, 3, 2, 9, 30, tzinfo=UTC))
    for person in (office.supervisor, office.clerk):
        assert words not in office.page(unopened, person)
        page = office.page(message, person)
        panel = page[page.index("Non sappiamo se IO ha preso questo messaggio") :]
        assert f"{words} 2 marzo 2026 alle 10:30: IO è venuto a prendere il testo" in panel
        assert panel.index(words) < panel.index('id="story"')
    decided = remote(office, Status.CONFIRMED, seen_at=timezone.now())
    assert words not in office.page(decided, office.supervisor)


def test_an_opening_is_news_for_a_page_that_follows_the_message(office: Office) -> None:
    message = remote(office, Status.ACCEPTED)
    seen = re.search(r"seen=(\d+)", office.page(message))
    assert seen
    assert 'id="story"' not in live(office, message, seen[1])
    opened(message, timezone.now())
    assert 'id="story"' in live(office, message, seen[1])


def test_a_message_that_is_opened_all_the_time_costs_no_more(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(openings, "MOST", 30)
    message, now = remote(office, **PREMIUM), timezone.now()
    opened(message, now)
    few = queries_of(office, office.supervisor, address(message))
    Opening.objects.bulk_create(
        Opening(message=message, part="detail", environment="production", status=200, at=now) for _ in range(60)
    )
    assert queries_of(office, office.supervisor, address(message)) == few <= 15
    assert "Di nuovo, almeno altre 29 volte" in office.page(message)


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
