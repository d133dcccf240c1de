"""Editing a question and answering again make versions: both can be read, nothing is overwritten, nothing is lost."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.chat_page import ChatPage
from tests.conftest import Served
from tests.fake_openai import FakeOpenAI, make_key


@pytest.fixture
def chat(page: Page, served: Served) -> ChatPage:
    return ChatPage(page, served.url)


def editor(chat: ChatPage) -> Locator:
    return chat.page.get_by_role("textbox", name="Edit your message")


def edit_last(chat: ChatPage, text: str) -> None:
    chat.box.press("ArrowUp")
    editor(chat).fill(text)
    editor(chat).press("Enter")


def place(message: Locator) -> Locator:
    return message.locator(".place")


def test_arrow_up_edits_the_last_question_and_both_versions_can_be_read(chat: ChatPage) -> None:
    chat.ask_and_wait("First [fake:text One]")
    chat.ask_and_wait("Second [fake:text Two]")
    edit_last(chat, "Second, better [fake:text Three]")
    expect(chat.answer).to_have_text("Three")
    chat.wait()
    expect(chat.box).to_be_focused()
    expect(place(chat.questions.last)).to_have_text("2 / 2")
    expect(chat.questions).to_have_count(2)
    chat.questions.last.get_by_role("button", name="Version before").click()
    expect(chat.answer).to_have_text("Two")
    expect(place(chat.questions.last)).to_have_text("1 / 2")
    expect(chat.questions.last.get_by_role("button", name="Version after")).to_be_focused()
    expect(chat.status).to_have_text("1 / 2")
    chat.page.reload()
    expect(chat.answer).to_have_text("Two")
    chat.questions.last.get_by_role("button", name="Version after").press("Enter")
    expect(chat.answer).to_have_text("Three")
    expect(chat.replies.first.locator(".markdown")).to_have_text("One")


def test_a_question_in_the_middle_is_edited_with_the_mouse_and_its_thread_stays(chat: ChatPage) -> None:
    chat.ask_and_wait("First [fake:text One]")
    chat.ask_and_wait("Second [fake:text Two]")
    chat.questions.first.hover()
    chat.questions.first.get_by_role("button", name="Edit").click()
    expect(editor(chat)).to_be_focused()
    editor(chat).fill("Another first [fake:text Uno]")
    chat.page.locator(".editor").get_by_role("button", name="Send").click()
    expect(chat.answer).to_have_text("Uno")
    chat.wait()
    expect(chat.replies).to_have_count(1)
    chat.questions.first.get_by_role("button", name="Version before").click()
    expect(chat.replies).to_have_count(2)
    expect(chat.answer).to_have_text("Two")


def test_an_answer_is_made_again_and_the_old_one_stays(chat: ChatPage) -> None:
    chat.ask_and_wait("Hello [fake: tokens 3]")
    chat.replies.last.get_by_role("button", name="Answer again").click()
    expect(place(chat.replies.last)).to_have_text("2 / 2")
    chat.wait()
    chat.replies.last.get_by_role("button", name="Answer again").click()
    expect(place(chat.replies.last)).to_have_text("3 / 3")
    chat.replies.last.get_by_role("button", name="Version before").click()
    expect(place(chat.replies.last)).to_have_text("2 / 3")
    expect(chat.questions).to_have_count(1)
    expect(place(chat.questions.last)).to_be_hidden()


def test_a_failed_answer_is_a_version_too(chat: ChatPage, watch: Any) -> None:
    watch.expected.append("503")
    chat.ask_and_wait("Hello [fake:text Fine]")
    edit_last(chat, "Break [fake: status 500]")
    expect(chat.errors).to_have_count(1)
    chat.wait()
    chat.questions.last.get_by_role("button", name="Version before").click()
    expect(chat.answer).to_have_text("Fine")
    expect(chat.errors).to_have_count(0)


def test_escape_leaves_the_box_and_changes_nothing(chat: ChatPage) -> None:
    chat.ask_and_wait("Hello [fake:text Fine]")
    chat.box.press("ArrowUp")
    editor(chat).fill("something else")
    editor(chat).press("Escape")
    expect(editor(chat)).to_have_count(0)
    expect(chat.box).to_be_focused()
    expect(chat.questions.locator(".bubble")).to_have_text("Hello [fake:text Fine]")
    chat.box.press("ArrowUp")
    expect(editor(chat)).to_have_value("Hello [fake:text Fine]")


def test_half_an_edit_survives_a_reload(chat: ChatPage) -> None:
    chat.ask_and_wait("Hello [fake:text Fine]")
    chat.box.press("ArrowUp")
    editor(chat).fill("half a thought")
    chat.page.reload()
    expect(chat.answer).to_have_text("Fine")
    chat.box.press("ArrowUp")
    expect(editor(chat)).to_have_value("half a thought")


def test_a_key_in_an_edit_is_caught_and_cut_out(chat: ChatPage, fake: FakeOpenAI) -> None:
    chat.ask_and_wait("Hello [fake:text Fine]")
    asked = len(fake.calls)
    chat.box.press("ArrowUp")
    editor(chat).fill(f"Hello {make_key()} again [fake:text Well]")
    editor(chat).press("Enter")
    cut = chat.page.locator(".editor").get_by_role("button", name="Remove the key")
    expect(cut).to_be_visible()
    assert len(fake.calls) == asked
    cut.click()
    expect(editor(chat)).to_have_value("Hello  again [fake:text Well]")
    editor(chat).press("Enter")
    expect(chat.answer).to_have_text("Well")


@pytest.mark.parametrize("how", ["edit", "again"])
def test_over_the_limit_the_old_version_and_the_edit_both_stay(
    page: Page, strict: Served, watch: Any, how: str
) -> None:
    watch.expected.append("429")
    chat = ChatPage(page, strict.url)
    chat.ask_and_wait("Hello [fake:text Fine]")
    if how == "edit":
        edit_last(chat, "better words")
        expect(editor(chat)).to_have_value("better words")
    else:
        chat.replies.last.get_by_role("button", name="Answer again").click()
    expect(chat.errors).to_have_count(1)
    expect(chat.answer).to_have_text("Fine")
    expect(page.get_by_role("timer")).to_be_visible()


def test_while_an_answer_runs_nothing_else_can_begin(chat: ChatPage) -> None:
    chat.ask_and_wait("Hello [fake:text Fine]")
    chat.ask("[fake: tokens 9; hold 4]")
    expect(chat.answer).to_contain_text("tok")
    expect(chat.page.locator("[data-act]:visible")).to_have_count(0)
    chat.box.press("ArrowUp")
    expect(editor(chat)).to_have_count(0)
    chat.stop.click()
    chat.wait()
    expect(chat.page.get_by_role("button", name="Answer again").last).to_be_visible()
