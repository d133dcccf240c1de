"""A browser, and pages that fail their test on any console error, CSP violation or uncaught exception."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, Playwright, expect, sync_playwright
from playwright.sync_api import Error as BrowserError

from tests.conftest import Served, needed, serving
from tests.fake_openai import FakeOpenAI

PATIENCE_MS = 60_000  # a busy machine is slow, not wrong
expect.set_options(timeout=PATIENCE_MS)
QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
DESKTOP = {"viewport": {"width": 1280, "height": 860}}
PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
# Either device and either colour once; test_tour sees each page in all four.
two_looks = pytest.mark.parametrize(
    ("device", "colours"), [(DESKTOP, "light"), (PHONE, "dark")], ids=["light desktop", "dark phone"]
)


@dataclass
class Watch:
    """What the pages of a test complained of, and what of it was expected (regular expressions)."""

    complaints: list[str] = field(default_factory=list)
    expected: list[str] = field(default_factory=list)

    def console(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(message.text)

    def unexpected(self) -> list[str]:
        return [said for said in self.complaints if not any(re.search(pattern, said) for pattern in self.expected)]


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        try:
            browser = launch(playwright)
        except BrowserError:
            needed(None, "Chromium")
        yield browser
        browser.close()


def launch(playwright: Playwright) -> Browser:
    """CHROMIUM, Chromium's headless shell, as it costs half, or the whole, or else what Playwright downloaded."""
    program = os.environ.get("CHROMIUM") or shutil.which("chromium-headless-shell") or whole_chromium()
    return playwright.chromium.launch(executable_path=program, args=QUIET)


def whole_chromium() -> str | None:
    """Chromium with all that belongs to a browser beside its pages."""
    return os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")


@pytest.fixture(scope="session")
def upstream() -> Iterator[FakeOpenAI]:
    with FakeOpenAI() as server:
        yield server


@pytest.fixture(autouse=True)
def fake(upstream: FakeOpenAI) -> FakeOpenAI:
    """The fake without memories of other tests."""
    upstream.reset()
    return upstream


@pytest.fixture(scope="session")
def served(upstream: FakeOpenAI, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """The app with a model behind it; each page is a visitor of its own."""
    with serving(tmp_path_factory.mktemp("served")) as start:
        yield start(**upstream.env, MAX_MESSAGE_CHARS=100_000)


@pytest.fixture(scope="session")
def strict(upstream: FakeOpenAI, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """The same where a visitor has one message a minute."""
    with serving(tmp_path_factory.mktemp("strict")) as start:
        yield start(**upstream.env, LIMIT_VISITOR="1/minute")


@pytest.fixture(scope="session")
def tutored(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """The app without a key: the tutor answers short questions, though no money may be spent."""
    with serving(tmp_path_factory.mktemp("tutored")) as start:
        yield start(MAX_MESSAGE_CHARS=100, BUDGET_VISITOR_DAY="0.000001", BUDGET_SITE_DAY="0")


@pytest.fixture
def watch() -> Iterator[Watch]:
    watch = Watch()
    yield watch
    assert not watch.unexpected()


@pytest.fixture
def new_page(browser: Browser, watch: Watch, serve: object) -> Iterator[Callable[..., Page]]:
    """A function that opens a page in a context of its own, with Playwright's options for contexts.

    It asks for `serve` so that pages close before servers do: a server waits for open connections.
    """
    contexts = []

    def open_page(**options: object) -> Page:
        context = browser.new_context(**{**DESKTOP, **options})
        context.set_default_timeout(PATIENCE_MS)
        contexts.append(context)
        page = context.new_page()
        page.on("console", watch.console)
        page.on("pageerror", lambda error: watch.complaints.append(f"uncaught: {error}"))
        return page

    yield open_page
    for context in contexts:
        context.close()


@pytest.fixture
def page(new_page: Callable[..., Page]) -> Page:
    return new_page()
