"""`make run`: the whole portal on one machine, in the foreground."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand

from ioportal import environment
from ioportal.processes import Processes, free_port, is_free

START_PATIENCE = 60.0
# Celery warns whoever tries the portal as root, as in a container; it has no risk here: no task is pickled.
_AS_ROOT = ("-W", "ignore:You're running the worker with superuser privileges")


class Command(BaseCommand):
    help = "Prepare the database and run web, hosting, worker, scheduler and, for the demonstration, the IO simulator."

    def handle(self, *args: Any, **options: Any) -> None:
        host, port = environment.read("HOST", "127.0.0.1"), settings.PORT
        if not is_free(host, port):
            environment.stop(f"port {port} is taken. Free it, or choose another one: PORT=8080 make run.")
        variables = dict(os.environ)
        variables["HOSTING_URL"] = settings.HOSTING_URL
        _find_hosting_port()
        own_simulator = not environment.read("IO_API_URL")
        if own_simulator:
            simulator_port = port + 100 if is_free("127.0.0.1", port + 100) else free_port()
            variables["IO_API_URL"] = f"http://127.0.0.1:{simulator_port}/api/v1"
            variables["SIMULATED_PHONE_URL"] = f"http://127.0.0.1:{simulator_port}/phone"
        self._prepare()
        processes = Processes(variables)
        status = 1
        try:
            if own_simulator:
                processes.start("simulator", _simulator(simulator_port), called=True)
            processes.start("web", _web(host, port))
            processes.start("hosting", _hosting(settings.HOSTING_PORT))
            processes.start("worker", _worker(settings.CELERY_TASK_DEFAULT_QUEUE, threads=8))
            # Checking a file is work for a whole core: in a process of its own it delays no message.
            processes.start("files", _worker(settings.CELERY_FILES_QUEUE, threads=2))
            processes.start("scheduler", _scheduler())
            self._wait_for_web(processes, host, port)
            if settings.DEMONSTRATION:
                _register_remote_content(variables)
            self._say_where(host, port, variables.get("SIMULATED_PHONE_URL", ""))
            status = processes.watch()
        finally:
            processes.stop()
        sys.exit(status)

    def _prepare(self) -> None:
        call_command("migrate", verbosity=0, interactive=False)
        call_command("createcachetable", verbosity=0)
        call_command("compile_translations", verbosity=0)
        call_command("collectstatic", verbosity=0, interactive=False)
        if settings.DEMONSTRATION:
            call_command("demo", quiet=True, stdout=self.stdout)

    def _wait_for_web(self, processes: Processes, host: str, port: int) -> None:
        until = time.monotonic() + START_PATIENCE
        while time.monotonic() < until and processes.alive():
            try:
                with urllib.request.urlopen(f"http://{_reachable(host)}:{port}/healthz", timeout=2):
                    return
            except (urllib.error.URLError, OSError):
                time.sleep(0.1)
        environment.stop("one of its processes does not come up; the lines above say why.")

    def _say_where(self, host: str, port: int, phone: str) -> None:
        self.stdout.write(f"IO Portal: http://{_reachable(host)}:{port}/")
        if phone:
            self.stdout.write(f"The citizens’ phones: {phone}")
        self.stdout.write("Ctrl-C stops everything.")
        self.stdout.flush()


def _find_hosting_port() -> None:
    """Begin anew with a free port when the usual one is taken: the settings have its address."""
    if is_free("127.0.0.1", settings.HOSTING_PORT):
        return
    if environment.read("HOSTING_PORT"):
        environment.stop(f"port {settings.HOSTING_PORT} is taken. Free it, or choose another one: HOSTING_PORT=8090.")
    os.environ["HOSTING_PORT"] = str(free_port())
    os.execv(sys.executable, [sys.executable, *sys.argv])  # noqa: S606 - this very program


def _register_remote_content(variables: dict[str, str]) -> None:
    """Tell the simulator where to fetch, as an administrator would on the page."""
    command = [sys.executable, "manage.py", "register_remote_content", "--quiet", "--wait", "20"]
    subprocess.run(command, env=variables, check=False)  # noqa: S603 - our own command


def _reachable(host: str) -> str:
    return "127.0.0.1" if host in {"0.0.0.0", "::", ""} else host  # noqa: S104 - compared, not bound


def _simulator(port: int) -> list[str]:
    state = settings.DATA_DIR / "simulator.jsonl"
    control = port + 1 if is_free("127.0.0.1", port + 1) else 0
    ports = ["--port", str(port), "--control-port", str(control)]
    return [sys.executable, "manage.py", "simulate_io", *ports, "--state", str(state)]


def _web(host: str, port: int) -> list[str]:
    return _gunicorn("ioportal.wsgi:application", f"{host}:{port}")


def _hosting(port: int) -> list[str]:
    # IO names the citizen in a header with an underscore, which gunicorn drops unless it is told of it.
    return _gunicorn("ioportal.hosting_wsgi:application", f"127.0.0.1:{port}", "--forwarder-headers", "FISCAL_CODE")


def _gunicorn(application: str, address: str, *more: str) -> list[str]:
    command = [sys.executable, "-m", "gunicorn", application, "--bind", address, *more]
    # The control socket has one place in the home of the user: the second server of a user complains that it is taken.
    command += ["--no-control-socket"]
    return [*command, "--worker-class", "gthread", "--workers", "1", "--threads", "8", "--log-level", "warning"]


def _worker(queue: str, threads: int) -> list[str]:
    celery = [
        sys.executable,
        *_AS_ROOT,
        "-m",
        "celery",
        "-A",
        "ioportal",
        "--quiet",
        "worker",
        "--queues",
        queue,
        "--pool",
        "threads",
        "--concurrency",
        str(threads),
    ]
    return [*celery, "--loglevel", "WARNING", "--without-gossip", "--without-mingle", "--without-heartbeat"]


def _scheduler() -> list[str]:
    return [
        sys.executable,
        "-m",
        "celery",
        "-A",
        "ioportal",
        "--quiet",
        "beat",
        "--loglevel",
        "WARNING",
        "--pidfile",
        "",
    ]
