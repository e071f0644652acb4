"""POST and GET /profiles, GET /subscriptions-feed/{date} (notes, 4 and 5)."""

from datetime import UTC, datetime, time, timedelta
from email.utils import format_datetime
from typing import Any

from aiohttp import web

from messaging.simulator import checks, permissions
from messaging.simulator.accounts import Service
from messaging.simulator.faults import Matched
from messaging.simulator.schema import bad_parameter
from messaging.simulator.wire import RefusalError, query_error, success
from messaging.simulator.world import World, today


def get_profile(world: World, service: Service, fiscal_code: str, remote: str | None, faults: Matched) -> web.Response:
    """Whether the calling service may write to this person (notes, 4)."""
    permissions.require_source(service, remote)
    # Before any lookup, so that a sandbox cannot probe who is registered.
    permissions.require_recipient(service, fiscal_code, otherwise="recipient")
    if faults.take("error-500"):
        raise query_error("Error while retrieving the profile")
    citizen = world.registry.find(fiscal_code)
    if citizen is None or not citizen.reachable:
        raise RefusalError(404, "Profile not found", "The profile you requested was not found in the system.")
    answer: dict[str, Any] = {"sender_allowed": citizen.allows(service)}
    if citizen.languages:
        answer["preferred_languages"] = citizen.languages
    return success(200, answer)


def require_profile_group(service: Service) -> None:
    """The group of both profile operations (notes, 1.2)."""
    permissions.require_group(service, "apilimitedprofileread")


def get_feed(world: World, service: Service, text: str, remote: str | None, faults: Matched) -> web.Response:
    """One day of the subscription feed, readable once the day is over (notes, 5)."""
    permissions.require_group(service, "apisubscriptionsfeedread")
    day = checks.parse_day(text)
    if day is None:
        raise bad_parameter(text, "ShortDateString")
    permissions.require_source(service, remote)
    if day >= today():
        ready = datetime.combine(day + timedelta(days=1), time.min, UTC)
        raise RefusalError(
            404,
            "Data not available yet",
            f"Subscription data for {text} will be available from {format_datetime(ready, usegmt=True)}",
        )
    if faults.take("error-500"):
        raise query_error("Error while retrieving the subscriptions")
    subscriptions, unsubscriptions = world.feed.read(day, service.slug)
    return success(
        200,
        {"dateUTC": text, "subscriptions": subscriptions, "unsubscriptions": unsubscriptions},
    )
