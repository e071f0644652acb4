"""Icons, pills, fields and error summaries."""

import pytest
from django import forms
from django.template import Context, Template
from django.utils.translation import override

from messaging.enums import Status
from messaging.forms.base import ChoiceCards, MonoInput, PortalForm


class Sample(PortalForm):
    subject = forms.CharField(label="Oggetto", help_text="Si legge nella notifica.")
    code = forms.CharField(label="Codice", widget=MonoInput)
    service = forms.ChoiceField(label="Servizio", choices=[("a", "Tributi")])
    note = forms.CharField(label="Nota", required=False, widget=forms.Textarea)
    decision = forms.ChoiceField(
        label="Decisione",
        choices=[("yes", "È arrivato"), ("no", "Rinuncia")],
        widget=ChoiceCards(descriptions={"yes": "Non parte nient’altro."}),
    )
    sure = forms.BooleanField(label="Va bene")
    amount = forms.IntegerField(label="Importo", error_messages={"required": "Scrivi l’importo."})


def draw(source, **context):
    with override("it"):
        return Template("{% load portal %}" + source).render(Context(context))


def test_icons_are_silent_and_come_from_the_sprite():
    assert draw('{% icon "it-check" %}') == (
        '<svg class="icon icon-sm" aria-hidden="true"><use href="/static/theme/svg/sprites.svg#it-check"></use></svg>'
    )
    assert 'class="icon icon-xs icon-white"' in draw('{% icon "it-user" "xs" "icon-white" %}')
    assert 'class="icon"' in draw('{% icon "it-user" "" %}')


@pytest.mark.parametrize("status", list(Status))
def test_a_status_is_word_tone_and_icon(status):
    drawn = draw("{% status_pill status %}{% status_round status %}", status=status.value)
    with override("it"):
        assert str(status.label) in drawn
    assert f"status is-{status.tone}" in drawn
    assert f"#{status.icon}" in drawn


def test_a_pill_escapes_its_word():
    assert draw("{% pill word %}", word="<b>") == '<span class="status bare is-idle">&lt;b&gt;</span>'


def test_a_field_ties_label_hint_and_control():
    drawn = draw('{% field form.subject describedby="subject-count" hx_post="/x/" %}', form=Sample())
    assert '<label for="id_subject">Oggetto</label>' in drawn
    assert 'id="id_subject_helptext">Si legge nella notifica.' in drawn
    assert 'aria-describedby="id_subject_helptext subject-count"' in drawn
    assert 'hx-post="/x/"' in drawn
    assert 'class="form-control"' in drawn
    assert "required" not in drawn
    assert "(facoltativo)" not in drawn


def test_controls_have_their_classes():
    form = Sample()
    assert 'class="form-control mono"' in draw("{% field form.code %}", form=form)
    assert 'class="form-select"' in draw("{% field form.service %}", form=form)
    assert "(facoltativo)" in draw("{% field form.note %}", form=form)
    assert '<div class="check"><input type="checkbox"' in draw("{% field form.sure %}", form=form)


def test_a_hint_can_be_replaced_or_left_out():
    assert "Altro" in draw('{% field form.subject hint="Altro" %}', form=Sample())
    drawn = draw('{% field form.subject hint="" %}', form=Sample())
    assert "helptext" not in drawn


def test_a_field_with_an_error_says_so_under_the_control():
    drawn = draw("{% field form.subject %}", form=Sample({}))
    assert 'aria-invalid="true"' in drawn
    assert "has-error" in drawn
    assert 'aria-describedby="id_subject_helptext id_subject_error"' in drawn
    assert 'id="id_subject_error"' in drawn
    assert "Manca questo dato." in drawn
    assert "Scegli una voce." in draw("{% field form.decision %}", form=Sample({}))
    assert "Scrivi l’importo." in draw("{% field form.amount %}", form=Sample({}))


def test_choices_are_cards_with_their_meaning():
    drawn = draw("{% field form.decision %}", form=Sample())
    assert "<legend>Decisione</legend>" in drawn
    assert drawn.count('class="choice"') == 2
    assert "<b>È arrivato</b><span>Non parte nient’altro.</span>" in drawn
    assert "<b>Rinuncia</b></label>" in drawn


def test_values_are_escaped():
    form = Sample({"subject": '"><script>alert(1)</script>', "decision": "<b>"})
    assert "<script>" not in draw(
        "{% field form.subject %}{% field form.decision %}{% error_summary form %}", form=form
    )


def test_the_summary_counts_and_leads_to_the_fields():
    drawn = draw("{% error_summary form %}", form=Sample({}))
    assert "Ci sono 6 cose da correggere" in drawn
    assert '<a href="#id_subject">Oggetto</a>: Manca questo dato.' in drawn
    assert '<a href="#id_decision_0">Decisione</a>' in drawn
    assert 'role="alert"' in drawn
    assert 'tabindex="-1"' in drawn


def test_the_summary_of_one_error_is_a_sentence():
    data = {"subject": "x", "code": "x", "service": "a", "decision": "yes", "sure": "on"}
    drawn = draw("{% error_summary form %}", form=Sample(data))
    assert '<b>C’è una cosa da correggere:</b> <a href="#id_amount">Importo</a>' in drawn
    right = Sample({**data, "amount": "1"})
    assert draw("{% error_summary form %}", form=right).strip() == ""
    right.add_error(None, "Il servizio è sospeso.")
    assert "<b>Il servizio è sospeso.</b>" in draw("{% error_summary form %}", form=right)
    assert draw("{% error_summary nothing %}").strip() == ""


def test_the_summary_of_several_forms_and_a_formset():
    formset = forms.formset_factory(Sample, extra=0)(
        {"form-TOTAL_FORMS": "1", "form-INITIAL_FORMS": "0", "form-0-subject": "x"}, prefix="form"
    )
    drawn = draw("{% error_summary form formset %}", form=Sample({}), formset=formset)
    assert "Ci sono 11 cose da correggere" in drawn
    assert "#id_form-0-code" in drawn
