"""The worker is killed, stopped, robbed of its broker or given an old database: nobody gets a message twice."""

from __future__ import annotations

import shutil
import sqlite3
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from celery import current_app

from tests.portal_process import PortalProcess, wait_for

#: Time-outs a fifth of the real ones, so that attempts reach their deadlines within a test.
QUICK = {"IO_CONNECT_TIMEOUT": "1", "IO_READ_TIMEOUT": "3"}


@pytest.fixture(scope="module")
def standing_portal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PortalProcess]:
    portal = PortalProcess(tmp_path_factory.mktemp("portal") / "standing", **QUICK)
    portal.start()
    portal.wait_until_ready()
    yield portal
    portal.remove()


@pytest.fixture
def portal(standing_portal: PortalProcess) -> PortalProcess:
    """A running portal, its simulator as new and nothing in its queue."""
    wait_for(lambda: "worker" in standing_portal.pids(), 15, "no worker", standing_portal)
    standing_portal.simulator.reset()
    standing_portal.rows("DELETE FROM messaging_contentfingerprint")
    return standing_portal


def queue(portal: PortalProcess, count: int, **kw: Any) -> list[str]:
    """Queue so many messages to citizens who have got none yet; returns their fiscal codes."""
    used = portal.rows("SELECT count(*) FROM messaging_recipient")[0][0]
    codes = portal.simulator.citizens(used + count)[used:]
    portal.python(f"from tests.chaos.queueing import queue; queue({codes!r}, **{kw!r})")
    return codes


def statuses(portal: PortalProcess, codes: list[str]) -> dict[str, int]:
    """Where these citizens' messages stand."""
    rows = portal.rows(
        "SELECT r.fiscal_code, m.status FROM messaging_message m JOIN messaging_recipient r ON r.id = m.recipient_id"
    )
    return dict(Counter(status for code, status in rows if code in codes))


def settled(portal: PortalProcess, codes: list[str]) -> dict[str, int]:
    """Accepted and processed count as one: IO's final word comes when it comes."""
    found = statuses(portal, codes)
    taken = found.pop("accepted", 0) + found.pop("processed", 0)
    return found | ({"taken": taken} if taken else {})


def wait_until_settled(portal: PortalProcess, codes: list[str], seconds: float, **expected: int) -> None:
    wait_for(lambda: settled(portal, codes) == expected, seconds, lambda: str(statuses(portal, codes)), portal)


def test_a_worker_killed_in_the_middle_of_a_post_leaves_an_uncertain_message_that_is_not_posted_again(
    portal: PortalProcess,
) -> None:
    portal.simulator.fault("accept-then-hang", value=8)
    (code,) = queue(portal, 1)
    wait_for(lambda: portal.simulator.taken().get(code), 10, "never posted", portal)
    assert statuses(portal, [code]) == {"sending": 1}
    killed = portal.kill("worker")
    portal.simulator.clear()
    portal.wait_for_another("worker", killed)
    wait_until_settled(portal, [code], 30, uncertain=1)
    time.sleep(6)
    assert settled(portal, [code]) == {"uncertain": 1}
    assert portal.simulator.taken() == {code: 1}


def test_workers_killed_again_and_again_lose_nothing_and_repeat_nothing(portal: PortalProcess) -> None:
    codes = queue(portal, 60, known=False)
    for _ in range(2):
        time.sleep(1.0)
        portal.wait_for_another("worker", portal.kill("worker"))
    wait_for(
        lambda: not {"queued", "sending"} & set(statuses(portal, codes)),
        60,
        lambda: str(statuses(portal, codes)),
        portal,
    )
    found = settled(portal, codes)
    assert found["taken"] + found.get("uncertain", 0) == 60
    assert found.get("uncertain", 0) <= 16
    taken = portal.simulator.taken()
    assert set(taken.values()) == {1}
    assert found["taken"] <= len(taken) <= 60
    attempts = portal.rows("SELECT max(attempt_number) FROM messaging_message WHERE status <> 'cancelled'")
    assert attempts == [(1,)]


def test_a_worker_killed_before_the_intention_sends_the_message_exactly_once(portal: PortalProcess) -> None:
    """It dies while it asks whether the citizen can be reached."""
    portal.simulator.fault("latency", value=2500, operations=["profile"])
    (code,) = queue(portal, 1, known=False)
    wait_for(lambda: portal.simulator.meter()["calls"] > 0, 10, "never asked", portal)
    killed = portal.kill("worker")
    portal.simulator.clear()
    portal.wait_for_another("worker", killed)
    wait_until_settled(portal, [code], 40, taken=1)
    assert portal.simulator.taken() == {code: 1}
    assert portal.simulator.posts() == 1


def test_sigterm_in_the_middle_of_a_batch_ends_soon_with_nothing_uncertain_and_all_leases_given_back(
    portal: PortalProcess,
) -> None:
    portal.simulator.tune(latency_ms=400)
    codes = queue(portal, 80)
    wait_for(lambda: portal.simulator.posts() > 5, 15, "never begins", portal)
    took = portal.stop()
    # 3 seconds, the longest call, and as much again for the other processes on a machine that is busy with tests.
    assert took < 2 * (3 + 0.4) + 2
    assert portal.everything() == []
    found = statuses(portal, codes)
    assert set(found) <= {"queued", "accepted", "processed"}
    assert portal.rows("SELECT count(*) FROM messaging_message WHERE leased_by <> ''") == [(0,)]
    assert portal.rows("SELECT count(*) FROM messaging_deliveryloop WHERE holder <> ''") == [(0,)]
    assert portal.start() < 20
    portal.simulator.tune(latency_ms=10)
    wait_until_settled(portal, codes, 40, taken=80)
    assert set(portal.simulator.taken().values()) == {1}


def test_an_emptied_broker_loses_nothing(portal: PortalProcess) -> None:
    killed = portal.pids()["worker"]
    portal.simulator.fault("refuse")
    codes = queue(portal, 5)
    empty_the_broker(portal)
    portal.simulator.clear()
    empty_the_broker(portal)
    wait_until_settled(portal, codes, 60, taken=5)
    assert portal.simulator.taken() == dict.fromkeys(codes, 1)
    assert portal.pids()["worker"] == killed


def empty_the_broker(portal: PortalProcess) -> None:
    """Everything that waited on the broker is gone, at once."""
    if not portal.broker_url:
        for path in (portal.folder / "data" / "broker").iterdir():
            path.unlink(missing_ok=True)
        return
    with current_app.connection_for_write(portal.broker_url) as connection:
        connection.default_channel.queue_purge(portal.queue)


def test_a_wiped_broker_folder_is_made_again(portal: PortalProcess) -> None:
    if portal.broker_url:
        pytest.skip("the broker is no folder")
    shutil.rmtree(portal.folder / "data" / "broker")
    codes = queue(portal, 3)
    wait_until_settled(portal, codes, 60, taken=3)


def test_what_cannot_be_read_on_the_broker_does_not_end_the_worker(portal: PortalProcess) -> None:
    if portal.broker_url:
        pytest.skip("the broker is no folder")
    worker = portal.pids()["worker"]
    for name in ("1_empty", "2_cut"):
        rubbish = portal.folder / "data" / "broker" / f"{name}.{portal.queue}.msg"
        rubbish.write_text('{"body": "' if name == "2_cut" else "")
    codes = queue(portal, 2)
    wait_until_settled(portal, codes, 20, taken=2)
    assert portal.pids()["worker"] == worker


def test_a_web_process_that_dies_comes_back(portal: PortalProcess) -> None:
    portal.wait_for_another("web", portal.kill("web"))
    wait_for(lambda: portal.answers("/healthz"), 15, "does not serve again", portal)


def test_a_restored_database_sends_nothing_until_it_is_released(
    make_portal: Callable[..., PortalProcess], tmp_path: Path
) -> None:
    """The copy was taken while three messages waited; they left; then the copy was put back."""
    portal = make_portal(**QUICK)
    portal.wait_until_ready()
    (first,) = queue(portal, 1)
    wait_until_settled(portal, [first], 20, taken=1)
    # They are being asked about for so long that they are still queued when the copy is taken.
    portal.simulator.fault("latency", value=2900, operations=["profile"])
    waiting = queue(portal, 3, known=False)
    put_back = copy_of(portal, tmp_path)
    portal.simulator.clear()
    wait_until_settled(portal, waiting, 40, taken=3)
    portal.stop()
    put_back()
    portal.start()
    portal.wait_until_ready()
    time.sleep(7)
    assert statuses(portal, waiting) == {"queued": 3}
    assert set(portal.simulator.taken().values()) == {1}
    assert portal.rows("SELECT count(*) FROM messaging_installation WHERE held_at IS NOT NULL") == [(1,)]
    portal.python(
        "from messaging.delivery import seal; from messaging.models import User;"
        "seal.release(User.objects.get(username='admin'), 'ripristino', queued_may_have_left=True)"
    )
    (fresh,) = queue(portal, 1)
    wait_until_settled(portal, [fresh], 20, taken=1)
    assert statuses(portal, waiting) == {"uncertain": 3}
    assert set(portal.simulator.taken().values()) == {1}


def copy_of(portal: PortalProcess, folder: Path) -> Callable[[], None]:
    """Copy the database as it is now; returns what puts the copy in its place."""
    if not portal.on_sqlite:
        # What a restored dump has not: the newer attempts, and what came of them.
        before = portal.rows("SELECT id, status, next_attempt_at, lane, attempt_number FROM messaging_message")
        newest = portal.rows("SELECT coalesce(max(id), 0) FROM messaging_attempt")[0][0]
        sql = (
            "UPDATE messaging_message SET status=?, next_attempt_at=?, lane=?, attempt_number=?, io_id='',"
            " leased_by='', sending_deadline=NULL WHERE id=? AND status <> ?"
        )

        def put_back_rows() -> None:
            portal.rows("DELETE FROM messaging_attempt WHERE id > ?", newest)
            for pk, status, due, lane, number in before:
                if status == "queued":
                    portal.rows(sql, status, due, lane, number, pk, status)

        return put_back_rows
    copy = folder / "copy.sqlite3"
    with sqlite3.connect(portal.sqlite_file) as live, sqlite3.connect(copy) as target:
        live.backup(target)
    live.close()
    target.close()

    def put_back_file() -> None:
        for suffix in ("-wal", "-shm"):
            portal.sqlite_file.with_name(portal.sqlite_file.name + suffix).unlink(missing_ok=True)
        shutil.copy(copy, portal.sqlite_file)

    return put_back_file
