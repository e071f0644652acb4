from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from messaging.appio.markdown import (
    Button,
    ButtonError,
    ButtonKind,
    FrontMatterError,
    button_action,
    parse_action,
    read_buttons,
    split_front_matter,
    with_buttons,
)

WEB = "iohandledlink://https://www.example.it"


@pytest.mark.parametrize(
    ("kind", "target", "action"),
    [
        (ButtonKind.WEB, " https://www.example.it/a?b=c#d ", "iohandledlink://https://www.example.it/a?b=c#d"),
        (ButtonKind.WEB, "http://example.it:8080/", "iohandledlink://http://example.it:8080/"),
        (ButtonKind.WEB, "HTTPS://Example.it/Città", "iohandledlink://https://example.it/Citt%C3%A0"),
        (ButtonKind.WEB, "https://è.example.it/%C3%A0", "iohandledlink://https://xn--8ca.example.it/%C3%A0"),
        (ButtonKind.WEB, "iohandledlink://https://example.it", "iohandledlink://https://example.it"),
        (ButtonKind.PHONE, "06 1234567", "iohandledlink://tel:+39061234567"),
        (ButtonKind.PHONE, "+39 06.123-4567", "iohandledlink://tel:+39061234567"),
        (ButtonKind.PHONE, "0039 06 1234567", "iohandledlink://tel:+39061234567"),
        (ButtonKind.PHONE, "333/1234567", "iohandledlink://tel:+393331234567"),
        (ButtonKind.PHONE, "800 123 456", "iohandledlink://tel:800123456"),
        (ButtonKind.PHONE, "112", "iohandledlink://tel:112"),
        (ButtonKind.EMAIL, "tributi@comune.example.it", "iohandledlink://mailto:tributi@comune.example.it"),
        (ButtonKind.SSO, "https://rp.example.it/login", "iosso://https://rp.example.it/login"),
        (ButtonKind.IO_PAGE, "PROFILE_PREFERENCES_HOME", "ioit://PROFILE_PREFERENCES_HOME"),
        (
            ButtonKind.IO_PAGE,
            "ioit://services/service-detail?serviceId=1",
            "ioit://services/service-detail?serviceId=1",
        ),
    ],
)
def test_a_target_becomes_an_action_that_the_app_opens(kind: ButtonKind, target: str, action: str) -> None:
    assert button_action(kind, target) == action
    back = parse_action(action)
    assert back[0] is kind
    assert button_action(*back) == action


@pytest.mark.parametrize(
    ("kind", "target", "code"),
    [
        (ButtonKind.WEB, "  ", "empty"),
        (ButtonKind.WEB, "www.example.it", "web_address"),
        (ButtonKind.WEB, "ftp://example.it", "web_address"),
        (ButtonKind.WEB, "https://", "web_address"),
        (ButtonKind.WEB, "https://localhost", "web_address"),
        (ButtonKind.WEB, "https://example.it/a b", "web_address"),
        (ButtonKind.WEB, "https://example.it:99999/", "web_address"),
        (ButtonKind.WEB, "https://[::1", "web_address"),
        (ButtonKind.WEB, "https://io.it@evil.example/", "web_address"),
        (ButtonKind.WEB, "javascript:alert(1)", "web_address"),
        (ButtonKind.PHONE, "ufficio", "phone"),
        (ButtonKind.PHONE, "12", "phone"),
        (ButtonKind.PHONE, "+", "phone"),
        (ButtonKind.EMAIL, "tributi", "email"),
        (ButtonKind.EMAIL, "a@b", "email"),
        (ButtonKind.EMAIL, "a b@example.it", "email"),
        (ButtonKind.SSO, "http://rp.example.it", "sso_address"),
        (ButtonKind.IO_PAGE, "a page", "io_page"),
    ],
)
def test_a_target_that_the_app_would_not_open_says_why(kind: ButtonKind, target: str, code: str) -> None:
    with pytest.raises(ButtonError) as caught:
        button_action(kind, target)
    assert caught.value.code == code


@pytest.mark.parametrize("action", ["https://www.example.it", "", "iohandledlinks://x", "tel:06"])
def test_an_action_without_a_prefix_of_the_app_is_none(action: str) -> None:
    with pytest.raises(ButtonError) as caught:
        parse_action(action)
    assert caught.value.code == "action"


@given(st.sampled_from(ButtonKind), st.text() | st.from_regex(r"https?://[a-z.]{1,20}/.{0,10}", fullmatch=True))
def test_an_action_is_ascii_on_one_line_and_read_back(kind: ButtonKind, target: str) -> None:
    with suppress(ButtonError):
        action = button_action(kind, target)
        assert action.isascii()
        assert not any(c.isspace() for c in action)
        assert button_action(*parse_action(action)) == action


def test_a_body_without_buttons_stays_as_it_is() -> None:
    assert with_buttons("Ciao", []) == "Ciao"


def test_the_front_matter_is_written_as_the_app_reads_it() -> None:
    buttons = [Button("Vai al sito", "Open site", WEB), Button("Chiama", "Call", "iohandledlink://tel:061234")]
    assert with_buttons("Corpo", buttons) == (
        "---\n"
        "it:\n"
        "    cta_1:\n"
        '        text: "Vai al sito"\n'
        '        action: "iohandledlink://https://www.example.it"\n'
        "    cta_2:\n"
        '        text: "Chiama"\n'
        '        action: "iohandledlink://tel:061234"\n'
        "en:\n"
        "    cta_1:\n"
        '        text: "Open site"\n'
        '        action: "iohandledlink://https://www.example.it"\n'
        "    cta_2:\n"
        '        text: "Call"\n'
        '        action: "iohandledlink://tel:061234"\n'
        "---\n"
        "Corpo"
    )


@pytest.mark.parametrize(
    ("buttons", "code"),
    [
        ([Button("a", "b", WEB)] * 3, "too_many"),
        ([Button("", "b", WEB)], "text"),
        ([Button("a", " ", WEB)], "text"),
    ],
)
def test_buttons_that_the_app_would_not_show_are_refused(buttons: list[Button], code: str) -> None:
    with pytest.raises(ButtonError) as caught:
        with_buttons("Corpo", buttons)
    assert caught.value.code == code


TEXTS = st.text(st.characters(codec="utf-8") | st.sampled_from("\"'\\:#{}[]-&*!|>%@`\n\u2028\u0085\x7f😀"), min_size=1)


@given(TEXTS, TEXTS, st.text())
def test_odd_characters_in_a_button_are_safe(text_it: str, text_en: str, body: str) -> None:
    with suppress(ButtonError):
        merged = with_buttons(body, [Button(text_it, text_en, WEB)])
        front_matter, rest = split_front_matter(merged)
        [button] = read_buttons(front_matter)
        assert button.action == WEB
        assert "".join(button.text_it.split()) == "".join(
            "".join(c for c in text_it if c.isspace() or c not in _controls()).split()
        )
        assert rest.strip() == body.strip() or body[:1].isspace()


def _controls() -> set[str]:
    return {chr(n) for n in (*range(32), *range(127, 160))}


@pytest.mark.parametrize(
    ("markdown", "front_matter", "body"),
    [
        ("Ciao", None, "Ciao"),
        ("", None, ""),
        ("\n---\na: b\n---\nCiao", None, "\n---\na: b\n---\nCiao"),
        ("---\nsenza fine", None, "---\nsenza fine"),
        ("---\r\na: b\r\n---\r\nCiao", {"a": "b"}, "Ciao"),
        ("---\na: b\n...\nCiao", {"a": "b"}, "Ciao"),
        ("---\n---\nCiao", {}, "Ciao"),
        ("---\nsolo parole\n---\nCiao", {}, "Ciao"),
        ("--- titolo\nCiao", None, "--- titolo\nCiao"),
    ],
)
def test_front_matter_is_split_as_the_app_splits_it(
    markdown: str, front_matter: dict[str, object] | None, body: str
) -> None:
    found, rest = split_front_matter(markdown)
    assert found == front_matter
    assert rest.lstrip() == body.lstrip()


@pytest.mark.parametrize(
    "yaml", ["a: [", "a: b: c", '"', "a:\n\t- b", "a: 2026-13-45", "[" * 3000, "!!python/object:x {}"]
)
def test_broken_front_matter_is_flagged(yaml: str) -> None:
    with pytest.raises(FrontMatterError):
        split_front_matter(f"---\n{yaml}\n---\nCiao")


@given(st.text("-\n: ab[]{}\"'.\r"))
def test_no_text_does_worse_than_a_front_matter_error(text: str) -> None:
    with suppress(FrontMatterError):
        split_front_matter(text)


def test_buttons_that_are_none_are_left_out() -> None:
    assert read_buttons(None) == []
    assert read_buttons({"it": {"cta_1": {"text": 5}, "cta_2": "x"}, "en": []}) == []
    assert read_buttons({"it": {"cta_1": {"text": "a", "action": WEB}}}) == [Button("a", "a", WEB)]
