"""What a person may touch in the administration: the rows of the institutions they administer, and nothing else.

Every queryset, choice and autocomplete of messaging.admin comes from ``scoped``; a model it does not know gives no row.
"""

from __future__ import annotations

from typing import Any, TypeVar

from django.contrib.admin.models import ADDITION, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db.models import CharField, Exists, Model, OuterRef, Q, QuerySet
from django.db.models.functions import Cast

from messaging import models
from messaging.permissions import Person, administered_institutions

M = TypeVar("M", bound=Model)

#: The way from each model to its institution.
_INSTITUTION: dict[type[Model], str] = {
    models.Institution: "pk",
    models.Service: "institution",
    models.ServiceKey: "service__institution",
    models.ServicePause: "service__institution",
    models.AllowedRecipient: "service__institution",
    models.Membership: "service__institution",
    models.Administrator: "institution",
    models.Template: "service__institution",
    models.Message: "service__institution",
    models.StatusChange: "message__service__institution",
    models.Batch: "service__institution",
    models.BatchChange: "batch__service__institution",
}


def scoped(model: type[M], user: Person) -> QuerySet[M]:
    """The rows of a model that the person administers; a superuser administers all."""
    rows: QuerySet[Any] = model._base_manager.all()
    if not user.is_authenticated:
        return rows.none()
    if user.is_superuser:
        return rows
    if model is models.User:
        return rows.filter(_people_of(user))
    institutions = administered_institutions(user).values("pk")
    if model is models.GatewayAccount:
        return rows.filter(pk__in=models.Institution.objects.filter(pk__in=institutions).values("account"))
    if model in _INSTITUTION:
        return rows.filter(**{f"{_INSTITUTION[model]}__in": institutions})
    return rows.none()


def _people_of(user: models.User) -> Q:
    """Whoever has a place in the person's institutions, and whoever they created and nobody has given a place yet."""
    institutions = administered_institutions(user).values("pk")
    roles = models.Membership.objects.filter(user=OuterRef("pk"))
    administrations = models.Administrator.objects.filter(user=OuterRef("pk"))
    created_by_them = LogEntry.objects.filter(
        user=user,
        action_flag=ADDITION,
        content_type=ContentType.objects.get_for_model(models.User),
        object_id=Cast(OuterRef("pk"), CharField()),
    )
    return (
        Q(Exists(roles.filter(service__institution__in=institutions)))
        | Q(Exists(administrations.filter(institution__in=institutions)))
        | Q(Exists(created_by_them), ~Exists(roles), ~Exists(administrations))
    )


def governs(user: models.User, person: models.User) -> bool:
    """Whether the one may change who the other is: name, e-mail, access.

    Roles are another matter: each institution gives its own. But who changes the e-mail of a person can enter in
    their place, so nobody may who does not administer every institution in which that person has a place.
    """
    if user.is_superuser:
        return True
    if person.is_superuser:
        return False
    institutions = administered_institutions(user).values("pk")
    elsewhere = (
        person.memberships.exclude(service__institution__in=institutions).exists()
        or person.administrations.exclude(institution__in=institutions).exists()
    )
    return not elsewhere


def shares_with_others(user: models.User, account: models.GatewayAccount) -> bool:
    """Whether institutions that the person does not administer use this gateway account too."""
    return account.institutions.exclude(pk__in=administered_institutions(user).values("pk")).exists()
