"""The citizen's phone."""

from __future__ import annotations

import re

import pytest

from messaging.simulator.front_matter import read_letter
from messaging.simulator.markdown import draw
from tests.simulator.box import ANAGRAFE, BODY, ENGLISH, LAURA, NOT_ON_IO, OPTED_OUT, Box, message, payment

BUTTONS = """---
it:
    cta_1:
        text: "Vai al sito"
        action: "iohandledlink://https://www.example.it/x"
    cta_2:
        text: "Entra"
        action: "iosso://https://www.example.it"
---
"""


def page(box: Box, path: str = "") -> str:
    answer = box.session.get(f"{box.address}/phone{path}", timeout=5)
    assert answer.status_code == 200
    assert answer.headers["Content-Security-Policy"].startswith("default-src 'self'")
    assert not re.search(r"<script|<style| style=| on[a-z]+=", answer.text)
    return answer.text


def test_no_fiscal_code_is_in_any_page_or_address(box: Box) -> None:
    identity = box.sent(message(payment_data=payment()))
    codes = {person["fiscal_code"] for person in box.control("GET", "/citizens")}
    for path in ("", "/laura-bianchi", f"/laura-bianchi/{identity}"):
        text = page(box, path)
        assert not any(code in text for code in codes)


def test_the_cast_is_introduced(box: Box) -> None:
    box.sent(message())
    text = page(box)
    assert "Chi vuoi essere?" in text
    assert "Non usa l’app IO." in text
    assert "1 nuovo messaggio" in text


def test_the_inbox_shows_what_was_processed(box: Box) -> None:
    box.sent(message(subject="Messaggio arrivato"))
    box.control("POST", "/settings", {"settle_seconds": 60})
    box.submit(message(subject="Messaggio in viaggio"))
    text = page(box, "/laura-bianchi")
    assert "Messaggio arrivato" in text
    assert "Messaggio in viaggio" not in text
    box.sent(message(NOT_ON_IO))
    assert "Nessun messaggio" in page(box, "/paolo-ferri")


def test_the_page_reloads_by_itself_only_when_asked(box: Box) -> None:
    assert 'http-equiv="refresh"' not in page(box, "/laura-bianchi")
    assert 'http-equiv="refresh"' in page(box, "/laura-bianchi?live")


def test_opening_a_message_marks_it_as_read(box: Box) -> None:
    identity = box.sent({**message(), "feature_level_type": "ADVANCED"}, ANAGRAFE)
    assert "Non letto" in page(box, "/laura-bianchi")
    page(box, f"/laura-bianchi/{identity}")
    assert "Non letto" not in page(box, "/laura-bianchi")
    assert box.get(LAURA, identity, ANAGRAFE).json()["read_status"] == "READ"


def test_a_message_has_all_its_parts(box: Box) -> None:
    payload = message(
        markdown=BUTTONS + BODY + " <script>alert(1)</script> **grassetto**",
        due_date="2099-12-16T22:59:59Z",
        payment_data=payment(123456),
    )
    text = page(box, f"/laura-bianchi/{box.sent(payload)}")
    for part in (
        "Avviso di prova",
        "Comune di Valdoria",
        "Scade il 16/12/2099 alle 23:59",
        "<strong>grassetto</strong>",
        "3020 0000 0004 8217 33",
        "1.234,56 €",
        "Paga",
        'href="https://www.example.it/x"',
        "L’app entra senza password in https://www.example.it",
    ):
        assert part in text
    assert "cta_1" not in text


def test_a_past_deadline_is_a_warning(box: Box) -> None:
    text = page(box, f"/laura-bianchi/{box.sent(message(due_date='2020-07-01T10:00:00Z'))}")
    assert "Scaduto il 01/07/2020 alle 12:00" in text


def test_paying_shows_and_reaches_the_sender(box: Box) -> None:
    payload = {**message(payment_data=payment()), "feature_level_type": "ADVANCED"}
    identity = box.sent(payload, ANAGRAFE)
    assert box.get(LAURA, identity, ANAGRAFE).json()["payment_status"] == "NOT_PAID"
    shown = box.session.post(f"{box.address}/phone/laura-bianchi/{identity}/pay", timeout=5)
    assert "Pagato" in shown.text
    assert box.get(LAURA, identity, ANAGRAFE).json()["payment_status"] == "PAID"


def test_switching_a_service_changes_what_comes_next(box: Box) -> None:
    kept = box.sent(message())
    switch = f"{box.address}/phone/laura-bianchi/services/tributi"
    shown = box.session.post(switch, data={"allowed": "no", "message": kept}, timeout=5)
    assert shown.url.endswith(f"/{kept}")
    assert "Non attivo" in shown.text
    assert box.profile(LAURA).json()["sender_allowed"] is False
    assert box.status(message()) == "REJECTED"
    box.session.post(switch, data={"allowed": "yes"}, timeout=5)
    assert box.profile(LAURA).json()["sender_allowed"] is True


def test_a_citizen_who_opted_out_can_come_back(box: Box) -> None:
    box.session.post(f"{box.address}/phone/stefano-monti/services/tributi", data={"allowed": "yes"}, timeout=5)
    assert box.status(message(OPTED_OUT)) == "PROCESSED"


def test_nobody_opens_what_is_not_theirs(box: Box) -> None:
    identity = box.sent(message())
    for path in ("/nobody", f"/marco-rossi/{identity}", "/laura-bianchi/01", f"/{LAURA}"):
        answer = box.session.get(f"{box.address}/phone{path}", timeout=5)
        assert answer.status_code == 404
        assert "Content-Security-Policy" in answer.headers
    assert box.session.post(f"{box.address}/phone/marco-rossi/{identity}/pay", timeout=5).status_code == 404


def test_broken_front_matter_is_a_warning_as_in_the_app(box: Box) -> None:
    text = page(
        box,
        f"/laura-bianchi/{box.sent(message(markdown='---' + chr(10) + 'it: [' + chr(10) + '---' + chr(10) + BODY))}",
    )
    assert "non si può mostrare bene" in text
    assert "Mostra il testo" in text


def test_an_english_app_shows_no_button_without_english(box: Box) -> None:
    text = page(box, f"/emily-carter/{box.sent(message(ENGLISH, markdown=BUTTONS + BODY))}")
    assert "Vai al sito" not in text
    assert BODY in text


def test_half_an_emoji_does_not_break_the_page(box: Box) -> None:
    body = b'{"fiscal_code": "%s", "content": {"subject": "mezza \\ud83c emoji", "markdown": "%s"}}'
    identity = box.call("POST", "/messages", data=body % (LAURA.encode(), BODY.encode())).json()["id"]
    assert "mezza ? emoji" in page(box, f"/laura-bianchi/{identity}")


@pytest.mark.parametrize(
    ("action", "valid"),
    [
        ("iohandledlink://https://x.it", True),
        ("IOHandledLink://tel:061", True),
        ("iohandledlink://copy:testo", True),
        ("iosso://https://x.it/p", True),
        ("iosso://x", False),
        ("ioit://MESSAGES_HOME", True),
        ("https://x.it", False),
        ("iohandledlink://javascript:alert(1)", False),
    ],
)
def test_a_button_needs_one_of_the_apps_schemes(action: str, valid: bool) -> None:
    letter = read_letter(f"---\nit:\n  cta_1:\n    text: a\n    action: '{action}'\n---\ntesto", "it")
    assert letter.body == "testo"
    assert bool(letter.buttons) is valid


def test_front_matter_must_start_at_the_first_character() -> None:
    text = "\n---\nit: {}\n---\ntesto"
    assert read_letter(text, "it").body == text


@pytest.mark.parametrize(
    ("text", "drawn"),
    [
        ("### tre", '<h2 class="md-3">tre</h2>\n'.strip()),
        ("#### quattro", "<p>quattro</p>"),
        ("a ~~b~~ c", "<p>a  c</p>"),
        ("| a |\n|---|\n| 1 |", ""),
        ("```\nx < y\n```", '<p class="md-raw">```\nx &lt; y\n```</p>'),
        ("<b>forte</b> qui<br>sotto", "<p>forte qui<br>sotto</p>"),
        (
            "[a](javascript:alert(1))",
            '<p><span class="md-link">a</span> <small>(collegamento non supportato)</small></p>',
        ),
        ("[a](ioit://X)", '<p><span class="md-link">a</span></p>'),
        ("[a][1]\n\n[1]: https://x.it", '<p><a href="https://x.it" rel="noopener noreferrer">a</a></p>'),
        ("![foto](https://x.it/a.png)", '<p><span class="md-image">Immagine: foto</span></p>'),
        ("> ## T\n> uno *due*", '<div class="md-banner"><strong>T</strong><br>uno due</div>'),
        ("---", "<hr>"),
    ],
)
def test_the_dialect_is_the_apps(text: str, drawn: str) -> None:
    assert draw(text).strip() == drawn


def test_the_stylesheet_is_served(box: Box) -> None:
    answer = box.session.get(f"{box.address}/static/simulator/simulator.css", timeout=5)
    assert answer.headers["Content-Type"].startswith("text/css")
    for name in ("titillium-web-v10-latin-ext_latin-600.woff2", "..%2f..%2fbase.css"):
        answer = box.session.get(f"{box.address}/static/simulator/fonts/{name}", timeout=5)
        assert answer.status_code == (200 if name.endswith("woff2") else 404)
