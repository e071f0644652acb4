"""Filling in a page of the administration as a browser does: what the page shows, with some answers changed."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.test import Client


def fields_of(client: Client, address: str) -> dict[str, Any]:
    """What the forms of the page would send if nobody touched them."""
    context = client.get(address).context
    data: dict[str, Any] = _values(context["adminform"].form)
    for wrapper in context.get("inline_admin_formsets", []):
        data |= _values(wrapper.formset.management_form)
        for form in wrapper.formset.forms:
            data |= _values(form)
    return data


def submit(client: Client, address: str, **changes: Any) -> HttpResponse:
    """Send the page with the changes; double underscores stand for the hyphens of inlines."""
    data = fields_of(client, address) | {name.replace("__", "-"): value for name, value in changes.items()}
    return client.post(address, {name: value for name, value in data.items() if value is not None})


def _values(form: Any) -> dict[str, Any]:
    values = {}
    for bound in form:
        value = bound.value()
        if value is None or value is False or value == "":
            continue
        values[bound.html_name] = "on" if value is True else value
    return values
