"""A chat of two thousand messages opens at once, and stays smooth and in its place while the reader scrolls."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.chat_page import ChatPage
from tests.conftest import Served

pytestmark = pytest.mark.alone
MESSAGES = 2000
FEW = 900  # questions with short answers, at its beginning
WORD = "Yes."
ANSWER = (Path(__file__).parent / "answer.md").read_text()[:1200]
OPENED = """(name) => new Promise((seen) => {
    const look = () => document.querySelector('.transcript')?.textContent.includes(name)
        ? requestAnimationFrame(() => seen(performance.now()))
        : requestAnimationFrame(look);
    look();
})"""
SCROLL = """() => {
    scrollTo(0, 1200);
    window.anchor = [...document.querySelectorAll('.message')].find((one) => one.getBoundingClientRect().bottom > 100);
    return window.anchor.getBoundingClientRect().top;
}"""
TO_THE_FIRST = """async () => {
    while (!document.querySelector('.earlier').hidden) {
        scrollTo(0, 0);
        await new Promise(requestAnimationFrame);
    }
    scrollTo(0, 0);
}"""
WATCH = """() => {
    window.longest = 0;
    new PerformanceObserver((list) => {
        window.longest = Math.max(window.longest, ...list.getEntries().map(({ duration }) => duration));
    }).observe({ type: 'longtask' });
}"""


@pytest.fixture(scope="module")
def visitor(browser: Browser, served: Served) -> dict[str, Any]:
    """The address of a long chat, and the cookie of the visitor whose chat it is."""
    context = browser.new_context()
    (chat,) = context.request.post(f"{served.url}/api/chats/import", data=json.dumps(long_chat())).json()["chats"]
    state = context.storage_state()
    context.close()
    return {"url": f"{served.url}/c/{chat}", "storage_state": state}


@pytest.fixture
def chat(new_page: Callable[..., Page], visitor: dict[str, Any]) -> ChatPage:
    chat = ChatPage(new_page(storage_state=visitor["storage_state"]), visitor["url"])
    expect(chat.replies.filter(has_text=f"Answer {MESSAGES // 2}")).to_be_visible()
    return chat


def long_chat() -> dict[str, Any]:
    texts = [
        (f"Question {number}", f"Answer {number}\n\n{ANSWER if number > FEW else WORD}")
        for number in range(1, MESSAGES // 2 + 1)
    ]
    return chat_of([texts], "longchat0001")


def chat_of(versions: list[list[tuple[str, str]]], id: str) -> dict[str, Any]:
    """A chat as a file: each version from the first question on; the last of them is read."""
    began = datetime(2026, 1, 1, tzinfo=UTC)
    messages: list[dict[str, Any]] = []
    for version in versions:
        above = None
        for exchange in version:
            for role, text in zip(("user", "assistant"), exchange, strict=True):
                time = began + timedelta(minutes=len(messages))
                message = {"id": f"message{len(messages):08}", "parent": above, "role": role, "text": text}
                messages.append({**message, "status": "complete", "created_at": time.isoformat()})
                above = message["id"]
    times = {"created_at": began.isoformat(), "updated_at": messages[-1]["created_at"]}
    kind = {"format": "turnkey-chat", "version": 1, "id": id, "title": "A long chat"}
    return {**kind, **times, "head": messages[-1]["id"], "messages": messages}


def test_it_opens_in_under_a_second(chat: ChatPage) -> None:
    times = []
    for _ in range(3):
        chat.page.reload(wait_until="commit")
        times.append(chat.page.evaluate(OPENED, f"Answer {MESSAGES // 2}"))
    assert min(times) < 1000, times
    expect(chat.replies.last).to_be_in_viewport()


def test_earlier_messages_come_as_the_reader_nears_them_and_move_nothing(chat: ChatPage) -> None:
    chat.page.evaluate(WATCH)
    chat.page.mouse.move(800, 400)
    chat.page.mouse.wheel(0, -100)  # the reader takes over
    chat.rest()
    for _ in range(5):
        shown = chat.page.locator(".message").count()
        top = chat.page.evaluate(SCROLL)
        expect(chat.page.locator(".message")).not_to_have_count(shown)
        assert abs(chat.page.evaluate("window.anchor.getBoundingClientRect().top") - top) <= 1
    assert chat.page.evaluate("window.longest") < 200  # on a machine that is busy with other tests


def test_the_first_message_is_reached(chat: ChatPage) -> None:
    chat.page.mouse.move(800, 400)
    chat.page.mouse.wheel(0, -100)
    chat.page.evaluate(TO_THE_FIRST)
    expect(chat.page.get_by_text("Question 1", exact=True)).to_be_visible()
    assert chat.questions.count() == MESSAGES // 2
    expect(chat.questions.last.locator(".bubble")).to_have_text(f"Question {MESSAGES // 2}")


def test_a_reader_at_the_beginning_stays_there_when_another_tab_asks(chat: ChatPage) -> None:
    chat.page.mouse.move(800, 400)
    chat.page.mouse.wheel(0, -100)
    chat.page.evaluate(TO_THE_FIRST)
    other = ChatPage(chat.page.context.new_page(), chat.page.url)
    expect(other.answer).to_contain_text(f"Answer {MESSAGES // 2}")
    other.ask_and_wait("[fake:text From elsewhere]")
    expect(chat.answer).to_have_text("From elsewhere")
    expect(chat.page.get_by_text("Question 1", exact=True)).to_be_in_viewport()
    assert chat.questions.count() == MESSAGES // 2 + 1
