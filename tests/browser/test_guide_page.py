"""A page of the guide: the margin beside the text or below it, the pages at the side or folded away, tables, links."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.conftest import Served


@pytest.fixture
def url(tutored: Served) -> str:
    return tutored.url


def test_the_margin_is_beside_a_section_or_below_it_and_on_paper_too(page: Page, url: str) -> None:
    page.goto(url + "/guide/keep-it-safe#never-in-git")
    section = page.locator(".lesson", has=page.locator("#never-in-git"))
    margin = page.get_by_role("note", name="In this app: Never in git")
    expect(margin).to_contain_text("flask scan")
    expect(page.get_by_role("heading", name="Never in git")).to_be_in_viewport()
    assert left(margin) > right(section.locator(".lesson-text"))
    assert abs(top(margin) - top(section)) < 60, "it begins where the section does"
    page.set_viewport_size({"width": 390, "height": 844})
    assert top(margin) > bottom(section.locator("p").first)
    assert right(margin) <= 390
    page.set_viewport_size({"width": 1280, "height": 860})
    page.emulate_media(media="print")
    expect(margin).to_be_visible()
    assert top(margin) > bottom(section.locator("p").first)
    expect(page.locator(".chapters")).to_be_hidden()


def test_on_a_phone_the_pages_are_folded_away_and_a_long_table_scrolls_in_its_box(page: Page, url: str) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(url + "/guide/reference/configuration")
    table = page.get_by_role("group", name="Table").first
    expect(page.get_by_role("link", name="Threats", exact=True)).to_have_count(0)
    assert table.evaluate("box => box.scrollWidth > box.clientWidth")
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    page.get_by_text("Reference: Configuration").click()
    page.get_by_role("link", name="Threats", exact=True).click()
    expect(page).to_have_url(re.compile("/guide/reference/threats$"))
    page.get_by_role("link", name="Before").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("HTTP and the wire")


def test_a_heading_has_a_link_to_copy(page: Page, url: str) -> None:
    page.goto(url + "/guide/get-a-key")
    page.get_by_role("heading", name="Permissions").hover()
    link = page.get_by_role("link", name="Link to “Permissions”")
    expect(link).to_have_css("opacity", "1")
    link.click()
    expect(page).to_have_url(re.compile("#permissions$"))


def box(locator: Any) -> dict[str, float]:
    found: dict[str, float] = locator.bounding_box()
    return found


def left(locator: Any) -> float:
    return box(locator)["x"]


def right(locator: Any) -> float:
    return box(locator)["x"] + box(locator)["width"]


def top(locator: Any) -> float:
    return box(locator)["y"]


def bottom(locator: Any) -> float:
    return box(locator)["y"] + box(locator)["height"]
