"""Any row of a sending as its citizen will see it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from messaging.batches.cells import decode
from messaging.batches.previews import neighbours, sample_of
from messaging.delivery.batches import OPEN
from messaging.enums import RowState
from messaging.models import Batch, BatchRow
from messaging.permissions import batch_or_404
from messaging.views.batch_tables import name_of
from messaging.views.common import person_of
from messaging.views.preview import phone_of


@login_required
@require_safe
@never_cache
def batch_preview(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Another row on the phone, each part for its own place."""
    batch = batch_or_404(person_of(request), public_id)
    if batch.status not in OPEN or batch.problem:
        return redirect("batch_check", public_id=public_id)
    context = {"batch": batch, "oob": True, **preview_of(batch, request.GET.get("row"))}
    return render(request, "messaging/partials/_batch_preview_live.html", context)


def preview_of(batch: Batch, wanted: str | None) -> dict[str, Any]:
    """The phone of a row, or of the first that there is; what stands before and after it."""
    number = int(wanted) if wanted and wanted.isdecimal() and len(wanted) < 10 else 0
    sample = sample_of(batch, number) if number else None
    if sample is None:
        first = BatchRow.objects.filter(batch=batch, state__in=[RowState.GOOD, RowState.REPEATED])
        number = first.order_by("number").values_list("number", flat=True).first() or 0
        sample = sample_of(batch, number) if number else None
    if sample is None:
        return {"phone": None}
    cells = BatchRow.objects.values_list("cells", flat=True).get(batch=batch, number=number)
    before, after = neighbours(batch, number)
    name = name_of(batch, decode(cells)).partition(" ")[0]
    phone = phone_of(sample.message, sample.files)
    return {"phone": phone, "row": number, "before": before, "after": after, "reader": name}
