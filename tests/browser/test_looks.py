"""The pages are readable and usable by everybody: in both colours, on a phone, by keyboard and by screen reader."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.chat_page import ChatPage, told
from tests.browser.conftest import DESKTOP, PHONE
from tests.fake_openai import FakeOpenAI

AXE = (Path(__file__).parent / "vendor" / "axe-4.14.1.min.js").read_text()
ANSWER = (Path(__file__).parent / "answer.md").read_text()
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
SMALL_TARGETS = """(least) => [...document.querySelectorAll('a, button, select, summary, textarea')]
    .filter((node) => node.checkVisibility({ visibilityProperty: true }) && !node.closest('p, li, td, .skip-link'))
    .map((node) => [node.className || node.localName, node.getBoundingClientRect()])
    .filter(([, { width, height }]) => width < least || height < least)
    .map(([name, { width, height }]) => `${name} ${width}x${height}`)"""


def violations(page: Page) -> list[str]:
    """What axe finds on the page as it is."""
    page.evaluate(f"() => {{ {AXE} }}")
    found = page.evaluate(
        """(rules) => {
            const edge = (name, side) => document.querySelector(name)?.getBoundingClientRect()[side];
            const [above, below] = [edge('.bar', 'bottom') ?? 0, edge('.dock', 'top') ?? innerHeight];
            const isHalfSeen = ({ target }) => {
                const node = document.querySelector(target[0]);
                const { top, bottom } = node.getBoundingClientRect();
                return node.closest('.stage') && (top < above || bottom > below);
            };
            const isWrong = (id) => (node) => id !== 'target-size' || !isHalfSeen(node);
            return axe.run({ runOnly: rules, rules: { 'heading-order': { enabled: false } } }).then(({ violations }) =>
                violations.map((rule) => ({ ...rule, nodes: rule.nodes.filter(isWrong(rule.id)) })));
        }""",
        RULES,
    )  # a model chooses its own headings; what scrolls under the bar or the dock is no smaller for that
    return [f"{rule['id']}: {node['html'][:120]} {node['failureSummary']}" for rule in found for node in rule["nodes"]]


@pytest.mark.parametrize("colours", ["light", "dark"])
@pytest.mark.parametrize("device", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_the_chat_page_has_no_barriers_in_any_state(
    new_page: Callable[..., Page],
    fake: FakeOpenAI,
    serve: Callable[..., Any],
    watch: Any,
    tmp_path: Path,
    device: dict[str, Any],
    colours: str,
) -> None:
    watch.expected.append("429")
    page = new_page(**device, color_scheme=colours, reduced_motion="reduce")
    chat = ChatPage(page, serve(**fake.env, LIMIT_VISITOR="3/minute").url)
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    seen = [look(page, tmp_path / "empty.png")]
    chat.box.fill(told(ANSWER))
    chat.send.click()
    chat.wait()
    seen.append(look(page, tmp_path / "answer.png"))
    chat.box.fill("[fake: tokens 30; delay 5; cut 20; summary Well]")
    chat.send.click()
    chat.wait()
    chat.box.fill("[fake: tokens 9; incomplete 5 max_output_tokens]")
    chat.send.click()
    chat.wait()
    chat.box.fill("one too many")
    chat.send.click()
    expect(chat.errors).to_have_count(2)
    seen.append(look(page, tmp_path / "errors.png"))
    assert len(set(seen)) == 3
    least = 44 if device is PHONE else 24
    assert page.evaluate(SMALL_TARGETS, least) == []


@pytest.mark.parametrize("colours", ["light", "dark"])
@pytest.mark.parametrize("device", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_the_tutor_the_guide_and_the_error_page_have_no_barriers(
    new_page: Callable[..., Page],
    serve: Callable[..., Any],
    watch: Any,
    tmp_path: Path,
    device: dict[str, Any],
    colours: str,
) -> None:
    watch.expected.append("404")
    page = new_page(**device, color_scheme=colours)
    url = serve().url
    for path in ("/", "/guide/get-a-key", "/guide/what-it-costs", "/guide/reference/threats", "/no-such-page"):
        page.goto(url + path)
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        if path == "/":
            expect(page.locator(".suggestion")).to_have_count(4)
        look(page, tmp_path / "page.png")


def look(page: Page, picture: Path) -> bytes:
    """A picture of the page, after checks that hold for each: no barriers, nothing to scroll sideways."""
    assert violations(page) == []
    width = page.viewport_size["width"]  # type: ignore[index]
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    seen = page.screenshot(path=picture)
    assert len(seen) > 8_000, "hardly anything to see"
    return seen


def test_at_320_pixels_nothing_needs_sideways_scrolling(
    new_page: Callable[..., Page], fake: FakeOpenAI, serve: Callable[..., Any]
) -> None:
    names = sorted(fake.models)[:2]
    page = new_page(viewport={"width": 320, "height": 640}, has_touch=True, is_mobile=True)
    settings = {**fake.env, "OPENAI_MODEL": names[0], "OPENAI_MODELS": ",".join(names)}
    chat = ChatPage(page, serve(**settings).url)
    chat.box.fill(told(ANSWER + "\n\n" + "x" * 300 + "\n\n[" + "y" * 100 + "](https://" + "z" * 60 + ".example)"))
    chat.send.click()
    chat.wait()
    assert page.evaluate("[document.documentElement.scrollWidth, innerWidth]") == [320, 320]


def test_with_motion_reduced_nothing_moves(
    new_page: Callable[..., Page], fake: FakeOpenAI, serve: Callable[..., Any]
) -> None:
    page = new_page(reduced_motion="reduce")
    chat = ChatPage(page, serve(**fake.env).url)
    chat.ask("[fake: stall-first 2; tokens 3]")
    expect(page.locator(".thinking")).to_be_visible()
    assert page.evaluate("document.getAnimations().length") == 0
    expect(page.get_by_text("tok tok tok").first).to_be_visible(timeout=15_000)


def test_the_content_security_policy_is_the_strict_one(page: Page, serve: Callable[..., Any]) -> None:
    answer = page.goto(serve().url)
    assert answer is not None
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "trusted-types 'none'" in policy
    assert "unsafe" not in policy
