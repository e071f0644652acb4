"""What the platform accepts and silently loses (notes, 1.3 and 3.2)."""

from typing import Final

_KNOWN: Final[dict[str, frozenset[str]]] = {
    "": frozenset({"fiscal_code", "time_to_live", "feature_level_type", "default_addresses", "content"}),
    "default_addresses": frozenset(),
    "content": frozenset(
        {
            "subject",
            "markdown",
            "require_secure_channels",
            "due_date",
            "payment_data",
            "third_party_data",
            "eu_covid_cert",
        }
    ),
    "content.payment_data": frozenset({"amount", "notice_number", "invalid_after_due_date", "payee"}),
    "content.payment_data.payee": frozenset({"fiscal_code"}),
    "content.third_party_data": frozenset(
        {
            "id",
            "original_sender",
            "original_receipt_date",
            "has_attachments",
            "has_remote_content",
            "has_precondition",
            "summary",
            "configuration_id",
        }
    ),
    "content.eu_covid_cert": frozenset({"auth_code"}),
}


def swallowed_fields(raw: object, path: str = "") -> list[str]:
    """What the platform accepted and silently lost: a typo such as `due-date` shows up here."""
    if not isinstance(raw, dict):
        return []
    lost = []
    for name, value in raw.items():
        here = f"{path}.{name}" if path else name
        if name not in _KNOWN[path]:
            lost.append(here)
        elif here in _KNOWN:
            lost.extend(swallowed_fields(value, here))
    return lost
