"""What goes wrong stands where the answer would, in one sentence, and nothing typed is lost."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.chat_page import ChatPage
from tests.browser.line import Line
from tests.conftest import Served
from tests.fake_openai import FakeOpenAI


def test_over_the_limit_the_draft_comes_back_and_the_wait_is_counted(
    page: Page, fake: FakeOpenAI, strict: Served, watch: Any
) -> None:
    watch.expected.append("429")
    page.clock.install()
    chat = ChatPage(page, strict.url)
    chat.ask_and_wait("[fake:text One]")
    chat.ask("a second question")
    expect(chat.errors).to_have_count(1)
    expect(chat.box).to_have_value("a second question")
    expect(chat.questions).to_have_count(1)
    expect(chat.replies).to_have_count(1)
    expect(page.get_by_role("timer")).to_contain_text("You can go on in")
    expect(chat.send).to_be_disabled()
    chat.box.press("Enter")
    expect(chat.questions).to_have_count(1)
    page.get_by_role("link", name="New chat").click()
    expect(chat.errors).to_have_count(1)
    expect(page.get_by_role("timer")).to_be_visible()
    page.go_back()
    expect(chat.answer).to_have_text("One")
    expect(chat.box).to_have_value("a second question")
    expect(page.get_by_role("timer")).to_be_visible()
    page.clock.fast_forward("05:00")
    expect(chat.send).to_be_enabled()
    expect(chat.status).to_have_text("You can send again.")
    assert len(fake.calls) == 1


def test_a_first_question_over_the_limit_leaves_an_empty_chat_with_its_draft(
    page: Page, strict: Served, watch: Any
) -> None:
    watch.expected.append("429")
    chat = ChatPage(page, strict.url)
    chat.ask_and_wait("What is a key?")
    page.get_by_role("link", name="New chat").click()
    chat.ask("And a budget?")
    expect(chat.errors).to_have_count(1)
    expect(chat.box).to_have_value("And a budget?")
    expect(chat.questions).to_have_count(0)
    expect(page).to_have_url(f"{strict.url}/")


def test_when_the_model_is_busy_the_question_stays_and_can_be_tried_again(
    page: Page, fake: FakeOpenAI, served: Served, watch: Any
) -> None:
    watch.expected.append("503")
    page.clock.install()
    chat = ChatPage(page, served.url)
    chat.ask("Are you there? [fake: status 500; times 2; tokens 3]")
    again = page.get_by_role("button", name="Try again")
    expect(again).to_be_visible()
    expect(chat.questions).to_have_count(1)
    expect(chat.box).to_have_value("")
    page.reload()
    expect(chat.errors).to_have_count(1)
    again.click()
    expect(chat.answer).to_have_text("tok tok tok")
    expect(chat.errors).to_have_count(0)
    expect(chat.questions).to_have_count(1)
    chat.wait()
    page.reload()
    expect(chat.replies).to_have_count(1)
    expect(chat.answer).to_have_text("tok tok tok")


def test_a_wait_told_with_the_error_holds_the_retry_back(
    page: Page, fake: FakeOpenAI, served: Served, watch: Any
) -> None:
    watch.expected.append("503")
    page.clock.install()
    chat = ChatPage(page, served.url)
    chat.ask("[fake: status 503; retry-after 30; times 2; tokens 3]")
    again = page.get_by_role("button", name="Try again")
    expect(page.get_by_role("timer")).to_be_visible()
    expect(again).to_be_disabled()
    page.clock.fast_forward("05:00")
    expect(again).to_be_enabled()
    expect(chat.status).to_have_text("You can try again.")


def test_who_asks_on_is_told_no_more_of_the_wait_for_the_failed_answer(
    page: Page, fake: FakeOpenAI, served: Served, watch: Any
) -> None:
    watch.expected.append("503")
    page.clock.install()
    chat = ChatPage(page, served.url)
    chat.ask("[fake: status 503; retry-after 30; times 2; tokens 3]")
    expect(page.get_by_role("timer")).to_be_visible()
    chat.ask_and_wait("[fake:text Next]")
    expect(chat.errors).to_have_count(1)
    expect(page.get_by_role("timer")).to_be_hidden()
    page.clock.fast_forward("05:00")
    expect(chat.status).to_have_text("Finished. Next")


def test_who_lets_an_answer_go_on_is_told_no_more_of_the_wait_to_try_it_again(
    page: Page, fake: FakeOpenAI, served: Served, watch: Any
) -> None:
    watch.expected.append("503")
    page.clock.install()
    chat = ChatPage(page, served.url)
    chat.ask_and_wait("[fake: tokens 4; cut 4]")
    refusal = {"status": 503, "headers": {"Retry-After": "30"}, "json": {"status": 503, "detail": "Busy"}}
    page.route("**/api/chat", lambda route: route.fulfill(**refusal), times=1)
    on = page.get_by_role("button", name="Continue")
    on.click()
    expect(page.get_by_role("timer")).to_be_visible()
    on.click()
    expect(chat.status).to_contain_text("Finished")
    page.clock.fast_forward("05:00")
    expect(chat.status).to_contain_text("Finished")


@pytest.mark.parametrize("fault", ["cut 5", "failed 5 server_error"])
def test_an_answer_that_breaks_off_keeps_its_text_and_can_be_tried_again(
    page: Page, fake: FakeOpenAI, served: Served, fault: str
) -> None:
    """As the server tells of all faults in one of these ways: tests/faults/test_in_mid_stream.py."""
    chat = ChatPage(page, served.url)
    chat.ask(f"[fake: tokens 20; delay 10; {fault}; times 1]")
    expect(chat.errors).to_have_count(1)
    expect(chat.answer).to_contain_text("tok tok tok")
    page.reload()
    expect(chat.errors).to_have_count(1)
    expect(chat.answer).to_contain_text("tok tok tok")
    page.get_by_role("button", name="Try again").click()
    expect(chat.answer).to_have_text("tok " * 19 + "tok")
    expect(chat.errors).to_have_count(0)


def test_without_a_connection_the_draft_comes_back_and_is_asked_once(
    page: Page, fake: FakeOpenAI, served: Served, watch: Any
) -> None:
    watch.expected.append("net::ERR_")
    with Line(served.url) as line:
        chat = ChatPage(page, line.url)
        chat.begin()
        line.refusing = True
        line.cut()
        chat.ask("[fake:text Here I am]")
        expect(chat.errors).to_contain_text("could not be reached")
        expect(chat.box).to_have_value("[fake:text Here I am]")
        expect(chat.questions).to_have_count(0)
        line.refusing = False
        chat.send.click()
        expect(chat.answer).to_have_text("Here I am")
        chat.wait()
        page.reload()
        expect(chat.questions).to_have_count(1)
        chat.ask_and_wait("[fake:text Here I am]")
        page.reload()
        expect(chat.questions).to_have_count(2)
        page.close()


def test_a_question_that_arrived_though_its_answer_did_not_is_not_asked_twice(
    page: Page, fake: FakeOpenAI, served: Served, watch: Any
) -> None:
    watch.expected += ["net::ERR_", "409"]
    with Line(served.url) as line:
        chat = ChatPage(page, line.url)
        chat.ask_and_wait("[fake:text One]")
        chat.ask("[fake: tokens 3; hold 0]")
        assert fake.wait(lambda: len(fake.calls) == 2, 15)
        with page.expect_response("**/stream"):
            line.cut()
        fake.go_on()
        expect(chat.answer).to_have_text("tok tok tok")
        chat.wait()
        expect(chat.questions).to_have_count(2)
        assert len(fake.calls) == 2
        page.close()


def test_a_question_that_another_tab_was_quicker_with_comes_back_and_that_answer_is_shown(
    page: Page, fake: FakeOpenAI, served: Served, watch: Any
) -> None:
    """A second tab is being answered: 409."""
    watch.expected.append("409")
    chat = ChatPage(page, served.url)
    chat.ask_and_wait("[fake:text One]")
    tab = page.context.new_page()
    other = ChatPage(tab, page.url)
    other.ask("[fake: tokens 9; hold 4]")
    expect(other.answer).to_contain_text("tok")
    chat.ask("me too")
    expect(chat.box).to_have_value("me too")
    expect(chat.questions).to_have_count(2)
    expect(chat.answer).to_contain_text("tok")
    other.stop.click()
    chat.wait()
    expect(chat.send).to_be_enabled()
