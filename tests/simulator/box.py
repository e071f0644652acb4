"""A handle on a running simulator, and what the tests send to it."""

from __future__ import annotations

import copy
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import requests
from jsonschema import Draft202012Validator

from messaging.simulator.accounts import DEFAULT

ROOT = Path(__file__).resolve().parents[2]
LAURA = "BNCLRA85T50Z999B"
NOT_ON_IO = "FRRPLA61H08Z999D"
INBOX_OFF = "GLLNNA49B47Z999W"
OPTED_OUT = "MNTSFN72R20Z999N"
MANUAL = "RVIGLI95L61Z999W"
SLOW = "LNTGNN55E03Z999Y"
READER = "LTTCHR88M45Z999D"
PAYER = "PGNLCU80A14Z999P"
RESERVED = "RSRVNC70P52Z999B"
FAILING = "FLLRRT66S19Z999V"
ENGLISH = "CRTMLY90D55Z999Q"
TEST_CODE = "AAAAAA00A00A000A"
UNKNOWN = "XXXXXX80A01Z999X"

TRIBUTI = "demo-tributi-primary-0000000000001"
TRIBUTI_SECOND = "demo-tributi-secondary-000000000002"
SCUOLA = "demo-scuola-primary-0000000000003"
ANAGRAFE = "demo-anagrafe-primary-0000000000005"
BORGOFIORE = "demo-borgofiore-primary-0000000000007"
MANAGE = "demo-valdoria-manage-000000000000009"
CONFIGURATIONS = "/messages-sending/remote-contents/configurations"

OUR_CONFIGURATION = "01JRCVA1D0R1A0000000000001"
THEIR_CONFIGURATION = "01JRCB0RG0F10RE00000000002"
UPSTREAM = {400: "01JRC000000000000000000400", 403: "01JRC000000000000000000403", 500: "01JRC000000000000000000500"}

BODY = "Questo testo serve alle prove e contiene abbastanza parole per superare la lunghezza minima."
NOTICE = "302000000004821733"

_WRITE = ["ApiMessageWrite", "ApiMessageRead", "ApiLimitedProfileRead"]


def _odd(slug: str, groups: list[str] | None = None, **traits: Any) -> dict[str, Any]:
    return {"slug": slug, "id": slug.upper(), "keys": [slug], "groups": _WRITE if groups is None else groups, **traits}


def odd_accounts() -> dict[str, Any]:
    """The built-in accounts and some with a difficulty each."""
    accounts = copy.deepcopy(DEFAULT)
    accounts["accounts"] += [
        {
            "id": "odd",
            "manage_keys": ["manage-odd"],
            "services": [
                _odd("no-scopes", ["ApiRateLimit250"]),
                _odd("reads-only", ["ApiMessageRead"]),
                _odd("profiles-only", ["ApiLimitedProfileRead"]),
                _odd("unregistered", registered=False),
                _odd("certificate", [*_WRITE, "ApiAuthenticationClientCertificate"]),
                _odd("covid", [*_WRITE, "ApiMessageWriteEUCovidCert"]),
                _odd("payee", [*_WRITE, "ApiMessageWriteWithPayee"], max_allowed_payment_amount=100),
                _odd("elsewhere", authorized_cidrs=["10.0.0.0/8"]),
                _odd("here", authorized_cidrs=["10.0.0.0/8", "127.0.0.1"]),
                _odd("limited-wins", [*_WRITE, "ApiLimitedMessageWrite"], authorized_recipients=[LAURA]),
                _odd("special", special=True),
                _odd("third-party", [*_WRITE, "ApiThirdPartyMessageWrite"]),
            ],
        },
        {
            "id": "narrow",
            "limit": "5/0.6",
            "groups": [*_WRITE, "ApiRemoteContentConfigurationWrite"],
            "manage_keys": ["manage-narrow"],
            "services": [_odd("narrow-one"), _odd("narrow-two")],
        },
        {"id": "fast", "groups": [*_WRITE, "ApiRateLimit250"], "services": [{"slug": "fast", "keys": ["fast"]}]},
        {"id": "free", "groups": [*_WRITE, "ApiNoRateLimit"], "services": [{"slug": "free", "keys": ["free"]}]},
    ]
    accounts["remote_configurations"] += [
        {"id": identity, "account": "odd", "upstream": status} for status, identity in UPSTREAM.items()
    ] + [{"id": "01JRC0DD000000000000000001", "account": "odd"}]
    return accounts


def message(fiscal_code: str | None = LAURA, **content: Any) -> dict[str, Any]:
    """A message that the platform takes; `content` changes or adds fields of its content."""
    payload: dict[str, Any] = {"content": {"subject": "Avviso di prova", "markdown": BODY, **content}}
    if fiscal_code is not None:
        payload["fiscal_code"] = fiscal_code
    return payload


def payment(amount: object = 14850, **more: Any) -> dict[str, Any]:
    """Payment data."""
    return {"amount": amount, "notice_number": NOTICE, **more}


class Box:
    """A simulator process; every answer of its API is checked against our schemas."""

    def __init__(self, folder: Path, *options: str, command: list[str] | None = None) -> None:
        self.ports = folder / "ports"
        start = command or [sys.executable, "-m", "messaging.simulator"]
        self.process = subprocess.Popen(
            [*start, "--port", "0", "--port-file", str(self.ports), *options],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONWARNINGS": "default"},
        )
        assert self.process.stdout is not None
        self.greeting = self.process.stdout.readline()
        assert self.greeting, self.process.communicate()[1]
        self.port, self.control_port = (int(text) for text in self.ports.read_text().split())
        self.address = f"http://127.0.0.1:{self.port}"
        self.control_address = f"http://127.0.0.1:{self.control_port}/control"
        self.session = requests.Session()

    def stop(self) -> int:
        """End the process; its exit status."""
        self.session.close()
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        _, errors = self.process.communicate(timeout=10)
        assert errors == ""
        return self.process.returncode

    def call(self, method: str, path: str, key: str | None = TRIBUTI, **more: Any) -> requests.Response:
        """Call the API."""
        headers = {"Ocp-Apim-Subscription-Key": key} if key is not None else {}
        more.setdefault("timeout", 10)
        answer = self.session.request(method, f"{self.address}/api/v1{path}", headers=headers, **more)
        check_shape(path, answer)
        return answer

    def submit(self, payload: object, key: str | None = TRIBUTI, **more: Any) -> requests.Response:
        """POST /messages."""
        return self.call("POST", "/messages", key, json=payload, **more)

    def get(self, fiscal_code: str, identity: str, key: str = TRIBUTI) -> requests.Response:
        """GET a message."""
        return self.call("GET", f"/messages/{fiscal_code}/{identity}", key)

    def profile(self, fiscal_code: str, key: str = TRIBUTI) -> requests.Response:
        """POST /profiles."""
        return self.call("POST", "/profiles", key, json={"fiscal_code": fiscal_code})

    def control(self, method: str, path: str, payload: object = None) -> Any:
        """Call the control API; its JSON."""
        answer = self.session.request(method, f"{self.control_address}{path}", json=payload, timeout=10)
        assert answer.ok, answer.text
        return answer.json() if answer.content else None

    def fault(self, name: str, **more: Any) -> None:
        """Switch a fault on."""
        self.control("POST", "/faults", {"name": name, **more})

    def sent(self, payload: dict[str, Any], key: str = TRIBUTI) -> str:
        """Submit, settle, and the id."""
        answer = self.submit(payload, key)
        assert answer.status_code == 201, answer.text
        self.control("POST", "/settle")
        return str(answer.json()["id"])

    def status(self, payload: dict[str, Any], key: str = TRIBUTI) -> str:
        """The final status of a message."""
        return str(self.get(payload["fiscal_code"], self.sent(payload, key), key).json()["status"])

    def ledger(self) -> list[dict[str, Any]]:
        """What was accepted."""
        entries: list[dict[str, Any]] = self.control("GET", "/ledger")
        return entries


def check_shape(path: str, answer: requests.Response) -> None:
    """Every answer follows our restatement of the published contracts."""
    if not answer.content or answer.headers["Content-Type"] == "text/html":
        return
    if path.startswith(CONFIGURATIONS) and answer.ok:
        check_configurations(answer.json())
        return
    if answer.ok:
        name = "message" if path.count("/") == 3 else path.split("/")[1]
        schema = {"messages": "created", "profiles": "profile", "subscriptions-feed": "feed"}.get(name, name)
    elif answer.headers["Content-Type"].startswith("application/problem+json"):
        schema = "problem"
        assert answer.json()["status"] == answer.status_code
    else:
        schema = "gateway_error"
        assert answer.json()["statusCode"] == answer.status_code
    validate(schema, answer.json())


def check_configurations(body: Any) -> None:
    """One configuration, or the list of an institution's own."""
    for one in body.get("rcConfigList", [body]):
        validate("configuration", one)


def validate(schema: str, body: object) -> None:
    """A body follows one of our schemas."""
    rules = json.loads((Path(__file__).parent / "schemas" / f"{schema}.json").read_text())
    Draft202012Validator(rules).validate(body)


def eventually(condition: Any, seconds: float = 5.0) -> None:
    """Wait until something holds."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it never came true"
        time.sleep(0.02)
