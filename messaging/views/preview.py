"""The citizen's phone, the counters and the advice beside a text being written."""

from __future__ import annotations

from collections.abc import Sequence
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
from messaging.advice_words import Told, advice_lines, left_to_write, past_due_date, public_placeholders
from messaging.appio import rules
from messaging.appio.buttons import buttons_from
from messaging.appio.markdown import (
    advice,
    email_preview,
    protected_advice,
    public_advice,
    render_as_app,
    with_buttons,
)
from messaging.delivery import content
from messaging.enums import Kind, Precondition
from messaging.forms.compose import ComposeForm
from messaging.forms.typed import posted
from messaging.models import Message, MessageAttachment, RemoteContent
from messaging.permissions import message_or_404
from messaging.remote import contents
from messaging.spreadsheets.columns import DUE_DATE
from messaging.spreadsheets.placeholders import placeholder_key
from messaging.templatetags.portal import euros, grouped
from messaging.views.common import person_of
from messaging.views.files import FileWords, file_words

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
    #: What IO fetches from us when the citizen opens the message; None when all of it travels with the message.
    fetched: PhoneFetched | None


@dataclass(frozen=True, slots=True)
class PhoneFetched:
    """What of a message is fetched at each opening; ``is_text`` tells whether subject and text are."""

    is_text: bool
    subject: str
    body: SafeString
    #: «ogni volta», «solo la prima volta»; empty when the message opens at once.
    precondition: str
    precondition_title: str
    precondition_body: SafeString
    files: tuple[FileWords, ...]
    #: When the retention rule emptied texts and files.
    erased_at: datetime | None


def phone_of(message: Message, files: Sequence[MessageAttachment] | None = None) -> Phone:
    """The phone of a message, saved or not; ``files`` are those of one that is not saved.

    Makes no query when the service and its institution are at hand, and the content where IO fetches it.
    """
    service = message.service
    fetched = _fetched(message, files) if content.is_fetched(message) else None
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
            fetched=fetched,
        )


def _fetched(message: Message, files: Sequence[MessageAttachment] | None) -> PhoneFetched:
    said = getattr(message, "remote_content", None) or RemoteContent()
    if files is None:
        files = contents.files_of(message) if message.pk and message.has_attachments else []
    asks = message.precondition != Precondition.NEVER
    return PhoneFetched(
        is_text=message.has_remote_content,
        subject=said.subject,
        body=drawn(said.body),
        precondition=str(Precondition(message.precondition).label) if asks else "",
        precondition_title=said.precondition_title,
        precondition_body=drawn(said.precondition_body),
        files=file_words(files),
        erased_at=said.erased_at,
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


def whole_text(message: Message) -> str:
    """The text with the front matter that carries its buttons, as it is counted and sent.

    Where the app shows a text that IO fetches, the buttons go with that one.
    """
    return message.body if message.has_remote_content else with_buttons(message.body, buttons_from(message.buttons))


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
    """What changes while one types: the counters, the advice and the phone, for a message saved or not."""
    said = getattr(message, "remote_content", None) or RemoteContent()
    return {
        "subject_count": _subject_count(message.subject),
        "body_count": _body_count(message.body, whole_text(message)),
        "advice": public_advice_of(message) if message.has_remote_content else _advice_of(message),
        "protected_subject_count": _subject_count(said.subject),
        "protected_body_count": _body_count(said.body, with_buttons(said.body, buttons_from(message.buttons))),
        "protected_advice": protected_advice_of(message),
        "phone": phone_of(message),
    }


def _subject_count(subject: str) -> Counter:
    return Counter(rules.utf16_length(subject), rules.SUBJECT_MIN, rules.SUBJECT_MAX)


def _body_count(body: str, whole: str) -> Counter:
    length = rules.utf16_length(whole)
    return Counter(length, rules.MARKDOWN_MIN, rules.MARKDOWN_MAX, length - rules.utf16_length(body))


def advice_of(message: Message) -> list[Told]:
    """All advice on what a message says, worded; nothing while there is no text."""
    if message.has_remote_content:
        return _sorted([*public_advice_of(message), *protected_advice_of(message)])
    return _advice_of(message)


def _advice_of(message: Message) -> list[Told]:
    if not message.subject.strip() and not message.body.strip():
        return []
    given = advice(
        message.subject,
        message.body,
        amount_cents=message.amount,
        due_date=message.due_date,
        buttons=buttons_from(message.buttons),
    )
    names = placeholders.found([message.subject, message.body, *(button["text_it"] for button in message.buttons)])
    return _sorted([*left_to_write(names), *past_due_date(message.due_date), *advice_lines(given)])


def public_advice_of(message: Message) -> list[Told]:
    """The advice on the texts that others than the citizen read: stricter, and the same for everybody."""
    if not message.subject.strip() and not message.body.strip():
        return []
    names = placeholders.found([message.subject, message.body])
    personal = [name for name in names if placeholder_key(name) != DUE_DATE]
    # Praise of a text in which a placeholder still stands for a name would contradict what is said of that.
    given = [line for line in public_advice(message.subject, message.body) if not (line.good and personal)]
    return _sorted([*left_to_write(names), *public_placeholders(personal), *advice_lines(given, public=True)])


def protected_advice_of(message: Message) -> list[Told]:
    """The advice on the text that IO fetches; nothing while there is none."""
    said = getattr(message, "remote_content", None) or RemoteContent()
    if not message.has_remote_content or not (said.subject.strip() or said.body.strip()):
        return []
    given = protected_advice(
        said.subject,
        said.body,
        amount_cents=message.amount,
        due_date=message.due_date,
        buttons=buttons_from(message.buttons),
    )
    texts = [said.subject, said.body, said.precondition_title, said.precondition_body]
    names = placeholders.found([*texts, *(button["text_it"] for button in message.buttons)])
    return _sorted([*left_to_write(names), *past_due_date(message.due_date), *advice_lines(given)])


def _sorted(told: list[Told]) -> list[Told]:
    """What asks for something comes first."""
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
        "message": message,
        "is_registered": bool(content.configuration_id(form.chosen_service)),
        "files": file_words(form.attached),
        "compose": form,
        "oob": True,
        "options_changed": shown_for is not None and shown_for != str(form.chosen_service.pk),
    }
    return render(request, "messaging/partials/_live.html", context)
