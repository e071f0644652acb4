"""Advice on a text before it goes out: codes and parameters for the web layer to word. None of it prevents sending."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from datetime import date

from markdown_it.tree import SyntaxTreeNode

from messaging.appio import findings
from messaging.appio.buttons import Button, ButtonError, ButtonKind, parse_action
from messaging.appio.dialect import BARE_LINK, LIVE_SCHEMES, link_scheme, parse, plain_text

_APP_ONLY_SCHEMES = frozenset({"iosso", "iohandledlink"})


@dataclasses.dataclass(frozen=True, slots=True)
class Advice:
    """One piece of advice on `field` ("subject" or "body"); `good` when it praises."""

    code: str
    field: str
    good: bool = False
    params: Mapping[str, object] = dataclasses.field(default_factory=dict)


def advice(
    subject: str,
    body: str,
    *,
    amount_cents: int | None,
    due_date: date | None,
    buttons: Sequence[Button] = (),
) -> list[Advice]:
    """Return what to say about an Italian text, subject first; `body` comes without front matter.

    `amount_cents` and `due_date` are the payment's, to compare with what the text says. The subject shows on locked
    screens and in e-mail, hence its stricter rules (IO messages API notes, 10); what the app does not draw is in 7.1.
    Codes: subject_fiscal_code, subject_name, subject_amount, subject_health, subject_family, subject_clean;
    shouting; body_iban, body_card_number; bare_link, link_without_scheme, sso_link_in_body, table, strikethrough,
    html_tag, image, rule_cuts_email, body_starts_with_rule; no_contact; amount_mismatch, amount_matches,
    due_date_mismatch, due_date_matches.
    """
    text = _Text.of(body)
    given = [*_subject(subject), *_body(subject, text), *_rules(body), *_contact(text, buttons)]
    return [*given, *_payment(subject, text, amount_cents, due_date)]


def public_advice(subject: str, body: str) -> list[Advice]:
    """Return what to say about the public part of a message of which IO fetches the text: it tells nobody's business.

    The courtesy text goes into the e-mail and stays with IO, so it is judged as strictly as the subject (platform
    notes, A2). Codes: those of `advice` on subject and layout, and courtesy_fiscal_code, courtesy_name,
    courtesy_amount, courtesy_health, courtesy_family, courtesy_clean.
    """
    text = _Text.of(body)
    faults = [code.replace("subject_", "courtesy_") for code in findings.subject_faults(text.plain)]
    courtesy = [Advice(code, "body") for code in faults]
    if body.strip() and not faults:
        courtesy.append(Advice("courtesy_clean", "body", good=True))
    return [*_subject(subject), *courtesy, *_body(subject, text), *_rules(body)]


def protected_advice(
    subject: str,
    body: str,
    *,
    amount_cents: int | None,
    due_date: date | None,
    buttons: Sequence[Button] = (),
) -> list[Advice]:
    """Return what to say about a text that only the citizen reads, in the app: names and amounts belong there.

    Codes: those of `advice` but for what is said of a subject or of the e-mail.
    """
    text = _Text.of(body)
    given = [*_body(subject, text), *_front_matter(body), *_contact(text, buttons)]
    return [*given, *_payment(subject, text, amount_cents, due_date)]


@dataclasses.dataclass(frozen=True, slots=True)
class _Text:
    """A text read once: as it is written, in plain words, and taken apart."""

    body: str
    plain: str
    tree: SyntaxTreeNode

    @classmethod
    def of(cls, body: str) -> _Text:
        return cls(body, plain_text(body), parse(body))


def _subject(subject: str) -> list[Advice]:
    given = [Advice(code, "subject") for code in findings.subject_faults(subject)]
    if subject.strip() and not given:
        given.append(Advice("subject_clean", "subject", good=True))
    return given


def _body(subject: str, text: _Text) -> Iterator[Advice]:
    yield from _shouting(subject, text.plain)
    yield from (Advice(code, "body") for code in findings.private_numbers(text.body))
    yield from (Advice(code, "body") for code in _unique(_layout(text.tree)))


def _contact(text: _Text, buttons: Sequence[Button]) -> Iterator[Advice]:
    if text.plain and not (findings.names_a_contact(text.plain) or _has_link(text.tree) or _offers_help(buttons)):
        yield Advice("no_contact", "body")


def _payment(subject: str, text: _Text, amount_cents: int | None, due_date: date | None) -> Iterator[Advice]:
    said = f"{subject}\n{text.plain}"
    yield from _amount(said, amount_cents)
    yield from _due_date(said, due_date)


def _unique(codes: Iterator[str]) -> list[str]:
    return list(dict.fromkeys(codes))


def _shouting(subject: str, plain: str) -> Iterator[Advice]:
    if findings.shouts(subject, 10):
        yield Advice("shouting", "subject")
    if findings.shouts(plain, 40):
        yield Advice("shouting", "body")


def _rules(body: str) -> Iterator[Advice]:
    if "---" in body:
        yield Advice("rule_cuts_email", "body")
    yield from _front_matter(body)


def _front_matter(body: str) -> Iterator[Advice]:
    if body.startswith("---"):
        yield Advice("body_starts_with_rule", "body")


def _layout(tree: SyntaxTreeNode) -> Iterator[str]:
    kinds = {"table": "table", "s": "strikethrough", "image": "image"}
    for node in tree.walk():
        if node.type in kinds:
            yield kinds[node.type]
        elif node.type in {"html_inline", "html_block"} and findings.has_tag(node.content):
            yield "html_tag"
        elif node.type == "link":
            yield from _link_fault(str(node.attrs.get("href", "")))
        elif node.type == "text" and BARE_LINK.search(node.content) and not _within_link(node):
            yield "bare_link"


def _link_fault(href: str) -> Iterator[str]:
    scheme = link_scheme(href)
    if scheme in _APP_ONLY_SCHEMES:
        yield "sso_link_in_body"
    elif scheme not in LIVE_SCHEMES:
        yield "link_without_scheme"


def _within_link(node: SyntaxTreeNode) -> bool:
    above = node.parent
    while above is not None and above.type != "link":
        above = above.parent
    return above is not None


def _has_link(tree: SyntaxTreeNode) -> bool:
    return any(n.type == "link" and link_scheme(str(n.attrs.get("href", ""))) in LIVE_SCHEMES for n in tree.walk())


def _offers_help(buttons: Sequence[Button]) -> bool:
    return any(_is_helpful(button) for button in buttons)


def _is_helpful(button: Button) -> bool:
    try:
        kind, _ = parse_action(button.action)
    except ButtonError:
        return False
    return kind in {ButtonKind.PHONE, ButtonKind.EMAIL} or findings.speaks_of_help(button.text_it)


def _amount(said: str, cents: int | None) -> Iterator[Advice]:
    found = findings.amounts(said)
    if cents is None or not found:
        return
    if cents in found:
        yield Advice("amount_matches", "body", good=True, params={"amount": cents})
    else:
        yield Advice("amount_mismatch", "body", params={"expected": cents, "found": tuple(found)})


def _due_date(said: str, due: date | None) -> Iterator[Advice]:
    if due is None:
        return
    every, deadlines = findings.dates(said, due.year)
    # Other dates (of a deed, of a visit) are no deadline: one that stands alone may be.
    suspect = deadlines or (every if len(every) == 1 else [])
    if due in every:
        yield Advice("due_date_matches", "body", good=True, params={"due_date": due})
    elif suspect:
        yield Advice("due_date_mismatch", "body", params={"expected": due, "found": tuple(suspect)})
