"""A page and its sections: what a file's Markdown is cut into, so that each part can be linked to and told alone."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property

from markupsafe import Markup

from chatbot.book.markup import fragment_id, render, render_line

PIECES = re.compile(r"^## ", re.MULTILINE)
# A section's title, how people ask for it (in a comment, for the search and not for the reader), and the rest.
SECTION = re.compile(r"([^\n]+)\s*(?:<!-- asked:\s(.*?)\s-->\s*)?(.*?)\s*\Z", re.DOTALL)
# The list at a section's end, and an item of it: [`file` `name`](path), or a command in code alone.
IN_THIS_APP = re.compile(r"(?:\A|\n\n)In this app:\n\n((?:- (?:code|test|command): [^\n]+(?:\n|\Z))+)\Z")
ANCHOR = re.compile(r"- (\w+): \[?`([^`]+)`(?: `([^`]+)`)?(?:\]\([^)]+\))?(?:\n|\Z)")
CALCULATOR = re.compile(r"^<!-- calculator -->$\n*", re.MULTILINE)


@dataclass(frozen=True)
class Anchor:
    """Where this app does what a section advises. `kind`: code, test or command."""

    kind: str
    target: str  # a file of the repository, or the command
    name: str  # of a function, class or method in that file, or empty


@dataclass(frozen=True)
class Section:
    """One `##` part of a page: its Markdown without the heading and the anchors, and words that people ask for it with.

    Links in it are addresses of the site.
    """

    page_slug: str
    page_title: str
    title: str
    asked: str
    body: str  # with the mark of the calculator
    anchors: tuple[Anchor, ...]

    @property
    def text(self) -> str:
        """Its Markdown, as it can be told."""
        return CALCULATOR.sub("", self.body).strip()

    @property
    def anchor(self) -> str:
        """The id of its heading."""
        return fragment_id(self.title)

    @property
    def link(self) -> str:
        """A Markdown link to the section, named by page and title."""
        return f"[{self.page_title}: {self.title}](/guide/{self.page_slug}#{self.anchor})"

    @cached_property
    def heading(self) -> Markup:
        """Its title."""
        return render_line(self.title)

    @cached_property
    def html(self) -> list[Markup]:
        """Its text; between two pieces stands the calculator."""
        return [render(piece) for piece in CALCULATOR.split(self.body)]


@dataclass(frozen=True)
class Page:
    """One file. `lead` is its Markdown between the title and the first section; its address is /guide/ and the slug."""

    slug: str
    shelf: str
    title: str
    lead: str
    sections: tuple[Section, ...]

    @property
    def link(self) -> str:
        return f"[{self.title}](/guide/{self.slug})"

    @property
    def text(self) -> str:
        """All of its Markdown."""
        return "\n\n".join([self.lead, *(f"## {section.title}\n\n{section.text}" for section in self.sections)])

    @property
    def has_anchors(self) -> bool:
        return any(section.anchors for section in self.sections)

    @property
    def has_calculator(self) -> bool:
        return any(CALCULATOR.search(section.body) for section in self.sections)

    @cached_property
    def lead_html(self) -> Markup:
        return render(self.lead)


def read_page(slug: str, shelf: str, source: str) -> Page:
    """The page that a file's Markdown makes. Raises ValueError when it does not begin with a `#` title."""
    head, *parts = PIECES.split(source)
    first, _, lead = head.partition("\n")
    if not first.startswith("# "):
        raise ValueError(f"page {slug} does not begin with a # title")
    title = first.removeprefix("# ").replace("`", "").strip()
    sections = tuple(_section(slug, title, part) for part in parts)
    return Page(slug, shelf, title, lead.strip(), sections)


def _section(slug: str, page_title: str, source: str) -> Section:
    title, asked, text = SECTION.findall(source)[0]
    found = IN_THIS_APP.search(text)
    anchors = tuple(Anchor(*fields) for fields in ANCHOR.findall(found[1])) if found else ()
    return Section(slug, page_title, title.strip(), asked, text[: found.start()] if found else text, anchors)
