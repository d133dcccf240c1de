"""A printed chat: what was said, in dark letters, without the page's controls."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.browser.chat_page import ChatPage, told
from tests.browser.test_sight import contrast
from tests.conftest import Served

WHITE = [255.0, 255.0, 255.0]
LETTERS = """() => [...document.querySelectorAll('.bubble, .markdown p, .markdown code, .markdown td')]
    .map((node) => getComputedStyle(node).color.match(/[\\d.]+/g).map(Number))"""


@pytest.mark.parametrize("theme", ["system", "dark"])
def test_a_chat_is_printed_in_dark_letters_and_without_controls(page: Page, served: Served, theme: str) -> None:
    page.emulate_media(color_scheme="dark")
    chat = ChatPage(page, served.url)
    page.evaluate("(theme) => window.choose('theme', theme)", theme)
    chat.ask_and_wait(told("Said\n\n```\ncode\n```\n\n| a |\n| - |\n| b |"))
    page.emulate_media(media="print", color_scheme="dark" if theme == "dark" else "light")  # as browsers print
    letters = page.evaluate(LETTERS)
    assert len(letters) == 4
    assert min(contrast(colour, WHITE) for colour in letters) > 4.5
    expect(chat.box).to_be_hidden()
    expect(page.get_by_role("navigation")).to_be_hidden()
    expect(page.get_by_role("button")).to_have_count(0)
    expect(chat.questions).to_be_visible()
