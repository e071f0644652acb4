"""The control API and its page."""

from __future__ import annotations

import re

import pytest

from messaging.simulator.citizens import Registry
from tests.simulator.box import LAURA, NOT_ON_IO, SCUOLA, Box, message


def test_the_ledger_has_what_was_sent(box: Box) -> None:
    identity = box.sent(message())
    entry = box.ledger()[0]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", entry.pop("received_at"))
    assert entry == {
        "id": identity,
        "account": "valdoria",
        "service": "tributi",
        "fiscal_code": LAURA,
        "subject": message()["content"]["subject"],
        "markdown": message()["content"]["markdown"],
        "payload": message(),
        "swallowed": [],
        "status": "PROCESSED",
    }


def test_the_ledger_can_be_narrowed_and_paged(box: Box) -> None:
    ids = [box.sent(message()), box.sent(message(NOT_ON_IO)), box.sent(message(), SCUOLA)]

    def found(query: str) -> list[str]:
        return [entry["id"] for entry in box.control("GET", f"/ledger?{query}")]

    assert found("") == ids
    assert found(f"fiscal_code={NOT_ON_IO}") == ids[1:2]
    assert found("service=scuola") == ids[2:]
    assert found(f"after={ids[0]}&limit=1") == ids[1:2]


def test_the_cast_is_listed_with_valid_codes(box: Box) -> None:
    from stdnum.it import codicefiscale

    people = box.control("GET", "/citizens")
    assert len(people) == len(Registry().cast())
    assert len({person["slug"] for person in people}) == len(people)
    assert all(codicefiscale.is_valid(p["fiscal_code"]) for p in people if p["slug"] != "codice-di-prova")


def test_citizens_for_load_runs_are_on_io(box: Box) -> None:
    codes = box.control("GET", "/citizens/load?count=3000")
    assert len(set(codes)) == 3000
    assert box.profile(codes[2999]).json()["sender_allowed"] is True


def test_citizens_can_be_added_and_changed(box: Box) -> None:
    assert box.profile(NOT_ON_IO).status_code == 404
    box.control("POST", "/citizens", {"fiscal_code": NOT_ON_IO, "on_io": True, "mode": "MANUAL"})
    assert box.profile(NOT_ON_IO).json()["sender_allowed"] is False
    added = box.control("POST", "/citizens", {"fiscal_code": "NVUPRS80A01Z999X", "name": "Nuova Persona"})
    assert box.session.get(f"{box.address}/phone/{added['slug']}", timeout=5).status_code == 200
    box.control("POST", "/reset")
    assert box.profile(NOT_ON_IO).status_code == 404


@pytest.mark.parametrize(
    ("path", "payload"),
    [
        ("/citizens", {"fiscal_code": "x"}),
        ("/citizens", {"fiscal_code": LAURA, "mode": "SOMETIMES"}),
        ("/citizens", {"fiscal_code": LAURA, "slug": "marco-rossi"}),
        ("/citizens", {"fiscal_code": LAURA, "slug": "a/b"}),
        ("/citizens", {"fiscal_code": LAURA, "shoe_size": 38}),
        ("/settings", {"limit": "lots"}),
        ("/settings", {"latency_ms": -1}),
        ("/settings", {"colour": "red"}),
        ("/feed", {"date": "x"}),
        ("/feed", {"date": "2026-02-02", "fiscal_code": LAURA, "event": "x"}),
        ("/faults", []),
    ],
)
def test_what_makes_no_sense_is_answered_400_with_a_sentence(box: Box, path: str, payload: object) -> None:
    answer = box.session.post(f"{box.control_address}{path}", json=payload, timeout=5)
    assert answer.status_code == 400
    assert answer.json()["error"]


def test_a_reset_forgets_everything(box: Box) -> None:
    box.sent(message())
    box.fault("error-503")
    box.control("POST", "/settings", {"settle_seconds": 9, "limit": "1/9"})
    box.control("POST", "/reset")
    assert box.ledger() == []
    assert box.control("GET", "/faults")["active"] == []
    assert box.control("GET", "/calls")["operations"] == {}
    assert box.control("GET", "/health")["settings"]["limit"] == "none"
    assert box.status(message()) == "PROCESSED"


def test_the_page_switches_faults_without_javascript(box: Box) -> None:
    page = box.session.get(box.control_address, timeout=5)
    assert page.headers["Content-Security-Policy"].startswith("default-src 'self'")
    assert "<script" not in page.text
    assert " style=" not in page.text
    form = {
        "name": "error-503",
        "value": "0,5",
        "count": "3",
        "service": "tributi",
        "citizen": "laura-bianchi",
        "operations": ["submit", "get"],
    }
    shown = box.session.post(f"{box.control_address}/forms/fault", data=form, timeout=5)
    assert shown.url == box.control_address
    assert "Ancora 3 volte" in shown.text
    assert LAURA not in shown.text
    fault = box.control("GET", "/faults")["active"][0]
    assert (fault["value"], fault["fiscal_code"], fault["operations"]) == (0.5, LAURA, ["get", "submit"])
    box.session.post(f"{box.control_address}/forms/clear", data={"id": str(fault["id"])}, timeout=5)
    assert box.control("GET", "/faults")["active"] == []


@pytest.mark.parametrize(
    "form",
    [
        {},
        {"name": "throttle", "value": "x"},
        {"name": "unauthorised", "value": "1"},
        {"name": "throttle", "count": "x"},
    ],
)
def test_the_page_explains_a_mistake_in_italian(box: Box, form: dict[str, str]) -> None:
    answer = box.session.post(f"{box.control_address}/forms/fault", data=form, timeout=5)
    assert answer.status_code == 400
    assert 'role="alert"' in answer.text


def test_the_page_settles_and_resets(box: Box) -> None:
    box.submit(message())
    assert "presi in carico: <b>1</b>" in box.session.get(box.control_address, timeout=5).text
    box.session.post(f"{box.control_address}/forms/settle", timeout=5)
    box.session.post(f"{box.control_address}/forms/reset", timeout=5)
    assert box.ledger() == []


def test_other_sites_cannot_press_the_buttons(box: Box) -> None:
    for address in (f"{box.control_address}/reset", f"{box.address}/phone/laura-bianchi/services/tributi"):
        answer = box.session.post(address, headers={"Sec-Fetch-Site": "cross-site"}, timeout=5)
        assert answer.status_code == 403
