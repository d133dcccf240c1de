"""The pages are readable and usable by everybody: in both colours, on a phone, by keyboard and by screen reader."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, expect

from tests.browser.chat_page import ChatPage, told
from tests.browser.conftest import two_looks
from tests.conftest import Served
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
    if not page.evaluate("'axe' in window"):
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


@two_looks
def test_the_tutor_the_guide_and_the_error_page_have_no_barriers(
    new_page: Callable[..., Page],
    tutored: Served,
    watch: Any,
    tmp_path: Path,
    device: dict[str, Any],
    colours: str,
) -> None:
    watch.expected.append("404")
    page = new_page(**device, color_scheme=colours)
    for path in ("/", "/guide/get-a-key", "/guide/what-it-costs", "/guide/reference/threats", "/no-such-page"):
        page.goto(tutored.url + path)
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


def test_at_320_pixels_nothing_needs_sideways_scrolling(new_page: Callable[..., Page], served: Served) -> None:
    page = new_page(viewport={"width": 320, "height": 640}, has_touch=True, is_mobile=True)
    models = ["gpt-6-sol", "gpt-6-luna"]
    page.route("**/api/me", lambda route: route.fulfill(json={**route.fetch().json(), "models": models}))
    chat = ChatPage(page, served.url)
    expect(page.get_by_label("Model")).to_be_visible()
    chat.box.fill(told(ANSWER + "\n\n" + "x" * 300 + "\n\n[" + "y" * 100 + "](https://" + "z" * 60 + ".example)"))
    chat.send.click()
    chat.wait()
    assert page.evaluate("[document.documentElement.scrollWidth, innerWidth]") == [320, 320]


def test_with_motion_reduced_nothing_moves(new_page: Callable[..., Page], served: Served, fake: FakeOpenAI) -> None:
    page = new_page(reduced_motion="reduce")
    chat = ChatPage(page, served.url)
    chat.ask("[fake: tokens 3; hold 0]")
    expect(page.locator(".thinking")).to_be_visible()
    assert page.evaluate("document.getAnimations().length") == 0
    assert fake.wait(lambda: fake.calls)
    fake.go_on()
    expect(chat.answer).to_have_text("tok tok tok")


def test_the_content_security_policy_is_the_strict_one(page: Page, tutored: Served) -> None:
    answer = page.goto(tutored.url)
    assert answer is not None
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "trusted-types 'none'" in policy
    assert "unsafe" not in policy
