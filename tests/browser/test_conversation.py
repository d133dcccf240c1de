"""A conversation as the visitor sees it: asking, stopping, coming back, starting anew."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.chat_page import ChatPage
from tests.browser.conftest import PHONE
from tests.browser.line import Line
from tests.conftest import Served
from tests.fake_openai import FakeOpenAI

HELD = "[fake: tokens 9; hold 4]"
FLOWING = "[fake: tokens 150; delay 10; hold 149]"  # under way until the test has seen enough
WHOLE = "tok " * 149 + "tok"


@pytest.fixture
def live(page: Page, served: Served) -> ChatPage:
    return ChatPage(page, served.url)


def test_without_a_key_the_page_says_that_the_tutor_answers_and_how_to_go_live(page: Page, tutored: Served) -> None:
    """Every suggested question gets an answer from the guide."""
    chat = ChatPage(page, tutored.url)
    banner = page.locator(".banner")
    expect(banner).to_contain_text("not from ChatGPT")
    expect(banner.get_by_role("button", name="Go live")).to_be_visible()
    suggestions = page.get_by_role("group", name="Suggested questions").get_by_role("button")
    expect(suggestions).to_have_count(4)
    _, *others = suggestions.all_text_contents()
    suggestions.first.click()
    chat.wait()
    expect(chat.answer).to_contain_text(re.compile("key", re.IGNORECASE))
    expect(suggestions.first).to_be_hidden()
    for question in others:
        chat.ask_and_wait(question)
    for reply in chat.replies.all():
        expect(reply.locator('a[href^="/guide/"]').first).to_be_visible()
    banner.get_by_role("link").click()
    expect(page).to_have_url(re.compile("/guide/get-a-key$"))
    expect(page.get_by_role("heading", level=1)).to_be_visible()


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


def test_a_reload_in_mid_reply_listens_again_to_its_end(live: ChatPage, fake: FakeOpenAI) -> None:
    live.ask(FLOWING)
    expect(live.answer).to_contain_text("tok tok tok")
    live.page.reload()
    expect(live.stop).to_be_visible()
    fake.go_on()
    live.wait()
    expect(live.replies).to_have_count(1)
    expect(live.answer).to_have_text(WHOLE)


def test_stop_ends_the_reply_and_keeps_its_text(live: ChatPage, fake: FakeOpenAI) -> None:
    """By the button, and by Escape."""
    for count, stop in enumerate((live.stop.click, lambda: live.page.keyboard.press("Escape")), 1):
        live.ask(HELD)
        expect(live.replies).to_have_count(count)
        expect(live.answer).to_contain_text("tok tok")
        stop()
        live.wait()
        expect(live.replies.last.locator(".marks")).to_have_text("Stopped")
        expect(live.box).to_be_focused()
        assert fake.wait_idle(15)
    live.page.reload()
    expect(live.replies.locator(".marks")).to_have_text(["Stopped", "Stopped"])
    expect(live.answer).to_contain_text("tok tok")


def test_stop_works_before_the_first_word(live: ChatPage) -> None:
    live.ask_and_wait("[fake:text One]")
    live.ask("[fake: stall-first 60; tokens 3]")
    live.stop.click()
    live.wait()
    expect(live.replies.last.locator(".marks")).to_have_text("Stopped")


def test_a_reply_survives_a_cut_connection_to_the_letter(
    page: Page, fake: FakeOpenAI, served: Served, watch: Any
) -> None:
    watch.expected.append("net::ERR_")
    with Line(served.url) as line:
        chat = ChatPage(page, line.url)
        resumed = []
        page.on(
            "request", lambda sent: sent.url.endswith("/stream") and resumed.append("last-event-id" in sent.headers)
        )
        chat.ask(FLOWING)
        expect(chat.answer).to_contain_text("tok tok")
        for _ in range(2):
            with page.expect_response("**/stream"):
                line.cut()
        fake.go_on()
        chat.wait()
        expect(chat.answer).to_have_text(WHOLE)
        expect(chat.errors).to_have_count(0)
        assert len(resumed) >= 2 and all(resumed)
        page.close()


def test_a_line_that_falls_silent_for_twenty_seconds_counts_as_dead(
    page: Page, fake: FakeOpenAI, served: Served
) -> None:
    page.clock.install()
    with Line(served.url) as line:
        chat = ChatPage(page, line.url)
        chat.ask(HELD)
        expect(chat.answer).to_have_text("tok tok tok tok")  # nothing is on its way that would break the silence
        line.freeze()
        page.clock.fast_forward(21_000)
        expect(chat.status).to_contain_text("Reconnecting")
        fake.go_on()
        line.thaw()
        page.clock.fast_forward(1_000)
        chat.wait()
        expect(chat.answer).to_have_text("tok " * 8 + "tok")
        page.close()


def test_a_reply_that_ended_while_nobody_listened_is_read_from_the_store(
    page: Page, fake: FakeOpenAI, served: Served, watch: Any
) -> None:
    watch.expected.append("net::ERR_")
    with Line(served.url) as line:
        chat = ChatPage(page, line.url)
        chat.ask(FLOWING)
        expect(chat.answer).to_contain_text("tok tok")
        line.refusing = True
        line.cut()
        fake.go_on()
        assert fake.wait_idle(15)
        line.refusing = False
        chat.wait()
        expect(chat.answer).to_have_text(WHOLE)
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
    expect(live.page).to_have_url(re.compile("/$"))


def test_a_new_chat_does_not_wait_for_the_old_one_s_reply(live: ChatPage) -> None:
    live.ask(HELD)
    expect(live.answer).to_contain_text("tok tok")
    live.page.get_by_role("link", name="New chat").click()
    live.ask_and_wait("[fake:text Meanwhile]")
    expect(live.answer).to_have_text("Meanwhile")


def test_an_address_of_nobody_s_chat_says_so_and_offers_a_new_one(page: Page, served: Served, watch: Any) -> None:
    watch.expected.append("404")
    chat = ChatPage(page, f"{served.url}/c/nobodys-chat")
    expect(chat.errors).to_contain_text("no such conversation")
    page.get_by_role("button", name="Start a new chat").click()
    expect(chat.errors).to_have_count(0)
    expect(page).to_have_url(re.compile("/$"))


def test_the_reasoning_is_shown_folded(live: ChatPage) -> None:
    live.ask_and_wait("[fake:summary Weighing it.][fake: tokens 3]")
    reasoning = live.replies.last.get_by_role("group")
    expect(reasoning.locator(".reasoning-text")).to_be_hidden()
    reasoning.locator("summary").click()
    expect(reasoning.locator(".reasoning-text")).to_have_text("Weighing it.")


def test_an_answer_cut_at_the_length_limit_says_so(live: ChatPage) -> None:
    live.ask_and_wait("[fake: tokens 9; incomplete 5 max_output_tokens]")
    expect(live.replies.last.locator(".marks")).to_have_text("Cut at the length limit")


def test_one_model_is_offered_as_no_choice(live: ChatPage) -> None:
    """Where there are two, test_tour chooses."""
    expect(live.page.get_by_role("button", name=" left")).to_be_visible()
    expect(live.page.get_by_label("Model")).to_be_hidden()


def test_copying_gives_the_message_s_markdown_and_the_code_s_text(live: ChatPage) -> None:
    live.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    live.ask_and_wait(r"[fake:text **Run** this:\n\n```sh\nmake run\n```]")
    live.replies.last.get_by_role("button", name="Copy message").click()
    expect(live.status).to_have_text("Copied")
    assert live.page.evaluate("navigator.clipboard.readText()") == "**Run** this:\n\n```sh\nmake run\n```"
    live.page.clock.install()
    live.page.clock.pause_at(time.time() + 3600)  # it says so for a moment only
    live.answer.get_by_role("button", name="Copy").click()
    expect(live.answer.locator(".copied")).to_be_visible()
    assert live.page.evaluate("navigator.clipboard.readText()") == "make run"


def test_enter_sends_and_shift_enter_breaks_the_line(live: ChatPage) -> None:
    live.box.press_sequentially("one")
    live.box.press("Shift+Enter")
    live.box.press_sequentially("[fake:text two]")
    live.box.press("Enter")
    expect(live.questions.locator(".bubble")).to_have_text("one\n[fake:text two]", use_inner_text=True)
    live.wait()


def test_an_input_method_s_enter_does_not_send(live: ChatPage) -> None:
    live.box.fill("にほん")
    live.box.evaluate("""(box) => {
        const enter = (options) => box.dispatchEvent(
            new KeyboardEvent('keydown', { key: 'Enter', bubbles: true, cancelable: true, ...options }));
        const now = performance.now();
        performance.now = () => now; // however slow this machine is
        enter({ isComposing: true });
        enter({ keyCode: 229 });
        box.dispatchEvent(new CompositionEvent('compositionend', { bubbles: true }));
        enter({});
        delete performance.now;
    }""")
    expect(live.questions).to_have_count(0)
    live.page.evaluate("new Promise((past) => setTimeout(past, 50))")  # the Enter that ends a composition
    live.box.press("Enter")
    expect(live.questions).to_have_count(1)
    live.wait()


def test_on_a_touch_screen_enter_breaks_the_line(new_page: Callable[..., Page], served: Served) -> None:
    chat = ChatPage(new_page(**PHONE), served.url)
    chat.box.press_sequentially("one")
    chat.box.press("Enter")
    chat.box.press_sequentially("two")
    expect(chat.box).to_have_value("one\ntwo")
    chat.send.tap()
    expect(chat.questions).to_have_count(1)
    chat.wait()


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


def test_characters_are_counted_near_the_bound_and_too_many_cannot_be_sent(page: Page, tutored: Served) -> None:
    chat = ChatPage(page, tutored.url)
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


def test_the_page_follows_the_end_until_the_reader_scrolls_up(live: ChatPage, fake: FakeOpenAI) -> None:
    page = live.page
    at_end = "document.documentElement.scrollHeight - innerHeight - scrollY < 3"
    live.ask_and_wait("[fake: tokens 1500]")
    live.ask("[fake: tokens 2500; hold 800]")
    expect(live.replies).to_have_count(2)
    expect(live.answer).to_contain_text("tok tok")
    jump = page.get_by_role("button", name="Jump to latest")
    live.rest()
    expect(jump).to_be_hidden()
    assert page.evaluate(at_end)
    top = live.wheel(-200)
    expect(jump).to_be_visible()
    fake.go_on()
    live.wait()
    assert live.rest() == top
    jump.click()
    expect(live.box).to_be_focused()
    expect(jump).to_be_hidden()
    live.rest()
    assert page.evaluate(at_end)
