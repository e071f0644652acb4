"""Every status, reason, cause and owner has its words, in both languages."""

from types import SimpleNamespace

import pytest
from django.utils.translation import override

from messaging.appio.answers import Cause, Owner
from messaging.enums import Reason, Status
from messaging.models import StatusChange, User
from messaging.wording import (
    OWNER_WORDS,
    REFUSAL_WORDS,
    attempt_words,
    owner_words,
    reason_story,
    refusal_words,
    status_meaning,
)


def change(reason, *, origin=Status.SENDING, to=Status.QUEUED, actor=None, attempt=1):
    row = StatusChange(reason=reason, from_status=origin, to_status=to, attempt_number=attempt)
    return row if actor is None else SimpleNamespace(**{**row.__dict__, "actor": actor})


@pytest.mark.parametrize("language", ["it", "en"])
@pytest.mark.parametrize("status", list(Status))
def test_every_status_is_explained(status, language):
    with override(language):
        meaning, next_step = status_meaning(status)
    assert meaning.endswith(".")
    assert next_step.endswith(".")
    assert "!" not in meaning + next_step


@pytest.mark.parametrize("language", ["it", "en"])
@pytest.mark.parametrize("reason", list(Reason))
def test_every_reason_has_a_story(reason, language):
    marta = User(first_name="Marta", last_name="Rossi")
    with override(language):
        alone, by_person = reason_story(change(reason)), reason_story(change(reason, actor=marta))
    for story in (alone, by_person):
        assert story.title
        assert "%(" not in story.title + story.text
        assert story.tone in {"ok", "go", "wait", "bad", "idle"}
        assert story.icon.startswith("it-")


def test_a_story_names_who_acted_and_which_attempt():
    marta = User(first_name="Marta", last_name="Rossi")
    with override("it"):
        assert reason_story(change(Reason.QUEUED, actor=marta)).title == "Messo in coda da Marta R."
        assert reason_story(change(Reason.SENT, attempt=1)).title == "Inviato a IO, primo tentativo"
        assert attempt_words(12) == "tentativo 12"
        assert attempt_words(0) == "tentativo 0"
        assert "può essere arrivato" in reason_story(change(Reason.NO_ANSWER)).text


def test_a_name_with_a_percent_sign_is_only_a_name():
    with override("it"):
        title = reason_story(change(Reason.APPROVED, actor=User(first_name="100%s", last_name="X"))).title
    assert title == "Approvato da 100%s X."


def test_a_late_answer_and_a_corrected_message_are_told_as_what_they_are():
    with override("it"):
        late = reason_story(change(Reason.TAKEN, origin=Status.UNCERTAIN, to=Status.ACCEPTED))
        in_time = reason_story(change(Reason.TAKEN, origin=Status.SENDING, to=Status.ACCEPTED))
        queued = reason_story(change(Reason.CORRECTED, origin=Status.REFUSED, to=Status.QUEUED))
        draft = reason_story(change(Reason.CORRECTED, origin=Status.REFUSED, to=Status.DRAFT))
    assert "in ritardo" in late.title
    assert "in ritardo" not in in_time.title
    assert queued.title == "Rimesso in coda dopo la correzione"
    assert draft.title == "Ripreso per correggerlo"


@pytest.mark.parametrize("cause", [*Cause, "trial_mode", "permission", "something new"])
def test_every_cause_says_what_and_what_next(cause):
    with override("it"):
        sentence, next_step = refusal_words(cause)
    assert sentence.endswith(".")
    assert next_step.endswith(".")


def test_every_owner_is_named():
    assert set(OWNER_WORDS) == set(Owner)
    assert set(Cause) <= set(REFUSAL_WORDS)
    with override("it"):
        assert owner_words("clerk") == "tocca a chi scrive"
        assert owner_words("nobody") == "tocca all’amministratore"
