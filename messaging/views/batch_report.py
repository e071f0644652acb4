"""A sending's report as a file: everybody of the service may take it, for it holds what they uploaded and may read."""

from __future__ import annotations

import tempfile
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import FileResponse, HttpRequest, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import redirect
from django.utils.text import slugify
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from messaging.batches import reports
from messaging.batches.progress import ALL, Filter
from messaging.models import Batch
from messaging.permissions import batch_or_404
from messaging.views.batch_progress import TO_CHECK, filter_of
from messaging.views.common import as_download, person_of

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@login_required
@require_safe
@never_cache
def batch_report(request: HttpRequest, public_id: UUID) -> HttpResponseBase:
    """Every row of the sending, or of one filter, with its outcome; ``format`` is csv or xlsx."""
    batch = batch_or_404(person_of(request), public_id)
    if batch.status in TO_CHECK:
        return redirect("batch_check", batch.public_id)
    wanted = filter_of(request.GET)
    return _csv(batch, wanted) if request.GET.get("format") == "csv" else _xlsx(batch, wanted)


def _csv(batch: Batch, wanted: Filter) -> HttpResponseBase:
    response = StreamingHttpResponse(reports.csv_pieces(batch, wanted), content_type="text/csv; charset=utf-8")
    return _named(response, batch, wanted, "csv")


def _xlsx(batch: Batch, wanted: Filter) -> HttpResponseBase:
    # The response closes the file, and so the system removes it.
    out = tempfile.TemporaryFile()  # noqa: SIM115
    try:
        reports.write_xlsx(out, batch, wanted)
    except BaseException:
        out.close()
        raise
    out.seek(0)
    return _named(FileResponse(out, content_type=XLSX), batch, wanted, "xlsx")


def _named(response: HttpResponseBase, batch: Batch, wanted: Filter, ending: str) -> HttpResponseBase:
    name = slugify(batch.name) or _("invio")
    part = "" if wanted is ALL else f"-{slugify(str(wanted.label))}"
    return as_download(response, f"{name}{part}.{ending}")
