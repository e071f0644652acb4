"""The portal's words: what each status means, what each step of a story was, what a refusal asks for and of whom."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy
from django.utils.translation import ngettext

from messaging.enums import Reason, Status
from messaging.templatetags.portal import number

if TYPE_CHECKING:
    from messaging.delivery.reminders import Overlap
    from messaging.models import StatusChange

Words = str | Promise

_MEANINGS: dict[Status, tuple[Words, Words]] = {
    Status.DRAFT: (lazy("Lo stai scrivendo."), lazy("Continua, oppure eliminalo.")),
    Status.AWAITING_APPROVAL: (
        lazy("Serve il sì di una seconda persona."),
        lazy("Il responsabile approva o lo rimanda con una nota."),
    ),
    Status.QUEUED: (
        lazy("È pronto e aspetta il suo turno."),
        lazy("Parte da solo. Finché è in coda si può annullare."),
    ),
    Status.UNREACHABLE: (
        lazy("La persona non usa IO, o ha disattivato il servizio. Non abbiamo inviato nulla."),
        lazy("Scrivi in un altro modo."),
    ),
    Status.SENDING: (
        lazy("La richiesta a IO è in corso, di solito per meno di un secondo."),
        lazy("Aspetta: l’esito arriva da solo."),
    ),
    Status.ACCEPTED: (
        lazy("IO ha accettato il messaggio, ma non lo ha ancora messo nell’app."),
        lazy("Controlliamo noi finché IO dà l’esito."),
    ),
    Status.PROCESSED: (
        lazy("È nell’app del cittadino. Non vuol dire letto."),
        lazy("Con l’accordo Premium vedi anche se è letto o pagato."),
    ),
    Status.REJECTED: (
        lazy("IO lo ha accettato ma non ha potuto consegnarlo: nel frattempo la persona ha lasciato il servizio o IO."),
        lazy("Scrivi in un altro modo. Rimandarlo non serve."),
    ),
    Status.FAILED: (
        lazy("IO ha avuto un guasto mentre lo consegnava."),
        lazy("Il responsabile può rimetterlo in coda."),
    ),
    Status.REFUSED: (
        lazy("IO non lo ha accettato: un dato o un permesso non va. Nessuno lo ha ricevuto."),
        lazy("La pagina dice cosa correggere e a chi tocca."),
    ),
    Status.UNCERTAIN: (
        lazy("IO non ha risposto: può essere arrivato oppure no."),
        lazy("Un responsabile decide. Non lo rimandiamo da soli."),
    ),
    Status.CONFIRMED: (
        lazy("È arrivato a IO, ma non abbiamo il codice per seguirlo."),
        lazy("Niente: non parte altro. Letto e pagato non si possono sapere."),
    ),
    Status.NO_OUTCOME: (
        lazy("IO lo ha preso in carico, ma in 7 giorni non ha detto come è finita."),
        lazy("Chiedi alla persona se lo vede, prima di scriverle di nuovo."),
    ),
    Status.CANCELLED: (
        lazy("Una persona lo ha fermato prima dell’invio."),
        lazy("Niente. Resta nella storia con nome e ora."),
    ),
    Status.ABANDONED: (
        lazy("Dopo un esito incerto il responsabile ha scelto di non inviarlo più."),
        lazy("La persona va avvisata in un altro modo."),
    ),
}


def status_meaning(status: str) -> tuple[str, str]:
    """What a status means and what happens now, in the language of the page."""
    meaning, next_step = _MEANINGS[Status(status)]
    return str(meaning), str(next_step)


@dataclass(frozen=True)
class Story:
    """A row of a message's timeline."""

    title: str
    text: str
    tone: str
    icon: str


@dataclass(frozen=True)
class _Step:
    """How a reason is told; ``by`` is the title when a person acted, with their name."""

    title: Words
    text: Words
    tone: str
    icon: str
    by: Words = ""


_WE_TRY_AGAIN = lazy("Non è partito nulla: riproviamo noi.")
_MAY_HAVE_ARRIVED = lazy("Il collegamento era aperto: il messaggio può essere arrivato.")

_STEPS: dict[Reason, _Step] = {
    Reason.SAVED: _Step(lazy("Bozza salvata"), "", "idle", "it-pencil", lazy("Bozza salvata da %(person)s")),
    Reason.APPROVAL_ASKED: _Step(
        lazy("Approvazione chiesta"),
        lazy("Serve il sì di una seconda persona."),
        "wait",
        "it-user",
        lazy("Approvazione chiesta da %(person)s"),
    ),
    Reason.APPROVED: _Step(lazy("Approvato"), "", "ok", "it-check", lazy("Approvato da %(person)s")),
    Reason.SENT_BACK: _Step(
        lazy("Rimandato a chi scrive"), "", "wait", "it-arrow-left-circle", lazy("Rimandato a chi scrive da %(person)s")
    ),
    Reason.WITHDRAWN: _Step(
        lazy("Ripreso da chi scrive"),
        lazy("È tornato una bozza."),
        "idle",
        "it-arrow-left-circle",
        lazy("Ripreso da %(person)s"),
    ),
    Reason.CONTENT_CHANGED: _Step(
        lazy("È cambiato dopo l’approvazione"),
        lazy("Il sì valeva per un altro testo. Non è partito nulla: va approvato di nuovo."),
        "wait",
        "it-warning-circle",
        lazy("Cambiato dopo l’approvazione da %(person)s"),
    ),
    Reason.QUEUED: _Step(lazy("Messo in coda"), "", "idle", "it-clock", lazy("Messo in coda da %(person)s")),
    Reason.NOT_ON_IO: _Step(
        lazy("La persona non usa l’app IO"),
        lazy("Non abbiamo inviato nulla. Scrivi in un altro modo."),
        "idle",
        "it-ban",
    ),
    Reason.OPTED_OUT: _Step(
        lazy("La persona ha disattivato il servizio"),
        lazy("Non abbiamo inviato nulla. Scrivi in un altro modo."),
        "idle",
        "it-ban",
    ),
    Reason.SENT: _Step(lazy("Inviato a IO, %(attempt)s"), "", "go", "it-refresh"),
    Reason.TAKEN: _Step(
        lazy("IO lo ha preso in carico"),
        lazy("Ora aspettiamo che lo metta nell’app."),
        "go",
        "it-inbox",
    ),
    Reason.TAKEN_WITHOUT_ID: _Step(
        lazy("IO lo ha preso in carico, ma il codice non si legge"),
        lazy("Il messaggio è partito. Senza codice non possiamo seguirlo."),
        "ok",
        "it-check-circle",
    ),
    Reason.THROTTLED: _Step(
        lazy("IO ci ha chiesto di rallentare"),
        lazy("Non lo ha preso. Riproviamo noi al prossimo turno."),
        "idle",
        "it-clock",
    ),
    Reason.NOT_SENT: _Step(lazy("Il collegamento con IO non è riuscito"), _WE_TRY_AGAIN, "idle", "it-clock"),
    Reason.KEY_REJECTED: _Step(
        lazy("IO non ha accettato la chiave del servizio"),
        lazy("Il messaggio torna in coda e aspetta. Un amministratore deve controllare la chiave."),
        "wait",
        "it-key",
    ),
    Reason.FORBIDDEN: _Step(
        lazy("IO non ha accettato il servizio o il tipo di messaggio"),
        lazy("Il messaggio torna in coda e aspetta, mentre controlliamo quale permesso manca."),
        "wait",
        "it-locked",
    ),
    Reason.REFUSED: _Step(
        lazy("IO non lo ha accettato"),
        lazy("Nessuno lo ha ricevuto. La pagina dice cosa correggere e a chi tocca."),
        "bad",
        "it-error",
    ),
    Reason.TRIAL_MODE: _Step(
        lazy("Il servizio è in prova e la persona non è nell’elenco di prova"),
        lazy("Non abbiamo inviato nulla."),
        "bad",
        "it-error",
    ),
    Reason.NO_ANSWER: _Step(lazy("IO non ha risposto"), _MAY_HAVE_ARRIVED, "wait", "it-help-circle"),
    Reason.SERVER_FAULT: _Step(
        lazy("IO ha risposto con un guasto"),
        lazy("Non dice se lo ha preso: il messaggio può essere arrivato."),
        "wait",
        "it-help-circle",
    ),
    Reason.DEADLINE: _Step(
        lazy("L’invio si è interrotto"),
        lazy("Non sappiamo se IO lo ha preso: il messaggio può essere arrivato."),
        "wait",
        "it-help-circle",
    ),
    Reason.DELIVERED: _Step(
        lazy("Consegnato: è nell’app del cittadino"), lazy("Non vuol dire letto."), "ok", "it-check-circle"
    ),
    Reason.REJECTED: _Step(
        lazy("IO non ha potuto consegnarlo"),
        lazy("Nel frattempo la persona ha lasciato il servizio o IO. Nessuno lo ha ricevuto."),
        "bad",
        "it-close-circle",
    ),
    Reason.FAILED: _Step(
        lazy("IO ha avuto un guasto mentre lo consegnava"),
        lazy("Nessuno lo ha ricevuto. Il responsabile può rimetterlo in coda."),
        "bad",
        "it-error",
    ),
    Reason.NO_FINAL_WORD: _Step(
        lazy("In 7 giorni IO non ha detto come è finita"),
        lazy("Smettiamo di chiedere. Prima di scrivere di nuovo, chiedi alla persona se lo vede."),
        "wait",
        "it-help-circle",
    ),
    Reason.READ: _Step(lazy("Risulta letto"), "", "ok", "it-password-visible"),
    Reason.PAID: _Step(lazy("Risulta pagato"), "", "ok", "it-card"),
    Reason.CANCELLED: _Step(
        lazy("Annullato"),
        lazy("Era in coda: non è partito nulla."),
        "idle",
        "it-minus-circle",
        lazy("Annullato da %(person)s"),
    ),
    Reason.CONFIRMED: _Step(
        lazy("Arrivo confermato"),
        lazy("La persona lo vede nell’app. Non parte nient’altro."),
        "ok",
        "it-check-circle",
        lazy("Arrivo confermato da %(person)s"),
    ),
    Reason.SENT_AGAIN: _Step(lazy("Rimesso in coda"), "", "idle", "it-clock", lazy("Rimesso in coda da %(person)s")),
    Reason.ABANDONED: _Step(
        lazy("Rinuncia all’invio"),
        lazy("Non parte nient’altro. La persona va avvisata in un altro modo."),
        "idle",
        "it-close",
        lazy("%(person)s ha scelto di rinunciare"),
    ),
    Reason.CORRECTED: _Step(
        lazy("Ripreso per correggerlo"), "", "idle", "it-pencil", lazy("Ripreso per correggerlo da %(person)s")
    ),
    Reason.RESTORED: _Step(
        lazy("Il portale è ripartito da una copia dei dati"),
        lazy("Dopo la copia il messaggio può essere partito: non lo rimandiamo da soli."),
        "wait",
        "it-help-circle",
        lazy("%(person)s ha fatto ripartire il portale da una copia dei dati"),
    ),
}

# What the same reason says when the move went elsewhere.
_LATE = lazy("La risposta di IO è arrivata in ritardo: lo ha preso in carico")
_CORRECTED_TO_QUEUE = (
    lazy("Rimesso in coda dopo la correzione"),
    lazy("Rimesso in coda dopo la correzione da %(person)s"),
)

_ORDINALS: tuple[Words, ...] = (
    lazy("primo tentativo"),
    lazy("secondo tentativo"),
    lazy("terzo tentativo"),
    lazy("quarto tentativo"),
    lazy("quinto tentativo"),
)


def attempt_words(number: int) -> str:
    """Which attempt: «primo tentativo», «tentativo 12»."""
    if 1 <= number <= len(_ORDINALS):
        return str(_ORDINALS[number - 1])
    return _("tentativo %(number)d") % {"number": number}


def _titles(change: StatusChange, step: _Step) -> tuple[Words, Words]:
    """The title without and with a person, for the move that was really made."""
    late = change.from_status in {Status.UNCERTAIN, Status.QUEUED}
    if change.reason == Reason.TAKEN and late:
        return _LATE, _LATE
    if change.reason == Reason.CORRECTED and change.to_status == Status.QUEUED:
        return _CORRECTED_TO_QUEUE
    return step.title, step.by


def reason_story(change: StatusChange) -> Story:
    """How one step of a message's story is told; names who acted when a person did."""
    step = _STEPS[Reason(change.reason)]
    title, by = _titles(change, step)
    person = change.actor.short_name if change.actor else ""
    words = str(by if by and person else title)
    names = {"person": person, "attempt": attempt_words(change.attempt_number)}
    return Story(title=words % names, text=str(step.text), tone=step.tone, icon=step.icon)


OWNER_WORDS: dict[str, Words] = {
    "clerk": lazy("tocca a chi scrive"),
    "administrator": lazy("tocca all’amministratore"),
    "pagopa": lazy("tocca a PagoPA"),
}

_ASK_PAGOPA = lazy("Chiedi a PagoPA di attivarlo per questo servizio, poi rimetti in coda il messaggio.")
_CHECK_CONTENTS = lazy("Un amministratore controlla come sono esposti i contenuti, poi rimette in coda il messaggio.")

#: For each cause of a refusal: what is wrong, and the next step.
REFUSAL_WORDS: dict[str, tuple[Words, Words]] = {
    "invalid_content": (
        lazy("IO non accetta il contenuto: un dato manca, è troppo lungo o è scritto in un altro modo."),
        lazy("Correggi il messaggio e invialo di nuovo."),
    ),
    "amount_over_limit": (
        lazy("L’importo supera quello che IO permette a questo servizio."),
        lazy("Controlla l’importo. Se è giusto, l’amministratore chiede a PagoPA di alzare il limite del servizio."),
    ),
    "bad_parameters": (
        lazy("IO non riconosce i dati di questo servizio."),
        lazy("L’amministratore controlla il servizio nell’Area Riservata di IO."),
    ),
    "recipient_forbidden": (
        lazy("Finché il servizio è in prova su IO, può scrivere solo alle persone autorizzate là."),
        lazy("L’amministratore aggiunge la persona, o chiede a IO di attivare il servizio per tutti."),
    ),
    "payee_not_allowed": (
        lazy("Questo servizio non può indicare un altro ente creditore."),
        _ASK_PAGOPA,
    ),
    "premium_not_allowed": (
        lazy("Questo servizio non può inviare messaggi Premium."),
        _ASK_PAGOPA,
    ),
    "third_party_not_allowed": (
        lazy("Questo servizio non può inviare messaggi con contenuti conservati da noi."),
        _ASK_PAGOPA,
    ),
    "attachments_not_allowed": (
        lazy("Questo servizio non può inviare allegati."),
        lazy("Togli gli allegati, oppure l’amministratore chiede il permesso a PagoPA."),
    ),
    "remote_content_unknown": (
        lazy("IO non conosce il posto da cui leggere i contenuti di questo messaggio."),
        _CHECK_CONTENTS,
    ),
    "remote_content_not_ours": (
        lazy("Il posto da cui IO legge i contenuti risulta di un altro ente."),
        _CHECK_CONTENTS,
    ),
    "remote_content_missing": (
        lazy("Manca il posto da cui IO legge i contenuti di questo messaggio."),
        _CHECK_CONTENTS,
    ),
    "not_found": (
        lazy("IO non ha trovato il servizio o l’indirizzo a cui scriviamo."),
        lazy("L’amministratore controlla l’indirizzo di IO e il servizio."),
    ),
    "trial_mode": (
        lazy("Il servizio è in prova e questa persona non è nell’elenco di prova. Non abbiamo inviato nulla."),
        lazy("L’amministratore aggiunge la persona all’elenco, o mette il servizio in esercizio."),
    ),
    "permission": (
        lazy("Al servizio manca un permesso per questo tipo di messaggio."),
        lazy("L’amministratore controlla i permessi del servizio e li chiede a PagoPA."),
    ),
    "unknown": (
        lazy("IO non lo ha accettato e non spiega perché."),
        lazy("L’amministratore guarda la risposta di IO in questa pagina e, se serve, scrive all’assistenza di IO."),
    ),
}


def refusal_words(cause: str) -> tuple[str, str]:
    """What is wrong with a refused message, and the next step; a cause nobody worded is unknown."""
    sentence, next_step = REFUSAL_WORDS.get(cause, REFUSAL_WORDS["unknown"])
    return str(sentence), str(next_step)


def owner_words(owner: str) -> str:
    """Whose job it is: «tocca a chi scrive»."""
    return str(OWNER_WORDS.get(owner, OWNER_WORDS["administrator"]))


def overlap_words(overlap: Overlap) -> tuple[str, str]:
    """What of a sending comes on top of IO's own reminders, as a title and the reason with the next step."""
    told = {"reminded": number(overlap.reminded), "soon": number(overlap.soon), "looked_at": number(overlap.looked_at)}
    sentences = []
    if overlap.reminded:
        sentences.append(
            ngettext(
                "Una persona ha già lo stesso avviso o scadenza in un messaggio Premium non ancora letto o pagato.",
                "%(reminded)s persone hanno già lo stesso avviso o scadenza in un messaggio Premium non ancora letto o "
                "pagato.",
                overlap.reminded,
            )
            % told
        )
        sentences.append(
            _(
                "IO può ricordarglielo da sé: ogni 3 giorni se non è letto, al massimo 3 volte; ogni 3 giorni se non è "
                "pagato, dai 13 giorni prima della scadenza, e il giorno prima."
            )
        )
    if overlap.soon:
        sentences.append(
            ngettext(
                "Un avviso scade entro 13 giorni: IO può cominciare subito a ricordarlo, ogni 3 giorni e il giorno "
                "prima.",
                "%(soon)s avvisi scadono entro 13 giorni: IO può cominciare subito a ricordarli, ogni 3 giorni e il "
                "giorno prima.",
                overlap.soon,
            )
            % told
        )
        sentences.append(_("Un altro sollecito vostro negli stessi giorni sarebbe in più."))
    if overlap.is_partial:
        sentences.append(_("Abbiamo guardato le prime %(looked_at)s righe.") % told)
    title = _("Alcune persone avrebbero due solleciti") if overlap.reminded else _("IO sollecita anche da sé")
    return title, " ".join(sentences)
