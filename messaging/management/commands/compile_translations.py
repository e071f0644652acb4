"""Makes the .mo files that Django reads, without the gettext tools."""

from __future__ import annotations

from pathlib import Path

import polib
from django.conf import settings
from django.core.management.base import BaseCommand


def compile_catalogue(path: Path) -> bool:
    """Compile one .po file unless its .mo is already newer; whether anything was written."""
    compiled = path.with_suffix(".mo")
    if compiled.exists() and compiled.stat().st_mtime_ns >= path.stat().st_mtime_ns:
        return False
    # Written aside and moved, so that a process that starts meanwhile never reads half a file.
    draft = compiled.with_suffix(".mo.new")
    polib.pofile(str(path)).save_as_mofile(str(draft))
    draft.replace(compiled)
    return True


class Command(BaseCommand):
    help = "Compiles the translations that changed since the last time."

    def handle(self, *, verbosity: int = 1, **options: object) -> None:
        for folder in settings.LOCALE_PATHS:
            for path in sorted(Path(folder).glob("*/LC_MESSAGES/*.po")):
                if compile_catalogue(path) and verbosity:
                    print(f"compiled {path.relative_to(folder)}")
