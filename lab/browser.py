"""Opens a page as a victim would: in Chromium or, where there is none, by reading what a browser would run."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from html.parser import HTMLParser
from typing import Any

from lab.client import Target

PATIENCE_MS, STEP_MS = 20_000, 1_000


@dataclass
class Seen:
    """Did a script of the answer's run, as far as can be told? Was the answer shown? And how that was seen."""

    words: str
    ran: bool
    shown: bool


def visit(url: str, path: str, cookies: dict[str, str], *, until: str) -> Seen:
    """Open a page with a visitor's cookies, and wait for these words."""
    try:
        return _in_chromium(url, path, cookies, until)
    except ImportError:
        return _read(url, path, cookies, until)


def _in_chromium(url: str, path: str, cookies: dict[str, str], until: str) -> Seen:
    from playwright.sync_api import Error, sync_playwright  # for tests; a server does without

    program = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    with sync_playwright() as playwright:
        try:
            browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox", "--disable-gpu"])
        except Error:
            raise ImportError from None
        context = browser.new_context()
        context.add_cookies([{"name": name, "value": value, "url": url} for name, value in cookies.items()])
        page = context.new_page()
        went = []
        page.on("request", lambda request: went.append(request.url))
        page.goto(url + path)
        shown = False
        for _ in range(PATIENCE_MS // STEP_MS):
            page.wait_for_timeout(STEP_MS)
            if shown or any(not address.startswith(url) for address in went):
                break  # a step after it was shown, in which a script of it had its time
            shown = page.get_by_text(until).count() > 0
        browser.close()
    return Seen("Opened in Chromium.", any(not address.startswith(url) for address in went), shown)


def _read(url: str, path: str, cookies: dict[str, str], until: str) -> Seen:
    visitor = Target(url).visitor()
    visitor.cookies = cookies
    answer = visitor.get(path)
    policy = answer.headers.get("Content-Security-Policy", "")
    found = _Live()
    found.feed(answer.text)
    ran = bool(found.live) and ("script-src" not in policy or "'unsafe-inline'" in policy)
    in_page = until in answer.text
    shown = answer.status == 200 and (in_page or "script-src" in policy)  # a page that a script fills shows no answer
    read = "The page was read" if in_page else "Only the policy was read"
    return Seen(f"{read}: no browser looked. `make test` installs one.", ran, shown)


class _Live(HTMLParser):
    """Finds what a browser would run: a script in the page, or an element that comes with one."""

    def __init__(self) -> None:
        super().__init__()
        self.live: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, Any]]) -> None:
        names = dict(attrs)
        if (tag == "script" and "src" not in names) or any(name.startswith("on") for name in names):
            self.live.append(tag)
