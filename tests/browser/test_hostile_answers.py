"""A model's answer may say anything: in the page it runs nothing, loads nothing and leads nowhere unsafe."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.chat_page import ChatPage, told
from tests.browser.hostile import CORPUS
from tests.fake_openai import FakeOpenAI

TEXT = {"p", "br", "strong", "em", "del", "code", "pre", "a", "span", "blockquote", "hr", "h3", "h4", "h5", "h6"}
ELEMENTS = TEXT | {"div", "button", "ul", "ol", "li", "table", "thead", "tbody", "tr", "th", "td"}
ATTRIBUTES = {"href", "target", "rel", "title", "class", "start", "type", "tabindex", "role", "aria-label"}
DANGEROUS_WHEN_SET = "svg, img, script, iframe, object, embed, style, link, meta, base, form, input, template"


@pytest.mark.parametrize("part", range(4))
def test_hostile_answers_run_nothing_load_nothing_and_lead_nowhere_unsafe(
    page: Page, fake: FakeOpenAI, serve: Callable[..., Any], part: int
) -> None:
    texts = CORPUS[part::4]
    chat = ChatPage(page, serve(**fake.env, MAX_MESSAGE_CHARS=100_000).url)
    requests: list[str] = []
    page.on("request", lambda request: requests.append(request.url))
    page.on("dialog", lambda dialog: pytest.fail(dialog.message))
    chat.ask_and_wait(told("\n\n".join([*texts, "The end"])))
    expect(chat.answer).to_contain_text("The end")
    assert_harmless(chat)
    page.reload()
    expect(chat.answer).to_contain_text("The end")
    assert_harmless(chat)
    for link in chat.answer.locator("a, p, code").all():
        link.hover(force=True)
    assert page.evaluate("window.hit") is None
    origin = page.url.split("/c/")[0]
    assert [url for url in requests if not url.startswith(origin)] == []


def assert_harmless(chat: ChatPage) -> None:
    found = chat.answer.evaluate("""(root) => [...root.querySelectorAll('*')].map((node) => [
        node.localName,
        Object.fromEntries([...node.attributes].map(({ name, value }) => [name, value])),
        node.origin])""")
    assert found
    for name, attributes, origin in found:
        assert name in ELEMENTS, name
        assert set(attributes) <= ATTRIBUTES, attributes
        if name == "a":
            same_site = origin == chat.page.url.split("/c/")[0]
            assert re.match(r"https?://|mailto:" if not same_site else r"/(?![/\\])", attributes["href"]), attributes
            if not same_site:
                assert attributes["rel"] == "noopener noreferrer", attributes
                assert attributes["target"] == "_blank", attributes
    assert chat.answer.locator(DANGEROUS_WHEN_SET).count() == 0


def test_what_a_visitor_types_stays_text(page: Page, serve: Callable[..., Any]) -> None:
    chat = ChatPage(page, serve().url)
    typed = "<img src=x onerror=window.hit=1> **not bold** [x](javascript:window.hit=1)"
    chat.ask_and_wait(typed)
    expect(chat.questions.locator(".bubble")).to_have_text(typed)
    assert chat.questions.locator(".bubble *").count() == 0
    assert page.evaluate("window.hit") is None


def test_an_image_becomes_a_link_that_names_its_host(page: Page, fake: FakeOpenAI, serve: Callable[..., Any]) -> None:
    chat = ChatPage(page, serve(**fake.env).url)
    chat.ask_and_wait(told("![A cat](https://pictures.example/cat.png)"))
    link = chat.answer.get_by_role("link")
    expect(link).to_have_text("A cat (image on pictures.example)")
    expect(link).to_have_attribute("href", "https://pictures.example/cat.png")


def test_links_to_the_guide_stay_in_the_tab_and_others_open_their_own(
    page: Page, fake: FakeOpenAI, serve: Callable[..., Any]
) -> None:
    chat = ChatPage(page, serve(**fake.env).url)
    chat.ask_and_wait(told("[in](/guide/keep-it-safe#storage) and [out](https://out.example/)"))
    inside, outside = chat.answer.get_by_role("link").all()
    expect(inside).to_have_attribute("href", "/guide/keep-it-safe#storage")
    assert inside.get_attribute("target") is None
    expect(outside).to_have_attribute("target", "_blank")
    inside.click()
    expect(page).to_have_url(re.compile("/guide/keep-it-safe#storage$"))
