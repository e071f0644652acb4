"""Whether the citizen's own app signed the request, and for the first time (platform notes, A5)."""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping
from datetime import UTC, datetime, timedelta
from functools import cache
from http import HTTPStatus
from urllib.parse import urlsplit

from django.conf import settings

from messaging.hosting import database
from messaging.hosting.lollipop.assertions import AssertionSource, verify_assertion
from messaging.hosting.lollipop.certificates import IdentityProviderCertificates
from messaging.hosting.lollipop.errors import PASSING
from messaging.hosting.lollipop.verification import Unproved, verify
from messaging.models import UsedSignature

#: Longer than any signature is fresh: an older one is refused for its age.
REMEMBERED = timedelta(hours=1)

_log = logging.getLogger(__name__)
_REMEMBER = "INSERT INTO messaging_usedsignature (digest, seen_at) VALUES (%s, %s) ON CONFLICT (digest) DO NOTHING"


def refusal(environ: Mapping[str, object], fiscal_code: str, io_id: str, hosts: Collection[str]) -> HTTPStatus | None:
    """None when the headers of a WSGI request prove that this person's app made it, and nobody repeats it.

    ``io_id`` is IO's id of the message, or empty where it is not known; ``hosts`` are those of IO to which the app
    talks. With LOLLIPOP_ASSERTION_KEY the identity provider's answer at the login is verified too; when nobody hands
    that out at this moment the answer is 500, else 403. Why goes to the log, without anything of the person.
    """
    now = datetime.now(UTC)
    try:
        proof = verify(_headers(environ), fiscal_code, now, hosts)
        if assertions := _assertions():
            verify_assertion(proof, fiscal_code, *assertions, now)
    except Unproved as error:
        return _refused(str(error), passing=error.code in PASSING)
    if io_id and proof.io_message_id != io_id:
        return _refused("signed for another message")
    if not database.changed(_REMEMBER, [proof.replay_key, database.moment(now)]):
        return _refused("signature used before")
    return None


def _refused(why: str, *, passing: bool = False) -> HTTPStatus:
    _log.warning("a request is not proved to come from the citizen's app: %s", why)
    return HTTPStatus.INTERNAL_SERVER_ERROR if passing else HTTPStatus.FORBIDDEN


@cache
def _assertions() -> tuple[AssertionSource, IdentityProviderCertificates] | None:
    """Who hands out assertions, and whose certificates they bear; None without the entitlement."""
    if not settings.LOLLIPOP_ASSERTION_KEY:
        return None
    address = urlsplit(settings.IO_API_URL)
    source = AssertionSource(settings.LOLLIPOP_ASSERTION_KEY, f"{address.scheme}://{address.netloc}")
    return source, IdentityProviderCertificates(settings.LOLLIPOP_PROVIDERS_URL)


def forget_old_signatures() -> int:
    """Delete what no request can repeat any more; returns how many there were."""
    old = UsedSignature.objects.filter(seen_at__lt=datetime.now(UTC) - REMEMBERED)
    return old.delete()[0]


def _headers(environ: Mapping[str, object]) -> dict[str, str]:
    return {
        name[5:].lower().replace("_", "-"): str(value) for name, value in environ.items() if name.startswith("HTTP_")
    }
