"""What all tests share: a simulator, deliveries, a whole running portal, and guards for what no test looks for."""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from celery import current_app
from django.conf import settings as site
from django.core.management import call_command
from django.db.models import Min
from django.test import Client
from django.utils import timezone
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling, Scheduling

from messaging.delivery import claims, loop, pauses, reachability
from messaging.models import GatewayAccount, Message
from messaging.tasks import sweep as sweep_task
from tests import servers
from tests.portal_process import PortalProcess
from tests.settings import RUN, RUN_DIR
from tests.simulator_process import SimulatorProcess

_SHARED = ("tests/browser/", "tests/chaos/test_crashes.py", "tests/chaos/test_running.py")
REQUIRE_ALL = os.environ.get("REQUIRE_ALL") == "1"


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "needs(*names): skipped where these are missing, unless REQUIRE_ALL=1")
    config.addinivalue_line("markers", "lax_templates: undefined template variables are part of the test")


def pytest_runtest_setup(item: pytest.Item) -> None:
    for mark in item.iter_markers("needs"):
        missing = [name for name in mark.args if not servers.has(name)]
        if missing and REQUIRE_ALL:
            pytest.fail(f"{', '.join(missing)} is missing, and REQUIRE_ALL=1 demands it")
        if missing:
            pytest.skip(f"{', '.join(missing)} is not here")


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Scheduling:
    return ByPortal(config, log)


class ByPortal(LoadScopeScheduling):
    """Each test by itself, but those that share a running portal one after the other in one worker."""

    def _split_scope(self, nodeid: str) -> str:
        return next((place for place in _SHARED if nodeid.startswith(place)), nodeid)


def pytest_unconfigure(config: pytest.Config) -> None:
    if os.environ.get(f"{RUN}_OWNER") == str(os.getpid()):
        shutil.rmtree(RUN_DIR, ignore_errors=True)


# What the tests stand on


@pytest.fixture(scope="session", autouse=True)
def collected_static_files() -> None:
    """The static files, collected once for all workers of a run."""
    with (RUN_DIR / "static.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (RUN_DIR / "static").exists():
            call_command("collectstatic", verbosity=0, interactive=False)


@pytest.fixture(scope="session", autouse=True)
def emptied_queue() -> Iterator[None]:
    """What tests put on a real broker, in a queue of this run's own, is taken away at the end."""
    yield
    if not site.CELERY_BROKER_URL.startswith("filesystem"):
        for queue in (site.CELERY_TASK_DEFAULT_QUEUE, site.CELERY_FILES_QUEUE):
            remove_queue(site.CELERY_BROKER_URL, queue)
    current_app.pool.force_close_all()


@pytest.fixture(autouse=True)
def no_seal() -> None:
    """Each test has a database of its own, so none finds the seal of another's."""
    (Path(site.SECRETS_DIR) / "seal.json").unlink(missing_ok=True)


def remove_queue(url: str, queue: str) -> None:
    """Delete a queue and its exchange from Redis or RabbitMQ."""
    with current_app.connection_for_write(url) as connection:
        channel = connection.default_channel
        channel.queue_delete(queue)
        channel.exchange_delete(queue)
        if url.startswith("redis"):
            channel.client.delete(queue, f"_kombu.binding.{queue}", f"_kombu.binding_permanent.{queue}")


@pytest.fixture
def empty_storage(settings: Any, tmp_path: Path) -> Path:
    """The folder of a storage for attachments that begins empty."""
    folder = tmp_path / "media"
    options = {**settings.STORAGES["default"]["OPTIONS"], "location": folder}
    settings.STORAGES = {**settings.STORAGES, "default": {**settings.STORAGES["default"], "OPTIONS": options}}
    return folder


# The IO platform


@pytest.fixture(scope="session")
def running_simulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimulatorProcess]:
    simulator = SimulatorProcess(tmp_path_factory.mktemp("simulator"))
    yield simulator
    simulator.stop()


@pytest.fixture
def simulator(running_simulator: SimulatorProcess, settings: Any, monkeypatch: pytest.MonkeyPatch) -> SimulatorProcess:
    """A real IO simulator, as new, that the portal's settings name; see tests.simulator_process."""
    running_simulator.renew()
    LASTING.add(running_simulator.pid)
    settings.IO_API_URL = running_simulator.url
    # The screen's client is kept with the address that its thread began with.
    monkeypatch.setattr(reachability, "_clients", threading.local())
    return running_simulator


# Deliveries


@pytest.fixture
def deliver(simulator: SimulatorProcess, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """``deliver(account, seconds=8, sweeps=False)`` runs delivery loops here until nothing moves any more.

    Nothing moves when nothing is due and nothing will be within ``seconds`` from the call. With ``sweeps`` the
    periodic sweep runs between the loops, so that attempts past their deadline end too.
    """
    monkeypatch.setattr(loop, "IDLE", 0.1)

    def run(account: GatewayAccount, seconds: float = 8.0, *, sweeps: bool = False) -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if sweeps:
                sweep_task()
            loop.DeliveryLoop(account.pk, lambda: time.monotonic() > end).run()
            wait = _seconds_until_next(account, sweeps)
            if wait is None or time.monotonic() + wait > end:
                return
            time.sleep(max(0.0, wait))

    return run


def _seconds_until_next(account: GatewayAccount, sweeps: bool) -> float | None:
    account.refresh_from_db()
    if account.paused_at and account.probe_at:
        return (account.probe_at - timezone.now()).total_seconds()
    messages = Message.objects.filter(pauses.not_paused(account.pk), service__institution__account=account)
    moments: list[datetime | None] = [messages.aggregate(at=Min("next_attempt_at"))["at"]]
    if sweeps:
        moments.append(messages.aggregate(at=Min("sending_deadline"))["at"])
    if claims.undecided(account.pk).exists():
        moments.append(timezone.now())
    known = [at for at in moments if at]
    return (min(known) - timezone.now()).total_seconds() if known else None


# A whole portal


@pytest.fixture
def make_portal(tmp_path: Path) -> Iterator[Callable[..., PortalProcess]]:
    """``make_portal(**variables)`` starts one more portal; see tests.portal_process."""
    portals: list[PortalProcess] = []

    def make(*, start: bool = True, stack: str | None = None, fresh: bool = False, **variables: str) -> PortalProcess:
        portal = PortalProcess(tmp_path / f"portal{len(portals)}", stack=stack, fresh=fresh, **variables)
        portals.append(portal)
        if start:
            portal.start()
        return portal

    yield make
    for portal in portals:
        portal.remove()


@pytest.fixture
def portal(make_portal: Callable[..., PortalProcess]) -> PortalProcess:
    """A real portal of this test's own, running as ``make run`` runs it; see tests.portal_process."""
    return make_portal()


# Guards


#: Processes that outlive a module on purpose; a session's fixture puts its own here.
LASTING: set[int] = set()
_OURS = ("manage.py", "messaging.simulator", "ioportal")


@pytest.fixture(scope="module", autouse=True)
def no_process_left_behind() -> Iterator[None]:
    """A module of tests that leaves a process of ours running fails."""
    before = _children()
    yield
    left = {pid: _command(pid) for pid in _children() - before - LASTING}
    ours = [command for command in left.values() if any(word in command for word in _OURS)]
    assert not ours, f"the tests left processes behind: {ours}"


@pytest.fixture(autouse=True)
def no_sender_left_behind() -> Iterator[None]:
    """A delivery loop's threads end with it."""
    yield
    for thread in [thread for thread in threading.enumerate() if thread.name.startswith("sender-")]:
        thread.join(5)
        assert not thread.is_alive(), "the test left a sender thread behind"


@pytest.fixture(autouse=True)
def loopback_only(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A test that connects to anything but this machine fails."""
    strangers: list[str] = []
    connect = socket.socket.connect

    def guarded(self: socket.socket, address: Any) -> None:
        if self.family in {socket.AF_INET, socket.AF_INET6} and not _is_loopback(address[0]):
            strangers.append(str(address))
            raise ConnectionRefusedError("tests stay on this machine")
        connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", guarded)
    yield
    assert not strangers, f"the test wanted to leave this machine: {strangers}"


@pytest.fixture(autouse=True)
def forms_have_tokens(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A page with a form that posts without a token against forgery fails the test that fetched it."""
    bare: list[str] = []
    request = Client.request

    def guarded(self: Client, **environ: Any) -> Any:
        response = request(self, **environ)
        if not getattr(response, "streaming", False) and response.headers.get("Content-Type", "").startswith(
            "text/html"
        ):
            text = response.content.decode(errors="replace")
            bare.extend(form[:200] for form in _POST_FORM.findall(text) if "csrfmiddlewaretoken" not in form)
        return response

    monkeypatch.setattr(Client, "request", guarded)
    yield
    assert not bare, f"a form that posts has no csrf_token: {bare}"


_POST_FORM = re.compile(r"<form\b[^>]*\bmethod=[\"']?post\b.*?</form>", re.IGNORECASE | re.DOTALL)


class _Undefined(str):
    """Stands for an undefined variable in a page: pages of ours have none."""

    names: list[str] = []

    def __contains__(self, part: object) -> bool:
        return part == "%s"

    def __mod__(self, variable: object) -> str:
        frame = sys._getframe(1)
        while frame is not None:
            context = frame.f_locals.get("context")
            template = getattr(context, "template", None)
            origin = str(getattr(getattr(template, "origin", None), "name", ""))
            if origin.startswith(str(site.BASE_DIR / "templates")):
                self.names.append(f"{variable} in {origin.removeprefix(str(site.BASE_DIR))}")
            if template is not None:
                break
            frame = frame.f_back
        return ""


@pytest.fixture(autouse=True)
def variables_are_defined(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A template of ours that shows a variable which is not there fails the test that drew it."""
    from django.template import engines

    _Undefined.names.clear()
    monkeypatch.setattr(engines["django"].engine, "string_if_invalid", _Undefined())
    yield
    if request.node.get_closest_marker("lax_templates") is None:
        assert not _Undefined.names, f"undefined variables: {sorted(set(_Undefined.names))}"


def _is_loopback(host: str) -> bool:
    if host in {"localhost", ""}:
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _children() -> set[int]:
    tasks = Path("/proc/self/task")
    if not tasks.exists():
        return set()
    return {int(pid) for task in tasks.iterdir() for pid in _read(task / "children").split()}


def _command(pid: int) -> str:
    return _read(Path(f"/proc/{pid}/cmdline")).replace("\0", " ")


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""
