from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from messaging.appio.markdown import Button, email_preview, plain_text, render_as_app, with_buttons

BUTTON = Button("Vai", "Go", "iohandledlink://https://www.example.it")


@pytest.mark.parametrize(
    ("markdown", "html"),
    [
        ("# Uno", "<h1>Uno</h1>"),
        ("### Tre", "<h3>Tre</h3>"),
        ("#### Quattro", "<p>Quattro</p>"),
        ("**a** *b* `c<d`", "<p><strong>a</strong> <em>b</em> <code>c&lt;d</code></p>"),
        ("- a\n- b", "<ul><li>a</li>\n<li>b</li>\n</ul>"),
        ("3. a\n4. b", "<ol><li>a</li>\n<li>b</li>\n</ol>"),
        ("a  \nb", "<p>a<br>\nb</p>"),
        ("a<br>b<br/>c", "<p>a<br>\nb<br>\nc</p>"),
        ("a\n\n---\n\nb", "<p>a</p>\n<hr>\n<p>b</p>"),
        ("[t](https://x.it)", '<p><span class="link">t</span></p>'),
        ("[t](mailto:a@x.it)", '<p><span class="link">t</span></p>'),
        ("[t](ioit://SERVICES_HOME)", '<p><span class="link">t</span></p>'),
        ("[t][1]\n\n[1]: https://x.it", '<p><span class="link">t</span></p>'),
        ("[t](www.x.it)", '<p><span class="dead-link">t</span></p>'),
        ("[t](iosso://https://x.it)", '<p><span class="dead-link">t</span></p>'),
        ("[t](iohandledlink://https://x.it)", '<p><span class="dead-link">t</span></p>'),
        ("[t](javascript:alert(1))", '<p><span class="dead-link">t</span></p>'),
        ("vedi https://x.it/a.", '<p>vedi <span class="link">https://x.it/a</span>.</p>'),
        ("![un gatto](https://x.it/g.png)", '<p><span class="img-placeholder">un gatto</span></p>'),
        ("![un gatto](http://x.it/g.png)", "<p></p>"),
        ("a ~~via~~ b", "<p>a  b</p>"),
        ("| a | b |\n|---|---|\n| 1 | 2 |\n\ndopo", "<p>dopo</p>"),
        ("> **a**\n> b", "<blockquote>**a**<br>b</blockquote>"),
        ("> ## Titolo\n> testo", "<blockquote><strong>Titolo</strong><br>testo</blockquote>"),
        ("```py\na<b\n```", '<p class="raw">```py<br>a&lt;b<br>```</p>'),
        ("a <b>grassetto</b> <!-- nota --> c", "<p>a grassetto  c</p>"),
        ("<div onclick='x'>sparisce</div>", ""),
        ("a & b < c", "<p>a &amp; b &lt; c</p>"),
    ],
)
def test_each_construct_is_drawn_as_the_app_draws_it(markdown: str, html: str) -> None:
    assert render_as_app(markdown).strip() == html


def test_the_front_matter_is_not_drawn() -> None:
    assert render_as_app(with_buttons("Ciao", [BUTTON])).strip() == "<p>Ciao</p>"


class _Inventory(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.seen: set[tuple[str, tuple[tuple[str, str | None], ...]]] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.add((tag, tuple(attrs)))


TAGS = ["p", "h1", "h2", "h3", "strong", "em", "code", "ul", "ol", "li", "blockquote", "br", "hr", "span"]
HARMLESS = {(tag, ()) for tag in TAGS} | {
    ("span", (("class", "link"),)),
    ("span", (("class", "dead-link"),)),
    ("span", (("class", "img-placeholder"),)),
    ("p", (("class", "raw"),)),
}
PIECES = st.sampled_from(
    [
        *(
            "<script>",
            "</script>",
            "<style>",
            "<img src=x onerror=alert(1)>",
            "<a href='javascript:x'>",
            "<svg/onload=x>",
        ),
        *("[x](javascript:alert(1))", "![x](data:text/html,x)", '[x](https://x "onmouseover=x")', "<iframe srcdoc=x>"),
        *(
            "> ",
            "\n",
            "\n\n",
            "```",
            "`",
            "~~",
            "|",
            "\n|---|",
            "# ",
            "- ",
            "1. ",
            "***",
            "[",
            "]",
            "(",
            ")",
            "<",
            ">",
            "&",
        ),
        *(
            "&lt;script&gt;",
            "&#x3c;",
            '"',
            "'",
            "\\",
            "<!--",
            "-->",
            "<![CDATA[",
            "<?php",
            "---",
            "https://x.it/<b>",
            "\x00",
        ),
    ]
)


@given(st.lists(PIECES | st.text(max_size=5), max_size=30).map("".join))
def test_nothing_that_acts_comes_out_of_any_text(markdown: str) -> None:
    html = render_as_app(markdown)
    inventory = _Inventory()
    inventory.feed(html)
    assert inventory.seen <= HARMLESS
    assert not re.search(r"<[^>]*(?:href|src|style|on\w+)\s*=", html, re.IGNORECASE)


@given(st.text(max_size=300))
def test_the_email_shows_134_units_at_most(text: str) -> None:
    preview = email_preview(text)
    if "://" not in text:
        shown = preview.removesuffix("...")
        assert len(shown.encode("utf-16-le")) // 2 <= 134


def test_the_email_takes_what_follows_the_last_rule() -> None:
    assert email_preview("Importante: paga.\n\n---\n\nUfficio **Tributi**") == "Ufficio Tributi"
    assert email_preview("Prima\n\n| a |\n|---|\n| 1 |") == "|\n| 1 |"


def test_the_email_leaves_front_matter_and_layout_out() -> None:
    merged = with_buttons("# Ciao\n\n*Laura*, [paga](https://x.it) ~~ora~~ su https://x.it/a.", [BUTTON])
    assert email_preview(merged) == "Ciao\nLaura, paga ora su [link rimosso]"


def test_a_long_text_ends_with_dots_in_the_email() -> None:
    assert email_preview("a" * 135) == "a" * 134 + "..."
    assert email_preview("a" * 134) == "a" * 134
    assert email_preview("😀" * 68) == "😀" * 67 + "..."


def test_plain_text_has_a_line_for_each_block() -> None:
    assert plain_text("# A\n\n- b\n- *c*\n\n<div>d</div>\n\n```\ne\n```") == "A\nb\nc\nd\ne"
