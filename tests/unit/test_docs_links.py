"""Every link of the docs leads somewhere, and every page of the docs can be found."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from chatbot.config import ROOT
from tests.unit.written import DOCS, Piece, ids, links

LINKING = [*DOCS, ROOT / "CHANGELOG.md"]
HERE = ("127.0.0.1", "localhost")


def fault(link: Piece) -> str | None:
    """What is wrong with where it leads."""
    if re.match("[a-z]+:", link.text):
        return fault_outside(link.text)
    file, _, anchor = link.text.partition("#")
    target = (link.page.parent / file).resolve() if file else link.page
    if not target.exists() or not target.is_relative_to(ROOT):
        return "there is no such file"
    if anchor and target.suffix == ".md" and anchor not in ids(target):
        return "there is no such heading"
    return "only headings of Markdown have names" if anchor and target.suffix != ".md" else None


def fault_outside(address: str) -> str | None:
    parts = urlsplit(address)
    host = parts.hostname or ""
    if parts.scheme == "http" and host in HERE:
        return None
    is_sound = parts.scheme == "https" and "." in host and re.fullmatch(r"[\w:/.#?=&%~+@,()-]+[\w/)]", address)
    return None if is_sound else "that is no https:// address"


@pytest.mark.parametrize("page", LINKING, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_to_a_file_a_heading_or_a_sound_address(page: Path) -> None:
    assert [f"{link.place}: {link.text}: {fault(link)}" for link in links(page) if fault(link)] == []


@pytest.mark.parametrize(
    "link",
    ["nowhere.md", "docs/tour.md#nowhere", "#nowhere", "app.py#L1", "../out.md", "http://example.org", "https://host",
     "ftp://example.org", "https://example.org/a b", "https://example.org/."],
)  # fmt: skip
def test_a_link_that_leads_nowhere_is_found(link: str) -> None:
    assert fault(Piece(ROOT / "README.md", 1, link))


def test_no_page_and_no_picture_of_the_docs_is_orphaned() -> None:
    linked = {
        (page.parent / link.text.partition("#")[0]).resolve()
        for page in LINKING
        for link in links(page)
        if not re.match("[a-z]+:|#", link.text)
    }
    files = {path for path in (ROOT / "docs").rglob("*") if path.is_file()}
    assert sorted(str(path.relative_to(ROOT)) for path in files - linked) == []
