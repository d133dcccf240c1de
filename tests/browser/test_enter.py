"""The door: a visitor gives the access code once, comes back to where they were, and loses nothing that was typed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.chat_page import ChatPage
from tests.browser.conftest import two_looks
from tests.browser.test_looks import look
from tests.conftest import serving

CODE = "open sesame"
LONG_NAME = "Wonderful Questions of the Wide Wide Web"  # as long as it may be


def enter(page: Page, code: str = CODE) -> None:
    page.get_by_label("Access code").fill(code)
    with page.expect_navigation():
        page.get_by_role("button", name="Enter").click()


@two_looks
def test_the_door_has_no_barriers_and_says_what_is_wrong(
    new_page: Callable[..., Page],
    serve: Callable[..., Any],
    watch: Any,
    tmp_path: Path,
    device: dict[str, Any],
    colours: str,
) -> None:
    watch.expected.append("401")
    watch.expected.append("429")
    page = new_page(**device, color_scheme=colours)
    page.goto(serve(ACCESS_CODE=CODE, SITE_NAME=LONG_NAME).url + "/c/abcdefgh")
    expect(page.get_by_role("heading", level=1)).to_contain_text("access code")
    expect(page.get_by_label("Access code")).to_be_focused()
    look(page, tmp_path / "door.png")
    for _ in range(10):
        enter(page, "a guess")
        expect(page.get_by_role("alert")).to_contain_text("That is not the access code.")
    expect(page.get_by_label("Access code")).to_have_value("")
    look(page, tmp_path / "wrong.png")
    enter(page)
    expect(page.get_by_role("alert")).to_contain_text("Too many wrong access codes")
    expect(page.get_by_role("alert")).to_contain_text("You can try again in")
    look(page, tmp_path / "late.png")


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server where nobody has guessed yet."""
    with serving(tmp_path_factory.mktemp("door")) as start:
        yield start(ACCESS_CODE=CODE).url


def test_the_code_leads_back_to_where_the_visitor_wanted_to_go(page: Page, url: str) -> None:
    page.goto(url)
    enter(page)
    chat = ChatPage(page, page.url)
    chat.ask_and_wait("What is a key?")
    place = page.url
    assert "/c/" in place
    page.context.clear_cookies(name="access")
    page.goto(place)
    expect(page).to_have_url(f"{url}/enter?next={place.removeprefix(url)}")
    enter(page)
    expect(page).to_have_url(place)
    expect(chat.questions).to_contain_text(["What is a key?"])


def test_when_the_pass_ends_the_draft_waits_behind_the_door(page: Page, url: str, watch: Any) -> None:
    watch.expected.append("401")
    page.goto(url)
    enter(page)
    nothing = {"chats": [], "before": None}
    page.route("**/api/chats", lambda route: route.fulfill(json=nothing))  # it would find the pass ended at any time
    with page.expect_response("**/api/me"):
        chat = ChatPage(page, page.url)
    for question in ("What is a key?", "And what does it cost?"):
        page.context.clear_cookies(name="access")
        chat.ask(question)
        enter(page)
        expect(chat.box).to_have_value(question)
        chat.send.click()
        expect(chat.questions.last).to_contain_text(question)
        chat.wait()
    expect(chat.questions).to_have_count(2)
    expect(chat.errors).to_have_count(0)


def test_the_door_opens_over_plain_http_too(new_page: Callable[..., Page], url: str, watch: Any) -> None:
    """There a browser sends no Sec-Fetch-Site; the server is its own proxy, so that it has a name that is not local."""
    watch.expected.append("Cross-Origin-Opener-Policy header has been ignored")
    page = new_page(proxy={"server": url})
    page.goto("http://chat.test/")
    with page.expect_request(lambda request: request.method == "POST") as posted:
        enter(page)
    assert "sec-fetch-site" not in posted.value.all_headers()
    expect(page).to_have_url("http://chat.test/")
    expect(page.get_by_role("textbox", name="Message")).to_be_visible()
