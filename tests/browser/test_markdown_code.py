"""Code in answers: coloured readably, without a jump and only when needed; saved as a file; formulas beside it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.chat_page import ChatPage, told
from tests.conftest import Served

KINDS = ["comment", "keyword", "string", "number", "title", "type", "attribute", "meta", "deletion", "plain"]
CODE = "def double(x: int) -> int:\n    return x * 2  # twice\n"
START = """async (text) => {
    const { MarkdownStream } = await import('/static/js/markdown/stream.js');
    const box = document.createElement('div');
    box.className = 'markdown';
    document.querySelector('.stage').append(box);
    window.stream = new MarkdownStream(box);
    stream.append(text);
    stream.render();
}"""


@pytest.fixture
def url(served: Served) -> str:
    return served.url


def test_grammars_and_katex_are_loaded_when_they_are_needed_and_not_before(page: Page, url: str) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url.rpartition("/vendor/")[2]))
    chat = ChatPage(page, url)
    chat.ask_and_wait(told("```unheard-of\nx = 1\n```\n\nIt costs $5 or $6."))
    assert not [name for name in asked if name.startswith(("highlight", "katex"))]
    chat.ask_and_wait(told(f"```py\n{CODE}```\n\nand $\\vec{{v}}$"))
    expect(chat.answer.locator(".code-keyword")).to_have_text(["def", "return"])
    expect(chat.answer.locator(".katex-mathml")).to_have_count(1)
    arrow = chat.answer.locator(".katex svg").bounding_box()
    assert arrow and arrow["width"] > 3, "drawn without its style"
    highlight = [name for name in asked if name.startswith("highlight")]
    assert highlight == ["highlight.js-11.12.0/core.min.js", "highlight.js-11.12.0/languages/python.min.js"]
    katex = [name for name in asked if name.startswith("katex")]
    assert {name.rsplit(".", 1)[1] for name in katex} == {"js", "css", "woff2"}


def test_a_code_block_is_saved_under_a_fitting_name(page: Page, url: str, tmp_path: Path) -> None:
    chat = ChatPage(page, url)
    blocks = {
        "python": "code.py",
        "Dockerfile": "Dockerfile",
        "c++": "code.cpp",
        "": "code.txt",
        "../x.exe": "code.txt",
    }
    chat.ask_and_wait(told("\n\n".join(f"```{language}\n{CODE}```" for language in blocks)))
    buttons = chat.answer.get_by_role("button", name="Download").all()
    for button, name in zip(buttons, blocks.values(), strict=True):
        with page.expect_download() as saving:
            button.click()
        assert saving.value.suggested_filename == name
        saving.value.save_as(tmp_path / "saved")
        assert (tmp_path / "saved").read_text() == CODE
    assert page.url.startswith(f"{url}/c/")


def test_colouring_moves_nothing_and_keeps_what_the_reader_has_selected(page: Page, url: str) -> None:
    ChatPage(page, url)
    page.evaluate(START, f"Look:\n\n```python\n{CODE}")
    page.evaluate("getSelection().setBaseAndExtent(document.querySelector('pre code').firstChild, 4, "
                  "document.querySelector('pre code').firstChild, 10)")  # fmt: skip
    selected = "getSelection().toString()"
    height = "document.querySelector('.stage > .markdown').getBoundingClientRect().height"
    page.evaluate("stream.append('y = 3\\n'); stream.render()")
    assert page.evaluate(selected) == "double"
    page.evaluate("stream.append('```\\n\\nDone.\\n\\nReally.\\n'); stream.render(); stream.finish()")
    before = page.evaluate(height)
    page.wait_for_timeout(300)
    assert page.evaluate(selected) == "double"
    page.evaluate("getSelection().removeAllRanges()")
    expect(page.locator(".code-keyword")).to_have_text(["def", "return"])
    assert page.evaluate("document.querySelector('pre').textContent") == f"{CODE}y = 3"
    assert page.evaluate(height) == before


@pytest.mark.parametrize("colours", ["light", "dark"])
def test_every_colour_of_code_stands_out_from_its_ground(new_page: Callable[..., Page], url: str, colours: str) -> None:
    page = new_page(color_scheme=colours)
    ChatPage(page, url)
    page.evaluate(START, "```\nx\n```")
    shades = page.evaluate(
        """(kinds) => kinds.map((kind) => {
            const code = document.querySelector('pre code');
            code.className = `code-${kind}`;
            return getComputedStyle(code).color;
        }).concat(getComputedStyle(document.querySelector('.code')).backgroundColor)""",
        KINDS,
    )
    *inks, ground = [luminance(shade) for shade in shades]
    assert len(set(inks)) == len(KINDS)
    for kind, ink in zip(KINDS, inks, strict=True):
        assert (max(ink, ground) + 0.05) / (min(ink, ground) + 0.05) >= 4.5, kind


def luminance(shade: str) -> float:
    """WCAG's relative luminance of `rgb(r, g, b)`."""
    red, green, blue = (int(part) / 255 for part in shade.removeprefix("rgb(").removesuffix(")").split(", "))
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in (red, green, blue)]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
