"""The page before sending: what is wrong, who can be reached, what each will read, and the act itself."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe
from django_htmx.http import HttpResponseClientRedirect

from messaging.batches import asking, corrections, uploads
from messaging.batches.checking import FOLDER
from messaging.cell_words import file_sentence
from messaging.delivery import batches
from messaging.delivery.batches import OPEN, CannotSend
from messaging.delivery.reachability import CannotAsk
from messaging.document_words import folder_sentence
from messaging.documents.problems import FolderProblem
from messaging.enums import BatchStatus
from messaging.forms.batches import FolderForm, SendForm
from messaging.models import Batch, User
from messaging.permissions import batch_or_404
from messaging.templatetags.portal import number
from messaging.views.batch_files import files_of
from messaging.views.batch_panels import is_to_be_asked, live_panels, reach_of
from messaging.views.batch_preview import preview_of
from messaging.views.batch_tables import tables_of
from messaging.views.common import person_of

#: Not yet anybody's to send, and still to be shown here.
CHECKED_HERE = frozenset({BatchStatus.UPLOADED, BatchStatus.CHECKING, *OPEN})
#: The problem that another file does not cure.
COLUMNS = "columns"
#: Problems that pass without another file.
_AGAIN = frozenset({"no_room", "not_registered", "not_premium"})
_CANNOT_ASK = {
    "not_ready": lambda: _("Ora non c’è nessuna riga da verificare."),
    "no_text": lambda: _("Manca il testo: senza un messaggio da inviare non si può chiedere di nessuno."),
    "too_many": lambda: _(
        "Oggi hai già fatto verificare molte persone senza inviare: la verifica di queste si fa al momento dell’invio."
    ),
}


@login_required
@require_safe
@never_cache
def batch_check(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Where a sending stands before it leaves: being checked, not readable, or to be settled and sent."""
    person = person_of(request)
    return _page(request, batch_or_404(person, public_id), person)


def _page(request: HttpRequest, batch: Batch, person: User, folder: FolderForm | None = None) -> HttpResponse:
    """The page as the batch stands, with the form of its folder as it was sent."""
    if batch.status not in CHECKED_HERE:
        return redirect("batch_detail", public_id=batch.public_id)
    if batch.status not in OPEN:
        return render(request, "messaging/batch_checking.html", {"batch": batch})
    if batch.problem.get("code") == COLUMNS:
        return redirect("batch_columns", public_id=batch.public_id)
    if batch.problem:
        return _problem_page(request, batch, folder)
    return check_page(request, batch, person, folder=folder)


def _problem_page(request: HttpRequest, batch: Batch, folder: FolderForm | None) -> HttpResponse:
    code, params = batch.problem["code"], batch.problem.get("params", {})
    # One that is still there waits for room: it needs no other.
    is_to_be_replaced = code == FOLDER and not batch.folder
    context = {
        "batch": batch,
        "sentence": file_sentence(code, params),
        "again": code in _AGAIN or bool(batch.folder),
        "folder": (folder or FolderForm()) if is_to_be_replaced else None,
    }
    return render(request, "messaging/batch_problem.html", context)


def check_page(
    request: HttpRequest,
    batch: Batch,
    person: User,
    send: SendForm | None = None,
    folder: FolderForm | None = None,
) -> HttpResponse:
    """The whole page of a batch whose rows were read; with a form as it was sent, when it could not be taken."""
    form = send or SendForm(batch=batch)
    context = {
        **live_panels(batch, person, again=form.again),
        **tables_of(request, batch),
        **files_of(batch, folder),
        "send": form,
        "starts_asking": is_to_be_asked(batch, reach_of(batch)),
        "same": uploads.same_file(batch),
        "sent_back": batch.changes.filter(to_status=BatchStatus.READY).exclude(note="").order_by("-pk").first(),
        **preview_of(batch, request.GET.get("row")),
    }
    wrong = folder if folder is not None and folder.errors else form
    context |= {"wrong_form": wrong, "has_errors": bool(wrong.errors)}
    return render(request, "messaging/batch_check.html", context)


@login_required
@require_safe
@never_cache
def batch_check_live(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """What has changed while the page stands open: the check's progress, or who can be reached by now."""
    person = person_of(request)
    batch = batch_or_404(person, public_id)
    waits = batch.status in {BatchStatus.UPLOADED, BatchStatus.CHECKING}
    if "checking" in request.GET and waits:
        return render(request, "messaging/partials/_batch_checking.html", {"batch": batch})
    if "checking" in request.GET or batch.status not in OPEN:
        return HttpResponseClientRedirect(reverse("batch_check", args=[public_id]))
    return _live(request, batch, person)


def _live(request: HttpRequest, batch: Batch, person: User, refused: str = "") -> HttpResponse:
    values = request.POST if request.method == "POST" else request.GET
    panels = live_panels(batch, person, again=values.get("repeated") == SendForm.AGAIN)
    announce = ""
    if "asking" in values and not panels["reach"].asking:
        announce = _("Verifica finita: %(counts)s.") % {"counts": panels["reach"].in_words}
    context = {**panels, "oob": True, "refused": refused, "announce": announce}
    return render(request, "messaging/partials/_batch_live.html", context)


@login_required
@require_POST
def batch_folder(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """More PDFs for the rows, or other ones with the same names; then all rows are judged again."""
    person = person_of(request)
    batch = batch_or_404(person, public_id)
    if not batch.has_attachments:
        return redirect("batch_check", public_id=public_id)
    form = FolderForm(request.POST, request.FILES)
    if form.is_valid():
        file = form.cleaned_data["folder"]
        try:
            corrections.add_folder(batch, person, uploads.Folder(file, file.name))
        except FolderProblem as problem:
            form.add_error("folder", folder_sentence(problem.code, problem.params))
        except corrections.NoLongerOpen:
            messages.info(request, _("Intanto l’invio è cambiato, e lo zip non è stato aggiunto: ora sta così."))
    if form.errors:
        return _page(request, batch, person, form)
    return redirect("batch_check", public_id=public_id)


@login_required
@require_POST
def batch_ask(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Have IO asked who of the good rows can be reached; the page does so by itself when it is opened."""
    person = person_of(request)
    batch = batch_or_404(person, public_id)
    refused = ""
    if batch.status in OPEN:
        try:
            asking.start(batch, person)
        except CannotAsk as refusal:
            refused = _CANNOT_ASK[refusal.code]()
        batch.refresh_from_db()
    htmx: Any = getattr(request, "htmx", False)
    if htmx and batch.status in OPEN:
        return _live(request, batch, person, refused)
    if refused:
        messages.warning(request, refused)
    return redirect("batch_check", public_id=public_id)


@login_required
@require_POST
def batch_send(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Send the batch, give it an hour, or ask for its approval."""
    person = person_of(request)
    batch = batch_or_404(person, public_id)
    if batch.status != BatchStatus.READY:
        return _not_ready(request, batch)
    form = SendForm(request.POST, batch=batch)
    if not form.is_valid():
        return check_page(request, batch, person, form)
    bar = live_panels(batch, person, again=form.again)["bar"]
    if bar.count > (form.cleaned_data.get("seen") or 0):
        form.add_error(None, _more_than_seen(bar.count))
        return check_page(request, batch, person, form)
    values = form.cleaned_data
    try:
        moved = batches.submit(
            batch,
            person,
            declared=True,
            starts_at=form.starts_at,
            repeat_reason=values["repeat_reason"] if form.again else "",
            warnings_confirmed=bool(values.get("warnings_confirmed")),
        )
    except CannotSend as refusal:
        batch.refresh_from_db()
        form.add_error(*_refusal(refusal.code))
        return check_page(request, batch, person, form)
    if not moved:
        messages.info(request, _("Intanto un’altra persona l’ha cambiato, e da qui non è partito: ora sta così."))
        return redirect("batch_detail", public_id=public_id)
    messages.success(request, _sent_words(batch))
    return redirect("batch_detail", public_id=public_id)


def _not_ready(request: HttpRequest, batch: Batch) -> HttpResponse:
    if batch.status in CHECKED_HERE:
        messages.warning(request, _("Non è partito nulla: prima restano righe da sistemare."))
        return redirect("batch_check", public_id=batch.public_id)
    messages.info(request, _("L’invio era già partito: ecco a che punto è."))
    return redirect("batch_detail", public_id=batch.public_id)


def _more_than_seen(count: int) -> str:
    sentence = ngettext(
        "Con la tua scelta parte un messaggio, non quello che diceva il pulsante. Se va bene, premi di nuovo.",
        "Con la tua scelta i messaggi sono %(n)s, più di quanti ne diceva il pulsante. Se va bene, premi di nuovo.",
        count,
    )
    return sentence % {"n": number(count)}


def _refusal(code: str) -> tuple[str | None, str]:
    """The field that keeps a batch from leaving, and the sentence beside it."""
    sentences: dict[str, tuple[str | None, str]] = {
        "not_ready": (None, _("Intanto qualcosa è cambiato, e non è partito nulla: restano righe da sistemare.")),
        "not_declared": ("declared", _("Conferma che ogni persona è un destinatario diretto.")),
        "nothing_to_send": (None, _("Nessuna di queste persone si può raggiungere su IO: non c’è niente da inviare.")),
        "repeated": (None, _("Tutte le righe sono già state inviate: per mandarle di nuovo scegli e scrivi perché.")),
        "warnings": (None, _("Ricontrolla i dubbi e conferma: solo così può partire.")),
        "past": ("day", _("Questo momento è già passato: scegline un altro.")),
        "too_far": ("day", _("Al massimo 90 giorni da oggi: scegli un giorno più vicino.")),
    }
    return sentences[code]


def _sent_words(batch: Batch) -> str:
    match batch.status:
        case BatchStatus.AWAITING_APPROVAL:
            return _("Hai chiesto l’approvazione: ora tocca a un responsabile.")
        case BatchStatus.SCHEDULED:
            return _("Fatto: parte da solo all’ora che hai scelto. Fino ad allora puoi riprenderlo.")
    return _("Fatto: l’invio è cominciato e va avanti da solo, anche se chiudi la pagina.")


@login_required
@require_POST
def batch_discard(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Throw away a sending that nobody has received."""
    person = person_of(request)
    batch = batch_or_404(person, public_id)
    if batch.status not in CHECKED_HERE:
        return redirect("batch_detail", public_id=public_id)
    try:
        corrections.discard(batch, person)
    except corrections.NoLongerOpen:
        return redirect("batch_detail", public_id=public_id)
    messages.success(request, _("«%(name)s» eliminato: nessuno ha ricevuto nulla.") % {"name": batch.name})
    return redirect("batch_list")
