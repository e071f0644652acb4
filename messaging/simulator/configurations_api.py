"""The API for configurations of remote content: create, list, read, replace; nothing deletes (platform notes, A1.1)."""

from typing import Any, Final

from aiohttp import web

from messaging.simulator import checks, permissions
from messaging.simulator.accounts import Service
from messaging.simulator.configurations import Configuration, decode_configuration
from messaging.simulator.faults import Matched
from messaging.simulator.messages import parse_body
from messaging.simulator.schema import ULID, bad_parameter
from messaging.simulator.wire import RefusalError, query_error, success
from messaging.simulator.world import World

_PATH: Final = "/api/v1/messages-sending/remote-contents/configurations"


def answer(world: World, key: Service, method: str, identity: str, body: bytes, faults: Matched) -> web.Response:
    """One call: of the collection when `identity` is empty, else of one configuration."""
    if not key.manages:
        raise permissions.forbidden()
    if faults.take("error-500"):
        raise query_error("Error while reaching the configurations")
    account = key.account.id
    if method == "POST":
        made = world.configurations.create(account, decode_configuration(parse_body(body)))
        return success(201, {"configuration_id": made.id, **made.body}, f"{_PATH}/{made.id}")
    if not identity:
        return success(200, _list(world, account))
    if not checks.is_ulid(identity):
        raise bad_parameter(identity, ULID.name)
    if method == "GET":
        return success(200, _owned(world, account, identity).shown())
    new = decode_configuration(parse_body(body))
    world.configurations.replace(_owned(world, account, identity), new)
    return web.Response(status=204)


def _list(world: World, account: str) -> dict[str, Any]:
    return {"rcConfigList": [found.shown() for found in world.configurations.owned_by(account)]}


def _owned(world: World, account: str, identity: str) -> Configuration:
    found = world.configurations.find(identity)
    if found is None:
        raise RefusalError(
            404,
            "Configuration not found",
            f"Cannot find any configuration with id: {identity}",
        )
    if found.account_id != account:
        raise permissions.forbidden("not your configuration")
    return found
