"""Who may see and do what. A stranger gets 404: not even the existence of a thing is told."""

from __future__ import annotations

from uuid import UUID

from django.contrib.auth.models import AnonymousUser
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.http import Http404

from messaging.enums import BatchStatus, Reason, Role, Status
from messaging.models import Batch, BatchChange, Institution, Membership, Message, Service, StatusChange, Template, User

Person = User | AnonymousUser


def services_of(user: Person) -> QuerySet[Service]:
    """The services in which the person writes or supervises."""
    if not user.is_authenticated:
        return Service.objects.none()
    return Service.objects.filter(memberships__user=user).select_related("institution")


def administered_institutions(user: Person) -> QuerySet[Institution]:
    """The institutions that the person configures; a superuser configures all."""
    if not user.is_authenticated:
        return Institution.objects.none()
    if user.is_superuser:
        return Institution.objects.all()
    return Institution.objects.filter(administrators__user=user)


def known_services(user: Person) -> QuerySet[Service]:
    """The services that the person works in or administers."""
    if not user.is_authenticated:
        return Service.objects.none()
    mine = Q(pk__in=Membership.objects.filter(user=user).values("service"))
    administered = Q(institution__in=administered_institutions(user).order_by().values("pk"))
    return Service.objects.filter(mine | administered).select_related("institution__account").order_by("name")


def role_in(user: Person, service: Service) -> Role | None:
    """The person's role in a service, or None for a stranger."""
    if not user.is_authenticated:
        return None
    membership = Membership.objects.filter(user=user, service=service).only("role").first()
    return Role(membership.role) if membership else None


def is_supervisor(user: Person, service: Service) -> bool:
    """Whether the person may approve, resolve and export in this service."""
    return role_in(user, service) is Role.SUPERVISOR


def supervised_messages(user: User, role: Q | None = None) -> QuerySet[Message]:
    """The messages of the services that the person supervises, by a role of which ``role`` holds.

    Joined, not looked up in a list of services: SQLite knows that a person has few roles and goes from those to the
    index of each service, where for a list of unknown length it would read all messages.
    """
    mine = Q(service__memberships__user=user, service__memberships__role=Role.SUPERVISOR)
    return Message.objects.filter(mine & role if role else mine)


def to_approve(user: Person) -> QuerySet[Message]:
    """The messages that wait for a second person and that this supervisor may approve.

    Nobody approves what they wrote, changed or submitted, nor with a role that they gave themselves.
    """
    if not user.is_authenticated:
        return Message.objects.none()
    changed = StatusChange.objects.filter(message=OuterRef("pk"), actor=user, reason=Reason.SAVED)
    by_another = Q(service__memberships__granted_by__isnull=True)
    by_another |= Q(service__memberships__granted_by__lt=user.pk) | Q(service__memberships__granted_by__gt=user.pk)
    waiting = supervised_messages(user, by_another).filter(status=Status.AWAITING_APPROVAL)
    own = Q(author=user) | Q(submitted_by=user, submitted_by__isnull=False)
    return waiting.exclude(own).filter(~Exists(changed))


def may_approve(user: Person, message: Message) -> bool:
    """Whether the person is a second person for this message."""
    return to_approve(user).filter(pk=message.pk).exists()


def visible_messages(user: Person) -> QuerySet[Message]:
    """The messages of the person's services."""
    return Message.objects.filter(service__in=services_of(user).values("pk"))


def message_or_404(user: Person, public_id: UUID) -> Message:
    """A message of one of the person's services; 404 for everybody else."""
    message = (
        visible_messages(user)
        .select_related("service__institution__account", "recipient", "author", "submitted_by", "approved_by")
        .filter(public_id=public_id)
        .first()
    )
    if message is None:
        raise Http404
    return message


def visible_batches(user: Person) -> QuerySet[Batch]:
    """The spreadsheets' sendings of the person's services."""
    return Batch.objects.filter(service__in=services_of(user).values("pk"))


def batch_or_404(user: Person, public_id: UUID) -> Batch:
    """A sending of one of the person's services; 404 for everybody else."""
    people = ("author", "submitted_by", "approved_by")
    found = visible_batches(user).select_related("service__institution__account", "template", "corrects", *people)
    batch = found.filter(public_id=public_id).first()
    if batch is None:
        raise Http404
    return batch


def batches_to_approve(user: Person) -> QuerySet[Batch]:
    """The sendings that wait for a second person and that this supervisor may approve.

    Nobody approves what they prepared, changed or submitted, nor with a role that they gave themselves.
    """
    if not user.is_authenticated:
        return Batch.objects.none()
    roles = Membership.objects.filter(user=user, role=Role.SUPERVISOR).exclude(granted_by=user)
    # A step with a note gives a batch back and says why: whoever took it has changed nothing in it.
    steps = BatchChange.objects.filter(batch=OuterRef("pk"), actor=user, note="")
    touched = steps.filter(to_status__in=BatchStatus.before_sending())
    waiting = Batch.objects.filter(status=BatchStatus.AWAITING_APPROVAL, service__in=roles.values("service"))
    own = Q(author=user) | Q(submitted_by=user, submitted_by__isnull=False)
    return waiting.exclude(own).filter(~Exists(touched))


def may_approve_batch(user: Person, batch: Batch) -> bool:
    """Whether the person is a second person for this sending."""
    return batches_to_approve(user).filter(pk=batch.pk).exists()


def template_or_404(user: Person, pk: int) -> Template:
    """A template of one of the person's services."""
    template = (
        Template.objects.filter(pk=pk, service__in=services_of(user).values("pk")).select_related("service").first()
    )
    if template is None:
        raise Http404
    return template


def service_or_404(user: Person, slug: str) -> Service:
    """One of the services that the person works in or administers."""
    service = known_services(user).filter(slug=slug).first()
    if service is None:
        raise Http404
    return service


def institution_or_404(user: Person, pk: int) -> Institution:
    """An institution that the person administers; 404 for everybody else, those who work in it included."""
    institution = administered_institutions(user).filter(pk=pk).select_related("account").first()
    if institution is None:
        raise Http404
    return institution
