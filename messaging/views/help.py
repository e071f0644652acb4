"""The pages that explain: the guide, the statuses, accessibility and privacy. Open to everybody."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from messaging.enums import Status
from messaging.wording import status_meaning


@require_safe
def guide(request: HttpRequest) -> HttpResponse:
    """How to do what one comes to do, by role."""
    return render(request, "help/guide.html")


@require_safe
def statuses(request: HttpRequest) -> HttpResponse:
    """What every status means and what happens next."""
    rows = [(status, *status_meaning(status)) for status in Status]
    return render(request, "help/statuses.html", {"rows": rows})


@require_safe
def spreadsheets(request: HttpRequest) -> HttpResponse:
    """How to write to the people of a spreadsheet, from its columns to what became of every row."""
    return render(request, "help/spreadsheets.html")


@require_safe
def remote_content(request: HttpRequest) -> HttpResponse:
    """Texts and files that IO fetches: writing, correcting, knowing who opened them, telling IO where they are."""
    return render(request, "help/remote.html")


@require_safe
def accessibility(request: HttpRequest) -> HttpResponse:
    """How accessible the portal is and whom to tell of an obstacle."""
    return render(request, "help/accessibility.html")


@require_safe
def privacy(request: HttpRequest) -> HttpResponse:
    """Which data the portal holds, who sees them and why."""
    return render(request, "help/privacy.html")
