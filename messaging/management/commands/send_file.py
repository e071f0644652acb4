"""The scheduled job's door: a spreadsheet sent as from the screen, its outcome as JSON and as exit status."""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO

from django.conf import settings
from django.core.management.base import BaseCommand
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from messaging.batches import sending
from messaging.batches.sending import Ending, Job, Report
from messaging.batches.uploads import Folder
from messaging.cell_words import column_sentence, file_sentence, sentence
from messaging.delivery import batches
from messaging.document_words import folder_sentence
from messaging.enums import RowState
from messaging.models import BatchRow, Service, Template, User
from messaging.permissions import role_in
from messaging.spreadsheets.columns import ColumnProblem
from messaging.templatetags.portal import day, number, person, when

#: Who sends in the demonstration when nobody is named.
DEMONSTRATION_CLERK = "clerk"
_REASON_LENGTH = 300


class _Refused(Exception):
    """A setting of the job is wrong; the text says which, for the people who set it up."""


class Command(BaseCommand):
    help = "Send a spreadsheet of citizens with a template, as from the screen; prints one JSON object."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", metavar="FILE", help="CSV, XLSX, XLS or ODS.")
        parser.add_argument("--service", required=True, metavar="SLUG", help="The service's short name.")
        parser.add_argument("--template", required=True, metavar="SLUG", help="The template's short name.")
        parser.add_argument(
            "--attachments", metavar="ZIP", help="The PDFs that rows name, where the template has attachments."
        )
        parser.add_argument("--wait", action="store_true", help="Wait until no message moves, and count statuses.")
        parser.add_argument(
            "--timeout", type=float, metavar="SECONDS", help="With --wait: give up waiting; exit status 4 if any moves."
        )
        parser.add_argument(
            "--good-rows", action="store_true", help="Send the good rows of a file that has bad ones too."
        )
        parser.add_argument("--again", metavar="REASON", help="Why rows, or a whole file, sent before go again.")
        parser.add_argument("--as", dest="username", metavar="USER", help="Who sends: a clerk of the service.")
        parser.add_argument("--name", default="", help="What the sending is called; the file's name unless given.")

    def handle(self, *args: Any, **options: Any) -> None:
        statuses: dict[str, int] | None = None
        try:
            job, path = _job(options), Path(options["file"])
            report = _sent(job, path, options["attachments"])
        except _Refused as refusal:
            report = Report(Ending.REFUSED)
            self.stderr.write(str(refusal))
        for line in _told(report):
            self.stderr.write(line)
        if options["wait"]:
            statuses = self._waited(report, options["timeout"])
        self.stdout.write(json.dumps(_printed(report, statuses), ensure_ascii=False))
        if report.ending is not Ending.WELL:
            sys.exit(int(report.ending))

    def _waited(self, report: Report, seconds: float | None) -> dict[str, int]:
        """Wait for what is on its way, and let the report end as its messages did."""
        if report.batch is None or report.reason == "approval":
            return {}
        if not sending.wait(report.batch, seconds):
            self.stderr.write(_("Il tempo è finito e alcuni messaggi sono ancora in viaggio: seguili dalla scrivania."))
        statuses = batches.counts(report.batch)
        report.ending = sending.ending_of(statuses)
        return statuses


def _job(options: dict[str, Any]) -> Job:
    service = Service.objects.select_related("institution__account").filter(slug=options["service"]).first()
    if service is None:
        raise _Refused(_("Nessun servizio ha il nome breve «%(slug)s».") % {"slug": options["service"]})
    template = Template.objects.filter(service=service, slug=options["template"]).first()
    if template is None:
        values = {"slug": options["template"], "service": service.name}
        raise _Refused(_("Nel servizio %(service)s nessun modello ha il nome breve «%(slug)s».") % values)
    again = options["again"]
    if again is not None and not again.strip():
        raise _Refused(_("Dopo --again scrivi perché il file parte di nuovo."))
    return Job(
        service=service,
        template=template,
        person=_person(options["username"], service),
        name=options["name"],
        good_rows=options["good_rows"],
        again=(again or "").strip()[:_REASON_LENGTH],
    )


def _person(username: str | None, service: Service) -> User:
    if username is None:
        if not settings.DEMONSTRATION:
            raise _Refused(_("Scrivi chi invia, con --as e il nome utente di un addetto del servizio."))
        username = DEMONSTRATION_CLERK
    user = User.objects.filter(username=username, is_active=True).first()
    if user is None or role_in(user, service) is None:
        values = {"username": username, "service": service.name}
        raise _Refused(_("«%(username)s» non è addetto né responsabile del servizio %(service)s.") % values)
    return user


def _sent(job: Job, path: Path, attachments: str | None) -> Report:
    if attachments is None:
        with _opened(path) as stream:
            return sending.send(job, stream, path.name)
    zipped = Path(attachments)
    with _opened(path) as stream, _opened(zipped) as folder:
        return sending.send(replace(job, folder=Folder(folder, zipped.name)), stream, path.name)


def _opened(path: Path) -> BinaryIO:
    try:
        return path.open("rb")
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
        raise _Refused(_("Il file %(path)s non c’è.") % {"path": path}) from None
    except OSError:
        raise _Refused(_("Il file %(path)s non si può leggere: controlla i permessi.") % {"path": path}) from None


# What is printed


def _printed(report: Report, statuses: dict[str, int] | None) -> dict[str, Any]:
    printed: dict[str, Any] = {
        "rows": report.rows,
        "bad": report.bad,
        "warnings": report.warnings,
        "queued": report.queued,
    }
    if problems := list(_problems(report)):
        printed["problems"] = problems
    if statuses is not None:
        printed["statuses"] = statuses
    return printed


def _problems(report: Report) -> Iterator[dict[str, Any]]:
    """What is wrong, row by row, without the values of cells."""
    if report.reason == "columns":
        for found in report.params["params"]["problems"]:
            problem = ColumnProblem(found["field"], found["code"], found["params"])
            yield _problem(None, found["field"], column_sentence(problem, found["name"]))
    listed = [problem for row in report.problems for problem in _of_a_row(row)]
    yield from listed[: sending.NAMED]


def _of_a_row(row: BatchRow) -> Iterator[dict[str, Any]]:
    if row.state == RowState.REPEATED:
        yield _problem(row.number, "", _("Lo stesso messaggio è già partito per questa persona negli ultimi 7 giorni."))
    for found in row.problems if row.state == RowState.WRONG else ():
        yield _problem(row.number, found["field"], sentence({**found, "params": _without_cells(found["params"])}))


def _without_cells(params: dict[str, Any]) -> dict[str, Any]:
    """Cells beyond the header are the one value that a sentence repeats."""
    return {**params, "extra": ["…"] * len(params["extra"])} if "extra" in params else params


def _problem(row: int | None, field: str, words: str) -> dict[str, Any]:
    return {"row": row, "field": field, "sentence": words}


def _told(report: Report) -> Iterator[str]:
    """What happened, for the people who read the job's log."""
    if report.reason == "file":
        yield file_sentence(report.params["code"], report.params["params"])
    elif report.reason == "folder":
        yield folder_sentence(report.params["code"], report.params["params"])
    elif report.reason == "columns":
        yield from (problem["sentence"] for problem in _problems(report))
    elif report.reason == "rows":
        words = ngettext("Niente è partito: una riga non va.", "Niente è partito: %(n)s righe non vanno.", report.bad)
        yield words % {"n": number(report.bad)}
        yield _("Correggi il file, oppure invia le righe a posto con --good-rows.")
    elif report.reason == "hours":
        opening = report.params["opening"]
        yield _("Ora è fuori dall’orario degli invii: parte %(when)s.") % {"when": when(opening)}
    elif report.reason == "sent_before":
        yield _sent_before(report)
        yield _("Per inviarlo di nuovo scrivi perché, con --again.")
    elif report.reason:
        yield _reasons().get(report.reason, report.reason)
    if report.bad and report.ending not in {Ending.REFUSED, Ending.SENT_BEFORE}:
        words = ngettext("Una riga è rimasta fuori.", "%(n)s righe sono rimaste fuori.", report.bad)
        yield words % {"n": number(report.bad)}


def _sent_before(report: Report) -> str:
    if report.earlier is None:
        return _("Niente è partito: le stesse righe sono già partite negli ultimi 7 giorni.")
    values = {"person": person(report.earlier.author), "day": day(report.earlier.created_at)}
    return _("Niente è partito: lo stesso file lo ha già inviato %(person)s, caricato il %(day)s.") % values


def _reasons() -> dict[str, str]:
    return {
        "approval": _("Aspetta il sì di un responsabile: lo trova in «Da decidere»."),
        "no_folder": _("Niente è partito: il modello ha allegati. Indica lo zip con i PDF, con --attachments."),
        "folder_not_needed": _("Niente è partito: il modello non ha allegati. Togli --attachments."),
        "not_ready": _("Niente è partito: nel file non c’è nessuna riga a posto."),
        "changed": _("Niente è partito: intanto qualcuno ha cambiato questo invio. Riprova."),
    }
