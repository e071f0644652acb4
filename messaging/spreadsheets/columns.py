"""Which column of a file is which field of a message."""

from __future__ import annotations

import dataclasses
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence

FISCAL_CODE, AMOUNT, NOTICE_NUMBER, DUE_DATE = "fiscal_code", "amount", "notice_number", "due_date"
#: The names of the files that go with the row's message. No placeholder has this key, which `header_key` never makes.
ATTACHMENT = "attachment_name"


def _listed(words: str) -> frozenset[str]:
    return frozenset(words.split())


#: Other names of the fields, as `header_key` writes them. "iuv" is not among those of the notice number: an IUV has
#: 13 to 17 digits, and the notice number is made of it with an auxiliary digit and the creditor's codes in front, so
#: that taking one for the other could only give wrong numbers.
SYNONYMS: Mapping[str, frozenset[str]] = {
    FISCAL_CODE: _listed("""
        codicefiscale fiscalcode cf codfiscale codfisc codicefisc codicefiscaledestinatario codicefiscalecontribuente
        codicefiscaleintestatario codicefiscaledebitore codicefiscaleutente codicefiscalecittadino cfdestinatario
        cfcontribuente cfintestatario cfdebitore cfutente taxcode
    """),
    AMOUNT: _listed("""
        importo amount euro eur importoeuro importoineuro importoeur dapagare importodapagare totaledapagare
        importodovuto importototale
    """),
    NOTICE_NUMBER: _listed("""
        numeroavviso noticenumber avviso codiceavviso navviso nravviso numavviso noavviso numerodiavviso codavviso
        numeroavvisopagopa avvisopagopa codiceavvisopagopa numerodellavviso
    """),
    DUE_DATE: _listed("""
        scadenza duedate datascadenza datadiscadenza scadenzapagamento datascadenzapagamento scadeil entroil
        dapagareentro
    """),
    ATTACHMENT: _listed("""
        allegato allegati nomeallegato nomiallegati nomedellallegato attachment attachments attachmentname file files
        filename nomefile nomedelfile nomefilepdf fileallegato fileallegati filepdf pdf nomepdf pdfallegato documento
        documenti nomedocumento documentopdf
    """),
}
_NO_LETTER = re.compile(r"[\W_]+")


def header_key(name: str) -> str:
    """Return a name as names are compared: letters and digits alone, without case and accents; € counts as "euro"."""
    plain = unicodedata.normalize("NFKD", name.replace("€", "euro").replace("°", "").replace("º", "").casefold())
    return _NO_LETTER.sub("", "".join(c for c in plain if not unicodedata.combining(c)))


@dataclasses.dataclass(frozen=True, slots=True)
class Wanted:
    """A field to be found in a file: one of those above, or a placeholder's name."""

    field: str
    required: bool = True


@dataclasses.dataclass(frozen=True, slots=True)
class ColumnProblem:
    """Something wrong with the columns: a code and its parameters.

    missing (no column for `field`; `headers`: those of the file that nothing claims; `iuv`: the header of a column
    of IUV, which are no notice numbers); duplicate (`headers`: the labels of all that could be `field`).
    """

    field: str
    code: str
    params: Mapping[str, object] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True, slots=True)
class Matching:
    """Which field is in which column, from 0; `other` are the columns that no field takes.

    `labels` names each column once: its header, with its letter when that is empty or not the only one.
    """

    labels: list[str]
    columns: dict[str, int]
    other: list[int]
    problems: list[ColumnProblem]


def column_letter(place: int) -> str:
    """Return the letters of a column, from 0: "A", "Z", "AA"."""
    letters = ""
    place += 1
    while place:
        place, rest = divmod(place - 1, 26)
        letters = chr(65 + rest) + letters
    return letters


def column_labels(header: Sequence[str]) -> list[str]:
    """Return a name for each column, no two the same: "importo", "nota [D]", "[E]"."""
    labels: list[str] = []
    for place, name in enumerate(header):
        alone = bool(name) and header.count(name) == 1
        labels.append(name if alone else f"{name} [{column_letter(place)}]".strip())
    return labels


def match_columns(
    header: Sequence[str], wanted: Iterable[Wanted], remembered: Mapping[str, str] | None = None
) -> Matching:
    """Find the columns of the wanted fields.

    `remembered` maps fields to the labels (or headers) chosen by hand; it wins, as long as the file has such a column.
    One column may serve a field and a placeholder of the same meaning, and chosen by hand any number of fields.
    """
    labels = column_labels(header)
    keys = [header_key(name) for name in header]
    columns: dict[str, int] = {}
    faults: list[tuple[Wanted, list[int]]] = []
    for want in wanted:
        chosen = _remembered(want.field, header, labels, remembered or {})
        places = [chosen] if chosen is not None else _places(want.field, keys)
        if len(places) == 1:
            columns[want.field] = places[0]
        elif places or want.required:
            faults.append((want, places))
    taken = set(columns.values()).union(*(places for _, places in faults))
    other = [place for place in range(len(header)) if place not in taken]
    problems = [_problem(want.field, places, labels, other, keys) for want, places in faults]
    return Matching(labels, columns, other, problems)


def _remembered(name: str, header: Sequence[str], labels: list[str], remembered: Mapping[str, str]) -> int | None:
    wanted = remembered.get(name)
    if wanted is None:
        return None
    if wanted in labels:
        return labels.index(wanted)
    places = _places(wanted, [header_key(text) for text in header], exact=True)
    return places[0] if len(places) == 1 else None


def _places(name: str, keys: list[str], *, exact: bool = False) -> list[int]:
    wanted = SYNONYMS[name] if name in SYNONYMS and not exact else frozenset({header_key(name)})
    return [place for place, key in enumerate(keys) if key and key in wanted]


def _problem(name: str, places: list[int], labels: list[str], other: list[int], keys: list[str]) -> ColumnProblem:
    if places:
        return ColumnProblem(name, "duplicate", {"headers": [labels[place] for place in places]})
    params: dict[str, object] = {"headers": [labels[place] for place in other]}
    if name == NOTICE_NUMBER and "iuv" in keys:
        params["iuv"] = labels[keys.index("iuv")]
    return ColumnProblem(name, "missing", params)
