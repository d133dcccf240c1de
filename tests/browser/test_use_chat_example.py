"""The example of another front end, examples/use-chat: built, served as its README says, and chatted with."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
from playwright.sync_api import Page, Request, expect

from tests.browser.chat_page import told
from tests.browser.conftest import Watch
from tests.conftest import ROOT, Served, clean_environment, free_port, needed, serving, wait_for
from tests.fake_openai import FakeOpenAI
from tests.visitor import Visitor

EXAMPLE = ROOT / "examples" / "use-chat"
SERVER = "http://127.0.0.1:8000"
STALL = "Hello [fake: tokens 400; hold 9]"


@dataclass
class Site:
    """The example's own address, and the chat server that it speaks to."""

    url: str
    server: Served
    fake: FakeOpenAI


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """`npm start` in a copy, with a free port for either server."""
    path = f"{os.environ['PATH']}:{ROOT}/.venv/bin"
    npm = needed(shutil.which("npm", path=path), "npm")
    installed = EXAMPLE / "node_modules"
    needed(str(installed) if (installed / "esbuild").is_dir() else None, "the npm package esbuild")
    folder = tmp_path_factory.mktemp("example")
    shutil.copytree(EXAMPLE, folder / "copy", ignore=shutil.ignore_patterns("node_modules", "build"))
    (folder / "copy/node_modules").symlink_to(installed)
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    with FakeOpenAI() as fake, serving(folder) as start:
        served = start(**fake.env, ALLOWED_ORIGINS=url, LIMIT_VISITOR="6/day")
        page = folder / "copy/www/index.html"
        assert SERVER in page.read_text()
        page.write_text(page.read_text().replace(SERVER, served.url))
        command = [npm, "start", "--silent", "--", f"--serve=127.0.0.1:{port}"]
        with (folder / "npm.log").open("wb") as log:
            process = subprocess.Popen(
                command, cwd=folder / "copy", env=clean_environment(PATH=path),
                stdin=subprocess.PIPE, stdout=log, stderr=log,
            )  # fmt: skip
        try:
            wait_for(lambda: answers(url), 60, "the example's server")
            yield Site(url, served, fake)
        finally:
            process.communicate(timeout=60)  # it ends with its standard input


def answers(url: str) -> bool:
    try:
        return Visitor(url).get("/build/main.js").status == 200
    except OSError:
        return False


@pytest.fixture
def example(new_page: Callable[..., Page], site: Site) -> Page:
    """A new chat of a new visitor."""
    site.fake.reset()
    page = new_page()
    page.goto(site.url)
    expect(page.locator("footer")).to_contain_text("Left: 6 messages, $")
    return page


def ask(page: Page, text: str) -> None:
    expect(page.get_by_role("button", name="Send")).to_be_visible()  # the last answer has ended
    page.get_by_label("Message").fill(text)
    page.keyboard.press("Enter")


def test_it_sends_streams_and_says_what_is_left(example: Page, site: Site) -> None:
    asked: list[Request] = []
    example.on("request", lambda request: asked.append(request))
    ask(example, told("Good *day*"))
    answer = example.locator(".assistant")
    expect(answer).to_have_text("Good *day*")
    expect(example.locator("footer")).to_contain_text("Left: 5 messages")
    ask(example, "And now? " + told("Again"))
    expect(answer.last).to_have_text("Again")
    expect(example.locator("footer")).to_contain_text("Left: 4 messages")
    assert len(site.fake.calls) == 2 and "Good *day*" in json.dumps(site.fake.calls[-1].body), "the server knows"
    posted = [request for request in asked if request.method == "POST"]
    assert posted and all(request.url.startswith(site.server.url) for request in posted)
    # What another origin's script may see of an answer, beside its body.
    headers = example.evaluate(
        """async (server) => {
            const turn = { id: 'abcdefgh', messages: [{ role: 'user', parts: [{ type: 'text', text: 'Hello' }] }] };
            const headers = { 'Content-Type': 'application/json' };
            const asked = { method: 'POST', credentials: 'include', headers, body: JSON.stringify(turn) };
            const answer = await fetch(`${server}/api/chat`, asked);
            await answer.text();
            return Object.fromEntries(answer.headers);
        }""",
        site.server.url,
    )
    assert headers["x-vercel-ai-ui-message-stream"] == "v1" and "ratelimit" in headers


def test_a_stop_ends_the_answer_at_openai_and_keeps_what_is_there(example: Page, site: Site) -> None:
    ask(example, STALL)
    answer = example.locator(".assistant")
    expect(answer).to_have_text("tok " * 8 + "tok")  # all that comes: of a later word the server would know alone
    example.get_by_role("button", name="Stop").click()
    expect(example.get_by_role("button", name="Send")).to_be_visible()
    assert site.fake.wait(lambda: site.fake.calls[-1].closed_at, 15), "the upstream's connection was closed"
    said = answer.inner_text()
    assert 0 < said.count("tok") < 400 and not example.get_by_role("alert").count()
    example.reload()
    expect(answer).to_have_text(said)


def test_a_reload_shows_what_there_is_of_the_answer_and_goes_on_listening(example: Page, site: Site) -> None:
    ask(example, "Hello [fake: tokens 60; hold 20]")
    expect(example.locator(".assistant")).to_contain_text("tok tok")
    with example.expect_response("**/stream"):  # from now on it listens
        example.reload()
    expect(example.locator(".user")).to_have_text(re.compile("^Hello"))
    expect(example.locator(".assistant")).to_contain_text("tok tok")
    site.fake.go_on()
    expect(example.locator(".assistant")).to_have_text(re.compile(r"^(tok ?){60}$"))
    expect(example.get_by_role("button", name="Send")).to_be_visible()
    assert len(site.fake.calls) == 1


def test_problems_are_told_in_the_servers_words(example: Page, watch: Watch) -> None:
    watch.expected += ["status of 429", "status of 503"]
    ask(example, "[fake: error model_not_found]")
    alert = example.get_by_role("alert")
    expect(alert).to_have_text(re.compile(r"^The assistant is not available.*\.$"))
    ask(example, "Hello [fake: cut 5]")
    expect(alert).to_contain_text("broke off")
    for number in range(4):
        ask(example, told(f"Answer {number}"))
        expect(example.locator(".assistant").last).to_have_text(f"Answer {number}")
    expect(example.locator("footer")).to_contain_text("Left: 0 messages")
    ask(example, "One too many")
    expect(alert).to_contain_text("You have sent a lot of messages.")


def test_it_is_small_and_holds_no_key_and_the_readme_tells_how_to_allow_it() -> None:
    source = [*(EXAMPLE / "src").iterdir(), EXAMPLE / "www/index.html", EXAMPLE / "www/style.css"]
    assert sum(len(path.read_text().splitlines()) for path in source) < 120
    assert not [path for path in source if re.search(r"sk-|api_?key|OPENAI", path.read_text(), re.I)]
    package = json.loads((EXAMPLE / "package.json").read_text())
    own = re.search(r"--serve=(\S+)", package["scripts"]["start"])
    assert own and f"ALLOWED_ORIGINS=http://{own[1]}" in (EXAMPLE / "README.md").read_text()
    tested = json.loads((ROOT / "tests/wire/package.json").read_text())["dependencies"]["ai"]
    assert package["dependencies"]["ai"] == tested
