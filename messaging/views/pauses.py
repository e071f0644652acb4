"""A paused service in words: what is wrong, whose job it is, what happens to its messages."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.translation import gettext as _

from messaging.enums import PauseReason
from messaging.models import ServicePause


@dataclass(frozen=True, slots=True)
class PauseWords:
    """A pause for the screen."""

    pause: ServicePause
    title: str
    text: str
    job: str
    short: str


def pause_words(pause: ServicePause) -> PauseWords:
    """Cause and next step of a pause; names nobody and shows no code."""
    if pause.reason == PauseReason.FEATURE and pause.undecided:
        return PauseWords(
            pause,
            _("Una parte dei messaggi aspetta"),
            _("IO non ne ha accettato uno. Stiamo controllando quale permesso manca: di solito basta qualche minuto."),
            _("Per ora non devi fare niente."),
            _("In verifica"),
        )
    title, text, job, short = _words(PauseReason(pause.reason))
    return PauseWords(pause, title, text, job, short)


def _words(reason: PauseReason) -> tuple[str, str, str, str]:
    match reason:
        case PauseReason.KEY:
            return (
                _("IO non accetta la chiave di questo servizio"),
                _("I messaggi aspettano in coda: non se ne perde nessuno."),
                _(
                    "Tocca a un amministratore: copia la chiave dall’Area Riservata di IO, la salva,"
                    " poi riprende gli invii."
                ),
                _("Sospeso: chiave"),
            )
        case PauseReason.FORBIDDEN:
            return (
                _("IO non accetta questo servizio, o l’indirizzo di rete da cui scriviamo"),
                _("I messaggi aspettano in coda: non se ne perde nessuno."),
                _(
                    "Tocca a un amministratore: controlla nell’Area Riservata di IO che il servizio sia attivo"
                    " e che l’indirizzo sia tra quelli autorizzati, poi riprende gli invii."
                ),
                _("Sospeso: permesso"),
            )
        case PauseReason.FEATURE:
            return (
                _("Al servizio manca un permesso per una parte dei messaggi"),
                _("Quei messaggi aspettano in coda; gli altri partono."),
                _("Tocca a un amministratore: chiede il permesso a PagoPA, poi riprende gli invii."),
                _("Sospeso in parte"),
            )
        case PauseReason.PERSON:
            return (
                _("Una persona ha sospeso gli invii"),
                _("I messaggi aspettano in coda: non se ne perde nessuno."),
                _("Quando si può, riprendili."),
                _("Sospeso"),
            )
