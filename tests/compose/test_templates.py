"""Templates: written, shown with their placeholders, used, kept from strangers."""

from __future__ import annotations

import html
import re
from typing import Any

import pytest
from django.urls import reverse

from messaging import placeholders
from messaging.enums import BatchStatus, Kind
from messaging.models import Batch, Message, RememberedColumn, Template
from tests import cast
from tests.compose.conftest import BODY, SUBJECT, Desk, errors_of, said


def typed(desk: Desk, **kw: Any) -> dict[str, Any]:
    start = {"service": desk.service.pk, "name": "Orari", "kind": "informational", "subject": SUBJECT, "body": BODY}
    return {**start, "button1_kind": "web", "button2_kind": "web", **kw}


def test_a_template_is_written_and_listed_with_its_placeholders(desk: Desk) -> None:
    body = f"Gentile ((nome)), il ((scadenza)). {BODY}"
    response = desk.as_().post(reverse("template_new"), typed(desk, name="Avviso TARI!", body=body, kind="due_date"))
    assert response["Location"] == reverse("template_list")
    template = Template.objects.get()
    assert (template.slug, template.kind, template.changed_by) == ("avviso-tari", "due_date", desk.clerk)
    page = said(desk.as_().get(reverse("template_list")))
    for text in (
        "Avviso TARI!",
        "((nome))",
        "((scadenza))",
        "Con scadenza",
        "Usa questo modello",
        f"?template={template.pk}",
    ):
        assert text in page


def test_using_a_template_begins_a_message(desk: Desk) -> None:
    template = cast.make_template(desk.service, kind=Kind.PAYMENT)
    response = desk.as_().post(reverse("message_new"), {"template": template.pk})
    draft = Message.objects.get()
    assert response["Location"] == reverse("message_edit", args=[draft.public_id])
    assert (draft.template, draft.kind, draft.body) == (template, "payment", template.body)


def test_a_template_is_changed_and_keeps_its_short_name(desk: Desk) -> None:
    template = cast.make_template(desk.service, slug="com-era")
    address = reverse("template_edit", args=[template.pk])
    seen = template.changed_at.isoformat()
    button = {"button1_text_it": "Apri", "button1_text_en": "Open", "button1_target": "((indirizzo))"}
    assert desk.as_(desk.supervisor).post(address, typed(desk, changed_at=seen, **button)).status_code == 302
    template.refresh_from_db()
    assert (template.slug, template.name, template.changed_by) == ("com-era", "Orari", desk.supervisor)
    assert template.buttons[0]["target"] == "((indirizzo))"
    assert "((indirizzo))" in said(desk.as_().get(address))


def test_two_people_do_not_overwrite_each_others_template(desk: Desk) -> None:
    template = cast.make_template(desk.service, body=f"Prima. {BODY}")
    address = reverse("template_edit", args=[template.pk])
    seen = template.changed_at.isoformat()
    desk.as_().post(address, typed(desk, changed_at=seen, body=f"Di Marta. {BODY}"))
    response = desk.as_(desk.supervisor).post(address, typed(desk, changed_at=seen, body=f"Di Giulia. {BODY}"))
    assert "Intanto un’altra persona ha salvato questo modello." in said(response)
    assert "Di Giulia." in said(response)
    template.refresh_from_db()
    assert template.body.startswith("Di Marta.")
    again = template.changed_at.isoformat()
    assert (
        desk.as_(desk.supervisor).post(address, typed(desk, changed_at=again, body=f"Di Giulia. {BODY}")).status_code
        == 302
    )


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"name": ""}, "Scrivi un nome, per ritrovarlo."),
        ({"name": "Preso"}, "C’è già un modello con questo nome: scegline un altro."),
        ({"subject": ""}, "Scrivi l’oggetto."),
        ({"subject": "Breve"}, "Mancano 5 caratteri: ne servono almeno 10."),
        ({"body": ""}, "Scrivi il testo."),
        ({"body": "Breve"}, "Mancano 75 caratteri: ne servono almeno 80."),
        (
            {"button1_text_it": "Apri", "button1_text_en": "Open", "button1_target": "x"},
            "Scrivi l’indirizzo intero, come https://www.comune.example.it/tari.",
        ),
    ],
)
def test_what_is_wrong_is_said_and_the_rest_kept(desk: Desk, wrong: dict[str, str], sentence: str) -> None:
    cast.make_template(desk.service, name="Preso")
    response = desk.as_().post(reverse("template_new"), typed(desk, **wrong))
    assert errors_of(response) == [sentence]
    if "body" not in wrong:
        assert BODY in said(response)
    assert Template.objects.count() == 1


def test_names_that_differ_only_in_signs_get_short_names_of_their_own(desk: Desk) -> None:
    for name in ("Avviso TARI", "Avviso: TARI", "!!!"):
        desk.as_().post(reverse("template_new"), typed(desk, name=name))
    assert list(Template.objects.order_by("pk").values_list("slug", flat=True)) == [
        "avviso-tari",
        "avviso-tari-2",
        "modello",
    ]


def test_a_template_whose_text_is_still_to_be_filled_may_be_short(desk: Desk) -> None:
    response = desk.as_().post(reverse("template_new"), typed(desk, subject="((oggetto))", body="((testo))"))
    assert response.status_code == 302


def test_typing_shows_placeholders_and_phone(desk: Desk) -> None:
    body = f"Ciao ((nome)), paga ((importo)). {BODY}"
    response = desk.as_().post(reverse("template_preview"), typed(desk, body=body))
    live = said(response)
    assert "((nome))</span>" in live
    assert "Lo riempie il portale" in live
    assert 'id="phone-message"' in live
    assert not Template.objects.exists()


def test_deleting_a_template_leaves_its_messages(desk: Desk) -> None:
    template = cast.make_template(desk.service)
    desk.as_().post(reverse("message_new"), {"template": template.pk})
    assert desk.as_().post(reverse("template_delete", args=[template.pk])).status_code == 302
    assert Message.objects.get().template is None


def test_an_empty_list_says_what_templates_are_for(desk: Desk) -> None:
    assert "Non c’è ancora nessun modello." in said(desk.as_().get(reverse("template_list")))


def test_strangers_find_no_template(desk: Desk) -> None:
    template = cast.make_template(desk.service, name="Solo nostro")
    client = desk.as_(desk.stranger)
    assert "Solo nostro" not in said(client.get(reverse("template_list")))
    for name in ("template_edit", "template_delete"):
        assert client.post(reverse(name, args=[template.pk]), typed(desk)).status_code == 404
    assert client.get(reverse("template_edit", args=[template.pk])).status_code == 404
    # Nor can they put one into a service that is not theirs.
    client.post(reverse("template_new"), typed(desk))
    assert Template.objects.count() == 1


# What a change breaks


def used(desk: Desk, **kw: Any) -> tuple[Template, Batch]:
    """A template with ((nome)), used for a file of two people that has left."""
    template = cast.make_template(
        desk.service, name="Orari", slug="orari", subject=SUBJECT, body=f"Ciao ((nome)). {BODY}"
    )
    columns = {"kind": template.kind, "subject": template.subject, "body": template.body}
    known = {"author": desk.clerk, "name": "Orari di maggio", "status": BatchStatus.FINISHED, **columns, **kw}
    return template, cast.make_batch(people=2, service=desk.service, template=template, **known)


def change(desk: Desk, template: Template, **kw: Any) -> Any:
    same = {"name": template.name, "subject": template.subject, "body": template.body}
    data = typed(desk, **{**same, "changed_at": template.changed_at.isoformat(), **kw})
    return desk.as_().post(reverse("template_edit", args=[template.pk]), data)


def test_a_new_placeholder_that_the_last_file_has_not_is_told_before_saving(desk: Desk) -> None:
    template, _ = used(desk)
    body = f"Ciao ((nome)), abiti in ((via)). {BODY}"
    page = said(change(desk, template, body=body))
    assert "((via)) non è tra le colonne dell’ultimo file." in page
    assert "«elenco.csv»" in page
    assert "codice_fiscale, nome" in page
    template.refresh_from_db()
    assert "((via))" not in template.body
    # Nothing typed is lost, whichever way one goes on.
    back = said(change(desk, template, body=body, back="1"))
    assert "abiti in ((via))" in back
    assert "Salva il modello" in back
    assert change(desk, template, body=body, confirmed="1").status_code == 302
    template.refresh_from_db()
    assert "((via))" in template.body


def test_the_page_between_carries_all_that_was_typed(desk: Desk) -> None:
    template, _ = used(desk)
    page = change(desk, template, body=f"((via)) {BODY}", name='Orari «nuovi» & "vecchi"')
    kept = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', page.content.decode())
    values = {name: html.unescape(value) for name, value in kept if name != "csrfmiddlewaretoken"}
    assert values["name"] == 'Orari «nuovi» & "vecchi"'
    response = desk.as_().post(reverse("template_edit", args=[template.pk]), {**values, "confirmed": "1"})
    assert response.status_code == 302
    template.refresh_from_db()
    assert (template.name, template.body) == ('Orari «nuovi» & "vecchi"', f"((via)) {BODY}")


def test_a_change_that_breaks_nothing_saves_at_once(desk: Desk) -> None:
    template, _ = used(desk)
    body = f"Buongiorno ((nome)), il codice è ((codice_fiscale)). {BODY}"
    assert change(desk, template, body=body).status_code == 302
    fresh = cast.make_template(desk.service)
    assert change(desk, fresh, name="Nuovo", body=f"((via)) {BODY}").status_code == 302


def test_a_column_remembered_for_a_placeholder_breaks_nothing(desk: Desk) -> None:
    template, batch = used(desk)
    Batch.objects.filter(pk=batch.pk).update(header=["codice_fiscale", "nome", "Indirizzo di casa"])
    for row in batch.rows.all():
        batch.rows.filter(pk=row.pk).update(cells=[*row.cells, "Via Roma 1"])
    RememberedColumn.objects.create(template=template, field="via", header="Indirizzo di casa")
    assert change(desk, template, body=f"Ciao ((nome)), abiti in ((via)). {BODY}").status_code == 302


def test_a_placeholder_that_goes_leaves_a_column_without_use(desk: Desk) -> None:
    template, _ = used(desk)
    assert "La colonna «nome» non serve più." in said(change(desk, template, body=f"Ciao. {BODY}"))


def test_another_kind_asks_for_other_columns(desk: Desk) -> None:
    template, _ = used(desk)
    page = said(change(desk, template, kind="payment"))
    assert "Il modello diventa di pagamento." in page
    assert "importo, numero_avviso non sono tra le colonne dell’ultimo file." in page


def test_sendings_that_wait_keep_the_text_and_are_linked(desk: Desk) -> None:
    template, batch = used(desk, status=BatchStatus.READY)
    cast.make_batch(service=desk.service, template=template, author=desk.clerk, name="Altro", status="scheduled")
    cast.make_batch(service=desk.service, template=template, author=desk.clerk, name="Finito", status="finished")
    page = said(change(desk, template, body=f"Gentile ((nome)). {BODY}"))
    assert "2 invii in attesa tengono il testo di prima." in page
    assert reverse("batch_detail", args=[batch.public_id]) in page
    assert "Finito" not in page
    # Another name is no other text.
    assert change(desk, template, name="Altri orari").status_code == 302


def test_a_button_that_would_not_open_with_the_last_files_values_is_told(desk: Desk) -> None:
    template, _ = used(desk)
    button = {"button1_text_it": "Apri", "button1_text_en": "Open", "button1_target": "((nome))"}
    page = said(change(desk, template, **button))
    assert "Un pulsante non si aprirebbe." in page
    assert "Succede in 2 delle prime 2 righe a posto dell’ultimo file." in page
    button["button1_target"] = "https://www.comune.example.it/((nome))"
    assert change(desk, template, **button).status_code == 302


def test_a_text_too_short_or_long_with_the_last_files_values_is_told(desk: Desk) -> None:
    template, _ = used(desk)
    page = said(change(desk, template, body="Ciao ((nome))."))
    assert "Righe che andavano bene non andrebbero più." in page


def test_another_service_changes_what_jobs_must_say(desk: Desk) -> None:
    template, _ = used(desk)
    other = cast.make_service(institution=desk.service.institution, name="Scuola", slug="scuola")
    cast.give_role(desk.clerk, other)
    page = said(change(desk, template, service=other.pk))
    assert "Il modello passa al servizio Scuola." in page
    assert "--service scuola --template orari" in page


def test_a_change_over_somebody_elses_is_told_after_the_question_too(desk: Desk) -> None:
    template, _ = used(desk)
    stale = change(desk, template, body=f"((via)) {BODY}")
    assert "Prima di salvare" in said(stale)
    Template.objects.filter(pk=template.pk).update(changed_at="2026-01-01T00:00:00Z")
    for extra in ({}, {"confirmed": "1"}):
        page = said(change(desk, template, body=f"((via)) {BODY}", **extra))
        assert "Intanto un’altra persona ha salvato questo modello." in page


def test_words_on_buttons_may_have_placeholders(desk: Desk) -> None:
    button = {"button1_text_it": "Paga ((importo))", "button1_text_en": "Pay ((importo))"}
    button["button1_target"] = "https://www.comune.example.it/((pratica))"
    assert desk.as_().post(reverse("template_new"), typed(desk, **button)).status_code == 302
    assert Template.objects.get().buttons[0]["text_it"] == "Paga ((importo))"
    page = said(desk.as_().get(reverse("template_edit", args=[Template.objects.get().pk])))
    assert "((?sconto:" in page


@pytest.mark.parametrize(
    ("text", "filled"),
    [
        ("((importo))", "148,50 euro"),
        ("((importo)) euro", "148,50 euro"),
        ("**((importo))** euro", "**148,50** euro"),
        ("€ ((amount))", "€ 148,50"),
        ("(( Numero avviso )) e ((nome))", "3020 1234 e ((nome))"),
        ("((?numero_avviso: Avviso ((numero_avviso)).))((?scadenza: Entro il ((scadenza)).))", "Avviso 3020 1234."),
        ("((?nome: Ciao ((nome)).)) ((importo))", "((?nome: Ciao ((nome)).)) ((importo))"),
        ("((scadenza))", "((scadenza))"),
        ("(importo)", "(importo)"),
    ],
)
def test_the_messages_own_placeholders_are_filled_where_they_stand(text: str, filled: str) -> None:
    assert placeholders.fill(text, placeholders.own_values(14850, "30201234", None, ""), "markdown") == filled


def test_placeholders_are_found_once_whatever_their_case() -> None:
    assert placeholders.found(["((Nome)) ((nome)) ((via e numero))", "((VIA_E_NUMERO))"]) == ["Nome", "via e numero"]
