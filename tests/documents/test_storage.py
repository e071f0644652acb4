"""Where files are kept, by the settings; no bucket is ever talked to here."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import FileSystemStorage
from storages.backends.s3 import S3Storage

from ioportal import environment, media

NAMES = ["BUCKET", "ENDPOINT", "REGION", "ACCESS_KEY", "SECRET_KEY", "PREFIX"]


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ["MEDIA_ROOT", *(f"MEDIA_S3_{name}" for name in NAMES)]:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(f"{name}_FILE", raising=False)


def test_files_are_kept_where_nobody_else_can_read_them(tmp_path: Path) -> None:
    made = media.storage(tmp_path / "media", served=[tmp_path / "static"])
    storage = FileSystemStorage(**made["OPTIONS"])
    storage.save("attachments/ab/file.pdf", ContentFile(b"x"))
    place = tmp_path / "media" / "attachments" / "ab"
    assert stat.S_IMODE((place / "file.pdf").stat().st_mode) == 0o600
    assert stat.S_IMODE(place.stat().st_mode) == 0o700


def test_the_folder_can_be_another(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEDIA_ROOT", str(tmp_path / "altrove"))
    assert media.storage(tmp_path / "media", served=[])["OPTIONS"]["location"] == tmp_path / "altrove"


@pytest.mark.parametrize("root", ["static", "static/media", "."])
def test_a_folder_that_a_web_server_gives_out_stops_the_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, root: str
) -> None:
    monkeypatch.setenv("MEDIA_ROOT", str(tmp_path / root))
    with pytest.raises(SystemExit, match="MEDIA_ROOT"):
        media.storage(tmp_path / "media", served=[tmp_path / "static"])


def bucket(monkeypatch: pytest.MonkeyPatch, **values: str) -> S3Storage:
    for name, value in {"BUCKET": "allegati", **values}.items():
        monkeypatch.setenv(f"MEDIA_S3_{name}", value)
    made: dict[str, Any] = media.storage(Path("/nowhere"), served=[])
    assert made["BACKEND"] == "storages.backends.s3.S3Storage"
    return S3Storage(**made["OPTIONS"])


def test_a_store_of_ones_own_is_asked_at_its_address(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("segreto\n")
    monkeypatch.setenv("MEDIA_S3_SECRET_KEY_FILE", str(secret))
    storage = bucket(monkeypatch, ENDPOINT="https://s3.comune.example.it/", ACCESS_KEY="chiave", PREFIX="ioportal")
    assert (storage.bucket_name, storage.location) == ("allegati", "ioportal")
    assert (storage.access_key, storage.secret_key) == ("chiave", "segreto")
    assert storage.endpoint_url == "https://s3.comune.example.it"
    assert storage.client_config.s3["addressing_style"] == "path"
    assert storage.client_config.connect_timeout + storage.client_config.read_timeout < 20


def test_no_address_of_a_file_opens_it(monkeypatch: pytest.MonkeyPatch) -> None:
    storage = bucket(monkeypatch, ACCESS_KEY="chiave", SECRET_KEY="segreto", REGION="eu-south-1")
    assert not storage.querystring_auth
    assert "?" not in storage.url("attachments/a.pdf")
    assert storage.default_acl is None


def test_half_a_key_stops_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SystemExit, match="MEDIA_S3_SECRET_KEY"):
        bucket(monkeypatch, ACCESS_KEY="chiave")


def test_a_command_is_taken_apart_and_must_exist(monkeypatch: pytest.MonkeyPatch) -> None:
    assert environment.read_command("VERAPDF_COMMAND") == []
    monkeypatch.setenv("VERAPDF_COMMAND", "sh 'una cartella/verapdf'")
    assert environment.read_command("VERAPDF_COMMAND") == ["sh", "una cartella/verapdf"]
    for wrong in ("/nowhere/verapdf", "sh 'verapdf"):
        monkeypatch.setenv("VERAPDF_COMMAND", wrong)
        with pytest.raises(SystemExit, match="VERAPDF_COMMAND"):
            environment.read_command("VERAPDF_COMMAND")
