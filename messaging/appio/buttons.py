"""The buttons under a message: what they open, in the form that the app reads (IO messages API notes, 7.2)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import quote, urlsplit

_HANDLED = "iohandledlink://"
_SSO = "iosso://"
_IO_PAGE = "ioit://"

_EMAIL = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@(?:[A-Za-z0-9-]{1,63}\.){1,8}[A-Za-z]{2,24}")
_PHONE_MARKS = re.compile(r"[\s./()-]")
_PHONE = re.compile(r"\+?[0-9]{3,15}")
_HOST = re.compile(r"(?=.{1,253}$)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9-]{2,63}", re.IGNORECASE)
_IO_ROUTE = re.compile(r"[A-Za-z0-9_./?=&%-]{1,500}")
_SPACE_OR_CONTROL = re.compile(r"[\s\x00-\x1f\x7f]")


class ButtonKind(StrEnum):
    """What a button opens."""

    WEB = "web"
    PHONE = "phone"
    EMAIL = "email"
    SSO = "sso"
    IO_PAGE = "io_page"


@dataclass(frozen=True)
class Button:
    """A button: its text in both languages that the app knows, and its action as `button_action` writes it."""

    text_it: str
    text_en: str
    action: str


def buttons_from(kept: Iterable[Mapping[str, str]]) -> list[Button]:
    """Return the buttons of rows that keep them as JSON objects with `text_it`, `text_en` and `action`."""
    return [Button(item["text_it"], item["text_en"], item["action"]) for item in kept]


class ButtonError(ValueError):
    """A target or action that the app would not open; `code` is one of those of `button_action`, or "action"."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def button_action(kind: ButtonKind, target: str) -> str:
    """Return the action of a button that opens `target`: a web address, phone number, e-mail, sign-on or app page.

    Italian phone numbers get +39; addresses are written in ASCII. Raises `ButtonError` with a code: "empty",
    "web_address" (http or https with a host wanted), "phone", "email", "sso_address" (https wanted), "io_page".
    """
    wanted = target.strip()
    if not wanted:
        raise ButtonError("empty")
    if kind is ButtonKind.WEB:
        return _HANDLED + _address(_without(wanted, _HANDLED), ("http", "https"), "web_address")
    if kind is ButtonKind.PHONE:
        return f"{_HANDLED}tel:{_phone(_without(wanted, _HANDLED, 'tel:'))}"
    if kind is ButtonKind.EMAIL:
        return f"{_HANDLED}mailto:{_email(_without(wanted, _HANDLED, 'mailto:'))}"
    if kind is ButtonKind.SSO:
        return _SSO + _address(_without(wanted, _SSO), ("https",), "sso_address")
    return _IO_PAGE + _io_route(_without(wanted, _IO_PAGE))


def parse_action(action: str) -> tuple[ButtonKind, str]:
    """Return the kind and target of an action, the inverse of `button_action`.

    Raises `ButtonError`: "action" when the app has no such form (a plain https address among them), else the code of
    its target.
    """
    prefixes = (
        (f"{_HANDLED}tel:", ButtonKind.PHONE),
        (f"{_HANDLED}mailto:", ButtonKind.EMAIL),
        (_HANDLED, ButtonKind.WEB),
        (_SSO, ButtonKind.SSO),
        (_IO_PAGE, ButtonKind.IO_PAGE),
    )
    wanted = action.strip()
    for prefix, kind in prefixes:
        if wanted.lower().startswith(prefix):
            target = wanted[len(prefix) :]
            button_action(kind, target)
            return kind, target
    raise ButtonError("action")


def is_email(text: str) -> bool:
    """Tell whether `text` has the shape of an e-mail address."""
    return _EMAIL.fullmatch(text) is not None


def _without(text: str, *prefixes: str) -> str:
    for prefix in prefixes:
        if text.lower().startswith(prefix):
            text = text[len(prefix) :]
    return text


def _address(text: str, schemes: tuple[str, ...], code: str) -> str:
    if _SPACE_OR_CONTROL.search(text):
        raise ButtonError(code)
    try:
        parts = urlsplit(text)
        port = parts.port
        host = (parts.hostname or "").encode("idna").decode("ascii")
        rest = quote(parts._replace(scheme="", netloc="").geturl(), safe="/?#[]@!$&'()*+,;=:%~-._")
    except ValueError as error:  # UnicodeError of idna included
        raise ButtonError(code) from error
    # A name before the host ("https://comune.it@elsewhere") would deceive whoever reads it.
    if parts.scheme not in schemes or not _HOST.fullmatch(host) or "@" in parts.netloc:
        raise ButtonError(code)
    return f"{parts.scheme}://{host}{'' if port is None else f':{port}'}{rest}"


def _phone(text: str) -> str:
    number = _PHONE_MARKS.sub("", text)
    if number.startswith("00"):
        number = f"+{number[2:]}"
    if not _PHONE.fullmatch(number):
        raise ButtonError("phone")
    # Land lines keep their leading zero; short and toll-free numbers work only without a country.
    return f"+39{number}" if number[0] in "03" and 6 <= len(number) <= 12 else number


def _email(text: str) -> str:
    if not is_email(text):
        raise ButtonError("email")
    return text


def _io_route(text: str) -> str:
    if not _IO_ROUTE.fullmatch(text):
        raise ButtonError("io_page")
    return text
