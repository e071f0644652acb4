"""Starting, stopping and remembering."""

from __future__ import annotations

import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
import requests

from tests.simulator.box import LAURA, OPTED_OUT, ROOT, SLOW, TRIBUTI, Box, message

QUICK = ("--latency-ms", "0", "--settle-seconds", "0")


def refused(*options: str) -> str:
    """The sentence with which a start is refused."""
    ended = subprocess.run(
        [sys.executable, "-m", "messaging.simulator", *options], cwd=ROOT, capture_output=True, text=True, timeout=20
    )
    assert ended.returncode == 1
    assert ended.stdout == ""
    lines = ended.stderr.splitlines()
    assert len(lines) == 1
    return lines[0]


def test_the_command_says_one_line_and_stops_at_once(tmp_path: Path) -> None:
    box = Box(tmp_path, *QUICK, command=[sys.executable, str(ROOT / "manage.py"), "simulate_io"])
    base = f"http://127.0.0.1:{box.port}"
    assert box.greeting == f"IO simulator on {base}/api/v1 (citizen's phone: {base}/phone)\n"
    box.fault("accept-then-hang", value=60)
    with pytest.raises(requests.Timeout):
        box.submit(message(), timeout=0.2)
    assert box.session.get(f"{base}/phone", timeout=5).status_code == 200
    start = time.monotonic()
    assert box.stop() == 0
    assert time.monotonic() - start < 2
    assert not box.ports.exists()


def test_an_interrupt_ends_it_cleanly(tmp_path: Path) -> None:
    box = Box(tmp_path, *QUICK)
    box.process.send_signal(signal.SIGINT)
    assert box.stop() == 0


def test_a_taken_port_is_one_sentence() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        told = refused("--port", str(port))
    assert told == f"IO simulator: cannot listen on 127.0.0.1 port {port}: Address already in use."


def test_bad_files_and_options_are_one_sentence(tmp_path: Path) -> None:
    nonsense = tmp_path / "accounts.json"
    nonsense.write_text('{"accounts": [{"services": []}]}')
    scribble = tmp_path / "scribble"
    scribble.write_text('{"event": "message"}\n')
    assert "cannot be written" in refused("--port", "0", "--state", str(tmp_path))
    assert "line 1 of the state file" in refused("--port", "0", "--state", str(scribble))
    assert "makes no sense: 'id' is missing" in refused("--port", "0", "--accounts", str(nonsense))
    assert "cannot be read" in refused("--port", "0", "--accounts", str(tmp_path / "none"))
    assert "no fault is called 'flood'" in refused("--port", "0", "--fault", "flood")


def test_messages_outlive_a_restart_and_a_torn_last_line(tmp_path: Path) -> None:
    state = tmp_path / "state"
    options = ("--latency-ms", "0", "--settle-seconds", "0", "--state", str(state), "--limit", "none")
    box = Box(tmp_path, *options)
    box.session.post(f"{box.address}/phone/stefano-monti/services/tributi", data={"allowed": "yes"}, timeout=5)
    box.control("POST", "/citizens", {"fiscal_code": "NVUPRS80A01Z999X", "name": "Nuova Persona"})
    arrived = box.sent(message())
    reached = box.sent(message(OPTED_OUT))
    box.session.get(f"{box.address}/phone/laura-bianchi/{arrived}", timeout=5)
    waiting = box.submit(message(SLOW)).json()["id"]
    before = box.ledger()
    assert box.stop() == 0
    with state.open("ab") as file:
        file.write(b'{"event": "message", "id": "torn')

    box = Box(tmp_path, *options)
    assert box.ledger() == before
    assert box.get(LAURA, arrived).json()["status"] == "PROCESSED"
    assert box.get(OPTED_OUT, reached).json()["status"] == "PROCESSED"
    assert box.get(SLOW, waiting).json()["status"] == "ACCEPTED"
    assert box.profile("NVUPRS80A01Z999X").status_code == 200
    assert "Non letto" not in box.session.get(f"{box.address}/phone/laura-bianchi", timeout=5).text
    assert "in use by another simulator" in refused("--port", "0", "--state", str(state))
    later = box.sent(message())
    box.process.kill()
    box.process.communicate()

    box = Box(tmp_path, *options)
    assert box.get(LAURA, later).json()["status"] == "PROCESSED"
    box.control("POST", "/reset")
    assert box.stop() == 0

    box = Box(tmp_path, *options)
    assert box.ledger() == []
    assert box.stop() == 0


def test_options_set_pace_and_faults(tmp_path: Path) -> None:
    box = Box(tmp_path, "--latency-ms", "120", "--limit", "2/9", "--fault", "error-503=1", "--fault", "jitter=5")
    start = time.monotonic()
    answer = box.submit(message())
    assert time.monotonic() - start >= 0.12
    assert (answer.status_code, answer.headers["x-rate-limit-remaining"]) == (503, "1")
    assert box.control("GET", "/faults")["active"][0]["name"] == "error-503"
    assert box.stop() == 0


def test_it_can_start_refusing(tmp_path: Path) -> None:
    box = Box(tmp_path, *QUICK, "--fault", "refuse")
    with pytest.raises(requests.ConnectionError):
        box.submit(message(), TRIBUTI)
    box.control("DELETE", "/faults")
    assert box.submit(message()).status_code == 201
    box.fault("refuse", value=60)
    assert box.stop() == 0


def test_the_simulator_shares_no_code_with_the_rest() -> None:
    for path in (ROOT / "messaging" / "simulator").glob("*.py"):
        for module in re.findall(
            r"^\s*(?:from|import) (messaging[\w.]*|ioportal[\w.]*)", path.read_text(), re.MULTILINE
        ):
            assert module.startswith("messaging.simulator"), path.name
