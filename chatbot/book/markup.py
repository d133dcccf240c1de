"""Markdown to HTML that is safe to insert: no HTML of the source's own, tables in boxes that scroll by themselves."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.common.utils import escapeHtml
from markdown_it.token import Token
from markupsafe import Markup

# A phone scrolls a wide table in its box, and a keyboard can reach the box.
TABLE_OPEN = '<div class="table" role="group" aria-label="Table" tabindex="0"><table>\n'
TABLE_CLOSE = "</table></div>\n"
LONG = 40  # characters of a name that may be broken, and where
BREAK = re.compile("(?<=::)|(?<=[_/])")


def render(text: str) -> Markup:
    """The HTML of a text; its headings have ids."""
    tokens = MARKDOWN.parse(text)
    for opening, content in pairwise(tokens):
        if opening.type == "heading_open":
            opening.attrSet("id", fragment_id(content.content))
    return Markup(MARKDOWN.renderer.render(tokens, MARKDOWN.options, {}))  # noqa: S704 - the source's own HTML is off


def render_line(text: str) -> Markup:
    """The HTML of a text of one line, such as a title."""
    return Markup(MARKDOWN.renderInline(text))  # noqa: S704 - likewise


def fragment_id(title: str) -> str:
    """The id of a heading, as GitHub makes them."""
    return re.sub(r"\s", "-", re.sub(r"[^\w\s-]", "", title.lower()))


def _markdown() -> MarkdownIt:
    markdown = MarkdownIt("commonmark", {"html": False}).enable("table")
    markdown.add_render_rule("table_open", lambda *_: TABLE_OPEN)
    markdown.add_render_rule("table_close", lambda *_: TABLE_CLOSE)
    markdown.add_render_rule("code_inline", _code)
    return markdown


def _code(_renderer: Any, tokens: Sequence[Token], at: int, *_: Any) -> str:
    text = escapeHtml(tokens[at].content)
    return f"<code>{BREAK.sub('<wbr>', text) if len(text) > LONG else text}</code>"


MARKDOWN = _markdown()
