"""The reader's place and the focus are theirs: whatever grows, ends or goes away, they stay where they are."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.chat_page import ChatPage, told
from tests.conftest import Served
from tests.fake_openai import FakeOpenAI
from tests.fake_openai_parts.reply import split

CODE = "\n\n".join(f"Step {number}:\n\n```python\nprint({number})\n```" for number in range(12)) + "\n\nThat is all."


def test_with_the_keyboard_one_reads_upwards_while_an_answer_grows(
    page: Page, served: Served, fake: FakeOpenAI
) -> None:
    chat = ChatPage(page, served.url)
    chat.ask_and_wait("[fake: tokens 700]")
    chat.ask("[fake: tokens 700; hold 30]")
    expect(chat.answer).to_have_text("tok " * 29 + "tok")
    copy = chat.questions.first.get_by_role("button", name="Copy message")
    while not copy.evaluate("(node) => node === document.activeElement"):
        page.keyboard.press("Shift+Tab")
    top = chat.rest()
    fake.go_on()
    chat.wait()
    assert chat.rest() == top
    expect(copy).to_be_focused()
    expect(copy).to_be_in_viewport()
    expect(page.get_by_role("button", name="Jump to latest")).to_be_visible()


def test_the_end_of_an_answer_with_code_moves_nothing(page: Page, served: Served, fake: FakeOpenAI) -> None:
    chat = ChatPage(page, served.url)
    page.evaluate("document.documentElement.style.overflowAnchor = 'none'")  # Safari holds no place by itself
    chat.ask(f"{told(CODE)}[fake: hold {len(split(CODE)) - 2}]")
    expect(chat.answer).to_contain_text("print(11)")
    top = chat.wheel(-60)
    fake.go_on()
    chat.wait()
    expect(chat.status).to_contain_text("Finished. Step 0:")
    expect(chat.status).not_to_contain_text("Download")
    assert chat.rest() == top


def test_what_another_tab_adds_moves_nothing(page: Page, served: Served) -> None:
    chat = ChatPage(page, served.url)
    chat.ask_and_wait("[fake: tokens 900]")
    top = chat.wheel(-400)
    twin = ChatPage(page.context.new_page(), page.url)
    expect(twin.replies).to_have_count(1)
    twin.ask_and_wait("[fake: tokens 300]")
    expect(chat.questions).to_have_count(2)
    assert chat.rest() == top


def test_the_focus_goes_to_the_message_box_when_its_button_goes(page: Page, served: Served, fake: FakeOpenAI) -> None:
    chat = ChatPage(page, served.url)
    chat.ask("[fake: tokens 60; hold 4]")
    expect(chat.answer).to_contain_text("tok")
    page.keyboard.press("Tab")
    expect(chat.stop).to_be_focused()
    fake.go_on()
    chat.wait()
    expect(chat.box).to_be_focused()


@pytest.mark.parametrize("height", [320, 340, 360])
def test_in_a_low_window_the_first_answer_is_followed_to_its_end(
    new_page: Callable[..., Page], served: Served, height: int
) -> None:
    page = new_page(viewport={"width": 740, "height": height})
    chat = ChatPage(page, served.url)
    chat.ask_and_wait("A question. " + told("An answer on a screen that is broad and low. " * 3))
    chat.rest()
    top, end = page.evaluate("[scrollY, document.scrollingElement.scrollHeight - innerHeight]")
    assert top == end > 0
