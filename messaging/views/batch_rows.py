"""What a clerk does to the rows of a checked file: corrects cells, leaves rows out, keeps the wrong ones for later."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterator
from functools import wraps
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db.models import Q, QuerySet
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.html import format_html
from django.utils.text import slugify
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe
from django_htmx.http import HttpResponseClientRedirect

from messaging.batches import corrections
from messaging.batches.cells import decode
from messaging.batches.corrections import SURPLUS, CannotChange, NoLongerOpen
from messaging.cell_words import sentence
from messaging.enums import ReachabilityAnswer, RowState
from messaging.forms.batches import SendForm
from messaging.models import Batch, BatchRow, User
from messaging.permissions import batch_or_404
from messaging.spreadsheets import outcomes
from messaging.spreadsheets.cells import Cell, shown
from messaging.templatetags.portal import number
from messaging.views.batch_files import files_of
from messaging.views.batch_panels import is_to_be_asked, live_panels
from messaging.views.batch_tables import seen_rows, wrong_rows
from messaging.views.batch_upload import XLSX
from messaging.views.common import as_download, person_of

_CELL = re.compile(r"cell-(\d{1,7})-(\d{1,4}|surplus)")
_UNREACHABLE = {
    ReachabilityAnswer.NOT_ON_IO.value: lambda: _("Non usa l’app IO."),
    ReachabilityAnswer.OPTED_OUT.value: lambda: _("Ha disattivato il servizio."),
}
#: What can be downloaded: the rows, and the name of the file beside the header of the column that says why.
_FILES: dict[str, tuple[Q, Callable[[], tuple[str, str]]]] = {
    "wrong": (Q(state=RowState.WRONG), lambda: (_("da correggere"), _("cosa non va"))),
    "doubtful": (
        Q(state__in=[RowState.GOOD, RowState.REPEATED]),
        lambda: (_("da ricontrollare"), _("da ricontrollare")),
    ),
    "repeated": (Q(state=RowState.REPEATED), lambda: (_("già inviate"), _("perché"))),
    "unreachable": (
        Q(state=RowState.GOOD, reachability__in=list(_UNREACHABLE)),
        lambda: (_("non raggiungibili"), _("perché")),
    ),
}


def _changes_rows(
    change: Callable[[HttpRequest, Batch, User], HttpResponse],
) -> Callable[[HttpRequest, UUID], HttpResponse]:
    """A POST that changes rows; of a sending that is no longer open, what has become of it is shown instead."""

    @login_required
    @require_POST
    @wraps(change)
    def view(request: HttpRequest, public_id: UUID) -> HttpResponse:
        person = person_of(request)
        batch = batch_or_404(person, public_id)
        try:
            return change(request, batch, person)
        except NoLongerOpen:
            return _gone(request, batch)

    return view


@_changes_rows
def batch_correct(request: HttpRequest, batch: Batch, person: User) -> HttpResponse:
    """Keep what was typed into cells, and judge those rows again."""
    typed, right = _correct(request, batch, person)
    return _changed(request, batch, _corrected_words(typed, right, batch.rows_wrong))


def _correct(request: HttpRequest, batch: Batch, person: User) -> tuple[int, int]:
    """How many rows were typed into, and how many of them are right now."""
    typed = _typed(request, batch)
    if not typed:
        return 0, 0
    still = corrections.correct(batch, person, typed)
    return len(typed), len(typed) - len(still)


def _typed(request: HttpRequest, batch: Batch) -> dict[int, dict[str, str]]:
    """What was changed, by row number and field; a cell left as it was keeps its type."""
    fields = {place: name for name, place in batch.columns.items()}
    posted: dict[int, dict[str, str]] = {}
    for name, text in request.POST.items():
        if found := _CELL.fullmatch(name):
            posted.setdefault(int(found[1]), {})[found[2]] = str(text)
    rows = BatchRow.objects.filter(batch=batch, number__in=list(posted)).values_list("number", "cells")
    typed: dict[int, dict[str, str]] = {}
    for row, values in rows:
        cells = decode(values)
        for key, text in posted[row].items():
            if key == "surplus":
                typed.setdefault(row, {})[SURPLUS] = ""
                continue
            place = int(key)
            before = shown(cells[place]) if place < len(cells) else ""
            if place in fields and text.split() != before.split():
                typed.setdefault(row, {})[fields[place]] = text
    return typed


def _corrected_words(typed: int, right: int, left: int) -> str:
    if not typed:
        return _("Non hai cambiato nessuna cella: correggi un valore, oppure escludi la riga.")
    told = []
    if right:
        told.append(ngettext("Una riga ora va bene.", "%(n)s righe ora vanno bene.", right) % {"n": number(right)})
    else:
        told.append(_("Quello che hai scritto non basta ancora."))
    if left:
        told.append(
            ngettext("Ne resta una da correggere.", "Ne restano %(n)s da correggere.", left) % {"n": number(left)}
        )
    else:
        told.append(_("Non resta niente da correggere."))
    return " ".join(told)


@_changes_rows
def batch_exclude(request: HttpRequest, batch: Batch, person: User) -> HttpResponse:
    """Leave a row out, or all the wrong ones; what was typed into the others is kept."""
    if "all" in request.POST:
        count = corrections.exclude_all_wrong(batch, person)
    else:
        _correct(request, batch, person)
        count = corrections.exclude(batch, person, _numbers(request))
    words = ngettext("Una riga esclusa.", "%(n)s righe escluse.", count) % {"n": number(count)}
    return _changed(request, batch, words)


@_changes_rows
def batch_include(request: HttpRequest, batch: Batch, person: User) -> HttpResponse:
    """Take back a row that was left out."""
    corrections.include(batch, person, _numbers(request))
    return _changed(request, batch, _("La riga è di nuovo tra le altre."))


def _numbers(request: HttpRequest) -> list[int]:
    return [int(text) for text in request.POST.getlist("row") if text.isdecimal() and len(text) < 8]


@_changes_rows
def batch_split(request: HttpRequest, batch: Batch, person: User) -> HttpResponse:
    """Keep the wrong rows in a draft of their own, so that the good ones can go."""
    try:
        draft = corrections.split_off_wrong(batch, person)
    except CannotChange:
        return redirect("batch_check", public_id=batch.public_id)
    words = ngettext(
        "Una riga è ora in una bozza sua, e da qui non parte.",
        "%(n)s righe sono ora in una bozza loro, e da qui non partono.",
        draft.rows_wrong,
    ) % {"n": number(draft.rows_wrong)}
    link = format_html('<a href="{}">{}</a>', reverse("batch_check", args=[draft.public_id]), _("Apri la nuova bozza"))
    messages.success(request, format_html("{} {}", words, link))
    return redirect("batch_check", public_id=batch.public_id)


@_changes_rows
def batch_recheck(request: HttpRequest, batch: Batch, person: User) -> HttpResponse:
    """Check all rows again, as when the rules of the service have changed."""
    corrections.recheck(batch, person)
    return redirect("batch_check", public_id=batch.public_id)


def _changed(request: HttpRequest, batch: Batch, words: str) -> HttpResponse:
    """The parts of the page that a change of rows touches; without HTMX the whole page."""
    page = request.POST.get("page", "")
    htmx: Any = getattr(request, "htmx", False)
    if not htmx:
        messages.info(request, words)
        query = f"?page={page}" if page.isdecimal() else ""
        return redirect(f"{reverse('batch_check', args=[batch.public_id])}{query}#righe")
    batch.refresh_from_db()
    again = request.POST.get("repeated") == SendForm.AGAIN
    panels = live_panels(batch, person_of(request), again=again)
    context = {
        **panels,
        **wrong_rows(batch, page),
        **seen_rows(batch),
        **files_of(batch),
        "send": SendForm(batch=batch, initial=request.POST.dict()),
        "starts_asking": is_to_be_asked(batch, panels["reach"]),
        "words": words,
        "oob": True,
    }
    return render(request, "messaging/partials/_batch_changed.html", context)


def _gone(request: HttpRequest, batch: Batch) -> HttpResponse:
    messages.info(request, _("Intanto l’invio è cambiato e le righe non si correggono più: ora sta così."))
    address = reverse("batch_check", args=[batch.public_id])
    htmx: Any = getattr(request, "htmx", False)
    return HttpResponseClientRedirect(address) if htmx else redirect(address)


# Files


@login_required
@require_safe
@never_cache
def batch_rows_download(request: HttpRequest, public_id: UUID, which: str) -> HttpResponseBase:
    """Rows of one sort (see _FILES) with their own columns, and why they are there; ``format`` is csv or xlsx."""
    batch = batch_or_404(person_of(request), public_id)
    if which not in _FILES:
        raise Http404
    wanted, words = _FILES[which]
    name, why = words()
    rows = batch.rows.filter(wanted)
    if which == "doubtful":
        rows = rows.exclude(warnings=[])
    header = [*map(str, batch.header), _("riga del foglio"), why]
    filename = f"{slugify(batch.name) or 'invio'}-{slugify(name)}"
    if request.GET.get("format") == "csv":
        pieces = outcomes.csv_pieces(header, _lines(batch, rows, which))
        response: HttpResponseBase = StreamingHttpResponse(pieces, content_type="text/csv; charset=utf-8")
        return as_download(response, f"{filename}.csv")
    out = io.BytesIO()
    outcomes.write_xlsx(out, header, _lines(batch, rows, which), sheet=str(name).capitalize())
    out.seek(0)
    return as_download(FileResponse(out, content_type=XLSX), f"{filename}.xlsx")


def _lines(batch: Batch, rows: QuerySet[BatchRow], which: str) -> Iterator[list[Cell]]:
    width, last = len(batch.header), -1
    while group := list(rows.filter(number__gt=last).order_by("number")[:1_000]):
        last = group[-1].number
        for row in group:
            cells = decode(row.cells)[:width]
            yield [*cells, *[None] * (width - len(cells)), row.number, _why(row, which)]


def _why(row: BatchRow, which: str) -> str:
    if which == "unreachable":
        return _UNREACHABLE[row.reachability]()
    if which == "repeated":
        return _("Lo stesso messaggio è già stato inviato negli ultimi 7 giorni.")
    return " ".join(sentence(kept) for kept in (row.problems if which == "wrong" else row.warnings))
