"""Answers that were cut off go on: by a button, and by themselves when the server was restarted under them."""

from __future__ import annotations

import os
import signal
import sqlite3
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.chat_page import ChatPage
from tests.conftest import Served, free_port
from tests.fake_openai import FakeOpenAI

SLOW = "[fake: tokens 4000; delay 20]"


@pytest.fixture
def served(fake: FakeOpenAI, serve: Callable[..., Any]) -> Any:
    return serve(**fake.env)


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
    chat.ask(SLOW)
    expect(chat.answer).to_contain_text("tok tok")
    chat.stop.click()
    chat.wait()
    page.reload()
    before = chat.answer.inner_text()
    fake.fault("text and done")
    page.get_by_role("button", name="Continue").click()
    expect(chat.answer).to_have_text(f"{before} and done")


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
    fake.fault("tokens 60; delay 20", times=2)
    for tab in (page, other):
        tab.get_by_role("button", name="Continue").click()
    for each in (chat, twin):
        expect(each.answer).to_have_text("tok " * 63 + "tok")
    assert len(fake.calls) == 2


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGKILL], ids=["a deploy", "a crash"])
def test_a_reply_that_a_restart_interrupts_completes_by_itself(
    page: Page, fake: FakeOpenAI, serve: Callable[..., Any], watch: Any, end: signal.Signals
) -> None:
    watch.expected.append("net::ERR_|Failed to load|503")
    port = free_port()
    served = serve(**fake.env, PORT=port, GUNICORN_CMD_ARGS="--graceful-timeout 6")
    chat = ChatPage(page, served.url)
    chat.ask(SLOW)
    expect(chat.answer).to_contain_text("tok " * 60, timeout=15_000)
    if end == signal.SIGKILL:
        os.killpg(served.process.pid, end)
    else:
        served.process.send_signal(end)
    served.process.wait(15)
    again = serve(**fake.env, PORT=port)
    if end == signal.SIGKILL:
        age(again)
    expect(chat.answer).to_contain_text("You said:", timeout=25_000)
    chat.wait()
    expect(chat.replies).to_have_count(1)
    expect(chat.errors).to_have_count(0)
    assert len(fake.calls) == 2


def age(served: Served) -> None:
    """Let half a minute pass since the last sign of life of the worker that died."""
    with sqlite3.connect(served.database.removeprefix("sqlite:///"), timeout=30) as connection:
        connection.execute("UPDATE messages SET heartbeat_at = heartbeat_at - 31000 WHERE status = 'streaming'")
        connection.execute("UPDATE reservations SET alive_at = alive_at - 31000")
    connection.close()
