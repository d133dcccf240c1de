"""Suggestions, and what stands between a visitor and the server: each is told in words, once, and goes by itself."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.chat_page import ChatPage, told
from tests.browser.line import Line
from tests.conftest import serving
from tests.fake_openai import FakeOpenAI

OFFLINE = "You are offline. What you write is kept."
AWAY = "The server cannot be reached. What you write is kept."
LOST = "The connection dropped. Reconnecting …"
BACK = "The connection is back."
# Every sentence that the live region was given, in order.
HEAR = """() => {
    window.heard = [];
    const region = document.querySelector('[data-part="status"]');
    new MutationObserver(() => window.heard.push(region.textContent)).observe(region, { childList: true });
}"""


@pytest.fixture(scope="module")
def url(upstream: FakeOpenAI, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with serving(tmp_path_factory.mktemp("states")) as start:
        yield start(**upstream.env, SUGGESTED_QUESTIONS="[fake:text Four]| What is 2 + 2, and why? ").url


def notice(page: Page) -> Locator:
    return page.locator("[data-part=connection]")


def heard(page: Page) -> list[str]:
    return list(page.evaluate("window.heard"))


def test_offline_is_told_at_once_what_is_typed_is_kept_and_it_goes_by_itself(page: Page, url: str, watch: Any) -> None:
    watch.expected.append("net::ERR_INTERNET_DISCONNECTED")
    chat = ChatPage(page, url)
    chat.begin()
    page.evaluate(HEAR)
    page.context.set_offline(True)
    expect(notice(page)).to_have_text(OFFLINE)
    expect(chat.box).to_have_accessible_description(OFFLINE)
    chat.ask("[fake:text Here]")
    expect(chat.box).to_have_value("[fake:text Here]")
    expect(chat.questions).to_have_count(0)
    expect(notice(page)).to_be_visible()
    page.context.set_offline(False)
    expect(notice(page)).to_be_hidden()
    expect(chat.status).to_have_text(BACK)
    assert [sentence for sentence in heard(page) if sentence in (OFFLINE, BACK)] == [OFFLINE, BACK]
    chat.send.click()
    expect(chat.answer).to_have_text("Here")


def test_a_browser_that_only_thinks_itself_offline_says_nothing_of_it(page: Page, url: str) -> None:
    """As where the server runs on the visitor's own machine."""
    ChatPage(page, url).begin()
    with page.expect_response("**/api/me"):
        page.evaluate("dispatchEvent(new Event('offline'))")
    expect(notice(page)).to_be_hidden()


def test_a_server_out_of_reach_is_told_and_looked_for(page: Page, url: str, watch: Any) -> None:
    watch.expected.append("net::ERR_")
    page.clock.install()
    with Line(url) as line:
        chat = ChatPage(page, line.url)
        chat.begin()
        page.evaluate(HEAR)
        line.refusing = True
        line.cut()
        chat.ask("[fake:text Here]")
        expect(notice(page)).to_have_text(AWAY)
        expect(chat.box).to_have_value("[fake:text Here]")
        assert [sentence for sentence in heard(page) if "Your message is back in the box" in sentence]
        line.refusing = False
        page.clock.fast_forward("00:06")
        expect(notice(page)).to_be_hidden()
        expect(chat.status).to_have_text(BACK)
        chat.send.click()
        expect(chat.answer).to_have_text("Here")
        page.close()


def test_a_reply_that_is_looked_for_again_says_so_and_then_goes_on(
    page: Page, url: str, fake: FakeOpenAI, watch: Any
) -> None:
    watch.expected.append("net::ERR_")
    with Line(url) as line:
        chat = ChatPage(page, line.url)
        chat.ask("[fake: tokens 80; hold 40]")
        expect(chat.answer).to_contain_text("tok")
        page.evaluate(HEAR)
        line.refusing = True
        line.cut()
        expect(notice(page)).to_have_text(LOST)
        line.refusing = False
        expect(notice(page)).to_be_hidden()
        fake.go_on()
        chat.wait()
        expect(chat.answer).to_have_text(" ".join(["tok"] * 80))
        assert heard(page).count(LOST) == 1
        page.close()


def test_no_notice_moves_what_is_being_read(page: Page, url: str, watch: Any) -> None:
    watch.expected.append("net::ERR_INTERNET_DISCONNECTED")
    chat = ChatPage(page, url)
    chat.ask_and_wait(told("\n\n".join(f"Line {number}" for number in range(60))))
    line, place = page.get_by_text("Line 20", exact=True), "(node) => node.getBoundingClientRect().top"
    end = """() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(() =>
        resolve(document.scrollingElement.scrollHeight - innerHeight - Math.round(scrollY)))))"""
    for at_the_end in (True, False):
        if not at_the_end:
            chat.wheel(-700)
            expect(page.get_by_role("button", name="Jump to latest")).to_be_visible()
        chat.rest()
        before = line.evaluate(place)
        page.context.set_offline(True)
        expect(notice(page)).to_be_visible()
        if at_the_end:
            assert page.evaluate(end) <= 1
        else:
            assert line.evaluate(place) == before
        page.context.set_offline(False)
        expect(notice(page)).to_be_hidden()
        chat.rest()
        assert line.evaluate(place) == pytest.approx(before, abs=1)


def test_suggested_questions_come_from_the_settings_and_are_sent_by_a_click(page: Page, url: str) -> None:
    chat = ChatPage(page, url)
    suggestions = page.get_by_role("group", name="Suggested questions").get_by_role("button")
    expect(suggestions).to_have_text(["[fake:text Four]", "What is 2 + 2, and why?"])
    page.get_by_role("button", name="[fake:text Four]").focus()
    with page.expect_response("**/api/me"):
        page.evaluate("dispatchEvent(new Event('online'))")
    expect(suggestions.first).to_be_focused()
    page.keyboard.press("Enter")
    expect(chat.answer).to_have_text("Four")
    expect(suggestions).to_have_count(0)


def test_without_suggestions_and_in_a_pause_none_are_offered(page: Page, url: str) -> None:
    def answer(change: dict[str, object]) -> None:
        page.route("**/api/me", lambda route: route.fulfill(json={**route.fetch().json(), **change}))
        ChatPage(page, url).begin()

    answer({"suggestions": []})
    expect(page.locator(".suggestion")).to_have_count(0)
    page.unroute("**/api/me")
    answer({"mode": "paused"})
    expect(page.locator(".suggestion")).to_have_count(0)
