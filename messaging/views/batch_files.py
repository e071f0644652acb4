"""The attachments of a sending beside its rows: how many are there, which lack, which are too many."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponseBase, StreamingHttpResponse
from django.utils.text import slugify
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from messaging.batches import folders
from messaging.batches.folders import Comparison
from messaging.document_words import problem_sentence
from messaging.forms.batches import FolderForm
from messaging.models import Batch
from messaging.permissions import batch_or_404
from messaging.spreadsheets import outcomes
from messaging.spreadsheets.cells import Cell
from messaging.views.common import as_download, person_of

#: So many names of each sort are shown; all are in the download.
FEW = 20
SORTS = ("missing", "wrong", "surplus")


@dataclass(frozen=True, slots=True)
class FileList:
    """Files of one sort: the first of them, each with what is wrong with it, and how many there are."""

    sort: str
    count: int
    named: list[tuple[str, str]]

    @property
    def rest(self) -> int:
        """How many are not named."""
        return self.count - len(self.named)


@dataclass(frozen=True, slots=True)
class FilesPanel:
    """What the page says of the attachments, and the form for more of them."""

    good: int
    missing: FileList
    wrong: FileList
    surplus: FileList
    form: FolderForm


def files_of(batch: Batch, form: FolderForm | None = None) -> dict[str, Any]:
    """The attachments of a checked batch, for its page; nothing for a batch without."""
    if not batch.has_attachments:
        return {"files": None}
    found = folders.compare(batch)
    lists = {sort: _listed(sort, found) for sort in SORTS}
    return {"files": FilesPanel(good=found.good, form=form or FolderForm(), **lists)}


def _listed(sort: str, found: Comparison) -> FileList:
    lines = _lines(sort, found)
    count = len(found.wrong) if sort == "wrong" else len(getattr(found, sort))
    return FileList(sort, count, [next(lines) for _line in range(min(FEW, count))])


def _lines(sort: str, found: Comparison) -> Iterator[tuple[str, str]]:
    if sort == "wrong":
        for file in found.wrong:
            yield file.name, problem_sentence(file.problem["code"], file.problem["params"])
    else:
        yield from ((name, "") for name in getattr(found, sort))


@login_required
@require_safe
@never_cache
def batch_files_download(request: HttpRequest, public_id: UUID, which: str) -> HttpResponseBase:
    """The names of the files of one sort, as CSV."""
    batch = batch_or_404(person_of(request), public_id)
    if which not in SORTS:
        raise Http404
    names = {"missing": _("file che mancano"), "wrong": _("file che non vanno"), "surplus": _("file in più")}
    header = [_("file"), _("cosa non va")] if which == "wrong" else [_("file")]
    rows: Iterator[list[Cell]] = (list(line[: len(header)]) for line in _lines(which, folders.compare(batch)))
    response = StreamingHttpResponse(outcomes.csv_pieces(header, rows), content_type="text/csv; charset=utf-8")
    filename = f"{slugify(batch.name) or 'invio'}-{slugify(names[which])}.csv"
    return as_download(response, filename)
