"""How the page reaches a browser: its scores, what a first visit loads, what a second one does not, and as an app."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import DESKTOP, PHONE, QUIET, whole_chromium
from tests.conftest import ROOT, Served, needed, serving
from tests.fake_openai import FakeOpenAI

pytestmark = pytest.mark.alone
SCORES = ROOT / "tests" / "browser" / "scores"
ALL = {"performance": 100, "accessibility": 100, "best-practices": 100, "seo": 100}
USUAL = {"LIMIT_VISITOR": "100/day", "LIMIT_TOKENS_VISITOR": "200000/day"}  # as told on the page
SLOW_4G = {"offline": False, "latency": 150, "downloadThroughput": 1.6e6 / 8, "uploadThroughput": 750e3 / 8}
USABLE = """() => new Promise((usable) => {
    const look = () => document.activeElement?.matches('textarea') && document.querySelector('.suggestion')
        ? usable(performance.now())
        : requestAnimationFrame(look);
    look();
})"""  # painted, in words, and the shell's last line has run
TRIES = 8  # a busy machine makes a page slower than it is, never faster


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """The tutor's page, behind one trusted proxy."""
    with serving(tmp_path_factory.mktemp("delivery")) as start:
        yield start(TRUSTED_PROXIES=1, **USUAL)


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """The page with a model behind it."""
    with FakeOpenAI() as upstream, serving(tmp_path_factory.mktemp("live")) as start:
        yield start(**upstream.env, **USUAL)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a certificate for `localhost`, which is its own authority, and its key."""
    folder = tmp_path_factory.mktemp("certificate")
    openssl = needed(shutil.which("openssl"), "openssl")
    subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-days", "1"]
    files = ["-keyout", folder / "key.pem", "-out", folder / "certificate.pem"]
    command = [openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", *subject, *files]
    subprocess.run(command, check=True, capture_output=True)
    return folder


@pytest.fixture
def score(site: Served, certificate: Path) -> Callable[..., Any]:
    """A function that runs a script of tests/browser/scores against the site and gives what it found."""
    node = needed(shutil.which("node", path=f"{os.environ['PATH']}:{ROOT / '.venv' / 'bin'}"), "Node")
    needed("there" if (SCORES / "node_modules").exists() else None, "Lighthouse")

    def run(script: str, *more: str) -> Any:
        command = [node, str(SCORES / script), site.url, str(certificate), *more]
        trust = {"NODE_EXTRA_CA_CERTS": str(certificate / "certificate.pem")}
        done = subprocess.run(command, env=os.environ | trust, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout.splitlines()[-1])

    return run


def chromium() -> str:
    return needed(whole_chromium(), "Chromium")


@pytest.mark.parametrize("form", ["mobile", "desktop"])
def test_lighthouse_gives_100_in_everything(score: Callable[..., Any], form: str) -> None:
    """On a phone, over a slow 4G line, both simulated; the page weighs little, can be used soon and does not move."""
    for _ in range(TRIES):
        found = score("lighthouse.mjs", form, chromium(), *QUIET)
        if found["scores"] == ALL:
            break
    assert found["scores"] == ALL, found
    assert found["bytes"] < 150_000 and found["shift"] == 0, found


@pytest.mark.parametrize("path", ["/", "/api/me"])
def test_the_mdn_http_observatory_gives_an_a_plus(score: Callable[..., Any], path: str) -> None:
    """The page, and the answer that sets the cookie."""
    found = score("observatory.mjs", path)
    assert (found["grade"], found["failed"]) == ("A+", []), found
    has_cookie = "cookies-secure-with-httponly-sessions-and-samesite" in found["results"].values()
    assert has_cookie == (path == "/api/me")
    assert "csp-implemented-with-no-unsafe-default-src-none" in found["results"].values()


def loaded(page: Page) -> dict[str, int]:
    """The files that the page has loaded, and the bytes that came over the wire for each; a kept one costs none."""
    page.wait_for_load_state("networkidle")
    return page.evaluate(  # type: ignore[no-any-return]
        """() => Object.fromEntries(performance.getEntriesByType('resource')
            .map(({ name, transferSize }) => [new URL(name).pathname, transferSize]))"""
    )


def test_a_first_visit_asks_for_every_module_by_name_and_a_second_for_none(page: Page, site: Served) -> None:
    page.goto(site.url)
    first = loaded(page)
    named = page.evaluate(
        "[...document.querySelectorAll('link[rel=modulepreload]')].map(({ href }) => new URL(href).pathname)"
    )
    modules = {path for path in first if path.endswith(".js") and not path.endswith("/preferences.js")}
    assert modules == set(named) and len(modules) > 20
    assert [path for path in first if path.endswith(".css")] == [path for path in first if "/css/base+" in path]
    page.goto("about:blank")
    page.goto(site.url)
    second = loaded(page)
    assert modules < second.keys()
    assert [path for path, size in second.items() if size > 0] == ["/api/me", "/api/chats"]


def test_on_slow_4g_one_can_write_and_send_within_a_second(new_page: Callable[..., Page], site: Served) -> None:
    times: list[float] = []
    while len(times) < TRIES and (not times or times[-1] >= 1000):
        page = new_page()
        line = page.context.new_cdp_session(page)
        line.send("Network.enable")
        line.send("Network.emulateNetworkConditions", SLOW_4G)
        page.goto(site.url, wait_until="commit")
        times.append(page.evaluate(USABLE))
    assert times[-1] < 1000, times


def test_the_shell_comes_first_and_works_when_the_rest_does_not_come(page: Page, site: Served, watch: Any) -> None:
    watch.expected.append("Failed to load|ERR_FAILED")
    page.route("**/js/chat.js", lambda route: route.abort())
    page.goto(site.url)
    box = page.get_by_role("textbox", name="Message")
    box.fill("Not lost")
    box.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("did not load completely")
    expect(box).to_have_value("Not lost")
    page.unroute_all()
    page.get_by_role("button", name="Load it again").click()
    expect(page.locator(".suggestion").first).to_be_visible()
    expect(box).to_have_value("Not lost")


@pytest.mark.parametrize("device", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_nothing_moves_while_the_page_comes(
    new_page: Callable[..., Page], live: Served, site: Served, device: dict[str, Any]
) -> None:
    """Mode and first questions are known with the page, and nothing is painted before its words are there."""
    for served, greeting in ((live, "What would you like to know?"), (site, "Learn to keep an API key safe")):
        page = new_page(**device)
        page.goto(served.url)
        loaded(page)
        expect(page.get_by_role("heading", name=greeting)).to_be_visible()
        expect(page.locator(".suggestion")).to_have_count(4)
        moved = page.evaluate(
            """() => new Promise((done) => new PerformanceObserver((list) => done(
                list.getEntries().flatMap(({ sources }) => sources.map(({ node }) => node?.outerHTML ?? 'gone'))))
                .observe({ type: 'layout-shift', buffered: true }) || setTimeout(() => done([]), 300))"""
        )
        assert moved == []


def test_the_page_can_be_installed_as_an_app(browser: Browser, site: Served, tmp_path: Path) -> None:
    """In a window that keeps its data: a private one installs nothing."""
    context = browser.browser_type.launch_persistent_context(tmp_path, executable_path=chromium(), args=QUIET)
    try:
        page = context.new_page()
        page.goto(site.url)
        devtools = context.new_cdp_session(page)
        found = devtools.send("Page.getAppManifest")
        assert (found["url"], found["errors"]) == (f"{site.url}/manifest.webmanifest", [])
        assert devtools.send("Page.getInstallabilityErrors")["installabilityErrors"] == []
        manifest = json.loads(found["data"])
        sizes = page.evaluate(
            """(icons) => Promise.all(icons.map(async ({ src, sizes }) => {
                const image = new Image();
                image.src = src;
                await image.decode();
                return [sizes, `${image.naturalWidth}x${image.naturalHeight}`];
            }))""",
            [icon for icon in manifest["icons"] if icon["type"] == "image/png"],
        )
        assert sorted(said for said, _ in sizes) == ["192x192", "512x512", "512x512"]
        assert all(said == true for said, true in sizes)
        paper = page.evaluate(
            """() => ['light', 'dark'].map((theme) => {
                document.documentElement.style.colorScheme = theme;
                return getComputedStyle(document.body).backgroundColor;
            })"""
        )
        bars = page.locator("meta[name=theme-color]").evaluate_all("(metas) => metas.map(({ content }) => content)")
        assert [rgb(colour) for colour in bars] == paper
    finally:
        context.close()


def rgb(colour: str) -> str:
    """`#rrggbb` as browsers compute it."""
    return "rgb({}, {}, {})".format(*bytes.fromhex(colour.removeprefix("#")))
