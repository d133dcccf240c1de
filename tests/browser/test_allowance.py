"""What a visitor sees of money and pauses: little left is said quietly, a wait is told, and no draft is lost."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from chatbot.money import switches
from chatbot.money.switches import BUDGETS, Pause
from tests.browser.chat_page import ChatPage
from tests.browser.conftest import two_looks
from tests.browser.test_looks import look
from tests.conftest import Served, serving
from tests.fake_openai import FakeOpenAI
from tests.services.money import Books, Clock

TOKYO = {"timezone_id": "Asia/Tokyo", "locale": "en-GB"}  # midnight UTC is 09:00 there, all the year round
PAUSED = "The assistant is paused for now. Your draft is kept; you can send it when the pause ends."


class House:
    """A server whose money, pauses and time the tests set."""

    def __init__(self, fake: FakeOpenAI, url: str, books: Books, clock: Clock) -> None:
        self.fake, self.url, self.clock = fake, url, clock
        self._engine = books.engine
        self._today = datetime(2027, 3, 10, tzinfo=UTC)

    def next_day(self, hour: int = 12) -> None:
        self._today += timedelta(days=1)
        self.clock.set((self._today + timedelta(hours=hour)).timestamp())

    def cap(self, budget: str, dollars: float | None) -> None:
        switches.set_cap(self._engine, budget, None if dollars is None else round(dollars * 1e9), "test")

    def pause(self, *, until_hour: int | None = None, stops_replies: bool = False) -> None:
        until = until_hour and int((self._today + timedelta(hours=until_hour)).timestamp() * 1000)
        switches.pause(self._engine, Pause("a test", "test", int(self.clock.time() * 1000), until, stops_replies))

    def resume(self) -> None:
        switches.resume(self._engine, "test")


@pytest.fixture(scope="module")
def shared(upstream: FakeOpenAI, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    folder = tmp_path_factory.mktemp("allowance")
    clock = Clock(folder)
    with serving(folder) as start:
        served = start(**upstream.env, **clock.variables, MAX_CONCURRENT_REPLIES="1")
        books = Books(served)
        yield House(upstream, served.url, books, clock)
        books.close()


@pytest.fixture
def house(shared: House) -> Iterator[House]:
    """It is noon of another day there, so that nothing is spent yet."""
    shared.next_day()
    yield shared
    shared.resume()
    for budget in BUDGETS:
        shared.cap(budget, None)


@pytest.fixture
def page(new_page: Callable[..., Page], house: House) -> Page:
    """A page in Tokyo. Its clock is a little ahead of the server's: one behind would tell the minute before a reset."""
    page = new_page(**TOKYO)
    page.clock.install(time=house.clock.time() + 20)
    return page


def line(chat: ChatPage) -> Locator:
    return chat.page.locator(".allowance")


def notice(chat: ChatPage) -> Locator:
    return chat.page.locator(".dock .notice:is([data-part=pause], [data-part=connection]):not([hidden])")


def ask_anew(chat: ChatPage, text: str) -> None:
    """In a new chat, so that no earlier answer is sent along, and paid for."""
    chat.page.get_by_role("link", name="New chat").click()
    chat.ask(text)


def test_once_little_money_is_left_one_line_says_how_much_and_until_when(page: Page, house: House) -> None:
    house.cap("visitor/day", 0.002)
    chat = ChatPage(page, house.url)
    chat.ask_and_wait("[fake: tokens 1200]")
    expect(line(chat)).to_be_hidden()
    ask_anew(chat, "[fake: tokens 2040]")
    told = "About 18% of the allowance is left; it resets at 09:00."
    expect(line(chat)).to_have_text(told)
    page.get_by_role("button", name="18% of the allowance left").click()
    expect(page.get_by_role("listitem").filter(has_text="Money")).to_contain_text("18% left")
    expect(page.get_by_role("listitem").filter(has_text="Money")).to_contain_text("starts anew at 09:00")
    page.keyboard.press("Escape")
    expect(chat.status).to_have_text(re.compile(rf"^Finished\. .* {re.escape(told)}$"))
    expect(chat.box).to_have_accessible_description(told)
    page.reload()
    expect(line(chat)).to_have_text(told)
    house.next_day(hour=1)
    page.clock.fast_forward("13:00:00")
    expect(line(chat)).to_be_hidden()


def test_an_answer_cut_for_want_of_money_says_so(page: Page, house: House) -> None:
    house.cap("visitor/day", 0.0005)
    chat = ChatPage(page, house.url)
    chat.ask_and_wait("[fake: tokens 5]")
    expect(chat.replies.last.locator(".mark")).to_have_count(0)
    ask_anew(chat, "[fake: tokens 2000]")
    expect(chat.replies.last.locator(".mark")).to_have_text("Kept short: little of the allowance was left")
    assert house.fake.calls[-1].body["max_output_tokens"] < 1000


def test_when_the_day_s_money_is_spent_the_draft_waits_for_the_reset(page: Page, house: House, watch: Any) -> None:
    watch.expected.append("429")
    house.cap("visitor/day", 0.0002)
    chat = ChatPage(page, house.url)
    chat.ask_and_wait("[fake: tokens 256]")
    ask_anew(chat, "[fake:text Good morning]")
    expect(chat.errors).to_contain_text("You have too little left for another answer today.")
    expect(chat.status).to_contain_text("You have too little left for another answer today.")
    expect(chat.box).to_have_value("[fake:text Good morning]")
    expect(chat.box).to_be_focused()
    expect(chat.send).to_be_disabled()
    timer = page.get_by_role("timer")
    expect(timer).to_have_text("You can go on from 09:00.")
    page.clock.fast_forward("11:30:00")
    expect(timer).to_contain_text(re.compile(r"You can go on in (2\d|30) min"))
    page.clock.fast_forward("00:31:00")
    expect(chat.status).to_have_text("You can send again.")
    house.next_day(hour=1)
    chat.send.click()
    expect(chat.answer).to_have_text("Good morning")
    expect(chat.errors).to_have_count(0)


def test_a_budget_of_the_month_names_the_day_of_its_reset(page: Page, house: House, watch: Any) -> None:
    watch.expected.append("429")
    house.cap("site/month", 0.00001)
    chat = ChatPage(page, house.url)
    chat.ask("hello")
    expect(chat.errors).to_contain_text("this month")
    expect(page.get_by_role("timer")).to_have_text("You can go on from Apr 1, 09:00.")
    expect(chat.box).to_have_value("hello")


def test_where_nothing_may_be_spent_no_time_is_promised(page: Page, house: House, watch: Any) -> None:
    watch.expected.append("429")
    house.cap("site/day", 0)
    chat = ChatPage(page, house.url)
    chat.ask("hello")
    expect(chat.errors).to_contain_text("Nothing may be spent here for now.")
    expect(page.get_by_role("timer")).to_have_count(0)
    expect(line(chat)).to_be_hidden()
    expect(chat.box).to_have_value("hello")
    expect(chat.send).to_be_enabled()


def test_a_visitor_with_an_answer_under_way_elsewhere_is_told_to_wait_for_it(
    page: Page, house: House, watch: Any
) -> None:
    watch.expected.append("429")
    chat = ChatPage(page, house.url)
    chat.ask_and_wait("[fake:text One]")
    other = ChatPage(page.context.new_page(), page.url)
    other.ask("[fake: tokens 9; hold 4]")
    expect(other.answer).to_contain_text("tok")
    now = house.clock.time() + 60
    page.clock.set_fixed_time(now)  # or the wait could be over before it was seen
    ask_anew(chat, "[fake:text Two]")
    expect(chat.errors).to_contain_text("You have another answer under way. Wait for it, or stop it.")
    expect(page.get_by_role("timer")).to_contain_text("You can go on in")
    other.stop.click()
    other.wait()
    page.clock.set_fixed_time(now + 6)
    expect(chat.status).to_have_text("You can send again.")
    chat.send.click()
    expect(chat.answer).to_have_text("Two")


def test_in_a_pause_one_can_write_but_not_send_until_it_ends(page: Page, house: House) -> None:
    house.pause()
    chat = ChatPage(page, house.url)
    expect(notice(chat)).to_have_text(PAUSED)
    expect(chat.status).to_have_text(PAUSED)
    expect(chat.box).to_have_accessible_description(PAUSED)
    chat.ask("[fake:text Here again]")
    expect(chat.box).to_have_value("[fake:text Here again]")
    expect(chat.send).to_be_disabled()
    page.reload()
    expect(chat.box).to_have_value("[fake:text Here again]")
    expect(notice(chat)).to_be_visible()
    guide = page.get_by_role("link", name="Key guide")
    guide.focus()
    house.resume()
    page.clock.fast_forward("00:16")
    expect(chat.status).to_have_text("You can send again.")
    expect(notice(chat)).to_be_hidden()
    expect(chat.box).to_have_accessible_description("")
    expect(guide).to_be_focused()
    chat.send.click()
    expect(chat.answer).to_have_text("Here again")


def test_a_pause_met_by_sending_gives_the_draft_back_and_is_asked_once(page: Page, house: House, watch: Any) -> None:
    watch.expected.append("503")
    before = len(house.fake.calls)
    chat = ChatPage(page, house.url)
    chat.ask_and_wait("[fake:text One]")
    house.pause(until_hour=14)
    chat.ask("[fake:text Two]")
    expect(notice(chat)).to_contain_text("The assistant is paused until about 23:00.")
    expect(chat.status).to_contain_text("The assistant is paused until about 23:00.")
    expect(chat.box).to_have_value("[fake:text Two]")
    expect(chat.box).to_be_focused()
    expect(chat.questions).to_have_count(1)
    expect(chat.errors).to_have_count(0)
    with page.expect_response("**/api/me"):
        page.clock.fast_forward("00:16")
    expect(notice(chat)).to_contain_text("until about 23:00")
    house.resume()
    page.clock.fast_forward("00:16")
    expect(notice(chat)).to_be_hidden()
    house.pause()
    chat.send.click()
    expect(notice(chat)).to_have_text(PAUSED)
    house.resume()
    page.clock.fast_forward("00:16")
    expect(notice(chat)).to_be_hidden()
    chat.send.click()
    expect(chat.answer).to_have_text("Two")
    page.reload()
    expect(chat.questions).to_have_count(2)
    assert len(house.fake.calls) - before == 2


def test_a_pause_stands_alone_also_without_a_connection(page: Page, house: House, watch: Any) -> None:
    watch.expected.append("net::ERR_INTERNET_DISCONNECTED")
    house.pause()
    chat = ChatPage(page, house.url)
    expect(notice(chat)).to_have_text(PAUSED)
    with page.expect_event("requestfailed"):
        page.context.set_offline(True)
    expect(notice(chat).filter(visible=True)).to_have_text([PAUSED])
    house.resume()
    page.context.set_offline(False)
    expect(notice(chat).filter(visible=True)).to_have_count(0)


def test_a_pause_that_stops_answers_is_seen_at_once(page: Page, house: House) -> None:
    chat = ChatPage(page, house.url)
    chat.ask("[fake: tokens 9; hold 4]")
    expect(chat.answer).to_contain_text("tok")
    house.pause(stops_replies=True)
    expect(notice(chat)).to_be_visible()
    expect(chat.replies.last.locator(".mark")).to_have_text("Stopped")
    expect(chat.answer).to_contain_text("tok")


def test_a_failed_answer_tried_again_in_a_pause_can_be_had_after_it(page: Page, house: House, watch: Any) -> None:
    watch.expected.append("503")
    chat = ChatPage(page, house.url)
    chat.ask("[fake: status 500; times 2; tokens 3]")
    again = page.get_by_role("button", name="Try again")
    expect(again).to_be_visible()
    house.pause()
    again.click()
    expect(notice(chat)).to_have_text(PAUSED)
    expect(chat.errors).to_contain_text("The assistant is paused")
    expect(chat.questions).to_have_count(1)
    house.resume()
    again.click()
    expect(chat.answer).to_have_text("tok tok tok")
    expect(chat.errors).to_have_count(0)


def test_a_tab_that_nobody_sees_does_not_ask_and_asks_when_it_is_seen(page: Page, house: House) -> None:
    turn = """(hidden) => {
        Object.defineProperty(document, 'hidden', { value: hidden, configurable: true });
        document.dispatchEvent(new Event('visibilitychange'));
    }"""
    house.pause()
    chat = ChatPage(page, house.url)
    expect(notice(chat)).to_be_visible()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if request.url.endswith("/api/me") else None)
    page.evaluate(turn, True)
    page.clock.run_for(60_000)
    assert asked == []
    house.resume()
    page.evaluate(turn, False)
    expect(notice(chat)).to_be_hidden()
    page.clock.run_for(60_000)
    assert asked == [f"{house.url}/api/me"]


@two_looks
def test_a_pause_and_the_end_of_the_money_have_no_barriers(
    new_page: Callable[..., Page], house: House, watch: Any, tmp_path: Any, device: dict[str, Any], colours: str
) -> None:
    watch.expected.append("429")
    page = new_page(**device, color_scheme=colours, reduced_motion="reduce")
    page.clock.install(time=house.clock.time())
    house.cap("visitor/day", 0.0005)
    house.pause()
    chat = ChatPage(page, house.url)
    expect(notice(chat)).to_be_visible()
    look(page, tmp_path / "paused.png")
    house.resume()
    page.clock.fast_forward("00:16")
    expect(notice(chat)).to_be_hidden()
    chat.box.fill("Tell me of money. [fake: tokens 2000]")
    chat.send.click()
    expect(line(chat)).to_be_visible()
    look(page, tmp_path / "little.png")
    chat.box.fill("And more?")
    chat.send.click()
    expect(chat.errors).to_have_count(1)
    expect(line(chat)).to_be_hidden()
    look(page, tmp_path / "spent.png")


@pytest.fixture(scope="module")
def scarce(upstream: FakeOpenAI, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server where messages and tokens soon are at an end."""
    with serving(tmp_path_factory.mktemp("scarce")) as start:
        yield start(**upstream.env, LIMIT_VISITOR="5/day", LIMIT_TOKENS_VISITOR="2500/day").url


def test_the_last_messages_are_counted(new_page: Callable[..., Page], scarce: str) -> None:
    chat = ChatPage(new_page(), scarce)
    for number in range(4):
        chat.ask_and_wait(f"[fake:text {number}]")
        expect(line(chat)).to_be_visible() if number == 3 else expect(line(chat)).to_be_hidden()
    expect(line(chat)).to_contain_text("1 message left until")
    chat.page.get_by_role("button", name="1 of 5 messages left").click()
    sheet = chat.page.get_by_role("dialog", name="Allowance")
    expect(sheet).to_contain_text("It comes back by itself.")
    own = sheet.get_by_role("listitem").first
    expect(own).to_have_text(re.compile(r"Your messages per day\s*1 of 5 left\s*more (at|on) \S"))
    meter = own.get_by_role("meter", name="Your messages per day")
    expect(meter).to_have_attribute("aria-valuetext", "1 of 5 left")
    drawn = [each.evaluate("(node) => node.clientWidth") for each in (meter.locator("span"), meter)]
    assert drawn[0] / drawn[1] == pytest.approx(0.2, abs=0.01)
    names = [meter.get_attribute("aria-label") for meter in sheet.get_by_role("meter").all()]
    assert names[1:] == [
        "Your network’s messages per minute",
        "All visitors’ messages per day",
        "Money for answers",
        "Tokens (pieces of text)",
    ]
    chat.page.keyboard.press("Escape")
    expect(chat.page.get_by_role("button", name="1 of 5 messages left")).to_be_focused()


def test_the_last_tokens_are_told_as_a_share(new_page: Callable[..., Page], scarce: str) -> None:
    chat = ChatPage(new_page(), scarce)
    chat.ask_and_wait("[fake: tokens 2040]")
    expect(line(chat)).to_contain_text(re.compile(r"^About 1\d% of the allowance is left; it resets at "))


def test_with_the_tutor_nothing_is_said_of_money(new_page: Callable[..., Page], tutored: Served) -> None:
    chat = ChatPage(new_page(), tutored.url)
    expect(chat.page.locator(".banner")).to_be_visible()
    expect(chat.status).to_have_text("")
    chat.ask_and_wait("What is an API key?")
    expect(chat.errors).to_have_count(0)
    expect(line(chat)).to_be_hidden()
    chat.page.get_by_role("button", name="messages left").click()
    sheet = chat.page.get_by_role("dialog", name="Allowance")
    expect(sheet).to_contain_text("no money is spent")
    expect(sheet.get_by_role("meter", name="Money")).to_have_count(0)
