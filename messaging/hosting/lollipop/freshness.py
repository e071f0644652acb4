"""How old a signature may be (platform notes, A5, 9). Nobody but us looks at it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from messaging.hosting.lollipop.errors import Code, Unproved

#: The app signs anew at each attempt, waits 8 seconds for an answer and at most 24 between two attempts, and IO passes
#: the request on at once: what is older was kept by somebody. The rest is for phones whose clock is slow.
OLDEST = timedelta(minutes=5)
#: Phones set their clock from the network; ours is kept by NTP.
FUTURE = timedelta(minutes=1)


def check(parameters: Mapping[str, object], now: datetime, oldest: timedelta = OLDEST) -> None:
    """Check `created` (seconds since 1970, UTC), `expires` where it is given, and that there is a `nonce`.

    Raises `Unproved` with missing_nonce, missing_created, from_the_future, too_old or expired.
    """
    nonce = parameters.get("nonce")
    if type(nonce) is not str or not nonce:
        raise Unproved(Code.MISSING_NONCE)
    created = parameters.get("created")
    if type(created) is not int:
        raise Unproved(Code.MISSING_CREATED)
    age = now.timestamp() - created
    if age < -FUTURE.total_seconds():
        raise Unproved(Code.FROM_THE_FUTURE)
    if age > oldest.total_seconds():
        raise Unproved(Code.TOO_OLD)
    expires = parameters.get("expires")
    if expires is not None and (type(expires) is not int or expires <= now.timestamp()):
        raise Unproved(Code.EXPIRED)
