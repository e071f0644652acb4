"""What the views of pages share."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.http import content_disposition_header

from messaging.enums import Role
from messaging.models import Administrator, Membership, Service, User

ResponseT = TypeVar("ResponseT", bound=HttpResponseBase)


def person_of(request: HttpRequest) -> User:
    """The person behind a request that has passed ``login_required``."""
    assert isinstance(request.user, User)
    return request.user


def supervisors_of(services: Iterable[Service | int]) -> dict[int, list[User]]:
    """The active supervisors of each service, in one query."""
    found: dict[int, list[User]] = {}
    roles = Membership.objects.filter(service__in=list(services), role=Role.SUPERVISOR, user__is_active=True)
    for role in roles.select_related("user").order_by("user__first_name", "pk"):
        found.setdefault(role.service_id, []).append(role.user)
    return found


def names(people: Iterable[User]) -> str:
    """«Giulia F., Sergio L.»: at most three of them, by first name and initial."""
    return ", ".join(person.short_name for person in list(people)[:3])


def as_download(response: ResponseT, filename: str) -> ResponseT:
    """The response, for the browser to keep under this name rather than show."""
    response["Content-Disposition"] = content_disposition_header(as_attachment=True, filename=filename) or "attachment"
    return response


def administrators_to_ask(person: User) -> str:
    """Who can give a person without any service a role, by name where it is plain whose desk this is."""
    others = Administrator.objects.filter(user__is_active=True).exclude(user=person)
    known = list(others.select_related("user").order_by("pk")[:3])
    return names(one.user for one in known) if len({one.institution_id for one in known}) == 1 else ""
