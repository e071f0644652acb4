"""The dialect of Markdown that the app draws, with what it loses (notes, 7.1)."""

import html
import re
from collections.abc import Sequence
from typing import Any, Final

import nh3
from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from markdown_it.utils import OptionsDict

_BREAK: Final = re.compile(r"<br\s*/?>", re.IGNORECASE)
_FOLLOWED: Final = ("http://", "https://", "mailto:", "tel:", "sms:")
_TAGS: Final = {"a", "br", "code", "div", "em", "h2", "hr", "li", "ol", "p", "span", "strong", "ul"}
_DEAD_END: Final = " <small>(collegamento non supportato)</small>"


class _Parser(MarkdownIt):
    """CommonMark that lets every address through: the drawing decides what becomes of it."""

    def validateLink(self, url: str) -> bool:  # noqa: N802
        return True


class _Drawing(RendererHTML):
    """HTML for what the app draws; method names are markdown-it's token types."""

    def heading_open(self, tokens: Sequence[Token], idx: int, *_: Any) -> str:
        level = int(tokens[idx].tag[1])
        return f'<h2 class="md-{level}">' if level <= 3 else "<p>"

    def heading_close(self, tokens: Sequence[Token], idx: int, *_: Any) -> str:
        return "</h2>" if int(tokens[idx].tag[1]) <= 3 else "</p>"

    def fence(self, tokens: Sequence[Token], idx: int, *_: Any) -> str:
        token = tokens[idx]
        raw = f"{token.markup}{token.info}\n{token.content}{token.markup}"
        return f'<p class="md-raw">{html.escape(raw)}</p>'

    def code_block(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: Any) -> str:
        return f'<p class="md-raw">{html.escape(tokens[idx].content)}</p>'

    def html_inline(self, tokens: Sequence[Token], idx: int, *_: Any) -> str:
        return "<br>" if _BREAK.fullmatch(tokens[idx].content) else ""

    def html_block(self, tokens: Sequence[Token], idx: int, *_: Any) -> str:
        return "<br>" * len(_BREAK.findall(tokens[idx].content))

    def image(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: Any) -> str:
        token = tokens[idx]
        if not str(token.attrGet("src")).startswith(("http://", "https://", "data:image/")):
            return ""
        words = html.escape(self.renderInlineAsText(token.children or [], options, env))
        return f'<span class="md-image">Immagine: {words or "senza descrizione"}</span>'

    def link_open(self, tokens: Sequence[Token], idx: int, *_: Any) -> str:
        address = str(tokens[idx].attrGet("href"))
        if address.lower().startswith(_FOLLOWED):
            return f'<a href="{html.escape(address)}">'
        return '<span class="md-link">'

    def link_close(self, tokens: Sequence[Token], idx: int, *_: Any) -> str:
        address = str(tokens[idx].meta.get("href", ""))
        if address.lower().startswith(_FOLLOWED):
            return "</a>"
        return "</span>" if address.startswith("ioit://") else f"</span>{_DEAD_END}"

    def banner(self, tokens: Sequence[Token], idx: int, *_: Any) -> str:
        title, text = tokens[idx].meta["title"], tokens[idx].content
        heading = f"<strong>{html.escape(title)}</strong><br>" if title else ""
        return f'<div class="md-banner">{heading}{html.escape(text)}</div>'


_parser: Final = _Parser("commonmark", {"html": True}, renderer_cls=_Drawing).enable(["table", "strikethrough"])


def draw(text: str) -> str:
    """The HTML of a message's text, safe to show."""
    env: dict[str, Any] = {}
    tokens = _blocks(_parser.parse(text, env))
    drawn = _parser.renderer.render(tokens, _parser.options, env)
    return nh3.clean(
        drawn,
        tags=_TAGS | {"small"},
        attributes={"a": {"href"}, "ol": {"start"}, "*": {"class"}},
        url_schemes={"http", "https", "mailto", "tel", "sms"},
        link_rel="noopener noreferrer",
    )


def _blocks(tokens: list[Token]) -> list[Token]:
    """Tables vanish, block quotes become banners, struck text disappears."""
    kept: list[Token] = []
    position = 0
    while position < len(tokens):
        token = tokens[position]
        if token.type in ("table_open", "blockquote_open"):
            end = _closing(tokens, position)
            if token.type == "blockquote_open":
                kept.append(_banner(tokens[position + 1 : end]))
            position = end + 1
            continue
        if token.children:
            token.children = _inline(token.children)
        kept.append(token)
        position += 1
    return kept


def _closing(tokens: list[Token], start: int) -> int:
    depth = 0
    for position in range(start, len(tokens)):
        depth += tokens[position].nesting
        if depth == 0:
            return position
    return len(tokens) - 1


def _inline(children: list[Token]) -> list[Token]:
    kept: list[Token] = []
    addresses: list[Any] = []
    struck = 0
    for child in children:
        if child.type == "s_open":
            struck += 1
        elif child.type == "s_close":
            struck -= 1
        elif not struck:
            if child.type == "link_open":
                addresses.append(child.attrGet("href"))
            elif child.type == "link_close":
                child.meta = {"href": addresses.pop() if addresses else ""}
            kept.append(child)
    return kept


def _banner(tokens: list[Token]) -> Token:
    title, texts = "", []
    for position, token in enumerate(tokens):
        if token.type != "inline":
            continue
        words = "".join(
            " " if child.type in ("softbreak", "hardbreak") else child.content
            for child in _inline(token.children or [])
            if child.type != "html_inline"
        )
        if tokens[position - 1].type == "heading_open" and not title:
            title = words
        else:
            texts.append(words)
    return Token("banner", "", 0, content=" ".join(texts), meta={"title": title})
