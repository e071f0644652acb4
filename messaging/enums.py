"""The closed sets of words the portal works with, each with what the screen shows for it."""

from __future__ import annotations

from django.db.models import IntegerChoices, TextChoices
from django.utils.translation import gettext_lazy as _


class Role(TextChoices):
    """What a person may do in one service."""

    CLERK = "clerk", _("addetto")
    SUPERVISOR = "supervisor", _("responsabile")


class ApprovalRule(TextChoices):
    """Which messages of a service need a second person."""

    OFF = "off", _("nessuno")
    PAYMENTS = "payments", _("i messaggi con pagamento")
    ALL = "all", _("tutti i messaggi")


class Kind(TextChoices):
    """What a message is for."""

    INFORMATIONAL = "informational", _("informativo")
    PAYMENT = "payment", _("di pagamento")
    DUE_DATE = "due_date", _("con scadenza")


class FeatureLevel(TextChoices):
    """The platform's two levels of service."""

    STANDARD = "STANDARD", _("base")
    ADVANCED = "ADVANCED", _("Premium")


class Precondition(TextChoices):
    """When the app shows a page of ours before it opens a message (platform notes, A2)."""

    ALWAYS = "ALWAYS", _("ogni volta")
    ONCE = "ONCE", _("solo la prima volta")
    NEVER = "NEVER", _("mai")


class EnvironmentKind(TextChoices):
    """The two places from which IO can fetch (platform notes, A1.3)."""

    TEST = "test", _("di prova")
    PRODUCTION = "production", _("di produzione")


class OpenedPart(TextChoices):
    """What of a message IO fetched for the citizen."""

    DETAIL = "detail", _("testo")
    PRECONDITION = "precondition", _("avvertenza")
    FILE = "file", _("allegato")


class PdfVerdict(TextChoices):
    """What a checker of PDF/A said of a file."""

    NOT_ASKED = "not_asked", _("non verificato")
    CONFORMS = "conforms", _("conforme")
    FAILS = "fails", _("non conforme")


class Milestone(TextChoices):
    """What is counted of delivered messages beside their status."""

    OBSERVED = "observed", _("si sa se aperto o letto")
    SEEN = "seen", _("aperto o letto")
    PAYABLE = "payable", _("si sa se pagato")
    PAID = "paid", _("pagato")


class KeySlot(TextChoices):
    """A service's two keys, both valid at once on the platform."""

    PRIMARY = "primary", _("primaria")
    SECONDARY = "secondary", _("secondaria")


class ReachabilityAnswer(TextChoices):
    """What the platform said of a person for one service."""

    REACHABLE = "reachable", _("raggiungibile")
    NOT_ON_IO = "not_on_io", _("non è su IO")
    OPTED_OUT = "opted_out", _("ha disattivato il servizio")


class Status(TextChoices):
    """Where a message stands in its life."""

    DRAFT = "draft", _("Bozza")
    AWAITING_APPROVAL = "awaiting_approval", _("Da approvare")
    QUEUED = "queued", _("In coda")
    UNREACHABLE = "unreachable", _("Non raggiungibile")
    SENDING = "sending", _("In invio")
    ACCEPTED = "accepted", _("Preso in carico")
    PROCESSED = "processed", _("Consegnato")
    REJECTED = "rejected", _("Respinto da IO")
    FAILED = "failed", _("Non riuscito")
    REFUSED = "refused", _("Da correggere")
    UNCERTAIN = "uncertain", _("Esito incerto")
    CONFIRMED = "confirmed", _("Arrivo confermato")
    NO_OUTCOME = "no_outcome", _("Senza esito")
    CANCELLED = "cancelled", _("Annullato")
    ABANDONED = "abandoned", _("Rinunciato")

    @property
    def tone(self) -> str:
        """The tone of the style sheet: ok, go, wait, bad or idle."""
        return _TONES.get(self, "idle")

    @property
    def icon(self) -> str:
        """The icon's name in Bootstrap Italia's sprite."""
        return _ICONS[self]


_TONES = {
    Status.AWAITING_APPROVAL: "wait",
    Status.SENDING: "go",
    Status.ACCEPTED: "go",
    Status.PROCESSED: "ok",
    Status.CONFIRMED: "ok",
    Status.REJECTED: "bad",
    Status.FAILED: "bad",
    Status.REFUSED: "bad",
    Status.UNCERTAIN: "wait",
    Status.NO_OUTCOME: "wait",
}

_ICONS = {
    Status.DRAFT: "it-pencil",
    Status.AWAITING_APPROVAL: "it-user",
    Status.QUEUED: "it-clock",
    Status.UNREACHABLE: "it-ban",
    Status.SENDING: "it-refresh",
    Status.ACCEPTED: "it-inbox",
    Status.PROCESSED: "it-check-circle",
    Status.REJECTED: "it-close-circle",
    Status.FAILED: "it-error",
    Status.REFUSED: "it-error",
    Status.UNCERTAIN: "it-help-circle",
    Status.CONFIRMED: "it-check-circle",
    Status.NO_OUTCOME: "it-help-circle",
    Status.CANCELLED: "it-minus-circle",
    Status.ABANDONED: "it-close",
}

#: Nothing more happens by itself, whatever a person may still decide.
FINAL = frozenset(
    {
        Status.UNREACHABLE,
        Status.PROCESSED,
        Status.REJECTED,
        Status.FAILED,
        Status.REFUSED,
        Status.CONFIRMED,
        Status.NO_OUTCOME,
        Status.CANCELLED,
        Status.ABANDONED,
    }
)
#: The engine is at work on it, or will be: the screen keeps looking.
MOVING = frozenset({Status.QUEUED, Status.SENDING, Status.ACCEPTED})
#: Proved never to have reached the citizen: the same content may go again without a reason.
NEVER_ARRIVED = frozenset({Status.UNREACHABLE, Status.REJECTED, Status.FAILED, Status.REFUSED, Status.CANCELLED})


class BatchStatus(TextChoices):
    """Where a spreadsheet's sending stands."""

    UPLOADED = "uploaded", _("Caricato")
    CHECKING = "checking", _("In controllo")
    NEEDS_ATTENTION = "needs_attention", _("Da sistemare")
    READY = "ready", _("Pronto")
    AWAITING_APPROVAL = "awaiting_approval", _("Da approvare")
    SCHEDULED = "scheduled", _("Programmato")
    SENDING = "sending", _("In invio")
    PAUSED = "paused", _("In pausa")
    FINISHED = "finished", _("Finito")
    CANCELLED = "cancelled", _("Annullato")

    @classmethod
    def before_sending(cls) -> list[BatchStatus]:
        """The statuses in which no clerk has pressed Send, or has taken it back."""
        return [cls.UPLOADED, cls.CHECKING, cls.NEEDS_ATTENTION, cls.READY, cls.CANCELLED]

    @property
    def tone(self) -> str:
        """The tone of the style sheet: ok, go, wait, bad or idle."""
        return _BATCH_TONES.get(self, "idle")

    @property
    def icon(self) -> str:
        """The icon's name in Bootstrap Italia's sprite."""
        return _BATCH_ICONS[self]


_BATCH_TONES = {
    BatchStatus.CHECKING: "go",
    BatchStatus.NEEDS_ATTENTION: "wait",
    BatchStatus.AWAITING_APPROVAL: "wait",
    BatchStatus.SENDING: "go",
    BatchStatus.PAUSED: "wait",
    BatchStatus.FINISHED: "ok",
}

_BATCH_ICONS = {
    BatchStatus.UPLOADED: "it-file",
    BatchStatus.CHECKING: "it-refresh",
    BatchStatus.NEEDS_ATTENTION: "it-pencil",
    BatchStatus.READY: "it-check",
    BatchStatus.AWAITING_APPROVAL: "it-user",
    BatchStatus.SCHEDULED: "it-clock",
    BatchStatus.SENDING: "it-refresh",
    BatchStatus.PAUSED: "it-minus-circle",
    BatchStatus.FINISHED: "it-check-circle",
    BatchStatus.CANCELLED: "it-close",
}


class RowState(TextChoices):
    """What a row of a file is: those that are good become messages, the others keep this as their outcome."""

    GOOD = "good", _("a posto")
    WRONG = "wrong", _("da correggere")
    REPEATED = "repeated", _("già inviata")
    EXCLUDED = "excluded", _("esclusa")
    MOVED = "moved", _("spostata in un altro invio")


class DeliverySpeed(IntegerChoices):
    """How long after being taken in charge a message was known to be delivered."""

    SECONDS_15 = 0, _("fino a 15 secondi")
    MINUTE = 1, _("da 15 secondi a 1 minuto")
    MINUTES_5 = 2, _("da 1 a 5 minuti")
    MINUTES_30 = 3, _("da 5 a 30 minuti")
    HOURS_2 = 4, _("da 30 minuti a 2 ore")
    LONGER = 5, _("oltre 2 ore")

    @classmethod
    def of(cls, seconds: float) -> DeliverySpeed:
        """The class of a time in seconds."""
        return next((speed for speed, most in _SPEEDS if seconds <= most), cls.LONGER)

    @property
    def most(self) -> int | None:
        """The longest time of the class in seconds; None for the last one."""
        return dict(_SPEEDS).get(self)


_SPEEDS = (
    (DeliverySpeed.SECONDS_15, 15),
    (DeliverySpeed.MINUTE, 60),
    (DeliverySpeed.MINUTES_5, 300),
    (DeliverySpeed.MINUTES_30, 1_800),
    (DeliverySpeed.HOURS_2, 7_200),
)


class Lane(IntegerChoices):
    """Who waits for a call: a person at a screen goes first, questions about fates share with batches."""

    PERSON = 0, _("una persona aspetta")
    POLL = 1, _("esito da chiedere")
    BATCH = 2, _("invio da foglio")


class Reason(TextChoices):
    """Why a message moved: the cause in a timeline row, worded in messaging.wording."""

    SAVED = "saved", _("salvato")
    APPROVAL_ASKED = "approval_asked", _("approvazione chiesta")
    APPROVED = "approved", _("approvato")
    SENT_BACK = "sent_back", _("rimandato a chi scrive")
    WITHDRAWN = "withdrawn", _("ripreso da chi scrive")
    CONTENT_CHANGED = "content_changed", _("cambiato dopo l’approvazione")
    QUEUED = "queued", _("messo in coda")
    NOT_ON_IO = "not_on_io", _("non è su IO")
    OPTED_OUT = "opted_out", _("servizio disattivato")
    SENT = "sent", _("inviato a IO")
    TAKEN = "taken", _("preso in carico")
    TAKEN_WITHOUT_ID = "taken_without_id", _("preso in carico, codice illeggibile")
    THROTTLED = "throttled", _("IO chiede di rallentare")
    NOT_SENT = "not_sent", _("collegamento non riuscito, nulla inviato")
    KEY_REJECTED = "key_rejected", _("chiave non accettata")
    FORBIDDEN = "forbidden", _("permesso da verificare")
    REFUSED = "refused", _("non accettato da IO")
    TRIAL_MODE = "trial_mode", _("servizio in prova")
    NO_ANSWER = "no_answer", _("nessuna risposta")
    SERVER_FAULT = "server_fault", _("guasto di IO")
    DEADLINE = "deadline", _("interrotto durante l’invio")
    DELIVERED = "delivered", _("consegnato")
    REJECTED = "rejected", _("respinto")
    FAILED = "failed", _("non riuscito")
    NO_FINAL_WORD = "no_final_word", _("nessun esito in 7 giorni")
    READ = "read", _("letto")
    PAID = "paid", _("pagato")
    CANCELLED = "cancelled", _("annullato")
    CONFIRMED = "confirmed", _("arrivo confermato da una persona")
    SENT_AGAIN = "sent_again", _("rimesso in coda da una persona")
    ABANDONED = "abandoned", _("rinunciato")
    CORRECTED = "corrected", _("corretto e rimesso in coda")
    RESTORED = "restored", _("ripreso da una copia del database")


class AttemptOutcome(TextChoices):
    """How one attempt to submit ended; empty while nobody knows."""

    ACCEPTED = "accepted", _("accettato")
    ACCEPTED_WITHOUT_ID = "accepted_without_id", _("accettato, codice illeggibile")
    REFUSED = "refused", _("rifiutato")
    KEY_REJECTED = "key_rejected", _("chiave non accettata")
    FORBIDDEN = "forbidden", _("vietato")
    THROTTLED = "throttled", _("rallentato")
    NOT_SENT = "not_sent", _("non partito")
    UNANSWERED = "unanswered", _("senza risposta")


class PauseReason(TextChoices):
    """Why a service does not send for now."""

    KEY = "key", _("IO non accetta la chiave")
    FORBIDDEN = "forbidden", _("IO non accetta questo servizio o l’indirizzo da cui scriviamo")
    FEATURE = "feature", _("manca un permesso per questo tipo di messaggio")
    PERSON = "person", _("sospeso da una persona")


class NoticeKind(TextChoices):
    """What staff get an e-mail about."""

    APPROVAL = "approval", _("messaggi da approvare")
    SENT_BACK = "sent_back", _("messaggi tornati indietro")
    UNCERTAIN = "uncertain", _("messaggi con esito incerto")
    PAUSED = "paused", _("servizi sospesi")
    HELD = "held", _("invii fermi dopo un ripristino")
    BATCH_CHECKED = "checked", _("fogli controllati")
    BATCH_FINISHED = "finished", _("invii da foglio finiti")
