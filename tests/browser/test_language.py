"""All words of the chat page stand in one file per language: none elsewhere, none missing, none too many."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.chat_page import told
from tests.browser.conftest import DESKTOP, PHONE
from tests.conftest import Served, serving
from tests.fake_openai import FakeOpenAI

ROOT = Path(__file__).resolve().parents[2]
TEMPLATES = [ROOT / "templates/chat.html", *sorted((ROOT / "templates/chat").glob("*.html"))]
SCRIPTS = [path for path in sorted((ROOT / "static/js").rglob("*.js")) if path.parent.name != "words"]
ENGLISH = ROOT / "static/js/words/en.js"
# A language made of the English one: from right to left, each of its words between brackets.
MADE_UP = """
import english from './en.js?english';
const said = (word) =>
  typeof word === 'string' ? `⟦${word}⟧`
  : typeof word === 'function' ? (...told) => said(word(...told))
  : Array.isArray(word) ? word.map(said)
  : word && Object.fromEntries(Object.entries(word).map(([name, each]) => [name, said(each)]));
export default { ...said(english), language: 'ar', direction: 'rtl' };
"""
# What is seen or read out and is not of that language. Visitors and models say only z; figures and keys are alike.
FOREIGN = r"""() => {
    const known = /^([^A-Za-z]*|(⟦[^]*⟧)+|[zZ\s]+|Turnkey Chat|\[fake:text z[^]*|[A-Z]|gpt-6-.*)$/;
    const found = [document.title];
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_ELEMENT);
    for (let node = walker.nextNode(); node; node = walker.nextNode()) {
        if (node.closest('noscript, template, script, .markdown p, .markdown li, .markdown pre')) continue;
        for (const child of node.childNodes) if (child.nodeType === 3) found.push(child.data.trim());
        for (const name of ['aria-label', 'aria-description', 'aria-valuetext', 'title', 'placeholder', 'alt']) {
            found.push(node.getAttribute(name) ?? '');
        }
    }
    return found.filter((text) => !known.test(text.replaceAll(/[\u2066-\u2069]/g, '')));
}"""
DIRECTIONS = "(nodes) => nodes.map((node) => getComputedStyle(node).direction)"


def test_every_word_that_is_asked_for_is_there_and_every_word_is_asked_for(page: Page, served: Served) -> None:
    page.goto(served.url)
    there = set(page.evaluate("async () => Object.keys((await import('/static/js/words/en.js')).default)"))
    markup = "".join(path.read_text() for path in TEMPLATES)
    scripts = "".join(re.sub(r"//.*", "", path.read_text()) for path in SCRIPTS)
    asked = set(re.findall(r'data-(?:word|label|hint)="(\w+)"', markup))
    asked |= set(re.findall(r"\bwords\.(?!js\b)(\w+)", scripts))
    asked |= set(re.findall(r'"(\w+)"', "".join(re.findall(r"\{\{ choice\((.*)\) \}\}", markup))))
    settings = set(re.findall(r"\b[a-z]+\b", (ROOT / "static/js/preferences.js").read_text()))
    assert asked - settings - there == set()
    assert there - asked == set()


@pytest.fixture(scope="module")
def url(upstream: FakeOpenAI, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with serving(tmp_path_factory.mktemp("language")) as start:
        yield start(**upstream.env, SUGGESTED_QUESTIONS="[fake:text zz]").url


def test_what_is_typed_runs_as_its_letters_do(page: Page, served: Served) -> None:
    page.goto(served.url)
    for text, direction in (("שלום, world!", "rtl"), ("Hello, עולם!", "ltr")):
        page.locator("textarea").fill(text)
        assert page.locator("textarea").evaluate_all(DIRECTIONS) == [direction]


@pytest.mark.parametrize("device", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_another_language_is_one_file_also_from_right_to_left(
    new_page: Callable[..., Page], url: str, watch: Any, device: dict[str, Any]
) -> None:
    def speak(route: Route) -> None:
        body = ENGLISH.read_text() if route.request.url.endswith("?english") else MADE_UP
        route.fulfill(content_type="text/javascript", body=body)

    watch.expected += ["net::ERR_INTERNET_DISCONNECTED", "Autofocus"]
    page = new_page(**device, reduced_motion="reduce")
    page.route(re.compile(r"/js/words/en\.js(\?english)?$"), speak)
    page.goto(url)
    expect(page.locator("[data-part=left]")).to_contain_text(re.compile(r"⟦\d"))
    narrow = device is PHONE

    def sees(name: str) -> None:
        assert page.evaluate(FOREIGN) == [], name
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, name

    def open_dialog(name: str) -> None:
        if narrow and not page.locator("html[data-drawer]").count():
            page.locator(".bar [data-part=open-sidebar]").click()
        page.locator(f"[data-action=show{name.capitalize()}]").first.click()

    assert page.evaluate("[document.documentElement.lang, document.documentElement.dir]") == ["ar", "rtl"]
    assert page.locator("textarea, .search input").evaluate_all(DIRECTIONS) == ["rtl", "rtl"]
    page.locator("textarea").fill("Left to right")
    assert page.locator("textarea").evaluate_all(DIRECTIONS) == ["ltr"]
    page.locator("textarea").fill("")
    sees("empty")
    page.locator(".suggestion").click()
    page.locator("[data-part=stop]").wait_for(state="hidden")
    page.locator("textarea").fill(told("zzz\n\n```\nzzz\n```\n\n![zz](https://z.zz/z)\n\n- [x] z"))
    page.locator("[data-part=send]").click()
    expect(page.locator("article.reply .code")).to_be_visible()
    page.locator("[data-part=stop]").wait_for(state="hidden")
    page.context.set_offline(True)
    expect(page.locator("[data-part=connection]")).to_be_visible()
    sees("answers")
    page.context.set_offline(False)
    expect(page.locator("[data-part=connection]")).to_be_hidden()
    if narrow:
        page.locator(".bar [data-part=open-sidebar]").click()
    expect(page.locator(".chat-item").first).to_be_visible()
    box = page.locator(".sidebar").bounding_box()
    assert box and box["x"] + box["width"] == page.viewport_size["width"], "on the right"  # type: ignore[index]
    sees("sidebar")
    open_dialog("settings")
    expect(page.locator("#settings")).to_be_visible()
    sees("settings")
    page.locator("[data-action=showShortcuts]").click()
    expect(page.locator("#shortcuts")).to_be_visible()
    sees("shortcuts")
    page.keyboard.press("Escape")
    page.locator("[data-part=forget]").click()
    expect(page.locator("#deletion")).to_be_visible()
    sees("deletion")
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    open_dialog("allowance")
    expect(page.locator("#allowance-sheet")).to_be_visible()
    sees("allowance")
