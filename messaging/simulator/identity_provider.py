"""The identity provider with which citizens sign in: who they are and with which key (platform notes, A5, 7 and 8).

It is the simulator's own; its certificate stands under /idp-keys/spid as PagoPA publishes those of SPID, so that an
institution can check its word to the end.
"""

import base64
import hashlib
from datetime import UTC, datetime, timedelta
from typing import Final

from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from lxml import etree

from messaging.simulator.identifiers import new_ulid
from messaging.simulator.lollipop import SignIn

ISSUER: Final = "https://spid.simulatore.example"
_SAML: Final = "urn:oasis:names:tc:SAML:2.0:assertion"
_PROTOCOL: Final = "urn:oasis:names:tc:SAML:2.0:protocol"
_METADATA: Final = "urn:oasis:names:tc:SAML:2.0:metadata"
_DSIG: Final = "http://www.w3.org/2000/09/xmldsig#"
_EXCLUSIVE: Final = "http://www.w3.org/2001/10/xml-exc-c14n#"


class IdentityProvider:
    """Signs who a citizen is, and the thumbprint of their app's key; its own key is made at first need."""

    def __init__(self) -> None:
        self._made: tuple[rsa.RSAPrivateKey, x509.Certificate] | None = None

    def add_routes(self, router: web.UrlDispatcher) -> None:
        """The list of snapshots of the metadata, and the only one there is."""
        router.add_get("/idp-keys/spid", self.snapshots)
        router.add_get("/idp-keys/spid/latest", self.metadata)

    async def snapshots(self, request: web.Request) -> web.Response:
        """The names of the snapshots."""
        return web.json_response(["latest"])

    async def metadata(self, request: web.Request) -> web.Response:
        """The metadata of all identity providers: one."""
        _, certificate = self._key()
        root = etree.Element(f"{{{_METADATA}}}EntitiesDescriptor", nsmap={None: _METADATA, "ds": _DSIG})
        entity = etree.SubElement(root, f"{{{_METADATA}}}EntityDescriptor", entityID=ISSUER)
        role = etree.SubElement(entity, f"{{{_METADATA}}}IDPSSODescriptor", protocolSupportEnumeration=_PROTOCOL)
        place = etree.SubElement(role, f"{{{_METADATA}}}KeyDescriptor", use="signing")
        for name in ("KeyInfo", "X509Data", "X509Certificate"):
            place = etree.SubElement(place, f"{{{_DSIG}}}{name}")
        place.text = _base64(certificate.public_bytes(Encoding.DER))
        return web.Response(body=etree.tostring(root), content_type="application/xml")

    def response(self, sign_in: SignIn) -> str:
        """The answer that the identity provider gave when the citizen signed in."""
        private, certificate = self._key()
        moment = datetime.fromtimestamp(sign_in.at, UTC)
        assertion = _assertion(sign_in, moment)
        # The signature comes right after the issuer, not at the end (SAML core, 5.4.1).
        assertion.insert(1, _signature(assertion, private, certificate))
        root = etree.Element(
            f"{{{_PROTOCOL}}}Response",
            {"ID": f"_{new_ulid()}", "Version": "2.0", "IssueInstant": _text(moment)},
            nsmap={"samlp": _PROTOCOL},
        )
        root.append(assertion)
        return str(etree.tostring(root, encoding="unicode"))

    def _key(self) -> tuple[rsa.RSAPrivateKey, x509.Certificate]:
        if self._made is None:
            private = rsa.generate_private_key(65_537, 2048)
            name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Simulatore di IO")])
            now = datetime.now(UTC)
            unsigned = (
                x509.CertificateBuilder()
                .subject_name(name)
                .issuer_name(name)
                .public_key(private.public_key())
                .serial_number(x509.random_serial_number())
                .not_valid_before(now - timedelta(days=1))
                .not_valid_after(now + timedelta(days=365))
            )
            self._made = private, unsigned.sign(private, hashes.SHA256())
        return self._made


def _assertion(sign_in: SignIn, moment: datetime) -> etree._Element:
    def inside(parent: etree._Element, name: str, text: str | None = None, **attributes: str) -> etree._Element:
        made = etree.SubElement(parent, f"{{{_SAML}}}{name}", attributes)
        made.text = text
        return made

    root = etree.Element(
        f"{{{_SAML}}}Assertion",
        {"ID": f"_{new_ulid()}", "Version": "2.0", "IssueInstant": _text(moment)},
        nsmap={"saml": _SAML},
    )
    inside(root, "Issuer", ISSUER)
    confirmation = inside(
        inside(root, "Subject"), "SubjectConfirmation", Method="urn:oasis:names:tc:SAML:2.0:cm:bearer"
    )
    inside(confirmation, "SubjectConfirmationData", InResponseTo=sign_in.reference)
    inside(root, "Conditions", NotBefore=_text(moment), NotOnOrAfter=_text(moment + timedelta(minutes=5)))
    attribute = inside(inside(root, "AttributeStatement"), "Attribute", Name="fiscalNumber")
    inside(attribute, "AttributeValue", f"TINIT-{sign_in.fiscal_code}")
    return root


def _signature(assertion: etree._Element, private: rsa.RSAPrivateKey, certificate: x509.Certificate) -> etree._Element:
    """An enveloped signature of an element that has none yet, with exclusive canonical XML (XML Signature, 4 and 6)."""

    def inside(parent: etree._Element, name: str, text: str | None = None, **attributes: str) -> etree._Element:
        made = etree.SubElement(parent, f"{{{_DSIG}}}{name}", attributes)
        made.text = text
        return made

    root = etree.Element(f"{{{_DSIG}}}Signature", nsmap={"ds": _DSIG})
    info = inside(root, "SignedInfo")
    inside(info, "CanonicalizationMethod", Algorithm=_EXCLUSIVE)
    inside(info, "SignatureMethod", Algorithm="http://www.w3.org/2001/04/xmldsig-more#rsa-sha256")
    reference = inside(info, "Reference", URI=f"#{assertion.get('ID')}")
    transforms = inside(reference, "Transforms")
    inside(transforms, "Transform", Algorithm=f"{_DSIG}enveloped-signature")
    inside(transforms, "Transform", Algorithm=_EXCLUSIVE)
    inside(reference, "DigestMethod", Algorithm="http://www.w3.org/2001/04/xmlenc#sha256")
    inside(reference, "DigestValue", _base64(hashlib.sha256(_canonical(assertion)).digest()))
    inside(root, "SignatureValue", _base64(private.sign(_canonical(info), padding.PKCS1v15(), hashes.SHA256())))
    data = inside(inside(root, "KeyInfo"), "X509Data")
    inside(data, "X509Certificate", _base64(certificate.public_bytes(Encoding.DER)))
    return root


def _canonical(element: etree._Element) -> bytes:
    return bytes(etree.tostring(element, method="c14n", exclusive=True))


def _base64(value: bytes) -> str:
    return base64.b64encode(value).decode()


def _text(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"
