"""Drafts: made from a kind or a template, kept whatever was typed, never overwritten unseen, deleted."""

from __future__ import annotations

import pytest
from django.urls import reverse

from messaging.enums import Kind, Reason, Status
from messaging.models import Message, Recipient
from tests import cast
from tests.compose.conftest import BODY, SUBJECT, Desk, errors_of, said


def test_choosing_a_kind_makes_a_draft_and_leads_to_it(desk: Desk) -> None:
    response = desk.as_().post(reverse("message_new"), {"kind": "payment"})
    draft = Message.objects.get()
    assert response["Location"] == reverse("message_edit", args=[draft.public_id])
    assert (draft.status, draft.kind, draft.author, draft.service) == ("draft", "payment", desk.clerk, desk.service)


def test_a_kind_or_a_template_must_be_chosen(desk: Desk) -> None:
    response = desk.as_().post(reverse("message_new"), {})
    assert errors_of(response) == ["Scegli un tipo di messaggio, oppure un modello."]
    assert not Message.objects.exists()


def test_a_draft_begins_in_the_service_of_the_last_one(desk: Desk) -> None:
    other = cast.make_service(name="Zona traffico", institution=desk.service.institution)
    cast.give_role(desk.clerk, other)
    desk.draft()
    cast.make_message(service=other, author=desk.clerk)
    desk.as_().post(reverse("message_new"), {"kind": "informational"})
    assert Message.objects.latest("pk").service == other


def test_a_template_fills_the_draft_and_its_kind_counts(desk: Desk) -> None:
    button = {"text_it": "Vedi", "text_en": "See", "kind": "web", "target": "https://a.example.it", "action": "x"}
    template = cast.make_template(desk.service, kind=Kind.DUE_DATE, buttons=[button])
    desk.as_().post(reverse("message_new"), {"kind": "payment", "template": template.pk})
    draft = Message.objects.get()
    assert (draft.kind, draft.template, draft.subject, draft.body) == (
        "due_date",
        template,
        template.subject,
        template.body,
    )
    page = said(desk.get("message_edit", draft))
    assert "Gentile ((nome))" in page
    assert 'value="https://a.example.it"' in page


def test_a_template_of_another_service_cannot_be_used(desk: Desk) -> None:
    template = cast.make_template(cast.make_service())
    response = desk.as_().post(reverse("message_new"), {"template": template.pk})
    assert errors_of(response) == ["Questo modello non c’è più: scegline un altro."]
    assert not Message.objects.exists()


def test_whoever_is_in_no_service_reads_whom_to_ask(desk: Desk) -> None:
    newcomer = cast.make_person("nuovo")
    desk.stranger.delete()
    page = said(desk.as_(newcomer).get(reverse("message_new")))
    assert "Non sei in nessun servizio" in page
    assert desk.as_(newcomer).post(reverse("message_new"), {"kind": "payment"}).status_code == 200
    assert not Message.objects.exists()


def test_the_only_institutions_administrator_is_named(db: None) -> None:
    institution = cast.make_institution()
    cast.make_administrator(institution, first_name="Sergio", last_name="Lodi")
    newcomer = cast.make_person("nuovo")
    desk = Desk(cast.make_service(institution=institution), newcomer, newcomer, newcomer)
    assert "chiedi a un amministratore (Sergio L.)" in said(desk.as_().get(reverse("message_new")))


def test_a_draft_keeps_whatever_was_typed(desk: Desk) -> None:
    draft = desk.draft(Kind.PAYMENT)
    wrong = {
        "fiscal_code": "non un codice",
        "amount": "1.234",
        "due_date": "31/02/2099",
        "body": "Breve",
        "reference": "P" * 101,
    }
    response = desk.save(draft, subject=SUBJECT, notice_number="12", button1_text_it="Vedi", **wrong)
    assert response["Location"] == reverse("message_edit", args=[draft.public_id])
    draft.refresh_from_db()
    assert (draft.subject, draft.body, draft.amount, draft.due_date, draft.recipient) == (
        SUBJECT,
        "Breve",
        None,
        None,
        None,
    )
    assert (draft.notice_number, draft.reference, draft.buttons) == ("", "", [])
    page = said(desk.get("message_edit", draft))
    for text in (*wrong.values(), "12", "Vedi", SUBJECT):
        assert f'value="{text}"' in page or f">\n{text}</textarea>" in page


def test_a_draft_with_nothing_in_it_is_saved_and_accuses_nobody(desk: Desk) -> None:
    draft = desk.draft(Kind.PAYMENT)
    empty = dict.fromkeys(["fiscal_code", "subject", "body", "amount", "notice_number"], "")
    assert desk.save(draft, **empty).status_code == 302
    page = desk.get("message_edit", draft)
    assert errors_of(page) == []
    assert "Errore:" not in said(page)


def test_saving_tells_what_is_wrong_but_not_what_is_missing(desk: Desk) -> None:
    draft = desk.draft(Kind.PAYMENT)
    desk.save(draft, amount="1.234", notice_number="", subject="Breve")
    assert errors_of(desk.get("message_edit", draft)) == [
        "Può voler dire due importi: scrivi anche i centesimi, come 1.234,00 oppure 1,23."
    ]


def test_a_valid_code_makes_the_recipient_known_to_the_institution(desk: Desk) -> None:
    draft = desk.draft()
    code = cast.make_fiscal_code(3)
    desk.save(draft, fiscal_code=f" {code[:6].lower()} {code[6:]} ")
    recipient = Recipient.objects.get()
    assert (recipient.fiscal_code, recipient.institution) == (code, desk.service.institution)
    draft.refresh_from_db()
    assert draft.recipient == recipient
    desk.save(draft, fiscal_code="RSSMRA")
    draft.refresh_from_db()
    assert draft.recipient is None


def test_nul_characters_are_left_out(desk: Desk) -> None:
    draft = desk.draft()
    assert desk.save(draft, subject=f"Orari\0 nuovi {SUBJECT}").status_code == 302
    draft.refresh_from_db()
    assert "\0" not in draft.subject + str(draft.typed)


def test_changing_the_kind_keeps_all_that_was_typed(desk: Desk) -> None:
    draft = desk.draft(Kind.PAYMENT)
    desk.save(draft, amount="148,50")
    desk.save(draft, kind="informational")
    draft.refresh_from_db()
    assert (draft.kind, draft.amount, draft.notice_number) == ("informational", None, "")
    desk.save(draft, kind="payment")
    draft.refresh_from_db()
    assert draft.body == BODY
    assert 'value="148,50"' in said(desk.get("message_edit", draft))


def test_a_second_tab_overwrites_nothing_unseen(desk: Desk) -> None:
    draft = desk.draft()
    old = desk.form(draft, body=f"La mia versione. {BODY}")
    desk.save(draft, body=f"La versione di prima. {BODY}")
    response = desk.post("message_edit", draft, **old, action="check")
    assert response.status_code == 409
    assert "Intanto questa bozza è stata salvata da un’altra parte" in said(response)
    assert "La mia versione." in said(response)
    draft.refresh_from_db()
    assert draft.body.startswith("La versione di prima.")
    # Pressing «Salva la bozza» again changes nothing either.
    assert desk.post("message_edit", draft, **old, action="save").status_code == 409


def test_after_a_conflict_both_versions_can_be_kept(desk: Desk) -> None:
    draft = desk.draft()
    old = desk.form(draft, body=f"La mia versione. {BODY}")
    desk.save(draft, body=f"La versione di prima. {BODY}")
    desk.post("message_edit", draft, **old, action="keep_both")
    bodies = sorted(Message.objects.values_list("body", flat=True))
    assert [body[:9] for body in bodies] == ["La mia ve", "La versio"]


def test_after_a_conflict_ones_own_version_can_take_the_others_place(desk: Desk) -> None:
    draft = desk.draft()
    old = desk.form(draft, body=f"La mia versione. {BODY}")
    desk.save(draft, body=f"La versione di prima. {BODY}")
    draft.refresh_from_db()
    seen = draft.changed_at.isoformat()
    assert desk.post("message_edit", draft, **old, action="replace", saved_elsewhere_at=seen).status_code == 302
    draft.refresh_from_db()
    assert draft.body.startswith("La mia versione.")


def test_a_reload_of_the_same_save_is_no_conflict(desk: Desk) -> None:
    draft = desk.draft()
    data = desk.form(draft)
    for _ in range(2):
        assert desk.post("message_edit", draft, **data, action="save").status_code == 302


@pytest.mark.parametrize("moment", ["", "ieri", "9999-99-99T00:00:00"])
def test_a_save_that_does_not_say_what_was_seen_overwrites_nothing(desk: Desk, moment: str) -> None:
    draft = desk.draft(subject="Com’era prima di tutto")
    assert desk.save(draft, changed_at=moment).status_code == 409
    draft.refresh_from_db()
    assert draft.subject == "Com’era prima di tutto"


def test_saving_what_is_no_longer_a_draft_says_so(desk: Desk) -> None:
    draft = desk.draft()
    data = desk.form(draft)
    Message.objects.filter(pk=draft.pk).update(
        status=Status.CANCELLED, recipient=cast.make_recipient(desk.service.institution)
    )
    response = desk.post("message_edit", draft, **data)
    assert response["Location"] == reverse("message_detail", args=[draft.public_id])


def test_a_message_that_has_left_cannot_be_edited(desk: Desk) -> None:
    message = cast.make_message(service=desk.service, status=Status.PROCESSED)
    for name in ("message_edit", "message_check"):
        assert desk.get(name, message)["Location"] == reverse("message_detail", args=[message.public_id])


def test_the_story_names_a_colleague_who_saved(desk: Desk) -> None:
    draft = desk.draft()
    desk.save(draft)
    for _ in range(2):
        desk.save(draft, person=desk.supervisor, body=f"{BODY} E anche il sabato.")
    assert [(change.reason, change.actor) for change in draft.changes.all()] == [(Reason.SAVED, desk.supervisor)]


def test_what_came_back_from_approval_opens_as_it_was_sent(desk: Desk) -> None:
    recipient = cast.make_recipient(desk.service.institution)
    draft = desk.draft(
        Kind.PAYMENT,
        subject=SUBJECT,
        body=BODY,
        recipient=recipient,
        amount=123456,
        notice_number="302000000000482134",
        submitted_by=desk.clerk,
    )
    page = said(desk.get("message_edit", draft))
    for value in (recipient.fiscal_code, "1234,56", "3020 0000 0000 4821 34", SUBJECT):
        assert value in page
    # Its odd check pair was confirmed before it was sent.
    assert desk.get("message_check", draft).status_code == 200


def test_a_draft_can_be_deleted(desk: Desk) -> None:
    draft = desk.draft()
    assert desk.post("message_delete", draft)["Location"] == reverse("message_list")
    assert not Message.objects.exists()


def test_what_has_a_story_is_not_deleted(desk: Desk) -> None:
    message = cast.make_message(service=desk.service, status=Status.PROCESSED)
    assert desk.post("message_delete", message)["Location"] == reverse("message_detail", args=[message.public_id])
    reopened = desk.draft(attempt_number=1)
    desk.post("message_delete", reopened)
    assert Message.objects.count() == 2


@pytest.mark.parametrize(
    "name",
    [
        "message_edit",
        "message_preview",
        "message_reachability",
        "message_check",
        "message_send",
        "message_send_to_me",
        "message_delete",
    ],
)
def test_a_stranger_finds_no_draft(desk: Desk, name: str) -> None:
    draft = desk.draft()
    client = desk.as_(desk.stranger)
    address = reverse(name, args=[draft.public_id])
    assert client.post(address, desk.form(draft)).status_code in {404, 405}
    assert client.get(address).status_code in {404, 405}
    assert Message.objects.filter(pk=draft.pk, subject="").exists()
