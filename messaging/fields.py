"""Model fields of our own."""

from __future__ import annotations

from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.db import models


class UnreadableSecret(Exception):
    """A stored secret that none of ENCRYPTION_KEYS opens."""


def cipher() -> MultiFernet:
    """The cipher of ENCRYPTION_KEYS: writes with the newest key, reads with any of them."""
    return MultiFernet([Fernet(key) for key in settings.ENCRYPTION_KEYS])


class EncryptedTextField(models.TextField[str, str]):
    """Text that is encrypted in the database and plain in Python.

    Reading raises UnreadableSecret when no key fits: never the ciphertext in place of the secret.
    """

    def get_prep_value(self, value: Any) -> Any:
        text = super().get_prep_value(value)
        return cipher().encrypt(text.encode()).decode() if text else text

    def from_db_value(self, value: str | None, expression: object, connection: object) -> str | None:
        if not value:
            return value
        try:
            return cipher().decrypt(value.encode()).decode()
        except InvalidToken as error:
            raise UnreadableSecret("No key of ENCRYPTION_KEYS opens this secret.") from error
