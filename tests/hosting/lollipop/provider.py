"""An identity provider with a certificate of its own, and IO's two services that hand out what it signed."""

from __future__ import annotations

import base64
import json
import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from lxml import etree
from signxml import XMLSigner

from tests.hosting.lollipop.signer import FISCAL_CODE

NOW = datetime(2026, 3, 2, 10, 30, tzinfo=UTC)
LOGIN = NOW - timedelta(days=40)
ISSUER = "https://idp.example.it"
CIE_ISSUER = "https://idserver.servizicie.interno.gov.it/idp/profile/SAML2/POST/SSO"
SAML = "urn:oasis:names:tc:SAML:2.0:assertion"
EXCLUSIVE = "http://www.w3.org/2001/10/xml-exc-c14n#"


def instant(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


class Provider:
    """An identity provider: a key, and a certificate valid for a year around the login unless told otherwise."""

    def __init__(self, start: datetime = LOGIN - timedelta(days=180), end: datetime = LOGIN + timedelta(days=180)):
        self.key = rsa.generate_private_key(65537, 2048)
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Test CA")])
        self.certificate = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(self.key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(start)
            .not_valid_after(end)
            .sign(self.key, hashes.SHA256())
        )

    def signed(self, response: str, **settings: str) -> str:
        """The response with its assertion signed, the signature inside the assertion."""
        root = etree.fromstring(response.encode())
        assertion = root.find(f"{{{SAML}}}Assertion")
        signer = XMLSigner(**{"signature_algorithm": "rsa-sha256", "c14n_algorithm": EXCLUSIVE, **settings})
        key = self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        pem = self.certificate.public_bytes(Encoding.PEM)
        signed = signer.sign(assertion, key=key, cert=pem, reference_uri=assertion.get("ID"))
        root.replace(assertion, signed)
        return etree.tostring(root).decode()


@dataclass
class Login:
    """What an identity provider says at a login; each part can be made wrong before it is signed."""

    in_response_to: str
    fiscal_number: str = f"TINIT-{FISCAL_CODE}"
    issuer: str = ISSUER
    issued_at: datetime = LOGIN
    not_before: str = field(default_factory=lambda: instant(LOGIN))
    attribute: str = "fiscalNumber"
    identifier: str = "_a1"

    def assertion(self) -> str:
        return (
            f'<saml:Assertion xmlns:saml="{SAML}" ID="{self.identifier}" IssueInstant="{instant(self.issued_at)}" '
            'Version="2.0">'
            f"<saml:Issuer>{self.issuer}</saml:Issuer>"
            '<saml:Subject><saml:NameID>x</saml:NameID><saml:SubjectConfirmation Method="bearer">'
            f'<saml:SubjectConfirmationData InResponseTo="{self.in_response_to}"/>'
            "</saml:SubjectConfirmation></saml:Subject>"
            f'<saml:Conditions NotBefore="{self.not_before}"/>'
            "<saml:AttributeStatement>"
            '<saml:Attribute Name="name"><saml:AttributeValue>Ada</saml:AttributeValue></saml:Attribute>'
            f'<saml:Attribute Name="{self.attribute}"><saml:AttributeValue>{self.fiscal_number}</saml:AttributeValue>'
            "</saml:Attribute></saml:AttributeStatement></saml:Assertion>"
        )

    def response(self) -> str:
        return wrapped(self.assertion())


def wrapped(*inside: str) -> str:
    """A SAML response around assertions or whatever else."""
    protocol = "urn:oasis:names:tc:SAML:2.0:protocol"
    return f'<samlp:Response xmlns:samlp="{protocol}" ID="_r1" Version="2.0">{"".join(inside)}</samlp:Response>'


def metadata(**providers: list[Provider]) -> str:
    """The metadata of identity providers by entity id."""
    return (
        '<?xml version="1.0" encoding="UTF-8"?>'
        '<md:EntitiesDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" '
        'xmlns:ds="http://www.w3.org/2000/09/xmldsig#">'
        + "".join(entity(issuer, found) for issuer, found in providers.items())
        + "</md:EntitiesDescriptor>"
    )


def entity(issuer: str, found: list[Provider], use: str = 'use="signing"', root: str = "") -> str:
    """The metadata of one identity provider."""
    keys = "".join(
        f"<md:KeyDescriptor {use}><ds:KeyInfo><ds:X509Data><ds:X509Certificate>\n"
        f"{base64.encodebytes(provider.certificate.public_bytes(Encoding.DER)).decode()}"
        "</ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor>"
        for provider in found
    )
    return (
        f'<md:EntityDescriptor {root} entityID="{issuer}"><md:IDPSSODescriptor>{keys}</md:IDPSSODescriptor>'
        "</md:EntityDescriptor>"
    )


@dataclass
class Service:
    """A server on this machine: answers by path, and the requests it got."""

    url: str = ""
    answers: dict[str, tuple[int, bytes]] = field(default_factory=dict)
    requests: list[tuple[str, dict[str, str]]] = field(default_factory=list)

    def answer(self, path: str, body: object, status: int = 200) -> None:
        text = body if isinstance(body, str) else json.dumps(body)
        self.answers[path] = (status, text.encode())


class Serving:
    """Runs a `Service` in a thread while it is entered."""

    def __init__(self) -> None:
        service = self.service = Service()

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                service.requests.append((self.path, {name.lower(): value for name, value in self.headers.items()}))
                status, body = service.answers.get(self.path, (404, b"{}"))
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        service.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Service:
        self._thread.start()
        return self.service

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
