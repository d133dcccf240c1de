"""Takes the pictures in docs/ from the real page, with the tutor answering: `make picture`."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path

from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.browser.conftest import PHONE, launch
from tests.conftest import ROOT, serving

DOCS = ROOT / "docs"
WIDE = {"viewport": {"width": 1280, "height": 800}}
EARLIER = ["What is an API key?", "Where do I keep my key?", "What does an answer cost?"]
QUESTION = "My key was stolen, what do I do?"


def main() -> None:
    with tempfile.TemporaryDirectory() as folder, serving(Path(folder)) as start, sync_playwright() as playwright:
        url = start(LIMIT_VISITOR="8/minute;100/day", LIMIT_NETWORK="30/minute;400/day", LIMIT_SITE="5000/day").url
        browser = launch(playwright)
        (DOCS / "pictures").mkdir(exist_ok=True)
        for colours in ("light", "dark"):
            for name, device in (("wide", WIDE), ("phone", PHONE)):
                take(browser, url, f"{name}-{colours}", {**device, "color_scheme": colours})
        (DOCS / "pictures" / "wide-light.png").replace(DOCS / "chat.png")
        browser.close()


def take(browser: Browser, url: str, name: str, options: dict[str, object]) -> None:
    """A picture of an answer and, on a phone, one of the list of chats; of the settings on a wide screen."""
    page = browser.new_context(**options).new_page()
    page.goto(url)
    for question in [*EARLIER, QUESTION]:
        if question != EARLIER[0]:
            page.keyboard.press("ControlOrMeta+Shift+O")
        ask(page, question)
    page.mouse.move(0, 0)
    page.screenshot(path=DOCS / "pictures" / f"{name}.png")
    if name.startswith("phone"):
        page.get_by_role("button", name="Show the list of chats").click()
        expect(page.locator(".chat-item")).to_have_count(len(EARLIER) + 1)
    else:
        page.get_by_role("button", name="Settings").click()
        expect(page.get_by_role("dialog", name="Settings")).to_be_visible()
    page.screenshot(path=DOCS / "pictures" / f"{name}-more.png")
    page.context.close()


def ask(page: Page, question: str) -> None:
    page.get_by_role("textbox", name="Message").fill(question)
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_role("button", name="Stop the reply")).to_be_hidden(timeout=30_000)
    expect(page).to_have_url(re.compile("/c/"))
    expect(page.locator("article.reply [data-part='actions']").last).to_be_visible()


if __name__ == "__main__":
    main()
