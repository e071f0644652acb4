"""The PDF files of a message: added to a draft, put in order, taken away, opened by staff."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.files.uploadedfile import UploadedFile
from django.http import FileResponse, Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from django_stubs_ext import StrOrPromise

from messaging.document_words import problem_sentence
from messaging.documents.problems import PdfProblem
from messaging.models import Message, MessageAttachment, User
from messaging.permissions import message_or_404
from messaging.remote import attachments, contents
from messaging.views.common import person_of

#: The file is shown by the browser's own reader; whatever it holds runs nothing and fetches nothing.
_POLICY = "sandbox; default-src 'none'; style-src 'unsafe-inline'; object-src 'self'; frame-ancestors 'none'"
_CHANGES: dict[str, tuple[Callable[[Message, MessageAttachment, User], None], StrOrPromise]] = {
    "detach": (contents.detach, lazy("Allegato tolto: %(name)s.")),
    "up": (contents.move_up, lazy("Allegato spostato: %(name)s.")),
}


def is_about_files(action: str) -> bool:
    """Whether the pressed button of a draft's page changes its files: "attach", "detach-12" or "up-12"."""
    return action == "attach" or action.partition("-")[0] in _CHANGES


def change(request: HttpRequest, message: Message, person: User, action: str) -> str:
    """Do to the files of a draft, as it is saved now, what the pressed button says; returns why not, if not.

    Raises CannotCorrect when it is a draft no more.
    """
    if action == "attach":
        return _add(request, message, person)
    name, _dash, pk = action.partition("-")
    what, done = _CHANGES[name]
    # One that somebody has taken away already is where this person wants it.
    if file := next((one for one in contents.files_of(message) if str(one.pk) == pk), None):
        what(message, file, person)
        messages.success(request, str(done) % {"name": file.name})
    return ""


def _add(request: HttpRequest, message: Message, person: User) -> str:
    file = request.FILES.get("attachment")
    if not isinstance(file, UploadedFile):
        return _("Scegli prima il file PDF da aggiungere.")
    try:
        taken = attachments.take_in(message.service, person, file, file.name or "")
    except PdfProblem as problem:
        return f"{file.name}: {problem_sentence(problem.code, problem.params)}"
    if any(one.attachment_id == taken.pk for one in contents.files_of(message)):
        return _("%(name)s c’è già: scegli un altro file.") % {"name": taken.name}
    contents.attach(message, taken, taken.name, person)
    messages.success(request, _("Allegato aggiunto: %(name)s.") % {"name": taken.name})
    return ""


@login_required
@require_safe
@never_cache
def attachment_open(request: HttpRequest, public_id: UUID, attachment: UUID) -> HttpResponseBase:
    """A file of a message, also one that was replaced, for whoever may read the message."""
    message = message_or_404(person_of(request), public_id)
    rows = MessageAttachment.objects.filter(message=message, attachment=attachment).select_related("attachment")
    row = rows.order_by("-pk").first()
    if row is None:
        raise Http404
    try:
        opened = row.attachment.file.open("rb")
    except (OSError, ValueError) as error:
        # The retention rule has emptied it.
        raise Http404 from error
    answer = FileResponse(opened, filename=row.name, content_type="application/pdf")
    answer.headers["Content-Security-Policy"] = _POLICY
    return answer
