"""Registering where remote content stands, with the manage key."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from tests.simulator.box import ANAGRAFE, CONFIGURATIONS, LAURA, MANAGE, TRIBUTI, Box, message
from tests.simulator.institution import configuration, environment, registered

PRODUCTION = environment("https://io.comune.valdoria.example")
TEST = environment("https://prova.comune.valdoria.example", "altro", test_users=[LAURA])


def stored(box: Box, identity: str) -> Any:
    return box.call("GET", f"{CONFIGURATIONS}/{identity}", MANAGE).json()


def test_what_is_created_can_be_read_with_its_key_in_clear(box: Box) -> None:
    body = configuration(prod_environment=PRODUCTION, test_environment=TEST)
    answer = box.call("POST", CONFIGURATIONS, MANAGE, json=body)
    made = answer.json()
    identity = made.pop("configuration_id")
    assert answer.status_code == 201
    assert answer.headers["Location"] == f"/api/v1{CONFIGURATIONS}/{identity}"
    assert made == body
    assert stored(box, identity) == {**body, "configuration_id": identity, "user_id": "valdoria"}


def test_the_list_has_only_the_owners(box: Box) -> None:
    assert box.call("GET", CONFIGURATIONS, MANAGE).json() == {"rcConfigList": []}
    ours = [registered(box, prod_environment=PRODUCTION), registered(box)]
    registered(box, "manage-narrow")
    listed = box.call("GET", CONFIGURATIONS, MANAGE).json()["rcConfigList"]
    assert [one["configuration_id"] for one in listed] == ours


def test_an_update_replaces_everything_so_what_is_left_out_is_gone(box: Box) -> None:
    identity = registered(box, prod_environment=PRODUCTION, test_environment=TEST)
    answer = box.call(
        "PUT", f"{CONFIGURATIONS}/{identity}", MANAGE, json=configuration(name="Nuovo", test_environment=TEST)
    )
    assert (answer.status_code, answer.content) == (204, b"")
    now = stored(box, identity)
    assert now["name"] == "Nuovo"
    assert "prod_environment" not in now


def test_nothing_deletes(box: Box) -> None:
    identity = registered(box)
    assert box.call("DELETE", f"{CONFIGURATIONS}/{identity}", MANAGE).status_code == 404
    assert stored(box, identity)["configuration_id"] == identity


@pytest.mark.parametrize("method", ["GET", "PUT"])
def test_what_is_not_ours_or_not_there_is_told_apart(box: Box, method: str) -> None:
    theirs = registered(box, "manage-narrow")
    for identity, status in (("x", 400), (theirs, 403), ("01JRC0FNESSVN000000000000A", 404)):
        answer = box.call(method, f"{CONFIGURATIONS}/{identity}", MANAGE, json=configuration())
        assert answer.status_code == status, identity


@pytest.mark.parametrize(
    ("key", "status", "reason"),
    [
        (None, 401, "Unauthorized"),
        ("nobody's", 401, "Unauthorized"),
        (ANAGRAFE, 403, "Invalid key"),
        ("manage-odd", 403, "Invalid key"),
        (TRIBUTI, 403, "Forbidden"),
        ("narrow-one", 403, "Invalid key"),
    ],
)
def test_only_a_manage_key_with_the_group_opens(box: Box, key: str | None, status: int, reason: str) -> None:
    for method in ("GET", "POST"):
        answer = box.call(method, CONFIGURATIONS, key, json=configuration() if method == "POST" else None)
        assert (answer.status_code, answer.reason) == (status, reason)


def test_a_manage_key_sends_nothing(box: Box) -> None:
    assert box.submit(message(), MANAGE).status_code == 403
    assert box.ledger() == []


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"name": ""}, "root.name"),
        ({"description": None}, "root.description"),
        ({"has_precondition": "NONE"}, "root.has_precondition"),
        ({"disable_lollipop_for": ["laura"]}, "root.disable_lollipop_for"),
        ({"disable_lollipop_for": LAURA}, "root.disable_lollipop_for"),
        ({"is_lollipop_enabled": "no"}, "root.is_lollipop_enabled"),
        ({"prod_environment": {"base_url": "x"}}, "root.prod_environment.details_authentication"),
        ({"prod_environment": environment("")}, "root.prod_environment.base_url"),
        ({"prod_environment": environment("x", "")}, "root.prod_environment.details_authentication.key"),
        ({"test_environment": environment("x")}, "root.test_environment.test_users"),
        ({"test_environment": environment("x", test_users=["bnclra85t50z999b"])}, "root.test_environment.test_users"),
    ],
)
def test_a_body_that_breaks_the_rules_is_400_and_says_where(box: Box, change: dict[str, Any], where: str) -> None:
    answer = box.call("POST", CONFIGURATIONS, MANAGE, json=configuration(**change))
    assert answer.status_code == 400
    assert f" at {where} is not" in answer.json()["detail"]
    identity = registered(box)
    assert (
        box.call("PUT", f"{CONFIGURATIONS}/{identity}", MANAGE, json=configuration(**change)).status_code
        == answer.status_code
    )


@pytest.mark.parametrize("name", ["name", "description", "has_precondition", "disable_lollipop_for"])
def test_a_required_field_is_required(box: Box, name: str) -> None:
    body = configuration()
    del body[name]
    assert box.call("POST", CONFIGURATIONS, MANAGE, json=body).status_code == 400


def test_what_the_platform_does_not_know_is_lost(box: Box) -> None:
    made = registered(box, colour="red", prod_environment={**PRODUCTION, "cert": {"client_cert": "x"}})
    now = stored(box, made)
    assert "colour" not in now
    assert "cert" not in now["prod_environment"]


def test_a_message_may_name_a_configuration_made_through_the_api(box: Box) -> None:
    third = {"id": "x", "configuration_id": registered(box), "has_remote_content": True}
    answer = box.submit({**message(third_party_data=third), "feature_level_type": "ADVANCED"}, ANAGRAFE)
    assert answer.status_code == 201
    third["configuration_id"] = registered(box, "manage-narrow")
    answer = box.submit({**message(third_party_data=third), "feature_level_type": "ADVANCED"}, ANAGRAFE)
    assert (answer.status_code, answer.json()["title"]) == (403, "Not your configuration")


def test_calls_count_in_the_accounts_limit(box: Box) -> None:
    time.sleep(0.7)
    statuses = [box.call("GET", CONFIGURATIONS, "manage-narrow").status_code for _ in range(3)]
    statuses += [box.profile(LAURA, "narrow-one").status_code for _ in range(3)]
    assert statuses == [200] * 5 + [429]


def test_faults_strike_here_too(box: Box) -> None:
    box.fault("error-500", operations=["configurations"])
    assert box.call("GET", CONFIGURATIONS, MANAGE).status_code == 500
    assert box.submit(message()).status_code == 201
    box.control("DELETE", "/faults")
    box.fault("throttle", operations=["configurations"])
    assert box.call("POST", CONFIGURATIONS, MANAGE, json=configuration()).status_code == 429


def test_configurations_outlive_a_restart_and_not_a_reset(tmp_path: Path) -> None:
    options = ("--latency-ms", "0", "--state", str(tmp_path / "state"))
    box = Box(tmp_path, *options)
    identity = registered(box, prod_environment=PRODUCTION)
    other = registered(box)
    box.call("PUT", f"{CONFIGURATIONS}/{identity}", MANAGE, json=configuration(name="Dopo", test_environment=TEST))
    before = box.call("GET", CONFIGURATIONS, MANAGE).json()
    assert box.stop() == 0

    box = Box(tmp_path, *options)
    assert box.call("GET", CONFIGURATIONS, MANAGE).json() == before
    assert [one["configuration_id"] for one in before["rcConfigList"]] == [identity, other]
    box.control("POST", "/reset")
    assert box.stop() == 0

    box = Box(tmp_path, *options)
    assert box.call("GET", CONFIGURATIONS, MANAGE).json() == {"rcConfigList": []}
    assert box.stop() == 0
