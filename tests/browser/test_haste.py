"""Impatient visitors lose nothing: whatever they do while something else is under way ends well."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.chat_page import ChatPage
from tests.browser.test_long_chats import chat_of
from tests.conftest import Served, wait_for

HELD = "[fake: tokens 9; hold 4]"


@pytest.fixture
def url(served: Served) -> str:
    return served.url


@pytest.fixture
def chat(page: Page, url: str) -> ChatPage:
    return ChatPage(page, url)


def hold(page: Page, address: str, method: str = "GET") -> list[Route]:
    """Requests to `address` wait in the list that is returned."""
    held: list[Route] = []
    page.route(address, lambda route: held.append(route) if route.request.method == method else route.fallback())
    return held


def first(page: Page, held: list[Route]) -> Route:
    """Of the requests that wait, once there is one."""
    wait_for(lambda: held or page.wait_for_timeout(20), 20, "a request")
    return held[0]


def test_a_question_sent_while_its_chat_is_read_is_asked_below_what_was_said(chat: ChatPage) -> None:
    chat.ask_and_wait("First [fake:text One]")
    held = hold(chat.page, "**/api/chats/*")
    chat.page.reload()
    reading = first(chat.page, held)
    chat.ask("Second [fake:text Two]")
    expect(chat.stop).to_be_visible()
    reading.continue_()
    expect(chat.answer).to_have_text("Two")
    expect(chat.questions).to_have_count(2)
    expect(chat.replies.first.locator(".markdown")).to_have_text("One")


def test_a_question_stopped_before_it_is_sent_is_a_draft_again(page: Page, url: str) -> None:
    held = hold(page, "**/api/me")
    chat = ChatPage(page, url)
    chat.ask("Wait [fake:text One]")
    chat.stop.click()
    expect(chat.box).to_have_value("Wait [fake:text One]")
    expect(chat.status).to_have_text("Stopped")
    expect(chat.questions).to_have_count(0)
    expect(page).to_have_url(f"{url}/")
    first(page, held).continue_()
    chat.box.press("Enter")
    expect(chat.answer).to_have_text("One")


def test_a_question_stopped_before_it_arrived_is_a_draft_again(chat: ChatPage, watch: Any) -> None:
    watch.expected.append("404")  # the page asks whether it is stored
    hold(chat.page, "**/api/chat", "POST")
    chat.ask("Wait [fake:text One]")
    expect(chat.questions).to_have_count(1)
    chat.stop.click()
    expect(chat.box).to_have_value("Wait [fake:text One]")
    expect(chat.questions).to_have_count(0)


def test_stop_ends_the_wait_for_a_reply_that_was_opened_again(chat: ChatPage) -> None:
    chat.ask(HELD)
    expect(chat.answer).to_contain_text("tok")
    held = hold(chat.page, "**/stream")
    chat.page.reload()
    expect(chat.stop).to_be_visible()
    first(chat.page, held)
    chat.stop.click()
    expect(chat.stop).to_be_hidden()
    expect(chat.replies.last).to_contain_text("Stopped")


def test_a_second_of_two_quick_questions_comes_back(chat: ChatPage) -> None:
    chat.page.evaluate("""() => {
        const [field] = document.querySelectorAll('textarea');
        for (const text of ['[fake: tokens 9; delay 10]', 'two']) {
            field.value = text;
            field.dispatchEvent(new Event('input', { bubbles: true }));
            field.form.requestSubmit();
        }
    }""")
    expect(chat.answer).to_contain_text("tok")
    chat.wait()
    expect(chat.questions).to_have_count(1)
    expect(chat.box).to_have_value("two")


def test_the_skip_link_leaves_a_temporary_chat_as_it_is(chat: ChatPage) -> None:
    switch = chat.page.get_by_role("button", name="Temporary chat")
    switch.click()
    expect(switch).to_have_attribute("aria-pressed", "true")
    chat.ask_and_wait("Between us [fake:text Yes]")
    chat.page.locator(".skip-link").evaluate("(link) => link.click()")
    expect(chat.page).to_have_url(re.compile("#message$"))
    expect(chat.answer).to_have_text("Yes")
    expect(switch).to_have_attribute("aria-pressed", "true")


def test_what_is_typed_goes_along_into_a_temporary_chat_and_is_kept_nowhere(chat: ChatPage) -> None:
    chat.box.fill("a secret of mine")
    switch = chat.page.get_by_role("button", name="Temporary chat")
    switch.click()
    expect(switch).to_have_attribute("aria-pressed", "true")
    expect(chat.box).to_have_value("a secret of mine")
    assert "secret" not in chat.page.evaluate("JSON.stringify({ ...sessionStorage })")
    chat.box.press("Enter")
    expect(chat.replies).to_have_count(1)
    chat.wait()
    chat.box.press("ArrowUp")
    chat.page.get_by_role("textbox", name="Edit your message").fill("another secret")
    assert "secret" not in chat.page.evaluate("JSON.stringify({ ...sessionStorage })")


def test_a_question_asked_before_the_whole_page_is_there_goes_into_the_temporary_chat_that_was_chosen(
    page: Page, url: str
) -> None:
    held = hold(page, "**/chat.js*")
    chat = ChatPage(page, url)
    script = first(page, held)
    switch = page.get_by_role("button", name="Temporary chat")
    switch.click()
    chat.ask("Between us [fake:text Yes]")
    expect(chat.stop).to_be_visible()
    script.continue_()
    expect(chat.answer).to_have_text("Yes")
    chat.wait()
    expect(switch).to_have_attribute("aria-pressed", "true")
    expect(chat.box).to_have_value("")


def test_a_question_asked_before_the_whole_page_is_there_has_its_stop_until_its_chat_is_read(chat: ChatPage) -> None:
    chat.ask_and_wait("First [fake:text One]")
    scripts, reads = hold(chat.page, "**/chat.js*"), hold(chat.page, "**/api/chats/*")
    chat.page.reload(wait_until="commit")
    script = first(chat.page, scripts)
    chat.ask("Second [fake:text Two]")
    script.continue_()
    reading = first(chat.page, reads)
    expect(chat.stop).to_be_visible()
    reading.continue_()
    expect(chat.answer).to_have_text("Two")


@pytest.mark.parametrize("button", ["left", "Settings"])
def test_a_button_whose_script_cannot_be_loaded_says_so(chat: ChatPage, watch: Any, button: str) -> None:
    watch.expected.append("Failed to load resource")
    chat.begin()
    chat.page.route("**/js/{server/allowance-sheet,settings/settings}.js*", lambda route: route.abort())
    chat.page.get_by_role("button", name=button).click()
    expect(chat.status).to_contain_text("The server could not be reached.")


def test_the_first_of_two_versions_is_read_though_its_branch_is_long(page: Page, url: str) -> None:
    texts = [(f"Question {number}", f"Answer {number}") for number in range(40)]
    other = [("Another question", "Another answer")]
    body = json.dumps(chat_of([texts, other], "branches0001"))
    (brought,) = page.context.request.post(f"{url}/api/chats/import", data=body).json()["chats"]
    chat = ChatPage(page, f"{url}/c/{brought}")
    expect(chat.answer).to_have_text("Another answer")
    chat.questions.first.get_by_role("button", name="Version before").click()
    expect(chat.answer).to_have_text("Answer 39")
    expect(chat.questions.first.locator(".bubble")).to_have_text("Question 0")
    expect(chat.questions.first.get_by_role("button", name="Version after")).to_be_focused()
    expect(chat.errors).to_have_count(0)


def test_a_copy_works_without_a_clipboard_as_on_plain_http(new_page: Callable[..., Page], url: str) -> None:
    page = new_page()
    page.add_init_script("Object.defineProperty(navigator, 'clipboard', { value: undefined })")
    chat = ChatPage(page, url)
    chat.ask_and_wait("[fake:text Take this along]")
    chat.replies.last.get_by_role("button", name="Copy message").click()
    expect(chat.status).to_have_text("Copied")
    chat.box.press("ControlOrMeta+v")
    expect(chat.box).to_have_value("Take this along")


def test_a_wait_ends_though_another_notice_took_its_place(chat: ChatPage, watch: Any) -> None:
    watch.expected += ["429", "500"]
    chat.page.clock.install()
    chat.ask_and_wait("First [fake:text One]")
    refusal = {"status": 429, "code": "limit_reached", "title": "x", "detail": "Slowly.", "retry_after": 600}
    chat.page.get_by_role("link", name="New chat").click()
    chat.page.route("**/api/chat", lambda route: route.fulfill(status=429, json=refusal))
    chat.page.route("**/api/chats/*", lambda route: route.fulfill(status=500, json={"detail": "Not now."}))
    chat.ask("Second")
    expect(chat.errors).to_contain_text("Slowly")
    chat.page.get_by_role("link", name="First").click()
    expect(chat.errors).to_contain_text("Not now")
    chat.box.fill("Third")
    expect(chat.send).to_be_disabled()
    chat.page.clock.fast_forward("10:01")
    expect(chat.send).to_be_enabled()


def test_a_second_refusal_does_not_end_the_wait_of_the_first(page: Page, strict: Served, watch: Any) -> None:
    watch.expected += ["429", "413"]
    chat = ChatPage(page, strict.url)
    chat.ask_and_wait("Hello [fake:text Fine]")
    chat.ask("one too many")
    timer = page.get_by_role("timer")
    expect(timer).to_be_visible()
    refusal = {"status": 413, "code": "too_long", "title": "x", "detail": "Too long, says the server."}
    page.route("**/api/chat", lambda route: route.fulfill(status=413, json=refusal))
    page.get_by_role("button", name="Answer again").click()
    expect(chat.errors).to_have_count(1)
    expect(chat.errors).to_contain_text("says the server")
    expect(timer).to_be_visible()
    expect(chat.send).to_be_disabled()
