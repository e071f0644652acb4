"""Italian words that the advice looks for. A stem ends with an asterisk."""

from __future__ import annotations

import re
from collections.abc import Iterable


def _listed(text: str) -> tuple[str, ...]:
    return tuple(text.split())


#: States of health: a subject that has one tells a locked screen about it.
HEALTH = _listed("""
malatti* malato malata malati malate diagnos* patologi* terapi* oncologic* tumor* cancro chemioterapi* hiv aids
psichiatri* psicolog* psicoterapi* disabil* invalidità invalido invalida invalidi handicap ricover* referto referti
vaccin* gravidanza aborto dipendenze tossicodipenden* sert serd dialisi celiac* diabet* epiless* autis* screening
mammografi* colonscopi* covid* ginecologic* cardiologic*
""")
HEALTH_PHRASES = (
    "legge 104",
    "esame del sangue",
    "esami del sangue",
    "esami clinici",
    "esami medici",
    "visita medica",
    "visita specialistica",
    "non autosufficien*",
    "pap test",
)

#: Family affairs.
FAMILY = _listed("""
divorzi* adozione adozioni affido maltrattament* violenza vedovo vedova vedovanza orfano orfana
orfani decesso lutto
""")
FAMILY_PHRASES = (
    "suo figlio",
    "sua figlia",
    "tuo figlio",
    "tua figlia",
    "vostro figlio",
    "vostra figlia",
    "sua moglie",
    "tua moglie",
    "suo marito",
    "tuo marito",
    "minore a carico",
    "minori a carico",
    "tutela di minor*",
    "nucleo familiare",
    "stato di famiglia",
    "assegno di mantenimento",
    "assistente sociale",
    "servizi sociali",
    "unione civile",
    "separazione personale",
    "separazione consensuale",
    "separazione dei coniugi",
    "affidamento familiare",
    "affidamento condiviso",
    "affidamento di minor*",
)

#: What follows a salutation and names nobody in particular.
NOBODY = _listed("""
cittadin* concittadin* utent* contribuent* client* signor* famigli* genitor* student* alunn* residen* dottor* inquilin*
proprietari* intestatari* abbonat* iscritt* ospit* amic* tutti tutte
""")

#: A button's text that promises somebody to turn to.
HELP = _listed("aiut* assisten* contatt* chiam* scriv* chied* prenot* appuntament* sportell* telefon* segnal*")


def alternatives(words: Iterable[str]) -> str:
    """Return a regular expression for any of `words`, whole, stems with whatever ends them."""
    return "|".join(re.escape(word).replace(r"\*", r"\w*").replace(r"\ ", r"\s+") for word in words)


def any_of(*lists: Iterable[str]) -> re.Pattern[str]:
    """Return a compiled pattern that finds any of the words of `lists`, in either case."""
    joined = "|".join(alternatives(words) for words in lists)
    return re.compile(rf"\b(?:{joined})\b", re.IGNORECASE)
