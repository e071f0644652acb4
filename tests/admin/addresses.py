"""Every address of the administration, read from the site itself: a new page is tested without being listed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.contrib import admin
from django.contrib.contenttypes.models import ContentType
from django.urls import URLPattern, URLResolver, reverse

from messaging.models import Service


def patterns(entries: list[Any] | None = None) -> Iterator[URLPattern]:
    """The named patterns of the site, those of each model included."""
    for entry in admin.site.get_urls() if entries is None else entries:
        if isinstance(entry, URLResolver):
            yield from patterns(entry.url_patterns)
        elif entry.name:
            yield entry


def addresses(rows: dict[str, Any]) -> dict[str, str]:
    """Name and address of every page, with the given rows in the place of ids."""
    found = {}
    for pattern in patterns():
        model = pattern.name.split("_")[1] if "_" in pattern.name else ""
        row = rows.get("user" if pattern.name == "auth_user_password_change" else model)
        values = {
            "object_id": row.pk if row else rows["service"].pk,
            "id": row.pk if row else 0,
            "slot": "primary",
            "app_label": "messaging",
            "content_type_id": ContentType.objects.get_for_model(Service).pk,
            "url": "x",
        }
        wanted = {name: values[name] for name in pattern.pattern.regex.groupindex}
        if not wanted and pattern.pattern.regex.groups:  # the list of an application, matched by position
            found[pattern.name] = reverse(f"admin:{pattern.name}", args=["messaging"])
        else:
            found[pattern.name] = reverse(f"admin:{pattern.name}", kwargs=wanted)
    return found


def of_a_row(name: str) -> bool:
    """Whether the page is about one row."""
    return name.startswith(("messaging_", "auth_")) and not name.endswith(("_changelist", "_add"))
