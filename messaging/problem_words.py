"""Sentences for what is wrong with a message: the cause, and what to do about it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy
from django.utils.translation import ngettext
from django_stubs_ext import StrOrPromise

from messaging.appio.rules import Problem
from messaging.templatetags.portal import euros, number

_FISCAL_CODE: dict[str, StrOrPromise] = {
    "empty": lazy("Scrivi il codice fiscale del destinatario."),
    "eleven_digits": lazy(
        "Questo ha 11 cifre: è di una società, o provvisorio. IO scrive solo a persone, con il codice di 16 caratteri."
    ),
    "length": lazy("Il codice fiscale ha 16 caratteri, e qui sono %(length)s: ricopialo dalla tessera sanitaria."),
    "pattern": lazy("Lettere e cifre non sono al loro posto: ricopialo dalla tessera sanitaria."),
    "check_character": lazy("L’ultima lettera non torna con il resto: ricopialo dalla tessera sanitaria."),
    "date": lazy("La data di nascita scritta nel codice non esiste: ricopialo dalla tessera sanitaria."),
}
_TEXT: dict[str, StrOrPromise] = {
    "not_text": lazy("C’è un carattere che non si può inviare: cancella il testo incollato e scrivilo di nuovo.")
}
_AMOUNT: dict[str, StrOrPromise] = {
    "empty": lazy("Scrivi l’importo in euro, come 148,50."),
    "missing": lazy("Scrivi l’importo in euro, come 148,50."),
    "ambiguous": lazy("Può voler dire due importi: scrivi anche i centesimi, come 1.234,00 oppure 1,23."),
    "not_a_number": lazy("Scrivi solo l’importo in euro, come 148,50."),
    "too_many_decimals": lazy("I centesimi hanno al massimo due cifre, come 148,50."),
    "range": lazy("L’importo va da 0,01 a 99.999.999,99 euro."),
    "payments_not_enabled": lazy(
        "Questo servizio non può chiedere pagamenti: scegline un altro, o chiedi a un amministratore di abilitarlo."
    ),
    "over_limit": lazy(
        "Questo servizio può chiedere al massimo %(limit)s euro. Se l’importo è giusto, chiedi a un amministratore."
    ),
}
_NOTICE_NUMBER: dict[str, StrOrPromise] = {
    "empty": lazy("Scrivi il numero dell’avviso pagoPA: 18 cifre."),
    "missing": lazy("Scrivi il numero dell’avviso pagoPA: 18 cifre."),
    "not_digits": lazy("Il numero avviso ha solo cifre: ricopialo dall’avviso."),
    "length": lazy("Il numero avviso ha 18 cifre, e qui sono %(length)s: ricopialo dall’avviso."),
    "aux_digit": lazy("Il numero avviso comincia con 0, 1, 2 o 3: ricopialo dall’avviso."),
    "check_digits": lazy("Le ultime due cifre non tornano con le altre: ricontrolla il numero sull’avviso."),
}
_DUE_DATE: dict[str, StrOrPromise] = {
    "empty": lazy("Scrivi la scadenza: giorno, mese e anno, come 16/12/2026."),
    "not_a_date": lazy("Scrivi giorno, mese e anno, come 16/12/2026."),
    "short_year": lazy("Scrivi l’anno con quattro cifre, come 16/12/2026."),
    "no_such_day": lazy("Questo giorno non esiste: ricontrolla giorno e mese."),
    "year": lazy("Ricontrolla l’anno: la scadenza è troppo lontana."),
}
_PAYEE: dict[str, StrOrPromise] = {
    "pattern": lazy("Il codice fiscale di un ente ha 11 cifre."),
    "no_payment": lazy("L’ente creditore vale solo con un pagamento."),
    "not_allowed": lazy("Questo servizio non può indicare un altro ente creditore: lascia vuoto."),
}
_INVALID_AFTER: dict[str, StrOrPromise] = {
    "no_payment": lazy("Vale solo con un pagamento: togli la spunta."),
    "no_due_date": lazy("Senza scadenza non vale niente: scrivi la scadenza, o togli la spunta."),
}
_PROTECTED_SUBJECT: dict[str, StrOrPromise] = {**_TEXT, "empty": lazy("Scrivi l’oggetto protetto.")}
_PROTECTED_BODY: dict[str, StrOrPromise] = {**_TEXT, "empty": lazy("Scrivi il testo protetto.")}
_PRECONDITION_TITLE: dict[str, StrOrPromise] = {
    **_TEXT,
    "empty": lazy("Scrivi il titolo dell’avvertenza, oppure scegli di non mostrarla mai."),
}
_PRECONDITION_BODY: dict[str, StrOrPromise] = {
    **_TEXT,
    "empty": lazy("Scrivi il testo dell’avvertenza, oppure scegli di non mostrarla mai."),
}
_REMOTE: dict[str, StrOrPromise] = {
    "not_registered": lazy(
        "IO non sa ancora dove venire a prendere questo contenuto. "
        "Prima un amministratore deve registrare il contenuto remoto dell’ente."
    ),
}
_ATTACHMENTS: dict[str, StrOrPromise] = {
    "missing": lazy("Aggiungi almeno un PDF, oppure togli la spunta."),
    "not_allowed": lazy("Gli allegati vanno solo nei messaggi Premium: spunta «Messaggio Premium», oppure toglili."),
    "no_premium": lazy(
        "Questo servizio non ha l’accordo Premium, e senza non partono allegati: toglili, o scegli un altro servizio."
    ),
}
_OTHER: dict[str, StrOrPromise] = {
    "not_allowed": lazy("Questo servizio non ha l’accordo Premium: togli la spunta."),
    "range": lazy("Questo valore non è ammesso."),
}
_FIELDS: dict[str, Mapping[str, StrOrPromise]] = {
    "fiscal_code": _FISCAL_CODE,
    "subject": _TEXT,
    "markdown": _TEXT,
    "amount": _AMOUNT,
    "notice_number": _NOTICE_NUMBER,
    "due_date": _DUE_DATE,
    "payee": _PAYEE,
    "invalid_after_due_date": _INVALID_AFTER,
    "protected_subject": _PROTECTED_SUBJECT,
    "protected_body": _PROTECTED_BODY,
    "precondition_title": _PRECONDITION_TITLE,
    "precondition_body": _PRECONDITION_BODY,
    "remote": _REMOTE,
    "attachments": _ATTACHMENTS,
}

BUTTON_TARGETS: dict[str, StrOrPromise] = {
    "empty": lazy("Scrivi dove porta il pulsante."),
    "web_address": lazy("Scrivi l’indirizzo intero, come https://www.comune.example.it/tari."),
    "phone": lazy("Scrivi un numero di telefono, come 0123 456789."),
    "email": lazy("Scrivi un indirizzo e-mail, come tributi@comune.example.it."),
    "sso_address": lazy("Scrivi l’indirizzo intero, che comincia per https://."),
    "io_page": lazy("Scrivi il nome della pagina dell’app, come SERVICES_HOME."),
    "text": lazy("Scrivi il testo del pulsante."),
    "too_many": lazy("I pulsanti sono al massimo due."),
    "action": lazy("L’app non sa aprirlo: ricontrolla dove porta il pulsante."),
}


def words_of(field: str, code: str) -> StrOrPromise:
    """The sentence without its values, still to be translated: for what a class says once for all."""
    return _FIELDS[field][code]


def problem_sentence(problem: Problem) -> str:
    """What is wrong with one field of a message and what to do, in the language of the page."""
    if problem.code in {"too_short", "too_long"} and not _says_how_to_begin(problem):
        return _length_sentence(problem)
    code = "empty" if _says_how_to_begin(problem) else problem.code
    words = _FIELDS.get(problem.field, {}).get(code) or _OTHER.get(code) or _OTHER["range"]
    params = dict(problem.params)
    if problem.field == "amount" and isinstance(params.get("limit"), int):
        params["limit"] = euros(params["limit"])  # type: ignore[arg-type]
    return str(words) % params if params else str(words)


def _says_how_to_begin(problem: Problem) -> bool:
    """Whether a text is too short because nobody has written it yet, and there are words for that."""
    return problem.params.get("length") == 0 and "empty" in _FIELDS.get(problem.field, {})


def sentence(field: str, code: str, **params: object) -> str:
    """The same for a problem found by the portal itself."""
    return problem_sentence(Problem(field, code, params))


def target_sentence(code: str) -> str:
    """What is wrong with a button, for a code of ``ButtonError``."""
    return str(BUTTON_TARGETS.get(code, BUTTON_TARGETS["action"]))


def _length_sentence(problem: Problem) -> str:
    length, limit = int(str(problem.params["length"])), int(str(problem.params["limit"]))
    distance = abs(limit - length)
    if problem.code == "too_short":
        words = ngettext(
            "Manca un carattere: ne servono almeno %(limit)s.",
            "Mancano %(n)s caratteri: ne servono almeno %(limit)s.",
            distance,
        )
    else:
        words = ngettext(
            "C’è un carattere di troppo: il massimo è %(limit)s.",
            "Ci sono %(n)s caratteri di troppo: il massimo è %(limit)s.",
            distance,
        )
    return words % {"n": number(distance), "limit": number(limit)}


def written(names: Iterable[str]) -> str:
    """Placeholders as they stand in the text: «((nome)), ((via))»."""
    return ", ".join(f"(({name}))" for name in names)


def placeholders_sentence(names: list[str]) -> str:
    """What to do about placeholders that are still in a text for one person."""
    words = ngettext(
        "C’è ancora %(names)s: scrivi al suo posto quello che vale per questa persona.",
        "Ci sono ancora %(names)s: scrivi al loro posto quello che vale per questa persona.",
        len(names),
    )
    return words % {"names": written(names)}


def confirm_notice_number() -> str:
    """What is asked when the check digits of a notice number do not match."""
    return _("Conferma che il numero è giusto, oppure correggilo.")
