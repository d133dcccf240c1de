"""The settings: how the page looks, what Enter does, and the visitor's own data; and the sheet of shortcuts."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.chat_page import ChatPage
from tests.browser.conftest import DESKTOP, PHONE
from tests.conftest import Served

SHADE = "getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number).reduce((a, b) => a + b) / 3"
ALL_DELETED = "All your chats are deleted."


@pytest.fixture
def url(served: Served) -> str:
    return served.url


def open_settings(page: Page) -> Locator:
    expect(page.locator("[data-part=left]")).to_contain_text(" left")  # all is loaded
    if page.viewport_size["width"] < 960:  # type: ignore[index]
        page.get_by_role("button", name="Show the list of chats").click()
    page.get_by_role("button", name="Settings").click()
    dialog = page.get_by_role("dialog", name="Settings")
    expect(dialog).to_be_visible()
    return dialog


def choose(page: Page, group: str, choice: str) -> None:
    """In the settings, as somebody with a pointer does: the radio button itself is not seen."""
    dialog = open_settings(page)
    dialog.get_by_role("radiogroup", name=group).get_by_text(choice, exact=True).click()
    expect(dialog.get_by_role("radio", name=choice, exact=True)).to_be_checked()
    dialog.get_by_role("button", name="Close").click()
    expect(dialog).to_be_hidden()


def test_the_colours_follow_the_system_and_then_the_visitor_s_choice_in_all_tabs(
    new_page: Callable[..., Page], url: str, watch: Any
) -> None:
    watch.expected.append("net::ERR_FAILED")
    page = new_page(color_scheme="dark")
    page.goto(url)
    other = page.context.new_page()
    other.goto(url + "/guide/get-a-key")
    page.bring_to_front()
    assert page.evaluate(SHADE) < 50
    choose(page, "Colours", "Light")
    assert page.evaluate(SHADE) > 240
    expect(other.locator("html")).to_have_attribute("data-theme", "light")
    assert other.evaluate(SHADE) > 240
    page.route("**/js/main.js", lambda route: route.abort())
    page.reload()
    assert page.evaluate(SHADE) > 240, "without any module, so before the first paint"
    page.unroute("**/js/main.js")
    page.reload()
    choose(page, "Colours", "Dark")
    page.emulate_media(color_scheme="light")
    assert page.evaluate(SHADE) < 50
    choose(page, "Colours", "System")
    assert page.evaluate(SHADE) > 240


def test_the_bar_of_the_browser_has_the_colour_of_the_page_whatever_the_system_s(page: Page, url: str) -> None:
    bar = """() => [...document.querySelectorAll('meta[name=theme-color]')]
        .filter(({ media }) => matchMedia(media).matches).map(({ content }) => content)"""
    page.emulate_media(color_scheme="dark")
    page.goto(url)
    light, dark = page.locator("meta[name=theme-color]").evaluate_all("(metas) => metas.map(({ content }) => content)")
    assert page.evaluate(bar) == [dark]
    choose(page, "Colours", "Light")
    assert page.evaluate(bar) == [light]
    page.reload()
    assert page.evaluate(bar) == [light]
    choose(page, "Colours", "Dark")
    page.emulate_media(color_scheme="light")
    assert page.evaluate(bar) == [dark]
    choose(page, "Colours", "System")
    assert page.evaluate(bar) == [light]


def test_the_size_of_the_text_scales_the_whole_page_and_is_remembered(page: Page, url: str) -> None:
    sizes = """() => [...document.querySelectorAll('html, textarea, .sidebar')]
        .map((node) => parseFloat(getComputedStyle(node).fontSize))"""
    chat = ChatPage(page, url)
    width = page.locator(".sidebar").bounding_box()["width"]  # type: ignore[index]
    assert page.evaluate(sizes) == [16, 16, 16]
    choose(page, "Size of the text", "Larger")
    page.reload()
    expect(chat.box).to_be_visible()
    assert page.evaluate(sizes) == [20.8, 20.8, 20.8]
    assert page.locator(".sidebar").bounding_box()["width"] == pytest.approx(width * 1.3)  # type: ignore[index]
    choose(page, "Size of the text", "Small")
    assert page.evaluate(sizes) == [14, 14, 14]


@pytest.mark.parametrize("size", ["small", "larger"])
def test_the_message_box_of_a_phone_grows_with_its_text_in_every_size(
    new_page: Callable[..., Page], url: str, size: str
) -> None:
    page = new_page(**PHONE)
    chat = ChatPage(page, url)
    page.evaluate("(size) => window.choose('text', size)", size)
    chat.box.fill("A line that is so long that it has to break somewhere, more than once on a screen so narrow.")
    hidden = chat.box.evaluate("(box) => box.scrollHeight - box.clientHeight")
    assert hidden == 0
    assert chat.box.evaluate("(box) => parseFloat(getComputedStyle(box).fontSize)") >= 16


@pytest.mark.parametrize("device,first", [(DESKTOP, "sends"), (PHONE, "breaks")], ids=["desktop", "phone"])
def test_what_enter_does_is_up_to_the_device_and_then_to_the_visitor(
    new_page: Callable[..., Page], url: str, device: dict[str, Any], first: str
) -> None:
    page = new_page(**device)
    chat = ChatPage(page, url)
    for does in (first, "breaks" if first == "sends" else "sends"):
        if does != first:
            choose(page, "The Enter key", "Sends" if does == "sends" else "Breaks the line")
            if device is PHONE:
                page.keyboard.press("Escape")
        chat.box.fill("[fake:text One]")
        chat.box.press("Shift+Enter")
        expect(chat.box).to_have_value("[fake:text One]\n")
        expect(chat.box).to_have_attribute("enterkeyhint", "send" if does == "sends" else "enter")
        before = chat.questions.count()
        chat.box.press("Enter")
        if does == "breaks":
            expect(chat.box).to_have_value("[fake:text One]\n\n")
            assert chat.questions.count() == before
            chat.box.press("Control+Enter")
        expect(chat.questions).to_have_count(before + 1)
        chat.wait()


def test_the_dialogs_close_in_every_usual_way_and_give_the_focus_back(page: Page, url: str) -> None:
    chat = ChatPage(page, url)
    chat.ask("[fake: tokens 9; hold 4]")
    expect(chat.answer).to_contain_text("tok")
    button = page.get_by_role("button", name="Settings")
    for close in (
        lambda dialog: page.keyboard.press("Escape"),
        lambda dialog: dialog.get_by_role("button", name="Close").click(),
        lambda dialog: page.mouse.click(4, 4),
    ):
        dialog = open_settings(page)
        dialog.get_by_role("heading", name="Your data").click()
        expect(dialog).to_be_visible()
        page.keyboard.press("Control+K")
        expect(page.get_by_role("searchbox")).not_to_be_focused()
        close(dialog)
        expect(dialog).to_be_hidden()
        expect(button).to_be_focused()
    expect(chat.stop).to_be_visible()
    chat.stop.click()
    chat.wait()


def test_all_chats_can_be_exported_deleted_and_brought_back(page: Page, url: str, tmp_path: Path, watch: Any) -> None:
    watch.expected.append("400")
    chat = ChatPage(page, url)
    chat.ask_and_wait("Where is the aardvark? [fake:text Here]")
    address = page.url
    dialog = open_settings(page)
    with page.expect_download() as downloading:
        dialog.get_by_role("link", name="Export all").click()
    file = tmp_path / "chats.zip"
    downloading.value.save_as(file)

    dialog.get_by_role("button", name="Delete all chats").click()
    question = page.get_by_role("alertdialog", name="Delete all chats?")
    expect(question).to_contain_text("deleted for good")
    expect(question).to_contain_text("stays on the server’s books")
    expect(question.get_by_role("button", name="Cancel")).to_be_focused()
    page.keyboard.press("Escape")
    expect(dialog.get_by_role("button", name="Delete all chats")).to_be_focused()
    expect(chat.questions).to_have_count(1)
    page.keyboard.press("Enter")
    question.get_by_role("button", name="Delete all chats").click()
    told = dialog.get_by_role("status")
    expect(told).to_have_text(ALL_DELETED)
    expect(question).to_be_hidden()
    expect(chat.questions).to_have_count(0)
    expect(page.get_by_role("link", name="aardvark")).to_have_count(0)
    assert page.url == f"{url}/"
    assert page.request.get(address.replace("/c/", "/api/chats/")).status == 404

    for words in ("1 chat was imported.", "0 chats were imported. 1 was here already."):
        dialog.get_by_label("Import").set_input_files(file)
        expect(told).to_have_text(words)
    dialog.get_by_label("Import").set_input_files({"name": "a.json", "mimeType": "application/json", "buffer": b"no"})
    expect(told).to_contain_text("JSON")
    page.keyboard.press("Escape")
    page.get_by_role("link", name="Where is the aardvark?").click()
    expect(chat.answer).to_have_text("Here")


def test_my_data_can_be_deleted_and_nothing_of_them_stays_on_the_page(page: Page, url: str, watch: Any) -> None:
    watch.expected.append("net::ERR_FAILED")
    chat = ChatPage(page, url)
    chat.ask_and_wait("[fake:text One]")
    address = page.url
    (visitor,) = page.context.cookies()
    choose(page, "Colours", "Dark")
    chat.box.fill("a secret thought")
    dialog = open_settings(page)
    dialog.get_by_role("button", name="Delete my data").click()
    question = page.get_by_role("alertdialog", name="Delete my data?")
    page.route("**/api/me", lambda route: route.abort())
    go = question.get_by_role("button", name="Delete my data")
    go.click()
    expect(question.get_by_role("status")).to_contain_text("could not be reached")
    expect(go).to_be_enabled()
    assert page.evaluate("localStorage.theme") == "dark"
    page.unroute("**/api/me")
    with page.expect_response("**/api/me"):
        go.click()
    expect(dialog.get_by_role("status")).to_contain_text("Your data are deleted.")
    expect(chat.questions).to_have_count(0)
    expect(chat.box).to_have_value("")
    expect(page.locator("html")).to_have_attribute("data-theme", "system")
    assert page.evaluate("[localStorage.length, sessionStorage.length]") == [0, 0]
    assert visitor["value"] not in [cookie["value"] for cookie in page.context.cookies()]
    assert page.request.get(address.replace("/c/", "/api/chats/")).status == 404


KEYS = """() => [...document.querySelectorAll('#shortcuts tr')]
    .map((row) => [...row.querySelectorAll('kbd')].map((key) => key.textContent).join('+'))"""


def test_the_sheet_of_shortcuts_names_every_key_that_is_heard(page: Page, url: str) -> None:
    chat = ChatPage(page, url)
    expect(page.locator("[data-part=left]")).to_contain_text(" left")  # all is loaded
    chat.box.press("Control+/")
    sheet = page.get_by_role("dialog", name="Keyboard shortcuts")
    expect(sheet).to_be_visible()
    listed = page.evaluate(
        "async () => Object.values((await import('/static/js/page/shortcuts.js')).SHORTCUTS).map(([keys]) => keys)"
    )
    named = [keys.replace("Mod", "Ctrl").replace("Escape", "Esc") for keys in listed]
    assert page.evaluate(KEYS) == ["Enter", "Shift+Enter", "↑", *named]
    assert "" not in sheet.get_by_role("rowheader").all_inner_texts()
    page.keyboard.press("Escape")
    expect(sheet).to_be_hidden()
    expect(chat.box).to_be_focused()
    choose(page, "The Enter key", "Breaks the line")
    open_settings(page).get_by_role("button", name="Keyboard shortcuts").click()
    expect(sheet).to_be_visible()
    assert page.evaluate(KEYS)[:2] == ["Ctrl+Enter", "Enter"]
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    chat.box.dispatch_event("keydown", {"key": "/", "ctrlKey": True, "shiftKey": True, "bubbles": True})
    expect(sheet).to_be_visible()  # as it is typed on a German keyboard


def test_on_a_mac_the_shortcuts_are_those_of_a_mac(page: Page, url: str) -> None:
    page.add_init_script("Object.defineProperty(navigator, 'platform', { value: 'MacIntel' })")
    chat = ChatPage(page, url)
    expect(page.locator("[data-part=left]")).to_contain_text(" left")  # all is loaded
    chat.box.press("Control+/")
    chat.box.press("Meta+/")
    expect(page.get_by_role("dialog", name="Keyboard shortcuts")).to_be_visible()
    assert page.evaluate(KEYS)[3:5] == ["⌘+⇧+O", "⌘+K"]
