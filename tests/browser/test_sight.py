"""The page for all kinds of eyes: zoomed in, with large text, in colours that the system forces, with contrast."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.chat_page import ChatPage, told
from tests.browser.test_looks import ANSWER, look
from tests.browser.test_settings import open_settings
from tests.conftest import serving
from tests.fake_openai import FakeOpenAI

GROUNDS = ["paper", "raised", "sunken", "bubble", "hover", "tint", "danger-tint"]
TEXTS = ["ink", "quiet", "accent", "danger"]
EDGES = ["edge", "accent"]
COLOURS = """(names) => {
    const probe = document.body.appendChild(document.createElement('i'));
    const seen = names.map((name) => {
        probe.style.color = `var(--${name})`;
        return [name, getComputedStyle(probe).color.match(/[\\d.]+/g).map(Number)];
    });
    probe.remove();
    return Object.fromEntries(seen);
}"""
# Text that its own box cuts off, without dots to say so and without a way to scroll to it.
CUT = """() => [...document.querySelectorAll('body *')]
    .filter((node) => node.checkVisibility({ visibilityProperty: true })
    && [...node.childNodes].some((child) => child.nodeType === 3 && child.data.trim())
    && !node.closest('.visually-hidden, .skip-link, option, select, textarea')).filter((node) => {
        const range = document.createRange();
        range.selectNodeContents(node);
        const text = range.getBoundingClientRect();
        for (let box = node; box; box = box.parentElement) {
            const style = getComputedStyle(box);
            if (/auto|scroll/.test(style.overflow) || style.textOverflow === 'ellipsis') return false;
            const { left, right } = box.getBoundingClientRect();
            const clips = box === document.documentElement || style.overflowX !== 'visible';
            if (clips && (text.left < left - 1 || text.right > right + 1)) return true;
        }
        return false;
    }).map((node) => `${node.className || node.localName}: ${node.textContent.trim().slice(0, 40)}`)"""


@pytest.fixture(scope="module")
def url(upstream: FakeOpenAI, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with serving(tmp_path_factory.mktemp("sight")) as start:
        yield start(**upstream.env, LIMIT_VISITOR="3/hour").url


def luminance(colour: list[float]) -> float:
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in (part / 255 for part in colour[:3])]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: list[float], other: list[float]) -> float:
    """As WCAG 2 reckons it, from 1 to 21."""
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("colours", ["light", "dark"])
def test_every_colour_of_text_and_edges_stands_out_on_every_ground(page: Page, url: str, colours: str) -> None:
    page.emulate_media(color_scheme=colours)
    page.goto(url)
    palette = page.evaluate(COLOURS, [*GROUNDS, *TEXTS, *EDGES, "on-accent"])
    pairs = [(text, ground, 4.5) for text in TEXTS for ground in GROUNDS]
    pairs += [(edge, ground, 3.0) for edge in EDGES for ground in GROUNDS] + [("on-accent", "accent", 4.5)]
    found = {(one, other): contrast(palette[one], palette[other]) for one, other, _ in pairs}
    assert {pair: round(found[pair[:2]], 2) for pair in pairs if found[pair[:2]] < pair[2]} == {}
    assert found["ink", "paper"] > 12, "so black was not compared with black"


@pytest.mark.parametrize(
    "device,text",
    [
        ({"viewport": {"width": 640, "height": 430}, "device_scale_factor": 2}, "normal"),
        ({"viewport": {"width": 320, "height": 640}, "has_touch": True, "is_mobile": True}, "larger"),
    ],
    ids=["zoom", "large text"],
)
def test_zoomed_in_or_with_the_largest_text_nothing_is_cut_off(
    new_page: Callable[..., Page], url: str, tmp_path: Path, watch: Any, device: dict[str, Any], text: str
) -> None:
    watch.expected.append("429")
    page = new_page(**device, reduced_motion="reduce")
    page.add_init_script(f"localStorage.setItem('text', '{text}')")
    chat = ChatPage(page, url)
    expect(page.locator("[data-part=left]")).to_contain_text(" left")

    def sees(name: str) -> None:
        look(page, tmp_path / f"{name}.png")
        assert page.evaluate(CUT) == [], name

    sees("empty")
    assert page.evaluate("parseFloat(getComputedStyle(document.documentElement).fontSize)") == (
        16 if text == "normal" else 20.8
    )
    for _ in range(3):
        chat.box.fill(told(ANSWER))
        chat.send.click()
        chat.wait()
    sees("answer")
    chat.box.fill("one too many")
    chat.send.click()
    expect(chat.errors).to_be_visible()
    expect(page.locator(".allowance")).to_be_hidden()
    sees("error")
    dialog = open_settings(page)
    sees("settings")
    dialog.get_by_role("button", name="Delete my data").click()
    expect(page.get_by_role("alertdialog")).to_be_visible()
    sees("deletion")
    page.keyboard.press("Escape")
    dialog.get_by_role("button", name="Keyboard shortcuts").click()
    expect(page.get_by_role("dialog", name="Keyboard shortcuts")).to_be_visible()
    sees("shortcuts")
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    sees("drawer")
    page.get_by_role("button", name=" left").click()
    expect(page.get_by_role("dialog", name="Allowance")).to_be_visible()
    sees("allowance")


@pytest.mark.parametrize("width", [740, 932])
@pytest.mark.parametrize("direction", ["ltr", "rtl"])
def test_on_a_phone_on_its_side_nothing_lies_under_the_camera(
    new_page: Callable[..., Page], url: str, width: int, direction: str
) -> None:
    page = new_page(viewport={"width": width, "height": 360}, has_touch=True, is_mobile=True)
    insets = {"left": 59, "right": 17, "bottom": 21}
    if direction == "rtl":
        insets |= {"left": 17, "right": 59}
    page.context.new_cdp_session(page).send("Emulation.setSafeAreaInsetsOverride", {"insets": insets})
    chat = ChatPage(page, url)
    chat.box.fill("A question that fills its line, and then another one. " + told(ANSWER))
    chat.send.click()
    chat.wait()
    for path, parts in (("/", ".bar > *, .bubble, .markdown, .composer"), ("/guide/get-a-key", ".bar > *, .book > *")):
        if path != "/":
            page.goto(url + path)
        page.evaluate("(direction) => document.documentElement.dir = direction", direction)
        edges = """(nodes) => nodes.filter((node) => node.checkVisibility()).map((node) => {
            const { left, right } = node.getBoundingClientRect();
            return [left, innerWidth - right];
        })"""
        lefts, rights = zip(*page.locator(parts).evaluate_all(edges), strict=True)
        assert min(lefts) >= insets["left"] and min(rights) >= insets["right"]


# Buttons and boxes of which neither an edge nor a ground stands out from what is behind them.
FAINT = """() => [...document.querySelectorAll('button, textarea, input[type="search"], .segment, a.pill')]
    .filter((node) => node.checkVisibility({ visibilityProperty: true, opacityProperty: true }))
    .filter((node) => !node.closest('.grower'))
    .filter((node) => {
        const { borderTopWidth, borderTopStyle, borderTopColor } = getComputedStyle(node);
        const ground = getComputedStyle(document.body).backgroundColor;
        return !(parseFloat(borderTopWidth) && borderTopStyle !== 'none' && borderTopColor !== ground);
    }).map((node) => `${node.className} ${node.dataset.part}`)"""
GROUND = "(node) => getComputedStyle(node).backgroundColor"
OUTLINE = """(node) => {
    const { outlineStyle, outlineWidth } = getComputedStyle(node);
    return `${outlineStyle} ${outlineWidth}`;
}"""


def test_in_forced_colours_every_control_every_choice_and_the_focus_are_seen(
    new_page: Callable[..., Page], url: str, tmp_path: Path
) -> None:
    page = new_page(forced_colors="active", reduced_motion="reduce")
    chat = ChatPage(page, url)
    expect(page.locator("[data-part=left]")).to_contain_text(" left")
    assert page.evaluate("matchMedia('(forced-colors: active)').matches")
    look(page, tmp_path / "empty.png")
    assert page.evaluate(FAINT) == []
    assert page.locator(".composer").evaluate(OUTLINE) == "solid 2px"
    chat.ask_and_wait("[fake:text One]")
    look(page, tmp_path / "answer.png")
    assert page.evaluate(FAINT) == []
    current = page.locator(".chat-item:has([aria-current='page'])")
    assert current.evaluate(OUTLINE) == "solid 2px"

    temporary = page.get_by_role("button", name="Temporary chat")
    before = temporary.evaluate(GROUND)
    temporary.click()
    expect(temporary).to_have_attribute("aria-pressed", "true")
    assert temporary.evaluate(GROUND) != before

    dialog = open_settings(page)
    look(page, tmp_path / "settings.png")
    assert page.evaluate(FAINT) == []
    chosen, other = dialog.locator(".segment:has(:checked)").first, dialog.locator(".segment:not(:has(:checked))").first
    assert chosen.evaluate(GROUND) != other.evaluate(GROUND)
    page.keyboard.press("Tab")
    assert re.match("solid", dialog.locator(".segment:has(:focus-visible)").evaluate(OUTLINE))
    page.keyboard.press("Escape")
    page.get_by_role("button", name=" left").click()
    expect(page.get_by_role("dialog", name="Allowance")).to_be_visible()
    look(page, tmp_path / "allowance.png")
    meter = page.get_by_role("meter").first
    assert meter.locator("span").evaluate(GROUND) != meter.evaluate(GROUND)
