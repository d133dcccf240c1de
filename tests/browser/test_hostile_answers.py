"""A model's answer may say anything: in the page it runs nothing, loads nothing and leads nowhere unsafe."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.chat_page import ChatPage, told
from tests.browser.hostile import CORPUS
from tests.conftest import Served

TEXT = {"p", "br", "strong", "em", "del", "code", "pre", "a", "span", "blockquote", "hr", "h3", "h4", "h5", "h6"}
TABLE = {"table", "colgroup", "col", "thead", "tbody", "tr", "th", "td"}
ELEMENTS = TEXT | TABLE | {"div", "button", "ul", "ol", "li"}
ATTRIBUTES = {"href", "target", "rel", "title", "class", "start", "type", "tabindex", "role", "aria-label", "dir"}
# What KaTeX makes, inside its own box only.
MATH = {"math", "semantics", "annotation", "mrow", "mi", "mo", "mn", "mtext", "mspace", "mstyle", "mpadded", "mphantom"}
MATH |= {"msup", "msub", "msubsup", "mover", "munder", "munderover", "mfrac", "msqrt", "mroot", "menclose", "mtable"}
MATH |= {"mtr", "mtd", "mlabeledtr", "mglyph", "svg", "path", "line", "span"}
MATH_ATTRIBUTES = {
    "class",
    "style",
    "xmlns",
    "encoding",
    "display",
    "aria-hidden",
    "d",
    "viewBox",
    "preserveAspectRatio",
}
MATH_ATTRIBUTES |= {
    "width",
    "height",
    "depth",
    "voffset",
    "lspace",
    "rspace",
    "minsize",
    "maxsize",
    "stretchy",
    "fence",
}
MATH_ATTRIBUTES |= {"mathvariant", "mathcolor", "mathbackground", "scriptlevel", "displaystyle", "linethickness"}
MATH_ATTRIBUTES |= {"rowspacing", "columnalign", "columnspacing", "columnlines", "rowlines", "accent", "accentunder"}
MATH_ATTRIBUTES |= {"separator", "notation", "side", "x1", "x2", "y1", "y2", "stroke-width", "movablelimits", "form"}
MATH_STYLE = (
    r"(height|width|min-width|top|bottom|left|(margin|padding)-(left|right|top|bottom)|vertical-align|position|color)"
)
MATH_STYLE = rf"({MATH_STYLE}|background-color|border(-(\w+-)?(width|style|color))?|text-shadow): [-\w.,%#() ]+;"
DANGEROUS_WHEN_SET = "img, script, iframe, object, embed, style, link, meta, base, form, input, template, audio, video"

DRAWN = """async (root) => {
    const pause = (ms) => new Promise((done) => setTimeout(done, ms));
    for (let top = 0; top < document.documentElement.scrollHeight; top += 2 * innerHeight) {
        scrollTo(0, top);
        await pause(30);
    }
    const waiting = () => [...root.querySelectorAll('.language-php')].some((code) => !code.children.length);
    const formulas = () => root.querySelectorAll('.formula *').length > 20;
    for (let tries = 0; (waiting() || !formulas()) && tries < 400; tries += 1) await pause(50);
    await pause(200);
}"""
STREAMED = """async (texts) => {
    const { MarkdownStream } = await import('/static/js/markdown/stream.js');
    const answer = [...document.querySelectorAll('article.reply .markdown')].at(-1);
    answer.replaceChildren(...texts.map(() => document.createElement('div')));
    texts.forEach((text, index) => {
        const stream = new MarkdownStream(answer.children[index]);
        const size = text.length > 500 ? 97 : 1 + index % 3;
        for (let start = 0; start < text.length; start += size) {
            stream.append(text.slice(start, start + size));
            stream.render();
        }
        stream.finish();
    });
}"""


@pytest.fixture
def url(served: Served) -> str:
    return served.url


def test_the_corpus_is_large() -> None:
    assert len(set(CORPUS)) == len(CORPUS) > 200


@pytest.mark.parametrize("part", range(4))
def test_hostile_answers_run_nothing_load_nothing_and_lead_nowhere_unsafe(page: Page, url: str, part: int) -> None:
    """As they arrive, as they are stored, and each by itself in pieces of a few characters."""
    texts = CORPUS[part::4]
    requests: list[str] = []
    page.on("request", lambda request: requests.append(request.url))
    page.on("dialog", lambda dialog: pytest.fail(dialog.message))
    page.context.on("page", lambda opened: pytest.fail(opened.url))
    chat = ChatPage(page, url)
    chat.ask_and_wait(told("\n\n".join([*texts, "The end"])))
    expect(chat.answer).to_contain_text("The end")
    assert_harmless(chat)
    page.reload()
    expect(chat.answer).to_contain_text("The end")
    assert_harmless(chat)
    chat.answer.evaluate(f"(_, texts) => ({STREAMED})(texts)", texts)
    assert_harmless(chat)
    chat.answer.evaluate("""(root) => {
        for (const node of root.querySelectorAll('a, button, [tabindex]')) node.focus();
        const over = new MouseEvent('mouseover', { bubbles: true });
        for (const node of root.querySelectorAll('*')) node.dispatchEvent(over);
    }""")
    for link in chat.answer.locator("a").all()[:10]:
        link.hover(force=True)
    assert page.evaluate("window.hit") is None
    assert page.url.startswith(f"{url}/c/")
    assert [address for address in requests if not address.startswith(f"{url}/")] == []


def assert_harmless(chat: ChatPage) -> None:
    chat.answer.evaluate(DRAWN)
    found = chat.answer.evaluate("""(root) => [...root.querySelectorAll('*')].map((node) => [
        node.localName,
        Object.fromEntries([...node.attributes].map(({ name, value }) => [name, value])),
        node.origin,
        Boolean(node.closest('.formula') && !node.matches('.formula'))])""")
    assert sum(inside for *_, inside in found) > 20
    for name, attributes, origin, inside in found:
        if inside:
            assert_only_math(name, attributes)
        else:
            assert_only_markdown(name, attributes, None if origin == chat.page.url.split("/c/")[0] else origin)
    assert chat.answer.locator(DANGEROUS_WHEN_SET).count() == 0


def assert_only_markdown(name: str, attributes: dict[str, str], other_site: str | None) -> None:
    assert name in ELEMENTS, name
    own = {"table": {"style"}, "col": {"width"}}.get(name, set())
    assert set(attributes) <= ATTRIBUTES | own, attributes
    assert re.fullmatch(r"(min-width: \d+ch;)?", attributes.get("style", "")), attributes
    if name == "a":
        assert re.match(r"https?://|mailto:" if other_site else r"/(?![/\\])", attributes["href"]), attributes
        if other_site:
            assert not re.search(r"[^\x21-\x7e]", attributes["href"]), attributes
        if other_site and not attributes["href"].startswith("mailto:"):
            assert attributes["rel"] == "noopener noreferrer", attributes
            assert attributes["target"] == "_blank", attributes


def assert_only_math(name: str, attributes: dict[str, str]) -> None:
    assert name in MATH | {"code"}, name
    assert set(attributes) <= MATH_ATTRIBUTES, attributes
    assert re.fullmatch(rf"(\s*{MATH_STYLE})*", attributes.get("style", "")), attributes
    assert "url" not in attributes.get("style", "")


def test_what_a_visitor_types_stays_text(page: Page, url: str) -> None:
    chat = ChatPage(page, url)
    typed = "<img src=x onerror=window.hit=1> **not bold** [x](javascript:window.hit=1)"
    chat.ask_and_wait(typed)
    expect(chat.questions.locator(".bubble")).to_have_text(typed)
    assert chat.questions.locator(".bubble *").count() == 0
    assert page.evaluate("window.hit") is None


def test_links_say_where_they_lead_and_leave_by_their_own_tab(page: Page, url: str) -> None:
    chat = ChatPage(page, url)
    chat.ask_and_wait(
        told(
            "![A cat](https://pictures.example/cat.png), [out](https://out.example/), "
            "[paypal](https://p\u0430ypal.example/), [in](/guide/keep-it-safe#storage)"
        )
    )
    image, outside, lookalike, inside = chat.answer.get_by_role("link").all()
    expect(image).to_have_text("A cat (image on pictures.example)")
    expect(image).to_have_attribute("href", "https://pictures.example/cat.png")
    expect(outside).to_have_attribute("target", "_blank")
    expect(lookalike).to_have_text("paypal (xn--pypal-4ve.example)")
    expect(inside).to_have_attribute("href", "/guide/keep-it-safe#storage")
    assert inside.get_attribute("target") is None
    inside.click()
    expect(page).to_have_url(re.compile("/guide/keep-it-safe#storage$"))
