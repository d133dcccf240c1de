"""The guide: pages of Markdown, cut into sections that can be linked to."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from markdown_it import MarkdownIt

ORDER = ("get-a-key", "keep-it-safe", "if-it-leaks", "what-it-costs")  # then any others, by name
MARKDOWN = MarkdownIt("commonmark", {"html": False}).enable("table")
# A link between files, so that it also works where the files are read as they are: [text](page.md#anchor)
FILE_LINK = re.compile(r"\]\((?:([a-z0-9-]+)\.md)?(#[a-z0-9-]+)?\)")
# A section's title, how people ask for it (in a comment, for the search and not for the reader), and its text.
SECTION = re.compile(r"([^\n]+)\s*(?:<!-- asked:\s(.*?)\s-->\s*)?(.*?)\s*\Z", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Section:
    """One `##` part of a page: its Markdown without the heading, and words that people ask for it with."""

    page_slug: str
    page_title: str
    title: str
    asked: str
    text: str

    @property
    def anchor(self) -> str:
        """The id of its heading, as GitHub makes them."""
        return re.sub(r"\s", "-", re.sub(r"[^\w\s-]", "", self.title.lower()))

    @property
    def link(self) -> str:
        """A Markdown link to the section, named by page and title."""
        return f"[{self.page_title}: {self.title}](/guide/{self.page_slug}#{self.anchor})"


@dataclass(frozen=True, slots=True)
class Page:
    """One file of the guide; links in `text` and `html` start at /guide/, and `html` is safe to insert."""

    slug: str
    title: str
    text: str
    sections: list[Section]
    html: str


def load(folder: Path) -> list[Page]:
    """Every `*.md` file of the folder, in order. Raises ValueError when there is none or one lacks its `#` title."""
    pages = {path.stem: _page(path.stem, path.read_text("utf-8")) for path in sorted(folder.glob("*.md"))}
    if not pages:
        raise ValueError(f"no guide pages in {folder}")
    return [pages[slug] for slug in dict.fromkeys((*ORDER, *pages)) if slug in pages]


def _page(slug: str, source: str) -> Page:
    linked = FILE_LINK.sub(lambda link: f"](/guide/{link[1] or slug}{link[2] or ''})", source)
    head, *parts = re.split(r"^## ", linked, flags=re.MULTILINE)
    if not head.startswith("# "):
        raise ValueError(f"guide page {slug} does not begin with a # title")
    title = head.splitlines()[0].removeprefix("# ")
    sections = [Section(slug, title, *fields) for part in parts for fields in SECTION.findall(part)]
    text = head + "\n\n".join(f"## {section.title}\n\n{section.text}" for section in sections)
    ids = iter(sections)
    html = re.sub("<h2>", lambda _: f'<h2 id="{next(ids).anchor}">', MARKDOWN.render(text))
    return Page(slug, title, text, sections, html)
