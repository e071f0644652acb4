"""The scene in which IO fetches."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.hosting.scene import Scene, make_scene


@pytest.fixture(autouse=True)
def storage(settings: Any, tmp_path: Path) -> Path:
    """A storage of this test's own."""
    folder = tmp_path / "media"
    settings.STORAGES = {
        **settings.STORAGES,
        "default": {
            "BACKEND": "django.core.files.storage.FileSystemStorage",
            "OPTIONS": {"location": folder},
        },
    }
    return folder


@pytest.fixture
def scene(db: None) -> Scene:
    """An institution whose texts and files IO fetches."""
    return make_scene()
