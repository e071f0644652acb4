"""Who may do what: groups, recipients, addresses (notes, 1.6, 2.3 and 2.5)."""

import ipaddress
from typing import Final

from messaging.simulator.accounts import Service
from messaging.simulator.schema import NewMessage
from messaging.simulator.wire import RefusalError

_NOT_ALLOWED: Final = "You are not allowed here"
_LIMITED_WRITE: Final = "apilimitedmessagewrite"
_WRITE: Final = "apimessagewrite"

# Groups that the functions know; those of the gateway alone give no scope.
_SCOPES: Final = frozenset(
    [
        "apiadmin",
        "apidebugread",
        "apiinforead",
        "apilimitedmessagewrite",
        "apilimitedprofileread",
        "apimessageread",
        "apimessagereadadvanced",
        "apimessagewrite",
        "apimessagewriteadvanced",
        "apimessagewriteeucovidcert",
        "apimessagewritewithpayee",
        "apiremotecontentconfigurationwrite",
        "apiserviceread",
        "apiservicewrite",
        "apisubscriptionsfeedread",
        "apithirdpartymessagewrite",
    ]
)


def forbidden(kind: str = "generic") -> RefusalError:
    """One of the 403 of the functions (notes, 1.6)."""
    title, detail = _FORBIDDEN[kind]
    return RefusalError(403, title, detail)


_FORBIDDEN: Final = {
    "anonymous": (
        "Anonymous user",
        "The request could not be associated to a user, missing userId or subscriptionId.",
    ),
    "scopes": (
        "User has no valid scopes",
        ("You are not part of any valid scope, you should ask the administrator to give you the required permissions."),
    ),
    "generic": (
        _NOT_ALLOWED,
        "You do not have enough permission to complete the operation you requested",
    ),
    "covid": (
        _NOT_ALLOWED,
        "You do not have enough permissions to send an EUCovidCert message",
    ),
    "payee": (
        _NOT_ALLOWED,
        "You do not have enough permissions to send a payment message with payee",
    ),
    "premium": (
        _NOT_ALLOWED,
        "You do not have enough permissions to send a Premium message",
    ),
    "third party": (
        _NOT_ALLOWED,
        "You do not have enough permissions to send a third party message",
    ),
    "not yours": (
        _NOT_ALLOWED,
        "You are not allowed to read this message, you can only read messages that you have sent",
    ),
    "no configuration": (
        "No configuration id for remote content",
        "You did not send any configuration id for your remote content in third_party_data",
    ),
    "not your configuration": (
        "Not your configuration",
        "You're not the owner of the configuration related to the given configuration_id",
    ),
    "attachments": (
        "Attachments call forbidden",
        "You are not allowed to send messages with attachmens with STANDARD messages, please use ADVANCED",
    ),
    "recipient": (
        "Recipient forbidden",
        "You are not allowed to issue requests for the recipient.",
    ),
    "production": (
        "Production call forbidden",
        "You are not allowed to issue production calls at this time.",
    ),
}


def require_group(service: Service, *groups: str) -> None:
    """One of the endpoint's groups, and a service record (notes, 2.3 steps 3 and 5)."""
    if not service.groups & _SCOPES:
        raise forbidden("scopes")
    if not any(group in service.groups for group in groups):
        raise forbidden()
    if not service.registered:
        raise forbidden()


def require_write_group(service: Service) -> None:
    """The groups of submitting (notes, 1.2)."""
    require_group(service, _WRITE, _LIMITED_WRITE)


def require_payload_groups(service: Service, new: NewMessage) -> None:
    """Covid, payee, Premium, third party on STANDARD, in this order (notes, 2.3 step 8)."""
    groups = service.groups
    if "eu_covid_cert" in new.content and "apimessagewriteeucovidcert" not in groups:
        raise forbidden("covid")
    payment = new.payment
    if payment and "payee" in payment and "apimessagewritewithpayee" not in groups:
        raise forbidden("payee")
    if new.level == "ADVANCED":
        if "apimessagewriteadvanced" not in groups:
            raise forbidden("premium")
    elif new.third_party is not None and "apithirdpartymessagewrite" not in groups:
        raise forbidden("third party")


def require_source(service: Service, remote: str | None) -> None:
    """The caller's address within the service's networks; none means any (notes, 2.3 step 9)."""
    if not service.authorized_networks:
        return
    try:
        address = ipaddress.IPv4Address(remote or "")
    except ValueError:
        raise forbidden() from None
    if not any(address in network for network in service.authorized_networks):
        raise forbidden()


def require_recipient(service: Service, fiscal_code: str, otherwise: str = "production") -> None:
    """The limited group wins even beside the full one (notes, 2.3 step 13)."""
    if _LIMITED_WRITE in service.groups:
        if fiscal_code not in service.authorized_recipients:
            raise forbidden("recipient")
    elif _WRITE not in service.groups:
        raise forbidden(otherwise)
