"""From the file to the payment: how many rows of a sending came how far, and of how many that is known."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.http import QueryDict
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from messaging.batches.progress import Figures
from messaging.enums import FeatureLevel, Kind, Milestone
from messaging.listing import Outcome
from messaging.models import Batch, BatchMilestone
from messaging.overview import share
from messaging.templatetags.portal import number


@dataclass(frozen=True, slots=True)
class Rung:
    """One step of the way: how many, of how many, and where they are listed; None where nobody knows.

    ``length`` is the count, and ``behind`` what it is known of, as so many of a hundred rows of the file.
    """

    label: str | Promise
    count: int | None
    whole: int
    length: int
    behind: int
    tone: str = "go"
    address: str = ""

    @property
    def share(self) -> int | None:
        """In hundredths of the whole, rounded down."""
        return None if self.count is None else share(self.count, self.whole)


def funnel(batch: Batch, figures: Figures) -> dict[str, Any]:
    """The steps, and what is not known of the last ones; one query where anything can be known of them."""
    reached = (
        dict(BatchMilestone.objects.filter(batch=batch).values_list("milestone", "count")) if _is_told(batch) else {}
    )
    addresses = (
        f"{reverse('batch_detail', args=[batch.public_id])}?filter=all#righe",
        "",
        _listed(batch, Outcome.LEFT),
        _listed(batch, Outcome.ARRIVED),
    )
    rungs = [
        Rung(label, count, 0 if tone == "none" else figures.rows, length, length, tone, address)
        for (label, tone, count, length), address in zip(figures.funnel, addresses, strict=True)
    ]
    seen = _known(batch, figures, reached, Outcome.SEEN, Milestone.OBSERVED)
    paid = _known(batch, figures, reached, Outcome.PAID, Milestone.PAYABLE)
    words = [_seen_words(batch, figures, seen)]
    if batch.kind == Kind.PAYMENT:
        rungs += [seen, paid]
        words.append(_paid_words(batch, figures, paid))
    else:
        rungs.append(seen)
    return {"rungs": rungs, "words": [word for word in words if word]}


def _is_told(batch: Batch) -> bool:
    """Whether IO or our own server can tell anything beyond the delivery."""
    return batch.has_remote_content or batch.feature_level == FeatureLevel.ADVANCED


def _listed(batch: Batch, outcome: Outcome) -> str:
    query = QueryDict(mutable=True)
    query.update({"batch": str(batch.public_id), "outcome": outcome.value})
    return f"{reverse('message_list')}?{query.urlencode()}"


def _known(batch: Batch, figures: Figures, reached: dict[str, int], outcome: Outcome, of: Milestone) -> Rung:
    whole = reached.get(of, 0)
    assert outcome.milestone is not None
    count = reached.get(outcome.milestone, 0)
    label = _("Aperte o lette") if outcome is Outcome.SEEN else _("Pagate")
    known = bool(whole) or not figures.delivered
    return Rung(
        label,
        count if known else None,
        whole,
        figures.share(count),
        figures.share(whole),
        address=_listed(batch, outcome),
    )


def _seen_words(batch: Batch, figures: Figures, seen: Rung) -> str:
    told = {"known": number(seen.whole), "delivered": number(figures.delivered)}
    if seen.whole:
        return _("Aperte o lette: si sa di %(known)s su %(delivered)s consegnate.") % told
    if _is_told(batch):
        return _("Aperte o lette: IO finora non lo ha detto di nessuna.") if figures.delivered else ""
    return _(
        "Aperte o lette: non si sa. Senza accordo Premium IO non lo dice, e il testo di questo invio è tutto su IO."
    )


def _paid_words(batch: Batch, figures: Figures, paid: Rung) -> str:
    if paid.whole:
        return ngettext(
            "Pagate: si sa di un avviso di pagamento, in qualunque modo si paghi.",
            "Pagate: si sa di %(n)s avvisi di pagamento, in qualunque modo si paghino.",
            paid.whole,
        ) % {"n": number(paid.whole)}
    if batch.feature_level == FeatureLevel.ADVANCED:
        return _("Pagate: IO finora non lo ha detto di nessuna.") if figures.delivered else ""
    return _("Pagate: non si sa. Senza accordo Premium IO non lo dice.")
