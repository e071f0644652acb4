"""Composing what IO fetches: kept with the draft, checked, advised on, shown on the phone, copied whole."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.urls import reverse

from messaging.appio.fiscal_codes import TEST_CODE
from messaging.delivery import approval, content, resolution
from messaging.enums import FeatureLevel, Kind, Status
from messaging.models import AllowedRecipient, Message, RemoteConfiguration, RemoteContent, Template
from messaging.remote import contents
from tests import cast
from tests.compose.conftest import BODY, SUBJECT, Desk, errors_of, said
from tests.compose.remote import (
    ASKING,
    CONFIGURATION,
    COURTESY,
    PROTECTED_BODY,
    PROTECTED_SUBJECT,
    REMOTE,
    attach,
    register,
    upload,
)


@pytest.fixture(autouse=True)
def registered(desk: Desk) -> None:
    register(desk.service)


def test_the_protected_text_is_kept_with_the_draft(desk: Desk) -> None:
    draft = desk.draft()
    assert desk.save(draft, **REMOTE, **ASKING).status_code == 302
    draft.refresh_from_db()
    assert (draft.has_remote_content, draft.precondition, draft.body) == (True, "ALWAYS", COURTESY)
    assert contents.texts_of(draft) == contents.Texts(
        subject=PROTECTED_SUBJECT,
        body=PROTECTED_BODY,
        precondition_title=ASKING["precondition_title"],
        precondition_body=ASKING["precondition_body"],
    )
    assert PROTECTED_BODY in said(desk.get("message_edit", draft))


def test_without_the_tick_nothing_is_fetched_and_what_was_typed_waits(desk: Desk) -> None:
    draft = desk.draft()
    desk.save(draft, **REMOTE)
    desk.save(draft, **{**REMOTE, **ASKING, "has_remote_content": ""})
    draft.refresh_from_db()
    assert (draft.has_remote_content, draft.precondition) == (False, "NEVER")
    assert not RemoteContent.objects.exists()
    assert PROTECTED_BODY in said(desk.get("message_edit", draft))


def test_the_message_that_goes_names_where_to_fetch_and_nothing_protected(desk: Desk) -> None:
    button = {"button1_text_it": "Apri", "button1_text_en": "Open", "button1_target": "https://a.example.it"}
    draft = desk.ready(**REMOTE, **ASKING, **button)
    payload = content.payload(draft)
    assert payload["content"] == {
        "subject": SUBJECT,
        "markdown": COURTESY,
        "third_party_data": {
            "id": str(draft.public_id),
            "configuration_id": CONFIGURATION,
            "has_remote_content": True,
            "has_attachments": False,
            "has_precondition": "ALWAYS",
        },
    }
    assert desk.send(draft).status_code == 302
    draft.refresh_from_db()
    assert (draft.status, draft.remote_configuration) == (Status.QUEUED, CONFIGURATION)


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"protected_subject": ""}, "Scrivi l’oggetto protetto."),
        ({"protected_subject": "Breve"}, "Mancano 5 caratteri: ne servono almeno 10."),
        ({"protected_subject": "x" * 121}, "C’è un carattere di troppo: il massimo è 120."),
        ({"protected_body": ""}, "Scrivi il testo protetto."),
        ({"protected_body": "Breve"}, "Mancano 75 caratteri: ne servono almeno 80."),
        ({"body": "Breve"}, "Mancano 75 caratteri: ne servono almeno 80."),
        (
            {"protected_body": f"((nome)), {PROTECTED_BODY}"},
            "C’è ancora ((nome)): scrivi al suo posto quello che vale per questa persona.",
        ),
        (
            {**ASKING, "precondition_title": ""},
            "Scrivi il titolo dell’avvertenza, oppure scegli di non mostrarla mai.",
        ),
        ({**ASKING, "precondition_body": " "}, "Scrivi il testo dell’avvertenza, oppure scegli di non mostrarla mai."),
        ({"has_attachments": "on", "advanced": "on"}, "Aggiungi almeno un PDF, oppure togli la spunta."),
    ],
)
def test_what_is_wrong_is_said_beside_its_field(desk: Desk, wrong: dict[str, str], sentence: str) -> None:
    draft = desk.draft()
    assert errors_of(desk.save(draft, action="check", **{**REMOTE, **wrong})) == [sentence]


def test_a_half_written_draft_is_accused_of_nothing(desk: Desk) -> None:
    RemoteConfiguration.objects.all().delete()
    draft = desk.draft()
    desk.save(draft, **{**REMOTE, **ASKING, "protected_body": "", "precondition_title": ""})
    assert errors_of(desk.get("message_edit", draft)) == []


def test_an_institution_that_is_not_registered_cannot_send_it(desk: Desk) -> None:
    RemoteConfiguration.objects.all().delete()
    draft = desk.draft()
    page = desk.save(draft, action="check", **REMOTE)
    [error] = errors_of(page)
    assert error.endswith("Prima un amministratore deve registrare il contenuto remoto dell’ente.")
    assert "Finché IO non sa dove venirlo a prendere" in said(page)


def test_a_payment_stays_in_what_is_submitted(desk: Desk) -> None:
    draft = desk.ready(Kind.PAYMENT, **REMOTE, due_date="16/12/2099")
    sent: Any = content.payload(draft)["content"]
    assert sent["payment_data"]["amount"] == 14850
    assert sent["due_date"].startswith("2099-12-16")


def test_the_own_placeholders_of_a_protected_text_are_filled(desk: Desk) -> None:
    draft = desk.ready(Kind.PAYMENT, **{**REMOTE, "protected_body": f"Paga ((importo)). {PROTECTED_BODY}"})
    assert contents.texts_of(draft).body.startswith("Paga 148,50 euro.")


# Advice


def test_the_public_texts_are_judged_more_strictly(desk: Desk) -> None:
    body = f"Gentile Mario Rossi, RSSMRA85T10A562S, devi pagare 100 euro. Per ((nome)). {COURTESY}"
    live = desk.live(desk.draft(), **{**REMOTE, "body": body})
    for sentence in (
        "Il testo di cortesia contiene un codice fiscale.",
        "Il testo di cortesia sembra contenere un nome.",
        "Il testo di cortesia contiene un importo.",
        "Nei testi pubblici c’è ((nome)).",
    ):
        assert sentence in live


def test_the_protected_text_may_say_who_and_how_much(desk: Desk) -> None:
    live = desk.live(desk.draft(), **REMOTE)
    assert "Il testo di cortesia non contiene dati personali." in live
    assert "sembra contenere un nome" not in live
    assert "un importo" not in live


def test_the_protected_text_is_compared_with_the_payment(desk: Desk) -> None:
    assert "L’importo nel testo non è quello del pagamento." in desk.live(desk.draft(Kind.PAYMENT), **REMOTE)


def test_what_is_public_is_called_so(desk: Desk) -> None:
    draft = desk.draft()
    assert "Testo di cortesia" in desk.live(draft, **REMOTE)
    assert "Testo di cortesia" not in desk.live(draft)
    desk.save(draft, **REMOTE)
    assert "Oggetto pubblico" in said(desk.get("message_edit", draft))


def test_what_was_written_moves_into_the_protected_place(desk: Desk) -> None:
    draft = desk.draft()
    desk.save(draft, has_remote_content="on", action="protect")
    draft.refresh_from_db()
    texts = contents.texts_of(draft)
    assert (texts.subject, texts.body) == (SUBJECT, BODY)
    assert draft.body.startswith(f"{desk.service.institution.name} ti ha scritto")
    live = desk.live(draft, **REMOTE, subject=draft.subject)
    assert "L’oggetto non contiene dati personali." in live
    response = desk.save(draft, action="check", **draft.typed)
    assert response["Location"] == reverse("message_check", args=[draft.public_id])


def test_nothing_protected_is_written_over(desk: Desk) -> None:
    draft = desk.draft()
    desk.save(draft, **REMOTE, action="protect")
    draft.refresh_from_db()
    assert (draft.body, contents.texts_of(draft).body) == (COURTESY, PROTECTED_BODY)


# The phone and the check


def test_the_phone_says_what_is_fetched_and_when(desk: Desk) -> None:
    live = desk.live(desk.draft(), **REMOTE, **ASKING)
    assert "Oggetto e testo sono presi dal vostro server a ogni apertura." in live
    assert "Presa dal vostro server prima di aprire: ogni volta." in live
    assert "È il testo di cortesia: quello protetto non esce dall’app." in live
    assert f'<p class="msg-title">{PROTECTED_SUBJECT}</p>' in live
    assert "Aprilo quando nessuno guarda il tuo schermo." in live


def test_the_phone_of_any_other_message_says_nothing_of_it(desk: Desk) -> None:
    live = desk.live(desk.draft())
    assert "vostro server" not in live
    assert 'for="v4"' not in live


def test_the_check_shows_public_and_protected_text(desk: Desk) -> None:
    page = said(desk.get("message_check", desk.ready(**REMOTE, **ASKING)))
    for text in ("Quello che il cittadino apre", COURTESY, PROTECTED_BODY, "Contiene dati sul reddito"):
        assert text in page


def test_whoever_approves_reads_the_protected_text_and_opens_the_files(desk: Desk) -> None:
    desk.service.approval = "all"
    desk.service.save()
    draft = desk.draft()
    attach(desk, draft, upload())
    desk.save(draft, action="check", **REMOTE, advanced="on", has_attachments="on")
    desk.send(draft)
    page = said(desk.get("message_detail", draft, desk.supervisor))
    [file] = contents.files_of(draft)
    assert PROTECTED_BODY in page
    assert reverse("attachment_open", args=[draft.public_id, file.attachment_id]) in page
    assert "dichiara" in page


# Copies


def ready_with_a_file(desk: Desk) -> Message:
    draft = desk.draft()
    attach(desk, draft, upload())
    response = desk.save(draft, action="check", **REMOTE, **ASKING, advanced="on", has_attachments="on")
    assert response.status_code == 302, errors_of(response)
    draft.refresh_from_db()
    return draft


def assert_says_the_same(copy: Message, draft: Message) -> None:
    assert (copy.has_remote_content, copy.has_attachments, copy.precondition) == (True, True, "ALWAYS")
    assert contents.texts_of(copy) == contents.texts_of(draft)
    assert [file.attachment for file in contents.files_of(copy)] == [
        file.attachment for file in contents.files_of(draft)
    ]
    assert copy.remote_content.digest == draft.remote_content.digest


def test_a_trial_carries_everything(desk: Desk) -> None:
    AllowedRecipient.objects.create(service=desk.service, fiscal_code=TEST_CODE, label="Marta", user=desk.clerk)
    draft = ready_with_a_file(desk)
    desk.post("message_send_to_me", draft, changed_at=draft.changed_at.isoformat())
    copy = draft.copies.get()
    assert copy.status == Status.QUEUED
    assert copy.public_id != draft.public_id
    assert_says_the_same(copy, draft)


def test_keeping_both_keeps_texts_and_files_twice(desk: Desk) -> None:
    draft = ready_with_a_file(desk)
    desk.save(draft, action="keep_both", **REMOTE, **ASKING, advanced="on", has_attachments="on")
    assert_says_the_same(Message.objects.latest("pk"), draft)


def test_what_was_refused_is_corrected_with_all_that_it_said(desk: Desk) -> None:
    draft = ready_with_a_file(desk)
    Message.objects.filter(pk=draft.pk).update(status=Status.REFUSED, typed={}, remote_configuration="01OLD")
    draft.refresh_from_db()
    assert resolution.reopen(draft, desk.clerk)
    draft.refresh_from_db()
    assert draft.remote_configuration == ""
    page = said(desk.get("message_edit", draft))
    assert PROTECTED_BODY in page
    assert "referto.pdf" in page
    assert desk.get("message_check", draft).status_code == 200


def test_what_goes_again_leaves_with_the_place_that_is_registered_now(desk: Desk) -> None:
    draft = ready_with_a_file(desk)
    approval.send(draft, desk.clerk)
    Message.objects.filter(pk=draft.pk).update(
        status=Status.REFUSED, remote_configuration="01OLD", next_attempt_at=None
    )
    draft.refresh_from_db()
    assert resolution.retry(draft, desk.clerk)
    draft.refresh_from_db()
    assert draft.remote_configuration == CONFIGURATION


def test_a_second_tab_overwrites_no_protected_text(desk: Desk) -> None:
    draft = desk.draft()
    first = desk.form(draft, **REMOTE)
    desk.save(draft, **{**REMOTE, "protected_body": f"Altro. {PROTECTED_BODY}"})
    response = desk.as_().post(reverse("message_edit", args=[draft.public_id]), {**first, "action": "save"})
    assert response.status_code == 409
    assert contents.texts_of(draft).body.startswith("Altro.")


# Templates


def template_form(desk: Desk, **kw: Any) -> dict[str, Any]:
    start = {"service": desk.service.pk, "name": "Esito", "kind": "informational", "subject": SUBJECT}
    return {**start, "button1_kind": "web", "button2_kind": "web", **REMOTE, **kw}


def test_a_template_keeps_protected_texts_with_their_placeholders(desk: Desk) -> None:
    body = f"Gentile ((nome)), {PROTECTED_BODY}"
    data = template_form(desk, protected_body=body, **ASKING, has_attachments="on")
    assert desk.as_().post(reverse("template_new"), data).status_code == 302
    template = Template.objects.get()
    assert (template.has_remote_content, template.has_attachments, template.precondition) == (True, True, "ALWAYS")
    assert (template.protected_body, template.precondition_title) == (body, ASKING["precondition_title"])
    page = said(desk.as_().get(reverse("template_list")))
    assert "((nome))" in page
    changed = template_form(desk, protected_body=f"Cambiato. {body}", changed_at=template.changed_at.isoformat())
    response = desk.as_().post(reverse("template_edit", args=[template.pk]), {**changed, "confirmed": "1"})
    assert response.status_code == 302
    template.refresh_from_db()
    assert template.protected_body.startswith("Cambiato.")
    assert (template.has_attachments, template.precondition_title) == (False, "")


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"protected_body": ""}, "Scrivi il testo protetto."),
        ({"protected_subject": f"((nome)){'x' * 293}"}, "C’è un carattere di troppo: il massimo è 300."),
        ({**ASKING, "precondition_title": "x" * 302}, "Ci sono 2 caratteri di troppo: il massimo è 300."),
        (
            {**ASKING, "precondition_title": ""},
            "Scrivi il titolo dell’avvertenza, oppure scegli di non mostrarla mai.",
        ),
    ],
)
def test_a_template_without_a_text_that_it_promises_is_not_saved(
    desk: Desk, wrong: dict[str, str], sentence: str
) -> None:
    response = desk.as_().post(reverse("template_new"), template_form(desk, **wrong))
    assert errors_of(response) == [sentence]


def test_a_template_of_a_service_without_premium_has_no_attachments(desk: Desk) -> None:
    desk.service.premium = False
    desk.service.save()
    response = desk.as_().post(reverse("template_new"), template_form(desk, has_attachments="on"))
    assert "Questo servizio non ha l’accordo Premium" in errors_of(response)[0]


def test_a_placeholder_in_a_public_text_of_a_template_is_pointed_out(desk: Desk) -> None:
    data = template_form(desk, body=f"Gentile ((nome)), entro il ((scadenza)). {COURTESY}")
    page = said(desk.as_().post(reverse("template_preview"), data))
    assert "Nei testi pubblici c’è ((nome))." in page
    assert "non contiene dati personali" not in page


def test_a_message_begun_from_a_template_has_its_protected_texts(desk: Desk) -> None:
    template = cast.make_template(
        desk.service,
        body=COURTESY,
        has_remote_content=True,
        has_attachments=True,
        protected_subject=PROTECTED_SUBJECT,
        protected_body=f"Gentile ((nome)), {PROTECTED_BODY}",
        precondition="ONCE",
        precondition_title="Avviso",
        precondition_body="Leggilo con calma.",
    )
    desk.as_().post(reverse("message_new"), {"template": template.pk})
    draft = Message.objects.get()
    assert (draft.has_remote_content, draft.has_attachments, draft.precondition) == (True, True, "ONCE")
    assert draft.remote_content.body == template.protected_body
    page = said(desk.get("message_edit", draft))
    assert "Gentile ((nome))" in page
    assert re.search(r'<input type="checkbox" name="advanced"[^>]* checked', page)
    data = {**draft.typed, "protected_body": PROTECTED_BODY}
    assert errors_of(desk.save(draft, action="check", **data)) == ["Aggiungi almeno un PDF, oppure togli la spunta."]
    draft.refresh_from_db()
    assert draft.feature_level == FeatureLevel.ADVANCED
