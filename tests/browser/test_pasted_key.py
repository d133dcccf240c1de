"""A message that holds a key is not sent, stored or logged: the page says why, and keeps the rest of the draft."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from chatbot.key.shapes import FOUND
from tests.browser.chat_page import ChatPage, told
from tests.browser.conftest import DESKTOP, PHONE
from tests.browser.test_looks import ANSWER
from tests.conftest import ROOT, Served
from tests.fake_openai import FakeOpenAI, make_key

MARK = "T3Blbk" + "FJ"
INNOCENT = [
    "pip install sk-learn",
    "task-oriented-programming, risk-free-since-1999-Q4",
    "sk-your-key-here",
    "sk-...",
    "sk-proj-",
    "sk-proj-" + "x" * 64,
    "sk-proj-YOUR_KEY_GOES_HERE_AND_NOWHERE_ELSE_PLEASE_DO",
    "sk-svcacct-" + "Ab1" * 13,
    "export OPENAI_API_KEY=sk-1234567890abcdef1234567890abcdef",
    "the mark alone: " + MARK + "abcdefghijklmnop",
]
KEPT = "Object.entries(sessionStorage).concat(Object.entries(localStorage)).map(String).join()"
WATCH_TITLES = """() => {
    window.titles = ['watched'];
    const changes = { childList: true, subtree: true };
    new MutationObserver(() => window.titles.push(document.title)).observe(document.head, changes);
}"""
ABOVE_THE_DOCK = """(what) => document.querySelector(what).getBoundingClientRect().bottom
    <= document.querySelector('.dock').getBoundingClientRect().top + 1"""  # a page scrolls by whole pixels


def unmarked(kind: str = "proj") -> str:
    """A key of tomorrow, without the mark."""
    return f"sk-{kind}-aB3" + make_key().split("-")[2][:45]


@pytest.fixture
def chat(page: Page, served: Served) -> ChatPage:
    return ChatPage(page, served.url)


@pytest.fixture
def sent(page: Page) -> list[str]:
    """The bodies of the requests that the page has sent so far, and their addresses."""
    requests: list[str] = []
    page.on("request", lambda request: requests.append(f"{request.url} {request.post_data or ''}"))
    return requests


def notice(chat: ChatPage) -> Locator:
    return chat.page.locator(".key-notice")


def remover(chat: ChatPage) -> Locator:
    return chat.page.get_by_role("button", name="Remove the key")


@pytest.mark.parametrize(
    "key",
    [make_key(), make_key(""), unmarked()],
    ids=["marked", "old", "unmarked"],
)
def test_a_key_is_not_sent_and_the_page_says_why(chat: ChatPage, sent: list[str], fake: FakeOpenAI, key: str) -> None:
    draft = f"  Why does {key} not work?\n"
    chat.box.fill(draft)
    expect(notice(chat)).to_be_hidden()
    sent.clear()
    chat.box.press("Enter")
    expect(notice(chat)).to_contain_text("shaped like an API key, so it was neither sent nor kept")
    expect(notice(chat).get_by_role("link")).to_have_attribute("href", "/guide/if-it-leaks")
    chat.send.click()
    chat.page.wait_for_timeout(200)
    assert [said for said in sent if not said.endswith(" ")] == []  # but what the page reads by itself
    assert fake.calls == []
    expect(chat.box).to_have_value(draft)
    expect(chat.questions).to_have_count(0)
    assert "Why does  not work?" in chat.page.evaluate(KEPT)
    assert key not in chat.page.evaluate(KEPT)
    expect(chat.page).to_have_title("Turnkey Chat")


def test_the_notice_is_heard_and_takes_no_focus(chat: ChatPage) -> None:
    chat.ask(make_key())
    expect(chat.status).to_have_attribute("aria-live", "polite")
    expect(chat.status).to_contain_text("neither sent nor kept. If it is real: what to do when a key leaks")
    expect(chat.box).to_be_focused()
    expect(chat.box).to_have_attribute("aria-invalid", "true")
    expect(chat.box).to_have_accessible_description(re.compile("neither sent nor kept"))
    first = chat.status.text_content()
    chat.box.press("Enter")
    assert chat.status.text_content() != first, "the same words twice would not be heard twice"
    chat.box.fill("")
    expect(chat.box).to_have_attribute("aria-invalid", "false")
    expect(chat.box).not_to_have_accessible_description(re.compile("neither sent nor kept"))


def test_the_button_removes_the_keys_and_nothing_else(chat: ChatPage, fake: FakeOpenAI) -> None:
    before, after = f"one {make_key()}, “two”\n", f"({unmarked()})  sk-learn 👋\n\n{make_key('')}\nthree"
    chat.box.fill(before + after)
    chat.box.press("Enter")
    chat.box.evaluate("(box, caret) => box.setSelectionRange(caret, caret)", len(before))
    remover(chat).click()
    rest = "one , “two”\n()  sk-learn 👋\n\n\nthree"
    expect(chat.box).to_have_value(rest)
    expect(notice(chat)).to_be_hidden()
    expect(chat.box).to_be_focused()
    expect(chat.status).to_have_text("The key is out. The rest of your message is in the box.")
    assert chat.box.evaluate("(box) => [box.selectionStart, box.selectionEnd]") == [len("one , “two”\n")] * 2
    chat.box.press("Control+z")
    expect(chat.box).to_have_value(rest)
    chat.box.press("Enter")
    chat.wait()
    expect(chat.questions).to_have_count(1)
    assert fake.calls[-1].body["input"][-1]["content"] == rest


def test_all_of_it_works_with_the_keyboard_alone(chat: ChatPage, fake: FakeOpenAI) -> None:
    keyboard = chat.page.keyboard
    expect(chat.box).to_be_focused()
    keyboard.type("Is [fake:text it] ")
    keyboard.insert_text(make_key())  # as a paste does
    keyboard.press("Enter")
    expect(notice(chat)).to_be_visible()
    keyboard.press("Shift+Tab")
    expect(remover(chat)).to_be_focused()
    keyboard.press("Shift+Tab")
    expect(notice(chat).get_by_role("link")).to_be_focused()
    keyboard.press("Tab")
    keyboard.press("Enter")
    expect(notice(chat)).to_be_hidden()
    keyboard.type("so?")
    keyboard.press("Enter")
    expect(chat.answer).to_have_text("it")
    assert len(fake.calls) == 1


def test_the_notice_goes_when_the_key_is_gone_and_no_sooner(chat: ChatPage) -> None:
    key = make_key()
    chat.ask(f"a {key}")
    chat.box.fill(f"b {key} {unmarked()}")
    expect(notice(chat)).to_be_visible()
    chat.box.fill("b sk-learn")
    expect(notice(chat)).to_be_hidden()
    chat.box.fill(f"b {key}")
    expect(notice(chat)).to_be_hidden()
    chat.box.press("Enter")
    expect(notice(chat)).to_be_visible()
    chat.page.get_by_role("link", name="New chat").click()
    expect(chat.box).to_have_value("b ")
    expect(notice(chat)).to_be_hidden()


def test_the_rest_of_the_draft_is_there_after_the_guide(chat: ChatPage) -> None:
    chat.ask(f"first {make_key()} last")
    notice(chat).get_by_role("link").click()
    expect(chat.page.get_by_role("heading", level=1)).to_have_text("If it leaks")
    assert chat.page.evaluate(KEPT) == "draft:new,first  last"
    chat.page.go_back()
    chat.page.reload()
    expect(chat.box).to_have_value("first  last")


def test_an_old_question_with_a_key_is_not_sent_by_trying_again(chat: ChatPage, sent: list[str]) -> None:
    key = make_key()
    question = {"id": "q" * 32, "role": "user", "parts": [{"type": "text", "text": f"old {key}"}], "metadata": {}}
    stored = {"id": "c" * 32, "title": "old", "live": False, "messages": [question]}
    chat.page.route("**/api/chats/*", lambda route: route.fulfill(json=stored))
    chat.page.goto(re.sub("/$", f"/c/{'c' * 32}", chat.page.url))
    again = chat.page.get_by_role("button", name="Try again")
    for _ in range(2):
        again.click()
        expect(notice(chat)).to_be_visible()
    expect(chat.box).to_have_value(f"old {key}")
    expect(again).to_be_visible()
    assert [request for request in sent if key in request] == []


def test_what_only_the_server_knows_as_a_key_is_not_kept_either(
    page: Page, served: Served, fake: FakeOpenAI, watch: Any
) -> None:
    """A page that is older than its server."""
    watch.expected.append("422")
    page.route("**/js/composer/key-shape.js*", narrow)
    key = make_key()
    chat = ChatPage(page, served.url)
    page.evaluate(WATCH_TITLES)
    chat.ask(f"Is {key} mine?")
    expect(notice(chat)).to_contain_text("shaped like an API key, so it was not sent on and not kept")
    expect(chat.status).to_contain_text("not sent on and not kept")
    expect(remover(chat)).to_be_hidden()
    expect(chat.box).to_have_value(f"Is {key} mine?")
    expect(chat.box).to_be_focused()
    expect(chat.errors).to_have_count(0)
    expect(chat.questions).to_have_count(0)
    expect(page).to_have_title("Turnkey Chat")
    assert "sk-" not in "".join(page.evaluate("window.titles"))
    assert page.url == f"{served.url}/"
    chat.box.press("End")
    chat.box.press("!")
    expect(notice(chat)).to_be_hidden()
    assert page.evaluate(KEPT) == ""
    assert fake.calls == []
    assert key not in served.log
    assert key.encode() not in Path(served.database.removeprefix("sqlite:///")).read_bytes()
    chat.ask_and_wait("[fake:text Fine]")
    chat.box.fill("next")
    page.get_by_role("link", name="New chat").click()
    chat.ask(key)
    expect(notice(chat)).to_be_visible()
    page.go_back()
    expect(chat.box).to_have_value("next")
    assert page.evaluate(KEPT).endswith(",next")


def narrow(route: Route) -> None:
    module = (ROOT / "static" / "js" / "composer" / "key-shape.js").read_text()
    route.fulfill(body=module.replace("sk-", "kk-"), content_type="text/javascript")


def test_suggestions_are_sent_past_a_draft_that_holds_a_key(page: Page, served: Served, fake: FakeOpenAI) -> None:
    page.route("**/api/me", lambda route: route.fulfill(json={**route.fetch().json(), "mode": "tutor"}))
    chat = ChatPage(page, served.url)
    draft = f"wait {make_key()}"
    chat.ask(draft)
    page.get_by_role("group", name="Suggested questions").get_by_role("button").first.click()
    expect(chat.questions).to_have_count(1)
    chat.wait()
    assert len(fake.calls) == 1
    expect(chat.box).to_have_value(draft)
    expect(notice(chat)).to_be_visible()


def test_innocent_texts_are_sent(chat: ChatPage, fake: FakeOpenAI) -> None:
    chat.ask_and_wait("\n".join(INNOCENT))
    expect(notice(chat)).to_be_hidden()
    assert json.dumps(INNOCENT[-1])[1:-1] in json.dumps(fake.calls[-1].body)


def test_page_and_server_find_the_same(chat: ChatPage) -> None:
    chance = random.Random(5)
    pieces = [
        "proj-",
        "svcacct-",
        "service-",
        "admin-",
        " ",
        "\n",
        "é",
        "\\n",
        "-",
        "_",
        "X",
        "B" * 39,
        "7" * 10,
        "x" * 200,
    ]
    pieces += ["sk-", "sk-proj-", MARK, "a" * 10, "aB3dE6gH9" * 5] * 4
    texts = ["".join(chance.choices(pieces, k=chance.randint(2, 9))) for _ in range(3000)]
    texts += [*INNOCENT, *(make_key(kind, length) for kind in ("", "proj", "svcacct", "admin") for length in (58, 74))]
    texts += [unmarked(kind) for kind in ("proj", "svcacct", "service", "admin")]
    seen = chat.page.evaluate(
        """async (texts) => {
            const { holdsKey, withoutKeys } = await import('/static/js/composer/key-shape.js');
            return texts.map((text) => [holdsKey(text), withoutKeys(text)]);
        }""",
        texts,
    )
    expected = [[bool(FOUND.search(text)), FOUND.sub("", text)] for text in texts]
    assert [pair for pair in zip(seen, expected, strict=True) if pair[0] != pair[1]] == []
    assert 500 < sum(found for found, _ in expected) < 2500
    assert [found for found, _ in expected[-22:-12]] == [False] * 10
    assert [found for found, _ in expected[-12:]] == [True] * 12


@pytest.mark.parametrize("device", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_the_notice_covers_nothing(new_page: Callable[..., Page], served: Served, device: dict[str, Any]) -> None:
    """How it looks, test_tour sees."""
    page = new_page(**device, reduced_motion="reduce")
    chat = ChatPage(page, served.url)
    chat.box.fill(told(ANSWER))
    chat.send.click()
    chat.wait()
    chat.box.fill(f"Why does {make_key()} not work?")
    chat.send.click()
    expect(notice(chat)).to_be_visible()
    chat.rest()
    assert page.evaluate(ABOVE_THE_DOCK, ".transcript")
    remover(chat).focus()
    for _ in range(4):
        page.keyboard.press("Shift+Tab")
        within = page.evaluate("document.activeElement.closest('.dock') !== null")
        assert within or page.evaluate(ABOVE_THE_DOCK, ":focus")
    assert not within
