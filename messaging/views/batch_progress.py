"""The page of a sending: how far it has come, and the outcome of every row; it follows the sending while it moves."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from messaging.appio.fiscal_codes import mask
from messaging.batches import listing
from messaging.batches.cells import decode
from messaging.batches.fates import Fate, fate
from messaging.batches.listing import Line, RowPage
from messaging.batches.progress import ALL, FILTERS, Figures, Filter, figures
from messaging.enums import BatchStatus, Status
from messaging.forms.batch_decisions import RowSearchForm
from messaging.models import Batch, Message, Recipient
from messaging.permissions import batch_or_404
from messaging.spreadsheets.cells import shown
from messaging.spreadsheets.columns import header_key
from messaging.views.batch_abilities import SendingAbilities
from messaging.views.batch_funnel import funnel
from messaging.views.batch_notices import ending, notices
from messaging.views.batch_review import render_review
from messaging.views.batch_story import story
from messaging.views.common import person_of

#: Until somebody has pressed Send, the page is that of the check.
TO_CHECK = (BatchStatus.UPLOADED, BatchStatus.CHECKING, BatchStatus.NEEDS_ATTENTION, BatchStatus.READY)
OVER = (BatchStatus.FINISHED, BatchStatus.CANCELLED)
#: How often the page asks (seconds): while messages leave, while IO delivers, while nothing is to happen.
QUICK, CALM, SLOW = 2, 10, 15
#: Columns that name the person, as `header_key` writes them.
_NAMES = ("nominativo", "nomecognome", "cognomenome", "intestatario", "contribuente", "destinatario")
_NO_MESSAGE = "z"
_LETTERS = {status: chr(ord("a") + place) for place, status in enumerate(Status)}
_SEEN = re.compile(r"(\d{1,9})([a-z])")


@dataclass(frozen=True, slots=True)
class TableRow:
    """A row of the table."""

    line: Line
    name: str
    fate: Fate
    time: str


@login_required
@require_safe
@never_cache
def batch_detail(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """How a sending goes, or what is to be approved; before it is sent, the page of its check."""
    batch = batch_or_404(person_of(request), public_id)
    if batch.status in TO_CHECK:
        return redirect("batch_check", batch.public_id)
    if batch.status == BatchStatus.AWAITING_APPROVAL:
        return render_review(request, batch)
    return _render(request, batch, RowSearchForm())


@login_required
@require_POST
def batch_search(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Lead to the rows of one person, or to one row; the fiscal code itself goes nowhere."""
    batch = batch_or_404(person_of(request), public_id)
    form = RowSearchForm(request.POST)
    if form.is_valid():
        query = _found(batch, form)
        if query:
            return redirect(f"{reverse('batch_detail', args=[batch.public_id])}?{query}#righe")
        form.add_error("query", _("In questo invio non c’è. Controlla di averlo scritto per intero."))
    if batch.status in TO_CHECK or batch.status == BatchStatus.AWAITING_APPROVAL:
        return redirect("batch_detail", batch.public_id)
    return _render(request, batch, form)


@login_required
@require_safe
@never_cache
def batch_live(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """What has changed since the page was drawn; without a trigger once nothing moves by itself any more."""
    person = person_of(request)
    batch = batch_or_404(person, public_id)
    if batch.status in TO_CHECK or batch.status == BatchStatus.AWAITING_APPROVAL:
        response = HttpResponse()
        response["HX-Refresh"] = "true"
        return response
    seen = request.GET.get("rows", "")
    context = _common(request, batch, figures(batch)) | {
        "changed": changed(batch, seen),
        "rows_seen": seen,
        "announce": request.GET.get("status") != batch.status,
        "oob": True,
    }
    return render(request, "messaging/partials/_sending_live.html", context)


def changed(batch: Batch, seen: str) -> int:
    """How many of the rows on somebody's page stand elsewhere by now; ``seen`` is what `watched` wrote."""
    shown_as = {int(number): letter for number, letter in _SEEN.findall(seen)[: listing.PAGE]}
    messages = Message.objects.filter(batch=batch, row__in=shown_as)
    letters = {row: _LETTERS[Status(status)] for row, status in messages.values_list("row", "status")}
    return sum(letters.get(number, _NO_MESSAGE) != letter for number, letter in shown_as.items())


def watched(lines: Sequence[Line]) -> str:
    """The rows of a page and where each stands, short enough for an address: «2c3c4g»."""
    return "".join(
        f"{line.row.number}{_LETTERS[Status(line.message.status)] if line.message else _NO_MESSAGE}" for line in lines
    )


def _render(request: HttpRequest, batch: Batch, search: RowSearchForm) -> HttpResponse:
    numbers = figures(batch)
    wanted = filter_of(request.GET)
    recipient = _person(batch, request.GET.get("person", ""))
    if recipient:
        page = RowPage(listing.lines_of_person(batch, recipient), None, None)
    else:
        after, before = _number(request.GET, "after"), _number(request.GET, "before")
        page = listing.page(batch, wanted, after=after or 0, before=before)
    names = _name_columns(batch)
    context = _common(request, batch, numbers) | {
        "page": page,
        "rows": [_row(batch, line, names) for line in page.lines],
        "has_names": bool(names),
        "person": mask(recipient.fiscal_code) if recipient else "",
        "parts": numbers.parts(wanted),
        "story": story(batch),
        "search": search,
        "has_errors": bool(search.errors),
        "rows_seen": watched(page.lines),
        "changed": 0,
        "kept": "" if wanted is ALL else f"filter={wanted.key}&",
    }
    return render(request, "messaging/batch_detail.html", context)


def _common(request: HttpRequest, batch: Batch, numbers: Figures) -> dict[str, Any]:
    """What the parts of the page that follow the sending need."""
    can = SendingAbilities(person_of(request), batch)
    wanted = filter_of(request.GET)
    return {
        "batch": batch,
        "figures": numbers,
        "counters": [(one, count, one.key == wanted.key) for one, count in numbers.counters],
        "wanted": wanted,
        "wanted_count": numbers.count(wanted),
        "can": can,
        "correct": can.correct(numbers),
        "corrections": list(batch.corrections.order_by("pk")) if batch.status in OVER else [],
        "notices": notices(batch, numbers),
        "ending": ending(batch, numbers),
        "funnel": funnel(batch, numbers),
        "pace": pace(batch, numbers),
        "now": timezone.now(),
        "place": _place(request.GET),
    }


def pace(batch: Batch, numbers: Figures) -> int:
    """After how many seconds the page asks again; 0 at the end."""
    if batch.status in {BatchStatus.PAUSED, BatchStatus.SCHEDULED}:
        return SLOW
    if numbers.queued or numbers.of(Status.SENDING):
        return QUICK
    if numbers.of(Status.ACCEPTED):
        return CALM
    return SLOW if batch.status == BatchStatus.SENDING else 0


def filter_of(data: QueryDict) -> Filter:
    """The filter that an address names; what nobody knows shows all."""
    return FILTERS.get(data.get("filter", ""), ALL)


def _place(data: QueryDict) -> str:
    """Filter and page of an address, to come back to; nothing else that may stand in it."""
    kept = QueryDict(mutable=True)
    for name in ("filter", "after", "before", "person"):
        if value := data.get(name):
            kept[name] = value
    return kept.urlencode()


def _number(data: QueryDict, name: str) -> int | None:
    value = data.get(name, "")
    return int(value) if value.isascii() and value.isdecimal() and len(value) < 10 else None


def _person(batch: Batch, public_id: str) -> Recipient | None:
    if not public_id:
        return None
    try:
        wanted = UUID(public_id)
    except ValueError as error:
        raise Http404 from error
    found = Recipient.objects.filter(public_id=wanted, institution=batch.service.institution_id).first()
    if found is None:
        raise Http404
    return found


def _found(batch: Batch, form: RowSearchForm) -> str:
    """Where a search leads within the page; empty when there is nothing."""
    if form.fiscal_code:
        recipients = Recipient.objects.filter(
            fiscal_code=form.fiscal_code, institution=batch.service.institution_id, batch_rows__batch=batch
        )
        found = recipients.first()
        return f"person={found.public_id}" if found else ""
    if form.number and batch.rows.filter(number=form.number).exists():
        return f"after={form.number - 1}" if form.number > 1 else "filter=all"
    return ""


def _name_columns(batch: Batch) -> list[int]:
    """The places of the columns that name the person: one that holds the whole name, or first name and surname."""
    keys = [header_key(str(name)) for name in batch.header]
    whole = [keys.index(name) for name in _NAMES if name in keys]
    return whole[:1] or [keys.index(name) for name in ("nome", "cognome") if name in keys]


def _row(batch: Batch, line: Line, names: list[int]) -> TableRow:
    cells = decode(line.row.cells)
    name = " ".join(shown(cells[place]).strip() for place in names if place < len(cells))
    told = fate(batch, line)
    return TableRow(line, name[:60].strip(), told, _time(told.at))


def _time(moment: datetime | None) -> str:
    """The hour with seconds; of another day, the day too."""
    if moment is None:
        return ""
    local = timezone.localtime(moment)
    return f"{local:%H:%M:%S}" if local.date() == timezone.localdate() else f"{local:%d/%m/%Y %H:%M}"
