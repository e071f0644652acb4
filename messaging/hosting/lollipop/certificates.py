"""Certificates of the identity providers of SPID and CIE, as PagoPA keeps them by date (platform notes, A5, 8)."""

from __future__ import annotations

import base64
import bisect
import json
import math
import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from datetime import datetime
from typing import Generic, TypeVar

from cryptography import x509
from lxml import etree

from messaging.hosting.lollipop import markup
from messaging.hosting.lollipop.errors import Code, Unproved
from messaging.hosting.lollipop.fetching import Answer, Fetcher

Certificates = tuple[x509.Certificate, ...]
#: By entity id.
Providers = Mapping[str, Certificates]
KeptT = TypeVar("KeptT")

BASE_URL = "https://api.is.eng.pagopa.it"
#: The one identity provider whose keys are on the other list.
CIE_ISSUER = "https://idserver.servizicie.interno.gov.it/idp/profile/SAML2/POST/SSO"
#: Seconds after which we look for a new snapshot: a new key signs for years.
REFRESH = 3600.0
#: Bytes; the metadata of all identity providers of SPID are some hundred thousand.
LENGTH_LIMIT = 8 * 1024 * 1024

_METADATA = "{urn:oasis:names:tc:SAML:2.0:metadata}"
_DSIG = "{http://www.w3.org/2000/09/xmldsig#}"
_LATEST = "latest"
_TAG = re.compile(r"[0-9]{1,12}")


class _Shelf(Generic[KeptT]):
    def __init__(self) -> None:
        self._kept: dict[str, tuple[float, KeptT]] = {}

    def get(self, place: str, lifetime: float, make: Callable[[], KeptT]) -> KeptT:
        # No lock: two threads may both ask, which is better than all of them waiting for one that gets no answer.
        kept, now = self._kept.get(place), time.monotonic()
        if kept is not None and now - kept[0] < lifetime:
            return kept[1]
        try:
            value = make()
        except Unproved:
            if kept is None:
                raise
            value = kept[1]
        self._kept[place] = (now, value)
        return value


class IdentityProviderCertificates:
    """Finds the certificates that an identity provider signed with at a time; any number of threads may share it.

    PagoPA keeps snapshots of the metadata, named by the second at which they were taken, and "latest". What was valid
    at a time is in the snapshot before it or in the one after it. Old snapshots never change and are kept; the list
    and "latest" are asked for again after an hour, and the old ones serve on while nobody answers. Time-outs are in
    seconds.
    """

    def __init__(self, base_url: str = BASE_URL, connect_timeout: float = 2.0, read_timeout: float = 5.0) -> None:
        self._fetcher = Fetcher(base_url, connect_timeout, read_timeout)
        self._lists: _Shelf[list[str]] = _Shelf()
        self._snapshots: _Shelf[Providers] = _Shelf()

    def of(self, issuer: str, signed_at: datetime) -> Certificates:
        """Return the signing certificates of the provider with the entity id `issuer` around a time.

        Raises `Unproved` with certificates_unavailable or unknown_identity_provider.
        """
        place = "/idp-keys/cie" if issuer == CIE_ISSUER else "/idp-keys/spid"
        tags = self._lists.get(place, REFRESH, lambda: _tags(self._get(place, "application/json")))
        snapshots = [self._snapshot(f"{place}/{tag}") for tag in around(tags, signed_at)]
        found = dict.fromkeys(certificate for snapshot in snapshots for certificate in snapshot.get(issuer, ()))
        if not found:
            raise Unproved(Code.UNKNOWN_IDENTITY_PROVIDER)
        return tuple(found)

    def _snapshot(self, place: str) -> Providers:
        lifetime = REFRESH if place.endswith(f"/{_LATEST}") else math.inf
        return self._snapshots.get(place, lifetime, lambda: _providers(self._get(place, "application/xml")))

    def _get(self, place: str, kind: str) -> bytes:
        answer = self._fetcher.get(place, {"Accept": kind}, LENGTH_LIMIT)
        if not isinstance(answer, Answer) or answer.status != 200:
            raise Unproved(Code.CERTIFICATES_UNAVAILABLE)
        return answer.body


def around(tags: Iterable[str], moment: datetime) -> list[str]:
    """Return the snapshots to look into for a time: the last one before it and the first one after it.

    `tags` are seconds since 1970 as text, and "latest", which is after all others.
    """
    seconds = sorted(int(tag) for tag in tags if tag != _LATEST)
    place = bisect.bisect_right(seconds, moment.timestamp())
    before = [str(seconds[place - 1])] if place else []
    return [*before, str(seconds[place]) if place < len(seconds) else _LATEST]


def _tags(body: bytes) -> list[str]:
    try:
        tags = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise Unproved(Code.CERTIFICATES_UNAVAILABLE) from error
    if not isinstance(tags, list):
        raise Unproved(Code.CERTIFICATES_UNAVAILABLE)
    return [tag for tag in tags if isinstance(tag, str) and (tag == _LATEST or _TAG.fullmatch(tag))]


def _providers(body: bytes) -> Providers:
    try:
        root = markup.parse(body)
    except markup.BadXml as error:
        raise Unproved(Code.CERTIFICATES_UNAVAILABLE) from error
    return {entity.get("entityID", ""): _signing(entity) for entity in root.iter(f"{_METADATA}EntityDescriptor")}


def _signing(entity: etree._Element) -> Certificates:
    # A key without a use is for signing as well (SAML metadata, 2.4.1.1).
    keys = [
        key
        for key in entity.findall(f"{_METADATA}IDPSSODescriptor/{_METADATA}KeyDescriptor")
        if key.get("use") in {None, "signing"}
    ]
    return tuple(
        certificate
        for key in keys
        for text in key.iterfind(f"{_DSIG}KeyInfo/{_DSIG}X509Data/{_DSIG}X509Certificate")
        for certificate in _certificate(text.text or "")
    )


def _certificate(text: str) -> Iterator[x509.Certificate]:
    # One that cannot be read is no reason to do without the others.
    with suppress(ValueError):
        yield x509.load_der_x509_certificate(base64.b64decode("".join(text.split()), validate=True))
