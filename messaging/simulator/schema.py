"""The payload schema: what POST /messages and POST /profiles accept (notes, 1.3 and 1.6).

Unknown properties are swallowed. `null` is absence for a scalar with a default and a type error
anywhere else. Errors read `value <json> at root.<path> is not a valid [<type name>]`.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from messaging.simulator import checks
from messaging.simulator.wire import RefusalError

_MISSING: Final = object()
# The body of a request that has none: JavaScript's undefined, not null.
ABSENT: Final = _MISSING
Check = Callable[[Any], object]


@dataclass(frozen=True, slots=True)
class Kind:
    """A type: its name in error messages and the check a value must pass."""

    name: str
    accepts: Check


def _text(low: int, high: int) -> Kind:
    # Half-open ranges, and UTF-16 units as JavaScript counts them (notes, 2.1).
    def accepts(value: object) -> bool:
        return isinstance(value, str) and low <= checks.utf16_length(value) <= high

    return Kind(f"string of length >= {low} and < {high + 1}", accepts)


def _pattern(pattern: str, accepts: Check) -> Kind:
    name = f'string that matches the pattern "{pattern}"'
    return Kind(name, lambda value: isinstance(value, str) and accepts(value))


def _integer(low: int, high: int) -> Kind:
    # 100.0 is an integer to JavaScript, true is not a number.
    def accepts(value: object) -> bool:
        if isinstance(value, bool) or not isinstance(value, int | float):
            return False
        return (isinstance(value, int) or value.is_integer()) and low <= value <= high

    return Kind(f"integer >= {low} and < {high + 1}", accepts)


def _one_of(name: str, *words: str) -> Kind:
    return Kind(name, lambda value: isinstance(value, str) and value in words)


SUBJECT: Final = _text(10, 120)
MARKDOWN: Final = _text(80, 10_000)
TIME_TO_LIVE: Final = _integer(3600, 604_800)
AMOUNT: Final = _integer(1, 9_999_999_999)
NOTICE_NUMBER: Final = _pattern(checks.NOTICE_NUMBER_PATTERN, checks.is_notice_number)
ORGANIZATION: Final = _pattern(checks.ORGANIZATION_PATTERN, checks.is_organization_code)
FISCAL_CODE: Final = _pattern(checks.FISCAL_CODE_PATTERN, checks.is_fiscal_code)
ULID: Final = _pattern(checks.ULID_PATTERN, checks.is_ulid)
BOOLEAN: Final = Kind("boolean", lambda value: isinstance(value, bool))
STRING: Final = Kind("string", lambda value: isinstance(value, str))
NON_EMPTY: Final = Kind("non empty string", lambda value: isinstance(value, str) and value != "")
EMAIL: Final = Kind("email string", lambda v: isinstance(v, str) and checks.is_email(v))
MOMENT: Final = Kind("UTCISODateFromString", lambda v: isinstance(v, str) and checks.parse_moment(v) is not None)
LEVEL: Final = _one_of("FeatureLevelType", "STANDARD", "ADVANCED")
PRECONDITION: Final = _one_of("HasPrecondition", "ALWAYS", "ONCE", "NEVER")


@dataclass(frozen=True, slots=True)
class NewMessage:
    """A decoded payload; `content` is what the platform will store (notes, 3.1 and 3.2)."""

    fiscal_code: str | None
    time_to_live: int
    level: str
    content: dict[str, Any]

    @property
    def payment(self) -> dict[str, Any] | None:
        """The payment data, with defaults."""
        return self.content.get("payment_data")

    @property
    def third_party(self) -> dict[str, Any] | None:
        """The third party data, with defaults."""
        return self.content.get("third_party_data")


class Reader:
    """Reads one object of a payload and collects what is wrong with it in `errors`, a line each."""

    __slots__ = ("errors", "path", "raw")

    def __init__(self, raw: dict[str, Any], path: str, errors: list[str]) -> None:
        self.raw = raw
        self.path = path
        self.errors = errors

    def required(self, name: str, kind: Kind) -> Any:
        """The value, or None and a complaint."""
        value = self.raw.get(name, _MISSING)
        if value is _MISSING or not kind.accepts(value):
            self.wrong(name, value, kind.name)
            return None
        return value

    def optional(self, name: str, kind: Kind) -> Any:
        """The value; None when it is left out."""
        return self.required(name, kind) if name in self.raw else None

    def default(self, name: str, kind: Kind, default: Any) -> Any:
        """The value; the default for what is left out or null."""
        return default if self.raw.get(name) is None else self.required(name, kind)

    def inner(self, name: str, type_name: str) -> "Reader | None":
        """A reader of the object under this name, or None and a complaint."""
        value = self.raw.get(name, _MISSING)
        if isinstance(value, dict):
            return Reader(value, f"{self.path}.{name}", self.errors)
        self.wrong(name, value, type_name)
        return None

    def maybe_inner(self, name: str, type_name: str) -> "Reader | None":
        """The same; None without complaint when it is left out."""
        return self.inner(name, type_name) if name in self.raw else None

    def wrong(self, name: str, value: object, type_name: str) -> None:
        """Complain about a value."""
        self.errors.append(complaint(value, f"{self.path}.{name}", type_name))


def decode_new_message(raw: object) -> NewMessage:
    """The payload decoded, or 400 `Invalid message structure` with one line per error."""
    errors: list[str] = []
    if not isinstance(raw, dict):
        raise _invalid_structure([complaint(raw, "root", "NewMessage")])
    root = Reader(raw, "root", errors)
    time_to_live = root.default("time_to_live", TIME_TO_LIVE, 3600)
    content = _content(root)
    if addresses := root.maybe_inner("default_addresses", "NewMessageDefaultAddresses"):
        # Accepted, then ignored: a retired feature.
        addresses.optional("email", EMAIL)
    fiscal_code = root.optional("fiscal_code", FISCAL_CODE)
    level = root.default("feature_level_type", LEVEL, "STANDARD")
    if errors:
        raise _invalid_structure(errors)
    return NewMessage(fiscal_code, int(time_to_live), level, content)


def _content(root: Reader) -> dict[str, Any]:
    reader = root.inner("content", "MessageContent")
    if reader is None:
        return {}
    content = {
        "subject": reader.required("subject", SUBJECT),
        "markdown": reader.required("markdown", MARKDOWN),
    }
    # Most messages have nothing else; the order of the rest is the order of the errors.
    if len(reader.raw) > 2:
        if "require_secure_channels" in reader.raw:
            secure = reader.required("require_secure_channels", BOOLEAN)
            content["require_secure_channels"] = secure
        if "payment_data" in reader.raw:
            content["payment_data"] = _payment(reader)
        _dropped(reader)
        if covid := reader.maybe_inner("eu_covid_cert", "EUCovidCert"):
            content["eu_covid_cert"] = _present(auth_code=covid.optional("auth_code", STRING))
        if "third_party_data" in reader.raw:
            content["third_party_data"] = _third_party(reader)
        if (due := reader.optional("due_date", MOMENT)) is not None:
            content["due_date"] = _normal_moment(due)
    return content


def _payment(content: Reader) -> dict[str, Any]:
    reader = content.inner("payment_data", "PaymentData")
    if reader is None:
        return {}
    amount = reader.required("amount", AMOUNT)
    data = {
        "amount": int(amount) if amount is not None else None,
        "notice_number": reader.required("notice_number", NOTICE_NUMBER),
        "invalid_after_due_date": reader.default("invalid_after_due_date", BOOLEAN, False),
    }
    if payee := reader.maybe_inner("payee", "Payee"):
        data["payee"] = {"fiscal_code": payee.required("fiscal_code", ORGANIZATION)}
    return data


def _third_party(content: Reader) -> dict[str, Any]:
    reader = content.inner("third_party_data", "ThirdPartyData")
    if reader is None:
        return {}
    received = reader.optional("original_receipt_date", MOMENT)
    return _present(
        id=reader.required("id", NON_EMPTY),
        original_sender=reader.optional("original_sender", NON_EMPTY),
        original_receipt_date=None if received is None else _normal_moment(received),
        has_attachments=reader.default("has_attachments", BOOLEAN, False),
        has_remote_content=reader.default("has_remote_content", BOOLEAN, False),
        has_precondition=reader.optional("has_precondition", PRECONDITION),
        summary=reader.optional("summary", NON_EMPTY),
        configuration_id=reader.optional("configuration_id", ULID),
    )


def _dropped(content: Reader) -> None:
    """Prescriptions and legal mail are validated, then forgotten (notes, 3.2)."""
    if prescription := content.maybe_inner("prescription_data", "PrescriptionData"):
        prescription.required("nre", _text(15, 15))
        prescription.optional("iup", _text(1, 16))
        prescription.optional("prescriber_fiscal_code", FISCAL_CODE)
    if legal := content.maybe_inner("legal_data", "LegalData"):
        legal.required("sender_mail_from", NON_EMPTY)
        legal.default("has_attachment", BOOLEAN, False)
        legal.required("message_unique_id", NON_EMPTY)
        legal.optional("original_message_url", NON_EMPTY)
        legal.optional("pec_server_service_id", NON_EMPTY)


def _normal_moment(text: str) -> str:
    moment = checks.parse_moment(text)
    return checks.iso_milliseconds(moment) if moment else text


def _present(**values: Any) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


def decode_fiscal_code_payload(raw: object) -> str:
    """The body of POST /profiles, or 400 `Invalid FiscalCodePayload` (notes, 1.6)."""
    value = raw.get("fiscal_code", _MISSING) if isinstance(raw, dict) else raw
    if isinstance(raw, dict) and FISCAL_CODE.accepts(value):
        return str(value)
    where, name = "root", "FiscalCodePayload"
    if isinstance(raw, dict):
        where, name = "root.fiscal_code", FISCAL_CODE.name
    detail = f"value [{_json(value)}] at [{where}] is not a valid [{name}]"
    raise RefusalError(400, "Invalid FiscalCodePayload", detail)


def bad_parameter(value: str, type_name: str) -> RefusalError:
    """400 for a path parameter (notes, 1.6)."""
    detail = f"value [{_json(value)}] at [root] is not a valid [{type_name}]"
    return RefusalError(400, f"Invalid {type_name}", detail)


def _invalid_structure(errors: list[str]) -> RefusalError:
    return RefusalError(400, "Invalid message structure", "\n".join(errors))


def complaint(value: object, where: str, type_name: str) -> str:
    """One line of a 400 (notes, 1.6)."""
    return f"value {_json(value)} at {where} is not a valid [{type_name}]"


def _json(value: object) -> str:
    if value is _MISSING:
        return "undefined"
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
