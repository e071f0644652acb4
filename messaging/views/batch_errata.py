"""Writing a correction to those who received a sending."""

from __future__ import annotations

from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from messaging.batches import errata
from messaging.batches.progress import Figures, figures
from messaging.enums import Status
from messaging.forms.batch_errata import ErrataForm
from messaging.models import Batch
from messaging.permissions import batch_or_404
from messaging.views.batch_abilities import SendingAbilities
from messaging.views.common import person_of
from messaging.views.messages import say


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def batch_errata(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """The text of a correction, and who will get it; then it is checked and sent like any other sending."""
    person = person_of(request)
    batch = batch_or_404(person, public_id)
    numbers = figures(batch)
    if not SendingAbilities(person, batch).correct(numbers):
        say(request, _why_not(batch, numbers), good=False)
        return redirect("batch_detail", batch.public_id)
    form = ErrataForm(request.POST if request.method == "POST" else None, batch=batch)
    if request.method == "POST" and form.is_valid():
        correction = errata.prepare(batch, person, form.wording, form.matching.columns)
        return redirect("batch_check", correction.public_id)
    context = {
        "batch": batch,
        "figures": numbers,
        "uncertain": numbers.of(Status.UNCERTAIN, Status.ABANDONED),
        "form": form,
        "has_errors": bool(form.errors),
        "corrections": batch.corrections.order_by("pk"),
        "columns": [name for name in batch.header if name],
    }
    return render(request, "messaging/batch_errata.html", context)


def _why_not(batch: Batch, numbers: Figures) -> str:
    if numbers.queued or numbers.is_moving:
        return _("L’invio non è ancora finito: aspetta la fine o annullalo, poi la correzione va a chi l’ha ricevuto.")
    return _("Nessuno ha ricevuto questo invio: non c’è nulla da correggere.")
