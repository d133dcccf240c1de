"""What the tutor can tell: each section of the book in pieces that are short enough, and each row of a long table."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from chatbot.book import GUIDE, LAB, REFERENCE, Page

# The guide explains, the lab shows, the reference lists: of two that match alike the one that explains is told.
WEIGHTS = {GUIDE: 1.0, LAB: 0.8, REFERENCE: 0.95}
OLD, OLD_WEIGHT = "older-guides", 0.9  # what that page puts right is explained on the others
MOST_WORDS = 150
MOST_NAMES = 16  # of a table that is too long to be told
SUMMARY = "In short"  # such a section is about the subject of its page, as all those of an exercise are
TABLE = re.compile(r"^\|(.+)\|\n\|[-:| ]+\|\n((?:^\|.+\|(?:\n|\Z))+)", re.MULTILINE)
CELL_END = re.compile(r"(?<!\\)\|")
# A text may be cut before a paragraph or an item of a list, but not in a block of code.
START = r"(?:- |\d+\. |```)"
BLOCK = re.compile(rf"^```.*?^```|^[^\n]+(?:\n(?!{START})[^\n]+)*", re.MULTILINE | re.DOTALL)
# What one looks up: a setting, a command, an address.
NAMED = re.compile(r"`(?:[A-Z]+ )?([A-Z][A-Z0-9_]{3,}|flask [a-z]+(?: [a-z]+)?|make [a-z]+|/[\w/.-]*\w)")


@dataclass(frozen=True)
class Passage:
    """A part of the book. `link` leads to the section that it stands in, and `place` says which that is."""

    shelf: str
    place: str
    link: str
    title: str
    asked: str
    text: str  # Markdown, to be told
    weight: float
    is_row: bool = False

    @property
    def topic(self) -> str:
        """What is offered once: a section, or an exercise of the lab."""
        return self.place.partition(": ")[0] if self.shelf == LAB else self.link

    @property
    def names(self) -> list[str]:
        """What is to be looked up: a row by what it is about, an exercise by its number."""
        number, dot, _ = self.title.partition(". ")
        return NAMED.findall(self.title) if self.is_row else [f"exercise {number}", f"attack {number}"] if dot else []


def passages(pages: Iterable[Page]) -> list[Passage]:
    """All of the book. Tables of the reference are long: their rows are passages of their own."""
    return [passage for page in pages for passage in _of_page(page)]


def _of_page(page: Page) -> Iterator[Passage]:
    lead = [page.lead, *(each.text for each in page.sections[:1] if page.slug.startswith("lab/"))]  # and the mistake
    parts = [(page.title, page.link, page.title, "", "\n\n".join(lead))]
    for section in page.sections:
        subject = page.title if section.title == SUMMARY or page.slug.startswith("lab/") else section.title
        parts.append((f"{page.title}: {section.title}", section.link, subject, section.asked, section.text))
    weight = OLD_WEIGHT if page.slug == OLD else WEIGHTS[page.shelf]
    for place, link, title, asked, text in parts:
        if page.shelf == REFERENCE or len(text.split()) > MOST_WORDS:
            rows = [(_cells(head), _cells(row)) for head, body in TABLE.findall(text) for row in body.splitlines()]
            for head, cells in rows:
                yield Passage(page.shelf, place, link, cells[0], "", _row(head, cells), weight, is_row=True)
            if len(text.split()) > MOST_WORDS:
                names = f"A table of {', '.join(cells[0] for _, cells in rows[:MOST_NAMES])} …"
                text = TABLE.sub(names.replace("\\", r"\\") + "\n", text).strip()
        for piece in _pieces(text):
            yield Passage(page.shelf, place, link, title, asked, piece, weight)


def _pieces(text: str) -> list[str]:
    """A text as it is, or cut where it is too long to be told at once."""
    if len(text.split()) <= MOST_WORDS:
        return [text] if text.strip() else []
    pieces: list[str] = []
    for block in BLOCK.findall(text):
        if pieces and len(f"{pieces[-1]} {block}".split()) <= MOST_WORDS:
            pieces[-1] += f"\n\n{block}"
        else:
            pieces.append(block)
    return pieces


def _cells(row: str) -> list[str]:
    return [cell.strip().replace("\\|", "|") for cell in CELL_END.split(row.strip("|"))]


def _row(head: list[str], cells: list[str]) -> str:
    """A row as text: its first cell, and what the other columns say of it."""
    if len(cells) == 2:
        return f"**{cells[0]}**: {cells[1]}"
    said = [f"- {column}: {cell}" for column, cell in zip(head[1:], cells[1:], strict=False) if cell]
    return "\n".join([f"**{cells[0]}**", "", *said])
