"""The texts of one's services: written once, used for messages and for files."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from messaging import template_changes
from messaging.delivery import content
from messaging.forms.kinds import KIND_CHOICES
from messaging.forms.remote import TEXT_FIELDS
from messaging.forms.templates import TemplateForm, placeholders_of, typed_of
from messaging.models import Template, User
from messaging.permissions import services_of, template_or_404
from messaging.template_changes import Effect
from messaging.views.common import administrators_to_ask, person_of
from messaging.views.drafts import seen_at, usual_service
from messaging.views.preview import live_parts


@login_required
@require_safe
def template_list(request: HttpRequest) -> HttpResponse:
    """The templates of the person's services, by service."""
    person = person_of(request)
    services = list(services_of(person).order_by("name"))
    if not services:
        return _nowhere(request, person)
    rows = Template.objects.filter(service__in=services).select_related("service", "changed_by")
    kinds = dict(KIND_CHOICES)
    listed = [
        {
            "template": row,
            "kind": kinds[row.kind],
            "placeholders": [name for name, _built_in in placeholders_of(row)],
        }
        for row in rows.order_by("service__name", "name")
    ]
    return render(request, "messaging/template_list.html", {"rows": listed, "several": len(services) > 1})


def _nowhere(request: HttpRequest, person: User) -> HttpResponse:
    return render(request, "messaging/compose_nowhere.html", {"administrators": administrators_to_ask(person)})


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def template_new(request: HttpRequest) -> HttpResponse:
    """A new template."""
    person = person_of(request)
    service = usual_service(person)
    if service is None:
        return _nowhere(request, person)
    return _edited(request, Template(service=service), person)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def template_edit(request: HttpRequest, pk: int) -> HttpResponse:
    """A template to change."""
    person = person_of(request)
    return _edited(request, template_or_404(person, pk), person)


def _edited(request: HttpRequest, template: Template, person: User) -> HttpResponse:
    if request.method != "POST":
        return _page(request, TemplateForm(typed_of(template), template=template, person=person, strict=False))
    form = TemplateForm(request.POST.dict(), template=template, person=person)
    if not form.is_valid() or "back" in request.POST:
        return _page(request, form)
    if "confirmed" not in request.POST and (effects := _effects(request, form)):
        return _ask(request, form, effects)
    if _saved(request, form, person):
        messages.success(request, _("Modello salvato."))
        return redirect("template_list")
    return _page(request, form)


def _effects(request: HttpRequest, form: TemplateForm) -> list[Effect]:
    """What saving breaks; of a template that somebody changed meanwhile `_saved` speaks first."""
    if seen_at(request.POST.get("changed_at")) != form.template.changed_at:
        return []
    return template_changes.effects(form.template, form.filled())


def _ask(request: HttpRequest, form: TemplateForm, effects: list[Effect]) -> HttpResponse:
    """The page between typing and saving; it carries all that was typed, whichever way one goes on."""
    typed = {name: value for name, value in form.data.items() if name != "csrfmiddlewaretoken"}
    context = {"template": form.template, "effects": effects, "typed": typed}
    return render(request, "messaging/template_change.html", context)


def _saved(request: HttpRequest, form: TemplateForm, person: User) -> bool:
    """Save unless somebody else did in the meantime; then the form says so and keeps what was typed."""
    made = form.filled()
    made.changed_by = person
    try:
        with transaction.atomic():
            if made.pk is None:
                made.save()
                return True
            seen = seen_at(request.POST.get("changed_at"))
            made.changed_at = timezone.now()
            names = ["service", "name", "slug", "kind", "subject", "body", "buttons", "changed_by", "changed_at"]
            names += ["has_remote_content", "has_attachments", "precondition", *TEXT_FIELDS]
            rows = Template.objects.filter(pk=made.pk)
            if seen and rows.filter(changed_at=seen).update(**{name: getattr(made, name) for name in names}):
                return True
    except IntegrityError:
        form.add_error(
            "name", ValidationError(_("C’è già un modello con questo nome: scegline un altro."), code="taken")
        )
        return False
    form.template = Template.objects.get(pk=made.pk)
    sentence = _(
        "Intanto un’altra persona ha salvato questo modello. Se salvi di nuovo, il tuo prende il posto del suo."
    )
    form.add_error(None, ValidationError(sentence, code="conflict"))
    return False


def _page(request: HttpRequest, form: TemplateForm) -> HttpResponse:
    form.is_valid()
    template = form.template
    context: dict[str, Any] = {
        "compose": form,
        "template": template,
        "has_errors": form.strict and bool(form.errors),
        "strict": form.strict,
        "seen": _seen(form),
        **_live(form),
    }
    return render(request, "messaging/template_edit.html", context)


def _seen(form: TemplateForm) -> str:
    """Which version is being changed: the one first opened, until somebody is told that there is a newer one."""
    first = "" if form.has_error("__all__", "conflict") else form.data.get("changed_at")
    return str(first or (form.template.changed_at.isoformat() if form.template.pk else ""))


def _live(form: TemplateForm) -> dict[str, Any]:
    parts = live_parts(form.candidate)
    for name in ("advice", "protected_advice"):
        # What a person replaces later is no fault of a template.
        parts[name] = [line for line in parts[name] if line.icon != "it-pencil"]
    registered = bool(content.configuration_id(form.chosen_service))
    return {**parts, "placeholders": form.placeholders(), "is_registered": registered}


@login_required
@require_POST
def template_preview(request: HttpRequest) -> HttpResponse:
    """Counters, advice, phone and placeholders of a template being typed, each for its own place; saves nothing."""
    person = person_of(request)
    service = usual_service(person)
    if service is None:
        raise Http404
    form = TemplateForm(request.POST.dict(), template=Template(service=service), person=person, strict=False)
    form.is_valid()
    return render(
        request, "messaging/partials/_live.html", {"compose": form, "oob": True, "is_template": True, **_live(form)}
    )


@login_required
@require_POST
def template_delete(request: HttpRequest, pk: int) -> HttpResponse:
    """Delete a template; the messages written from it stay."""
    template = template_or_404(person_of(request), pk)
    template.delete()
    messages.success(request, _("Modello «%(name)s» eliminato.") % {"name": template.name})
    return redirect("template_list")
