"""Drafts as rows: made, saved with whatever was typed, copied. No page is drawn here."""

from __future__ import annotations

from datetime import datetime
from enum import Enum

from django.db import transaction
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from messaging.delivery import content
from messaging.delivery.moves import Moves
from messaging.enums import Kind, Reason, Status
from messaging.forms.compose import ComposeForm
from messaging.forms.templates import typed_of as template_typed
from messaging.models import Institution, Message, Recipient, Service, Template, User
from messaging.permissions import services_of, visible_messages
from messaging.remote import contents


class Saved(Enum):
    """What became of a save."""

    DONE = "done"
    #: The draft was saved elsewhere in the meantime: nothing was overwritten.
    CONFLICT = "conflict"
    #: It is no draft any more.
    GONE = "gone"


def usual_service(person: User) -> Service | None:
    """The service the person wrote for last, or their first one; None in no service at all."""
    services = services_of(person)
    last = visible_messages(person).filter(author=person).order_by("-pk").values_list("service", flat=True).first()
    found = services.filter(pk=last).first() if last else None
    return found or services.order_by("name").first()


def new_draft(person: User, kind: str, service: Service, template: Template | None = None) -> Message:
    """A new draft, filled from a template when there is one."""
    if template is None:
        return Message.objects.create(author=person, kind=Kind(kind), service=service)
    names = ("kind", "subject", "body", "buttons", "has_remote_content", "has_attachments", "precondition")
    typed = template_typed(template)
    for name in ("service", "name", "kind"):
        del typed[name]
    if template.has_attachments:
        # Files go with nothing else (platform notes, A2).
        typed["advanced"] = "on"
    with transaction.atomic():
        draft = Message.objects.create(
            author=person,
            service=service,
            template=template,
            typed=typed,
            **{name: getattr(template, name) for name in names},
        )
        if content.is_fetched(draft):
            contents.save_draft(draft, contents.texts_in(template), person)
    return draft


def new_draft_from(form: ComposeForm, person: User) -> Message:
    """What was typed, kept as a draft of its own."""
    recipient = recipient_of(form.candidate.service.institution, form.recipient_code())
    kept = {"recipient": recipient, "typed": form.typed(), "template": form.message.template}
    with transaction.atomic():
        draft = Message.objects.create(author=person, **kept, **form.columns())
        if content.is_fetched(draft):
            contents.copy_to(draft, form.texts, form.message, person)
    return draft


def recipient_of(institution: Institution, code: str) -> Recipient | None:
    """The citizen with this code, known to the institution from now on; None without a code."""
    if not code:
        return None
    return Recipient.objects.get_or_create(institution=institution, fiscal_code=code)[0]


def save(form: ComposeForm, person: User, seen: datetime | None) -> Saved:
    """Keep what was typed, right or not, unless the draft is no longer as the person saw it at ``seen``."""
    message = form.message
    typed = form.typed()
    with transaction.atomic():
        recipient = recipient_of(form.candidate.service.institution, form.recipient_code())
        columns = {**form.columns(), "recipient": recipient, "typed": typed, "changed_at": timezone.now()}
        rows = Message.objects.filter(pk=message.pk, status=Status.DRAFT)
        saved = seen is not None and bool(rows.filter(changed_at=seen).update(**columns))
        if saved and content.is_fetched(form.candidate):
            contents.save_draft(message, form.texts, person)
        elif saved:
            contents.drop_draft(message)
    if saved:
        _note_other_hand(message, person)
        return Saved.DONE
    return _why_not(form, typed)


def _why_not(form: ComposeForm, typed: dict[str, str]) -> Saved:
    now = Message.objects.filter(pk=form.message.pk).first()
    if now is None or now.status != Status.DRAFT:
        return Saved.GONE
    # A reload of the page, or a double click, brings what is saved already.
    same = now.typed == typed and now.service_id == form.candidate.service_id and now.kind == form.candidate.kind
    return Saved.DONE if same else Saved.CONFLICT


def _note_other_hand(message: Message, person: User) -> None:
    """The story names everybody else who wrote, each once."""
    if person.pk == message.author_id or message.changes.filter(reason=Reason.SAVED, actor=person).exists():
        return
    with Moves() as moves:
        moves.note(message, Reason.SAVED, actor=person)


def seen_at(text: str | None) -> datetime | None:
    """The moment in a hidden field of the page; None for anything else."""
    try:
        return parse_datetime(text or "")
    except ValueError:
        return None
