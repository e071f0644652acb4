"""An institution's server, as small as can be: it notes what it is asked and answers what it was told."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.simulator.box import ANAGRAFE, CONFIGURATIONS, LAURA, MANAGE, Box, message

REMOTE_SUBJECT = "Esito della sua domanda"
REMOTE_TEXT = "Il testo protetto, che sta solo presso l’ente e che IO chiede ogni volta che il cittadino apre. " * 2
DETAIL = {"details": {"subject": REMOTE_SUBJECT, "markdown": REMOTE_TEXT}}
PDF = b"%PDF-1.7\n%fine"


@dataclass
class Asked:
    """One request that came in; header names in lower case."""

    path: str
    headers: dict[str, str]


@dataclass
class Reply:
    """What to answer."""

    status: int = 200
    body: bytes = b"{}"
    headers: dict[str, str] = field(default_factory=dict)
    after: float = 0.0


class Institution:
    """The server; `replies` are by path with query, everything else is 404."""

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self.replies: dict[str, Reply] = {}
        institution = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                headers = {name.lower(): value for name, value in self.headers.items()}
                institution.asked.append(Asked(self.path, headers))
                reply = institution.replies.get(self.path, Reply(404))
                time.sleep(reply.after)
                self.send_response(reply.status)
                for name, value in {"Content-Length": str(len(reply.body)), **reply.headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(reply.body)

            def log_message(self, *arguments: object) -> None:
                """Nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/io"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End it."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


def environment(url: str, key: str = "segreto", **more: Any) -> dict[str, Any]:
    """An environment of a configuration."""
    authentication = {"header_key_name": "X-Chiave-Ente", "key": key, "type": "API-KEY"}
    return {"base_url": url, "details_authentication": authentication, **more}


def configuration(**more: Any) -> dict[str, Any]:
    """The body of a configuration without environments; `more` changes or adds fields."""
    return {
        "name": "Portale di Valdoria",
        "description": "Testi e allegati del Comune di Valdoria",
        "has_precondition": "NEVER",
        "disable_lollipop_for": [],
        "is_lollipop_enabled": False,
        **more,
    }


def registered(box: Box, key: str = MANAGE, **more: Any) -> str:
    """Make a configuration; its id."""
    answer = box.call("POST", CONFIGURATIONS, key, json=configuration(**more))
    assert answer.status_code == 201, answer.text
    return str(answer.json()["configuration_id"])


def remote_message(box: Box, identity: str, fiscal_code: str = LAURA, **third: Any) -> str:
    """Send a Premium message with remote content; its id at IO. Its id at the institution is `pratica-1`."""
    data = {"id": "pratica-1", "configuration_id": identity, "has_remote_content": True, **third}
    payload = {**message(fiscal_code, third_party_data=data), "feature_level_type": "ADVANCED"}
    return box.sent(payload, ANAGRAFE)
