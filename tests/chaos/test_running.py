"""`make run` as somebody who tries it sees it: starts, keeps its data, ends cleanly, and says in a sentence why not."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests import servers
from tests.portal_process import PortalProcess, wait_for
from tests.simulator_process import REGULAR, REPOSITORY

MakePortal = Callable[..., PortalProcess]

QUEUE = "from tests.chaos.queueing import queue; queue({codes!r}, known=False)"


def sentence_of(portal: PortalProcess) -> str:
    """What a start that fails prints, once it has ended."""
    portal.start(wait=False)
    wait_for(lambda: portal.exit_status is not None, 30, "it does not end", portal)
    assert portal.exit_status == 1
    wait_for(lambda: not portal.everything(), 10, "it leaves processes", portal)
    return portal.log.removeprefix("---- start\n").strip()


def test_it_starts_says_where_it_is_delivers_stops_and_starts_again_in_seconds_with_its_data(
    make_portal: MakePortal,
) -> None:
    portal = make_portal(start=False, fresh=True)
    first_start = portal.start()
    first = portal.log
    assert f"IO Portal: {portal.url}/" in first
    assert first.count(portal.password) == 3
    portal.python(QUEUE.format(codes=[REGULAR]))
    wait_for(lambda: portal.simulator.ledger(REGULAR), 20, "never sent", portal)
    wait_for(lambda: "accepted" in portal.statuses(), 10, "never settled", portal)
    secrets = {path.name: path.read_bytes() for path in (portal.folder / "secrets").glob("*key*")}
    assert len(secrets) == 2
    assert portal.stop(signal.SIGINT) < 10
    assert portal.everything() == []
    # Ten seconds, or less than the first start on a machine that is busy with tests.
    assert portal.start() < max(10, first_start)
    assert portal.password not in portal.log.removeprefix(first)
    assert sum(portal.statuses().values()) == 1
    assert [entry["fiscal_code"] for entry in portal.simulator.ledger()] == [REGULAR]
    assert secrets == {path.name: path.read_bytes() for path in (portal.folder / "secrets").glob("*key*")}
    assert "Traceback" not in portal.log
    portal.stop()
    assert portal.everything() == []


def test_a_killed_main_process_takes_the_others_with_it(make_portal: MakePortal) -> None:
    portal = make_portal()
    children = portal.pids()
    assert set(children) == {"simulator", "web", "hosting", "worker", "files", "scheduler"}
    portal.kill_main()
    wait_for(lambda: not portal.everything(), 20, lambda: f"left: {portal.everything()} of {children}", portal)


def test_a_taken_port_is_one_sentence(make_portal: MakePortal) -> None:
    portal = make_portal(start=False)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", portal.port))
        taken.listen()
        said = sentence_of(portal)
    assert said.splitlines() == [
        f"IO Portal cannot start: port {portal.port} is taken. Free it, or choose another one: PORT=8080 make run."
    ]


@pytest.mark.parametrize("name", ["DATA_DIR", "SECRETS_DIR"])
def test_a_folder_that_cannot_be_written_to_is_one_sentence(make_portal: MakePortal, tmp_path: Path, name: str) -> None:
    (tmp_path / "file").write_text("")
    folder = tmp_path / "file" / "folder"
    (said,) = sentence_of(make_portal(start=False, **{name: str(folder)})).splitlines()
    assert said.startswith(f"IO Portal cannot start: the folder {folder} cannot be made")


@pytest.mark.parametrize(
    ("variables", "word"),
    [
        ({"IO_RATE_LIMIT": "many"}, "IO_RATE_LIMIT"),
        ({"ENCRYPTION_KEYS": "short"}, "ENCRYPTION_KEYS"),
        ({"IO_API_URL": "https://api.io.pagopa.it/api/v1"}, "SECRET_KEY"),
    ],
)
def test_a_senseless_setting_is_one_sentence(make_portal: MakePortal, variables: dict[str, str], word: str) -> None:
    (said,) = sentence_of(make_portal(start=False, **variables)).splitlines()
    assert said.startswith("IO Portal cannot start: ")
    assert word in said


@pytest.mark.parametrize(
    "stack",
    [
        pytest.param(
            "postgresql+redis", marks=pytest.mark.needs(servers.POSTGRESQL, servers.REDIS), id="PostgreSQL and Redis"
        ),
        pytest.param(
            "postgresql+rabbitmq",
            marks=pytest.mark.needs(servers.POSTGRESQL, servers.RABBITMQ),
            id="PostgreSQL and RabbitMQ",
        ),
    ],
)
def test_it_runs_and_delivers_on_the_servers_that_are_here(make_portal: MakePortal, stack: str) -> None:
    portal = make_portal(stack=stack)
    portal.wait_until_ready()
    codes = portal.simulator.citizens(10)
    portal.python(QUEUE.format(codes=codes))
    wait_for(lambda: len(portal.simulator.ledger()) == 10, 20, lambda: str(portal.statuses()), portal)
    assert portal.simulator.taken() == dict.fromkeys(codes, 1)
    assert portal.stop() < 10
    assert portal.everything() == []


@pytest.mark.needs(servers.POSTGRESQL, servers.RABBITMQ)
def test_a_second_worker_of_the_same_host_and_broker_starts_beside_the_first(make_portal: MakePortal) -> None:
    portal = make_portal(stack="postgresql+rabbitmq")
    portal.wait_until_ready()
    command = [sys.executable, "-m", "celery", "-A", "ioportal", "worker", "--pool", "threads", "--loglevel", "WARNING"]
    with (portal.folder / "second.log").open("wb") as log:
        second = subprocess.Popen(command, cwd=REPOSITORY, env=portal.variables, stdout=log, stderr=log)
    try:
        time.sleep(6)
        assert second.poll() is None, (portal.folder / "second.log").read_text()[-2000:]
    finally:
        second.terminate()
        assert second.wait(10) == 0
    assert "keeps ending" not in portal.log
