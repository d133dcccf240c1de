"""Several tabs of one browser: what is done in one, the others show."""

from __future__ import annotations

import re

from playwright.sync_api import Page, Route, expect

from tests.browser.chat_page import ChatPage
from tests.browser.conftest import PHONE
from tests.browser.test_haste import first
from tests.conftest import Served
from tests.fake_openai import FakeOpenAI


def two_tabs(page: Page, url: str) -> tuple[ChatPage, ChatPage]:
    """A chat of one question in both."""
    one = ChatPage(page, url)
    one.ask_and_wait("[fake:text One]")
    two = ChatPage(page.context.new_page(), page.url)
    expect(two.answer).to_have_text("One")
    two.begin()
    return one, two


def test_what_is_asked_in_one_tab_the_other_shows_and_keeps_what_it_had(page: Page, served: Served) -> None:
    one, two = two_tabs(page, served.url)
    first = two.replies.first.element_handle()
    for asking, other in ((one, two), (two, one)):
        asking.ask_and_wait("[fake:text Another]")
        expect(other.questions).to_have_count(asking.questions.count())
        expect(other.answer).to_have_text("Another")
    assert first.evaluate("(node) => node === document.querySelector('article.reply')")


def test_a_draft_stays_while_another_tab_asks(page: Page, served: Served) -> None:
    one, two = two_tabs(page, served.url)
    two.box.fill("Half a draft")
    one.ask_and_wait("[fake:text Two]")
    expect(two.answer).to_have_text("Two")
    expect(two.box).to_have_value("Half a draft")


def test_a_version_chosen_in_one_tab_is_read_in_the_other(page: Page, served: Served) -> None:
    one, two = two_tabs(page, served.url)
    one.replies.last.get_by_role("button", name="Answer again").click()
    expect(two.replies.last.locator(".place")).to_have_text("2 / 2")
    one.wait()
    one.replies.last.get_by_role("button", name="Version before").click()
    expect(two.replies.last.locator(".place")).to_have_text("1 / 2")


def slow_look(one: ChatPage, two: ChatPage) -> Route:
    """A second question in tab `one`, and the request by which tab `two` looks at it, which waits."""
    held: list[Route] = []
    two.page.route("**/api/chats/*", lambda route: route.fallback() if held else held.append(route))
    one.ask_and_wait("[fake:text Two]")
    return first(two.page, held)


def test_a_slow_look_at_what_another_tab_did_takes_nothing_new_off_the_page(page: Page, served: Served) -> None:
    one, two = two_tabs(page, served.url)
    look = slow_look(one, two)
    old = look.fetch()
    two.ask_and_wait("[fake:text Three]")
    look.fulfill(response=old)
    expect(two.questions).to_have_count(3)
    expect(two.answer).to_have_text("Three")


def test_a_look_that_ends_while_one_asks_is_had_again_after_the_answer(
    page: Page, served: Served, fake: FakeOpenAI
) -> None:
    one, two = two_tabs(page, served.url)
    look = slow_look(one, two)
    old = look.fetch()
    two.ask("[fake: tokens 2; hold 1]")
    expect(two.answer).to_contain_text("tok")
    with two.page.expect_response(look.request.url):
        look.fulfill(response=old)
    fake.go_on()
    expect(two.questions).to_have_count(3)
    expect(two.answer).to_have_text("tok tok")


def rename(tab: Page) -> None:
    item = tab.locator(".chat-item").first
    item.hover()
    item.get_by_role("button").click()
    tab.get_by_role("menuitem", name="Rename").click()
    tab.get_by_role("textbox", name="Title of the chat").fill("Another title")
    tab.keyboard.press("Enter")


def test_a_chat_renamed_in_one_tab_has_its_new_title_in_the_other(page: Page, served: Served) -> None:
    one, two = two_tabs(page, served.url)
    rename(one.page)
    expect(two.page.locator(".chat-title")).to_have_text("Another title")
    expect(two.page).to_have_title(re.compile("^Another title"))


def test_a_new_title_reaches_a_tab_whose_list_was_never_opened(page: Page, served: Served) -> None:
    one, two = two_tabs(page, served.url)
    two.page.set_viewport_size(PHONE["viewport"])
    two.page.reload()
    expect(two.answer).to_have_text("One")
    rename(one.page)
    expect(two.page).to_have_title(re.compile("^Another title"))


def test_a_title_that_comes_late_is_awaited_whatever_other_tabs_do_and_told_to_them(page: Page, served: Served) -> None:
    one, two = two_tabs(page, served.url)
    one.page.clock.install()
    one.page.reload()
    expect(one.answer).to_have_text("One")
    with one.page.expect_response("**/api/chats"):
        one.ask_and_wait("[fake:text Two]")
    with one.page.expect_response("**/api/chats"):
        two.page.evaluate("new BroadcastChannel('chats').postMessage({ chat: 'another' })")
    chat = one.page.url.rpartition("/")[2]
    assert page.request.patch(f"{served.url}/api/chats/{chat}", data={"title": "Late"}).ok
    one.page.clock.fast_forward(5_000)
    for tab in (one, two):
        expect(tab.page).to_have_title(re.compile("^Late"))
        expect(tab.page.locator(".chat-title")).to_have_text("Late")


def test_a_chat_deleted_in_one_tab_is_gone_in_the_other(page: Page, served: Served) -> None:
    one, two = two_tabs(page, served.url)
    one.page.clock.install()
    one.page.reload()
    item = one.page.locator(".chat-item").first
    item.hover()
    item.get_by_role("button").click()
    one.page.get_by_role("menuitem", name="Delete").click()
    expect(one.questions).to_have_count(0)
    one.page.mouse.move(600, 300)
    one.page.clock.fast_forward(9_000)
    expect(two.errors).to_contain_text("There is no such conversation")
    expect(two.questions).to_have_count(0)


def test_when_all_chats_are_deleted_no_tab_shows_one(page: Page, served: Served) -> None:
    one, two = two_tabs(page, served.url)
    one.page.get_by_role("button", name="Settings").click()
    one.page.get_by_role("button", name="Delete all chats …").click()
    one.page.get_by_role("alertdialog").get_by_role("button", name="Delete all chats").click()
    expect(two.errors).to_contain_text("There is no such conversation")
    expect(two.page.locator(".chat-item")).to_have_count(0)


def test_an_unanswered_question_is_not_lost_by_what_another_tab_does(page: Page, served: Served) -> None:
    one, two = two_tabs(page, served.url)
    two.page.route("**/api/chat", lambda route: route.fulfill(status=502, body="Bad gateway"))
    two.ask("Never arrives")
    expect(two.errors).to_be_visible()
    with two.page.expect_response("**/api/chats/*"):
        one.ask_and_wait("[fake:text Two]")
    expect(two.questions.last).to_contain_text("Never arrives")


def test_tabs_that_listen_to_one_answer_do_not_read_it_again_at_its_end(
    page: Page, served: Served, fake: FakeOpenAI
) -> None:
    one = ChatPage(page, served.url)
    one.ask("[fake: tokens 5; hold 3]")
    expect(one.answer).to_contain_text("tok tok tok")
    tabs = [one, *(ChatPage(page.context.new_page(), page.url) for _ in range(2))]
    reads: list[str] = []
    for tab in tabs:
        expect(tab.stop).to_be_visible()
        tab.page.on("request", lambda request: "/api/chats/" in request.url and reads.append(request.url))
    fake.go_on()
    for tab in tabs:
        tab.wait()
        expect(tab.answer).to_have_text("tok tok tok tok tok")
    one.ask_and_wait("[fake:text Next]")  # what the tabs had to tell each other before, they have heard by then
    for tab in tabs:
        expect(tab.answer).to_have_text("Next")
    assert len(reads) == 2
