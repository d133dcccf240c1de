"""A tour of the whole page, at desktop and phone width, light and dark: every state is reached and has no barriers."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.chat_page import ChatPage, told
from tests.browser.conftest import DESKTOP, PHONE
from tests.browser.test_looks import SMALL_TARGETS, look
from tests.conftest import serving
from tests.fake_openai import FakeOpenAI, make_key

ANSWER = (Path(__file__).parent / "answer.md").read_text()
FORMULA = "\n\nAnd $e^{i\\pi} + 1 = 0$, or\n\n$$\\int_0^1 x^2\\,dx = \\frac{1}{3}$$\n"
LONG = "[fake: tokens 1000; hold 900]"


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[FakeOpenAI, str]]:
    """A server with two models, and a limit of messages that a tour reaches at its end."""
    with FakeOpenAI() as fake, serving(tmp_path_factory.mktemp("tour")) as start:
        names = sorted(fake.models)[:2]
        settings = {"OPENAI_MODEL": names[0], "OPENAI_MODELS": ",".join(names), "LIMIT_VISITOR": "12/hour"}
        yield fake, start(**{**fake.env, **settings}).url


class Tour:
    """The page, the device it is on, and pictures of what was seen."""

    def __init__(self, page: Page, url: str, pictures: Path, *, on_phone: bool) -> None:
        self.page, self.on_phone = page, on_phone
        self.chat = ChatPage(page, url)
        self._pictures = pictures

    def look(self, name: str) -> None:
        look(self.page, self._pictures / f"{name}.png")
        assert self.page.evaluate(SMALL_TARGETS, 44 if self.on_phone else 24) == []

    def press(self, name: str, within: Locator | None = None) -> None:
        (within or self.page).get_by_role("button", name=name, exact=True).last.click()

    def ask(self, text: str, *, wait: bool = True) -> None:
        """By the button: on a phone, Enter breaks the line."""
        before = self.chat.replies.count()
        self.chat.box.fill(text)
        self.chat.send.click()
        expect(self.chat.replies).to_have_count(before + 1)
        if wait:
            self.chat.wait()

    def open_sidebar(self) -> None:
        button = self.page.locator("[data-part='open-sidebar']")
        if self.on_phone and button.get_attribute("aria-expanded") == "false":
            button.click()
        expect(self.page.get_by_role("navigation", name="Chats")).to_be_visible()


@pytest.mark.parametrize("colours", ["light", "dark"])
@pytest.mark.parametrize("device", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_a_tour_of_the_page(
    new_page: Callable[..., Page],
    house: tuple[FakeOpenAI, str],
    watch: Any,
    tmp_path: Path,
    device: dict[str, Any],
    colours: str,
) -> None:
    fake, url = house
    watch.expected += ["429", "ERR_INTERNET_DISCONNECTED", "net::ERR"]
    page = new_page(**device, color_scheme=colours, reduced_motion="reduce", permissions=["clipboard-write"])
    tour = Tour(page, url, tmp_path, on_phone=device is PHONE)
    for step in (start, answers, edits, broken, keys, lists, data, temporary, offline, over_the_limit):
        step(tour, fake)


def start(tour: Tour, fake: FakeOpenAI) -> None:
    expect(tour.page.locator(".suggestion").first).to_be_visible()
    models = tour.page.get_by_label("Model")
    expect(models).to_be_visible()
    tour.look("empty")
    models.select_option(sorted(fake.models)[1])


def answers(tour: Tour, fake: FakeOpenAI) -> None:
    """Rendered, copied, stopped, gone on with."""
    chat, page = tour.chat, tour.page
    tour.ask("All of it, please. " + told(ANSWER + FORMULA))
    expect(chat.answer.locator("table")).to_be_visible()
    expect(chat.answer.locator(".katex").first).to_be_visible()
    expect(chat.answer.locator("pre span").first).to_be_visible()
    assert fake.calls[-1].body["model"] == sorted(fake.models)[1]
    tour.press("Copy message", chat.replies.last)
    tour.press("Copy", chat.answer)
    with page.expect_download() as saved:
        tour.press("Download", chat.answer)
    assert saved.value.suggested_filename.endswith(".py")
    tour.look("answer")
    tour.ask(LONG, wait=False)
    expect(chat.answer).to_contain_text("tok tok tok")
    page.mouse.move(*([200, 400] if tour.on_phone else [800, 400]))
    page.mouse.wheel(0, -3000)
    expect(page.get_by_role("button", name="Jump to latest")).to_be_visible()
    tour.look("running")
    tour.press("Jump to latest")
    chat.stop.click()
    chat.wait()
    expect(chat.replies.last).to_contain_text("Stopped")
    fake.fault("text and the rest")
    tour.press("Continue")
    expect(chat.answer).to_contain_text("and the rest")
    chat.wait()


def edits(tour: Tour, _fake: FakeOpenAI) -> None:
    chat, page = tour.chat, tour.page
    chat.box.press("ArrowUp")
    tour.look("editor")
    page.get_by_role("textbox", name="Edit your message").fill("Shorter [fake: tokens 40]")
    tour.press("Send", page.locator(".editor"))
    expect(chat.questions.last.locator(".place")).to_have_text("2 / 2")
    chat.wait()
    tour.press("Answer again", chat.replies.last)
    expect(chat.replies.last.locator(".place")).to_have_text("2 / 2")
    chat.wait()
    tour.look("versions")


def broken(tour: Tour, _fake: FakeOpenAI) -> None:
    """Cut off by a fault, and at the length limit."""
    tour.ask("[fake: tokens 30; delay 5; cut 20; summary Well]")
    tour.ask("[fake: tokens 9; incomplete 5 max_output_tokens]")
    expect(tour.chat.replies.last.locator(".marks")).to_have_text("Cut at the length limit")
    expect(tour.chat.errors).to_have_count(1)
    tour.look("errors")


def keys(tour: Tour, _fake: FakeOpenAI) -> None:
    """A pasted key is caught; the sheet of shortcuts."""
    chat, page = tour.chat, tour.page
    chat.box.fill(f"My key is {make_key()}, is it safe?")
    chat.send.click()
    tour.look("key")
    tour.press("Remove the key")
    expect(chat.box).to_have_value("My key is , is it safe?")
    chat.box.fill("")
    page.keyboard.press("ControlOrMeta+/")
    expect(page.get_by_role("dialog", name="Keyboard shortcuts")).to_be_visible()
    tour.look("shortcuts")
    page.keyboard.press("Escape")


def lists(tour: Tour, _fake: FakeOpenAI) -> None:
    """Found, named, exported, deleted, brought back."""
    page = tour.page
    tour.open_sidebar()
    item = page.get_by_role("link", name=re.compile("All of it, please"))
    expect(item).to_be_visible()
    tour.look("chats")
    search = page.get_by_role("searchbox", name="Search chats")
    search.fill("environment")
    expect(page.locator("mark").first).to_be_visible()
    tour.look("search")
    search.fill("")
    expect(page.locator("mark")).to_have_count(0)
    expect(item).to_be_visible()
    menu = page.get_by_role("button", name=re.compile("^Options for"))
    menu.click()
    tour.look("menu")
    page.get_by_role("menuitem", name="Rename").click()
    page.get_by_role("textbox", name="Title of the chat").fill("Keys, all of it")
    page.keyboard.press("Enter")
    expect(page).to_have_title(re.compile("Keys, all of it"))
    menu.click()
    with page.expect_download() as saved:
        page.get_by_role("menuitem", name="Export as Markdown").click()
    assert saved.value.suggested_filename.endswith(".md")
    menu.click()
    page.get_by_role("menuitem", name="Delete").click()
    undo = page.get_by_role("button", name=re.compile("^Undo"))
    undo.focus()  # so that it stays, however long the look takes
    tour.look("deleted")
    undo.click()
    expect(page).to_have_title(re.compile("Keys, all of it"))
    expect(tour.chat.replies.first).to_contain_text("Three habits")


def data(tour: Tour, _fake: FakeOpenAI) -> None:
    """Settings, and what is left of the allowance."""
    page = tour.page
    tour.open_sidebar()
    tour.press("Settings")
    dialog = page.get_by_role("dialog", name="Settings")
    expect(dialog).to_be_visible()
    tour.look("settings")
    dialog.get_by_text("Larger").click()
    tour.look("larger")
    dialog.get_by_text("Normal").click()
    tour.press("Delete my data …", dialog)
    tour.look("confirmation")
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    tour.open_sidebar()
    page.get_by_role("button", name=re.compile("messages left")).click()
    expect(page.get_by_role("dialog", name="Allowance")).to_be_visible()
    tour.look("allowance")
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")


def temporary(tour: Tour, _fake: FakeOpenAI) -> None:
    tour.page.get_by_role("button", name="Temporary chat").click()
    tour.look("temporary")
    tour.ask("Between us [fake: tokens 9]")
    tour.page.get_by_role("button", name="Temporary chat").click()


def offline(tour: Tour, _fake: FakeOpenAI) -> None:
    chat, page = tour.chat, tour.page
    page.context.set_offline(True)
    notice = page.locator(".notice", has_text="You are offline.")
    expect(notice).to_be_visible()
    tour.look("offline")
    page.context.set_offline(False)
    expect(notice).to_be_hidden()
    expect(chat.replies).to_have_count(0)


def over_the_limit(tour: Tour, _fake: FakeOpenAI) -> None:
    chat, page = tour.chat, tour.page
    for number in range(6):
        chat.box.fill(f"More {number} [fake: tokens 2]")
        chat.send.click()
        expect(chat.replies.or_(chat.errors).last).to_be_visible()
        chat.wait()
        if page.get_by_role("timer").count():
            break
    expect(page.get_by_role("timer")).to_be_visible()
    expect(chat.box).to_have_value(re.compile("^More"))
    expect(chat.send).to_be_disabled()
    tour.look("limit")
