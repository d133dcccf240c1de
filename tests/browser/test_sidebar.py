"""The list of chats: by days, searched, renamed, taken out, deleted and brought back; as a column and as a drawer."""

from __future__ import annotations

import base64
import json
import re
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect
from sqlalchemy import insert

from chatbot.db import now_ms, writing
from chatbot.history.passages import index
from chatbot.tables import chats, messages
from tests.browser.chat_page import ChatPage, told
from tests.browser.conftest import DESKTOP, PHONE, two_looks
from tests.browser.test_looks import SMALL_TARGETS, look
from tests.conftest import Served, wait_for
from tests.fake_openai import make_key
from tests.services.money import Books
from tests.visitor import Visitor, new_id

DAY_MS = 86_400_000


class House:
    """A server, and visitors whose chats the tests write."""

    def __init__(self, url: str, books: Books) -> None:
        self.url, self._engine = url, books.engine

    def enter(
        self, page: Page, *titles: str, newest_ms: int | None = None, step_ms: int = 1000, text: str = ""
    ) -> list[str]:
        """A new visitor opens the page who has these chats, the newest first; their ids."""
        visitor = Visitor(self.url)
        visitor.get("/api/me")
        name, value = str(visitor.cookie).split("=", 1)
        page.context.add_cookies([{"name": name, "value": value, "url": self.url}])
        id = str(json.loads(base64.urlsafe_b64decode(value.split(".")[0] + "==")))
        newest = newest_ms or now_ms()
        ids = [self._keep(id, title, newest - number * step_ms, text) for number, title in enumerate(titles)]
        page.goto(self.url)
        return ids

    def _keep(self, visitor: str, title: str, time: int, text: str) -> str:
        chat = {"id": new_id(), "visitor": visitor, "title": title, "head": "m0", "temporary": 0}
        message = {"chat": chat["id"], "id": "m0", "text": text or title, "role": "user", "status": "complete"}
        with writing(self._engine) as connection:
            connection.execute(insert(chats), {**chat, "created_at": time, "updated_at": time})
            connection.execute(insert(messages), {**message, "created_at": time})
        index(self._engine, str(chat["id"]))
        return str(chat["id"])


@pytest.fixture
def house(served: Served) -> Iterator[House]:
    books = Books(served)
    yield House(served.url, books)
    books.close()


def links(page: Page) -> Locator:
    return page.locator(".chat-link")


def titles(page: Page) -> Locator:
    return page.locator(".chat-title")


def choose(page: Page, title: str, entry: str) -> None:
    """An entry of a chat's menu."""
    links(page).filter(has=titles(page).filter(has_text=re.compile(f"^{re.escape(title)}$"))).hover()
    page.get_by_role("button", name=f"Options for “{title}”").click()
    page.get_by_role("menuitem", name=entry).click()


def status(page: Page) -> Locator:
    return page.locator("[data-part='status']")


def test_chats_stand_under_their_days_and_older_ones_come_when_the_end_is_near(
    new_page: Callable[..., Page], house: House
) -> None:
    """It is noon, and no day has 23 hours."""
    page, noon = new_page(timezone_id="UTC"), now_ms() // DAY_MS * DAY_MS + DAY_MS // 2
    page.clock.install(time=noon / 1000)
    house.enter(page, *(f"Chat {number}" for number in range(75)), newest_ms=noon, step_ms=DAY_MS)
    days = page.locator(".chats h2")
    expect(days.nth(4)).to_have_text(re.compile(r"^\w+ \d{4}$"))
    assert days.all_inner_texts()[:4] == ["Today", "Yesterday", "Last 7 days", "Last 30 days"]
    assert page.locator(".chats section").nth(2).locator("li").count() == 6
    assert links(page).count() < 75

    def all_are_read() -> bool:
        links(page).last.scroll_into_view_if_needed()
        return links(page).count() == 75

    wait_for(all_are_read)
    assert titles(page).all_text_contents() == [f"Chat {number}" for number in range(75)]


def test_a_chat_is_opened_by_a_click_and_in_another_tab_by_a_click_with_control(page: Page, house: House) -> None:
    ids = house.enter(page, "One", "Two")
    chat_one = page.get_by_role("link", name="One", exact=True)
    chat_one.click()
    expect(page).to_have_url(f"{house.url}/c/{ids[0]}")
    expect(page).to_have_title(re.compile("One"))
    expect(chat_one).to_have_attribute("aria-current", "page")
    with page.context.expect_page() as opened:
        page.get_by_role("link", name="Two", exact=True).click(modifiers=["Control"])
    expect(opened.value).to_have_url(f"{house.url}/c/{ids[1]}")
    expect(chat_one).to_have_attribute("aria-current", "page")


def test_a_new_chat_is_listed_with_its_mark_while_it_is_answered_and_a_temporary_one_is_not(
    page: Page, house: House
) -> None:
    house.enter(page, "Old")
    chat = ChatPage(page, house.url)
    chat.ask("Name me the rivers [fake: tokens 9; hold 4]")
    begun = page.get_by_role("link", name="Name me the rivers")
    expect(begun.get_by_text("Answer under way")).to_be_visible()
    expect(links(page)).to_have_count(2)
    page.get_by_role("link", name="Old", exact=True).click()
    expect(begun.get_by_text("Answer under way")).to_be_visible()
    chat_id = str(begun.get_attribute("href")).removeprefix("/c/")
    page.evaluate("(chat) => fetch(`/api/chat/${chat}/stop`, { method: 'POST' })", chat_id)
    expect(begun.get_by_text("Answer under way")).to_be_hidden()
    page.get_by_role("button", name="Temporary chat").click()
    chat.ask_and_wait(told("Gone"))
    with page.expect_response("**/api/chats"):
        page.evaluate("window.dispatchEvent(new Event('online'))")
    expect(links(page)).to_have_count(2)


def test_a_search_shows_where_its_words_stand_and_escape_leads_out_of_it(page: Page, house: House) -> None:
    house.enter(page, "Résumé", "Cooking", text="A summary of the résumé, or rather of her cover letter")
    expect(links(page)).to_have_count(2)
    page.keyboard.press("Control+k")
    box = page.get_by_role("searchbox", name="Search chats")
    expect(box).to_be_focused()
    page.keyboard.type("resume lett")
    expect(page.locator(".snippet mark")).to_have_text(["résumé", "lett"] * 2)
    expect(page.locator(".chat-title mark")).to_have_text(["Résumé"])
    expect(status(page)).to_have_text("2 chats found")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    expect(links(page).nth(1)).to_be_focused()
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowUp")
    expect(box).to_be_focused()
    box.fill("nowhere")
    expect(page.get_by_text("Nothing found")).to_be_visible()
    expect(links(page)).to_have_count(0)
    expect(status(page)).to_have_text("0 chats found")
    page.keyboard.press("Escape")
    expect(box).to_have_value("")
    expect(links(page)).to_have_count(2)
    page.keyboard.press("Escape")
    expect(page.get_by_role("textbox", name="Message")).to_be_focused()


def test_escape_in_the_list_leaves_a_running_reply_alone(new_page: Callable[..., Page], house: House) -> None:
    for device in (DESKTOP, PHONE):
        page = new_page(**device)
        house.enter(page, "One")
        chat = ChatPage(page, house.url)
        chat.box.fill("[fake: tokens 9; hold 4]")
        chat.send.click()
        expect(chat.answer).to_contain_text("tok")
        page.keyboard.press("Control+k")
        page.keyboard.type("tok")
        for _ in range(2):
            page.keyboard.press("Escape")
        expect(page.get_by_role("searchbox")).not_to_be_focused()
        expect(chat.stop).to_be_visible()
        chat.stop.click()
        chat.wait()


def test_a_chat_is_renamed_in_its_place_and_no_title_is_empty_or_holds_a_key(
    page: Page, house: House, watch: Any
) -> None:
    watch.expected.append("422")
    house.enter(page, "One", "Two")
    page.get_by_role("link", name="One", exact=True).click()
    choose(page, "One", "Rename")
    field = page.get_by_role("textbox", name="Title of the chat")
    expect(field).to_be_focused()
    expect(field).to_have_value("One")
    field.fill(" ")
    field.press("Enter")
    expect(field).to_have_accessible_description("A title needs at least one character.")
    field.fill(make_key())
    field.press("Enter")
    expect(field).to_have_accessible_description(re.compile("shaped like an API key"))
    expect(status(page)).to_have_text(re.compile("shaped like an API key"))
    field.fill("Uno")
    field.press("Enter")
    renamed = page.get_by_role("link", name="Uno")
    expect(renamed).to_be_focused()
    expect(page).to_have_title(re.compile("Uno"))
    choose(page, "Uno", "Rename")
    page.keyboard.type("Dos")
    page.keyboard.press("Escape")
    expect(renamed).to_be_focused()
    page.reload()
    expect(titles(page)).to_have_text(["Uno", "Two"])


def test_the_menu_is_used_by_keyboard_and_takes_a_chat_out(page: Page, house: House) -> None:
    house.enter(page, "One", "Two")
    links(page).first.focus()
    page.keyboard.press("Tab")
    button = page.get_by_role("button", name="Options for “One”")
    page.keyboard.press("Enter")
    expect(button).to_have_attribute("aria-expanded", "true")
    expect(page.get_by_role("menuitem", name="Rename")).to_be_focused()
    page.keyboard.press("ArrowUp")
    expect(page.get_by_role("menuitem", name="Delete")).to_be_focused()
    page.keyboard.press("Escape")
    expect(button).to_be_focused()
    expect(button).to_have_attribute("aria-expanded", "false")
    button.click()
    button.click()
    expect(page.get_by_role("menu")).to_be_hidden()
    for entry, ending in (("Export as Markdown", "md"), ("Export as JSON", "json")):
        with page.expect_download() as download:
            choose(page, "Two", entry)
        assert re.fullmatch(rf"[-0-9]+ Two\.{ending}", download.value.suggested_filename)


def test_a_deleted_chat_can_be_brought_back_for_a_while_and_then_is_gone(page: Page, house: House) -> None:
    page.clock.install()
    ids = house.enter(page, "One", "Two", "Three", "Four")
    page.get_by_role("link", name="Two", exact=True).click()
    expect(page).to_have_title(re.compile("Two"))
    page.clock.pause_at(time.time() + 3600)  # or they would be gone before they are brought back
    deleted: list[str] = []
    page.on("request", lambda request: deleted.extend([request.url] if request.method == "DELETE" else []))
    for title in ("Two", "Three", "Four"):
        choose(page, title, "Delete")
    expect(titles(page)).to_have_text(["One"])
    expect(links(page)).to_be_focused()
    expect(page).to_have_url(f"{house.url}/")
    expect(status(page)).to_have_text("Deleted “Four”. Control or Command with Z brings it back.")
    with page.expect_response("**/api/chats"):
        page.evaluate("window.dispatchEvent(new Event('online'))")
    expect(titles(page)).to_have_text(["One"])
    page.keyboard.press("Control+z")
    expect(page.get_by_role("link", name="Four")).to_be_focused()
    undo = page.get_by_role("button", name="Undo deleting “Two”")
    undo.focus()
    page.clock.fast_forward(60_000)
    undo.click()
    expect(titles(page)).to_have_text(["One", "Two", "Four"])
    expect(page.get_by_role("link", name="Two")).to_be_focused()
    expect(page).to_have_url(f"{house.url}/c/{ids[1]}")
    assert deleted == []
    page.mouse.move(600, 300)
    with page.expect_response(lambda response: response.request.method == "DELETE"):
        page.clock.fast_forward(9_000)
    expect(page.locator(".toast")).to_have_count(0)
    page.clock.resume()
    page.reload()
    expect(titles(page)).to_have_text(["One", "Two", "Four"])
    assert [url.rsplit("/", 1)[1] for url in deleted] == [ids[2]]


def test_a_chat_is_deleted_too_when_the_page_is_left_before(page: Page, house: House) -> None:
    house.enter(page, "One", "Two")
    choose(page, "One", "Delete")
    expect(titles(page)).to_have_text(["Two"])
    page.reload()
    wait_for(lambda: len(page.request.get(f"{house.url}/api/chats").json()["chats"]) == 1)
    page.reload()
    expect(titles(page)).to_have_text(["Two"])


def test_what_cannot_be_deleted_comes_back_and_what_cannot_be_read_is_tried_again(
    page: Page, house: House, watch: Any
) -> None:
    watch.expected += ["ERR_FAILED", "ERR_INTERNET"]
    page.clock.install()
    page.route("**/api/chats", lambda route: route.abort())
    house.enter(page, "One", "Two")
    expect(page.locator(".list-end")).to_contain_text("The server could not be reached.")
    page.unroute("**/api/chats")
    page.locator(".list-end").get_by_role("button", name="Try again").click()
    expect(titles(page)).to_have_text(["One", "Two"])
    page.context.set_offline(True)
    choose(page, "One", "Delete")
    page.clock.fast_forward(9_000)
    expect(page.locator(".toast")).to_contain_text("“One” was not deleted. The server could not be reached.")
    expect(titles(page)).to_have_text(["One", "Two"])


def test_the_column_can_be_put_away_and_stays_so_without_a_jump(page: Page, house: House) -> None:
    house.enter(page, "One")
    shown = page.get_by_role("navigation", name="Chats")
    hide, show = (page.get_by_role("button", name=f"{verb} the list of chats") for verb in ("Hide", "Show"))
    expect(titles(page)).to_have_text(["One"])
    expect(hide).to_have_attribute("aria-expanded", "true")
    expect(show).to_be_hidden()
    hide.click()
    expect(shown).to_be_hidden()
    expect(show).to_be_focused()
    expect(show).to_have_attribute("aria-expanded", "false")
    page.add_init_script(
        "window.moved = 0; const add = ({ value }) => (window.moved += value); new PerformanceObserver("
        "(list) => list.getEntries().forEach(add)).observe({ type: 'layout-shift', buffered: true })"
    )
    page.reload()
    expect(show).to_be_visible()
    expect(shown).to_be_hidden()
    page.keyboard.press("Control+Shift+S")
    expect(titles(page)).to_have_text(["One"])
    expect(page.get_by_role("textbox", name="Message")).to_be_focused()
    page.reload()
    expect(titles(page)).to_have_text(["One"])
    assert page.evaluate("moved") == 0


def test_on_a_phone_the_list_is_a_drawer_that_keeps_the_focus(new_page: Callable[..., Page], house: House) -> None:
    page = new_page(**PHONE)
    page.clock.install()
    reads: list[str] = []
    page.on("request", lambda request: reads.append(request.url))
    ids = house.enter(page, "One", "Two")
    show = page.get_by_role("button", name="Show the list of chats")
    expect(show).to_have_attribute("aria-expanded", "false")
    assert f"{house.url}/api/chats" not in reads
    ways: list[Callable[[], None]] = [
        lambda: page.keyboard.press("Escape"),
        lambda: page.touchscreen.tap(370, 400),
        lambda: page.get_by_role("button", name="Hide the list of chats").tap(),
    ]
    for close in ways:
        show.tap()
        expect(titles(page)).to_have_text(["One", "Two"])
        expect(page.get_by_role("button", name="Hide the list of chats")).to_be_focused()
        expect(page.locator(".column[inert]")).to_have_count(1)
        close()
        expect(links(page).first).to_be_hidden()
        expect(show).to_be_focused()
        expect(page.locator(".column[inert]")).to_have_count(0)
    page.clock.pause_at(time.time() + 3600)  # or it would be too late to undo it
    show.tap()
    page.get_by_role("button", name="Options for “One”").tap()
    page.get_by_role("menuitem", name="Delete").tap()
    page.get_by_role("link", name="Two").tap()
    expect(page).to_have_url(f"{house.url}/c/{ids[1]}")
    expect(links(page).first).to_be_hidden()
    page.get_by_role("button", name="Undo deleting “One”").tap()
    expect(page.locator(".toast")).to_have_count(0)


@two_looks
def test_the_list_has_no_barriers_in_any_state(
    new_page: Callable[..., Page], house: House, device: Any, colours: str, tmp_path: Any
) -> None:
    page = new_page(**device, color_scheme=colours, reduced_motion="reduce")
    house.enter(page, "One", "Two", "A chat with a title that is far too long for one line of the list", text="words")
    if device is PHONE:
        page.get_by_role("button", name="Show the list of chats").tap()
    choose(page, "One", "Delete")
    page.get_by_role("button", name="Options for “Two”").click()
    look(page, tmp_path / "menu.png")
    assert page.evaluate(SMALL_TARGETS, 44 if device is PHONE else 24) == []
    page.keyboard.press("Escape")
    page.get_by_role("searchbox").fill("word")
    expect(page.locator(".snippet mark")).to_have_count(2)
    choose(page, "Two", "Rename")
    page.keyboard.press("Delete")
    page.keyboard.press("Enter")
    look(page, tmp_path / "found.png")
