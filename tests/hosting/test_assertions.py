"""With the entitlement the identity provider has to vouch for the key too: IO hands out what it said at the login."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

import pytest
import requests

from messaging.hosting import signatures
from messaging.models import UsedSignature
from messaging.simulator.identity_provider import ISSUER
from tests.hosting.lollipop.provider import Provider, Serving, metadata
from tests.simulator.institution import DETAIL, Institution, Reply, configuration, environment
from tests.simulator_process import ANAGRAFE, BORGOFIORE, MANAGE, REGULAR, TRIBUTI, SimulatorProcess

HOSTS = frozenset({"api-app.io.pagopa.it"})
BODY = "Il testo che si vede fuori dal messaggio è lungo almeno ottanta caratteri, come la piattaforma chiede a tutti."

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def nobody_known() -> Iterator[None]:
    """Whom to ask is kept as long as the process lives."""
    signatures._assertions.cache_clear()
    yield
    signatures._assertions.cache_clear()


@pytest.fixture
def institution() -> Iterator[Institution]:
    """What IO's requests for the message go to."""
    server = Institution()
    server.replies["/io/messages/pratica-1"] = Reply(200, json.dumps(DETAIL).encode())
    yield server
    server.stop()


class Phone:
    """A citizen with one message that IO fetches; each opening is what reaches an institution."""

    def __init__(self, simulator: SimulatorProcess, institution: Institution) -> None:
        self.simulator, self.institution = simulator, institution
        place = environment(institution.url)
        registered = self._post(
            "/messages-sending/remote-contents/configurations",
            MANAGE,
            configuration(is_lollipop_enabled=True, prod_environment=place),
        )
        third_party = {
            "id": "pratica-1",
            "configuration_id": registered["configuration_id"],
            "has_remote_content": True,
        }
        content = {"subject": "Avviso di prova", "markdown": BODY, "third_party_data": third_party}
        message = {"fiscal_code": REGULAR, "content": content, "feature_level_type": "ADVANCED"}
        self.io_id: str = self._post("/messages", ANAGRAFE, message)["id"]
        simulator.settle()

    def _post(self, path: str, key: str, body: dict[str, Any]) -> dict[str, Any]:
        headers = {"Ocp-Apim-Subscription-Key": key}
        answer = requests.post(f"{self.simulator.url}{path}", json=body, headers=headers, timeout=10)
        assert answer.status_code == 201, answer.text
        made: dict[str, Any] = answer.json()
        return made

    def opens(self) -> dict[str, str]:
        """The headers of IO's request, as WSGI has them."""
        assert self.simulator.open(self.io_id)["status"] == 200
        headers = self.institution.asked[-1].headers
        return {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in headers.items()}

    def refusal(self, environ: dict[str, str] | None = None) -> HTTPStatus | None:
        """What the portal has against an opening."""
        return signatures.refusal(environ or self.opens(), REGULAR, self.io_id, HOSTS)


@pytest.fixture
def phone(simulator: SimulatorProcess, institution: Institution, settings: Any) -> Phone:
    """A citizen of the simulator, and a portal that is entitled to ask who signed in."""
    settings.LOLLIPOP_ASSERTION_KEY = TRIBUTI
    settings.LOLLIPOP_PROVIDERS_URL = simulator.url.removesuffix("/api/v1")
    return Phone(simulator, institution)


@pytest.mark.parametrize("algorithm", ["ecdsa-p256-sha256", "rsa-pss-sha256"])
def test_an_opening_is_proved_to_the_end(phone: Phone, algorithm: str) -> None:
    phone.simulator.tune(lollipop_algorithm=algorithm)
    assert phone.refusal() is None
    assert phone.refusal() is None
    assert phone.simulator.calls("assertions") == {"200": 2}


def test_without_the_entitlement_nobody_is_asked(phone: Phone, settings: Any) -> None:
    settings.LOLLIPOP_ASSERTION_KEY = ""
    assert phone.refusal() is None
    assert phone.simulator.calls("assertions") == {}


def test_what_io_has_forgotten_proves_nothing(phone: Phone) -> None:
    environ = phone.opens()
    phone.simulator.reset()
    assert phone.refusal(environ) == HTTPStatus.FORBIDDEN
    assert phone.simulator.calls("assertions") == {"410": 1}


@pytest.mark.parametrize("key", [BORGOFIORE, "x" * 32])
def test_a_key_without_the_group_lets_nobody_in(phone: Phone, settings: Any, key: str) -> None:
    settings.LOLLIPOP_ASSERTION_KEY = key
    assert phone.refusal() == HTTPStatus.FORBIDDEN


def test_an_assertion_that_another_key_signed_proves_nothing(
    phone: Phone, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    with Serving() as registry:
        settings.LOLLIPOP_PROVIDERS_URL = registry.url
        registry.answer("/idp-keys/spid", ["latest"])
        registry.answer("/idp-keys/spid/latest", metadata(**{ISSUER: [Provider()]}))
        assert phone.refusal() == HTTPStatus.FORBIDDEN
    assert "wrong_assertion_signature" in caplog.text
    assert REGULAR not in caplog.text


def test_a_flaw_of_the_signature_is_seen_before_anybody_is_asked(phone: Phone) -> None:
    phone.simulator.fault("lollipop-signature")
    assert phone.refusal() == HTTPStatus.FORBIDDEN
    assert phone.simulator.calls("assertions") == {}


@pytest.mark.parametrize("fault", ["error-500", "error-503", "drop-before", "throttle"])
def test_where_io_does_not_answer_the_app_may_come_again(phone: Phone, fault: str) -> None:
    environ = phone.opens()
    phone.simulator.fault(fault, operations=["assertions"])
    assert phone.refusal(environ) == HTTPStatus.INTERNAL_SERVER_ERROR
    assert not UsedSignature.objects.exists()
    phone.simulator.clear()
    assert phone.refusal(environ) is None


def test_where_nobody_listens_the_app_may_come_again(phone: Phone) -> None:
    environ = phone.opens()
    phone.simulator.fault("refuse")
    assert phone.refusal(environ) == HTTPStatus.INTERNAL_SERVER_ERROR
    assert not UsedSignature.objects.exists()


def test_where_nobody_hands_out_certificates_the_app_may_come_again(phone: Phone, settings: Any) -> None:
    settings.LOLLIPOP_PROVIDERS_URL = "http://127.0.0.1:9"
    assert phone.refusal() == HTTPStatus.INTERNAL_SERVER_ERROR


def test_a_proved_opening_cannot_be_repeated(phone: Phone) -> None:
    environ = phone.opens()
    assert [phone.refusal(environ) for _ in range(2)] == [None, HTTPStatus.FORBIDDEN]
