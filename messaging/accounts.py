"""How people sign in: accounts are made by administrators, never by visitors."""

from __future__ import annotations

from allauth.account.adapter import DefaultAccountAdapter
from django.http import HttpRequest


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    """allauth without self-registration."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False
