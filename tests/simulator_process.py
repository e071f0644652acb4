"""A real IO simulator in a process of its own, and what a test asks of its control desk."""

from __future__ import annotations

import json
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parent.parent
#: The keys of the simulator's built-in services, which are all of one gateway account, and of a sandboxed one.
TRIBUTI, TRIBUTI_SECONDARY = "demo-tributi-primary-0000000000001", "demo-tributi-secondary-000000000002"
SCUOLA = "demo-scuola-primary-0000000000003"
ANAGRAFE = "demo-anagrafe-primary-0000000000005"
BORGOFIORE = "demo-borgofiore-primary-0000000000007"
MANAGE = "demo-valdoria-manage-000000000000009"
ACCOUNT = "valdoria"
#: Citizens with a story.
REGULAR, NOT_ON_IO, OPTED_OUT_OF_TRIBUTI = "BNCLRA85T50Z999B", "FRRPLA61H08Z999D", "MNTSFN72R20Z999N"
READS, PAYS, FAILS = "LTTCHR88M45Z999D", "PGNLCU80A14Z999P", "FLLRRT66S19Z999V"

_PATIENCE = 20.0


class Desk:
    """The control desk of a running simulator."""

    def __init__(self, url: str, control_url: str) -> None:
        self.url, self.control_url = url, control_url
        self.holds_back = False

    @property
    def phones_url(self) -> str:
        """Where the citizens' phones are shown."""
        return self.url.removesuffix("/api/v1") + "/phone"

    def fault(self, name: str, **options: Any) -> int:
        """Switch a fault on (value, count, operations, service, fiscal_code); returns its number."""
        self.holds_back = self.holds_back or name == "accept-then-hang"
        return int(self._ask("POST", "faults", {"name": name, **options})["id"])

    def clear(self) -> None:
        """Switch all faults off."""
        self._ask("DELETE", "faults")

    def ledger(self, fiscal_code: str = "", service: str = "") -> list[dict[str, Any]]:
        """The messages that IO has taken, in order of arrival."""
        query = urllib.parse.urlencode({"fiscal_code": fiscal_code, "service": service})
        found: list[dict[str, Any]] = self._ask("GET", f"ledger?{query}")
        return found

    def taken(self) -> dict[str, int]:
        """How many messages each citizen has got."""
        found: dict[str, int] = self._ask("GET", "ledger/summary")
        return found

    def calls(self, operation: str) -> dict[str, int]:
        """Calls of one operation (submit, profile, get) by status; ``dropped`` had no answer."""
        found: dict[str, int] = self._ask("GET", "calls")["operations"].get(operation, {})
        return found

    def posts(self) -> int:
        """How often a message was posted, with whatever end."""
        return sum(self.calls("submit").values())

    def meter(self, account: str = ACCOUNT) -> dict[str, Any]:
        """calls, throttled, largest_window, largest_admitted of a gateway account."""
        found: dict[str, Any] = self._ask("GET", "calls")["accounts"][account]
        return found

    def citizens(self, count: int) -> list[str]:
        """Fiscal codes of so many regular citizens on IO."""
        found: list[str] = self._ask("GET", f"citizens/load?count={count}")
        return found

    def citizen(self, fiscal_code: str, **traits: Any) -> None:
        """Add a citizen or change one."""
        self._ask("POST", "citizens", {"fiscal_code": fiscal_code, **traits})

    def tune(self, **settings: Any) -> None:
        """Change limit, latency_ms, jitter_ms, settle_seconds, lollipop_algorithm, lollipop_encoding."""
        self._ask("POST", "settings", settings)

    def settle(self) -> None:
        """Give every message its final status now."""
        self._ask("POST", "settle")

    def open(self, message: str, part: str = "detail", url: str = "") -> dict[str, Any]:
        """The citizen opens a message on the phone: what the app gets (status, error, title, markdown, attachments...).

        `message` is IO's id; `part` is detail, precondition or attachment, the last with its `url`.
        """
        body = {"part": part, "url": url} if url else {"part": part}
        seen: dict[str, Any] = self._ask("POST", f"messages/{message}/open", body)
        return seen

    def read(self, message: str) -> None:
        """The citizen has read a message; nothing is fetched."""
        self._ask("POST", f"messages/{message}/read")

    def pay(self, message: str) -> None:
        """The citizen has paid a message's notice."""
        self._ask("POST", f"messages/{message}/pay")

    def fetches(self, message: str = "") -> list[dict[str, Any]]:
        """What IO has asked institutions for, and what the app made of it; of one message, or of all."""
        query = f"?{urllib.parse.urlencode({'message': message})}" if message else ""
        found: list[dict[str, Any]] = self._ask("GET", f"fetches{query}")
        return found

    def answers(self) -> bool:
        """Whether the desk is open and the API listens."""
        try:
            return bool(self._ask("GET", "health")["listening"])
        except OSError:
            return False

    def reset(self) -> None:
        """As after a start."""
        self._ask("POST", "reset")

    def _ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.control_url}/control/{path}", data, method=method)  # noqa: S310
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
                text = answer.read()
        except urllib.error.HTTPError as error:
            raise AssertionError(f"the simulator refuses {method} {path}: {error.read().decode()}") from error
        return json.loads(text) if text else None


class SimulatorProcess(Desk):
    """A simulator that this process starts and stops; no latency and no limit unless said."""

    def __init__(self, folder: Path, *options: str) -> None:
        self._folder, self._options = folder, options
        self._start()

    def _start(self) -> None:
        port_file, log = self._folder / "ports", self._folder / "simulator.log"
        command = [sys.executable, "-m", "messaging.simulator", "--port", "0", "--control-port", "0"]
        command += ["--port-file", str(port_file), "--latency-ms", "1", "--settle-seconds", "0", "--limit", "none"]
        with log.open("ab") as out:
            self._process = subprocess.Popen([*command, *self._options], cwd=REPOSITORY, stdout=out, stderr=out)
        until = time.monotonic() + _PATIENCE
        while not port_file.exists():
            if self._process.poll() is not None or time.monotonic() > until:
                self.stop()
                raise AssertionError(f"no simulator: {log.read_text()}")
            time.sleep(0.02)
        port, control_port = port_file.read_text().split()
        super().__init__(f"http://127.0.0.1:{port}/api/v1", f"http://127.0.0.1:{control_port}")

    def renew(self) -> None:
        """As after a start; after answers held back, which would still be counted when their time comes, as another."""
        if self.holds_back:
            self.stop()
            self._start()
        else:
            self.reset()

    @property
    def pid(self) -> int:
        """The process."""
        return self._process.pid

    def stop(self) -> None:
        """End it."""
        if self._process.poll() is None:
            self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
