"""A key that cannot be read stops its own service, and nobody else's."""

from __future__ import annotations

from django.db import connection

from messaging.delivery.keys import key_in_use, keys_in_use
from messaging.models import ServiceKey
from tests import cast


def test_a_key_that_no_encryption_key_opens_is_as_good_as_none(db: None) -> None:
    readable, unreadable = cast.make_service(), cast.make_service()
    with connection.cursor() as cursor:
        table = ServiceKey._meta.db_table
        cursor.execute(f"UPDATE {table} SET secret = 'not ours' WHERE service_id = %s", [unreadable.pk])  # noqa: S608
    assert key_in_use(unreadable.pk) is None
    assert list(keys_in_use([readable.pk, unreadable.pk])) == [readable.pk]


def test_a_service_without_a_key_in_use_has_none(db: None) -> None:
    assert key_in_use(cast.make_service(key=None).pk) is None
