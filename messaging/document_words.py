"""Sentences for what is wrong with a PDF or a folder of them, and for what is advised: the cause, and what to do."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from django.template.defaultfilters import filesizeformat
from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy
from django.utils.translation import ngettext
from django_stubs_ext import StrOrPromise

from messaging.enums import PdfVerdict
from messaging.models import Attachment
from messaging.templatetags.portal import number

_MEGABYTE = 1024 * 1024

# One file

_PDF: Mapping[str, StrOrPromise] = {
    "empty": lazy("Il file è vuoto: esportalo di nuovo, e caricalo."),
    "too_large": lazy(
        "Il file pesa %(size)s, e il massimo è %(limit)s: riduci le immagini, oppure dividilo in più allegati."
    ),
    "unreadable": lazy("Il PDF è rovinato, o è arrivato a metà: esportalo di nuovo, e caricalo."),
    "encrypted": lazy(
        "Il PDF è protetto: chi lo riceve potrebbe non aprirlo. Salvane una copia senza password né restrizioni, e "
        "carica quella."
    ),
    "javascript": lazy(
        "Il PDF contiene comandi JavaScript, che l’app non esegue e che possono fare danni. Esportalo in PDF/A-2a dal "
        "programma con cui è stato scritto: così si tolgono."
    ),
    "no_pages": lazy("Il PDF non ha pagine: esportalo di nuovo, e caricalo."),
    "too_complex": lazy(
        "Il PDF è troppo complicato da controllare: esportalo di nuovo in PDF/A-2a dal programma con cui è stato "
        "scritto, e carica quello."
    ),
    "no_room": lazy(
        "Sul server non c’è più spazio, e niente è stato salvato: avvisa chi lo gestisce, e riprova quando ce n’è."
    ),
    "nested": lazy("È un altro archivio: metti nella cartella i PDF che contiene."),
    "damaged_in_folder": lazy("Il file nella cartella è rovinato: comprimi di nuovo la cartella, e caricala."),
    "duplicate": lazy(
        "Più file diversi hanno lo stesso nome (%(paths)s): tieni solo quello giusto, e carica di nuovo la cartella."
    ),
}
_NOT_PDF: Mapping[str, StrOrPromise] = {
    "bom": lazy(
        "Prima del PDF ci sono tre byte invisibili (BOM), e l’app lo rifiuta: esportalo di nuovo senza aprirlo con un "
        "editor di testo."
    ),
    "blanks": lazy("Prima del PDF ci sono spazi o righe vuote, e l’app lo rifiuta: esportalo di nuovo, e caricalo."),
    "before": lazy("Prima del PDF c’è dell’altro, e l’app lo rifiuta: esportalo di nuovo, e caricalo."),
    "image": lazy("È un’immagine, non un PDF: aprila, salvala in PDF/A-2a, e carica quello."),
    "office": lazy("È un documento o un archivio, non un PDF: aprilo, esportalo in PDF/A-2a, e carica quello."),
    "html": lazy("È una pagina web, non un PDF: stampala in PDF, e carica quello."),
    "other": lazy("Non è un PDF, anche se il nome finisce per «.pdf»: esporta il documento in PDF/A-2a."),
}
_EMBEDDED: Mapping[str, StrOrPromise] = {
    "files": lazy(
        "Il PDF contiene altri file, che l’app non apre e che possono fare danni: toglili, o caricali come allegati."
    ),
    "launch": lazy("Il PDF avvia un programma: esportalo in PDF/A-2a, e carica quello."),
    "rich_media": lazy("Il PDF contiene video o modelli 3D, che l’app non mostra: toglili, e caricalo di nuovo."),
    "xfa": lazy("Il PDF è un modulo XFA, che l’app non mostra: stampalo in PDF, e carica quello."),
}


def problem_sentence(code: str, params: Mapping[str, Any]) -> str:
    """Why a file cannot be given to citizens and what to do, for a code of ``PdfProblem``."""
    if code == "not_pdf":
        return str(_NOT_PDF[str(params.get("found", "other"))])
    if code == "embedded_files":
        return str(_EMBEDDED[str(params.get("found", "files"))])
    return _filled(_PDF[code], params)


# The folder

_FOLDER: Mapping[str, StrOrPromise] = {
    "empty": lazy("La cartella compressa è vuota: comprimi la cartella con i PDF, e caricala."),
    "too_large": lazy("La cartella compressa pesa %(size)s, e il massimo è %(limit)s: dividi l’invio in più fogli."),
    "not_zip": lazy("Non è una cartella compressa: comprimi la cartella con i PDF in formato ZIP, e caricala."),
    "unreadable": lazy("La cartella compressa è rovinata, o è arrivata a metà: comprimila di nuovo, e caricala."),
    "encrypted": lazy("La cartella compressa è protetta da una password: comprimila senza, e caricala."),
    "no_files": lazy("Nella cartella compressa non c’è nessun file: comprimi quella con i PDF, e caricala."),
    "too_many_files": lazy("La cartella ha più di %(limit)s file: dividi l’invio in più fogli."),
    "zip_bomb": lazy("La cartella, aperta, diventa troppo grande: dividi l’invio in più fogli."),
    "waiting": lazy(
        "I file caricati prima si stanno ancora controllando: aspetta che il controllo finisca, e riprova."
    ),
    "lost": lazy("La cartella caricata non c’è più: caricala di nuovo."),
    "no_room": lazy(
        "Sul server non c’è più spazio per i file: avvisa chi lo gestisce, e ripeti il controllo quando ce n’è."
    ),
}


def folder_sentence(code: str, params: Mapping[str, Any]) -> str:
    """Why a whole folder cannot be used and what to do, for a code of ``FolderProblem``."""
    return _filled(_FOLDER[code], params)


# Advice

_ADVICE: Mapping[str, StrOrPromise] = {
    "not_pdfa": lazy(
        "Il file non dichiara di essere PDF/A. La guida di IO chiede PDF/A-2a: scegli questo formato quando esporti."
    ),
    "other_pdfa": lazy("Il file dichiara %(declares)s. La guida di IO chiede PDF/A-2a: se puoi, esportalo così."),
    "large": lazy(
        "Il file pesa %(size)s: chi ha poca linea lo aspetta molto, e IO può rinunciare. Meglio stare sotto %(limit)s."
    ),
    "name_characters": lazy("L’app toglie dal nome questi caratteri: %(characters)s. Al loro posto c’è uno spazio."),
    "name_cut": lazy("Il nome ha più di %(limit)s caratteri, ed è stato accorciato."),
}


def advice_sentence(code: str, params: Mapping[str, Any]) -> str:
    """What is advised of a file or of its name, for a code of ``Advice``."""
    if code == "many_pages":
        words = ngettext(
            "Il file ha %(pages)s pagina: su un telefono sono tante.",
            "Il file ha %(pages)s pagine: su un telefono sono tante. Se puoi, allega solo quelle che servono.",
            int(params["pages"]),
        )
        return words % {"pages": number(params["pages"])}
    if code == "name_long":
        return _("Il nome ha %(length)s caratteri, e l’app ne mostra %(limit)s: accorcialo, se puoi.") % dict(params)
    return _filled(_ADVICE[code], params)


def _filled(words: StrOrPromise, params: Mapping[str, Any]) -> str:
    values = {name: _shown(name, value) for name, value in params.items()}
    if "size" in params:
        values["limit"] = _("%(n)s MB") % {"n": number(params["limit"] // _MEGABYTE)}
    return str(words) % values if values else str(words)


def _rounded_up(size: int) -> str:
    """Bytes as «5,1 MB»: what is too large must not look like just what is allowed."""
    return _("%(n)s MB") % {"n": number_format(Decimal(-(-size * 10 // _MEGABYTE)) / 10, 1)}


def _shown(name: str, value: Any) -> str:
    if name == "size":
        return _rounded_up(value)
    if name == "declares":
        return standard(value)
    if name == "paths":
        return ", ".join(f"«{path}»" for path in value)
    if name == "characters":
        return " ".join(value)
    return number(value) if isinstance(value, int) else str(value)


# What a file says of itself


def standard(declares: str) -> str:
    """«PDF/A-2a» for "2a"."""
    return f"PDF/A-{declares}"


def declared(attachment: Attachment) -> str:
    """«dichiara PDF/A-2a», or that it declares nothing."""
    if not attachment.declares:
        return _("non dichiara di essere PDF/A")
    return _("dichiara %(standard)s") % {"standard": standard(attachment.declares)}


def verified(attachment: Attachment) -> str:
    """What veraPDF said of the file; empty where it was not asked, or said nothing."""
    if attachment.verdict == PdfVerdict.CONFORMS:
        return _("veraPDF: conforme a quello che dichiara")
    if attachment.verdict == PdfVerdict.FAILS:
        return _("veraPDF: non conforme a quello che dichiara")
    return ""


def described(attachment: Attachment) -> str:
    """Pages, size, and what the file says of itself, on one line."""
    pages = ngettext("%(n)s pagina", "%(n)s pagine", attachment.pages) % {"n": number(attachment.pages)}
    parts = [pages, filesizeformat(attachment.size), declared(attachment), verified(attachment)]
    return ", ".join(part for part in parts if part)
