"""Who signed in with a key: the identity provider's word, for institutions entitled to it (platform notes, A5, 6)."""

from typing import Final

from aiohttp import web

from messaging.simulator.accounts import Service
from messaging.simulator.faults import Matched
from messaging.simulator.wire import bare, query_error, success
from messaging.simulator.world import World

READ_GROUP: Final = "apilollipopassertionread"


def get_assertion(world: World, service: Service, reference: str, authorization: str, faults: Matched) -> web.Response:
    """The SAML response of the sign-in that knew a key: 403 without group or right token, 410 when it is gone."""
    token = authorization.removeprefix("Bearer ")
    if READ_GROUP not in service.groups or not world.signer.accepts(token, reference):
        return bare(403, "Forbidden")
    if faults.take("error-500"):
        raise query_error("Error while retrieving the assertion")
    found = world.signer.sign_in(reference)
    if found is None:
        return bare(410, "Gone")
    return success(200, {"response_xml": world.identity_provider.response(found)})
