"""Write every encrypted value anew with the newest key, while the portal goes on working.

Put the new key first in ENCRYPTION_KEYS, restart every process, run this, then take the old key out. Run it again after
an interruption: what already has the newest key is left alone.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterator
from typing import Any

from cryptography.fernet import Fernet, InvalidToken
from django.apps import apps
from django.conf import settings
from django.core.management.base import BaseCommand
from django.db import transaction
from django.db.models import ExpressionWrapper, F, Model, QuerySet, TextField, Value
from django.views.decorators.debug import sensitive_variables

from messaging.fields import EncryptedTextField, cipher

#: Rows read at a time; each is written by itself, so that no lock is held for long.
CHUNK = 200
#: How often a row that others keep changing is read again.
TRIES = 5

ROTATED, CURRENT, CHANGED, UNREADABLE = "rotated", "already_current", "changed_meanwhile", "unreadable"


def encrypted_fields() -> Iterator[tuple[type[Model], EncryptedTextField]]:
    """Every column of every model that holds an encrypted value."""
    for model in apps.get_models():
        if model._meta.proxy or not model._meta.managed:
            continue
        for field in model._meta.local_concrete_fields:
            if isinstance(field, EncryptedTextField):
                yield model, field


class Command(BaseCommand):
    help = "Encrypts every secret anew with the first of ENCRYPTION_KEYS. Prints one JSON object."

    def handle(self, *args: Any, **options: Any) -> None:
        counts = Counter({ROTATED: 0, CURRENT: 0, CHANGED: 0, UNREADABLE: 0})
        for model, field in encrypted_fields():
            for pk in _keys_of(model):
                outcome = _rotate(model, field.attname, pk)
                if outcome is None:
                    continue
                counts[outcome] += 1
                if outcome == UNREADABLE:
                    self.stderr.write(f"{model._meta.label} {pk}: no key of ENCRYPTION_KEYS opens its {field.name}.")
        self.stdout.write(json.dumps(counts))
        if counts[UNREADABLE] or counts[CHANGED]:
            sys.exit(1)


def _keys_of(model: type[Model]) -> Iterator[Any]:
    """All primary keys in order, read a chunk at a time."""
    rows = model._base_manager.order_by("pk")
    last = None
    while chunk := list((rows if last is None else rows.filter(pk__gt=last)).values_list("pk", flat=True)[:CHUNK]):
        yield from chunk
        last = chunk[-1]


@sensitive_variables("token", "renewed")
def _rotate(model: type[Model], column: str, pk: Any) -> str | None:
    """Rotate one value and say what became of it; None when there is none."""
    for _try in range(TRIES):
        token = _stored(model, column).filter(pk=pk).values_list("stored", flat=True).first()
        if not token:
            return None
        if _opens_with_newest(token):
            return CURRENT
        try:
            renewed = cipher().rotate(token.encode()).decode()
        except InvalidToken:
            return UNREADABLE
        with transaction.atomic():
            # Only while the row is as it was read: what somebody wrote in between is newer than this.
            unchanged = _stored(model, column).filter(pk=pk, stored=token)
            if unchanged.update(**{column: Value(renewed, output_field=TextField())}):
                return ROTATED
    return CHANGED


def _stored(model: type[Model], column: str) -> QuerySet[Any]:
    """The rows with what the database really holds: the field itself would decrypt it."""
    return model._base_manager.annotate(stored=ExpressionWrapper(F(column), output_field=TextField()))


def _opens_with_newest(token: str) -> bool:
    try:
        Fernet(settings.ENCRYPTION_KEYS[0]).decrypt(token.encode())
    except InvalidToken:
        return False
    return True
