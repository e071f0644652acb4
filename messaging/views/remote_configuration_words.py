"""What came of talking to IO about remote content, in words: the cause, then who does what next."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from messaging.enums import Precondition
from messaging.remote.registration import CannotTell, Difference


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why IO does not know, for the screen: ``answer`` is IO's own word, ``again`` offers a new registration."""

    title: str
    text: str
    answer: str = ""
    again: bool = False


@dataclass(frozen=True, slots=True)
class Line:
    """A difference for the screen; without values it only says that there is one."""

    label: str
    here: str = ""
    there: str = ""


def trouble_words(trouble: CannotTell) -> Trouble:
    """Cause and next step of what went wrong; nothing that was typed and no code."""
    title, text = _troubles()[trouble.code]
    return Trouble(title, text, trouble.title, again=trouble.code == "unknown")


def line_of(difference: Difference) -> Line:
    """A difference in words; secrets have no values, of fiscal codes only their number is told."""
    prefix, _dot, name = difference.field.rpartition(".")
    label = str(_labels()[name])
    if prefix == "test":
        label = _("%(what)s, ambiente di prova") % {"what": label}
    if name == "secret":
        return Line(label)
    shown = _shown(name)
    return Line(label, shown(difference.here), shown(difference.there))


def _shown(name: str) -> Callable[[str], str]:
    if name == "precondition":
        return lambda value: str(Precondition(value).label) if value in Precondition.values else value or _("manca")
    if name == "is_lollipop_enabled":
        return lambda value: _("sì") if value == "True" else _("no")
    if name in {"test_users", "disable_lollipop_for"}:
        return lambda value: ngettext("%(n)s persona", "%(n)s persone", int(value)) % {"n": value}
    return lambda value: value or _("manca")


def _labels() -> dict[str, str]:
    return {
        "name": _("Nome"),
        "description": _("Descrizione"),
        "precondition": _("Avvertenza prima di aprire"),
        "is_lollipop_enabled": _("Verifica della firma dell’app"),
        "disable_lollipop_for": _("Senza firma per"),
        "production": _("Ambiente di produzione"),
        "test": _("Ambiente di prova"),
        "base_url": _("Indirizzo"),
        "header_name": _("Nome dell’intestazione"),
        "test_users": _("Persone di prova"),
        "secret": _("Segreto: quello di IO non è il nostro"),
    }


def _troubles() -> dict[str, tuple[str, str]]:
    wait = _("Nulla è cambiato. Riprova tra qualche minuto.")
    return {
        "no_key": (_("Manca la chiave dell’ente"), _("Scrivila in questa pagina, poi riprova.")),
        "held": (
            _("Tutti gli invii sono fermi"),
            _("Il portale lavora su una copia del database: dall’elenco dei servizi decidi prima se può ripartire."),
        ),
        "unreadable": (
            _("Il segreto non si legge più"),
            _("Manca la chiave con cui era cifrato. Premi «Cambia il segreto»: il portale ne crea un altro."),
        ),
        "busy": (_("IO in questo momento è occupato"), wait),
        "at_work": (
            _("Qualcuno lo sta già dicendo a IO"),
            _("Aspetta un minuto, poi ricarica la pagina: trovi com’è andata."),
        ),
        "key_rejected": (
            _("IO non accetta la chiave dell’ente"),
            _("Copiala di nuovo dall’Area Riservata di IO e salvala in questa pagina, poi riprova."),
        ),
        "forbidden": (
            _("IO non permette a questa chiave di registrare contenuti remoti"),
            _(
                "O è la chiave di un servizio: serve quella dell’ente (manage). O all’ente manca il permesso "
                "«ApiRemoteContentConfigurationWrite»: lo dà PagoPA, chiedilo dall’assistenza dell’Area Riservata. "
                "O la configurazione è di un altro ente, di cui prima era la chiave."
            ),
        ),
        "refused": (
            _("IO non accetta questi dati"),
            _("Controlla indirizzo, intestazione e persone di prova, poi riprova."),
        ),
        "unknown": (
            _("IO non conosce questa configurazione"),
            _("Succede se la chiave è di un altro ente, o se l’indirizzo di IO è cambiato. Se è giusta, registrala."),
        ),
        "not_sent": (_("Il collegamento con IO non riesce"), wait),
        "no_answer": (
            _("IO non ha risposto"),
            _("Può averlo saputo oppure no. Dirglielo di nuovo non fa danni: riprova tra qualche minuto."),
        ),
        "maybe_created": (
            _("Non sappiamo se IO l’ha registrata"),
            _("Per non farne due, aspetta dieci minuti e riprova: se c’è già, il portale la riconosce e usa quella."),
        ),
    }
