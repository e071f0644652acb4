"""``python -m tests``, which is ``make test``: says what is here, then runs all tests on it.

DATABASE_URL and CELERY_BROKER_URL choose another database and broker than SQLite and the file system. With
REQUIRE_ALL=1 a missing server or browser is a failure. Further arguments go to pytest.
"""

from __future__ import annotations

import os
import subprocess
import sys

from tests import servers

#: What is left out where the thing is missing.
_SKIPPED = {
    servers.CHROMIUM: "the tests in a browser",
    servers.POSTGRESQL: "the tests on PostgreSQL",
    servers.REDIS: "the tests with Redis as broker",
    servers.RABBITMQ: "the tests with RabbitMQ as broker",
}
_MOST_WORKERS = 2


def main(arguments: list[str]) -> int:
    """Run; the exit status is pytest's."""
    required = os.environ.get("REQUIRE_ALL") == "1"
    for name, skipped in _SKIPPED.items():
        otherwise = "missing, and REQUIRE_ALL=1 demands it" if required else f"not found: {skipped} are skipped"
        print(f"{name}: {'found' if servers.has(name) else otherwise}", flush=True)  # noqa: T201
    print(f"Tests run on {_stack()}.", flush=True)  # noqa: T201
    workers = min(_MOST_WORKERS, os.cpu_count() or 1)
    # Which tests are not to be parted is said in tests.conftest.
    command = [sys.executable, "-m", "pytest", "-n", str(workers), "--dist", "loadscope", "-q", *arguments]
    return subprocess.run(command, check=False).returncode


def _stack() -> str:
    database = "PostgreSQL" if os.environ.get("DATABASE_URL", "").startswith("postgres") else "SQLite"
    scheme = os.environ.get("CELERY_BROKER_URL", "filesystem").partition(":")[0]
    broker = {"redis": "Redis", "amqp": "RabbitMQ"}.get(scheme, "the file system")
    return f"{database}, with {broker} as broker"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
