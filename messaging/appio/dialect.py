"""The Markdown that the app draws (IO messages API notes, 7.1), as inert HTML and as the e-mail's plain text."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from html import escape

import nh3
from markdown_it import MarkdownIt
from markdown_it.tree import SyntaxTreeNode

from messaging.appio.front_matter import FrontMatterError, split_front_matter

#: Schemes that a link in the text opens; the app answers any other with "unsupported link".
LIVE_SCHEMES = frozenset({"http", "https", "mailto", "tel", "sms", "ioit"})
#: The e-mail shows this much of the text, in UTF-16 units (IO messages API notes, 8).
EMAIL_LENGTH = 134

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):")
#: An address written out, which the app makes into a link.
BARE_LINK = re.compile(r"\b(?:https?://|www\.)[^\s<>\"]+", re.IGNORECASE)
_TRAILING = ".,;:!?)'*_~»”"
_BREAK = re.compile(r"<br\s*/?>", re.IGNORECASE)
_TAG = re.compile(r"</?[A-Za-z][^<>]*>|<!--.*?-->", re.DOTALL)
_QUOTE_MARK = re.compile(r"^\s*>[> ]*")
_QUOTE_HEADING = re.compile(r"#{1,6}\s+(.+)")
_PICTOGRAM = re.compile(r"\[![^\]]*\]")
_EMAIL_LINK = re.compile(r"\w*://\S*")

_TAGS = {"p", "h1", "h2", "h3", "strong", "em", "code", "ul", "ol", "li", "blockquote", "br", "hr", "span"}
_CLASSES = {"span": {"link", "dead-link", "img-placeholder"}, "p": {"raw"}}


def _parser() -> MarkdownIt:
    # Tables, strikethrough and HTML are parsed in order to leave them out as the app does: nothing of a tag that
    # the writer typed is ever copied into the page, and nh3 stands behind.
    parser = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
    parser.validateLink = lambda url: True  # type: ignore[method-assign]  # no address is written out
    return parser


_MARKDOWN = _parser()


def parse(markdown: str) -> SyntaxTreeNode:
    """Return the syntax tree of a text of the app's dialect, without front matter."""
    return SyntaxTreeNode(_MARKDOWN.parse(markdown))


def link_scheme(url: str) -> str:
    """Return the scheme of a link in lower case, or an empty string."""
    found = _SCHEME.match(url.strip())
    return found[1].lower() if found else ""


def render_as_app(body: str) -> str:
    """Return HTML that looks as the app draws `body`; front matter is left out.

    Inert: links are `<span class="link">` (`dead-link` when the app would not open them), pictures
    `<span class="img-placeholder">` with their description, and only a few tags without attributes remain.
    """
    try:
        _, text = split_front_matter(body)
    except FrontMatterError:
        text = body
    html = _Drawing(text).draw(parse(text))
    return nh3.clean(html, tags=_TAGS, attributes={}, allowed_classes=_CLASSES, link_rel=None)


class _Drawing:
    """Draws one text: quotes and fenced code need the lines they were written in."""

    def __init__(self, text: str) -> None:
        self._lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")

    def draw(self, node: SyntaxTreeNode) -> str:
        if node.type == "blockquote":
            return self._banner(node)
        if node.type in {"fence", "code_block"}:
            return f'<p class="raw">{_in_lines(self._source(node))}</p>\n'
        if node.type == "html_block":
            return "<br>" * len(_BREAK.findall(node.content))
        if node.type == "inline":
            return _inline(node.children)
        inner = "".join(self.draw(child) for child in node.children)
        return _block(node, inner)

    def _source(self, node: SyntaxTreeNode) -> list[str]:
        start, end = node.map or (0, 0)
        return self._lines[start:end]

    def _banner(self, node: SyntaxTreeNode) -> str:
        title, lines = "", []
        for line in self._source(node):
            bare = _PICTOGRAM.sub("", _QUOTE_MARK.sub("", line), count=1).strip()
            if heading := _QUOTE_HEADING.fullmatch(bare):
                title = title or heading[1]
            else:
                lines.append(bare)
        head = f"<strong>{escape(title)}</strong><br>" if title else ""
        return f"<blockquote>{head}{_in_lines(lines)}</blockquote>\n"


def _in_lines(lines: Iterable[str]) -> str:
    return "<br>".join(escape(line) for line in "\n".join(lines).strip("\n").split("\n"))


def _block(node: SyntaxTreeNode, inner: str) -> str:
    if node.type == "root":
        return inner
    if node.type == "paragraph":
        return inner if node.hidden else f"<p>{inner}</p>\n"
    if node.type == "heading":
        tag = node.tag if node.tag in {"h1", "h2", "h3"} else "p"
        return f"<{tag}>{inner}</{tag}>\n"
    if node.type in {"bullet_list", "ordered_list", "list_item"}:
        return f"<{node.tag}>{inner}</{node.tag}>\n"
    return "<hr>\n" if node.type == "hr" else ""


def _inline(nodes: Iterable[SyntaxTreeNode]) -> str:
    return "".join(_span(node) for node in nodes)


def _span(node: SyntaxTreeNode) -> str:
    if node.type == "text":
        return _with_bare_links(node.content)
    if node.type in {"strong", "em"}:
        return f"<{node.tag}>{_inline(node.children)}</{node.tag}>"
    if node.type == "link":
        live = link_scheme(str(node.attrs.get("href", ""))) in LIVE_SCHEMES
        return f'<span class="{"link" if live else "dead-link"}">{_inline(node.children)}</span>'
    if node.type == "image":
        is_remote = link_scheme(str(node.attrs.get("src", ""))) == "https"
        return f'<span class="img-placeholder">{escape(node.content)}</span>' if is_remote else ""
    return _leaf(node)


def _leaf(node: SyntaxTreeNode) -> str:
    if node.type == "code_inline":
        return f"<code>{escape(node.content)}</code>"
    if node.type == "hardbreak" or (node.type == "html_inline" and _BREAK.fullmatch(node.content)):
        return "<br>\n"
    return "\n" if node.type == "softbreak" else ""


def _with_bare_links(text: str) -> str:
    pieces, end = [], 0
    for found in BARE_LINK.finditer(text):
        url = found[0].rstrip(_TRAILING)
        pieces += [escape(text[end : found.start()]), f'<span class="link">{escape(url)}</span>']
        end = found.start() + len(url)
    return "".join([*pieces, escape(text[end:])])


def email_preview(markdown: str) -> str:
    """Return the text that the notification e-mail shows of a message, front matter included in `markdown`.

    That is what follows the last "---" wherever it stands, without Markdown, its first 134 characters and dots when
    cut, links replaced (IO messages API notes, 8 and 10).
    """
    plain = plain_text(markdown.rpartition("---")[2])
    units = plain.encode("utf-16-le", "surrogatepass")
    if len(units) > EMAIL_LENGTH * 2:
        plain = units[: EMAIL_LENGTH * 2].decode("utf-16-le", "ignore") + "..."
    return _EMAIL_LINK.sub("[link rimosso]", plain)


def plain_text(markdown: str) -> str:
    """Return the words of a text without its Markdown and HTML, a line for each block."""
    return "\n".join(line for block in _words(parse(markdown)) if (line := block.strip()))


def _words(node: SyntaxTreeNode) -> Iterator[str]:
    if node.type == "inline":
        yield "".join(_bare(child) for child in node.children)
    elif node.type in {"fence", "code_block"}:
        yield node.content
    elif node.type == "html_block":
        yield _TAG.sub("", node.content)
    else:
        for child in node.children:
            yield from _words(child)


def _bare(node: SyntaxTreeNode) -> str:
    if node.type in {"text", "code_inline", "image"}:
        return node.content
    if node.type in {"softbreak", "hardbreak"}:
        return "\n"
    return "".join(_bare(child) for child in node.children)
