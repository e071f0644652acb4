"""A message as the platform's JSON, and what the server would refuse of it."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import date
from typing import Literal

from messaging.appio import fiscal_codes, rules
from messaging.appio.remote import ThirdParty, third_party_data
from messaging.appio.rules import Problem

_PAYEE = re.compile(r"[0-9]{11}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Outgoing:
    """One message to one citizen, complete: placeholders filled, buttons merged into `markdown`.

    `amount` is in eurocents, `due_date` a day in Italy, `payee` the creditor's 11-digit code, `time_to_live` in
    seconds. None leaves the field to the platform's default. With `third_party` IO fetches text or files from us.
    """

    fiscal_code: str
    subject: str
    markdown: str
    amount: int | None = None
    notice_number: str | None = None
    invalid_after_due_date: bool = False
    due_date: date | None = None
    payee: str | None = None
    feature_level: Literal["STANDARD", "ADVANCED"] = "STANDARD"
    time_to_live: int | None = None
    require_secure_channels: bool | None = None
    third_party: ThirdParty | None = None


def build_payload(outgoing: Outgoing) -> dict[str, object]:
    """Return the JSON object of POST /messages: the published names, no null and nothing else (notes, 1.3)."""
    payload: dict[str, object] = {
        "fiscal_code": outgoing.fiscal_code,
        "feature_level_type": outgoing.feature_level,
        "content": _content(outgoing),
    }
    if outgoing.time_to_live is not None:
        payload["time_to_live"] = outgoing.time_to_live
    return payload


def _content(outgoing: Outgoing) -> dict[str, object]:
    content: dict[str, object] = {"subject": outgoing.subject, "markdown": outgoing.markdown}
    if outgoing.require_secure_channels is not None:
        content["require_secure_channels"] = outgoing.require_secure_channels
    if outgoing.due_date is not None:
        content["due_date"] = rules.format_timestamp(rules.due_date_to_utc(outgoing.due_date))
    if outgoing.amount is not None and outgoing.notice_number is not None:
        content["payment_data"] = _payment_data(outgoing)
    if outgoing.third_party is not None:
        content["third_party_data"] = third_party_data(outgoing.third_party)
    return content


def _payment_data(outgoing: Outgoing) -> dict[str, object]:
    data: dict[str, object] = {"amount": outgoing.amount, "notice_number": outgoing.notice_number}
    if outgoing.invalid_after_due_date:
        data["invalid_after_due_date"] = True
    if outgoing.payee is not None:
        data["payee"] = {"fiscal_code": outgoing.payee}
    return data


def check(
    outgoing: Outgoing,
    *,
    max_amount: int,
    allowed: Collection[str] = (),
    advanced: bool = False,
    payee_allowed: bool = False,
) -> list[Problem]:
    """Return everything the server would refuse of a message, so that one without problems provokes no 400.

    `max_amount` is the service's limit in eurocents, 0 when it may not send payments; `allowed` its allow-list;
    `advanced` and `payee_allowed` say what the agreement grants (notes, 1.3 and 2.3). Fields and codes: fiscal_code
    (those of `fiscal_codes.problem`); subject and markdown (too_short, too_long with length and limit; not_text);
    amount (missing, range, payments_not_enabled, over_limit); notice_number (missing, those of
    `rules.notice_number_problem`, and the warning check_digits); invalid_after_due_date (no_payment; the warning
    no_due_date); payee (pattern, no_payment, not_allowed); feature_level (not_allowed); time_to_live (range).
    """
    problems = list(_fiscal_code_problems(outgoing, allowed))
    problems += rules.text_problems("subject", outgoing.subject, rules.SUBJECT_MIN, rules.SUBJECT_MAX)
    problems += rules.text_problems("markdown", outgoing.markdown, rules.MARKDOWN_MIN, rules.MARKDOWN_MAX)
    problems += _amount_problems(outgoing, max_amount)
    problems += _notice_problems(outgoing)
    problems += _payee_problems(outgoing, payee_allowed)
    problems += _option_problems(outgoing, advanced)
    return problems


def _fiscal_code_problems(outgoing: Outgoing, allowed: Collection[str]) -> Iterator[Problem]:
    if code := fiscal_codes.problem(outgoing.fiscal_code, allowed):
        yield Problem("fiscal_code", code)


def _amount_problems(outgoing: Outgoing, max_amount: int) -> Iterator[Problem]:
    amount = outgoing.amount
    if amount is None:
        if outgoing.notice_number is not None:
            yield Problem("amount", "missing")
    elif not rules.AMOUNT_MIN <= amount <= rules.AMOUNT_MAX:
        yield Problem("amount", "range", {"minimum": rules.AMOUNT_MIN, "maximum": rules.AMOUNT_MAX})
    elif max_amount <= 0:
        yield Problem("amount", "payments_not_enabled")
    elif amount > max_amount:
        yield Problem("amount", "over_limit", {"amount": amount, "limit": max_amount})


def _notice_problems(outgoing: Outgoing) -> Iterator[Problem]:
    number = outgoing.notice_number
    if number is None:
        if outgoing.amount is not None:
            yield Problem("notice_number", "missing")
    elif code := rules.notice_number_problem(number):
        yield Problem("notice_number", code, {"length": len(number)})
    elif rules.notice_number_check_matches(number) is False:
        yield Problem("notice_number", "check_digits", warning=True)
    if outgoing.invalid_after_due_date:
        if not _is_payment(outgoing):
            yield Problem("invalid_after_due_date", "no_payment")
        elif outgoing.due_date is None:
            yield Problem("invalid_after_due_date", "no_due_date", warning=True)


def _payee_problems(outgoing: Outgoing, payee_allowed: bool) -> Iterator[Problem]:
    if outgoing.payee is None:
        return
    if not _PAYEE.fullmatch(outgoing.payee):
        yield Problem("payee", "pattern")
    if not _is_payment(outgoing):
        yield Problem("payee", "no_payment")
    if not payee_allowed:
        yield Problem("payee", "not_allowed")


def _option_problems(outgoing: Outgoing, advanced: bool) -> Iterator[Problem]:
    if outgoing.feature_level == "ADVANCED" and not advanced:
        yield Problem("feature_level", "not_allowed")
    seconds = outgoing.time_to_live
    if seconds is not None and not rules.TIME_TO_LIVE_MIN <= seconds <= rules.TIME_TO_LIVE_MAX:
        limits = {"minimum": rules.TIME_TO_LIVE_MIN, "maximum": rules.TIME_TO_LIVE_MAX}
        yield Problem("time_to_live", "range", limits)


def _is_payment(outgoing: Outgoing) -> bool:
    return outgoing.amount is not None and outgoing.notice_number is not None
