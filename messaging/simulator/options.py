"""The command line, shared by `manage.py simulate_io` and `python -m messaging.simulator`."""

import argparse
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Options:
    """What the simulator is started with."""

    host: str
    port: int
    control_port: int | None
    port_file: Path | None
    state: Path | None
    accounts: Path | None
    limit: str
    latency_ms: float
    jitter_ms: float
    settle_seconds: float
    old_notification: bool
    faults: list[str]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
    parser.add_argument("--port", type=_port, default=8100, help="API and phone; 0: any free one")
    parser.add_argument("--control-port", type=_port, help="control API and page; default: port + 1; 0: any")
    parser.add_argument("--port-file", type=Path, help="file that gets both ports, on one line")
    parser.add_argument("--state", type=Path, help="file that keeps messages across restarts")
    parser.add_argument("--accounts", type=Path, help="JSON file instead of the built-in accounts")
    parser.add_argument("--limit", default="150/5", help="calls/seconds per account, or none")
    parser.add_argument("--latency-ms", type=_amount, default=60.0, help="every answer takes this")
    parser.add_argument("--jitter-ms", type=_amount, default=0.0, help="and up to this more")
    parser.add_argument("--settle-seconds", type=_amount, default=1.0, help="from accepted to the final status")
    parser.add_argument("--old-notification", action="store_true", help="answer with the retired `notification`")
    parser.add_argument(
        "--fault",
        action="append",
        default=[],
        metavar="NAME[=VALUE]",
        help="start with this fault on; may be repeated",
    )


def read_options(values: dict[str, Any]) -> Options:
    """The options from parsed arguments; anything else among them is not ours."""
    return Options(
        host=values["host"],
        port=values["port"],
        control_port=values["control_port"],
        port_file=values["port_file"],
        state=values["state"],
        accounts=values["accounts"],
        limit=values["limit"],
        latency_ms=values["latency_ms"],
        jitter_ms=values["jitter_ms"],
        settle_seconds=values["settle_seconds"],
        old_notification=values["old_notification"],
        faults=values["fault"],
    )


def _port(text: str) -> int:
    if not text.isdecimal() or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port")
    return int(text)


def _amount(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number") from None
    if not 0 <= number < 1e9:
        raise argparse.ArgumentTypeError(f"{text!r} must be a number from 0")
    return number
