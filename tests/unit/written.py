"""What the docs have in them: their files, and of each the links, the headings' ids and the words in code."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token

from chatbot.book.markup import fragment_id
from chatbot.config import ROOT

MARKDOWN = MarkdownIt("commonmark").enable("table")
HTML_LINK = re.compile(r'(?:src|srcset|href)="([^"]+)"')
DOCS = [
    ROOT / "README.md",
    *sorted((ROOT / "docs").rglob("*.md")),
    *(page for folder in ("lab", "examples") for page in sorted((ROOT / folder).rglob("README.md"))),
]
DOCS = [page for page in DOCS if "node_modules" not in page.parts]


@dataclass(frozen=True)
class Piece:
    """Something that stands in a file, `place` says where, as file and line."""

    page: Path
    line: int
    text: str
    is_block: bool = False  # a line of a block of code, not a word in code

    @property
    def place(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"


def links(page: Path) -> Iterator[Piece]:
    """Where its links, pictures and HTML lead."""
    for line, token in tokens(page):
        if token.type in ("html_block", "html_inline"):
            yield from (Piece(page, line, target) for target in HTML_LINK.findall(token.content))
        elif target := token.attrGet("href") or token.attrGet("src"):
            yield Piece(page, line, str(target))


def code(page: Path) -> Iterator[Piece]:
    """Each word in code, and each line of a block of code."""
    for line, token in tokens(page):
        if token.type == "code_inline":
            yield Piece(page, line, token.content)
        elif token.type in ("fence", "code_block"):
            begin = line + (token.type == "fence")
            for number, text in enumerate(token.content.splitlines()):
                yield Piece(page, begin + number, text.removeprefix("$ "), is_block=True)


@cache
def ids(page: Path) -> set[str]:
    """The ids of its headings, as GitHub makes them: the second of a name gets a number."""
    found: set[str] = set()
    parsed = MARKDOWN.parse(page.read_text())
    for opening, content in pairwise(parsed):
        if opening.type == "heading_open":
            name, number = fragment_id(content.content), 0
            while (one := f"{name}-{number}" if number else name) in found:
                number += 1
            found.add(one)
    return found


def tokens(page: Path) -> Iterator[tuple[int, Token]]:
    """Each token with the line that it begins in, or its block does."""
    for token in MARKDOWN.parse(page.read_text()):
        begin = token.map[0] + 1 if token.map else 0
        yield begin, token
        for child in token.children or ():
            yield begin, child
            begin += child.type in ("softbreak", "hardbreak")


def rows(page: Path, heading: str) -> list[list[str]]:
    """The cells of the first table below a heading, without its head."""
    text = page.read_text().partition(f"\n## {heading}\n")[2]
    table = re.search(r"(?m)(?:^\|.*\n)+", text)
    assert table, f"{page.name} has no table under {heading}"
    cells = [re.split(r"(?<!\\)\|", line)[1:-1] for line in table[0].splitlines()[2:]]
    return [[cell.strip() for cell in row] for row in cells]


def words(cell: str) -> list[str]:
    """What stands in code in a cell of a table."""
    return re.findall(r"`([^`]+)`", cell)
