"""A spreadsheet's way in: the file and its text, and the columns that nobody could match by name."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from itertools import islice
from typing import Any
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.text import slugify
from django.views.decorators.http import require_http_methods, require_safe

from messaging.batches import corrections, uploads
from messaging.batches.cells import decode
from messaging.batches.corrections import NoLongerOpen
from messaging.cell_words import column_sentence, file_sentence
from messaging.delivery.batches import OPEN
from messaging.document_words import folder_sentence
from messaging.documents.problems import FolderProblem
from messaging.forms.batches import ColumnsForm, UploadForm, columns_for, columns_of
from messaging.models import Batch, User
from messaging.permissions import batch_or_404, services_of, template_or_404
from messaging.spreadsheets.cells import Cell, shown
from messaging.spreadsheets.columns import ColumnProblem, column_labels
from messaging.spreadsheets.outcomes import example_file
from messaging.spreadsheets.problems import FileProblem
from messaging.spreadsheets.reading import open_sheet
from messaging.views.common import administrators_to_ask, person_of

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
#: How many rows of the file stand beside a column that is to be chosen by hand.
EXAMPLES = 3
#: Problems that lie in something else than the spreadsheet.
_FIELDS = {"not_premium": "template", "not_registered": "template"}
#: The example's due date lies so far ahead.
_AHEAD = timedelta(days=30)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def batch_new(request: HttpRequest) -> HttpResponse:
    """A new sending: its text, its file."""
    person = person_of(request)
    if not services_of(person).exists():
        asked = {"administrators": administrators_to_ask(person)}
        return render(request, "messaging/compose_nowhere.html", asked)
    if request.method != "POST":
        return _upload_page(request, UploadForm(initial=_wished(request, person), person=person))
    form = UploadForm(request.POST, request.FILES, person=person)
    if "columns" in request.POST:
        # Without JavaScript: which columns the chosen template asks for, before there is a file.
        kept = {"template": form.chosen, "name": request.POST.get("name", "")}
        return _upload_page(request, UploadForm(initial=kept, person=person))
    if form.is_valid() and (batch := _uploaded(form, person)):
        return redirect("batch_check", public_id=batch.public_id)
    return _upload_page(request, form)


def _wished(request: HttpRequest, person: User) -> dict[str, Any]:
    wanted = request.GET.get("template", "")
    return {"template": template_or_404(person, int(wanted))} if wanted.isdecimal() and len(wanted) < 10 else {}


def _uploaded(form: UploadForm, person: User) -> Batch | None:
    """The new batch; None when the file cannot be taken, which the form then says."""
    values = form.cleaned_data
    template, file, zipped = values["template"], values["file"], values["folder"]
    folder = uploads.Folder(zipped, zipped.name) if zipped else None
    try:
        return uploads.upload(template.service, template, person, file, file.name, values["name"], folder)
    except FileProblem as problem:
        sentence = file_sentence(problem.code, problem.params)
        form.add_error(_FIELDS.get(problem.code, "file"), ValidationError(sentence, code=problem.code))
    except FolderProblem as problem:
        form.add_error("folder", ValidationError(folder_sentence(problem.code, problem.params), code=problem.code))
    return None


def _upload_page(request: HttpRequest, form: UploadForm) -> HttpResponse:
    template = form.chosen
    needed = columns_for(template) if template else []
    # Said beside the field; a form that was sent without has said so by itself.
    form.fields["folder"].required = bool(template and template.has_attachments)
    return render(request, "messaging/batch_new.html", {"form": form, "template": template, "needed": needed})


@login_required
@require_safe
def batch_example(request: HttpRequest, pk: int) -> HttpResponse:
    """A file to fill in for a template: the right headers, and one row that shows how."""
    template = template_or_404(person_of(request), pk)
    fields = [column.field if column.is_known else column.name for column in columns_for(template)]
    content = example_file(fields, timezone.localdate() + _AHEAD)
    response = HttpResponse(content, content_type=XLSX)
    response["Content-Disposition"] = f'attachment; filename="esempio-{slugify(template.name) or template.pk}.xlsx"'
    return response


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def batch_columns(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Which column is which field, where names did not tell."""
    person = person_of(request)
    batch = batch_or_404(person, public_id)
    if batch.status not in OPEN or not batch.header:
        return redirect("batch_check", public_id=public_id)
    labels = column_labels(batch.header)
    data = request.POST if request.method == "POST" else None
    form = ColumnsForm(data, needed=columns_of(batch), labels=labels, columns=batch.columns)
    if form.is_bound and form.is_valid():
        chosen = {name: place for name, place in form.columns().items() if batch.columns.get(name) != place}
        if chosen:
            with suppress(NoLongerOpen):
                corrections.set_columns(batch, person, chosen, remember=form.cleaned_data["remember"])
        return redirect("batch_check", public_id=public_id)
    context = {
        "batch": batch,
        "form": form,
        "sentences": _column_sentences(batch),
        "columns": list(zip(labels, _examples(batch, len(labels)), strict=True)),
    }
    return render(request, "messaging/batch_columns.html", context)


def _column_sentences(batch: Batch) -> list[str]:
    if batch.problem.get("code") != "columns":
        return []
    return [
        column_sentence(ColumnProblem(found["field"], found["code"], found["params"]), found["name"])
        for found in batch.problem["params"]["problems"]
    ]


def _examples(batch: Batch, width: int) -> list[list[str]]:
    """For each column what its first cells show."""
    rows = [decode(row.cells) for row in batch.rows.order_by("number")[:EXAMPLES]] or _first_rows(batch)
    return [
        [text for row in rows if place < len(row) and (text := shown(row[place])[:40].strip())]
        for place in range(width)
    ]


def _first_rows(batch: Batch) -> list[list[Cell]]:
    if not batch.file_parts.exists():
        return []
    try:
        with uploads.as_path(batch) as path:
            sheet = open_sheet(path, batch.filename, max_bytes=uploads.max_bytes())
            return [cells for _number, cells in islice(sheet.rows(), EXAMPLES)]
    except FileProblem:
        # The check says what is wrong further down; the headers are enough to go on.
        return []
