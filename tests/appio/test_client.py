from __future__ import annotations

import json
import logging
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path

import pytest
import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from messaging.appio import answers as a
from messaging.appio import client as client_module
from messaging.appio.client import Client

from . import servers
from .servers import always, answer, serving

KEY = "0123456789abcdef0123456789abcdef"
CODE = "RSSMRA85T10A562S"
ULID = "01ARZ3NDEKTSV4RRFFQ69G5FAV"
PAYLOAD: dict[str, object] = {"fiscal_code": CODE, "content": {"subject": "città 😀", "markdown": "x"}}
CREATED = answer(201, json.dumps({"id": ULID}).encode(), "x-rate-limit-remaining: 149")


@pytest.fixture
def clients() -> Iterator[type[_Clients]]:
    yield _Clients
    while _Clients.made:
        _Clients.made.pop().close()


class _Clients:
    made: list[Client] = []

    @classmethod
    def to(cls, url: str, connect: float = 1.0, read: float = 0.4) -> Client:
        cls.made.append(Client(url, connect_timeout=connect, read_timeout=read))
        return cls.made[-1]


Clients = type[_Clients]


def test_a_message_is_submitted_with_its_key_and_json(clients: Clients) -> None:
    with serving(always(CREATED)) as wire:
        reply = clients.to(wire.url + "/").submit(KEY, PAYLOAD)
    assert reply.answer == a.Accepted(ULID)
    assert (reply.remaining, reply.status) == (149, 201)
    assert 0 < reply.seconds < 1
    head, _, body = wire.requests[0].partition(b"\r\n\r\n")
    assert head.startswith(b"POST /api/v1/messages HTTP/1.1\r\n")
    assert f"Ocp-Apim-Subscription-Key: {KEY}".encode() in head
    assert b"Content-Type: application/json" in head
    assert CODE.encode() not in head
    assert json.loads(body) == PAYLOAD


def test_a_profile_keeps_the_fiscal_code_out_of_the_address(clients: Clients) -> None:
    with serving(always(answer(200, b'{"sender_allowed":true,"preferred_languages":["it_IT"]}'))) as wire:
        reply = clients.to(wire.url).profile(KEY, CODE)
    assert reply.answer == a.Profile(True, ("it_IT",))
    head, _, body = wire.requests[0].partition(b"\r\n\r\n")
    assert head.startswith(b"POST /api/v1/profiles HTTP/1.1\r\n")
    assert json.loads(body) == {"fiscal_code": CODE}


def test_a_message_is_asked_for_with_its_fiscal_code_and_id(clients: Clients) -> None:
    with serving(always(answer(200, b'{"message":{},"status":"PROCESSED"}'))) as wire:
        client = clients.to(wire.url)
        assert client.message(KEY, CODE, ULID).answer == a.MessageState("PROCESSED")
        client.message(KEY, "a/../b?c", "d e")
    assert wire.requests[0].startswith(f"GET /api/v1/messages/{CODE}/{ULID} HTTP/1.1\r\n".encode())
    assert wire.requests[1].startswith(b"GET /api/v1/messages/a%2F..%2Fb%3Fc/d%20e HTTP/1.1\r\n")


def test_calls_share_one_connection(clients: Clients) -> None:
    with serving(always(CREATED)) as wire:
        client = clients.to(wire.url)
        for _ in range(5):
            client.submit(KEY, PAYLOAD)
    assert (wire.connections, len(wire.requests)) == (1, 5)


def test_keys_of_two_services_do_not_mix(clients: Clients) -> None:
    with serving(always(CREATED)) as wire:
        client = clients.to(wire.url)
        client.submit("first", PAYLOAD)
        client.submit("second", PAYLOAD)
    assert b"Key: first\r\n" in wire.requests[0]
    assert b"Key: second\r\n" in wire.requests[1]
    assert b"first" not in wire.requests[1]


def test_no_post_goes_out_on_a_connection_idle_for_long(clients: Clients, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client_module, "IDLE_LIMIT", 0.05)
    with serving(always(CREATED)) as wire:
        client = clients.to(wire.url)
        client.submit(KEY, PAYLOAD)
        time.sleep(0.1)
        client.submit(KEY, PAYLOAD)
    assert wire.connections == 2


@pytest.mark.parametrize("key", ["", "a b", "a\r\nX: y", "chiave-è", "x" * 600])
def test_a_key_that_no_header_can_carry_is_rejected_without_a_call(clients: Clients, key: str) -> None:
    with serving(always(CREATED)) as wire:
        assert clients.to(wire.url).submit(key, PAYLOAD).answer == a.KeyRejected("malformed")
    assert wire.connections == 0


def test_a_refused_connection_proves_that_nothing_was_sent(clients: Clients) -> None:
    client = clients.to(f"http://127.0.0.1:{servers.free_port()}/api/v1")
    reply = client.submit(KEY, PAYLOAD)
    assert reply.answer == a.NotSent("refused")
    assert (reply.status, reply.remaining) == (None, None)
    assert client.profile(KEY, CODE).answer == a.NotSent("refused")
    assert client.message(KEY, CODE, ULID).answer == a.NotSent("refused")


def test_a_name_that_does_not_resolve_proves_that_nothing_was_sent(
    clients: Clients, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nobody(*_args: object, **_kwargs: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", nobody)
    assert clients.to("http://nobody.invalid/api/v1").submit(KEY, PAYLOAD).answer == a.NotSent("dns")


def test_a_name_that_no_resolver_takes_proves_that_nothing_was_sent(clients: Clients) -> None:
    assert clients.to(f"http://{'a' * 64}.invalid/").submit(KEY, PAYLOAD).answer == a.NotSent("dns")


def test_a_connect_time_out_proves_that_nothing_was_sent(clients: Clients) -> None:
    # A queue of one that is full already: the kernel leaves further connections waiting.
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        port = listener.getsockname()[1]
        waiting = [socket.socket() for _ in range(3)]
        for one in waiting:
            one.setblocking(False)
            one.connect_ex(("127.0.0.1", port))
        reply = clients.to(f"http://127.0.0.1:{port}", connect=0.2).submit(KEY, PAYLOAD)
        for one in waiting:
            one.close()
    assert reply.answer == a.NotSent("connect_time_out")


@pytest.mark.parametrize("greeting", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"", None])
def test_a_handshake_that_fails_proves_that_nothing_was_sent(clients: Clients, greeting: bytes | None) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def greet() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(65_536)
                if greeting is None:
                    servers.reset(connection)
                else:
                    connection.sendall(greeting)

        thread = threading.Thread(target=greet, daemon=True)
        thread.start()
        url = f"https://127.0.0.1:{listener.getsockname()[1]}/api/v1"
        reply = clients.to(url).submit(KEY, PAYLOAD)
        thread.join()
    assert isinstance(reply.answer, a.NotSent)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "loopback")])
    now = datetime.now(UTC)
    signed = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(IPv4Address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    encoding = serialization.Encoding.PEM
    private = key.private_bytes(encoding, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path = tmp_path_factory.mktemp("tls") / "loopback.pem"
    path.write_bytes(private + signed.public_bytes(encoding))
    return path


@pytest.mark.parametrize("trusted", [False, True])
def test_tls_trouble_is_proof_only_before_the_request(
    clients: Clients, certificate: Path, trusted: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)

    def break_tls(plain: socket.socket) -> None:
        plain.settimeout(3)
        try:
            secure = context.wrap_socket(plain, server_side=True)
        except OSError:
            plain.close()
            return
        with secure:
            servers.read_request(secure)
            # A record of nonsense in place of the answer.
            with socket.socket(fileno=socket.dup(secure.fileno())) as raw:
                raw.sendall(b"\x17\x03\x03\x00\x20" + b"?" * 32)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=lambda: break_tls(listener.accept()[0]), daemon=True)
        thread.start()
        if trusted:
            monkeypatch.setattr("messaging.appio.transport.certifi.where", lambda: str(certificate))
        reply = clients.to(f"https://127.0.0.1:{listener.getsockname()[1]}/api/v1").submit(KEY, PAYLOAD)
        thread.join()
    assert reply.answer == (a.Unanswered("tls", None) if trusted else a.NotSent("tls"))


def test_a_read_time_out_leaves_a_submit_unanswered(clients: Clients) -> None:
    def handle(_connection: socket.socket, _request: bytes) -> bool:
        time.sleep(0.5)
        return False

    with serving(handle) as wire:
        reply = clients.to(wire.url, read=0.2).submit(KEY, PAYLOAD)
    assert reply.answer == a.Unanswered("time_out", None)
    assert len(wire.requests) == 1


def test_a_request_closed_without_an_answer_is_sent_only_once(clients: Clients) -> None:
    with serving(lambda _connection, _request: False) as wire:
        client = clients.to(wire.url)
        assert client.submit(KEY, PAYLOAD).answer == a.Unanswered("closed", None)
        assert client.message(KEY, CODE, ULID).answer == a.Unanswered("closed", None)
    assert len(wire.requests) == 2


def test_a_kept_connection_that_the_peer_closes_on_a_request_is_no_proof(clients: Clients) -> None:
    calls = iter([CREATED, None])

    def handle(connection: socket.socket, _request: bytes) -> bool:
        data = next(calls)
        connection.sendall(data or b"")
        return data is not None

    with serving(handle) as wire:
        client = clients.to(wire.url)
        assert client.submit(KEY, PAYLOAD).answer == a.Accepted(ULID)
        assert client.submit(KEY, PAYLOAD).answer == a.Unanswered("closed", None)
    assert (wire.connections, len(wire.requests)) == (1, 2)


def test_a_kept_connection_that_the_peer_closed_before_is_replaced(clients: Clients) -> None:
    with serving(always(CREATED, keep=False)) as wire:
        client = clients.to(wire.url)
        client.submit(KEY, PAYLOAD)
        time.sleep(0.1)
        assert client.submit(KEY, PAYLOAD).answer == a.Accepted(ULID)
    assert (wire.connections, len(wire.requests)) == (2, 2)


def test_a_reset_in_place_of_an_answer_is_no_proof(clients: Clients) -> None:
    def handle(connection: socket.socket, _request: bytes) -> bool:
        servers.reset(connection)
        return False

    with serving(handle) as wire:
        assert clients.to(wire.url).submit(KEY, PAYLOAD).answer == a.Unanswered("reset", None)
    assert len(wire.requests) == 1


def test_an_older_failure_that_the_caller_handles_proves_nothing_about_this_one(clients: Clients) -> None:
    with serving(lambda _connection, _request: False) as wire:
        client = clients.to(wire.url)
        try:
            requests.Session().get(f"http://127.0.0.1:{servers.free_port()}/")
        except requests.ConnectionError:
            assert client.submit(KEY, PAYLOAD).answer == a.Unanswered("closed", None)


@pytest.mark.parametrize(
    "data",
    [
        b"nonsense\r\n\r\n",
        b"HTTP/1.1 abc\r\n\r\n",
        b"HTTP/1.1 200",
        b"HTTP/1.1 200 OK\r\n" + b"x" * 70_000 + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 200 + b"\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nx",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc",
        b"HTTP/1.1 204 No Content\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\n\r\n",
        b"\x00\xff\xfe",
    ],
)
def test_an_answer_that_is_no_http_leaves_a_submit_unanswered(clients: Clients, data: bytes) -> None:
    with serving(always(data, keep=False)) as wire:
        reply = clients.to(wire.url).submit(KEY, PAYLOAD)
    assert isinstance(reply.answer, a.Unanswered)
    assert len(wire.requests) == 1


@pytest.mark.parametrize("cut", ["closed", "reset"])
def test_a_201_cut_in_its_body_is_accepted_without_an_id(clients: Clients, cut: str) -> None:
    def handle(connection: socket.socket, _request: bytes) -> bool:
        connection.sendall(answer(201, b'{"id":', length=40))
        if cut == "reset":
            time.sleep(0.05)
            servers.reset(connection)
        return False

    with serving(handle) as wire:
        reply = clients.to(wire.url).submit(KEY, PAYLOAD)
    assert (reply.answer, reply.status) == (a.AcceptedWithoutId(), 201)


@pytest.mark.parametrize(
    ("status", "meaning"),
    [(400, a.Refused), (401, a.KeyRejected), (403, a.Forbidden), (404, a.Refused), (429, a.Throttled)],
)
def test_a_status_holds_though_its_body_breaks_off(clients: Clients, status: int, meaning: type) -> None:
    with serving(always(answer(status, b'{"ti', length=100), keep=False)) as wire:
        assert isinstance(clients.to(wire.url).submit(KEY, PAYLOAD).answer, meaning)


def test_a_trickling_body_does_not_hold_the_client_for_long(clients: Clients) -> None:
    with serving(_trickle(answer(201, b"", length=100))) as wire:
        started = time.monotonic()
        reply = clients.to(wire.url, read=0.3).submit(KEY, PAYLOAD)
    assert reply.answer == a.AcceptedWithoutId()
    assert time.monotonic() - started < 1


def test_a_trickling_head_does_not_hold_the_client_for_long(clients: Clients) -> None:
    with serving(_trickle(b"HTTP/1.1 201 Created\r\nX: ")) as wire:
        started = time.monotonic()
        reply = clients.to(wire.url, read=0.3).submit(KEY, PAYLOAD)
    assert reply.answer == a.Unanswered("time_out", None)
    assert time.monotonic() - started < 1


def _trickle(start: bytes) -> servers.Handler:
    def handle(connection: socket.socket, _request: bytes) -> bool:
        connection.sendall(start)
        for _ in range(20):
            time.sleep(0.05)
            connection.sendall(b"a")
        return False

    return handle


def test_a_body_beyond_the_limit_is_not_read(clients: Clients, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client_module, "BODY_LIMIT", 1000)
    with serving(always(answer(201, b'{"id":"%s"%s}' % (ULID.encode(), b" " * 5000)))) as wire:
        client = clients.to(wire.url)
        assert client.submit(KEY, PAYLOAD).answer == a.AcceptedWithoutId()
        client.submit(KEY, PAYLOAD)
    assert wire.connections == 2


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("target", ["/elsewhere", "http://[broken", "", "javascript:x"])
def test_no_redirect_is_followed(clients: Clients, status: int, target: str) -> None:
    with serving(always(answer(status, b"x", f"Location: {target}"))) as wire:
        client = clients.to(wire.url)
        assert client.submit(KEY, PAYLOAD).answer == a.Unanswered("redirect", status)
    assert len(wire.requests) == 1


def test_a_throttled_answer_says_how_long_and_how_many_are_left(clients: Clients) -> None:
    data = answer(429, b'{"statusCode":429}', "x-rate-limit-retry-after: 3", "x-rate-limit-remaining: 0")
    with serving(always(data)) as wire:
        reply = clients.to(wire.url).submit(KEY, PAYLOAD)
    assert (reply.answer, reply.remaining) == (a.Throttled(3.0), 0)


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_a_5xx_is_not_repeated(clients: Clients, status: int) -> None:
    with serving(always(answer(status))) as wire:
        client = clients.to(wire.url)
        assert client.submit(KEY, PAYLOAD).answer == a.Unanswered("server_error", status)
        assert client.message(KEY, CODE, ULID).answer == a.Unanswered("server_error", status)
    assert len(wire.requests) == 2


def test_cookies_and_proxies_are_ignored(clients: Clients, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{servers.free_port()}")
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{servers.free_port()}")
    with serving(always(answer(201, b'{"id":"x"}', "Set-Cookie: affinity=1; Path=/"))) as wire:
        client = clients.to(wire.url)
        for _ in range(2):
            assert client.submit(KEY, PAYLOAD).answer == a.Accepted("x")
    assert b"cookie" not in wire.requests[1].lower()


def test_a_client_can_be_used_after_it_was_closed(clients: Clients) -> None:
    with serving(always(CREATED)) as wire:
        client = clients.to(wire.url)
        client.submit(KEY, PAYLOAD)
        client.close()
        assert client.submit(KEY, PAYLOAD).answer == a.Accepted(ULID)
    assert wire.connections == 2


def test_nothing_that_is_logged_holds_a_fiscal_code_or_key(clients: Clients, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    broken = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX: y\r\n broken\r\nNo colon RSSMRA85T10A562S\r\n\r\n{}"
    with serving(always(broken, keep=False)) as wire:
        clients.to(wire.url).message(KEY, CODE, ULID)
    clients.to(f"http://127.0.0.1:{servers.free_port()}").message(KEY, CODE, ULID)
    assert "RSS*************" in caplog.text
    assert CODE not in caplog.text
    assert KEY not in caplog.text
