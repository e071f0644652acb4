"""How fast what IO fetches is served: details, and a file of 5 MB with 50 at once, against a static answer.

The floor is the same server, by the same command, with an application that sends the same bytes (benchmarks.static).
Both are asked by the same client, as nginx asks: over a connection for each request. What is measured is
openings after a message's first one, put on record as ever. Run as a program within a stack it makes what is
served: `python -m benchmarks.serving make`; with `ask` it asks, by the plan on its standard input.
"""

from __future__ import annotations

import json
import os
import selectors
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parent.parent
MESSAGES = 1_000
FILE_BYTES = 5_000_000
#: Requests under way at once.
DETAILS_AT_ONCE, FILES_AT_ONCE = 8, 50
SECONDS, SECONDS_QUICK = 6.0, 1.5
TARGET, TARGET_MIB = 0.5, 16.0
_START_PATIENCE = 60.0
#: As nginx asks: a connection for each request.
_CLOSE = "Connection: close\r\n\r\n"
_HEADER, _SECRET = "X-IO-Portal-Key", "a secret of this benchmark and of nothing else"


@dataclass(frozen=True, slots=True)
class Plan:
    """What a client asks, of which port, how many at once, for how many seconds."""

    port: int
    requests: list[str]
    at_once: int
    seconds: float


# Measuring


def measure(folder: Path, ground: Any, *, quick: bool = False) -> list[Any]:
    """The rows: both ratios, and how much more memory 50 files at once take."""
    from benchmarks import figures
    from benchmarks.stack import Stack

    seconds = SECONDS_QUICK if quick else SECONDS
    count = 1 if quick else figures.PAIRS
    with Stack(folder, ground) as stack:
        made = json.loads(_run(stack.variables, "make"))
        with _server(stack, "ioportal.hosting_wsgi:application") as (port, pid):
            return [
                _details(stack, made, port, seconds, count),
                *_files(stack, made, port, pid, seconds, count),
            ]


def _details(stack: Any, made: dict[str, Any], port: int, seconds: float, count: int) -> Any:
    from benchmarks import figures

    plan = Plan(port, made["details"], DETAILS_AT_ONCE, seconds)
    unopened = "SELECT count(*) FROM messaging_remotecontent WHERE first_opened_at IS NULL AND body LIKE ?"
    while stack.rows(unopened, "La tua domanda%") != [(0,)]:
        _speed(plan)
        time.sleep(1)
    body = stack.folder / "detail.json"
    body.write_bytes(_once(port, made["details"][0]))
    with _server(stack, "benchmarks.static:application", BODY=str(body)) as (static, _):
        found = figures.pairs(
            lambda: _speed(Plan(static, made["details"], DETAILS_AT_ONCE, seconds)), lambda: _speed(plan), count
        )
    return figures.ratio_row(f"{stack.ground.database}: details of {body.stat().st_size:,} bytes", found, "/s", TARGET)


def _files(stack: Any, made: dict[str, Any], port: int, pid: int, seconds: float, count: int) -> list[Any]:
    from benchmarks import figures

    plan = Plan(port, [made["file"]], FILES_AT_ONCE, seconds)
    before = _resident(pid, "VmRSS")
    Path(f"/proc/{pid}/clear_refs").write_text("5")
    with _server(stack, "benchmarks.static:application", BODY=made["path"], AS_FILE="yes") as (static, _):
        floor = Plan(static, [made["file"]], FILES_AT_ONCE, seconds)
        found = figures.pairs(lambda: _speed(floor), lambda: _speed(plan), count)
    name = f"{stack.ground.database}: a file of {FILE_BYTES // 1_000_000} MB, {FILES_AT_ONCE} at once"
    more = max(0.0, _resident(pid, "VmHWM") - before)
    return [
        figures.ratio_row(name, found, "/s", TARGET),
        figures.at_most(f"{name}: more memory at its peak", more, TARGET_MIB, "MiB", digits=1),
    ]


def _resident(pid: int, which: str) -> float:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(which)) / 1024


def _speed(plan: Plan) -> float:
    return float(_run(dict(os.environ), "ask", json.dumps(asdict(plan))))


def _run(variables: dict[str, str], name: str, given: str = "") -> str:
    command = [sys.executable, "-m", "benchmarks.serving", name]
    done = subprocess.run(  # noqa: S603
        command, cwd=REPOSITORY, env=variables, input=given, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(f"{name}: {done.stderr[-4000:]}")
    return done.stdout.splitlines()[-1]


@contextmanager
def _server(stack: Any, application: str, **variables: str) -> Iterator[tuple[int, int]]:
    """A server as production starts it, with this application; its port, and the number of its working process."""
    from benchmarks.stack import end
    from ioportal.processes import free_port
    from messaging.management.commands import run_portal

    port = free_port()
    words = ["ioportal.hosting_wsgi:application", application]
    command = [words[1] if word == words[0] else word for word in run_portal._hosting(port)]
    log = (stack.folder / "serving.log").open("ab")
    process = subprocess.Popen(command, cwd=REPOSITORY, env=stack.variables | variables, stdout=log, stderr=log)  # noqa: S603
    try:
        yield port, _working(process, port)
    finally:
        end(process)
        log.close()


def _working(process: subprocess.Popen[bytes], port: int) -> int:
    until = time.monotonic() + _START_PATIENCE
    while True:
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        try:
            if children and _once(port, "GET / HTTP/1.1\r\nHost: x\r\n" + _CLOSE) is not None:
                return int(children[0])
        except OSError:
            pass
        if process.poll() is not None or time.monotonic() > until:
            raise RuntimeError("the server does not come up")
        time.sleep(0.05)


# What is served, made within a stack


def make() -> None:
    """Fill the stack's database with messages and a file; prints the requests for them."""
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "ioportal.settings")
    django.setup()
    from django.core.files.base import ContentFile
    from django.utils import timezone

    from messaging.enums import EnvironmentKind, FeatureLevel, Status
    from messaging.models import (
        Attachment,
        Message,
        MessageAttachment,
        Recipient,
        RemoteConfiguration,
        RemoteContent,
        RemoteEnvironment,
        RemoteSecret,
        Service,
        User,
    )
    from messaging.remote import contents
    from messaging.simulator.citizens import load_fiscal_code

    service = Service.objects.get(slug="tributi-borgofiore")
    clerk, now = User.objects.get(username="clerk"), timezone.now()
    configuration = RemoteConfiguration.objects.create(
        institution=service.institution, name="Contenuti", description="Contenuti", confirmed_at=now
    )
    environment = RemoteEnvironment.objects.create(
        configuration=configuration,
        kind=EnvironmentKind.PRODUCTION,
        base_url="https://contenuti.example.it",
        header_name=_HEADER,
    )
    RemoteSecret.objects.create(environment=environment, secret=_SECRET)
    recipients = [
        Recipient(institution=service.institution, fiscal_code=load_fiscal_code(number)) for number in range(MESSAGES)
    ]
    Recipient.objects.bulk_create(recipients, batch_size=500)
    messages = [
        Message(
            service=service,
            recipient=recipient,
            author=clerk,
            subject="Avviso dal Comune",
            body="Apri il messaggio.",
            status=Status.PROCESSED,
            io_id=f"01K{number:023d}",
            accepted_at=now,
            queued_at=now,
            attempt_number=1,
            has_remote_content=True,
            has_attachments=True,
            feature_level=FeatureLevel.ADVANCED,
        )
        for number, recipient in enumerate(recipients)
    ]
    Message.objects.bulk_create(messages, batch_size=500)
    body = "La tua domanda di contributo è stata **accolta**: l’importo arriva sul conto che hai indicato.\n\n" * 20
    texts = contents.Texts(subject="L’esito della tua domanda", body=body)
    RemoteContent.objects.bulk_create([contents.new(message, texts, clerk.pk) for message in messages], batch_size=500)
    file = Attachment(service=service, name="esito.pdf", size=FILE_BYTES, pages=9, uploaded_by=clerk)
    file.file.save("esito.pdf", ContentFile(b"%PDF-1.7\n".ljust(FILE_BYTES, b"0")), save=True)
    MessageAttachment.objects.bulk_create(
        [
            MessageAttachment(
                message=message, attachment=file, position=1, name="esito.pdf", added_by=clerk, added_at=now
            )
            for message in messages
        ],
        batch_size=500,
    )
    details = [_request(f"/messages/{row.public_id}", row.recipient.fiscal_code) for row in messages if row.recipient]
    first = messages[0]
    address = f"/messages/{first.public_id}/attachments/{file.pk}"
    made = {
        "details": details,
        "file": _request(address, recipients[0].fiscal_code),
        "path": file.file.path,
    }
    print(json.dumps(made))  # noqa: T201


def _request(path: str, fiscal_code: str) -> str:
    return f"GET {path} HTTP/1.1\r\nHost: localhost\r\n{_HEADER}: {_SECRET}\r\nfiscal_code: {fiscal_code}\r\n" + _CLOSE


# The client


def ask(plan: Plan) -> float:
    """Ask in turn for as long as the plan says; answers a second. All answers of a plan have one length."""
    requests = [request.encode() for request in plan.requests]
    buffer = memoryview(bytearray(1 << 20))
    whole = len(_once(plan.port, plan.requests[0], with_head=True))
    selector = selectors.DefaultSelector()
    asked = answered = 0
    began = time.monotonic()
    until = began + plan.seconds
    while (now := time.monotonic()) < until:
        while len(selector.get_map()) < plan.at_once:
            connection = socket.create_connection(("127.0.0.1", plan.port))
            connection.sendall(requests[asked % len(requests)])
            selector.register(connection, selectors.EVENT_READ, [0])
            asked += 1
        for ready, _ in selector.select(until - now):
            connection = ready.fileobj  # type: ignore[assignment]
            got = connection.recv_into(buffer)
            ready.data[0] += got
            if not got:
                raise SystemExit("the server closed a connection before its answer was whole")
            if ready.data[0] == whole:
                selector.unregister(connection)
                connection.close()
                answered += 1
    return answered / (time.monotonic() - began)


def _once(port: int, request: str, *, with_head: bool = False) -> bytes:
    """The answer to one request; only its body unless asked otherwise."""
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        connection.sendall(request.encode())
        found = b""
        while b"\r\n\r\n" not in found:
            found += connection.recv(65536)
        head, _, body = found.partition(b"\r\n\r\n")
        lines = dict(line.lower().split(b": ", 1) for line in head.splitlines()[1:])
        while len(body) < int(lines[b"content-length"]):
            body += connection.recv(1 << 20)
        return head + b"\r\n\r\n" + body if with_head else body


if __name__ == "__main__":
    if sys.argv[1] == "make":
        make()
    else:
        print(ask(Plan(**json.load(sys.stdin))))  # noqa: T201
