"""Over real HTTP, through the command of production: what gunicorn and nginx make of IO's requests."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from ioportal.processes import free_port, is_free
from messaging.models import Message, Opening, RemoteContent
from tests.hosting.scene import HEADER, PDF, Scene, code_of, make_scene
from tests.hosting.server import HostingProcess
from tests.simulator_process import REPOSITORY

NGINX = shutil.which("nginx", path="/usr/sbin:/usr/bin:/usr/local/sbin")
SITE = REPOSITORY / "deploy" / "nginx" / "ioportal-hosting.conf"


@pytest.fixture
def scene(transactional_db: None) -> Scene:
    """A scene that other processes see."""
    return make_scene()


@pytest.fixture
def hosting(scene: Scene, storage: Path) -> Iterator[HostingProcess]:
    process = HostingProcess(storage.parent)
    yield process
    process.stop()


def headers(scene: Scene, message: Message) -> list[tuple[str, str]]:
    """What IO sends, as it spells it."""
    return [("fiscal_code", code_of(message)), (HEADER.lower(), scene.secret)]


def test_the_header_with_an_underscore_arrives(scene: Scene, hosting: HostingProcess) -> None:
    message = scene.message(PDF)
    reply = hosting.get(f"/messages/{message.public_id}", *headers(scene, message))
    assert reply.status == 200, reply.body
    address = reply.json["attachments"][0]["url"]
    file = hosting.get(f"/messages/{message.public_id}/{address}", *headers(scene, message))
    assert (file.status, file.body) == (200, PDF)


def test_a_request_with_both_spellings_is_refused(scene: Scene, hosting: HostingProcess) -> None:
    message = scene.message()
    path = f"/messages/{message.public_id}"
    doubled = [*headers(scene, message), ("fiscal-code", code_of(message))]
    assert hosting.get(path, *doubled).status == 400
    assert hosting.get(path, *reversed(doubled)).status == 400


def test_other_headers_with_an_underscore_stand_for_nothing(scene: Scene, hosting: HostingProcess) -> None:
    message = scene.message()
    code = ("fiscal_code", code_of(message))
    path = f"/messages/{message.public_id}"
    assert hosting.get(path, code, ("x_portal_key", scene.secret)).status == 401
    assert hosting.get(path, *headers(scene, message), ("script_name", "/messages")).status == 200


def test_strange_paths_are_nowhere(scene: Scene, hosting: HostingProcess) -> None:
    given = headers(scene, scene.message())
    for path in (
        "/messages/%00",
        "/messages/%ff%fe",
        "/%2e%2e/etc/passwd",
        "//messages",
        "/messages/",
        "/?a=b",
        "/%0d%0a",
    ):
        reply = hosting.get(path, *given)
        assert reply.status == 404, path
        assert "Location" not in reply.headers


def test_a_path_of_bytes_is_refused(hosting: HostingProcess) -> None:
    assert b" 400 " in hosting.send(b"GET /messages/\xff\xfe HTTP/1.1\r\nHost: x\r\n\r\n").splitlines()[0]


def test_neither_pages_nor_files_of_the_portal_are_served(scene: Scene, hosting: HostingProcess) -> None:
    message = scene.message()
    for path in ("/", "/healthz", "/admin/", "/accounts/login/", "/static/portal/portal.css", "/media/"):
        assert hosting.get(path, *headers(scene, message)).status == 404


def test_openings_are_on_record_before_the_process_ends(scene: Scene, hosting: HostingProcess) -> None:
    message = scene.message()
    for _ in range(20):
        assert hosting.get(f"/messages/{message.public_id}", *headers(scene, message)).status == 200
    assert hosting.stop() == 0
    assert Opening.objects.filter(message=message, status=200).count() == 20
    assert RemoteContent.objects.get(message=message).first_opened_at


def test_openings_are_on_record_soon(scene: Scene, hosting: HostingProcess) -> None:
    message = scene.message()
    hosting.get(f"/messages/{message.public_id}", *headers(scene, message))
    until = time.monotonic() + 10
    while not Opening.objects.filter(message=message).exists():
        assert time.monotonic() < until, hosting.log
        time.sleep(0.05)


def test_nothing_of_the_citizen_is_in_the_log(scene: Scene, hosting: HostingProcess) -> None:
    message = scene.message(has_attachments=True)
    path = f"/messages/{message.public_id}"
    assert hosting.get(path, *headers(scene, message)).status == 500
    hosting.get(path, ("fiscal_code", code_of(message)))
    hosting.stop()
    assert "cannot be shown by the app" in hosting.log
    assert code_of(message) not in hosting.log
    assert scene.secret not in hosting.log


@pytest.mark.skipif(NGINX is None, reason="nginx is not here")
def test_the_example_of_nginx_lets_the_header_through(scene: Scene, hosting: HostingProcess, tmp_path: Path) -> None:
    message = scene.message(PDF * 3000)
    path = f"/messages/{message.public_id}"
    with Nginx(tmp_path / "nginx", hosting.port) as port:
        reply = hosting.get(path, *headers(scene, message), port=port)
        assert reply.status == 200, reply.body
        file = hosting.get(f"{path}/{reply.json['attachments'][0]['url']}", *headers(scene, message), port=port)
        assert (file.status, file.body) == (200, PDF * 3000)
        assert hosting.get(f"{path}/", *headers(scene, message), port=port).status == 404
        doubled = [*headers(scene, message), ("fiscal-code", code_of(message))]
        assert hosting.get(path, *doubled, port=port).status == 400


@pytest.mark.skipif(NGINX is None, reason="nginx is not here")
def test_without_its_setting_nginx_drops_the_header(scene: Scene, hosting: HostingProcess, tmp_path: Path) -> None:
    message = scene.message()
    with Nginx(tmp_path / "nginx", hosting.port, underscores="off") as port:
        assert hosting.get(f"/messages/{message.public_id}", *headers(scene, message), port=port).status == 400


class Nginx:
    """nginx with the site of deploy/, plain instead of TLS, before the process at ``port``."""

    def __init__(self, folder: Path, port: int, *, underscores: str = "on") -> None:
        folder.mkdir()
        self._folder, self._port = folder, free_port()
        site = SITE.read_text(encoding="utf-8")
        server = site[site.index("server {") :].splitlines()
        kept = [line for line in server if "listen" not in line and "ssl_" not in line]
        kept.insert(1, f"listen 127.0.0.1:{self._port};")
        text = "\n".join(kept).replace("127.0.0.1:8050", f"127.0.0.1:{port}")
        assert "underscores_in_headers on;" in text
        text = text.replace("underscores_in_headers on;", f"underscores_in_headers {underscores};")
        folders = " ".join(
            f"{kind}_temp_path {folder}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        (folder / "nginx.conf").write_text(
            f"daemon off; pid {folder}/pid; error_log {folder}/error.log; events {{}}\n"
            f"http {{ access_log off; {folders}\n{text}\n}}\n",
            encoding="utf-8",
        )

    def __enter__(self) -> int:
        assert NGINX
        self._process = subprocess.Popen([NGINX, "-p", str(self._folder), "-c", str(self._folder / "nginx.conf")])
        until = time.monotonic() + 10
        while is_free("127.0.0.1", self._port):
            assert self._process.poll() is None, (self._folder / "error.log").read_text()
            assert time.monotonic() < until
            time.sleep(0.05)
        return self._port

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait(10)
