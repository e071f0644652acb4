"""What a change of a template breaks for the files and jobs that use it: told before the change is saved."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from messaging.batches import plans
from messaging.enums import BatchStatus, Kind, RowState
from messaging.models import Batch, BatchRow, Template
from messaging.spreadsheets.columns import (
    AMOUNT,
    ATTACHMENT,
    DUE_DATE,
    FISCAL_CODE,
    NOTICE_NUMBER,
    Wanted,
    match_columns,
)
from messaging.spreadsheets.rows import CheckPlan
from messaging.templatetags.portal import day, number

#: So many rows of the last file are tried with the new text: what is wrong with a text shows early.
TRIED = 200
#: So many columns are named of a file that has more.
NAMED = 12
#: The Italian header of each field, as example files have it.
_HEADERS = {
    FISCAL_CODE: "codice_fiscale",
    AMOUNT: "importo",
    NOTICE_NUMBER: "numero_avviso",
    DUE_DATE: "scadenza",
    ATTACHMENT: "allegato",
}
_WAITING = [status for status in BatchStatus if status not in {BatchStatus.FINISHED, BatchStatus.CANCELLED}]


@dataclass(frozen=True, slots=True)
class Effect:
    """One thing that changes for others: what, what follows from it, and the sendings that it is about."""

    tone: str
    title: str
    text: str
    batches: tuple[Batch, ...] = ()


def effects(before: Template, after: Template) -> list[Effect]:
    """What the change breaks or leaves behind, the worst first; nothing when it can simply be saved."""
    if before.pk is None:
        return []
    last = Batch.objects.filter(template=before.pk).exclude(header=[]).order_by("-id").first()
    found = [*_moved(before, after), *_attachments_changed(before, after)]
    if last is not None:
        found += [*_of_the_last_file(last, before, after)]
    return [*found, *_waiting(before, after)]


def _moved(before: Template, after: Template) -> Iterator[Effect]:
    """A short name never changes but with the service: two services may have the same one."""
    if before.service_id == after.service_id:
        return
    text = _(
        "Chi lavora solo in %(old)s non lo vede più, e i comandi send_file con --service %(service)s "
        "--template %(template)s non lo trovano: ora serve --service %(new_service)s --template %(new_template)s."
    )
    names = {
        "old": before.service.name,
        "service": before.service.slug,
        "template": before.slug,
        "new_service": after.service.slug,
        "new_template": after.slug,
    }
    yield Effect("bad", _("Il modello passa al servizio %(name)s.") % {"name": after.service.name}, text % names)


def _attachments_changed(before: Template, after: Template) -> Iterator[Effect]:
    """A folder of PDFs comes with every file, or with none any more: jobs have to say so."""
    if before.has_attachments == after.has_attachments:
        return
    if after.has_attachments:
        text = _(
            "Ogni file deve avere la colonna allegato, con il nome del PDF di ogni persona, e arriva insieme a uno zip "
            "con quei PDF. I comandi send_file con questo modello vengono rifiutati finché non hanno --attachments."
        )
        yield Effect("bad", _("Il modello ora ha allegati."), text)
    else:
        text = _(
            "I messaggi partono senza PDF. I comandi send_file con --attachments vengono rifiutati finché l’opzione "
            "resta."
        )
        yield Effect("bad", _("Il modello non ha più allegati."), text)


def _of_the_last_file(last: Batch, before: Template, after: Template) -> Iterator[Effect]:
    old, new = _as_a_batch(before, last), _as_a_batch(after, last)
    remembered = dict(before.remembered_columns.values_list("field", "header"))
    matched_before, matched = (match_columns(last.header, _wanted(batch), remembered) for batch in (old, new))
    known = {problem.field for problem in matched_before.problems}
    missing = [problem.field for problem in matched.problems if problem.field not in known]
    if before.kind != after.kind:
        yield _kind_changed(Kind(after.kind))
    if missing:
        yield _missing(last, new, missing)
    gone = [field for field in matched_before.columns if field not in {want.field for want in _wanted(new)}]
    if gone:
        yield _unused([matched.labels[matched_before.columns[field]] for field in gone])
    if not matched.problems:
        new.columns = matched.columns
        # Whether the files are there, the next file's own folder will say.
        yield from _rows_that_fail(last, plans.plan_of(new, with_files=False))


def _as_a_batch(template: Template, last: Batch) -> Batch:
    """The last file again with the template as it was, or is to be; never saved."""
    return Batch(
        service=template.service,
        kind=template.kind,
        subject=template.subject,
        body=template.body,
        buttons=template.buttons,
        header=last.header,
        **{name: getattr(template, name) for name in plans.REMOTE_NAMES},
    )


def _wanted(batch: Batch) -> list[Wanted]:
    return plans.rules_of(batch).wanted(plans.text_of(batch))


def _kind_changed(kind: Kind) -> Effect:
    needs = {
        Kind.INFORMATIONAL: _("Le colonne del pagamento e della scadenza non entrano più nel messaggio."),
        Kind.PAYMENT: _("Ogni file deve avere le colonne importo e numero_avviso; scadenza è facoltativa."),
        Kind.DUE_DATE: _("Ogni file deve avere la colonna scadenza."),
    }
    titles = {
        Kind.INFORMATIONAL: _("Il modello diventa informativo."),
        Kind.PAYMENT: _("Il modello diventa di pagamento."),
        Kind.DUE_DATE: _("Il modello diventa con scadenza."),
    }
    return Effect("wait", titles[kind], needs[kind])


def _missing(last: Batch, new: Batch, fields: list[str]) -> Effect:
    written = {placeholder.key: f"(({placeholder.name}))" for placeholder in plans.text_of(new).placeholders}
    names = ", ".join(written.get(field) or _HEADERS[field] for field in fields)
    title = ngettext(
        "%(names)s non è tra le colonne dell’ultimo file.",
        "%(names)s non sono tra le colonne dell’ultimo file.",
        len(fields),
    )
    columns = ", ".join([name for name in last.header if name][:NAMED])
    text = _(
        "«%(file)s», del %(day)s, ha: %(columns)s. Il prossimo file deve avere anche quello che manca, "
        "oppure va abbinato a mano a un’altra colonna; un comando send_file con un file come questo viene rifiutato."
    )
    return Effect(
        "bad",
        title % {"names": names},
        text % {"file": last.filename, "day": day(last.created_at), "columns": columns},
    )


def _unused(labels: list[str]) -> Effect:
    title = ngettext("La colonna %(names)s non serve più.", "Le colonne %(names)s non servono più.", len(labels)) % {
        "names": ", ".join(f"«{label}»" for label in labels)
    }
    return Effect("wait", title, _("Può restare nel file: nel messaggio quel dato non compare."))


def _rows_that_fail(last: Batch, plan: CheckPlan) -> Iterator[Effect]:
    """Rows of the last file that were good, and of which the new text makes nothing that IO takes."""
    rows = BatchRow.objects.filter(batch=last, state=RowState.GOOD).exclude(cells=[]).order_by("number")[:TRIED]
    tried = buttons = others = 0
    for row in rows:
        tried += 1
        fields = {problem.field for problem in plans.checked(row, plan).problems}
        buttons += "buttons" in fields
        others += bool(fields) and "buttons" not in fields
    if buttons:
        yield Effect(
            "bad",
            _("Un pulsante non si aprirebbe."),
            _of_the_rows(buttons, tried) + " " + _("Controlla dove portano i pulsanti con un segnaposto."),
        )
    if others:
        text = _("Con quei dati manca un valore, oppure oggetto o testo escono dalle lunghezze di IO.")
        yield Effect("bad", _("Righe che andavano bene non andrebbero più."), f"{_of_the_rows(others, tried)} {text}")


def _of_the_rows(failing: int, tried: int) -> str:
    if tried == 1:
        return _("Succede nell’unica riga a posto dell’ultimo file.")
    sentence = _("Succede in %(failing)s delle prime %(tried)s righe a posto dell’ultimo file.")
    return sentence % {"failing": number(failing), "tried": number(tried)}


def _waiting(before: Template, after: Template) -> Iterator[Effect]:
    said = ("kind", "subject", "body", "buttons", *plans.REMOTE_NAMES)
    if all(getattr(before, name) == getattr(after, name) for name in said):
        return
    waiting = Batch.objects.filter(template=before.pk, status__in=_WAITING).only("public_id", "name", "status")
    batches = tuple(waiting.order_by("-id"))
    if not batches:
        return
    title = ngettext(
        "%(count)s invio in attesa tiene il testo di prima.",
        "%(count)s invii in attesa tengono il testo di prima.",
        len(batches),
    )
    text = _("Il testo nuovo vale per i file che carichi da adesso.")
    yield Effect("wait", title % {"count": number(len(batches))}, text, batches)
