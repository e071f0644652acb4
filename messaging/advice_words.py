"""Advice on a text and answers about a citizen, worded: a short title and what to do."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy
from django.utils.translation import ngettext
from django_stubs_ext import StrOrPromise

from messaging.appio.markdown import Advice
from messaging.enums import ReachabilityAnswer
from messaging.models import Reachability, Service
from messaging.problem_words import placeholders_sentence, written
from messaging.templatetags.portal import day, euros, when


@dataclass(frozen=True, slots=True)
class Told:
    """Something told in a box or a list: tone of the style sheet, icon, a short title in bold, the rest."""

    tone: str
    icon: str
    title: str
    text: str = ""
    #: Whether asking again may bring another answer.
    again: bool = False


_LOCKED_SCREEN = lazy("Si legge anche a schermo bloccato: scrivilo solo nel testo.")

#: The same where the text, too, is read by others than the citizen.
_PUBLIC_SCREEN = lazy("Si legge anche a schermo bloccato: scrivilo solo nel testo protetto.")
_COURTESY = lazy("Si legge anche nell’e-mail, e resta a IO: scrivilo solo nel testo protetto.")

_ADVICE: dict[str, tuple[StrOrPromise, StrOrPromise]] = {
    "subject_fiscal_code": (lazy("L’oggetto contiene un codice fiscale."), _LOCKED_SCREEN),
    "subject_name": (lazy("L’oggetto sembra contenere un nome."), _LOCKED_SCREEN),
    "subject_amount": (lazy("L’oggetto contiene un importo."), _LOCKED_SCREEN),
    "subject_health": (lazy("L’oggetto sembra parlare di salute."), _LOCKED_SCREEN),
    "subject_family": (lazy("L’oggetto sembra parlare della famiglia."), _LOCKED_SCREEN),
    "subject_clean": (lazy("L’oggetto non contiene dati personali."), ""),
    "courtesy_fiscal_code": (lazy("Il testo di cortesia contiene un codice fiscale."), _COURTESY),
    "courtesy_name": (lazy("Il testo di cortesia sembra contenere un nome."), _COURTESY),
    "courtesy_amount": (lazy("Il testo di cortesia contiene un importo."), _COURTESY),
    "courtesy_health": (lazy("Il testo di cortesia sembra parlare di salute."), _COURTESY),
    "courtesy_family": (lazy("Il testo di cortesia sembra parlare della famiglia."), _COURTESY),
    "courtesy_clean": (lazy("Il testo di cortesia non contiene dati personali."), ""),
    "shouting": (
        lazy("È scritto quasi tutto in maiuscolo."),
        lazy("Si legge peggio: usa le maiuscole solo dove servono."),
    ),
    "body_iban": (
        lazy("Nel testo c’è un IBAN."),
        lazy("Chi legge non può sapere se è vero: per farti pagare usa l’avviso pagoPA."),
    ),
    "body_card_number": (
        lazy("Nel testo sembra esserci il numero di una carta."),
        lazy("Toglilo: non serve a chi legge."),
    ),
    "bare_link": (
        lazy("C’è un indirizzo scritto per intero."),
        lazy("Scrivi invece [le parole che lo spiegano](https://…), o mettilo in un pulsante."),
    ),
    "link_without_scheme": (
        lazy("C’è un collegamento che l’app non apre."),
        lazy("Fai cominciare l’indirizzo per https://."),
    ),
    "sso_link_in_body": (
        lazy("C’è un collegamento che funziona solo nei pulsanti."),
        lazy("Spostalo in un pulsante."),
    ),
    "table": (lazy("L’app non mostra le tabelle."), lazy("Usa un elenco.")),
    "strikethrough": (lazy("L’app non mostra il testo barrato: sparisce."), lazy("Riscrivilo senza barrarlo.")),
    "html_tag": (lazy("Ci sono comandi HTML: l’app li toglie."), lazy("Usa gli asterischi per il grassetto.")),
    "image": (
        lazy("C’è un’immagine."),
        lazy("Non tutti la vedono: scrivi nel testo anche quello che mostra."),
    ),
    "rule_cuts_email": (
        lazy("C’è una riga di trattini."),
        lazy("L’e-mail mostra solo quello che viene dopo: usa un titolo."),
    ),
    "body_starts_with_rule": (
        lazy("Il testo comincia con una riga di trattini."),
        lazy("L’app può non mostrare quello che segue: toglila."),
    ),
    "no_contact": (
        lazy("Manca un modo per chiedere aiuto."),
        lazy("Aggiungi un telefono, un’e-mail o un indirizzo: chi legge non li ha sotto mano."),
    ),
    "amount_matches": (lazy("L’importo scritto nel testo è quello del pagamento."), ""),
    "due_date_matches": (lazy("La scadenza scritta nel testo è quella del messaggio."), ""),
}


def advice_lines(given: Iterable[Advice], *, public: bool = False) -> list[Told]:
    """Each piece of advice worded, in the order given; ``public`` where a protected text stands beside this one."""
    return [_advice_line(item, public) for item in given]


def _advice_line(item: Advice, public: bool) -> Told:
    title, text = _ADVICE.get(item.code) or _mismatch(item)
    if public and text is _LOCKED_SCREEN:
        text = _PUBLIC_SCREEN
    tone, icon = ("ok", "it-check-circle") if item.good else ("wait", "it-warning-circle")
    return Told(tone, icon, str(title), str(text))


def _mismatch(item: Advice) -> tuple[str, str]:
    params: dict[str, Any] = dict(item.params)
    if item.code == "amount_mismatch":
        found, expected = [euros(cents) for cents in params["found"]], euros(params["expected"])
        title = _("L’importo nel testo non è quello del pagamento.")
        text = _("Nel testo c’è %(found)s, nel pagamento %(expected)s: fai coincidere i due.")
    else:
        found, expected = [day(moment) for moment in params["found"]], day(params["expected"])
        title = _("La data nel testo non è la scadenza.")
        text = _("Nel testo c’è %(found)s, la scadenza è il %(expected)s: fai coincidere le due.")
    return title, text % {"found": ", ".join(found), "expected": expected}


def past_due_date(due_date: date | None) -> list[Told]:
    """A word on a deadline that has passed already."""
    if due_date is None or due_date >= timezone.localdate():
        return []
    text = _("Il cittadino la vede come scaduta da subito. Ricontrolla giorno, mese e anno.")
    return [Told("wait", "it-warning-circle", _("La scadenza è già passata."), text)]


def left_to_write(names: list[str]) -> list[Told]:
    """A word on placeholders that a person has still to replace."""
    if not names:
        return []
    return [Told("wait", "it-pencil", _("Resta qualcosa da completare."), placeholders_sentence(names))]


def public_placeholders(names: list[str]) -> list[Told]:
    """A word on placeholders in a text that is not to say anything of the person."""
    if not names:
        return []
    words = ngettext(
        "Nei testi pubblici c’è %(names)s.",
        "Nei testi pubblici ci sono %(names)s.",
        len(names),
    )
    text = _("Quello che cambia da persona a persona è spesso un dato personale: mettilo nel testo protetto.")
    return [Told("wait", "it-warning-circle", words % {"names": written(names)}, text)]


def reachability_told(row: Reachability, service: Service) -> Told:
    """IO's answer about a person, in plain words."""
    names = {"service": service.name, "when": when(row.asked_at)}
    checked = _("Controllato %(when)s.") % names
    if row.answer == ReachabilityAnswer.REACHABLE:
        text = _("Usa l’app IO e riceve i messaggi di %(service)s.") % names
        return Told("ok", "it-check-circle", _("Raggiungibile."), f"{text} {checked}")
    if row.answer == ReachabilityAnswer.OPTED_OUT:
        text = _("Usa l’app IO ma non vuole i messaggi di %(service)s. Scrivile in un altro modo.") % names
        return Told("wait", "it-ban", _("Ha disattivato il servizio."), f"{text} {checked}")
    return Told("wait", "it-ban", _("Non è su IO."), f"{_('Scrivile in un altro modo.')} {checked}")


_CANNOT_ASK: dict[str, tuple[StrOrPromise, StrOrPromise]] = {
    "no_text": (
        lazy("Non ancora controllato."),
        lazy("Scrivi prima oggetto e testo: chiediamo a IO solo di chi riceve davvero qualcosa."),
    ),
    "trial": (
        lazy("Questa persona non è nell’elenco di prova."),
        lazy("Il servizio è in prova e scrive solo a chi è nell’elenco: può aggiungerla un amministratore."),
    ),
    "too_many": (
        lazy("Per oggi hai fatto tutte le domande possibili."),
        lazy("Puoi inviare lo stesso: controlliamo noi prima di inviare. Domani puoi chiedere di nuovo."),
    ),
    "no_key": (
        lazy("Non possiamo chiedere a IO."),
        lazy("Manca una chiave valida per questo servizio: può aggiungerla un amministratore."),
    ),
    "busy": (
        lazy("In questo momento IO è occupato."),
        lazy("Riprova fra poco, oppure continua: controlliamo noi prima di inviare."),
    ),
    "no_answer": (
        lazy("IO non ha risposto."),
        lazy("Riprova fra poco, oppure continua: controlliamo noi prima di inviare."),
    ),
}


def cannot_ask_told(code: str) -> Told:
    """Why there is no answer about a person, and the next step."""
    title, text = _CANNOT_ASK.get(code, _CANNOT_ASK["no_answer"])
    again = code in {"busy", "no_answer", "no_text"}
    return Told("idle", "it-info-circle", str(title), str(text), again=again)


def not_asked_told() -> Told:
    """Before anybody has asked."""
    text = _("Lo chiediamo a IO quando il codice fiscale è scritto; in ogni caso, di nuovo prima di inviare.")
    return Told("idle", "it-info-circle", _("Non ancora controllato."), text, again=True)
