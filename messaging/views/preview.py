"""The citizen's phone, the counters and the advice beside a text being written."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.dateformat import format as date_words
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import override
from django.views.decorators.http import require_POST

from messaging import placeholders
from messaging.advice_words import Told, advice_lines, left_to_write, past_due_date
from messaging.appio import rules
from messaging.appio.markdown import Button, advice, email_preview, render_as_app, with_buttons
from messaging.enums import Kind
from messaging.forms.compose import ComposeForm
from messaging.forms.typed import posted
from messaging.models import Message
from messaging.permissions import message_or_404
from messaging.templatetags.portal import euros, grouped
from messaging.views.common import person_of

_HEADINGS = {f"<h{n}>": f'<p class="md-h{n}">' for n in (1, 2, 3)} | {f"</h{n}>": "</p>" for n in (1, 2, 3)}


@dataclass(frozen=True, slots=True)
class Phone:
    """A message as the citizen's phone shows it, in words; drawn by ``messaging/partials/_phone.html``.

    Everything is text in Italian, as in the app, except ``body``: safe HTML of the dialect that the app draws.
    """

    #: The sender's name, the title of the notification.
    institution: str
    service: str
    subject: str
    #: What a locked screen says: the subject, or a neutral sentence where the service asks for discretion.
    push: str
    body: SafeString
    #: «10:42», «mercoledì 18 novembre», «18 nov 2026, 10:42».
    clock: str
    weekday: str
    moment: str
    #: «16/12/2026», empty without a deadline.
    due_date: str
    is_past: bool
    #: Whether the payment's card and «Paga» are drawn; number and amount are empty while unknown.
    payment: bool
    notice_number: str
    amount: str
    #: The texts of the institution's own buttons.
    buttons: tuple[str, ...]
    #: What the notification e-mail shows of the text; empty when none is sent.
    email: str


def phone_of(message: Message) -> Phone:
    """The phone of a message, saved or not; makes no query when the service and its institution are at hand."""
    service = message.service
    with override("it"):
        at = timezone.localtime(message.accepted_at or message.queued_at or timezone.now())
        return Phone(
            institution=service.institution.name,
            service=service.name,
            subject=message.subject,
            push="Hai un nuovo messaggio" if service.secure_channels else message.subject,
            body=drawn(message.body),
            clock=date_words(at, "G:i"),
            weekday=date_words(at, "l j F").lower(),
            moment=date_words(at, "j M Y, G:i").lower(),
            due_date=f"{message.due_date:%d/%m/%Y}" if message.due_date else "",
            is_past=_is_past(message.due_date, at),
            payment=message.kind == Kind.PAYMENT,
            notice_number=grouped(message.notice_number),
            amount=euros(message.amount),
            buttons=tuple(button["text_it"] for button in message.buttons),
            email=_email(message),
        )


def _is_past(day: date | None, at: datetime) -> bool:
    return day is not None and day < at.date()


def _email(message: Message) -> str:
    if message.require_secure_channels or message.service.secure_channels:
        return ""
    return email_preview(whole_text(message))


def drawn(body: str) -> SafeString:
    """A text as the app draws it; its headings are no headings of our page."""
    html = render_as_app(body)
    for tag, ours in _HEADINGS.items():
        html = html.replace(tag, ours)
    return mark_safe(html)  # noqa: S308 - render_as_app keeps a few bare tags, and ours are constants


def buttons_of(message: Message) -> list[Button]:
    """The message's buttons as the platform knows them."""
    return [Button(item["text_it"], item["text_en"], item["action"]) for item in message.buttons]


def whole_text(message: Message) -> str:
    """The text with the front matter that carries its buttons, as it is counted and sent."""
    return with_buttons(message.body, buttons_of(message))


@dataclass(frozen=True, slots=True)
class Counter:
    """How long a text is, in UTF-16 units as the platform counts them."""

    length: int
    minimum: int
    maximum: int
    #: How much of it is the buttons'.
    buttons: int = 0

    @property
    def is_over(self) -> bool:
        """Whether it is too long."""
        return self.length > self.maximum


def live_parts(message: Message) -> dict[str, Any]:
    """What changes while one types: both counters, the advice and the phone, for a message saved or not."""
    whole = rules.utf16_length(whole_text(message))
    body = rules.utf16_length(message.body)
    return {
        "subject_count": Counter(rules.utf16_length(message.subject), rules.SUBJECT_MIN, rules.SUBJECT_MAX),
        "body_count": Counter(whole, rules.MARKDOWN_MIN, rules.MARKDOWN_MAX, whole - body),
        "advice": advice_of(message),
        "phone": phone_of(message),
    }


def advice_of(message: Message) -> list[Told]:
    """The advice on a message's text, worded; nothing while there is no text."""
    if not message.subject.strip() and not message.body.strip():
        return []
    given = advice(
        message.subject,
        message.body,
        amount_cents=message.amount,
        due_date=message.due_date,
        buttons=buttons_of(message),
    )
    names = placeholders.found([message.subject, message.body, *(button["text_it"] for button in message.buttons)])
    told = [*left_to_write(names), *past_due_date(message.due_date), *advice_lines(given)]
    # What asks for something comes first.
    return sorted(told, key=lambda line: line.tone == "ok")


@login_required
@require_POST
def message_preview(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Counters, advice, phone and what else depends on the values typed, each for its own place; saves nothing."""
    person = person_of(request)
    message = message_or_404(person, public_id)
    form = ComposeForm(posted(request.POST.dict(), message), message=message, person=person)
    form.is_valid()
    shown_for = request.POST.get("options_of")
    context = {
        **live_parts(form.candidate),
        "compose": form,
        "oob": True,
        "options_changed": shown_for is not None and shown_for != str(form.chosen_service.pk),
    }
    return render(request, "messaging/partials/_live.html", context)
