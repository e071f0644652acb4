from __future__ import annotations

from html.parser import HTMLParser

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from markdown_it.tree import SyntaxTreeNode

from messaging.appio.buttons import ButtonError, ButtonKind
from messaging.appio.dialect import parse
from messaging.appio.markdown import email_preview, read_buttons, render_as_app, split_front_matter
from messaging.appio.rules import utf16_length
from messaging.spreadsheets.escaping import for_address, for_markdown, one_line
from messaging.spreadsheets.placeholders import found, take_apart
from messaging.spreadsheets.texts import ButtonText, MessageText

# What there is in a text


def test_placeholders_are_found_in_order_each_once() -> None:
    names = [(each.key, each.name, each.required) for each in found(["((Nome))", "((via)) ((nome)) ((IMPORTO))"])]
    assert names == [("nome", "Nome", True), ("via", "via", True), ("amount", "IMPORTO", True)]


def test_those_of_a_passage_are_not_required() -> None:
    text = "((?Nota: vedi ((nota)) di ((mittente)) )) e ((nome))"
    assert [(each.key, each.required) for each in found([text])] == [
        ("nota", False),
        ("mittente", False),
        ("nome", True),
    ]


def test_one_that_also_stands_outside_is_required() -> None:
    assert [each.required for each in found(["((?nome: caro ((nome)) ))", "((nome))"])] == [True]


@given(st.text("(?): ab", max_size=40))
def test_any_text_can_be_taken_apart(text: str) -> None:
    names = {each.key: "x" for each in found([text])}
    take_apart(text, "markdown").fill(names)


def test_a_text_of_opening_marks_takes_no_time() -> None:
    text = "((?a:" * 3_000 + "((" * 3_000
    assert found([text]) == []
    assert [each.key for each in found(["((?a: ((b)) " * 2_000])] == ["b"]


# Filling


def _filled(text: str, **values: str) -> str:
    return take_apart(text, "markdown").fill(values)


def test_names_are_compared_without_case_accents_and_signs() -> None:
    assert _filled("((Qualità dell’aria))", qualitadellaria="buona") == "buona"


def test_a_placeholder_without_a_value_stays() -> None:
    assert _filled("((nome)) ((via))", nome="Ada") == "Ada ((via))"


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("((importo))", "12,50 euro"),
        ("**((importo))** euro", "**12,50** euro"),
        ("€ ((amount))", "€ 12,50"),
        ("((importo)) entro", "12,50 euro entro"),
    ],
)
def test_an_amount_comes_with_its_currency(text: str, result: str) -> None:
    assert _filled(text, amount="12,50") == result


@pytest.mark.parametrize(
    ("text", "shown", "hidden"),
    [
        ("a((?nota: vedi ((nota)) )) b", "avedi N b", "a b"),
        ("a ((?nota: (vedi ((nota))))) b", "a (vedi N) b", "a  b"),
        ("((?nota: **Nota**\n\n((nota))\n\n))fine", "**Nota**\n\nN\n\nfine", "fine"),
        ("((?nota: c'è una nota))", "c'è una nota", ""),
    ],
)
def test_a_passage_shows_only_with_its_cell(text: str, shown: str, hidden: str) -> None:
    assert _filled(text, nota="N") == shown
    assert _filled(text, nota="") == hidden


def test_a_shown_passage_misses_what_in_it_is_empty() -> None:
    text = MessageText("Oggetto", "((?nota: ((nota)) di ((mittente)) ))")
    assert text.missing({"nota": "x", "mittente": ""}) == ["mittente"]
    assert text.missing({"nota": "", "mittente": ""}) == []


def test_the_subject_is_not_escaped() -> None:
    assert MessageText("Avviso *((nome))*", "((nome))").merge({"nome": "A_b"}).subject == "Avviso *A_b*"


@pytest.mark.parametrize(
    "value", ["Niccolò D'Angelo", "Rossi S.n.c. (Roma)", "via dei Tigli, 12/b", "1.234,50", "RSSMRA"]
)
def test_ordinary_values_are_left_as_they_are(value: str) -> None:
    assert for_markdown(value) == value


@pytest.mark.parametrize(
    "value",
    [
        "*a* _b_",
        "# a",
        "1. a",
        "- a",
        "+39 06",
        "Rossi & C. #3 <x>",
        "a!",
        "[x](y)",
        "\\*",
        "> a",
        "a | b ~~c~~",
        "&amp; &#42;",
    ],
)
def test_a_value_reads_as_it_was_written(value: str) -> None:
    assert _texts(_filled("Ciao ((v)).", v=value)) == f"Ciao {value}."
    assert _texts(_filled("((v))", v=value)) == value


def _texts(markdown: str) -> str:
    (paragraph,) = parse(markdown).children
    assert paragraph.type == "paragraph"
    return "".join(node.content for node in paragraph.children[0].children)


@pytest.mark.parametrize(
    ("typed", "clean"),
    [
        ("due\nrighe", "due righe"),
        ("a\r\n\r\nb", "a b"),
        ("\u2028a\u2029b\x85c\x0bd", "a b c d"),
        ("  tab\t e\u00a0spazi  ", "tab e spazi"),
        ("\ufeffBOM\u200b", "BOM"),
        ("gira\u202eto\x00\x1b", "gira to"),
        ("mezza\ud800", "mezza"),
        ("famiglia 👨‍👩‍👧", "famiglia 👨‍👩‍👧"),
    ],
)
def test_a_value_is_one_line_without_unseen_characters(typed: str, clean: str) -> None:
    assert one_line(typed) == clean


# Nothing that a cell says alters how the message is built


class _Inventory(HTMLParser):
    """Counts what the app draws, text and line breaks apart."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: dict[str, int] = {}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        name = f"{tag}.{dict(attrs).get('class', '')}"
        self.seen[name] = self.seen.get(name, 0) + 1


def _drawn(markdown: str) -> dict[str, int]:
    inventory = _Inventory()
    inventory.feed(render_as_app(markdown))
    return inventory.seen


def _kinds(node: SyntaxTreeNode) -> list[str]:
    """The kinds of everything in a tree but texts, which a value may have more or fewer of."""
    return [each.type for each in node.walk() if each.type not in {"text", "root"}]


_WICKED = st.sampled_from(
    [
        *("https://", "http", "s://", "://", "//", "www", ".", "www.", "x.it", "mailto:", "a@x.it", "javascript:"),
        *("---", "--", "-", "===", "=", "= yaml =", "#", "##", " ", "  ", "\n", "\n\n", "\r", "\u2028", "\t", "    "),
        *(
            "[",
            "]",
            "(",
            ")",
            "](",
            "![",
            "!",
            "<",
            ">",
            "<b>",
            "</b>",
            "<!--",
            "-->",
            "<https://x.it>",
            "[x]: https://x.it",
        ),
        *("*", "**", "_", "__", "~~", "`", "```", "~~~", "|", "|-|", ":-", "&", "&amp;", "&#42;", "\\", "\\\\"),
        *(
            "1.",
            "1)",
            "1",
            "- ",
            "+ ",
            "> ",
            "it:\n    cta_1:",
            '"',
            "'",
            "((nome))",
            "((",
            "))",
            "a",
            "è",
            "😀",
            "\x00",
        ),
    ]
)
_VALUES = st.lists(_WICKED, max_size=6).map("".join)
_TEMPLATES = [
    "((a))",
    "((a))((b))",
    "((a)) ((b))",
    "Ciao ((a)), ecco ((b))!",
    "((a))\n((b))\n",
    "Testo\n((a))\n\n((b))\n",
    "- ((a))\n- ((b))\n",
    "# ((a))\n\n**((b))** testo",
    "((a)). ((b))) fine",
    "> ((a))\n> ((b))",
    "| x |\n((a))\n((b))",
    "a | b\n((a)) | ((b))",
    "x((a))y((b))z",
    "((?a: **((a))** e ((b)) ))",
    "\\((a)) \\\\((b))",
]


@given(template=st.sampled_from(_TEMPLATES), a=_VALUES, b=_VALUES)
@example(template="((a))((b))", a="https:", b="//x.it")
@example(template="((a))((b))", a="www", b=".x.it")
@example(template="((a))((b))", a="w", b="ww.x.it")
@example(template="Testo\n((a))\n\n((b))\n", a="---", b="===")
@example(template="((a))((b))", a="1", b=". x")
def test_no_value_makes_a_link_heading_front_matter_table_or_button(template: str, a: str, b: str) -> None:
    values = {"a": one_line(a), "b": one_line(b)}
    filled = take_apart(template, "markdown").fill(values)
    front, text = split_front_matter(filled)
    assert front is None
    assert text == filled
    assert read_buttons(front) == []
    plain = take_apart(template, "markdown").fill({key: "x" if value else "" for key, value in values.items()})
    for forbidden in ("span.link", "span.dead-link", "span.img-placeholder", "h1.", "h2.", "h3.", "hr.", "p.raw"):
        assert _drawn(filled).get(forbidden, 0) == _drawn(plain).get(forbidden, 0), (filled, forbidden)
    kinds, wanted = _kinds(parse(filled)), _kinds(parse(plain))
    for forbidden in ("link", "image", "heading", "table", "hr", "fence", "code_block", "code_inline", "html_inline",
                      "html_block", "s", "list_item", "blockquote"):  # fmt: skip
        assert kinds.count(forbidden) == wanted.count(forbidden), (filled, forbidden)


@given(value=_VALUES)
def test_no_value_leaves_the_address_it_is_part_of(value: str) -> None:
    text = "[Vai](https://x.it/p?n=((a))) e https://x.it/((a)) <https://x.it/((a))>"
    filled = take_apart(text, "markdown").fill({"a": one_line(value)})
    links = [node for node in parse(filled).walk() if node.type == "link"]
    assert [str(node.attrs["href"]).partition("x.it/")[0] for node in links] == ["https://", "https://"]
    # The words of the last one are its address decoded, in which render_as_app looks for addresses once more.
    assert _drawn(filled.partition(" <")[0])["span.link"] == 2
    assert filled.count(" ") == text.count(" ")


@pytest.mark.parametrize(
    ("text", "value", "result"),
    [
        ("[Apri](((a)))", "https://x.it", "[Apri](https%3A%2F%2Fx.it)"),
        ("[Scrivi](mailto:((a)))", "a@x.it", "[Scrivi](mailto:a@x.it)"),
        ("[Chiama](tel:((a)))", "+39061", "[Chiama](tel:+39061)"),
        ("https://x.it/((a))", "a b/c_d", "https://x.it/a%20b%2Fc%5Fd"),
        ("[1]: https://x.it/((a))", "è", "[1]: https://x.it/%C3%A8"),
        ("[a](https://x.it) ((a))", "a_b", "[a](https://x.it) a\\_b"),
    ],
)
def test_within_an_address_a_value_is_encoded(text: str, value: str, result: str) -> None:
    assert _filled(text, a=value) == result


@given(st.text())
def test_an_encoded_value_has_only_what_addresses_have(text: str) -> None:
    assert set(for_address(one_line(text))) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789%-.")


# Buttons

BODY = "Un testo che è lungo abbastanza da essere preso dalla piattaforma, per ((nome)) e tutti gli altri."


def _with_button(kind: ButtonKind, target: str, text: str = "Vai") -> MessageText:
    return MessageText("Un oggetto qualsiasi", BODY, [ButtonText(text, "Go", kind, target)])


@pytest.mark.parametrize(
    ("kind", "target", "value", "action"),
    [
        (ButtonKind.WEB, "https://x.it/((a))", "a/b?c", "iohandledlink://https://x.it/a%2Fb%3Fc"),
        (ButtonKind.WEB, "((a))", "https://x.it/a?b=c", "iohandledlink://https://x.it/a?b=c"),
        (ButtonKind.PHONE, "((a))", "06 12 34", "iohandledlink://tel:+39061234"),
        (ButtonKind.EMAIL, "((a))", "a@x.it", "iohandledlink://mailto:a@x.it"),
        (ButtonKind.EMAIL, "ufficio-((a))@x.it", "tari", "iohandledlink://mailto:ufficio-tari@x.it"),
    ],
)
def test_values_fill_the_target_of_a_button(kind: ButtonKind, target: str, value: str, action: str) -> None:
    markdown = _with_button(kind, target).merge({"nome": "Ada", "a": value}).markdown
    (button,) = read_buttons(split_front_matter(markdown)[0])
    assert button.action == action


@pytest.mark.parametrize("value", ["javascript:alert(1)", "https://", "ciao", "https://a@b.it"])
def test_a_value_that_the_app_would_not_open_is_refused(value: str) -> None:
    with pytest.raises(ButtonError):
        _with_button(ButtonKind.WEB, "((a))").merge({"nome": "Ada", "a": value})


@given(value=_VALUES, other=_VALUES)
def test_no_value_alters_the_buttons(value: str, other: str) -> None:
    values = {"nome": one_line(other), "a": one_line(value)}
    text = _with_button(ButtonKind.WEB, "https://x.it/((a))", "Vai ((a))")
    front, body = split_front_matter(text.merge(values).markdown)
    (button,) = read_buttons(front)
    assert button.action.startswith("iohandledlink://https://x.it/")
    assert button.text_it.startswith("Vai")
    assert body == take_apart(BODY, "markdown").fill(values)
    assert email_preview(text.merge(values).markdown)


# Lengths


@given(
    subject=st.sampled_from(["((a))", "Oggetto ((a))((b))", "x" * 110 + "((b))", "((importo))"]),
    body=st.sampled_from(
        [*_TEMPLATES, "x" * 9_900 + "((a))((b))", "y" * 70 + "((b))", "https://x.it/((a))" + "z" * 9_800]
    ),
    a=_VALUES,
    b=st.one_of(_VALUES, st.text(max_size=120)),
    buttons=st.sampled_from([(), (ButtonText("Vai", "Go", ButtonKind.WEB, "https://x.it"),),
                             (ButtonText("Vai", "Go", ButtonKind.WEB, "https://x.it/((a))"),)]),
)  # fmt: skip
def test_the_quick_measure_agrees_with_the_merged_message(
    subject: str, body: str, a: str, b: str, buttons: tuple[ButtonText, ...]
) -> None:
    values = {"a": one_line(a), "b": one_line(b), "amount": "1.234,50"}
    text = MessageText(subject, body, buttons)
    merged = text.merge(values)
    wanted = 10 <= utf16_length(merged.subject) <= 120 and 80 <= utf16_length(merged.markdown) <= 10_000
    assert text.fits(values) is wanted
