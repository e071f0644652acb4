"""Reading the environment: each setting also as NAME_FILE, each fault one sentence that stops the start."""

from __future__ import annotations

import ipaddress
import os
import re
import secrets
import shlex
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn
from urllib.parse import urlsplit

from cryptography.fernet import Fernet


def stop(sentence: str) -> NoReturn:
    """End the process with a sentence on standard error and exit status 1."""
    sys.exit(f"IO Portal cannot start: {sentence}")


def read(name: str, default: str = "") -> str:
    """The text of setting ``name``: from ``NAME_FILE`` (a path), else from ``NAME``, else ``default``."""
    path = os.environ.get(f"{name}_FILE")
    if not path:
        return os.environ.get(name, default).strip()
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except OSError as error:
        stop(f"{name}_FILE names {path}, which cannot be read ({error.strerror}).")


def read_flag(name: str, default: bool) -> bool:
    """A yes-or-no setting: 1/true/yes/on or 0/false/no/off."""
    text = read(name).lower()
    if not text:
        return default
    if text in {"1", "true", "yes", "on"}:
        return True
    if text in {"0", "false", "no", "off"}:
        return False
    stop(f"{name} is «{text}»; write yes or no.")


def read_number(name: str, default: int, minimum: int = 0) -> int:
    """A whole number not below ``minimum``."""
    text = read(name, str(default))
    if not text.isdecimal() or int(text) < minimum:
        stop(f"{name} is «{text}»; write a whole number from {minimum} up.")
    return int(text)


def read_list(name: str, default: str = "") -> list[str]:
    """A comma-separated list without its empty items."""
    return [item.strip() for item in read(name, default).split(",") if item.strip()]


def read_command(name: str) -> list[str]:
    """A program and its arguments, quoted as for a shell; empty where there is none. No shell ever runs it."""
    text = read(name)
    try:
        command = shlex.split(text)
    except ValueError:
        stop(f"{name} is «{text}», which has a quotation mark that is not closed.")
    if command and shutil.which(command[0]) is None:
        stop(f"{name} names {command[0]}, which is no program that can be run.")
    return command


def read_rate(name: str, default: str) -> tuple[int, float]:
    """``calls/seconds`` such as ``150/5`` as (calls, seconds)."""
    text = read(name, default)
    match = re.fullmatch(r"(\d+)/(\d+(?:\.\d+)?)", text)
    if not match or int(match[1]) < 1 or float(match[2]) <= 0:
        stop(f"{name} is «{text}»; write calls/seconds, as in 150/5.")
    return int(match[1]), float(match[2])


def read_url(name: str, default: str) -> str:
    """An http or https address without a trailing slash."""
    url = read(name, default).rstrip("/")
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        stop(f"{name} is «{url}»; write a whole address, as in https://api.io.pagopa.it/api/v1.")
    return url


def is_loopback(url: str) -> bool:
    """Whether the address names this machine itself (the demonstration exists only then)."""
    host = urlsplit(url).hostname or ""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def writable_folder(path: Path) -> Path:
    """Make the folder if needed and prove that it can be written to."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        stop(f"the folder {path} cannot be made ({error.strerror}).")
    if not os.access(path, os.W_OK | os.X_OK):
        stop(f"the folder {path} cannot be written to by this user.")
    return path


def read_secret(name: str, folder: Path, make: Callable[[], str] | None) -> str:
    """A secret from the environment, else from its file in ``folder``, else newly made and kept there.

    ``make`` is None where a secret must be given explicitly (any IO address but this machine's).
    """
    if text := read(name):
        return text
    path = folder / name.lower()
    if make is not None and not path.exists():
        _keep_first(path, make())
    try:
        return path.read_text(encoding="utf-8").strip()
    except OSError:
        stop(f"{name} is missing: set it, or {name}_FILE, before writing to the real IO.")


def _keep_first(path: Path, text: str) -> None:
    """Write a file unless another process was faster; either way one whole secret is there afterwards."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    try:
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink()


def new_secret_key() -> str:
    """A value for SECRET_KEY."""
    return secrets.token_urlsafe(50)


def new_encryption_key() -> str:
    """A value for ENCRYPTION_KEYS: one Fernet key."""
    return Fernet.generate_key().decode("ascii")


def check_encryption_keys(keys: list[str]) -> list[str]:
    """The keys, newest first, once each is proved to be a Fernet key."""
    for position, key in enumerate(keys, start=1):
        try:
            Fernet(key)
        except ValueError:
            stop(f"key {position} of ENCRYPTION_KEYS is not a Fernet key (32 bytes in URL-safe base64).")
    if not keys:
        stop("ENCRYPTION_KEYS is empty: it needs at least one key.")
    return keys
