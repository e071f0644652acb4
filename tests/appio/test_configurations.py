"""The operations on remote-content configurations, over real HTTP."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from pytest_httpserver import HTTPServer

from messaging.appio import answers as a
from messaging.appio import configurations as c
from messaging.appio.client import Client

KEY = "0123456789abcdef0123456789abcdef"
ULID = "01ARZ3NDEKTSV4RRFFQ69G5FAV"
PLACE = "/api/v1/messages-sending/remote-contents/configurations"
CODE = "RSSMRA85T10A562S"

WHOLE = c.Configuration(
    name="Comune di Prova",
    description="Testi e allegati",
    precondition="ONCE",
    is_lollipop_enabled=True,
    disable_lollipop_for=(CODE,),
    production=c.Environment(base_url="https://io.example.it", header_name="X-Key", secret="segreto-vero"),
    test=c.Environment(
        base_url="https://prova.example.it", header_name="X-Test", secret="segreto-di-prova", test_users=(CODE,)
    ),
)
PAYLOAD: dict[str, Any] = {
    "name": "Comune di Prova",
    "description": "Testi e allegati",
    "has_precondition": "ONCE",
    "disable_lollipop_for": [CODE],
    "is_lollipop_enabled": True,
    "prod_environment": {
        "base_url": "https://io.example.it",
        "details_authentication": {"header_key_name": "X-Key", "key": "segreto-vero", "type": "API-KEY"},
    },
    "test_environment": {
        "base_url": "https://prova.example.it",
        "details_authentication": {"header_key_name": "X-Test", "key": "segreto-di-prova", "type": "API-KEY"},
        "test_users": [CODE],
    },
}
PROBLEM = {"title": "Not found", "status": 404, "detail": "no such thing"}


@pytest.fixture
def client(httpserver: HTTPServer) -> Iterator[Client]:
    made = Client(httpserver.url_for("/api/v1"), connect_timeout=1, read_timeout=2)
    yield made
    made.close()


def test_creating_sends_everything_with_the_manage_key(httpserver: HTTPServer, client: Client) -> None:
    expected = httpserver.expect_oneshot_request(
        PLACE, "POST", json=PAYLOAD, headers={"Ocp-Apim-Subscription-Key": KEY}
    )
    expected.respond_with_json({"configuration_id": ULID, **PAYLOAD}, 201)
    reply = c.create(client, KEY, WHOLE)
    assert (reply.answer, reply.status) == (c.Created(ULID), 201)


@pytest.mark.parametrize("body", ["", "{", '{"configuration_id": "non-ulid"}', "[]"])
def test_the_place_of_a_new_one_saves_a_broken_answer(httpserver: HTTPServer, client: Client, body: str) -> None:
    httpserver.expect_request(PLACE).respond_with_data(body, 201, headers={"Location": f"{PLACE}/{ULID}"})
    assert c.create(client, KEY, WHOLE).answer == c.Created(ULID)


def test_a_new_one_without_any_id_is_as_good_as_unanswered(httpserver: HTTPServer, client: Client) -> None:
    httpserver.expect_request(PLACE).respond_with_data("{}", 201)
    assert c.create(client, KEY, WHOLE).answer == a.Unanswered("unreadable", 201)


def test_an_environment_that_is_not_there_is_left_out() -> None:
    payload = c.build_payload(
        c.Configuration(name="n", description="d", precondition="NEVER", is_lollipop_enabled=False)
    )
    assert not {"prod_environment", "test_environment"} & payload.keys()
    assert payload["disable_lollipop_for"] == []


def test_replacing_sends_everything_and_takes_an_empty_answer(httpserver: HTTPServer, client: Client) -> None:
    httpserver.expect_oneshot_request(f"{PLACE}/{ULID}", "PUT", json=PAYLOAD).respond_with_data("", 204)
    assert c.update(client, KEY, ULID, WHOLE).answer == c.Updated()


def test_what_io_has_is_read_back(httpserver: HTTPServer, client: Client) -> None:
    shown = {"configuration_id": ULID, "user_id": "ente", **PAYLOAD}
    httpserver.expect_oneshot_request(f"{PLACE}/{ULID}", "GET").respond_with_json(shown)
    assert c.get(client, KEY, ULID).answer == c.Known(ULID, WHOLE)


def test_the_list_skips_what_cannot_be_told_apart(httpserver: HTTPServer, client: Client) -> None:
    rows = [{"configuration_id": ULID, **PAYLOAD}, {"name": "senza codice"}, None, {"configuration_id": ULID}]
    httpserver.expect_oneshot_request(PLACE, "GET").respond_with_json({"rcConfigList": rows})
    assert c.list_own(client, KEY).answer == c.Listed((c.Known(ULID, WHOLE),))


@pytest.mark.parametrize("body", ["{}", "[]", "x", '{"rcConfigList": null}'])
def test_a_list_that_is_none_is_no_empty_list(httpserver: HTTPServer, client: Client, body: str) -> None:
    httpserver.expect_request(PLACE).respond_with_data(body, 200)
    assert c.list_own(client, KEY).answer == a.Unanswered("unreadable", 200)


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (400, {"title": "Invalid body"}, c.ConfigurationRefused("Invalid body")),
        (401, {"statusCode": 401, "message": "Access denied"}, a.KeyRejected("unknown")),
        (403, {"statusCode": 403, "message": "Invalid key"}, a.Forbidden("Invalid key")),
        (429, {"statusCode": 429, "message": "Rate limit. Try again in 3 seconds."}, a.Throttled(3.0)),
        (500, {"title": "Error"}, a.Unanswered("server_error", 500)),
        (302, {}, a.Unanswered("redirect", 302)),
        (418, {}, a.Unanswered("unexpected_status", 418)),
    ],
)
def test_every_operation_tells_trouble_alike(
    httpserver: HTTPServer, client: Client, status: int, body: dict[str, Any], expected: object
) -> None:
    httpserver.expect_request(PLACE).respond_with_json(body, status)
    httpserver.expect_request(f"{PLACE}/{ULID}").respond_with_json(body, status)
    answers = [
        c.create(client, KEY, WHOLE).answer,
        c.list_own(client, KEY).answer,
        c.get(client, KEY, ULID).answer,
        c.update(client, KEY, ULID, WHOLE).answer,
    ]
    assert answers == [expected] * 4


def test_only_ios_own_404_says_that_there_is_none(httpserver: HTTPServer, client: Client) -> None:
    httpserver.expect_oneshot_request(f"{PLACE}/{ULID}", "GET").respond_with_json(PROBLEM, 404)
    httpserver.expect_oneshot_request(f"{PLACE}/{ULID}", "PUT").respond_with_data("nginx", 404)
    assert c.get(client, KEY, ULID).answer == c.ConfigurationUnknown()
    assert c.update(client, KEY, ULID, WHOLE).answer == a.Unanswered("wrong_address", 404)


def test_an_id_stays_one_step_of_the_path(httpserver: HTTPServer, client: Client) -> None:
    httpserver.expect_request("/").respond_with_data("", 204)
    c.get(client, KEY, "../../profiles?x")
    request, _ = httpserver.log[0]
    assert request.environ["RAW_URI"].endswith("/configurations/..%2F..%2Fprofiles%3Fx")


def test_what_is_kept_out_of_sight_stays_out_of_logs() -> None:
    shown = repr(c.Known(ULID, WHOLE))
    assert "segreto" not in shown
    assert CODE not in shown


def test_nothing_is_sent_with_a_key_that_no_header_can_carry(httpserver: HTTPServer, client: Client) -> None:
    assert c.list_own(client, "chiave rotta\n").answer == a.KeyRejected("malformed")
    assert not httpserver.log


def test_what_is_sent_is_json(httpserver: HTTPServer, client: Client) -> None:
    httpserver.expect_request(PLACE).respond_with_data("", 500)
    c.create(client, KEY, WHOLE)
    request, _ = httpserver.log[0]
    assert json.loads(request.get_data()) == PAYLOAD
    assert request.content_type.startswith("application/json")
