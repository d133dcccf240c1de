"""A temporary chat: the conversation works, and nothing of it is left, on the page or on the server."""

from __future__ import annotations

import json

from playwright.sync_api import Page, expect

from tests.browser.chat_page import ChatPage
from tests.conftest import Served
from tests.fake_openai import FakeOpenAI


def test_a_temporary_chat_remembers_while_it_lasts_and_leaves_nothing(
    page: Page, served: Served, fake: FakeOpenAI
) -> None:
    chat = ChatPage(page, served.url)
    switch = page.get_by_role("button", name="Temporary chat")
    switch.click()
    expect(switch).to_have_attribute("aria-pressed", "true")
    expect(page.get_by_role("main").get_by_text("Nothing of this chat is kept")).to_be_visible()
    expect(chat.status).to_contain_text("Nothing of this chat is kept")
    chat.ask_and_wait("My name is Ada. [fake:text Hello Ada]")
    expect(page).to_have_url(f"{served.url}/")
    chat.ask_and_wait("What is my name? [fake:text Ada]")
    told = json.dumps(fake.calls[-1].body)
    assert "My name is Ada" in told
    assert "Hello Ada" in told
    chat.box.fill("a draft that is not kept either")
    assert "Ada" not in json.dumps(page.evaluate("({ ...sessionStorage, ...localStorage })"))
    assert "draft that" not in json.dumps(page.evaluate("({ ...sessionStorage, ...localStorage })"))
    assert page.evaluate("fetch('/api/chats').then((answer) => answer.json())")["chats"] == []
    page.reload()
    expect(chat.replies).to_have_count(0)
    expect(chat.box).to_have_value("")


def test_in_a_temporary_chat_questions_are_edited_and_answered_again(page: Page, served: Served) -> None:
    chat = ChatPage(page, served.url)
    switch = page.get_by_role("button", name="Temporary chat")
    switch.click()
    expect(switch).to_have_attribute("aria-pressed", "true")
    chat.ask_and_wait("One [fake:text Uno]")
    chat.ask_and_wait("Two [fake:text Due]")
    chat.box.press("ArrowUp")
    box = page.get_by_role("textbox", name="Edit your message")
    box.fill("Two again [fake:text Deux]")
    box.press("Enter")
    expect(chat.answer).to_have_text("Deux")
    chat.wait()
    chat.replies.last.get_by_role("button", name="Answer again").click()
    expect(chat.answer).to_have_text("Deux")
    chat.wait()
    expect(chat.replies).to_have_count(2)
    expect(page.locator(".versions:visible")).to_have_count(0)


def test_the_switch_ends_it_and_a_stopped_answer_does_not_offer_to_go_on(page: Page, served: Served) -> None:
    chat = ChatPage(page, served.url)
    switch = page.get_by_role("button", name="Temporary chat")
    switch.click()
    expect(switch).to_have_attribute("aria-pressed", "true")
    chat.ask("[fake: tokens 9; hold 4]")
    expect(chat.answer).to_contain_text("tok")
    chat.stop.click()
    chat.wait()
    expect(page.get_by_role("button", name="Continue")).to_have_count(0)
    switch.click()
    expect(chat.replies).to_have_count(0)
    expect(switch).to_have_attribute("aria-pressed", "false")
    chat.ask_and_wait("Kept [fake:text Yes]")
    assert len(page.evaluate("fetch('/api/chats').then((answer) => answer.json())")["chats"]) == 1
