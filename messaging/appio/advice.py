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
    tree = parse(body)
    plain = plain_text(body)
    given = [Advice(code, "subject") for code in findings.subject_faults(subject)]
    if subject.strip() and not given:
        given.append(Advice("subject_clean", "subject", good=True))
    given += _shouting(subject, plain)
    given += [Advice(code, "body") for code in findings.private_numbers(body)]
    given += [Advice(code, "body") for code in _unique(_layout(tree))]
    given += _rules(body)
    if plain and not (findings.names_a_contact(plain) or _has_link(tree) or _offers_help(buttons)):
        given.append(Advice("no_contact", "body"))
    said = f"{subject}\n{plain}"
    return [*given, *_amount(said, amount_cents), *_due_date(said, due_date)]


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
