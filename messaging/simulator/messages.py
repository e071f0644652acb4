"""POST /messages and GET /messages/{fiscal_code}/{id} (notes, 2 and 3)."""

import json
import time
from typing import Any, NoReturn

from aiohttp import web

from messaging.simulator import checks, permissions
from messaging.simulator.accounts import Service
from messaging.simulator.checks import iso_timestamp
from messaging.simulator.faults import Matched
from messaging.simulator.ledger import PROCESSED, Message
from messaging.simulator.schema import (
    ABSENT,
    NewMessage,
    bad_parameter,
    decode_new_message,
)
from messaging.simulator.wire import (
    HungUpError,
    LateError,
    RefusalError,
    internal_error,
    query_error,
    success,
)
from messaging.simulator.world import World


def parse_body(body: bytes) -> object:
    """The body as JSON; malformed JSON is 500, a missing body is undefined (notes, 2.3 step 2)."""
    if not body:
        return ABSENT
    try:
        return json.loads(body.decode("utf-8-sig", "replace"), parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise internal_error(str(error)) from None


def _no_constant(name: str) -> NoReturn:
    # Python reads NaN and Infinity, JSON has neither.
    raise ValueError(f"Unexpected token {name[0]} in JSON")


def submit(
    world: World,
    service: Service,
    path_code: str | None,
    body: bytes,
    remote: str | None,
    faults: Matched,
) -> web.Response:
    """Take a message in, or refuse it, in the platform's order (notes, 2.3 steps 2 to 15)."""
    payload = parse_body(body)
    permissions.require_write_group(service)
    new = decode_new_message(payload)
    if path_code is not None and not checks.is_fiscal_code(path_code):
        raise bad_parameter(path_code, checks.FISCAL_CODE_TYPE)
    permissions.require_payload_groups(service, new)
    permissions.require_source(service, remote)
    fiscal_code = _one_fiscal_code(path_code, new.fiscal_code)
    if new.third_party is not None:
        _check_third_party(world, service, new, new.third_party)
    permissions.require_recipient(service, fiscal_code)
    _check_amount(service, new)
    if faults.take("error-500"):
        raise internal_error("Unable to store processing message")
    message = world.ledger.accept(service, fiscal_code, new, payload, world.tuning.settle_seconds)
    return _created(message, faults)


def _one_fiscal_code(in_path: str | None, in_body: str | None) -> str:
    rule = "The fiscalcode parameter must be specified in the path or in the payload"
    if in_path is not None and in_body is not None:
        raise RefusalError(400, "Bad parameters", f"{rule} but not in both")
    found = in_path or in_body
    if found is None:
        raise RefusalError(400, "Bad parameters", rule)
    return found


def _check_third_party(world: World, service: Service, new: NewMessage, third_party: dict[str, Any]) -> None:
    """Configuration, its owner, then attachments (notes, 2.3 steps 11 and 12)."""
    if "configuration_id" not in third_party:
        raise permissions.forbidden("no configuration")
    found = world.remote_configuration(third_party["configuration_id"])
    if found is None:
        raise RefusalError(
            404,
            "Remote Content Configuration NOT FOUND",
            "Cannot find any Remote Content Configuration with the given id",
        )
    if found.upstream == 400:
        raise RefusalError(
            400,
            "Validation error",
            "The request to get the remote content configuration is invalid.",
        )
    if found.upstream == 403:
        raise permissions.forbidden()
    if found.upstream != 200:
        raise internal_error("Cannot retrieve the remote content configuration. Service unreachable.")
    if found.account_id != service.account.id:
        raise permissions.forbidden("not your configuration")
    if third_party["has_attachments"] and new.level != "ADVANCED":
        raise permissions.forbidden("attachments")


def _check_amount(service: Service, new: NewMessage) -> None:
    """A service without a limit may ask for nothing: 400, not 403 (notes, 2.3 step 14)."""
    payment = new.payment
    allowed = service.max_allowed_payment_amount
    if payment is not None and payment["amount"] > allowed:
        raise RefusalError(
            400,
            "Error while sending payment metadata",
            f"The requested amount ({payment['amount']} cents) exceeds the maximum allowed for "
            f"this service ({allowed} cents)",
        )


def _created(message: Message, faults: Matched) -> web.Response:
    if faults.take("accept-then-drop"):
        raise HungUpError
    if faults.take("accept-then-500"):
        raise internal_error("Unable to store processing message")
    if faults.take("accept-garbage"):
        return web.Response(
            status=201,
            body=b'{"id": "01J',
            headers={"Content-Type": "application/json; charset=utf-8"},
        )
    # The Location carries the fiscal code: logs of the client must not keep it (notes, 1.4).
    location = f"/api/v1/messages/{message.fiscal_code}/{message.id}"
    response = success(201, {"id": message.id}, location)
    if late := faults.take("accept-then-hang"):
        raise LateError(response, late.number)
    return response


def get_message(
    world: World,
    service: Service,
    fiscal_code: str,
    identity: str,
    remote: str | None,
    faults: Matched,
) -> web.Response:
    """A message and its status, for the service that sent it (notes, 3)."""
    permissions.require_group(service, "apimessageread")
    if not checks.is_fiscal_code(fiscal_code):
        raise bad_parameter(fiscal_code, checks.FISCAL_CODE_TYPE)
    permissions.require_source(service, remote)
    if faults.take("error-500"):
        raise query_error("Error while retrieving the message")
    world.ledger.settle()
    message = world.ledger.messages.get(identity)
    # The pair must match exactly: a right id with another code is 404 (notes, 3.7).
    if message is None or message.fiscal_code != fiscal_code:
        raise RefusalError(404, "Message not found", "The message that you requested was not found in the system.")
    if message.service.id != service.id:
        raise permissions.forbidden("not yours")
    return success(200, _shown(world, service, message, faults))


def _shown(world: World, service: Service, message: Message, faults: Matched) -> dict[str, Any]:
    """The shape of 3.1: content only once PROCESSED, Premium fields only with entitlement."""
    shown: dict[str, Any] = {
        "id": message.id,
        "fiscal_code": message.fiscal_code,
        "created_at": iso_timestamp(message.received),
        "sender_service_id": message.service.id,
        "time_to_live": message.new.time_to_live,
        "feature_level_type": message.new.level,
    }
    answer: dict[str, Any] = {"message": shown, "status": message.status}
    if message.status != PROCESSED:
        return answer
    shown["content"] = message.new.content
    if world.tuning.old_notification:
        answer["notification"] = {"email": "SENT", "webhook": "SENT"}
    if message.advanced and "apimessagereadadvanced" in service.groups:
        now = time.time()
        answer["read_status"] = _read_status(world, message, now)
        if message.notice is not None:
            if faults.take("payment-500"):
                raise internal_error("Error retrieving Payment Status: Service unavailable")
            paid = world.ledger.is_paid(message.notice, now)
            answer["payment_status"] = "PAID" if paid else "NOT_PAID"
    return answer


def _read_status(world: World, message: Message, now: float) -> str:
    citizen = world.registry.find(message.fiscal_code)
    if citizen is None or not citizen.read_receipts:
        return "UNAVAILABLE"
    return "READ" if message.is_read(now) else "UNREAD"
