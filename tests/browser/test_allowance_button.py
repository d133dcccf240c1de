"""What the button of the allowance says in a few words agrees with what the page says elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from playwright.sync_api import Page, expect

from tests.browser.chat_page import ChatPage
from tests.fake_openai import FakeOpenAI


def test_of_several_limits_the_button_tells_the_one_that_is_used_up(
    page: Page, fake: FakeOpenAI, serve: Callable[..., Any]
) -> None:
    chat = ChatPage(page, serve(**fake.env, LIMIT_VISITOR="1/hour;20/day").url)
    expect(page.get_by_role("button", name="20 of 20 messages left")).to_be_visible()
    chat.ask_and_wait("[fake:text One]")
    expect(page.locator("[data-part=allowance]")).to_contain_text("No messages left until")
    expect(page.get_by_role("button", name="0 of 1 message left")).to_be_visible()
