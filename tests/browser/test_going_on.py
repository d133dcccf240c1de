"""Answers that were cut off go on: by a button, and by themselves when the server was restarted under them."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.chat_page import ChatPage
from tests.browser.line import Line
from tests.browser.test_haste import first, hold
from tests.conftest import Served, free_port, wait_for
from tests.fake_openai import FakeOpenAI
from tests.wire.conftest import read_rows

HELD = "[fake: tokens 90; hold 80]"
CUT = "status = 'stopped', text = substr(text, 1, 100)"  # the tutor stops for nobody: it may be done before


def chat_of(page: Page) -> str:
    return page.url.rpartition("/")[2]


@pytest.mark.parametrize("how", ["cut 4", "incomplete 4 max_output_tokens"])
def test_an_answer_that_was_cut_off_goes_on_where_it_ends(
    page: Page, served: Served, fake: FakeOpenAI, how: str
) -> None:
    chat = ChatPage(page, served.url)
    chat.ask_and_wait(f"[fake: tokens 4; {how}]")
    fake.fault("text , five")
    page.get_by_role("button", name="Continue").click()
    expect(chat.answer).to_have_text("tok tok tok tok , five")
    chat.wait()
    expect(chat.errors).to_have_count(0)
    expect(chat.replies.last.locator(".marks")).to_be_empty()
    expect(page.get_by_role("button", name="Continue")).to_have_count(0)
    expect(chat.box).to_be_focused()
    page.reload()
    expect(chat.answer).to_have_text("tok tok tok tok , five")
    expect(chat.replies).to_have_count(1)


def test_a_stopped_answer_goes_on_after_a_reload(page: Page, served: Served, fake: FakeOpenAI) -> None:
    chat = ChatPage(page, served.url)
    chat.ask(HELD)
    expect(chat.answer).to_contain_text("tok tok")
    chat.stop.click()
    chat.wait()
    page.reload()
    go_on = page.get_by_role("button", name="Continue")
    expect(go_on).to_be_visible()
    before = chat.answer.inner_text()
    fake.fault("text and done")
    go_on.click()
    expect(chat.answer).to_have_text(f"{before} and done")


def test_the_tutors_answer_goes_on_too(page: Page, tutored: Served) -> None:
    chat = ChatPage(page, tutored.url)
    question = "How do I keep my key safe?"
    chat.ask_and_wait(question)
    whole = chat.answer.inner_text()
    read_rows(tutored, f"UPDATE messages SET {CUT} WHERE role = 'assistant' AND chat = ?", chat_of(page))
    page.reload()
    expect(chat.answer).not_to_contain_text(whole[-20:])
    page.get_by_role("button", name="Continue").click()
    expect(chat.answer).to_have_text(whole, use_inner_text=True)


def test_a_refusal_to_go_on_is_told(page: Page, served: Served, watch: Any) -> None:
    watch.expected.append("400")
    chat = ChatPage(page, served.url)
    chat.ask_and_wait("[fake: tokens 4; cut 4]")
    imported = "UPDATE messages SET rounds = -1 WHERE role = 'assistant' AND chat = ?"
    read_rows(served, imported, chat_of(page))
    page.get_by_role("button", name="Continue").click()
    expect(chat.errors).to_contain_text("imported does not go on")
    expect(chat.answer).to_have_text("tok tok tok tok")


def test_only_the_newest_answer_offers_to_go_on(page: Page, served: Served) -> None:
    chat = ChatPage(page, served.url)
    chat.ask_and_wait("[fake: tokens 4; cut 4]")
    chat.ask_and_wait("[fake: text Two]")
    expect(page.get_by_role("button", name="Continue")).to_have_count(0)


def test_two_tabs_that_go_on_at_once_show_one_answer(
    page: Page, new_page: Callable[..., Page], served: Served, fake: FakeOpenAI, watch: Any
) -> None:
    watch.expected.append("40[09]")
    chat = ChatPage(page, served.url)
    chat.ask_and_wait("[fake: tokens 4; cut 4]")
    other = page.context.new_page()
    twin = ChatPage(other, page.url)
    expect(twin.answer).to_contain_text("tok tok")
    fake.fault("tokens 60; hold 30", times=2)
    for tab in (page, other):
        tab.get_by_role("button", name="Continue").click()
    for each in (chat, twin):
        expect(each.answer).to_contain_text("tok " * 34)
    fake.go_on()
    for each in (chat, twin):
        expect(each.answer).to_have_text("tok " * 63 + "tok")
    assert len(fake.calls) == 2


def test_a_stop_before_the_rest_is_asked_for_stops_it(page: Page, served: Served, fake: FakeOpenAI) -> None:
    chat = ChatPage(page, served.url)
    chat.ask_and_wait("[fake: tokens 4; cut 4]")
    held = hold(page, "**/api/chats/*")
    page.get_by_role("button", name="Continue").click()
    chat.stop.click()
    first(page, held).continue_()
    chat.wait()
    expect(page.get_by_role("button", name="Continue")).to_be_visible()
    assert len(fake.calls) == 1


def test_a_break_in_the_rest_of_an_answer_tells_its_thoughts_once(
    page: Page, fake: FakeOpenAI, served: Served, watch: Any
) -> None:
    watch.expected.append("net::ERR_")
    with Line(served.url) as line:
        chat = ChatPage(page, line.url)
        fake.fault("[fake: summary I think.][fake: tokens 9; cut 4]")
        chat.ask_and_wait("Hello")
        fake.fault("[fake: summary And more.][fake: tokens 100; delay 5; hold 99]")
        page.get_by_role("button", name="Continue").click()
        expect(chat.answer).to_contain_text("tok " * 20)
        with page.expect_response("**/stream"):
            line.cut()
        fake.go_on()
        expect(chat.answer).to_have_text("tok " * 103 + "tok")
        expect(page.locator("[data-part=reasoning-text]").last).to_have_text("I think. And more.")


def test_another_chat_that_is_opened_meanwhile_is_left_alone(
    page: Page, fake: FakeOpenAI, served: Served, watch: Any
) -> None:
    """While the page finds out how a reply ended, the visitor goes to a chat whose last answer was interrupted."""
    watch.expected.append("net::ERR_")
    with Line(served.url) as line:
        chat = ChatPage(page, line.url)
        chat.ask_and_wait("[fake: tokens 4; cut 4]")
        interrupted = "UPDATE messages SET status = 'interrupted', problem = NULL WHERE role = 'assistant' AND chat = ?"
        read_rows(served, interrupted, chat_of(page))
        page.get_by_role("link", name="New chat").click()
        chat.ask("[fake: tokens 60; hold 30]")
        expect(chat.answer).to_contain_text("tok tok tok")
        listened, read = hold(page, "**/stream"), hold(page, f"**/api/chats/{chat_of(page)}")
        line.cut()
        fake.go_on()
        assert fake.wait_idle(15)
        status = "SELECT status FROM messages WHERE role = 'assistant' AND chat = ?"
        wait_for(lambda: read_rows(served, status, chat_of(page))[0]["status"] == "complete", 15)
        first(page, listened).continue_()  # the answer ended while nobody heard it
        late = first(page, read)
        page.evaluate("history.go(-2)")
        expect(page.get_by_role("button", name="Continue")).to_be_visible()
        with page.expect_event("requestfinished", lambda request: request == late.request):
            late.continue_()
        page.evaluate("new Promise((done) => setTimeout(done, 500))")  # in which nothing may happen
    assert len(fake.calls) == 2
    assert chat.answer.inner_text().split() == ["tok"] * 4


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGKILL], ids=["a deploy", "a crash"])
def test_a_reply_that_a_restart_interrupts_completes_by_itself(
    page: Page, fake: FakeOpenAI, serve: Callable[..., Any], watch: Any, end: signal.Signals
) -> None:
    watch.expected.append("net::ERR_|Failed to load|503")
    port = free_port()
    served = serve(**fake.env, PORT=port, GUNICORN_CMD_ARGS="--graceful-timeout 3")
    chat = ChatPage(page, served.url)
    chat.ask(HELD)
    expect(chat.answer).to_contain_text("tok " * 60)
    stored = "SELECT 1 FROM messages WHERE role = 'assistant' AND text > ''"  # else it would be answered again
    wait_for(lambda: read_rows(served, stored), 20, "what there is of the answer is stored")
    if end == signal.SIGKILL:
        os.killpg(served.process.pid, end)
    else:
        served.process.send_signal(end)
    served.process.wait(30)
    again = serve(**fake.env, PORT=port)
    if end == signal.SIGKILL:
        age(again)
    expect(chat.answer).to_contain_text("You said:", timeout=120_000)
    chat.wait()
    expect(chat.replies).to_have_count(1)
    expect(chat.errors).to_have_count(0)
    assert len(fake.calls) == 2


def age(served: Served) -> None:
    """Let half a minute pass since the last sign of life of the worker that died."""
    read_rows(served, "UPDATE messages SET heartbeat_at = heartbeat_at - 31000 WHERE status = 'streaming'")
    read_rows(served, "UPDATE reservations SET alive_at = alive_at - 31000")
