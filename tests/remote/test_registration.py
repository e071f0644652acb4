"""IO is told the whole configuration, once, and what it knows is known here."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from messaging.appio import configurations as io
from messaging.appio.client import Client
from messaging.delivery import outage, seal
from messaging.enums import EnvironmentKind, Precondition
from messaging.models import ManageKey, RemoteConfiguration, RemoteSecret
from messaging.remote import configuration as remote
from messaging.remote import registration, secrets
from messaging.remote.registration import CannotTell, Difference, compare, register
from tests import cast
from tests.remote.registering import (
    MANAGE_KEY,
    PRODUCTION,
    a_test_place,
    environment,
    in_use,
    make_configuration,
    wanted,
)
from tests.simulator_process import BORGOFIORE, TRIBUTI, SimulatorProcess

pytestmark = pytest.mark.django_db

PLACE = "/api/v1/messages-sending/remote-contents/configurations"
ULID = "01ARZ3NDEKTSV4RRFFQ69G5FAV"


@pytest.fixture
def server(httpserver: HTTPServer, settings: Any) -> HTTPServer:
    """An IO of which the test says every answer."""
    settings.IO_API_URL = httpserver.url_for("/api/v1")
    return httpserver


def known_to(simulator: SimulatorProcess, key: str = MANAGE_KEY) -> list[io.Known]:
    """What IO has of the key's owner."""
    client = Client(simulator.url)
    answer = io.list_own(client, key).answer
    client.close()
    assert isinstance(answer, io.Listed)
    return list(answer.known)


def why(call: Callable[[], object]) -> str:
    with pytest.raises(CannotTell) as caught:
        call()
    return caught.value.code


# Registering


def test_a_new_configuration_is_created_on_io_and_confirmed(simulator: SimulatorProcess) -> None:
    configuration = make_configuration(
        test=a_test_place(), precondition=Precondition.ONCE, disable_lollipop_for=(cast.make_fiscal_code(),)
    )
    register(configuration)
    [known] = known_to(simulator)
    assert known == io.Known(configuration.configuration_id, remote.what_io_is_told(configuration).content)
    assert known.configuration.production is not None
    assert known.configuration.production.secret == in_use(configuration).secret
    assert configuration.confirmed_at is not None


def test_the_second_time_the_same_one_is_replaced_as_a_whole(simulator: SimulatorProcess) -> None:
    configuration = make_configuration(test=a_test_place())
    register(configuration)
    first = configuration.configuration_id
    remote.save(configuration.institution, wanted(name="Comune nuovo"))
    configuration.refresh_from_db()
    assert configuration.confirmed_at is None
    register(configuration)
    [known] = known_to(simulator)
    assert known.configuration_id == first
    assert known.configuration.name.startswith("Comune nuovo [")
    assert known.configuration.test is None


def test_saving_the_same_again_leaves_it_confirmed(simulator: SimulatorProcess) -> None:
    place = a_test_place()
    configuration = make_configuration(test=place)
    register(configuration)
    assert remote.save(configuration.institution, wanted(test=place)).confirmed_at is not None
    assert RemoteSecret.objects.count() == 2


@pytest.mark.parametrize(
    "change",
    [
        {"description": "Altro"},
        {"precondition": Precondition.ALWAYS},
        {"is_lollipop_enabled": True},
        {"disable_lollipop_for": ("PRVTST40A01H501X",)},
        {"production": replace(PRODUCTION, base_url="https://altro.example.it")},
        {"test": a_test_place("PRVTST40A01H501X")},
    ],
)
def test_every_change_is_one_that_io_does_not_know(change: dict[str, Any]) -> None:
    configuration = make_configuration()
    RemoteConfiguration.objects.update(confirmed_at=timezone.now())
    assert remote.save(configuration.institution, wanted(**change)).confirmed_at is None
    configuration.refresh_from_db()
    assert configuration.confirmed_at is None


def test_one_that_io_has_already_is_adopted_and_not_made_twice(simulator: SimulatorProcess) -> None:
    configuration = make_configuration()
    register(configuration)
    first = configuration.configuration_id
    # As if the answer had never come.
    RemoteConfiguration.objects.update(configuration_id="", confirmed_at=None)
    remote.save(configuration.institution, wanted(name="Con un altro nome"))
    register(configuration)
    assert configuration.configuration_id == first
    assert [known.configuration.name[:18] for known in known_to(simulator)] == ["Con un altro nome "]


def test_anothers_is_never_adopted(simulator: SimulatorProcess) -> None:
    first, second = make_configuration(), make_configuration()
    register(first)
    register(second)
    assert first.configuration_id != second.configuration_id
    assert len(known_to(simulator)) == 2


def test_a_portal_on_trial_leaves_the_real_ones_alone(simulator: SimulatorProcess) -> None:
    configuration = make_configuration()
    register(configuration)
    real = known_to(simulator)
    RemoteConfiguration.objects.update(configuration_id="", confirmed_at=None)
    row = seal.installation()
    row.identity = "12345678-1234-1234-1234-123456789012"
    row.save()
    register(configuration)
    assert len(known_to(simulator)) == 2
    assert real[0] in known_to(simulator)


def test_after_an_unanswered_creation_no_second_one_is_made_for_a_while(server: HTTPServer) -> None:
    configuration = make_configuration()
    server.expect_request(PLACE, "GET").respond_with_json({"rcConfigList": []})
    server.expect_request(PLACE, "POST").respond_with_data("", 500)
    assert why(lambda: register(configuration)) == "maybe_created"
    assert why(lambda: register(configuration)) == "maybe_created"
    assert [request.method for request, _ in server.log] == ["GET", "POST", "GET"]


def test_one_that_shows_up_after_an_unanswered_creation_is_adopted(server: HTTPServer) -> None:
    configuration = make_configuration()
    made: list[dict[str, Any]] = []

    def create(request: Request) -> Response:
        made.append({"configuration_id": ULID, **json.loads(request.get_data())})
        return Response(status=502)

    server.expect_request(PLACE, "POST").respond_with_handler(create)
    server.expect_request(PLACE, "GET").respond_with_handler(
        lambda _request: Response(json.dumps({"rcConfigList": made}), content_type="application/json")
    )
    server.expect_request(f"{PLACE}/{ULID}", "PUT").respond_with_data("", 204)
    assert why(lambda: register(configuration)) == "maybe_created"
    register(configuration)
    assert configuration.configuration_id == ULID
    assert configuration.confirmed_at is not None


def test_a_refused_creation_can_be_tried_again_at_once(server: HTTPServer) -> None:
    configuration = make_configuration()
    server.expect_request(PLACE, "GET").respond_with_json({"rcConfigList": []})
    server.expect_oneshot_request(PLACE, "POST").respond_with_json({"title": "Invalid body"}, 400)
    assert why(lambda: register(configuration)) == "refused"
    server.expect_oneshot_request(PLACE, "POST").respond_with_json({"configuration_id": ULID}, 201)
    register(configuration)
    assert configuration.configuration_id == ULID


def test_what_changes_while_io_is_told_is_still_to_be_told(
    simulator: SimulatorProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    configuration = make_configuration()
    told = in_use(configuration)
    call = Client.call

    def meanwhile(self: Client, method: str, *args: Any) -> Any:
        if method == "POST":
            secrets.rotate(environment(configuration))
        return call(self, method, *args)

    with monkeypatch.context() as patched:
        patched.setattr(Client, "call", meanwhile)
        register(configuration)
    assert configuration.confirmed_at is None
    told.refresh_from_db()
    assert told.accepted_until is None
    register(configuration)
    assert configuration.confirmed_at is not None
    told.refresh_from_db()
    assert told.accepted_until is not None


def test_no_transaction_is_open_while_io_is_asked(simulator: SimulatorProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    depths: list[int] = []
    call = Client.call

    def watched(self: Client, *args: Any) -> Any:
        depths.append(len(connection.savepoint_ids))
        return call(self, *args)

    outside = len(connection.savepoint_ids)
    monkeypatch.setattr(Client, "call", watched)
    configuration = make_configuration()
    register(configuration)
    compare(configuration)
    assert depths == [outside] * 3


# The secret on its way


def test_a_rotation_ends_the_old_secret_only_when_io_has_confirmed(simulator: SimulatorProcess) -> None:
    configuration = make_configuration()
    register(configuration)
    old = in_use(configuration)
    secrets.rotate(environment(configuration))
    simulator.fault("error-500", operations=["configurations"])
    assert why(lambda: register(configuration)) == "no_answer"
    old.refresh_from_db()
    assert (old.in_use, old.accepted_until) == (False, None)
    simulator.clear()
    register(configuration)
    old.refresh_from_db()
    assert old.accepted_until is not None
    assert timedelta(hours=8.9) < old.accepted_until - timezone.now() <= timedelta(hours=9)
    [known] = known_to(simulator)
    assert known.configuration.production is not None
    assert known.configuration.production.secret == in_use(configuration).secret != old.secret


def test_an_environment_taken_away_is_served_for_hours_after_io_has_confirmed(simulator: SimulatorProcess) -> None:
    configuration = make_configuration(test=a_test_place())
    register(configuration)
    gone = in_use(configuration, EnvironmentKind.TEST)
    remote.save(configuration.institution, wanted())
    register(configuration)
    gone.refresh_from_db()
    assert gone.accepted_until is not None


# What stands in the way


def test_without_a_manage_key_nobody_is_asked(simulator: SimulatorProcess) -> None:
    configuration = make_configuration()
    ManageKey.objects.all().delete()
    assert why(lambda: register(configuration)) == "no_key"
    assert simulator.calls("configurations") == {}


def test_a_key_that_no_encryption_key_opens_is_none(simulator: SimulatorProcess) -> None:
    configuration = make_configuration()
    with connection.cursor() as cursor:
        cursor.execute("UPDATE messaging_managekey SET secret = 'illeggibile'")
    assert why(lambda: register(configuration)) == "no_key"
    key = registration.store_manage_key(configuration.institution, MANAGE_KEY)
    assert key.last_four == "0009"
    register(configuration)


def test_a_secret_that_no_encryption_key_opens_asks_for_a_new_one(simulator: SimulatorProcess) -> None:
    configuration = make_configuration()
    with connection.cursor() as cursor:
        cursor.execute("UPDATE messaging_remotesecret SET secret = 'illeggibile'")
    assert why(lambda: register(configuration)) == "unreadable"
    secrets.rotate(environment(configuration))
    register(configuration)
    assert configuration.confirmed_at is not None


@pytest.mark.parametrize(
    ("key", "code"), [(TRIBUTI, "forbidden"), (BORGOFIORE, "forbidden"), ("x" * 32, "key_rejected")]
)
def test_a_key_that_may_not_is_told_apart(simulator: SimulatorProcess, key: str, code: str) -> None:
    configuration = make_configuration()
    registration.store_manage_key(configuration.institution, key)
    assert why(lambda: register(configuration)) == code
    assert configuration.confirmed_at is None


def test_one_that_io_does_not_know_is_registered_again_when_asked(simulator: SimulatorProcess) -> None:
    configuration = make_configuration()
    RemoteConfiguration.objects.update(configuration_id=ULID)
    assert why(lambda: register(configuration)) == "unknown"
    assert why(lambda: compare(configuration)) == "unknown"
    register(configuration, again=True)
    assert [known.configuration_id for known in known_to(simulator)] == [configuration.configuration_id]


def test_an_old_copy_of_the_database_tells_io_nothing(simulator: SimulatorProcess) -> None:
    configuration = make_configuration()
    row = seal.installation()
    row.held_at = timezone.now()
    row.save()
    assert why(lambda: register(configuration)) == "held"
    assert simulator.calls("configurations") == {}


def test_two_at_once_do_not_both_tell(simulator: SimulatorProcess) -> None:
    configuration = make_configuration()
    with registration._conversation(configuration):
        assert why(lambda: register(configuration)) == "at_work"
    register(configuration)


def test_io_that_is_not_there_leaves_everything_to_be_told(settings: Any) -> None:
    settings.IO_API_URL = "http://127.0.0.1:9/api/v1"
    configuration = make_configuration()
    assert why(lambda: register(configuration)) == "not_sent"
    configuration.refresh_from_db()
    assert (configuration.configuration_id, configuration.confirmed_at) == ("", None)


# The call budget


def test_calls_take_their_permits_from_the_account(simulator: SimulatorProcess) -> None:
    account = cast.make_account(calls=2, seconds=1.0)
    configuration = make_configuration(cast.make_institution(account=account))
    began = time.monotonic()
    register(configuration)
    compare(configuration)
    assert time.monotonic() - began > 0.9
    account.refresh_from_db()
    assert sum(account.own_calls.values()) == 3


def test_a_throttled_call_stops_the_account(simulator: SimulatorProcess) -> None:
    configuration = make_configuration()
    simulator.fault("throttle", value=30, operations=["configurations"])
    assert why(lambda: register(configuration)) == "busy"
    configuration.institution.account.refresh_from_db()
    assert configuration.institution.account.blocked_until > time.time() + 20
    assert why(lambda: register(configuration)) == "busy"
    assert sum(simulator.calls("configurations").values()) == 1


def test_an_account_that_pauses_is_left_alone(simulator: SimulatorProcess) -> None:
    configuration = make_configuration()
    for _ in range(outage.FAULTS):
        outage.record_fault(configuration.institution.account_id)
    assert why(lambda: register(configuration)) == "not_sent"
    assert simulator.calls("configurations") == {}


# Reading what IO has


def test_equal_on_both_sides_is_confirmed(simulator: SimulatorProcess) -> None:
    configuration = make_configuration()
    register(configuration)
    RemoteConfiguration.objects.update(confirmed_at=None)
    assert compare(configuration) == []
    assert configuration.confirmed_at is not None


def test_what_somebody_changed_on_io_is_found_without_showing_secrets_or_codes(simulator: SimulatorProcess) -> None:
    code = cast.make_fiscal_code()
    configuration = make_configuration(test=a_test_place(code))
    register(configuration)
    [known] = known_to(simulator)
    theirs = known.configuration
    assert theirs.production is not None
    changed = replace(
        theirs,
        description="Altra",
        is_lollipop_enabled=True,
        disable_lollipop_for=(code,),
        production=replace(theirs.production, base_url="https://altrove.example.it", secret="un altro"),
        test=None,
    )
    client = Client(simulator.url)
    assert io.update(client, MANAGE_KEY, known.configuration_id, changed).answer == io.Updated()
    client.close()
    assert compare(configuration) == [
        Difference("description", "Testi e allegati", "Altra"),
        Difference("is_lollipop_enabled", "False", "True"),
        Difference("disable_lollipop_for", "0", "1"),
        Difference("production.base_url", PRODUCTION.base_url, "https://altrove.example.it"),
        Difference("production.secret"),
        Difference("test", "https://prova.comune.example.it", ""),
    ]
    configuration.refresh_from_db()
    assert configuration.confirmed_at is None


def test_a_header_in_another_case_is_the_same_header(simulator: SimulatorProcess) -> None:
    configuration = make_configuration()
    register(configuration)
    remote.save(configuration.institution, wanted(production=replace(PRODUCTION, header_name="x-io-portal-KEY")))
    assert compare(configuration) == []


def test_reading_adopts_what_io_has_of_ours(simulator: SimulatorProcess) -> None:
    configuration = make_configuration()
    assert why(lambda: compare(configuration)) == "unknown"
    register(configuration)
    RemoteConfiguration.objects.update(configuration_id="", confirmed_at=None)
    assert compare(configuration) == []
    assert configuration.configuration_id == known_to(simulator)[0].configuration_id
