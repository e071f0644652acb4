"""Secrets at rest: the newest key writes, any key reads, none is never silence."""

from __future__ import annotations

import json
from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.core.management import call_command
from django.db import connection, transaction
from django.db.models import TextField, Value

from messaging.fields import UnreadableSecret
from messaging.management.commands import rotate_encryption_keys
from messaging.models import ServiceKey
from tests import cast

pytestmark = pytest.mark.django_db

OLD, NEW, LOST = (Fernet.generate_key().decode() for _ in range(3))


def stored(key: ServiceKey) -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT secret FROM messaging_servicekey WHERE id = %s", [key.pk])
        return str(cursor.fetchone()[0])


def put(key: ServiceKey, text: str) -> None:
    ServiceKey.objects.filter(pk=key.pk).update(secret=Value(text, output_field=TextField()))


def rotate(capsys: pytest.CaptureFixture[str]) -> tuple[dict[str, int], str, int]:
    status = 0
    try:
        call_command("rotate_encryption_keys")
    except SystemExit as end:
        status = int(end.code or 0)
    out, err = capsys.readouterr()
    return json.loads(out), err, status


@pytest.fixture
def keys(settings: Any) -> list[ServiceKey]:
    settings.ENCRYPTION_KEYS = [OLD]
    made = [cast.make_service(key=f"segreto-numero-{n:04d}").keys.get() for n in range(3)]
    settings.ENCRYPTION_KEYS = [NEW, OLD]
    return made


def test_a_secret_is_not_legible_in_the_database(keys: list[ServiceKey]) -> None:
    assert "segreto" not in stored(keys[0])
    assert ServiceKey.objects.get(pk=keys[0].pk).secret == "segreto-numero-0000"


def test_a_wrong_key_raises_and_never_returns_the_ciphertext(keys: list[ServiceKey], settings: Any) -> None:
    settings.ENCRYPTION_KEYS = [LOST]
    with pytest.raises(UnreadableSecret) as raised:
        ServiceKey.objects.get(pk=keys[0].pk)
    assert stored(keys[0]) not in str(raised.value)


def test_rotation_lets_the_old_key_go(
    keys: list[ServiceKey], settings: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    counts, err, status = rotate(capsys)
    assert (counts, err, status) == (
        {"rotated": 3, "already_current": 0, "changed_meanwhile": 0, "unreadable": 0},
        "",
        0,
    )
    settings.ENCRYPTION_KEYS = [NEW]
    assert [key.secret for key in ServiceKey.objects.order_by("pk")] == [f"segreto-numero-{n:04d}" for n in range(3)]


def test_rotation_can_be_run_again_and_touches_nothing(
    keys: list[ServiceKey], capsys: pytest.CaptureFixture[str]
) -> None:
    rotate(capsys)
    before = [stored(key) for key in keys]
    counts, _err, status = rotate(capsys)
    assert (counts["rotated"], counts["already_current"], status) == (0, 3, 0)
    assert [stored(key) for key in keys] == before


def test_an_unreadable_value_is_named_and_the_others_are_done(
    keys: list[ServiceKey], capsys: pytest.CaptureFixture[str]
) -> None:
    lost = Fernet(LOST).encrypt(b"perduto").decode()
    put(keys[1], lost)
    counts, err, status = rotate(capsys)
    assert (counts["rotated"], counts["unreadable"], status) == (2, 1, 1)
    assert err == f"messaging.ServiceKey {keys[1].pk}: no key of ENCRYPTION_KEYS opens its secret.\n"
    assert stored(keys[1]) == lost


def test_what_somebody_writes_meanwhile_is_not_overwritten(
    keys: list[ServiceKey], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    real = rotate_encryption_keys.cipher
    written: list[str] = []

    class Slow:
        def rotate(self, token: bytes) -> bytes:
            if not written:
                with transaction.atomic():
                    key = ServiceKey.objects.get(pk=keys[0].pk)
                    key.secret = "scritta-nel-frattempo"
                    key.save()
                written.append(key.secret)
            return real().rotate(token)

    monkeypatch.setattr(rotate_encryption_keys, "cipher", Slow)
    counts, _err, status = rotate(capsys)
    assert (counts["rotated"], counts["already_current"], status) == (2, 1, 0)
    settings.ENCRYPTION_KEYS = [NEW]
    assert ServiceKey.objects.get(pk=keys[0].pk).secret == "scritta-nel-frattempo"


def test_every_encrypted_field_of_the_portal_is_found() -> None:
    found = {(model._meta.label, field.name) for model, field in rotate_encryption_keys.encrypted_fields()}
    assert ("messaging.ServiceKey", "secret") in found


def test_many_rows_are_read_in_chunks(
    keys: list[ServiceKey], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rotate_encryption_keys, "CHUNK", 2)
    assert rotate(capsys)[0]["rotated"] == 3
