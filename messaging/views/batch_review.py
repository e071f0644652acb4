"""What a second person sees before saying yes to a sending, and what the others see meanwhile."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _

from messaging.advice_words import Told
from messaging.batches.previews import sample_of
from messaging.batches.progress import figures
from messaging.delivery import reminders
from messaging.delivery.batches import to_send
from messaging.enums import Precondition, Role, RowState
from messaging.forms.decisions import ApprovalForm, SendBackForm
from messaging.models import Batch, BatchRow, User
from messaging.views.batch_abilities import SendingAbilities
from messaging.views.common import names, person_of, supervisors_of
from messaging.views.preview import drawn, phone_of
from messaging.wording import overlap_words


def render_review(request: HttpRequest, batch: Batch, *, send_back: SendBackForm | None = None) -> HttpResponse:
    """The page of a sending that waits for its approval."""
    person = person_of(request)
    can = SendingAbilities(person, batch)
    row, following = _sample(batch, request.GET.get("row", ""))
    sample = sample_of(batch, row) if row else None
    deciders = _deciders(batch)
    context: dict[str, Any] = {
        "batch": batch,
        "figures": figures(batch),
        "recipients": to_send(batch),
        "can": can,
        "row": row,
        "following": following,
        "message": sample.message if sample else None,
        "phone": phone_of(sample.message, sample.files) if sample else None,
        "text": drawn(batch.body),
        "protected": drawn(batch.protected_body) if batch.has_remote_content else "",
        "warning": drawn(batch.precondition_body) if batch.precondition != Precondition.NEVER else "",
        "files": batch.files.exclude(attachment=None).count() if batch.has_attachments else 0,
        "approval": ApprovalForm(initial={"seen": batch.approval_digest}),
        "send_back": send_back or SendBackForm(),
        "wrong": send_back,
        "has_errors": bool(send_back and send_back.errors),
        "why_not": "" if can.approve else _why_not(person, batch, can, deciders),
        "deciders": names(deciders),
        "overlap": Told("wait", "it-clock", *overlap_words(found)) if (found := reminders.overlapping(batch)) else None,
    }
    return render(request, "messaging/batch_review.html", context)


def _sample(batch: Batch, wanted: str) -> tuple[int | None, int | None]:
    """A row that is to become a message, and the next one; after the last comes the first."""
    good = BatchRow.objects.filter(batch=batch, state=RowState.GOOD).order_by("number").values_list("number", flat=True)
    start = int(wanted) if wanted.isascii() and wanted.isdecimal() and len(wanted) < 10 else 0
    found = list(good.filter(number__gte=start)[:2])
    if len(found) < 2:
        found += list(good[:2])
    shown = found[0] if found else None
    return shown, next((number for number in found if number != shown), None)


def _deciders(batch: Batch) -> list[User]:
    own = {batch.author_id, batch.submitted_by_id}
    return [one for one in supervisors_of([batch.service_id]).get(batch.service_id, []) if one.pk not in own]


def _why_not(person: User, batch: Batch, can: SendingAbilities, deciders: list[User]) -> str:
    """Why this person cannot say yes."""
    if can.role is not Role.SUPERVISOR:
        return _("Lo approva un responsabile del servizio.")
    if person.pk in {batch.author_id, batch.submitted_by_id}:
        return _("Lo hai preparato o mandato tu: serve il sì di un’altra persona.")
    if person in deciders and can.role is Role.SUPERVISOR and _gave_role_to_themselves(person, batch):
        return _("Il tuo ruolo in questo servizio te lo sei dato tu: serve il sì di un’altra persona.")
    return _("Ci hai messo mano prima dell’invio: serve il sì di un’altra persona.")


def _gave_role_to_themselves(person: User, batch: Batch) -> bool:
    return person.memberships.filter(service=batch.service_id, granted_by=person).exists()
