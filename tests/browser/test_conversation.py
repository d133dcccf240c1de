"""A conversation as the visitor sees it: asking, stopping, coming back, starting anew."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.chat_page import ChatPage
from tests.browser.conftest import PHONE
from tests.browser.line import Line
from tests.fake_openai import FakeOpenAI

SLOW = "[fake: tokens 400; delay 20]"


@pytest.fixture
def live(page: Page, fake: FakeOpenAI, serve: Callable[..., Any]) -> ChatPage:
    return ChatPage(page, serve(**fake.env).url)


def test_without_a_key_the_page_says_that_the_tutor_answers_and_how_to_go_live(
    page: Page, serve: Callable[..., Any]
) -> None:
    chat = ChatPage(page, serve().url)
    banner = page.locator(".banner")
    expect(banner).to_contain_text("not from ChatGPT")
    expect(banner.get_by_role("button", name="Go live")).to_be_visible()
    suggestions = page.get_by_role("group", name="Suggested questions").get_by_role("button")
    expect(suggestions).to_have_count(4)
    suggestions.first.click()
    chat.wait()
    expect(chat.answer).to_contain_text(re.compile("key", re.IGNORECASE))
    expect(suggestions.first).to_be_hidden()
    banner.get_by_role("link").click()
    expect(page).to_have_url(re.compile("/guide/get-a-key$"))
    expect(page.get_by_role("heading", level=1)).to_be_visible()


def test_every_suggested_question_gets_an_answer_from_the_guide(page: Page, serve: Callable[..., Any]) -> None:
    chat = ChatPage(page, serve().url)
    suggestions = page.get_by_role("group", name="Suggested questions").get_by_role("button")
    expect(suggestions).to_have_count(4)
    for question in suggestions.all_text_contents():
        chat.ask_and_wait(question)
        expect(chat.answer.locator('a[href^="/guide/"]').first).to_be_visible()


def test_an_answer_is_rendered_and_the_page_gets_an_address_and_a_title(live: ChatPage) -> None:
    live.ask_and_wait("[fake:text Hello **you**, see `code`.]")
    expect(live.answer.locator("strong")).to_have_text("you")
    expect(live.answer.locator("code")).to_have_text("code")
    expect(live.page).to_have_url(re.compile("/c/[0-9a-f]{32}$"))
    expect(live.page).to_have_title(re.compile("Turnkey Chat"))
    expect(live.status).to_have_text("Finished. Hello you, see code.")
    expect(live.box).to_be_focused()


def test_a_reload_shows_the_conversation(live: ChatPage) -> None:
    live.ask_and_wait("[fake:text One]")
    live.ask_and_wait("[fake:text Two]")
    live.page.reload()
    expect(live.questions).to_have_count(2)
    expect(live.replies).to_have_count(2)
    expect(live.answer).to_have_text("Two")


def test_a_reload_in_mid_reply_listens_again_to_its_end(live: ChatPage) -> None:
    live.ask("[fake: tokens 150; delay 20]")
    expect(live.answer).to_contain_text("tok tok tok")
    live.page.reload()
    expect(live.stop).to_be_visible()
    live.wait()
    expect(live.replies).to_have_count(1)
    expect(live.answer).to_have_text("tok " * 149 + "tok")


@pytest.mark.parametrize("how", ["button", "Escape"])
def test_stop_ends_the_reply_and_keeps_its_text(live: ChatPage, fake: FakeOpenAI, how: str) -> None:
    live.ask(SLOW)
    expect(live.answer).to_contain_text("tok tok")
    if how == "button":
        live.stop.click()
    else:
        live.page.keyboard.press(how)
    live.wait()
    expect(live.replies.last.locator(".marks")).to_have_text("Stopped")
    expect(live.box).to_be_focused()
    assert fake.wait_idle()
    live.page.reload()
    expect(live.replies.last.locator(".marks")).to_have_text("Stopped")
    expect(live.answer).to_contain_text("tok tok")


def test_stop_works_before_the_first_word(live: ChatPage) -> None:
    live.ask_and_wait("[fake:text One]")
    live.ask("[fake: stall-first 8; tokens 3]")
    live.stop.click()
    live.wait()
    expect(live.replies.last.locator(".marks")).to_have_text("Stopped")


def test_a_reply_survives_a_cut_connection_to_the_letter(
    page: Page, fake: FakeOpenAI, serve: Callable[..., Any], watch: Any
) -> None:
    watch.expected.append("net::ERR_")
    with Line(serve(**fake.env).url) as line:
        chat = ChatPage(page, line.url)
        resumed = []
        page.on(
            "request", lambda sent: sent.url.endswith("/stream") and resumed.append("last-event-id" in sent.headers)
        )
        chat.ask("[fake: tokens 150; delay 20]")
        for _ in range(2):
            expect(chat.answer).to_contain_text("tok tok")
            line.cut()
            page.wait_for_timeout(600)
        chat.wait()
        expect(chat.answer).to_have_text("tok " * 149 + "tok")
        expect(chat.errors).to_have_count(0)
        assert resumed and all(resumed)
        page.close()


def test_a_line_that_falls_silent_for_twenty_seconds_counts_as_dead(
    page: Page, fake: FakeOpenAI, serve: Callable[..., Any], watch: Any
) -> None:
    page.clock.install()
    with Line(serve(**fake.env).url) as line:
        chat = ChatPage(page, line.url)
        chat.ask("[fake: tokens 100; delay 20]")
        expect(chat.answer).to_contain_text("tok tok")
        line.freeze()
        page.clock.fast_forward(21_000)
        expect(chat.status).to_contain_text("Reconnecting")
        line.thaw()
        page.clock.fast_forward(1_000)
        chat.wait()
        expect(chat.answer).to_have_text("tok " * 99 + "tok")
        page.close()


def test_a_reply_that_ended_while_nobody_listened_is_read_from_the_store(
    page: Page, fake: FakeOpenAI, serve: Callable[..., Any], watch: Any
) -> None:
    watch.expected.append("net::ERR_")
    with Line(serve(**fake.env).url) as line:
        chat = ChatPage(page, line.url)
        chat.ask("[fake: tokens 60; delay 20]")
        expect(chat.answer).to_contain_text("tok tok")
        line.refusing = True
        line.cut()
        assert fake.wait_idle()
        line.refusing = False
        chat.wait()
        expect(chat.answer).to_have_text("tok " * 59 + "tok")
        page.close()


def test_a_new_chat_begins_empty_and_back_returns_to_the_old_one(live: ChatPage) -> None:
    live.ask_and_wait("[fake:text One]")
    live.box.fill("a thought for later")
    live.page.get_by_role("link", name="New chat").click()
    expect(live.questions).to_have_count(0)
    expect(live.box).to_have_value("")
    expect(live.box).to_be_focused()
    live.page.go_back()
    expect(live.answer).to_have_text("One")
    expect(live.box).to_have_value("a thought for later")
    live.page.keyboard.press("Control+Shift+O")
    expect(live.questions).to_have_count(0)
    assert live.page.url.endswith("/")


def test_a_new_chat_does_not_wait_for_the_old_one_s_reply(live: ChatPage) -> None:
    live.ask(SLOW)
    expect(live.answer).to_contain_text("tok tok")
    live.page.get_by_role("link", name="New chat").click()
    live.ask_and_wait("[fake:text Meanwhile]")
    expect(live.answer).to_have_text("Meanwhile")


def test_an_address_of_nobody_s_chat_says_so_and_offers_a_new_one(
    page: Page, serve: Callable[..., Any], watch: Any
) -> None:
    watch.expected.append("404")
    chat = ChatPage(page, f"{serve().url}/c/nobodys-chat")
    expect(chat.errors).to_contain_text("no such conversation")
    page.get_by_role("button", name="Start a new chat").click()
    expect(chat.errors).to_have_count(0)
    assert page.url.endswith("/")


def test_the_reasoning_is_shown_folded(live: ChatPage) -> None:
    live.ask_and_wait("[fake:summary Weighing it.][fake: tokens 3]")
    reasoning = live.replies.last.get_by_role("group")
    expect(reasoning.locator(".reasoning-text")).to_be_hidden()
    reasoning.locator("summary").click()
    expect(reasoning.locator(".reasoning-text")).to_have_text("Weighing it.")


def test_an_answer_cut_at_the_length_limit_says_so(live: ChatPage) -> None:
    live.ask_and_wait("[fake: tokens 9; incomplete 5 max_output_tokens]")
    expect(live.replies.last.locator(".marks")).to_have_text("Cut at the length limit")


def test_models_are_offered_only_where_there_is_a_choice(
    new_page: Callable[..., Page], fake: FakeOpenAI, serve: Callable[..., Any]
) -> None:
    one = ChatPage(new_page(), serve(**fake.env).url)
    expect(one.box).to_be_visible()
    expect(one.page.get_by_label("Model")).to_be_hidden()
    names = sorted(fake.models)[:2]
    two = ChatPage(new_page(), serve(**{**fake.env, "OPENAI_MODEL": names[0], "OPENAI_MODELS": ",".join(names)}).url)
    two.page.get_by_label("Model").select_option(names[1])
    two.ask_and_wait("[fake:text Hi]")
    assert fake.calls[-1].body["model"] == names[1]


def test_copying_gives_the_message_s_markdown_and_the_code_s_text(live: ChatPage) -> None:
    live.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    live.ask_and_wait(r"[fake:text **Run** this:\n\n```sh\nmake run\n```]")
    live.replies.last.get_by_role("button", name="Copy message").click()
    expect(live.status).to_have_text("Copied")
    assert live.page.evaluate("navigator.clipboard.readText()") == "**Run** this:\n\n```sh\nmake run\n```"
    live.answer.get_by_role("button", name="Copy").click()
    expect(live.answer.locator(".copied")).to_be_visible()
    assert live.page.evaluate("navigator.clipboard.readText()") == "make run"


def test_enter_sends_and_shift_enter_breaks_the_line(live: ChatPage) -> None:
    live.box.press_sequentially("one")
    live.box.press("Shift+Enter")
    live.box.press_sequentially("[fake:text two]")
    live.box.press("Enter")
    expect(live.questions.locator(".bubble")).to_have_text("one\n[fake:text two]", use_inner_text=True)


def test_an_input_method_s_enter_does_not_send(live: ChatPage) -> None:
    live.box.fill("にほん")
    live.box.evaluate("""(box) => {
        const enter = (options) => box.dispatchEvent(
            new KeyboardEvent('keydown', { key: 'Enter', bubbles: true, cancelable: true, ...options }));
        enter({ isComposing: true });
        enter({ keyCode: 229 });
        box.dispatchEvent(new CompositionEvent('compositionend', { bubbles: true }));
        enter({});
    }""")
    expect(live.questions).to_have_count(0)
    live.page.wait_for_timeout(50)
    live.box.press("Enter")
    expect(live.questions).to_have_count(1)


def test_on_a_touch_screen_enter_breaks_the_line(new_page: Callable[..., Page], serve: Callable[..., Any]) -> None:
    chat = ChatPage(new_page(**PHONE), serve().url)
    chat.box.press_sequentially("one")
    chat.box.press("Enter")
    chat.box.press_sequentially("two")
    expect(chat.box).to_have_value("one\ntwo")
    chat.send.tap()
    expect(chat.questions).to_have_count(1)


def test_shift_escape_goes_to_the_message_box(live: ChatPage) -> None:
    live.page.get_by_role("link", name="Key guide").focus()
    live.page.keyboard.press("Shift+Escape")
    expect(live.box).to_be_focused()


def test_the_skip_link_comes_first_and_leads_to_the_message_box(live: ChatPage) -> None:
    first = live.page.locator("a, button, select, textarea").first
    expect(first).to_have_text("Skip to the message box")
    first.focus()
    expect(first).to_be_in_viewport()
    live.page.keyboard.press("Enter")
    expect(live.box).to_be_focused()


def test_a_draft_survives_a_reload(live: ChatPage) -> None:
    live.box.fill("half a thought")
    live.page.reload()
    expect(live.box).to_have_value("half a thought")


def test_characters_are_counted_near_the_bound_and_too_many_cannot_be_sent(
    page: Page, serve: Callable[..., Any]
) -> None:
    chat = ChatPage(page, serve(MAX_MESSAGE_CHARS=100).url)
    count = page.locator("#count")
    chat.box.fill("x" * 50)
    expect(count).to_be_hidden()
    chat.box.fill("😀" * 95)
    expect(count).to_have_text("95 of 100 characters")
    expect(chat.send).to_be_enabled()
    chat.box.fill("x" * 101)
    expect(count).to_have_text("Too long by 1 character")
    chat.box.press("Enter")
    expect(chat.questions).to_have_count(0)


def test_the_page_follows_the_end_until_the_reader_scrolls_up(live: ChatPage) -> None:
    page = live.page
    at_end = "document.documentElement.scrollHeight - innerHeight - scrollY < 3"
    live.ask_and_wait("[fake: tokens 1500]")
    live.ask("[fake: tokens 3000; delay 2]")
    expect(live.answer).to_contain_text("tok tok")
    jump = page.get_by_role("button", name="Jump to latest")
    expect(jump).to_be_hidden()
    assert page.evaluate(at_end)
    page.mouse.move(600, 400)
    page.mouse.wheel(0, -200)
    page.wait_for_timeout(300)
    top = page.evaluate("scrollY")
    page.wait_for_timeout(1000)
    assert page.evaluate("scrollY") == top
    jump.click()
    expect(live.box).to_be_focused()
    expect(jump).to_be_hidden()
    page.wait_for_timeout(300)
    assert page.evaluate(at_end)
