"""Sentences for what is wrong with a spreadsheet, its columns and its cells: what, where, and what to do."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy
from django.utils.translation import ngettext
from django_stubs_ext import StrOrPromise

from messaging import document_words, problem_words
from messaging.spreadsheets.cells import for_reading
from messaging.spreadsheets.columns import AMOUNT, ATTACHMENT, DUE_DATE, FISCAL_CODE, NOTICE_NUMBER, ColumnProblem
from messaging.spreadsheets.rows import CellProblem
from messaging.templatetags.portal import number

_MEGABYTE = 1024 * 1024

FIELDS: Mapping[str, StrOrPromise] = {
    FISCAL_CODE: lazy("codice fiscale"),
    AMOUNT: lazy("importo"),
    NOTICE_NUMBER: lazy("numero avviso"),
    DUE_DATE: lazy("scadenza"),
    ATTACHMENT: lazy("allegato"),
    "subject": lazy("oggetto"),
    "markdown": lazy("testo"),
    "buttons": lazy("pulsanti"),
}

# The whole file

_FILE: Mapping[str, StrOrPromise] = {
    "empty": lazy("Il file è vuoto: esportalo di nuovo, e caricalo."),
    "no_rows": lazy("Nel file c’è l’intestazione e nessuna riga sotto: esportalo di nuovo con i destinatari."),
    "too_large": lazy("Il file pesa %(size)s MB, e il massimo è %(limit)s MB: dividilo in più file."),
    "too_many_rows": lazy("Il file ha più di %(limit)s righe: dividilo in più file."),
    "too_many_columns": lazy("Il file ha più di %(limit)s colonne: tieni solo quelle che servono."),
    "cell_too_long": lazy("Una cella ha più di %(limit)s caratteri: accorciala, e carica di nuovo il file."),
    "unreadable": lazy("Il file è rovinato, o è arrivato a metà: salvalo di nuovo, e caricalo."),
    "encrypted": lazy("Il file è protetto da una password: salvane una copia senza password, e carica quella."),
    "lock_file": lazy(
        "Questo è il file di servizio di un foglio aperto, il suo nome comincia con «~$»: carica il foglio, non questo."
    ),
    "zip_bomb": lazy("Il file, aperto, diventa troppo grande: salvalo di nuovo in CSV, e carica quello."),
    "no_visible_sheet": lazy("Tutti i fogli del file sono nascosti: mostra quello che serve, salva e carica di nuovo."),
    "encoding": lazy("Alcune lettere non si possono leggere: salva il file in «CSV UTF-8», e caricalo di nuovo."),
    "mixed_encodings": lazy(
        "Le lettere accentate sono scritte in due modi diversi: salva il file in «CSV UTF-8», e caricalo di nuovo."
    ),
    "quotes": lazy("Si apre una virgoletta che non si chiude: correggila, e carica di nuovo il file."),
    "no_room": lazy(
        "Sul server non c’è più spazio, e niente è stato salvato: avvisa chi lo gestisce, e riprova quando ce n’è."
    ),
    "expired": lazy("Il file è stato cancellato perché nessuno lo ha usato per %(days)s giorni: caricalo di nuovo."),
    "columns": lazy("Alcune colonne non si riconoscono: indica tu quali sono."),
    "not_premium": lazy(
        "Il servizio non ha l’accordo Premium, e senza non partono allegati: scegli un modello senza allegati, "
        "o chiedi a un amministratore."
    ),
    "not_registered": lazy(
        "IO non sa ancora dove venire a prendere il contenuto protetto: prima un amministratore registra il contenuto "
        "remoto dell’ente."
    ),
}

_AT_ROW: Mapping[str, StrOrPromise] = {
    "cell_too_long": lazy(
        "Riga %(row)s: una cella ha più di %(limit)s caratteri. Accorciala, e carica di nuovo il file."
    ),
    "encoding": lazy(
        "Riga %(row)s: alcune lettere non si possono leggere. Salva il file in «CSV UTF-8», e caricalo di nuovo."
    ),
    "mixed_encodings": lazy(
        "Dalla riga %(row)s le lettere accentate sono scritte in un altro modo: salva il file in «CSV UTF-8», e "
        "caricalo di nuovo."
    ),
    "quotes": lazy("Riga %(row)s: si apre una virgoletta che non si chiude. Correggila, e carica di nuovo il file."),
}
_FORMATS: Mapping[str, StrOrPromise] = {
    "html": lazy("una pagina web"),
    "pdf": lazy("un PDF"),
    "image": lazy("un’immagine"),
    "word": lazy("un documento di testo"),
    "presentation": lazy("una presentazione"),
    "document": lazy("un documento che non è un foglio"),
    "xlsb": lazy("un foglio di Excel in formato binario (XLSB)"),
    "xml": lazy("un file XML"),
    "rtf": lazy("un documento di testo"),
    "archive": lazy("un archivio compresso"),
    "binary": lazy("un file che non è un foglio"),
}


def file_sentence(code: str, params: Mapping[str, Any]) -> str:
    """What keeps a whole file from being used, for a code of ``FileProblem`` or of ``Batch.problem``."""
    if code == "folder":
        return document_words.folder_sentence(str(params["code"]), params["params"])
    if code == "unknown_format":
        found = _FORMATS.get(str(params.get("found")), _FORMATS["binary"])
        return _("Questo è %(found)s: salva il foglio in CSV, XLSX, XLS o ODS, e carica quello.") % {"found": found}
    words = _AT_ROW[code] if params.get("row") is not None and code in _AT_ROW else _FILE[code]
    values = {name: number(value) if isinstance(value, int) else value for name, value in params.items()}
    if code == "too_large":
        values = {name: number(-(-int(params[name]) // _MEGABYTE)) for name in ("size", "limit")}
    return str(words) % values if values else str(words)


# Columns


def field_name(field: str, written: str = "") -> str:
    """A field as the page names it: «importo», or a placeholder as the text has it, «((nome))»."""
    return str(FIELDS[field]) if field in FIELDS else f"(({written or field}))"


def column_sentence(problem: ColumnProblem, name: str = "") -> str:
    """Why nobody knows which column is a field; ``name`` is the placeholder's own, as the text writes it."""
    values = {"field": field_name(problem.field, name), "headers": _listed(problem.params.get("headers"))}
    if problem.code == "duplicate":
        return _("Più colonne possono essere %(field)s: %(headers)s. Scegli quella giusta.") % values
    if iuv := problem.params.get("iuv"):
        return _(
            "Manca la colonna %(field)s. «%(iuv)s» non può prenderne il posto: ha meno cifre. Esporta anche il numero "
            "avviso, di 18 cifre."
        ) % {**values, "iuv": iuv}
    if values["headers"]:
        return _("Manca la colonna %(field)s: indica quale è, o aggiungila al file e caricalo di nuovo.") % values
    return _("Manca la colonna %(field)s: aggiungila al file, e caricalo di nuovo.") % values


def _listed(headers: Any) -> str:
    return ", ".join(f"«{header}»" for header in headers or ())


# Cells

_CELLS: Mapping[str, Mapping[str, StrOrPromise]] = {
    FISCAL_CODE: {
        "not_text": lazy("Qui c’è vero o falso, e non un codice fiscale: ricopialo dalla tessera sanitaria."),
    },
    AMOUNT: {
        "amount_is_date": lazy(
            "Il foglio ha preso l’importo per una data: scrivilo qui, o formatta la colonna come numero e riscrivilo."
        ),
    },
    NOTICE_NUMBER: {
        "numeric_cell": lazy(
            "La cella è un numero, e così il foglio ha perso alcune cifre dell’avviso. In Excel: formatta la colonna "
            "come testo, incolla di nuovo i numeri dalla fonte e ricarica il file. Per una riga sola, riscrivilo qui."
        ),
        "scientific": lazy(
            "Il foglio ha accorciato l’avviso, e alcune cifre sono perse. In Excel: formatta la colonna come testo, "
            "incolla di nuovo i numeri dalla fonte e ricarica il file. Per una riga sola, riscrivilo qui."
        ),
        "not_text": lazy("Qui c’è vero o falso, e non un numero avviso: ricopialo dall’avviso."),
        "rounded": lazy(
            "Finisce con tre zeri e le ultime cifre non tornano: forse il foglio le ha arrotondate. Ricontrolla il "
            "numero sull’avviso."
        ),
        "same_notice": lazy(
            "Lo stesso avviso è anche alla riga %(row)s, per un’altra persona: conferma se lo pagano insieme, "
            "altrimenti escludi la riga sbagliata."
        ),
    },
    DUE_DATE: {
        "date_is_number": lazy(
            "Qui c’è un numero al posto della data: scrivi giorno, mese e anno, come 16/12/2026, o formatta la colonna "
            "come data."
        ),
        "not_text": lazy("Qui c’è vero o falso, e non una data: scrivi giorno, mese e anno, come 16/12/2026."),
        "past": lazy("La scadenza è già passata: conferma se è giusta, altrimenti escludi la riga."),
    },
    ATTACHMENT: {
        "empty": lazy("La cella è vuota: scrivi il nome del PDF di questa persona."),
        "not_there": lazy("Negli allegati caricati non c’è «%(name)s»: correggi il nome, o carica uno zip che lo ha."),
    },
}
#: Texts of a message as a row's values make them.
_TEXTS: Mapping[str, StrOrPromise] = {
    "subject": lazy("L’oggetto con i valori di questa riga non va. %(why)s"),
    "markdown": lazy("Il testo con i valori di questa riga non va. %(why)s"),
    "protected_subject": lazy("L’oggetto protetto con i valori di questa riga non va. %(why)s"),
    "protected_body": lazy("Il testo protetto con i valori di questa riga non va. %(why)s"),
    "precondition_title": lazy("Il titolo dell’avvertenza con i valori di questa riga non va. %(why)s"),
    "precondition_body": lazy("Il testo dell’avvertenza con i valori di questa riga non va. %(why)s"),
}
_EMPTY: Mapping[str, StrOrPromise] = {
    "precondition_title": lazy("Con i valori di questa riga il titolo dell’avvertenza resta vuoto."),
    "precondition_body": lazy("Con i valori di questa riga il testo dell’avvertenza resta vuoto."),
}
_ANY: Mapping[str, StrOrPromise] = {
    "cell_error": lazy("La formula di questa cella non ha un risultato (%(error)s): scrivi il valore."),
    "duplicate": lazy(
        "È uguale alla riga %(row)s: la stessa persona riceverebbe due volte lo stesso messaggio. Escludi questa riga, "
        "o correggila."
    ),
}


def sentence(problem: Mapping[str, Any] | CellProblem) -> str:
    """What is wrong with a cell or a row, or is to be confirmed; a problem as rows keep it, or as the check has it."""
    if not isinstance(problem, CellProblem):
        problem = CellProblem(problem["field"], problem["code"], problem["params"], problem.get("shown", ""))
    field, code = problem.field, problem.code
    if code == "too_many_cells":
        return _surplus_sentence(problem.params)
    if code == "missing" and field not in FIELDS:
        return _("La cella è vuota, e il testo ne ha bisogno: scrivi il valore.")
    if words := _CELLS.get(field, {}).get(code) or _ANY.get(code):
        values = {name: _shown(value) for name, value in problem.params.items()}
        return str(words) % values if values else str(words)
    if field == "buttons":
        return _("Con questi valori un pulsante non si apre. %(why)s") % {"why": problem_words.target_sentence(code)}
    if code == "bad_file":
        return _file_sentence(problem.params)
    if field in _TEXTS:
        return _text_sentence(problem)
    return problem_words.sentence(field, code, **problem.params)


def _surplus_sentence(params: Mapping[str, Any]) -> str:
    extra = params["extra"]
    words = ngettext(
        "C’è una cella in più delle colonne (%(extra)s): forse un separatore sta dentro un valore. Controlla la riga.",
        "Ci sono %(n)s celle in più delle colonne (%(extra)s): forse un separatore sta dentro un valore. "
        "Controlla la riga.",
        len(extra),
    )
    return words % {"n": number(len(extra)), "extra": _listed(extra)}


def _text_sentence(problem: CellProblem) -> str:
    """The message as this row's values make it: nothing to correct in one cell alone."""
    if problem.code == "empty" and problem.field in _EMPTY:
        return str(_EMPTY[problem.field])
    why = problem_words.sentence(problem.field, problem.code, **problem.params)
    return str(_TEXTS[problem.field]) % {"why": why}


def _file_sentence(params: Mapping[str, Any]) -> str:
    """A file that is there and of no use, named, for the cell may name several."""
    problem = params["problem"]
    why = document_words.problem_sentence(problem["code"], problem["params"])
    return _("Il file «%(name)s» non va. %(why)s") % {"name": params["name"], "why": why}


def _shown(value: Any) -> Any:
    if isinstance(value, date):
        return for_reading(value)
    return number(value) if isinstance(value, int) else value
