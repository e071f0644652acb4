"""What holds for every template, whoever wrote it."""

import re
from pathlib import Path

import pytest
from django.conf import settings
from django.template.loader import get_template
from django.template.loaders.app_directories import get_app_template_dirs

from messaging import wording
from messaging.enums import Status

TEMPLATES = settings.BASE_DIR / "templates"
PAGES = sorted(TEMPLATES.rglob("*.html"))
RAISED_BY_DJANGO = {"403.html", "404.html", "500.html", "403_csrf.html", "429.html"}


def name_of(path: Path) -> str:
    return path.relative_to(TEMPLATES).as_posix()


def stock_admin(name: str) -> str:
    """The admin looks for admin/app/model/page.html before its own admin/page.html."""
    return f"admin/{Path(name).name}" if name.startswith("admin/") else name


@pytest.mark.parametrize("path", PAGES, ids=name_of)
def test_nothing_that_the_content_security_policy_would_stop(path):
    source = path.read_text(encoding="utf-8")
    assert not re.search(r"\sstyle=", source)
    assert "<style" not in source
    assert "javascript:" not in source
    assert not re.search(r"\son[a-z]+=", source)
    assert not re.search(r"<script(?![^>]*\ssrc=)", source)
    assert not re.search(r'(src|href)="https?://', source)


@pytest.mark.parametrize("path", PAGES, ids=name_of)
def test_a_template_compiles(path):
    get_template(name_of(path))


def test_every_template_is_used():
    sources = [
        path.read_text(encoding="utf-8")
        for folder in ("messaging", "ioportal", "templates")
        for path in (settings.BASE_DIR / folder).rglob("*")
        if path.suffix in {".py", ".html", ".txt"}
    ]
    everything = "\n".join(sources)
    packages = [Path(folder) for folder in get_app_template_dirs("templates")]
    unused = [
        name
        for name in map(name_of, PAGES)
        if name not in RAISED_BY_DJANGO
        and f'"{name}"' not in everything
        and f'"{Path(name).name}"' not in everything
        and not any((folder / overridden).exists() for folder in packages for overridden in (name, stock_admin(name)))
    ]
    assert unused == []


def test_every_icon_is_in_the_sprite():
    sprite = (settings.THEME / "svg" / "sprites.svg").read_text(encoding="utf-8")
    known = set(re.findall(r'id="(it-[a-z0-9-]+)"', sprite))
    asked = {status.icon for status in Status} | {step.icon for step in wording._STEPS.values()}
    for path in PAGES:
        asked |= set(re.findall(r'"(it-[a-z0-9-]+)"(?= |\)|$)', " ".join(re.findall(r"{% [^%]* %}", path.read_text()))))
    assert asked <= known


def test_fonts_of_the_style_sheet_are_in_the_theme():
    css = (settings.BASE_DIR / "static" / "portal" / "portal.css").read_text(encoding="utf-8")
    addresses = re.findall(r'url\("\.\./theme/([^"]+)"\)', css)
    assert len(addresses) == 6
    assert all((settings.THEME / address).exists() for address in addresses)
    assert "http" not in css
